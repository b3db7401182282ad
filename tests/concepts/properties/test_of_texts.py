"""Counts over whole texts: by hand in seven languages, in Python against `ast`."""

import ast
import sysconfig
from pathlib import Path

import pytest

from neurosieve.concepts.properties import PROPERTIES, Source, complexity, nesting
from neurosieve.concepts.properties.measure_queries import FAMILIES
from neurosieve.concepts.properties.of_texts import measured
from tests.concepts.properties import whole

MODULES = ("bisect", "contextlib", "dataclasses", "fnmatch", "graphlib", "argparse", "textwrap")
# Complexity and nesting by hand, then what is counted: loops, arrays, pointers, nulls.
COUNTED = [
    ("python", "x = 1", 1, 0, {}),
    ("python", "def f(a):\n if a and b or c: pass\n elif d: pass\n else: pass", 5, 1, {}),
    ("python", "for i in x:\n while y:\n  z = [a for a in b if a]", 5, 2, {"loop": 2, "array": 1}),
    ("python", "try: x\nexcept A: y\nexcept B: z\nfinally: w", 3, 1, {"catch": 2}),
    ("python", "match x:\n case 1: a\n case None: b\n case _: c", 3, 1, {}),
    ("python", "x = a if b is None else c != None\ny = [1][0]", 2, 0, {"null": 2, "array": 2}),
    ("java", "int f(int a) { if (a > 1 && b) x(); else if (c) y(); return a; }", 4, 1, {}),
    ("java", "void f() { for (;;) do { } while (a); for (T t : ts) while (b) c(); }", 5, 2, {"loop": 4}),
    ("java", "void f() { try { g(); } catch (E e) { } switch (a) { case 1: b(); default: c(); } }", 3, 1, {"catch": 1}),
    ("java", "void f() { x = a == null || null != b ? c[0] : new int[3]; }", 3, 0, {"null": 2, "array": 2}),
    ("c", "int f(int *a) { if (a == NULL || !*a) return 0; else if (b) return 1; return a->c; }", 4, 1, {"pointer": 3}),
    ("c", "void f() { for (;;) { while (a) ; } do { } while (b); }", 4, 2, {"loop": 3}),
    (
        "c",
        "int f(int x[3]) { switch (a) { case 1: case 2: return x[0]; default: return b ? 1 : 2; } }",
        4,
        1,
        {"array": 2},
    ),
    ("cpp", "int f() { for (auto x : y) try { throw 1; } catch (...) { delete p; } }", 3, 2, {"loop": 1, "throw": 1}),
    ("cpp", "bool f(T* p) { return p != nullptr and p->q or *p; }", 3, 0, {"null": 1, "pointer": 3}),
    ("javascript", "function f(a) { if (a === null) b(); else if (c) d(); else { if (e) g(); } }", 4, 2, {"null": 1}),
    ("javascript", "for (const x of y) for (z in w) while (1) do { } while (a ?? b)", 6, 4, {"loop": 4}),
    ("javascript", "switch (a) { case 1: b; case 2: c[0]; default: d } x = a ? [1] : 2", 4, 1, {"array": 2}),
    ("go", "func f() { if a == nil { } else if b { } else { if c && d { } } }", 5, 2, {"null": 1}),
    (
        "go",
        "func f(p *T) { for i := range x { switch { case a: default: } }; q = &p; x[0] = *q }",
        3,
        2,
        {"pointer": 3},
    ),
    ("go", "func f() { select { case <-c: default: }; var a []int; b := [2]int{}; a = a[1:] }", 2, 1, {"array": 3}),
    ("rust", "fn f() { if a && b { } else if c { loop { break; } } }", 4, 2, {"loop": 1}),
    (
        "rust",
        "fn f(x: &T) { match *x { A => 1, _ if b => 2, _ => 3 }; while let Some(y) = z { } }",
        4,
        1,
        {"pointer": 2},
    ),
    (
        "rust",
        "fn f() { for i in [1, 2] { a[i]; } if x.is_none() { panic!() } }",
        3,
        1,
        {"array": 2, "null": 1, "throw": 1},
    ),
]
RECURSION = [
    ("python", "def f(a): return f(a - 1)", "yes"),
    ("python", "def f(a): return g(a)\ndef g(a): return f(a)", "no"),
    ("python", "class A:\n def f(self): return self.f()", "yes"),
    ("python", "class A:\n def f(self): return self.x.f()", "no"),
    ("python", "def f():\n def g(): return f()\n return g", "yes"),
    ("python", "f()", None),
    ("java", "int f(int a) { return f(a - 1) + this.g(); }", "yes"),
    ("java", "int f(int a) { return x.f(a); }", "no"),
    ("java", "int f(int a) { return this.f(a); }", "yes"),
    ("c", "int f(int a) { return a ? f(a - 1) : 0; }", "yes"),
    ("c", "int f(int);\nint g(int a) { return f(a); }", "no"),
    ("cpp", "int A::f(int a) { return this->f(a); }", "yes"),
    ("javascript", "function f(a) { return f(a) }", "yes"),
    ("javascript", "class A { f() { return this.f() } }", "yes"),
    ("go", "func f(a int) int { return f(a) }", "yes"),
    ("go", "func (t *T) f() { t.f() }", "yes"),
    ("go", "func (t *T) f() { u.f() }", "no"),
    ("rust", "fn f(a: u8) { f(a) }", "yes"),
    ("rust", "impl A { fn f(&self) { self.f(); } }", "yes"),
]
EXCEPTIONS = [
    ("python", "try: raise A\nexcept A: pass", "both"),
    ("python", "raise A", "throws"),
    ("java", "void f() { throw new E(); }", "throws"),
    ("java", "void f() { try { } catch (E e) { } }", "handles"),
    ("c", "int x;", None),
    ("cpp", "int x;", "none"),
    ("javascript", "try { throw 1 } catch { }", "both"),
    ("go", 'func f() { defer g(); panic("x") }', "throws"),
    ("go", "func f() { r := recover() }", "handles"),
    ("rust", "fn f() { unreachable!() }", "throws"),
]
CALLS = {
    "memory": ("c", "void f() { p = malloc(3); }", "void f() { p = mallow(3); }"),
    "string": ("java", "void f() { a.substring(1); }", "void f() { a.string(1); }"),
    "io": ("python", "open(x).readlines()", "opened(x).ready()"),
    "network": ("c", "void f() { recv(s); }", "void f() { receive(s); }"),
    "process": ("python", "os.fork()", "os.forked()"),
    "threads": ("cpp", "void f() { m.lock(); }", "void f() { m.block(); }"),
    "math": ("go", "func f() { math.Sqrt(2) }", "func f() { math.Square(2) }"),
    "time": ("javascript", "setTimeout(f, 1)", "setTime(f, 1)"),
    "collections": ("rust", "fn f() { v.push(1); }", "fn f() { v.rush(1); }"),
    "logging": ("python", "logger.warning(x)", "logger.warned(x)"),
}


@pytest.mark.parametrize(("language", "text", "decisions", "depth", "counts"), COUNTED)
def test_counts_by_hand(language: str, text: str, decisions: int, depth: int, counts: dict[str, int]) -> None:
    source = Source(text, language)
    assert not source.parsed.errors
    assert (complexity(source), nesting(source)) == (decisions, depth)
    assert {mark: len(measured(source).get(mark, ())) for mark in counts} == counts


@pytest.mark.parametrize(("language", "text", "expected"), RECURSION)
def test_recursion(language: str, text: str, expected: str | None) -> None:
    assert whole("recursion", text, language) == expected


@pytest.mark.parametrize(("language", "text", "expected"), EXCEPTIONS)
def test_exceptions(language: str, text: str, expected: str | None) -> None:
    assert whole("exceptions", text, language) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_families_of_calls(family: str) -> None:
    language, calls, calls_not = CALLS[family]
    assert whole(f"api-{family}", calls, language) == "yes"
    assert {whole(f"api-{name}", calls_not, language) for name in FAMILIES} == {"no"}


def decisions(tree: ast.AST) -> int:
    count = 0
    for node in ast.walk(tree):
        match node:
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While() | ast.ExceptHandler() | ast.IfExp():
                count += 1
            case ast.BoolOp(values=values):
                count += len(values) - 1
            case ast.comprehension(ifs=ifs):
                count += 1 + len(ifs)
            case ast.match_case(pattern=pattern, guard=guard):
                count += not (isinstance(pattern, ast.MatchAs) and pattern.name is None)
                count += guard is not None
    return count


def deepest(node: ast.AST, depth: int = 0, chained: bool = False) -> int:
    inside = isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.Match) and not chained
    depth += inside
    found = [depth]
    for child in ast.iter_child_nodes(node):
        # An elif is an if alone in the other's else, in the same column.
        follows = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        column = [n.col_offset for n in (node, child) if isinstance(n, ast.If)]
        found.append(deepest(child, depth, follows and column == column[:1] * 2))
    return max(found)


@pytest.mark.parametrize("name", MODULES)
def test_counts_in_python_are_those_of_ast(name: str) -> None:
    text = (Path(sysconfig.get_path("stdlib")) / f"{name}.py").read_text(encoding="utf-8")
    source, tree = Source(text, "python"), ast.parse(text)
    assert complexity(source) == 1 + decisions(tree)
    assert nesting(source) == deepest(tree)
    loops = [n for n in ast.walk(tree) if isinstance(n, ast.For | ast.AsyncFor | ast.While)]
    assert len(measured(source).get("loop", ())) == len(loops)
    raised = [n for n in ast.walk(tree) if isinstance(n, ast.Raise)]
    assert len(measured(source).get("throw", ())) == len(raised)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x = 1", "0 %"), ("# " + "c" * 300, "51+ %"), ("# abc\n" + "x = 1\n" * 3, "26-50 %"), ('"""abc"""', "51+ %")],
)
def test_share_of_comments(text: str, expected: str) -> None:
    assert whole("comment-share", text) == expected


def test_numbers_are_binned() -> None:
    assert whole("length", "x = 1  # not this one") == "0-25"
    assert whole("length", "x = 1\n" * 9) == "26-50"
    assert whole("length", "x = 1\n" * 200) == "401+"
    assert whole("complexity", "if a: pass") == "2-4"
    assert whole("loops", "while a: pass\n" * 5) == "4+"
    assert whole("null-checks", "a is None") == "1"
    assert whole("pointers", "int *f(int **a) { return *a; }", "c") == "4-10"
    assert whole("arrays", "x[1]") == "1-3"
    assert whole("nesting", "x") == "0"


@pytest.mark.parametrize("language", ["python", "java", "javascript"])
def test_pointers_need_a_language_that_has_them(language: str) -> None:
    assert whole("pointers", "x", language) is None


def test_a_frame_is_not_counted() -> None:
    source = Source("} else {", "c")
    assert source.parsed.framed
    assert (complexity(source), nesting(source)) == (1, 0)
    assert PROPERTIES["recursion"].of(source, [(0, 1)]) == [None]
