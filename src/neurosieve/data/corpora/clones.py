"""A copy of a function that means the same: other names, other forms of its statements, no comments."""

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from neurosieve.data.corpora.mutations import OPERATIONS, Edit, Operation, exchanged, operations, rewrite
from neurosieve.syntax.functions import Range, Syntax, span

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="} | {sign: sign for sign in ("==", "!=", "===", "!==")}
_OPPOSITE = {"==": "!=", "===": "!==", "in": "not in", "is": "is not"}
_OPPOSITE |= {b: a for a, b in _OPPOSITE.items()}
_BLOCKS = {"block", "compound_statement", "statement_block"}
# Conditions that need no parentheses when they are negated.
_ATOMS = {"identifier", "call", "attribute", "subscript", "comparison_operator", "parenthesized_expression"}
_ATOMS |= {"call_expression", "method_invocation", "field_access", "field_expression", "member_expression"}
_ATOMS |= {"selector_expression", "subscript_expression", "array_access", "true", "false"}
# Code whose moment of evaluation may matter.
_EFFECTS = re.compile(r"[(=]|\+\+|--|\b(?:await|yield)\b")
# Only with numbers: x += y changes a Python list in place, x = x + y makes a new one.
_AUGMENTED = re.compile(rb"([A-Za-z_]\w*)\s*([-+*])=\s*(\d[\w.]*)\Z")
_ASSIGNED = re.compile(rb"([A-Za-z_]\w*)\s*=\s*\1\s*([-+*])\s*(\d[\w.]*)\Z")
_BLANK_LINES = re.compile(rb"(?:[ \t]*\r?\n(?=[ \t]*\r?\n))*")
_TRIES = 100


@dataclass
class Names:
    """Names to draw from, each as often as it was found."""

    variables: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)

    def add(self, syntax: Syntax) -> None:
        """Take the names of one function."""
        self.variables += syntax.variables
        if syntax.own is not None:
            self.functions.append(syntax.text(syntax.own))


def can_be_renamed(syntax: Syntax) -> bool:
    """It has a name, and at least one parameter or local, that can be replaced at all their places.

    A function that names itself is none: in a class that name would be another function's.
    """
    if syntax.node is None or syntax.own is None or not syntax.variables:
        return False
    name = syntax.text(syntax.own)
    return name not in syntax.occurrences and not name.startswith("__")


def without_comments(syntax: Syntax) -> list[Edit]:
    """Comments and the docstring dropped."""
    edits = [_dropped(syntax, n) for n in syntax.nodes("comment")]
    return edits + without_docstring(syntax)


def without_docstring(syntax: Syntax) -> list[Edit]:
    """The docstring removed; nothing if it is the whole body or is not on lines of its own."""
    doc = syntax.docstring
    if doc is None or doc.parent is None or sum(n.type != "comment" for n in doc.parent.named_children) < 2:
        return []
    edit = _dropped(syntax, doc)
    blank = _BLANK_LINES.match(syntax.data, edit.end)
    return [Edit(edit.start, blank.end() if blank else edit.end, ())] if edit.start < doc.start_byte else []


def _dropped(syntax: Syntax, node: Node) -> Edit:
    """Without the white space before it, and the line break where it has the line to itself."""
    data, (start, end) = syntax.data, span(node)
    end = start + len(data[start:end].rstrip())  # the grammar may count the line's end as part of a comment
    line = data.rfind(b"\n", 0, start)
    if data[end:].partition(b"\n")[0].strip():
        return Edit(start, end, (" ",))
    before = data[line + 1 : start].rstrip()
    return Edit(line + 1 + len(before) if before else line, end, ())


def restructured(syntax: Syntax, rng: random.Random) -> list[Edit]:
    """Some of the forms that can be changed without changing the meaning; at least one if there is any."""
    edits = [edit for op in operations(syntax) if (edit := _mirrored(syntax, op))]
    edits += [edit for node in syntax.nodes("update") if (edit := _update(syntax, node))]
    edits += [edit for node in syntax.nodes("branch") if (edit := _flipped(syntax, node))]
    chosen = [edit for edit in edits if rng.random() < 0.5]
    return chosen or edits[:1]


def _mirrored(syntax: Syntax, operation: Operation) -> Edit | None:
    """`a < b` as `b > a`."""
    sign = _MIRRORED.get(syntax.text(operation.sign))
    for side in (operation.left, operation.right):
        if _EFFECTS.search(syntax.text(side)) or (side.type in OPERATIONS and side.type != "binary_operator"):
            return None
    return exchanged(operation, sign) if sign else None


def _update(syntax: Syntax, node: Node) -> Edit | None:
    """`x += 1` as `x = x + 1`, and back."""
    at = span(node)
    text = syntax.data[at.start : at.end]
    short = _AUGMENTED.match(text)
    match = short or _ASSIGNED.match(text)
    if not match:
        return None
    name, number = (Range(at.start + match.start(i), at.start + match.end(i)) for i in (1, 3))
    sign = match[2].decode()
    return Edit(*at, (name, " = ", name, f" {sign} ", number) if short else (name, f" {sign}= ", number))


def _flipped(syntax: Syntax, node: Node) -> Edit | None:
    """`if a: B else: C` as `if not a: C else: B`."""
    then, others = node.child_by_field_name("consequence"), node.children_by_field_name("alternative")
    if then is None or then.type not in _BLOCKS or len(others) != 1:
        return None
    inside = others[0].named_children if others[0].type == "else_clause" else others
    other = next((n for n in inside if n.type == then.type), None)
    condition = _inner(node.child_by_field_name("condition"))
    if other is None or condition is None:
        return None
    if not syntax.text(then).startswith("{") and _margin(syntax, then) != _margin(syntax, other):
        return None
    c, a, b = span(condition), span(then), span(other)
    return Edit(c.start, b.end, (*_negated(syntax, condition), Range(c.end, a.start), b, Range(a.end, b.start), a))


def _margin(syntax: Syntax, block: Node) -> str:
    """The text before a block on its line; if blocks have no braces, it must be the same for both."""
    line = Range(syntax.data.rfind(b"\n", 0, block.start_byte) + 1, block.start_byte)
    return syntax.text(line)


def _inner(condition: Node | None) -> Node | None:
    """A condition without its parentheses; None if it binds a name."""
    while condition is not None and condition.type in ("parenthesized_expression", "condition_clause"):
        condition = condition.named_children[0] if condition.named_child_count == 1 else None
    binds = condition is not None and condition.type.startswith(("let", "declaration", "named", "init"))
    return None if binds else condition


def _negated(syntax: Syntax, condition: Node) -> tuple[str | Range, ...]:
    everything = span(condition)
    if condition.type in ("not_operator", "unary_expression"):
        first, last = condition.children[0], condition.children[-1]
        if syntax.text(first) == syntax.negation.strip():
            return (span(last),)
    if condition.type in OPERATIONS and condition.child_count == 3:
        sign = condition.children[1]
        if opposite := _OPPOSITE.get(syntax.text(sign)):
            return Range(everything.start, sign.start_byte), opposite, Range(sign.end_byte, everything.end)
    return (syntax.negation, everything) if condition.type in _ATOMS else (f"{syntax.negation}(", everything, ")")


def renamed(syntax: Syntax, rng: random.Random, names: Names, avoid: Collection[str]) -> list[Edit] | None:
    """New names for the function, its parameters and its locals; None if too few are known."""
    taken = syntax.words | set(avoid)
    wanted: list[tuple[Sequence[Range], Sequence[str]]] = [(p, names.variables) for p in syntax.variables.values()]
    wanted += [([syntax.own], names.functions)] if syntax.own else []
    edits = []
    for places, pool in wanted:
        new = next((name for name in rng.choices(pool, k=_TRIES) if name not in taken), None)
        if new is None:
            return None
        taken.add(new)
        edits += [Edit(*place, (new,)) for place in places]
    return edits


def clone(syntax: Syntax, rng: random.Random, names: Names, avoid: Collection[str]) -> str | None:
    """A copy that means the same and shares no replaced name with the function.

    Args:
        syntax: A function that can be renamed.
        rng: For names and forms.
        names: To draw from.
        avoid: Further names that the copy must not bring in.

    Returns:
        The copy; None if too few names are known or the copy would not parse.
    """
    new = renamed(syntax, rng, names, avoid)
    if new is None:
        return None
    return syntax.unwrapped(rewrite(syntax.data, [*restructured(syntax, rng), *without_comments(syntax), *new]))
