"""The same code written otherwise: new names of variables, another layout, no comments, statements in another order.

A rewrite means the same by construction: only parameters and locals are renamed, at all their places; white space is
changed where no sign or word can merge; a comment goes whole; two neighbours change places that only bind names to
values without calls, and do not mention each other's names, or are imports. It is kept only if it parses, with the
same nodes as before, but for the comments. Each rewrite knows where the characters of the original are in it.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tree_sitter import Node

from neurosieve.data.corpora.mutations import Edit, Piece, pieces
from neurosieve.data.schemes import byte_to_char
from neurosieve.errors import DataError, unknown_name
from neurosieve.syntax.functions import WORD, Function, Range, Syntax, find_functions, span
from neurosieve.syntax.languages import parse
from neurosieve.syntax.lexical import lexical
from neurosieve.syntax.trees import all_nodes

_WORDS = ("value", "item", "result", "index", "count", "total", "entry", "other", "first", "part", "level", "state")
_GLUE = set("=+-*/<>()[]{},:;")  # signs that may stand next to a word without white space
_DIRECTIVE = re.compile(rb"[ \t]*#")
_IMPORTS = {"import_statement", "import_from_statement", "import_declaration", "use_declaration"}
_BINDS = re.compile(r"(?:[\w\[\]<>:*&]+[ ]+)*(?:let |var |const |val )?(\w+)(?:\s*:\s*\w+)?\s*:?=(?!=)([^()\n]*);?")
_EFFECTS = re.compile(r"[(=.\[/%@]|\+\+|--|\b(?:await|yield|new|lambda)\b")


class Place(NamedTuple):
    """Characters of the original and where they are in the rewrite, or what stands in their place there."""

    start: int
    end: int
    new_start: int
    new_end: int
    kept: bool


@dataclass(frozen=True)
class Rewrite:
    """A rewritten text.

    Attributes:
        text: The rewrite.
        places: What is left of the original, in its order.
    """

    text: str
    places: tuple[Place, ...]

    @staticmethod
    def of(text: str) -> "Rewrite":
        """A text as it is."""
        return Rewrite(text, (Place(0, len(text), 0, len(text), kept=True),))

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a word or sign of the original is in the rewrite; None where it is gone."""
        number = bisect_right(self.places, start, key=lambda place: place.start) - 1
        place = self.places[number] if number >= 0 else None
        if place is None or end > place.end:
            return None
        if place.kept:
            return start - place.start + place.new_start, end - place.start + place.new_start
        return (place.new_start, place.new_end) if (start, end) == place[:2] else None


def rewrite_text(text: str, language: str, kind: str, *, names: Sequence[str] = (), subject: str = "code") -> Rewrite:
    """Write a text otherwise.

    Args:
        text: A file or a function.
        language: A name of `LANGUAGES`.
        kind: One of `REWRITES`.
        names: For variables, in the order in which they are tried; made of common words where they do not suffice.
        subject: What errors call the text.

    Raises:
        ConfigError: No such kind.
        DataError: The text, or its rewrite, does not parse; or the rewrite has other nodes.
    """
    if kind not in REWRITES:
        raise unknown_name("rewrite", kind, REWRITES)
    tree, data = parse(text, language)
    if tree.root_node.has_error:
        raise _refused(kind, subject, "code that parses", "a syntax error in the original")
    parts = list(pieces(data, REWRITES[kind](tree.root_node, data, language, names)))
    new = b"".join(data[p.start : p.end] if p.new is None else p.new for p in parts)
    again, _ = parse(new.decode("utf-8"), language)
    if again.root_node.has_error:
        raise _refused(kind, subject, "code that parses", "a syntax error in the rewrite")
    if _shape(tree.root_node, kind) != _shape(again.root_node, kind):
        raise _refused(kind, subject, "the nodes of the original", "others")
    return Rewrite(new.decode("utf-8"), _places(data, new, parts))


def _refused(kind: str, subject: str, expected: str, got: str) -> DataError:
    return DataError(f"rewrite {kind!r} of {subject}", expected=expected, got=got, remedy="leave this text out")


def _shape(root: Node, kind: str) -> object:
    """The types of all nodes, in order but for statements that change places; without comments where these go."""
    types = [n.type for n in all_nodes(root) if kind != "comments" or not _of_comment(n)]
    return Counter(types) if kind == "reordered" else types


def _of_comment(node: Node) -> bool:
    """A comment, or a sign that a grammar knows in it."""
    return "comment" in node.type or (node.parent is not None and "comment" in node.parent.type)


def _places(data: bytes, new: bytes, parts: Sequence[Piece]) -> tuple[Place, ...]:
    old_char, new_char, at, places = byte_to_char(data), byte_to_char(new), 0, []
    for part in parts:
        size = part.end - part.start if part.new is None else len(part.new)
        if part.end > part.start and size:
            ends = old_char(part.start), old_char(part.end), new_char(at), new_char(at + size)
            places.append(Place(*ends, kept=part.new is None))
        at += size
    return tuple(sorted(places))


def _renamed(root: Node, data: bytes, language: str, names: Sequence[str]) -> list[Edit]:
    """New names for parameters and locals of all functions, none of which the text has.

    Names by which arguments are given in calls stay: a parameter of that name is part of how a function is called.
    """
    text = data.decode("utf-8")
    taken, edits, fixed = set(WORD.findall(text)), list[Edit](), _keywords(root)
    pool = iter([*names, *_WORDS, *(f"{a}_{b}" for a in _WORDS for b in _WORDS)])
    for function in find_functions(text, language):
        syntax = Syntax(function)
        begin = _beginning(function, syntax)
        if begin is None:
            continue
        where = _in_file(function, data)
        for name, places in syntax.variables.items():
            if name in fixed:
                continue
            new = next((word for word in pool if word not in taken), None)
            if new is None:
                return edits
            taken.add(new)
            edits += [Edit(where(p.start - begin), where(p.end - begin), (new,)) for p in places]
    return edits


def _keywords(root: Node) -> set[str]:
    """Names of arguments in calls."""
    given = (n.child_by_field_name("name") for n in all_nodes(root) if n.type == "keyword_argument")
    return {name.text.decode("utf-8") for name in given if name is not None and name.text is not None}


def _beginning(function: Function, syntax: Syntax) -> int | None:
    """The byte of `Syntax.data` at which the function's own text begins; None if it does not parse alone."""
    found = syntax.data.find(function.text.encode("utf-8"))
    return None if syntax.node is None or found < 0 else found


def _in_file(function: Function, data: bytes) -> Callable[[int], int]:
    """From a byte of a function's text, which is moved to the left margin, to the byte of its file."""
    own, lines = function.text.encode("utf-8").split(b"\n"), data.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    first = function.line - 1
    indent = re.match(rb"[ \t]*", lines[first])
    margin = indent[0] if indent else b""
    shift = [lines[first].find(own[0])]
    shift += [len(margin) if line.startswith(margin) else 0 for line in lines[first + 1 : first + len(own)]]
    begins = [0]
    for line in own:
        begins.append(begins[-1] + len(line) + 1)

    def place(byte: int) -> int:
        row = bisect_right(begins, byte) - 1
        return starts[first + row] + shift[row] + byte - begins[row]

    return place


def _laid_out(root: Node, data: bytes, language: str, _: Sequence[str]) -> list[Edit]:
    """Indents twice as deep, no spaces between words and signs, a blank line where a line ends with its statement."""
    edits, end = [], 0
    spans = [*((start, stop) for start, stop, _ in sorted(lexical(root, language))), (len(data), len(data))]
    for start, stop in spans:
        gap = data[end:start]
        if start > end and gap.isspace():
            new = _gap(gap, data, end, start, language)
            if new != gap:
                edits.append(Edit(end, start, (new.decode("utf-8"),)))
        end = max(end, stop)
    return edits


def _gap(gap: bytes, data: bytes, begin: int, end: int, language: str) -> bytes:
    if b"\n" in gap:
        before, _, indent = gap.rpartition(b"\n")
        return before + b"\n" + indent * 2
    line = data[data.rfind(b"\n", 0, begin) + 1 : begin]
    if not line.strip():
        return gap * 2  # the indent of the first line
    if end == len(data) or (language in ("c", "cpp") and _DIRECTIVE.match(line)):
        return gap
    left, right = chr(data[begin - 1]), chr(data[end])
    word = re.compile(r"\w")
    if (left in _GLUE and word.match(right)) or (word.match(left) and right in _GLUE):
        return b""
    return gap


def _uncommented(root: Node, data: bytes, _: str, __: Sequence[str]) -> list[Edit]:
    """No comments; a line that has nothing else goes whole, but for the first one of a file that says how it runs."""
    edits = []
    for node in all_nodes(root):
        start, end = span(node)
        if "comment" not in node.type or data[start : start + 2] == b"#!":
            continue
        end = start + len(data[start:end].rstrip())
        line = data.rfind(b"\n", 0, start) + 1
        rest = data[end:].partition(b"\n")[0].strip()
        if rest:
            edits.append(Edit(start, end, (" ",)))
        elif data[line:start].strip():
            edits.append(Edit(line + len(data[line:start].rstrip()), end, ()))
        else:
            after = data.find(b"\n", end)
            edits.append(Edit(line, len(data) if after < 0 else after + 1, ()))
    return edits


def _reordered(root: Node, data: bytes, _: str, __: Sequence[str]) -> list[Edit]:
    """Neighbours in each other's place, where neither can tell."""
    edits = []
    for node in all_nodes(root):
        last = None
        for one, other in pairwise(node.named_children):
            if one is not last and _independent(one, other, data):
                gap = Range(one.end_byte, other.start_byte)
                edits.append(Edit(one.start_byte, other.end_byte, (span(other), gap, span(one))))
                last = other
    return edits


def _independent(one: Node, other: Node, data: bytes) -> bool:
    texts = [data[n.start_byte : n.end_byte].decode("utf-8") for n in (one, other)]
    gap = data[one.end_byte : other.start_byte]
    if any("\n" in text for text in texts) or gap.strip() or gap.count(b"\n") != 1:
        return False
    if one.parent is not None and one.parent.parent is not None and one.parent.parent.type == "class_definition":
        return False  # the order of fields may be that of a constructor's arguments
    if {one.type, other.type} <= _IMPORTS:
        return not any("__future__" in text or "*" in text for text in texts)
    bound = [_BINDS.fullmatch(text.strip()) for text in texts]
    if bound[0] is None or bound[1] is None or any(_EFFECTS.search(m[2].rstrip(";")) for m in bound if m):
        return False
    names = [m[1] for m in bound if m]
    return names[0] not in WORD.findall(texts[1]) and names[1] not in WORD.findall(texts[0])


REWRITES: dict[str, Callable[[Node, bytes, str, Sequence[str]], list[Edit]]] = {
    "renamed": _renamed,
    "layout": _laid_out,
    "comments": _uncommented,
    "reordered": _reordered,
}


def variable_names(texts: Sequence[str], language: str) -> Iterator[str]:
    """Names of parameters and locals in texts, each once, in their order."""
    seen = set()
    for text in texts:
        for function in find_functions(text, language):
            for name in Syntax(function).variables:
                if name not in seen:
                    seen.add(name)
                    yield name
