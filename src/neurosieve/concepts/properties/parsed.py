"""One text, parsed once, and its words: what all properties read from.

A unit is what the lexical scheme sees: a leaf of the tree, a comment, a text in quotes. What is in no such span
(a sign that does not parse, `!r` in a text of Python) is a unit without a class: all visible text is in exactly one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from jaxtyping import Int
from tree_sitter import Node

from neurosieve.data.schemes import byte_to_char
from neurosieve.syntax.frames import Framed, parse_framed
from neurosieve.syntax.functions import captures
from neurosieve.syntax.grammars import GRAMMARS
from neurosieve.syntax.lexical import lexical
from neurosieve.syntax.trees import all_nodes

# First character, character after the last.
Spans = Sequence[tuple[int, int]]

_SPLIT = ("comment", "string")
_VISIBLE = re.compile(rb"\S+")
# Nodes that are a statement, a declaration or a directive of their own; those of parameters and blocks are not.
_STATEMENT = re.compile(
    r"(?!compound_)\w+_statement|(?!parameter_|optional_|variadic_|type_parameter_|template_template_)(\w+_)?declaration"
    r"|(function|type|class|decorated|method|field|namespace|macro|concept)_definition|\w+_item|for_range_loop"
    r"|class_specifier|package_clause|static_initializer|preproc_(include|def|function_def|call|if|ifdef)"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A word or sign with its place in the syntax tree.

    Attributes:
        start: First character.
        end: Character after the last.
        label: Its class in the lexical scheme; None if it has none.
        node: Type of the smallest node around it.
        parent: Type of the node around that one.
        depth: Nodes above that one, without those of a frame.
        function: Characters of the innermost function around it.
        statement: Characters of the innermost statement around it.
        error: It is in code that does not parse.
    """

    start: int
    end: int
    label: str | None
    node: str
    parent: str
    depth: int
    function: tuple[int, int] | None
    statement: tuple[int, int] | None
    error: bool


@dataclass(frozen=True)
class Source:
    """A text in a language; the tree and all that is read from it is made once, when it is first asked for.

    Attributes:
        text: The code: a file, a function or a fragment.
        language: A name of `LANGUAGES`.
        id: What the user's own columns call it, for example `Example.id`.
    """

    text: str
    language: str
    id: str = ""

    @cached_property
    def parsed(self) -> Framed:
        """The tree, of the text as it is or in the frame that leaves the fewest errors.

        Raises:
            ConfigError: No such language.
            DataError: The language's grammar is not installed (names its package).
        """
        return parse_framed(self.text, self.language)

    @property
    def root(self) -> Node:
        """The tree's root; its bytes count from the frame's beginning."""
        return self.parsed.tree.root_node

    @cached_property
    def _char(self) -> Callable[[int], int]:
        first, last = self.parsed.first, self.parsed.last
        to_char = byte_to_char(self.parsed.data[first:last])
        return lambda byte: to_char(min(max(byte, first), last) - first)

    def span(self, node: Node) -> tuple[int, int] | None:
        """The characters of a node; None if it is part of the frame."""
        if not self.parsed.first <= node.start_byte < self.parsed.last:
            return None
        return self.chars(node.start_byte, node.end_byte)

    def chars(self, start: int, end: int) -> tuple[int, int]:
        """The characters between two bytes of the tree, as far as they are of the text."""
        return self._char(start), self._char(end)

    @cached_property
    def parents(self) -> dict[int, Node]:
        """The node around each node, by the `id` of that node, which a node itself finds by a search from the root."""
        return {child.id: node for node in all_nodes(self.root) for child in node.children}

    def captures(self, query: str) -> dict[str, list[Node]]:
        """Nodes of the text by the name under which a tree-sitter query captures them, each once, in order."""
        if query not in self._captured:
            nodes_of = captures(self.root, self.language, query)
            in_text = {name: {n.id: n for n in nodes if self.span(n)} for name, nodes in nodes_of.items()}
            self._captured[query] = {name: list(nodes.values()) for name, nodes in in_text.items()}
        return self._captured[query]

    @cached_property
    def _captured(self) -> dict[str, dict[str, list[Node]]]:
        return {}

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All visible text, in order. Cost: one walk over the tree, about 10 µs a unit."""
        return tuple(_Walk(self.parsed, self.language, self._char).units())

    @cached_property
    def starts(self) -> Int[np.ndarray, " units"]:
        """First character of each unit."""
        return np.array([u.start for u in self.units], dtype=np.int64)

    @cached_property
    def _ends(self) -> Int[np.ndarray, " units"]:
        return np.array([u.end for u in self.units], dtype=np.int64)

    def find(self, spans: Spans) -> list[int]:
        """For each span the index of the first unit in or around it; −1 where it has no visible text."""
        if not self.units:
            return [-1] * len(spans)
        places = np.array(spans, dtype=np.int64).reshape(-1, 2)
        index = np.searchsorted(self._ends, places[:, 0], side="right")
        inside = index < len(self.units)
        covered = inside & (self.starts[np.where(inside, index, 0)] < places[:, 1])
        indices: list[int] = np.where(covered, index, -1).tolist()
        return indices


def innermost(ranges: Iterable[tuple[int, int, int]], size: int, none: int) -> list[int]:
    """For each of `size` places the value of the innermost range around it. Cost: places and ranges, each once.

    Args:
        ranges: First place, place after the last and value, as they nest: by first place, outer ones first.
        size: Places.
        none: The value outside all ranges.
    """
    values, open_, reached = [none] * size, list[tuple[int, int]](), 0

    def fill(until: int) -> int:
        if open_ and until > reached:
            values[reached:until] = [open_[-1][1]] * (until - reached)
        return max(reached, until)

    for start, end, value in chain(ranges, [(size, size, none)]):
        while open_ and open_[-1][0] <= start:
            reached = fill(open_[-1][0])
            open_.pop()
        reached = fill(start)
        if end > start:
            open_.append((end, value))
    return values


def tokens(source: Source) -> list[tuple[int, int]]:
    """The characters of all units in order; comments and texts in quotes are cut at white space.

    If there is no white space in them, the spans are those of the scheme `lexical`.
    """
    spans = []
    for unit in source.units:
        if unit.label in _SPLIT:
            words = re.finditer(r"\S+", source.text[unit.start : unit.end])
            spans += [(unit.start + w.start(), unit.start + w.end()) for w in words]
        else:
            spans.append((unit.start, unit.end))
    return spans


@dataclass(slots=True)
class _Frame:
    """A node on the way down, with what holds for all that is in it."""

    children: Iterator[Node]
    node: str
    parent: str
    end: int
    depth: int
    function: tuple[int, int] | None
    statement: tuple[int, int] | None
    error: bool


class _Walk:
    """From a tree to its units: one pass, in which each lexical span finds the smallest node around it."""

    def __init__(self, parsed: Framed, language: str, char: Callable[[int], int]) -> None:
        self._parsed, self._language, self._char = parsed, language, char
        self._functions = GRAMMARS[language].functions
        self._kinds: dict[str, bool] = {}

    def units(self) -> Iterator[Unit]:
        spans = self._spans()
        trimmed = self._trimmed(spans)
        for (start, end, label), at in zip(spans, self._places(spans), strict=True):
            yield Unit(
                self._char(start),
                self._char(end),
                label,
                at.node,
                at.parent,
                at.depth,
                at.function and (self._char(at.function[0]), self._char(at.function[1])),
                at.statement and trimmed(at.statement),
                at.error,
            )

    def _spans(self) -> list[tuple[int, int, str | None]]:
        """The lexical spans in bytes, cut to the text, and between them what has no class."""
        first, last = self._parsed.first, self._parsed.last
        labelled = sorted(s for s in lexical(self._parsed.tree.root_node, self._language) if s[0] < last)
        spans: list[tuple[int, int, str | None]] = []
        reached = first
        for start, end, label in [*labelled, (last, last, "")]:
            start, end = max(start, reached), min(end, last)
            spans += self._unlabelled(reached, start)
            # JavaScript's grammar takes U+0085 for an identifier.
            if start < end and (label in _SPLIT or self._visible(start, end)):
                spans.append((start, end, label))
            reached = max(reached, end)
        return spans

    def _unlabelled(self, start: int, end: int) -> Iterator[tuple[int, int, None]]:
        for word in _VISIBLE.finditer(self._parsed.data, start, end):
            # A backslash that joins two lines is not a word.
            if word[0] != b"\\" and self._visible(*word.span()):
                yield word.start(), word.end(), None

    def _visible(self, start: int, end: int) -> bool:
        return bool(self._parsed.data[start:end].decode("utf-8", "replace").strip())

    def _trimmed(self, spans: list[tuple[int, int, str | None]]) -> Callable[[tuple[int, int]], tuple[int, int]]:
        """From a node's bytes to the characters of the units in it: some nodes end with the line."""
        starts = np.array([s[0] for s in spans], dtype=np.int64)
        known: dict[tuple[int, int], tuple[int, int]] = {}

        def trim(place: tuple[int, int]) -> tuple[int, int]:
            if place not in known:
                low, high = np.searchsorted(starts, place)
                known[place] = self._char(spans[low][0]), self._char(spans[high - 1][1])
            return known[place]

        return trim

    def _places(self, spans: list[tuple[int, int, str | None]]) -> Iterator[_Frame]:
        root = self._parsed.tree.root_node
        stack = [_Frame(iter(root.children), root.type, "", len(self._parsed.data) + 1, 0, None, None, root.is_error)]
        i = 0
        while stack and i < len(spans):
            frame = stack[-1]
            child = next(frame.children, None)
            limit = frame.end if child is None else child.start_byte
            while i < len(spans) and spans[i][0] < limit:
                yield frame
                i += 1
            if child is None:
                stack.pop()
            elif i < len(spans) and spans[i][0] < child.end_byte:
                if spans[i][1] <= child.end_byte:
                    stack.append(self._inside(child, frame))
                else:  # the unit is several nodes
                    yield frame
                    i += 1

    def _inside(self, node: Node, outer: _Frame) -> _Frame:
        kind, end = node.type, node.end_byte
        in_text = node.start_byte >= self._parsed.first
        function, statement = outer.function, outer.statement
        if in_text and kind in self._functions:
            function = (node.start_byte, end)
        if in_text and self._is_statement(kind):
            statement = (node.start_byte, end)
        error = outer.error or node.is_error
        return _Frame(iter(node.children), kind, outer.node, end, outer.depth + in_text, function, statement, error)

    def _is_statement(self, kind: str) -> bool:
        if kind not in self._kinds:
            self._kinds[kind] = _STATEMENT.fullmatch(kind) is not None
        return self._kinds[kind]
