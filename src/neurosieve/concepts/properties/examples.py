"""Properties of whole texts: how long and how tangled they are, and what they work with.

All numbers are counted in the syntax tree and put into fixed bins. Cyclomatic complexity is McCabe's (1976, A
Complexity Measure, IEEE Transactions on Software Engineering 2(4)): decisions and one, over the whole text.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import chain

from tree_sitter import Node

from neurosieve.concepts.properties.base import Bins, Property
from neurosieve.concepts.properties.measure_queries import FAMILIES, MEASURES, WITHOUT
from neurosieve.concepts.properties.source import Source, Spans
from neurosieve.concepts.properties.text import TEXTS
from neurosieve.data.syntax import GRAMMARS

LENGTH = Bins((0, 26, 51, 101, 201, 401))
COMPLEXITY = Bins((1, 2, 5, 11, 21))
NESTING = Bins((0, 1, 2, 3, 4))
FEW, MANY = Bins((0, 1, 2, 4)), Bins((0, 1, 4, 11))
SHARE = Bins((0, 1, 11, 26, 51), " %")
YES_NO = ("yes", "no")
EXCEPTIONS = ("none", "throws", "handles", "both")
_ITSELF = {"self", "cls", "this", "Self"}
_INSIDE = next(p for p in TEXTS if p.name == "inside")
_FAMILIES = {name: re.compile(pattern) for name, (_, pattern) in FAMILIES.items()}
Measured = dict[str, list[Node]]


def measured(source: Source) -> Measured:
    """What the query of the source's language captures."""
    return source.captures(MEASURES[source.language])


def complexity(source: Source) -> int:
    """Cyclomatic complexity of a text: its decisions and one."""
    return 1 + len(measured(source).get("decision", ()))


def nesting(source: Source) -> int:
    """Control structures around the innermost one and itself; an `else if` stands beside its if."""
    marks = measured(source)
    chained = {node.id for node in marks.get("chained", ())}
    ends, deepest = list[int](), 0
    for node in marks.get("branch", ()):
        if node.id not in chained:
            while ends and ends[-1] <= node.start_byte:
                ends.pop()
            ends.append(node.end_byte)
            deepest = max(deepest, len(ends))
    return deepest


def _counted(mark: str, bins: Bins) -> Callable[[Source, Spans], str | None]:
    def read(source: Source, _: Spans) -> str | None:
        if source.language in WITHOUT.get(mark, ()):
            return None
        return bins.of(len(measured(source).get(mark, ())))

    return read


def _length(source: Source, _: Spans) -> str:
    return LENGTH.of(sum(unit.label != "comment" for unit in source.units))


def _complexity(source: Source, _: Spans) -> str:
    return COMPLEXITY.of(complexity(source))


def _nesting(source: Source, _: Spans) -> str:
    return NESTING.of(nesting(source))


def _exceptions(source: Source, _: Spans) -> str | None:
    if source.language in WITHOUT["exceptions"]:
        return None
    marks = measured(source)
    return EXCEPTIONS[bool(marks.get("throw")) + 2 * bool(marks.get("catch"))]


def _comment_share(source: Source, _: Spans) -> str:
    units = source.units
    kinds = _INSIDE.of(source, [(u.start, u.end) for u in units])
    sizes = [len("".join(source.text[u.start : u.end].split())) for u in units]
    texts = sum(size for size, kind in zip(sizes, kinds, strict=True) if kind in ("comment", "docstring"))
    return SHARE.of(math.ceil(100 * texts / max(sum(sizes), 1)))


def _api(family: str) -> Callable[[Source, Spans], str]:
    def read(source: Source, _: Spans) -> str:
        names = {_text(node) for node in measured(source).get("called", ())}
        return YES_NO[not any(_FAMILIES[family].fullmatch(name) for name in names)]

    return read


def _recursion(source: Source, _: Spans) -> str | None:
    """Whether a function of the text calls itself by its name, also as a method of its own object."""
    grammar = GRAMMARS[source.language]
    kinds = " ".join(f"({kind}) @function" for kind in grammar.functions)
    receivers = "(method_declaration receiver: (parameter_list (parameter_declaration name: (identifier) @receiver)))"
    marks = source.captures(f"{grammar.query}\n{kinds}\n{receivers if source.language == 'go' else ''}")
    functions = marks.get("function", [])
    if not functions:
        return None
    itself = _ITSELF | {_text(node) for node in marks.get("receiver", ())}
    names: dict[int, str] = {}
    for node in marks.get("own", ()):
        if (around := _around(node, functions)) and around[-1].id not in names:
            names[around[-1].id] = _text(node)
    calls = (node for node in measured(source).get("called", ()) if _on(node, itself))
    return YES_NO[not any(names.get(f.id) == _text(node) for node in calls for f in _around(node, functions))]


def _around(node: Node, functions: list[Node]) -> list[Node]:
    """The functions around a node, outermost first."""
    last = bisect_right(functions, node.start_byte, key=lambda f: f.start_byte)
    return [f for f in functions[:last] if f.end_byte > node.start_byte]


def _on(called: Node, owners: set[str]) -> bool:
    """The call names nothing before the function, or one of the owners."""
    first = called.parent.children[0] if called.parent else called
    return first == called or _text(first) in owners


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")


EXAMPLES = tuple(
    chain(
        (
            Property("length", "example", "words and signs without comments", _length, LENGTH.names),
            Property("complexity", "example", "cyclomatic complexity", _complexity, COMPLEXITY.names),
            Property("nesting", "example", "control structures inside one another", _nesting, NESTING.names),
            Property("loops", "example", "loop statements", _counted("loop", FEW), FEW.names),
            Property("recursion", "example", "a function calls itself; none without a function", _recursion, YES_NO),
            Property("pointers", "example", "pointers declared or followed", _counted("pointer", MANY), MANY.names),
            Property("arrays", "example", "arrays declared, written or indexed", _counted("array", MANY), MANY.names),
            Property("null-checks", "example", "comparisons with null", _counted("null", FEW), FEW.names),
            Property("exceptions", "example", "exceptions thrown and caught", _exceptions, EXCEPTIONS),
            Property("comment-share", "example", "visible characters that are comment", _comment_share, SHARE.names),
        ),
        (Property(f"api-{name}", "example", about, _api(name), YES_NO) for name, (about, _) in FAMILIES.items()),
    )
)
