"""Labels agree with what Python itself sees: `tokenize` for lexical classes, `ast` for what a name does."""

import ast
import io
import keyword
import sys
import sysconfig
import tokenize
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosieve.data import Span
from neurosieve.data.schemes import SCHEMES, label_spans
from neurosieve.errors import ConfigError
from neurosieve.syntax import roles as roles_module
from neurosieve.syntax.languages import parse

FILES = "__future__ bisect colorsys contextlib copyreg fnmatch getopt graphlib reprlib runpy shelve shlex types"
CLASSES = {
    "lexical": {"keyword", "identifier", "number", "string", "comment", "operator", "punctuation"},
    "identifier-role": {"function", "class", "parameter", "local", "attribute", "call", "import"},
}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


class Source:
    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = io.StringIO(text, newline="").readlines()
        self.starts = [0, *accumulate(map(len, self.lines))]
        self.tree = ast.parse(text)
        self.pieces = list(self._pieces())

    def word(self, span: Span) -> str:
        return self.text[span.start : span.end]

    def _pieces(self) -> Iterator[Span]:
        """Tokens with their kind as label; an f-string is one piece."""
        depth, opened = 0, 0
        for token in tokenize.generate_tokens(io.StringIO(self.text, newline="").readline):
            start, end = (self.starts[line - 1] + column for line, column in (token.start, token.end))
            kind = tokenize.tok_name[token.type]
            if kind in ("FSTRING_START", "TSTRING_START"):
                depth, opened = depth + 1, opened if depth else start
            elif kind in ("FSTRING_END", "TSTRING_END"):
                depth -= 1
                if not depth:
                    yield Span(opened, end, "FSTRING")
            elif not depth and kind in ("NAME", "NUMBER", "STRING", "COMMENT", "OP"):
                formatted = kind == "STRING" and "f" in token.string.split(token.string[-1])[0].lower()
                yield Span(start, end, "FSTRING" if formatted else kind)

    def at(self, line: int, column: int) -> int:
        """Character offset of a place as `ast` gives it, its column in UTF-8 bytes."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def start(self, node: ast.expr | ast.stmt | ast.pattern | ast.arg | ast.excepthandler) -> int:
        return self.at(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.pattern) -> int:
        return self.at(node.end_lineno or 0, node.end_col_offset or 0)

    def outside_f_strings(self, spans: Iterable[Span]) -> list[Span]:
        holes = [p for p in self.pieces if p.label == "FSTRING"]
        return sorted(s for s in spans if not any(p.start <= s.start < p.end for p in holes))


def soft_keywords(source: Source) -> set[int]:
    """Where `match`, `case`, `_` and `type` are keywords."""
    places = set()
    cases = [p.start for p in source.pieces if source.word(p) == "case"]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Match) or type(node).__name__ == "TypeAlias":
            places.add(source.start(node))  # type: ignore[arg-type]
        elif isinstance(node, ast.match_case):
            places.add(cases[bisect_left(cases, source.start(node.pattern)) - 1])
        elif isinstance(node, ast.MatchStar | ast.MatchAs) and node.name is None:
            places.add(source.end(node) - 1)
    return places


def lexical(source: Source) -> Iterator[Span]:
    soft, before = soft_keywords(source), ""
    for start, end, kind in source.pieces:
        text = source.text[start:end]
        if kind == "NAME":
            yield Span(start, end, "keyword" if keyword.iskeyword(text) or start in soft else "identifier")
        elif text == "..." and before in ("from", ".", "..."):  # three levels of a relative import
            yield from (Span(i, i + 1, "punctuation") for i in range(start, end))
        elif kind == "OP":
            yield Span(start, end, "punctuation" if text in (*"()[]{},:;.", "...") else "operator")
        elif kind != "FSTRING":
            yield Span(start, end, kind.lower())
        before = text


def own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of one scope; comprehensions count as part of it, definitions inside only by their names."""
    for node in nodes:
        yield node
        if not isinstance(node, Definition):
            yield from own(ast.iter_child_nodes(node))


def bindings(nodes: list[ast.AST]) -> dict[str, str]:
    """What a scope binds: the role, or empty for a name with a role of another kind; `nonlocal` binds nothing."""
    roles: dict[str, str] = {}
    found = list(own(nodes))
    for node in found:
        match node:
            case ast.arg(arg=name):
                roles[name] = "parameter"
            case ast.Name(id=str(name), ctx=ast.Store()) | ast.MatchMapping(rest=str(name)):
                roles[name] = roles.get(name) or "local"
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                roles[name] = roles.get(name) or "local"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                roles.setdefault(name, "")
            case ast.alias(name=name, asname=asname):
                roles.setdefault(asname or name.split(".")[0], "")
    roles |= {name: "" for node in found if isinstance(node, ast.Global) for name in node.names}
    unbound = {name for node in found if isinstance(node, ast.Nonlocal) for name in node.names}
    return {name: role for name, role in roles.items() if name not in unbound}


class Roles:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.names = [p for p in source.pieces if p.label == "NAME" and not keyword.iskeyword(source.word(p))]
        self.called: set[ast.expr] = set()
        self.spans: list[Span] = []
        self.visit(source.tree, [])

    def mark(self, name: str, start: int, role: str) -> None:
        """Give a role to the first token of that name from an offset on."""
        piece = next((p for p in self.names if p.start >= start and self.source.word(p) == name), None)
        if piece and role:
            self.spans.append(piece._replace(label=role))

    def visit(self, node: ast.AST, scopes: list[dict[str, str]]) -> None:
        source = self.source
        if isinstance(node, Definition):
            self.define(node, scopes)
        if isinstance(node, Definition | ast.JoinedStr):
            return
        match node:
            case ast.Import() | ast.ImportFrom():
                inside = [p for p in self.names if source.start(node) <= p.start < source.end(node)]
                self.spans += [p._replace(label="import") for p in inside]
            case ast.arg(arg=name):
                self.mark(name, source.start(node), "parameter")
            case ast.Call(func=function):
                self.called.add(function)
            case ast.Attribute(attr=name):
                self.mark(name, source.end(node) - len(name), "call" if node in self.called else "attribute")
            case ast.Name(id=name):
                self.mark(name, source.start(node), "call" if node in self.called else self.role(name, scopes))
            case ast.Nonlocal(names=names):
                for name in names:
                    self.mark(name, source.start(node), self.role(name, scopes))
            case ast.ExceptHandler(name=str(name), type=ast.expr() as kind):
                self.mark(name, source.end(kind), self.role(name, scopes))
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                self.mark(name, source.end(node) - len(name), self.role(name, scopes))
            case ast.MatchMapping(rest=str(name), patterns=patterns):
                self.mark(name, [source.start(node), *map(source.end, patterns)][-1], self.role(name, scopes))
        for child in ast.iter_child_nodes(node):
            self.visit(child, scopes)

    def define(self, node: Definition, scopes: list[dict[str, str]]) -> None:
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        inner = bindings([*body] if isinstance(node, ast.ClassDef) else [node.args, *body])
        if isinstance(node, ast.ClassDef):
            inner = dict.fromkeys(["", *inner], "")  # the empty name marks a class
        if not isinstance(node, ast.Lambda):
            self.mark(node.name, self.source.start(node), "class" if isinstance(node, ast.ClassDef) else "function")
        for child in ast.iter_child_nodes(node):
            self.visit(child, [*scopes, inner] if child in body else scopes)

    def role(self, name: str, scopes: list[dict[str, str]]) -> str:
        seen = [s for s in scopes[:-1] if "" not in s] + scopes[-1:]
        return next((s[name] for s in reversed(seen) if name in s), "")


ORACLES: dict[str, Callable[[Source], Iterable[Span]]] = {
    "lexical": lexical,
    "identifier-role": lambda s: Roles(s).spans,
}

# Code, and each name with the role it has, by the first two letters.
SNIPPETS = {
    "def f(a, /, b, *c, d=1, **e): return a, g": "f:fu a:pa b:pa c:pa d:pa e:pa a:pa",
    "async def f(a: int = b) -> a:\n    await a": "f:fu a:pa a:pa",
    "def f(a):\n    def g(b=a, *, c: a = a): pass": "f:fu a:pa g:fu b:pa a:pa c:pa a:pa a:pa",
    "def f(a, b=a): pass\nlambda x, y=x: x": "f:fu a:pa b:pa x:pa y:pa x:pa",
    "def f(a): g(a=a)": "f:fu a:pa g:ca a:pa",
    "class é(b, metaclass=m):\n    x = 1\n    y = x": "é:cl",
    "def f(x, y):\n    class C:\n        x = z = x\n        def m(self): return x, y, z, C": "f:fu x:pa y:pa C:cl m:fu "
    "self:pa x:pa y:pa",
    "é = '😀'; a.b.c(d).e = f().g\nfor y in é: z = y": "b:at c:ca e:at f:ca g:at",
    "import a.b as c, d\nfrom . import e as g\nfrom ...h.i import *": "a:im b:im c:im d:im e:im g:im h:im i:im",
    "from __future__ import annotations": "__future__:im annotations:im",
    "def f(a):\n    def g():\n        import a, b.c\n        return a, b": "f:fu a:pa g:fu a:im b:im c:im",
    "def f():\n    x = y\n    z: int = x\n    w.v[u] = 1": "f:fu x:lo z:lo x:lo v:at",
    "def f():\n    for a, (b, *c) in d: a\n    [e, (g)] = c": "f:fu a:lo b:lo c:lo a:lo e:lo g:lo c:lo",
    "def f():\n    with a as (b, [c, *d]), e as (g), h as i.j: c": "f:fu b:lo c:lo d:lo g:lo j:at c:lo",
    "def f():\n    try: a\n    except E as e: e\n    if (b := 1): b": "f:fu e:lo e:lo b:lo b:lo",
    "def f(): return [a for a in b if a], {c: d for c, d in a}": "f:fu a:lo a:lo a:lo c:lo d:lo c:lo d:lo a:lo",
    "def f(a):\n    def g():\n        nonlocal a\n        a = 1": "f:fu a:pa g:fu a:pa a:pa",
    "def f(a):\n    def g():\n        global a\n        a = b = a": "f:fu a:pa g:fu b:lo",
    "def f(a):\n    match a:\n        case [b, *c] | {'k': b, **c}: c": "f:fu a:pa a:pa b:lo c:lo b:lo c:lo c:lo",
    "def f(a):\n    match b:\n        case P.Q(a=d) as e if d: e": "f:fu a:pa Q:at d:lo e:lo d:lo e:lo",
    "def f(a):\n    match b:\n        case (a.b | g): g\n        case _: _": "f:fu a:pa a:pa b:at g:lo g:lo",
    "match = case = type = _ = print = 1\nmatch(case)\ntype(_)": "match:ca type:ca",
    "match match:\n    case case: _\n    case [(_), *_]: match\n    case (case): type": "",
    "if a not in b is not c and not d: x = y @ -1j ** 0xF <= 1.5e3, True, None": "",
    "x = b'a' b'b', 'c' rf'd' U'e'; y[...] # é": "",
    "def f(a):\r\n\tr = 'é'\\\r\n 'b' # c\r\n\f\r\n\treturn r": "f:fu a:pa r:lo r:lo",
}
if sys.version_info >= (3, 12):
    SNIPPETS["type X = int\ntype type = type"] = ""


def compare(text: str, scheme: str) -> int:
    source = Source(text)
    expected = source.outside_f_strings(ORACLES[scheme](source))
    assert source.outside_f_strings(label_spans(text, scheme)) == expected
    return len(expected)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", FILES.split())
def test_a_real_file_is_labelled_as_python_sees_it(name: str, scheme: str) -> None:
    path = Path(sysconfig.get_path("stdlib")) / f"{name}.py"
    if not path.is_file():
        pytest.skip(f"this Python has no module {name}")
    assert compare(path.read_text(encoding="utf-8"), scheme) > 10


@pytest.mark.parametrize(("code", "roles"), SNIPPETS.items())
def test_a_snippet_is_labelled_as_python_sees_it(code: str, roles: str) -> None:
    for scheme in SCHEMES:
        compare(code, scheme)
    assert " ".join(f"{code[a:b]}:{label[:2]}" for a, b, label in label_spans(code, "identifier-role")) == roles


def test_an_f_string_is_text_and_code() -> None:
    code = "f'é\\n{{{a!r:>{b}}c{1}' f'd'"
    found = [(code[s.start : s.end], s.label) for s in label_spans(code, "lexical")]
    assert [text for text, label in found if label == "string"] == ["f'", "é\\n{{", "c", "'", "f'd'"]
    assert [text for text, label in found if label in ("identifier", "number")] == ["a", "b", "1"]


ODD = "\t\f\v\r\n\0\\\ufeff\u2028\x85\xa0·ªﬁ😀e\u0301"
WORDS = '( ) [ ] { } : , ; . = \' " """ f\' f" # \\ @ * ** def class lambda import from as in match case type global '
FRAGMENTS = st.sampled_from([*ODD, *(w + " " for w in WORDS.split()), "a", "_", "0x", "1", "  ", "__future__ "])
PRINTED = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))
ANYTHING = st.lists(FRAGMENTS | st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=5), max_size=15)


@settings(deadline=None, max_examples=300)
@given(ANYTHING.map("".join), st.sampled_from(sorted(SCHEMES)))
@example("type .**def async in (0ximport ", "identifier-role")
@example("def ·\ufeffif lambda global import as case ﬁ\xa0await ", "identifier-role")
def test_any_text_gives_sound_spans(text: str, scheme: str) -> None:
    spans = label_spans(text, scheme)
    assert all(s.label in CLASSES[scheme] and 0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    named = {(s.start, s.end) for s in spans if s.label == "identifier" or scheme == "identifier-role"}
    assert all(text[start:end].isidentifier() for start, end in named)
    assert named <= {(s.start, s.end) for s in label_spans(text, "lexical") if s.label == "identifier"}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([*SNIPPETS]), max_size=4), PRINTED, st.sampled_from(["\n", "\r\n"]))
def test_a_comment_before_shifts_all_spans(parts: list[str], comment: str, ending: str) -> None:
    code, first = "".join(f"{p}{ending}" for p in parts), f"# é😀{comment}"
    shift = len(first + ending)
    for scheme in SCHEMES:
        moved = [Span(s.start + shift, s.end + shift, s.label) for s in label_spans(code, scheme)]
        own_span = [Span(0, len(first), "comment")] if scheme == "lexical" else []
        assert list(label_spans(first + ending + code, scheme)) == own_span + moved


NEAREST = {"lexcal": "did you mean lexical?", "identifier_roles": "did you mean identifier-role?"}


@pytest.mark.parametrize(("name", "remedy"), [*NEAREST.items(), ("zzz", "choose one of the known label schemes")])
def test_an_unknown_scheme_is_named_with_the_nearest(name: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        label_spans("a = 1", name)
    assert caught.value.remedy == remedy
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("x = " + " + ".join(["a.b"] * 5000), {"attribute": 5000}),
        ("def f(a):\n return " + " + ".join(["a"] * 5000), {"function": 1, "parameter": 5001}),
        ("x = " + "f(" * 3000 + "a" + ")" * 3000, {"call": 3000}),
        ("x = " + "lambda a: " * 3000 + "a", {"parameter": 3001}),
        ("def f(" + ", ".join(f"a{i}=a{i}" for i in range(3000)) + "): a1", {"function": 1, "parameter": 3001}),
        ("import a" + ".b" * 5000, {"import": 5001}),
    ],
)
def test_roles_take_one_look_at_each_node(text: str, roles: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of long and of deep code: the work is that of its nodes, not of their square."""
    made = []

    class Counted(roles_module._Place):
        __slots__ = ()

        def __init__(self, *place: Any, **more: Any) -> None:
            made.append(1)
            super().__init__(*place, **more)

    monkeypatch.setattr(roles_module, "_Place", Counted)
    root = parse(text, "python")[0].root_node
    assert Counter(role for _, _, role in roles_module.identifier_roles(root, "python")) == roles
    assert len(made) == root.descendant_count
