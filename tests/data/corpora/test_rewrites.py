"""The same code written otherwise: it parses, runs as before, and each word of the original is found again."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.data.corpora.rewrites import REWRITES, Rewrite, rewrite_text, variable_names
from neurosieve.defaults import REWRITES as NAMES
from neurosieve.errors import ConfigError, DataError
from neurosieve.syntax.languages import parse
from neurosieve.syntax.lexical import lexical
from neurosieve.syntax.trees import all_nodes
from tests.concepts.planted import code
from tests.tiny import assert_one_line

CODE = {
    "python": "import os\nimport sys\n\nclass A:\n    def f(self, ä, width=2):  # ein Wörtchen\n        a = 1\n"
    "        b = 'naïve  text'\n        if ä > a:\n            # alone\n            return a + b\n"
    "        return width\n",
    "java": "import a.B;\nimport c.D;\nclass A {\n  int f(int size) {\n    int a = 1; // one\n    int b = 2;\n"
    "    /* two */\n    return a + b - size;\n  }\n}\n",
    "c": "#define TWICE(x) (x * 2)\nint f(int size) {\n  int a = 1;\n  int b = 2;\n  return a - -b * size; // x\n}\n",
    "javascript": "function f(size) {\n  let a = 1;\n  let b = 'x y';\n  return a + size; // x\n}\n",
    "go": "package a\n\nfunc f(size int) int {\n\ta := 1\n\tb := 2\n\treturn a + b*size // x\n}\n",
    "rust": "fn f(size: i32) -> i32 {\n    let a = 1;\n    let b = 2;\n    a + b * size // x\n}\n",
}
GONE = {"comments": {"comment"}}


def tokens(text: str, language: str) -> list[tuple[int, int, str]]:
    """Words and signs by the scheme `lexical`, in characters."""
    tree, data = parse(text, language)
    spans = lexical(tree.root_node, language)
    return sorted((len(data[:a].decode()), len(data[:b].decode()), label) for a, b, label in spans)


def checked(text: str, language: str, kind: str) -> Rewrite:
    """A rewrite whose words are those of the original, each in its class and at most once."""
    made = rewrite_text(text, language, kind)
    before, after = tokens(text, language), tokens(made.text, language)
    found = [(made.span(start, end), label) for start, end, label in before]
    kept = [(span, label) for span, label in found if label not in GONE.get(kind, set())]
    assert all(span is None for span, label in found if label in GONE.get(kind, set()))
    placed = sorted((*span, label) for span, label in kept if span is not None)
    assert len(placed) == len(kept)
    assert placed == after
    for (start, end, _), (span, _) in zip(before, found, strict=True):
        if span is not None and kind != "renamed":
            assert made.text[slice(*span)] == text[start:end]
    return made


@pytest.mark.parametrize("kind", REWRITES)
@pytest.mark.parametrize("language", CODE)
def test_each_word_is_found_again(language: str, kind: str) -> None:
    made = checked(CODE[language], language, kind)
    assert made.text != CODE[language]
    assert tuple(REWRITES) == NAMES
    types = [Counter(n.type for n in all_nodes(parse(t, language)[0].root_node)) for t in (CODE[language], made.text)]
    gone = types[0] - types[1]
    assert all("comment" in name or name == "//" for name in gone)  # which is a node of its own in Rust
    assert bool(gone) == (kind == "comments")


@given(st.integers(0, 10**6), st.sampled_from(list(REWRITES)))
@settings(max_examples=40, deadline=None)
def test_made_up_code_keeps_its_tree(seed: int, kind: str) -> None:
    text = code(seed)
    made = checked(text, "python", kind)
    compile(made.text, "rewritten", "exec")
    shapes = [[n.type for n in all_nodes(parse(t, "python")[0].root_node)] for t in (text, made.text)]
    if kind == "comments":
        shapes[0] = [name for name in shapes[0] if name != "comment"]
    assert sorted(shapes[0]) == sorted(shapes[1])
    assert kind == "reordered" or shapes[0] == shapes[1]


RUNS = """
def f(first, second):
    a = 3
    b = first
    # sum
    total = a + b
    for step in range(second):
        total = total * 2 + step
        c = 5
        d = step
        total = total + c - d
    return [total, {"a": a}, [b for b in (1, 2)]]
"""


@pytest.mark.parametrize("kind", REWRITES)
@pytest.mark.parametrize("seed", range(3))
def test_the_rewrite_runs_as_before(kind: str, seed: int) -> None:
    rng, results = random.Random(seed), []
    arguments = rng.randrange(9), rng.randrange(5)
    for text in (RUNS, rewrite_text(RUNS, "python", kind, names=["total", "x", "y"]).text):
        space: dict[str, object] = {}
        exec(compile(text, "code", "exec"), space)
        results.append(space["f"](*arguments))  # type: ignore[operator]
    assert results[0] == results[1]
    assert rewrite_text(RUNS, "python", kind).text != RUNS


def test_only_variables_get_new_names_that_the_text_does_not_have() -> None:
    made = rewrite_text("def f(a):\n    return g(a, x) + a\n", "python", "renamed", names=["x", "a", "new"])
    assert made.text == "def f(new):\n    return g(new, x) + new\n"
    assert made.span(6, 7) == (6, 9)
    assert made.span(5, 7) is None  # across its border
    assert list(variable_names([CODE["python"], made.text], "python")) == ["ä", "width", "a", "b", "new"]


@pytest.mark.parametrize(
    "text",
    [
        "a = g()\nb = 2\n",  # a call may see or change anything
        "a = 1\nb = a\n",
        "b = a\na = 1\n",
        "a = b\na = 2\n",
        "from __future__ import annotations\nimport b\n",
        "from a import *\nimport b\n",
        "a.b = 1\nc = 2\n",
        "a += 1\nb = 2\n",
        "a = 1; b = 2\n",
    ],
)
def test_statements_that_may_see_each_other_stay(text: str) -> None:
    assert rewrite_text(text, "python", "reordered").text == text


@pytest.mark.parametrize("kind", REWRITES)
def test_what_does_not_parse_is_refused(kind: str) -> None:
    with pytest.raises(DataError) as caught:
        rewrite_text("def (:\n", "python", kind, subject="a.py")
    assert_one_line(caught.value, f"rewrite '{kind}' of a.py", "code that parses", "in the original")


def test_a_rewrite_that_does_not_parse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurosieve.data.corpora.mutations import Edit

    monkeypatch.setitem(REWRITES, "layout", lambda *_: [Edit(0, 1, ("(",))])
    with pytest.raises(DataError) as caught:
        rewrite_text("a = 1\n", "python", "layout", subject="b.py")
    assert_one_line(caught.value, "rewrite 'layout' of b.py", "code that parses", "in the rewrite", "leave this text")
    monkeypatch.setitem(REWRITES, "layout", lambda *_: [Edit(0, 1, ("f(a)",))])
    with pytest.raises(DataError, match="expected the nodes of the original, got others"):
        rewrite_text("a\n", "python", "layout")
    with pytest.raises(ConfigError, match="rewrite 'translated'"):
        rewrite_text("a\n", "python", "translated")


def test_names_of_arguments_in_calls_stay() -> None:
    """A call by keyword would fail after them."""
    text = "def f(width, size):\n    return width * size\n\n\nx = f(1, size=2)\n"
    new = rewrite_text(text, "python", "renamed").text
    assert "size=2" in new
    assert "width" not in new
    kept: dict[str, int] = {}
    exec(new, kept)
    assert kept["x"] == 2


def test_fields_of_a_class_stay() -> None:
    """Their order is that of a data class's arguments."""
    text = "class A:\n    x: int = 1\n    y: str = 2\n    a = 1\n    b = 2\n"
    assert rewrite_text(text, "python", "reordered").text == text
