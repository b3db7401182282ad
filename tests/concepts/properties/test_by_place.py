"""Properties of tokens in seven languages, and against slower or independent readings."""

import ast
import io
import sysconfig
import tokenize
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path

import pytest
from tree_sitter import Node

from neurosieve.concepts.properties import PROPERTIES, Source, tokens
from neurosieve.concepts.properties.by_place import BRACKETS, DEPTHS
from neurosieve.data.schemes import label_spans
from tests.concepts.properties import SMALL, shown, values
from tests.data.code import SAMPLES

INITIAL = {"first": "f", "inner": ".", "last": "l", "only": "o", None: "-"}
MODULES = ("bisect", "contextlib", "dataclasses", "fnmatch", "graphlib", "reprlib")
# One letter or digit a token of SMALL.
STATEMENTS = {
    "python": "flf.....flf.........f........l---f..........l",
    "java": "f...lf....----f......f..........l---f.........lll",
    "c": "flf...f.l..l----f..........f.......l---f.........ll",
    "cpp": "f...lf.....---f........f.......l---f...........llf.ll-",
    "javascript": "f.....lf....----f....f..........l---f.........lll",
    "go": "flf.lf...fll---f............f.....l---f........ll",
    "rust": "f...lf..f.llf..---f............f.......l---.........ll",
}
DEPTH = {
    "python": "000001000000011111000000001000000000111111110",
    "java": "0000000000111111122112222222322222222223333332210",
    "c": "000000111000000000011111100111111111111111222222110",
    "cpp": "000000000001111112222112222222222222222233333322111100",
    "javascript": "0010000000001111112112222222322222222223333332210",
    "go": "0000000001100000011100011000111111111111122222210",
    "rust": "000000001110000111111222222111122222222222222333333210",
}
ROLES = {
    "python": "os:import Box:class get_it:function self:parameter aKey:parameter x:local self:parameter MAX:attribute "
    "f:call x:local aKey:parameter",
    "java": "a:import B:import Box:class Base:type getIt:function aKey:parameter x:local max:attribute f:call x:local "
    "aKey:parameter",
    "c": "box:class size:attribute Box:class get_it:function Box:type b:parameter aKey:parameter x:local b:parameter "
    "size:attribute f:call x:local aKey:parameter",
    "cpp": "std:import min:import Box:class Base:type getIt:function aKey:parameter x:local size_:attribute f:call "
    "x:local aKey:parameter size_:attribute",
    "javascript": "b:import Box:class Base:type getIt:function aKey:parameter x:local max:attribute f:call x:local "
    "aKey:parameter",
    "go": "main:import b:import Box:class size:attribute int:type s:parameter Box:type GetIt:function aKey:parameter "
    "int:type int:type x:local s:parameter size:attribute f:call x:local aKey:parameter",
    "rust": "a:import B:import Box:class size:attribute Box:type get_it:function a_key:parameter x:local "
    "size:attribute f:call x:local a_key:parameter",
}
DEFINED = {
    "python": "Box get_it self aKey x",
    "java": "Box getIt aKey x",
    "c": "box size Box get_it b aKey x",
    "cpp": "Box getIt aKey x size_",
    "javascript": "Box getIt aKey x",
    "go": "Box size s GetIt aKey x",
    "rust": "Box size get_it a_key x",
}
# What shows the scopes and the finer cases of roles; names without a role are left out.
NAMES = [
    (
        "python",
        "def f(a: int, *b): g = lambda z: z",
        "f:function a:parameter int:type b:parameter g:local z:parameter z:parameter",
    ),
    ("python", "class A(B): pass\nx.y(z=1)", "A:class y:call"),
    (
        "java",
        "class A { int n; void f() { n = g(n); { int n = 0; n++; } h(n); } }",
        "A:class n:attribute f:function n:attribute g:call n:attribute n:local n:local h:call n:attribute",
    ),
    (
        "java",
        "void f(T... a) { for (var b : a) b.c = x -> x; }",
        "f:function T:type a:parameter var:type b:local a:parameter b:local c:attribute x:parameter x:parameter",
    ),
    ("java", "@A enum E { X; int k() { return X; } }", "A:type E:class k:function"),
    (
        "java",
        "void f() { try { } catch (E e) { e.g(); } if (o instanceof P p) p.q(); }",
        "f:function E:type e:local e:local g:call P:type p:local p:local q:call",
    ),
    (
        "c",
        "#define M(a) (a)\nint x; int f(void) { int *y[2] = {x}; goto end; end: return *y[0]; }",
        "M:function a:parameter f:function y:local y:local",
    ),
    (
        "c",
        "enum e { A }; struct s *g(struct s *p) { return p->q.r(p); }",
        "e:class s:type g:function s:type p:parameter p:parameter q:attribute r:call p:parameter",
    ),
    (
        "cpp",
        "template <class T> T f(T& t) { for (auto& [a, b] : t) a(b); return N::g<T>(t); }",
        "T:type T:type f:function T:type t:parameter a:local b:local t:parameter a:call b:local g:call "
        "T:type t:parameter",
    ),
    (
        "cpp",
        "A::A(int x) : y_(x) {} A::~A() { auto l = [&](int z) { return z; }; }",
        "A:function x:parameter y_:attribute x:parameter A:function l:local z:parameter z:parameter",
    ),
    (
        "javascript",
        "const f = (a, {b, c: d}, ...e) => a + b + d + e; class A { #p = 1; m() { this.#p; } }",
        "f:function a:parameter b:parameter c:attribute d:parameter e:parameter a:parameter b:parameter "
        "d:parameter e:parameter A:class #p:attribute m:function #p:attribute",
    ),
    (
        "javascript",
        "function g(x) { let y = x; new K(y).z.w(); try { } catch (e) { e; } }",
        "g:function x:parameter y:local x:parameter K:type y:local z:attribute w:call e:local e:local",
    ),
    (
        "go",
        "func f(a ...int) (b T) { for i, x := range a { b.c(x, i) }; var y = K{z: b}; y }",
        "f:function a:parameter int:type b:parameter T:type i:local x:local a:parameter b:parameter "
        "c:call x:local i:local y:local K:type z:attribute b:parameter y:local",
    ),
    (
        "go",
        "type I interface { M(int) }\nfunc g[T any](t T) { switch v := t.(type) { default: v } }",
        "I:class M:function int:type g:function T:type any:type t:parameter T:type v:local t:parameter v:local",
    ),
    (
        "rust",
        "fn f<T>(x: &T, (y, z): (u8, u8)) { let Some(a) = g(x) else { return }; a.b::<T>(|c| c + y); }",
        "f:function T:type x:parameter T:type y:parameter z:parameter a:local g:call x:parameter a:local "
        "b:call T:type c:parameter c:parameter y:parameter",
    ),
    (
        "rust",
        "mod m { const C: u8 = 1; } use std::io as o; fn h() { m::k(C); println!(); }",
        "std:import io:import o:import h:function k:call println:call",
    ),
]


@cache
def module(name: str) -> Source:
    return Source((Path(sysconfig.get_path("stdlib")) / f"{name}.py").read_text(encoding="utf-8"), "python")


def column(source: Source, name: str) -> Iterator[tuple[int, int, str | None]]:
    spans = tokens(source)
    for (start, end), value in zip(spans, PROPERTIES[name].of(source, spans), strict=True):
        yield start, end, value


@pytest.mark.parametrize("language", SMALL)
def test_place_in_the_statement(language: str) -> None:
    assert "".join(INITIAL[v] for _, v in values("statement", SMALL[language], language)) == STATEMENTS[language]


@pytest.mark.parametrize("language", SMALL)
def test_brackets_around(language: str) -> None:
    assert "".join(v or "-" for _, v in values("bracket-depth", SMALL[language], language)) == DEPTH[language]


@pytest.mark.parametrize("language", SMALL)
def test_roles(language: str) -> None:
    assert shown("role", SMALL[language], language) == ROLES[language]


@pytest.mark.parametrize("language", SMALL)
def test_definitions(language: str) -> None:
    found = values("use", SMALL[language], language)
    assert " ".join(word for word, value in found if value == "definition") == DEFINED[language]
    roles = [role for _, role in values("role", SMALL[language], language)]
    assert [use for (_, use), role in zip(found, roles, strict=True) if role == "import" and use] == []
    assert not [role for (_, use), role in zip(found, roles, strict=True) if role not in (None, "import") and not use]


@pytest.mark.parametrize(("language", "text", "expected"), NAMES)
def test_names_are_looked_up_in_their_scopes(language: str, text: str, expected: str) -> None:
    source = Source(text, language)
    assert not source.parsed.errors
    assert shown("role", text, language) == expected


@pytest.mark.parametrize("language", SAMPLES)
def test_node_parent_and_depth_are_those_of_the_smallest_node(language: str) -> None:
    source = Source(SAMPLES[language], language)

    def around(start: int, end: int) -> list[Node]:
        place = [len(source.text[:at].encode()) for at in (start, end)]
        node = source.root.descendant_for_byte_range(*place)
        nodes = []
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes

    units = [(u.start, u.end) for u in source.units]
    found = [PROPERTIES[name].of(source, units) for name in ("node", "parent", "depth")]
    for span, node, parent, depth in zip(units, *found, strict=True):
        nodes = around(*span)
        assert (node, parent, depth) == (nodes[0].type, nodes[1].type, DEPTHS.of(len(nodes) - 1))


@pytest.mark.parametrize("name", MODULES)
def test_definitions_in_python_are_what_ast_stores(name: str) -> None:
    source = module(name)
    starts = [0, *accumulate(len(line) for line in source.text.splitlines(keepends=True))]
    found = {start: value for start, _, value in column(source, "use")}
    assert source.text.isascii()
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Name | ast.arg):
            stored = isinstance(node, ast.arg) or isinstance(node.ctx, ast.Store)
            at = starts[node.lineno - 1] + node.col_offset
            assert found[at] == ("definition" if stored else "use"), (name, node.lineno)


@pytest.mark.parametrize("name", MODULES)
def test_roles_in_python_are_those_of_the_scheme(name: str) -> None:
    source = module(name)
    found = {(a, b): value for a, b, value in column(source, "role") if value}
    scheme = {(a, b): label for a, b, label in label_spans(source.text, "identifier-role")}
    assert {span: found.get(span) for span in scheme} == scheme
    assert {value for span, value in found.items() if span not in scheme} <= {"type"}


@pytest.mark.parametrize("name", MODULES)
def test_brackets_in_python_are_those_of_the_tokenizer(name: str) -> None:
    source = module(name)
    starts = [0, *accumulate(len(line) for line in source.text.splitlines(keepends=True))]
    depth, expected = 0, {}
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        depth -= token.string in (")", "]", "}")
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER):
            expected[starts[token.start[0] - 1] + token.start[1]] = BRACKETS.of(depth)
        depth += token.type == tokenize.OP and token.string in ("(", "[", "{")
    found = {start: value for start, _, value in column(source, "bracket-depth")}
    assert {at: found[at] for at in expected if at in found} == {at: v for at, v in expected.items() if at in found}
    assert len(expected.keys() & found.keys()) > 0.98 * len(expected)


@pytest.mark.parametrize("name", MODULES[:2])
def test_place_in_line_function_and_file(name: str) -> None:
    source = module(name)
    lines = source.text.splitlines()
    firsts, lasts = (sum(bool(line.strip()) for line in lines) for _ in range(2))
    found = [value for *_, value in column(source, "line-position")]
    assert sum(v in ("first", "only") for v in found) == firsts
    assert sum(v in ("last", "only") for v in found) == lasts
    fifths = [str(value) for *_, value in column(source, "file-position")]
    assert fifths == sorted(fifths)
    assert set(fifths) == {f"{n}/5" for n in range(1, 6)}
    code = {start for start, _, label in column(source, "lexical") if label != "comment"}
    inside = [(a, v) for a, _, v in column(source, "function-position") if a in code]
    functions = [n for n in ast.walk(ast.parse(source.text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    rows = {row for f in functions for row in range(f.lineno, (f.end_lineno or 0) + 1)}
    assert all((source.text.count("\n", 0, a) + 1 in rows) == (v is not None) for a, v in inside)


def test_the_innermost_function_and_statement_count() -> None:
    text = "def f():\n    def g(): pass\n    return 1\nx"
    found = dict(values("function-position", text))
    assert (found["f"], found["g"], found["pass"], found["1"], found["x"]) == ("1/5", "2/5", "4/5", "5/5", None)
    assert dict(values("statement", text))["pass"] == "only"
    assert dict(values("statement", text))["x"] == "only"


def test_a_span_of_several_words_has_the_value_of_the_first() -> None:
    source = Source("ab = f(1)", "python")
    assert PROPERTIES["lexical"].of(source, [(0, 9), (4, 9), (2, 6), (7, 9), (2, 3)]) == [
        "identifier",
        "identifier",
        "operator",
        "number",
        None,
    ]
