"""Edits of one function: defects in one place, copies that mean the same, names that stay where they must."""

import ast
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from neurosieve.data.corpora.clones import Names, can_be_renamed, clone, restructured, without_comments
from neurosieve.data.corpora.mutations import KINDS, Edit, rewrite, swapped_operand, variable_misuse, wrong_operator
from neurosieve.syntax.functions import Range, Syntax, description, find_functions
from tests.data.sources import TEMPLATES, function

USAGE = Counter(sign for kind in KINDS for sign in kind if sign not in ("===", "!==", "//", "**", ">>>"))
DEFECTS: dict[str, Callable[[Syntax, random.Random], Iterator[Edit]]] = {
    "wrong-operator": lambda syntax, rng: wrong_operator(syntax, rng, USAGE),
    "swapped-operand": swapped_operand,
    "variable-misuse": variable_misuse,
}
POOL = Names([f"fresh{i}" for i in range(40)], [f"made{i}" for i in range(9)])


class Always(random.Random):
    """Every form that can be changed is."""

    def random(self) -> float:
        return 0.0


def syntax_of(text: str, language: str = "python") -> Syntax:
    ending, frame, _ = TEMPLATES[language]
    (found,) = find_functions(frame.format(text) if ending in (".java", ".js") else text, language)
    return Syntax(found)


def original(syntax: Syntax) -> str:
    text = syntax.unwrapped(syntax.data)
    assert text is not None
    return text


def alike(left: str, right: str) -> int:
    """Characters that two texts begin with."""
    return len(list(takewhile(lambda both: both[0] == both[1], zip(left, right, strict=False))))


def difference(before: str, after: str) -> tuple[str, str]:
    """What is left of two texts without what they begin and end with."""
    start = alike(before, after)
    end = alike(before[start:][::-1], after[start:][::-1])
    return before[start : len(before) - end], after[start : len(after) - end]


def mutants(text: str, defect: str, language: str = "python", seed: int = 0) -> list[str]:
    syntax = syntax_of(text, language)
    found = (rewrite(syntax.data, [e]) for e in DEFECTS[defect](syntax, random.Random(seed)))
    return [new for data in found if (new := syntax.unwrapped(data)) is not None]


@pytest.mark.parametrize("language", TEMPLATES)
@pytest.mark.parametrize("defect", DEFECTS)
def test_defect_is_in_one_place(defect: str, language: str) -> None:
    before = original(syntax_of(function(language, 2), language))
    names = {"first", "second", "total"}
    found = [new for seed in range(5) for new in mutants(function(language, 2), defect, language, seed)]
    assert found
    for after in found:
        old, new = difference(before, after)
        assert old != new
        assert after.count("\n") == before.count("\n")
        if defect == "swapped-operand":
            assert sorted(before) == sorted(after)
        else:
            assert max(len(old), len(new)) <= 6
        if defect == "variable-misuse":
            changed = Counter(after.replace("(", " ").split()) - Counter(before.replace("(", " ").split())
            assert any(name in word for word in changed for name in names)
        if language == "python":
            ast.parse(after)


def only(change: str, form: str = "def f(a, b):\n    return {}") -> str:
    return form.format(change)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a - b", {"b - a"}),
        ("a[1] < g(b, -a)", {"g(b, -a) < a[1]"}),
        ("a not in b", {"b not in a"}),
        ("a + b", set()),
        ("a - a", set()),
        ("a < b < 3", set()),
        ("'%s' % a", set()),
        ("a - b - 3", {"b - a - 3"}),
        ("(a - b) / 3", {"(b - a) / 3", "3 / (a - b)"}),
    ],
)
def test_swapped_operands(before: str, after: set[str]) -> None:
    assert set(mutants(only(before), "swapped-operand")) == set(map(only, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a and b", {"a or b"}),
        ("a is not b", {"a is b"}),
        ("a in b", {"a not in b"}),
        ("a & b", {"a | b", "a ^ b", "a << b", "a >> b"}),
        ("a == b", {"a != b", "a < b", "a <= b", "a > b", "a >= b"}),
        ("a @ b", set()),
        ("not a", set()),
    ],
)
def test_wrong_operator_is_of_the_same_kind(before: str, after: set[str]) -> None:
    found = {new for seed in range(60) for new in mutants(only(before), "wrong-operator", seed=seed)}
    assert found == set(map(only, after))


def test_operators_that_are_not_used_are_not_put_in() -> None:
    syntax = syntax_of(only("a * b"))
    assert not list(wrong_operator(syntax, random.Random(0), Counter({"*": 5, "<": 2})))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("def f(a, b):\n    return g(a)", {"def f(a, b):\n    return g(b)"}),
        ("def f(self, a):\n    return self.a(a)", set()),
        ("def f(a):\n    c = a\n    d = 1", set()),  # neither is bound before a is used
        ("def f(a):\n    global c\n    c = 1\n    return a", set()),
        ("def f(a):\n    return [b for b in g(a)]", set()),
        ("def f(a, b=g(c)):\n    return b.a", {"def f(a, b=g(c)):\n    return a.a"}),
    ],
)
def test_misused_variable_is_bound_and_visible(text: str, after: set[str]) -> None:
    assert set(mutants(text, "variable-misuse")) == after


def test_misused_variable_of_a_block_stays_in_it() -> None:
    text = "int f(int a) {\n    { int b = 1; use(b); }\n    return a;\n}"
    assert mutants(text, "variable-misuse", "c") == [text.replace("use(b)", "use(a)")]


def test_edits_nest_and_those_that_cross_are_left_out() -> None:
    outer = Edit(0, 5, (Range(4, 5), "-", Range(0, 3)))
    assert rewrite(b"abc d e", [Edit(1, 2, ("B",)), outer, Edit(2, 6, ("no",)), Edit(6, 7, ("E", "E"))]) == b"d-aBc EE"


# What must keep its name: x, always.
FIXED = (
    "def f(a):\n    global x\n    x = a",
    "def f(a):\n    def g(x=1):\n        return x\n    return g(x=a)",
    "def f(a, b=x):\n    x = a\n    return x",
    "def f(a):\n    x = a\n    class A:\n        x = 2\n    return x",
    "def f(a):\n    x = a\n    return f'{x=}'",
    "def f(a):\n    import x\n    x = a\n    return x",
    "def f(a):\n    return [x for x in a], x",
    "def f(a):\n    x = a\n    match a:\n        case [x, _]:\n            return x",
)


@pytest.mark.parametrize("text", FIXED)
def test_name_that_is_seen_elsewhere_stays(text: str) -> None:
    syntax = syntax_of(text)
    assert "x" not in syntax.variables
    copy = clone(syntax, random.Random(0), POOL, ())
    assert copy is not None
    assert "x" in copy


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    return locals()",
        "def f(n):\n    return f(n - 1)",
        "def __len__(self, a):\n    return a",
        "def f(self):\n    return self",
    ],
)
def test_function_that_cannot_be_renamed(text: str) -> None:
    assert not can_be_renamed(syntax_of(text))


def test_too_few_names() -> None:
    syntax = syntax_of("def f(a, b):\n    return a")
    assert clone(syntax, random.Random(0), Names(["c", "a", "b"], ["g"]), ()) is None
    assert clone(syntax, random.Random(0), Names(["c", "d"], ["g"]), ("g",)) is None
    assert clone(syntax, random.Random(0), Names(["c", "d"], ["g"]), ()) is not None


def collatz(n: int) -> int:
    """Steps to one.

    At most a hundred.
    """
    steps = 0
    while n > 1 and steps < 100:
        # half or more
        if n % 2 == 0:  # noqa: SIM108 - the form is what is copied
            n = n // 2
        else:
            n = 3 * n + 1  # odd
        steps += 1
    return steps


def mixed(a: int, b: int, *rest: int, **more: int) -> list[object]:
    found: list[object] = []
    total, last = 0, None
    for i, value in enumerate([a, b, *rest]):
        last = value
        if not value:
            total = total + 2
        else:
            if a < value <= b or (value in rest and i is not None):
                found.append([total - j for j in range(i) if j != b])
            else:
                found += [lambda total=total, value=value: total + value]
            total -= 1
    try:
        total = total * (1 if a >= b else b)
        total //= a - b
    except ZeroDivisionError as error:
        found.append(type(error).__name__)
    return [last, total, [f() if callable(f) else f for f in found], sorted(more), f"{total} {a!r:>4}"]


def nested(a: int, b: int) -> tuple[int, int]:
    count = a

    def step(by: int) -> int:
        nonlocal count
        count += by
        return count

    if (doubled := 2 * b) == a:  # noqa: SIM108
        result = step(by=doubled)
    else:
        result = step(b) - doubled
    return result, count


PURE: tuple[Callable[..., object], ...] = (collatz, mixed, nested)


def sources() -> dict[str, str]:
    functions = find_functions(Path(__file__).read_text(encoding="utf-8"), "python")
    return {Syntax(f).text(own): f.text for f in functions if (own := Syntax(f).own)}


@pytest.mark.parametrize("pure", PURE, ids=lambda f: f.__name__)
def test_clone_means_the_same(pure: Callable[..., object]) -> None:
    syntax, rng = syntax_of(sources()[pure.__name__]), random.Random(1)
    copies = {clone(syntax, random.Random(i), POOL, ()) for i in range(20)}
    assert len(copies) > 10
    for copy in copies:
        assert copy is not None
        assert "#" not in copy
        assert "Steps to" not in copy
        assert pure.__name__ not in copy
        space: dict[str, Callable[..., object]] = {}
        exec(copy, space)
        (made,) = (space[name] for name in space if name.startswith("made"))
        for _ in range(40):
            values = [rng.randint(-5, 9) for _ in range(1 if pure is collatz else 2)]
            assert made(*values) == pure(*values)


CHANGED = {
    "python": ("    if not (a and b):\n        return 2\n    else:\n        return 1", "a and b"),
    "java": ("    if (!(a && b)) {{ return 2; }} else {{ return 1; }}", "a && b"),
    "c": ("    if (!(a && b)) {{ return 2; }} else {{ return 1; }}", "a && b"),
    "cpp": ("    if (!(a && b)) {{ return 2; }} else {{ return 1; }}", "a && b"),
    "javascript": ("    if (!(a && b)) {{ return 2; }} else {{ return 1; }}", "a && b"),
    "go": ("    if !(a && b) {{ return 2; }} else {{ return 1; }}", "a && b"),
    "rust": ("    if !(a && b) {{ return 2; }} else {{ return 1; }}", "a && b"),
}
HEADS = {
    "python": "def f(a, b):\n{}",
    "java": "boolean f(boolean a, boolean b) {{\n{}\n}}",
    "c": "int f(int a, int b) {{\n{}\n}}",
    "cpp": "int f(int a, int b) {{\n{}\n}}",
    "javascript": "f(a, b) {{\n{}\n}}",
    "go": "func f(a bool, b bool) int {{\n{}\n}}",
    "rust": "fn f(a: bool, b: bool) -> i32 {{\n{}\n}}",
}


def in_function(language: str, body: str) -> str:
    return HEADS[language].format(body.format())


@pytest.mark.parametrize("language", CHANGED)
def test_branches_are_flipped_there_and_back(language: str) -> None:
    flipped, condition = CHANGED[language]
    plain = flipped.replace("not (a and b)", condition).replace("!(a && b)", condition)
    plain = plain.replace("1", "0").replace("2", "1").replace("0", "2")
    syntax = syntax_of(in_function(language, plain), language)
    assert syntax.unwrapped(rewrite(syntax.data, restructured(syntax, Always()))) == in_function(language, flipped)
    negated = in_function(language, plain.replace(condition, f"{syntax.negation}a"))
    bare = in_function(language, flipped.replace("not (a and b)", "a").replace("!(a && b)", "a"))
    syntax = syntax_of(negated, language)
    assert syntax.unwrapped(rewrite(syntax.data, restructured(syntax, Always()))) == bare


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = a < 3", "x = 3 > a"),
        ("x = a.b == c[1]", "x = c[1] == a.b"),
        ("x = g(a) < b", "x = g(a) < b"),  # a call may change what comes after it
        ("x = a < b < c", "x = a < b < c"),
        ("x += 1", "x = x + 1"),
        ("x = x * 2.5", "x *= 2.5"),
        ("x += y", "x += y"),  # a list would be changed in place
        ("x.y += 1", "x.y += 1"),
        ("if a: x = 1\n    else:\n      x = 2\n      y = 3", "if a: x = 1\n    else:\n      x = 2\n      y = 3"),
        ("if a:\n        x = 1\n    elif b:\n        x = 2", "if a:\n        x = 1\n    elif b:\n        x = 2"),
        (
            "if a is b:\n        x = 1\n    else:\n        x = 2",
            "if a is not b:\n        x = 2\n    else:\n        x = 1",
        ),
    ],
)
def test_forms_that_mean_the_same(before: str, after: str) -> None:
    syntax = syntax_of(f"def f(a):\n    {before}\n    return x")
    found = syntax.unwrapped(rewrite(syntax.data, restructured(syntax, Always())))
    assert found == f"def f(a):\n    {after}\n    return x"


def test_comments_leave_no_gap() -> None:
    text = 'def f(a):  # one\n    """Two."""\n\n    # three\n    b = "#"  # four\n    # five\n    return b'
    syntax = syntax_of(text)
    assert syntax.unwrapped(rewrite(syntax.data, without_comments(syntax))) == 'def f(a):\n    b = "#"\n    return b'
    syntax = syntax_of("int f(int a) {\n    int/* x */b = 1; // y\n    /* z\n       z */\n    return b;\n}", "c")
    after = "int f(int a) {\n    int b = 1;\n    return b;\n}"
    assert syntax.unwrapped(rewrite(syntax.data, without_comments(syntax))) == after


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ('def f():\n    """One\n    two.\n\n    Three."""\n    pass', "python", "One two."),
        ('def f():\n    r"""A \\d b.\n    :param x: y"""\n    pass', "python", "A \\d b."),
        ("def f():\n    f'{1} a'\n    pass", "python", ""),
        ("# no docstring\ndef f():\n    pass", "python", ""),
        ("/** One <b>two</b>.\n * More.\n *\n * @return x */\nint f() { }", "c", "One <b>two</b>. More."),
        ("/// One\n/// two.\n///\n/// Three.\n#[test]\nfn f() { }", "rust", "One two."),
        ("int x; // not of f\nint f() { }", "c", ""),
        ("// of nothing\n\nfunc f() { }", "go", ""),
        ("// f does it.\nfunc f() { }", "go", "f does it."),
    ],
)
def test_description(text: str, language: str, expected: str) -> None:
    (found,) = find_functions(text, language)
    assert description(found, Syntax(found)) == expected
