"""Properties of whole texts: how long and how tangled they are, and what they work with.

All numbers are counted in the syntax tree and put into fixed bins. Cyclomatic complexity is McCabe's (1976, A
Complexity Measure, IEEE Transactions on Software Engineering 2(4)): decisions and one, over the whole text.
"""

import math
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from tree_sitter import Node

from neurosieve.concepts.properties.by_characters import TEXTS
from neurosieve.concepts.properties.contract import YES_NO, Bins, Property, binned_property
from neurosieve.concepts.properties.measure_queries import FAMILIES, MEASURES, WITHOUT
from neurosieve.concepts.properties.parsed import Source, Spans
from neurosieve.syntax.grammars import GRAMMARS

LENGTH = Bins((0, 26, 51, 101, 201, 401))
COMPLEXITY = Bins((1, 2, 5, 11, 21))
NESTING = Bins((0, 1, 2, 3, 4))
FEW, MANY = Bins((0, 1, 2, 4)), Bins((0, 1, 4, 11))
SHARE = Bins((0, 1, 11, 26, 51), " %")
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
    """Control structures around the innermost one and itself; an `else if` is on the level of its if."""
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


def _counted(mark: str) -> Callable[[Source], int | None]:
    def number(source: Source) -> int | None:
        return None if source.language in WITHOUT.get(mark, ()) else len(measured(source).get(mark, ()))

    return number


def _length(source: Source) -> int:
    return sum(unit.label != "comment" for unit in source.units)


def _exceptions(source: Source, _: Spans) -> str | None:
    if source.language in WITHOUT["exceptions"]:
        return None
    marks = measured(source)
    return EXCEPTIONS[bool(marks.get("throw")) + 2 * bool(marks.get("catch"))]


def _comment_share(source: Source) -> int:
    units = source.units
    kinds = _INSIDE.of(source, [(u.start, u.end) for u in units])
    sizes = [len("".join(source.text[u.start : u.end].split())) for u in units]
    texts = sum(size for size, kind in zip(sizes, kinds, strict=True) if kind in ("comment", "docstring"))
    return math.ceil(100 * texts / max(sum(sizes), 1))


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
    for node, around in _nested(marks.get("own", ()), functions):
        if around:
            names.setdefault(around[-1].id, _text(node))
    return YES_NO[not any(_on(node, itself, source) for node in _calls_of_themselves(source, functions, names))]


def _nested(nodes: Iterable[Node], functions: list[Node]) -> Iterator[tuple[Node, list[Node]]]:
    """Each node, in their order, with the functions around it, outermost first; the list changes from node to node."""
    around, todo = list[Node](), deque(functions)
    for node in nodes:
        while todo and todo[0].start_byte <= node.start_byte:
            _leave(around, todo[0].start_byte)
            around.append(todo.popleft())
        _leave(around, node.start_byte)
        yield node, around


def _leave(around: list[Node], byte: int) -> None:
    while around and around[-1].end_byte <= byte:
        around.pop()


def _calls_of_themselves(source: Source, functions: list[Node], names: dict[int, str]) -> Iterator[Node]:
    """What is called by the name of a function around it."""
    last: dict[str, int] = defaultdict(int)  # where the latest function of a name that has begun ends
    todo = deque(functions)
    for node in measured(source).get("called", ()):
        while todo and todo[0].start_byte <= node.start_byte:
            function = todo.popleft()
            if name := names.get(function.id):
                last[name] = max(last[name], function.end_byte)
        if last[_text(node)] > node.start_byte:
            yield node


def _on(called: Node, owners: set[str], source: Source) -> bool:
    """The call names nothing before the function, or one of the owners."""
    first = source.parents[called.id].children[0] if called.id in source.parents else called
    return first == called or _text(first) in owners


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")


EXAMPLES = tuple(
    chain(
        (
            binned_property("length", "words and signs without comments", _length, LENGTH),
            binned_property("complexity", "cyclomatic complexity", complexity, COMPLEXITY),
            binned_property("nesting", "control structures inside one another", nesting, NESTING),
            binned_property("loops", "loop statements", _counted("loop"), FEW),
            Property("recursion", "example", "a function calls itself; none without a function", _recursion, YES_NO),
            binned_property("pointers", "pointers declared or followed", _counted("pointer"), MANY),
            binned_property("arrays", "arrays declared, written or indexed", _counted("array"), MANY),
            binned_property("null-checks", "comparisons with null", _counted("null"), FEW),
            Property("exceptions", "example", "exceptions thrown and caught", _exceptions, EXCEPTIONS),
            binned_property("comment-share", "visible characters that are comment", _comment_share, SHARE),
        ),
        (Property(f"api-{name}", "example", about, _api(name), YES_NO) for name, (about, _) in FAMILIES.items()),
    )
)
