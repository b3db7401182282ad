"""Defects put into a function: a wrong operator, swapped operands, a misused variable.

All edits replace ranges of bytes of the original text; nothing is printed from a tree, so the style is kept.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tree_sitter import Node

from neurosieve.syntax.functions import Function, Range, Syntax, span

# Operators that may replace each other.
KINDS = (
    ("+", "-", "*", "/", "//", "%", "**"),
    ("<", "<=", ">", ">=", "==", "!=", "===", "!=="),
    ("in", "not in"),
    ("is", "is not"),
    ("and", "or"),
    ("&&", "||"),
    ("&", "|", "^", "<<", ">>", ">>>"),
)
# Too similar to each other for a defect.
_NEAR = ({"==", "==="}, {"!=", "!=="}, {">>", ">>>"})
_ORDERED = {"-", "/", "//", "%", "<", "<=", ">", ">=", "<<", ">>", ">>>", "in", "not in"}
OPERATIONS = {"binary_operator", "comparison_operator", "boolean_operator", "binary_expression"}


class Edit(NamedTuple):
    """What comes in place of the bytes `start` to `end`: new text, and ranges within, which are edited in turn."""

    start: int
    end: int
    parts: tuple[str | Range, ...]


def rewrite(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with all edits that nest; one that crosses the border of another's part is left out."""
    return b"".join(data[p.start : p.end] if p.new is None else p.new for p in pieces(data, edits))


class Piece(NamedTuple):
    """A part of edited bytes: the bytes `start` to `end` of the original, or new ones in their place."""

    start: int
    end: int
    new: bytes | None = None


def pieces(data: bytes, edits: Iterable[Edit]) -> Iterator[Piece]:
    """The parts of the edited bytes in their order; see `rewrite`."""
    ordered = sorted(edits, key=lambda e: (e.start, -e.end))
    return _pieces(ordered, Range(0, len(data)))


def _pieces(edits: Sequence[Edit], place: Range) -> Iterator[Piece]:
    at = place.start
    for i, edit in enumerate(edits):
        if edit.start < at or edit.end > place.end:
            continue
        yield Piece(at, edit.start)
        for part in edit.parts:
            if not isinstance(part, str):
                yield from _pieces(edits[i + 1 :], part)
            elif len(edit.parts) == 1:
                yield Piece(edit.start, edit.end, part.encode())
            else:
                yield Piece(edit.start, edit.start, part.encode())
        at = edit.end
    yield Piece(at, place.end)


class Operation(NamedTuple):
    """A binary operation."""

    left: Node
    sign: Node
    right: Node


def operations(syntax: Syntax) -> list[Operation]:
    """The operations of two operands; comparisons in a chain and those with a comment inside are passed over."""
    return [Operation(*node.children) for node in syntax.nodes("operation") if node.child_count == 3]


def exchanged(operation: Operation, sign: str | Range) -> Edit:
    """The operands in each other's place, around a sign."""
    left, middle, right = (span(node) for node in operation)
    gaps = Range(left.end, middle.start), Range(middle.end, right.start)
    return Edit(left.start, right.end, (right, gaps[0], sign, gaps[1], left))


def operator_usage(functions: Iterable[Function]) -> Counter[str]:
    """How often each operator occurs in functions."""
    parsed = (Syntax(function) for function in functions)
    return Counter(syntax.text(op.sign) for syntax in parsed for op in operations(syntax))


def wrong_operator(syntax: Syntax, rng: random.Random, usage: Counter[str]) -> Iterator[Edit]:
    """Operators replaced by others of their kind, each edit a defect of its own, in random order.

    Args:
        syntax: The function.
        rng: For the order and the operators.
        usage: Operators are drawn as often as they occur here, so that rare ones do not reveal a defect.
    """
    places = operations(syntax)
    for operation in rng.sample(places, len(places)):
        old = syntax.text(operation.sign)
        kind = next((kind for kind in KINDS if old in kind), ())
        others = [new for new in kind if new != old and {new, old} not in _NEAR and usage[new]]
        if others:
            (new,) = rng.choices(others, [usage[new] for new in others])
            yield Edit(*span(operation.sign), (new,))


def swapped_operand(syntax: Syntax, rng: random.Random) -> Iterator[Edit]:
    """Operands swapped where their order matters, each edit a defect of its own, in random order."""
    places = operations(syntax)
    for operation in rng.sample(places, len(places)):
        # Text % values is formatting: values % text would be seen at once.
        if syntax.text(operation.sign) not in _ORDERED or operation.left.type.endswith("string"):
            continue
        # An operand that is an operation would be parted by its neighbour's precedence.
        if {operation.left.type, operation.right.type} & OPERATIONS:
            continue
        if syntax.text(operation.left) != syntax.text(operation.right):
            yield exchanged(operation, span(operation.sign))


def variable_misuse(syntax: Syntax, rng: random.Random) -> Iterator[Edit]:
    """Uses of a variable replaced by another one that is bound before and visible, each edit a defect of its own."""
    known = {name: bindings for name, bindings in syntax.bound.items() if name not in syntax.fixed}
    other = {span(n) for mark in ("bind", "write") for n in syntax.nodes(mark)}
    uses = [(p, name) for name in known for p in syntax.occurrences[name] if p not in other]
    for place, name in rng.sample(uses, len(uses)):
        visible = [
            new
            for new, bindings in known.items()
            if any(at < place.start and scope.start <= place.start < scope.end for at, scope in bindings)
        ]
        if name in visible and len(visible) > 1:
            visible.remove(name)
            yield Edit(*place, (rng.choice(visible),))
