"""The functions of a source file, and what the syntax of one of them shows about its names."""

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import takewhile
from typing import NamedTuple

import tree_sitter
from tree_sitter import Node

from neurosieve.syntax.grammars import GRAMMARS, Grammar
from neurosieve.syntax.languages import grammar, parse
from neurosieve.syntax.trees import all_nodes

WORD = re.compile(r"\w+")
_UNTOUCHED = {"self", "cls", "_"}  # names that convention fixes
_INTROSPECTION = {"locals", "vars", "eval", "exec", "dir"}  # code that may see its own names
# Node types that bind a name to the value of an expression in them.
_ASSIGNING = {"assignment", "augmented_assignment", "named_expression", "variable_declarator", "init_declarator"}
_ASSIGNING |= {"let_declaration", "short_var_declaration", "var_spec"}
_TAG = re.compile(r"[@:>\\]|-{3}|={3}")  # what follows is markup: parameters, doctests, headings
_MARKS = re.compile(r"^[ \t]*(?:/\*+!?|\*+/|\*+(?!/)|//[/!]*)?[ \t]?|[ \t]*\*+/[ \t]*$", re.MULTILINE)
_SMALL = 500  # nodes of a subtree that is searched in one pass: at worst as many steps for each node


class Range(NamedTuple):
    """Bytes `start` (included) to `end` (excluded)."""

    start: int
    end: int


@dataclass(frozen=True)
class Function:
    """A function of a file, moved to the left margin.

    Attributes:
        text: From its first keyword to its end, without decorators.
        language: A name of `LANGUAGES`.
        kind: Its type in the grammar.
        line: Where it starts in the file, from 1.
        comment: The comment right before it.
    """

    text: str
    language: str
    kind: str
    line: int
    comment: str

    @property
    def lines(self) -> int:
        """Lines of text."""
        return self.text.count("\n") + 1


@cache
def _query(language: str, text: str) -> tree_sitter.Query:
    return tree_sitter.Query(grammar(language), text)


def captures(node: Node, language: str, query: str) -> dict[str, list[Node]]:
    """Nodes by capture, in the order of the text.

    The query is run at each large node alone, and once on each small subtree. In one pass over a large tree, a pattern
    that has begun in each of many nested nodes (`a + a + …`) would be tried at each step for all of them.
    """
    by_capture: dict[str, list[Node]] = defaultdict(list)
    for start, cursor in _cursors(node, _query(language, query)):
        for name, nodes in cursor.captures(start).items():
            by_capture[name] += nodes
    return {name: sorted(nodes, key=lambda n: (n.start_byte, -n.end_byte)) for name, nodes in by_capture.items()}


def _cursors(node: Node, query: tree_sitter.Query) -> Iterator[tuple[Node, tree_sitter.QueryCursor]]:
    """Where to run a query: at each large node and on each small subtree, or once if a pattern begins with siblings."""
    whole = tree_sitter.QueryCursor(query)
    if not all(query.is_pattern_rooted(i) for i in range(query.pattern_count)):
        yield node, whole
        return
    alone = tree_sitter.QueryCursor(query)
    alone.set_max_start_depth(0)
    for start in all_nodes(node, least=_SMALL):
        yield start, whole if start.descendant_count < _SMALL else alone


def find_functions(text: str, language: str) -> Iterator[Function]:
    """The functions of a source file in order; those inside other functions are part of them.

    Raises:
        DataError: The language's grammar is not installed.
    """
    tree, data = parse(text, language)
    known = GRAMMARS[language]
    query = " ".join(f"({kind} body: (_)) @function" for kind in known.functions)
    reached = 0
    for node in captures(tree.root_node, language, query).get("function", ()):
        if node.start_byte < reached:
            continue
        reached = node.end_byte
        margin = re.match(rb"[ \t]*", data[data.rfind(b"\n", 0, node.start_byte) + 1 :])
        indent = margin[0].decode() if margin else ""
        first, *rest = data[node.start_byte : node.end_byte].decode("utf-8").split("\n")
        body = "\n".join([first, *(line.removeprefix(indent) for line in rest)])
        comment = _comment_before(node, known, data)
        yield Function(body.rstrip(), language, node.type, node.start_point.row + 1, comment)


def _comment_before(node: Node, known: Grammar, data: bytes) -> str:
    """The comment that ends on the line above a function, or above what wraps it."""
    while node.parent is not None and node.parent.type in known.around:
        node = node.parent
    row, before, lines = node.start_point.row, node.prev_sibling, list[str]()
    while before is not None and before.type in ("attribute_item", *_COMMENTS):
        text = (before.text or b"").decode("utf-8").rstrip()
        own_line = not data[data.rfind(b"\n", 0, before.start_byte) + 1 : before.start_byte].strip()
        if not own_line or before.start_point.row + text.count("\n") + 1 != row:
            break
        lines += [text] if before.type in _COMMENTS else []
        row, before = before.start_point.row, before.prev_sibling
    return "\n".join(reversed(lines))


_COMMENTS = ("comment", "line_comment", "block_comment")


class Syntax:
    """A function's tree, with what the grammar's query captures in it; it takes 50 kB, so it is not kept.

    Attributes:
        data: The bytes that all places count; a method has a class around it.
        node: The function; None if it has a syntax error when it is parsed alone.
    """

    def __init__(self, function: Function) -> None:
        self._known = GRAMMARS[function.language]
        self._before, self._after = self._known.functions[function.kind]
        self._language = function.language
        tree, self.data = parse(f"{self._before}{function.text}{self._after}", self._language)
        self.node = _only_function(tree.root_node, function.kind, len(self._before.encode("utf-8")))
        self._marks = {} if self.node is None else captures(self.node, self._language, self._known.query)

    @property
    def negation(self) -> str:
        """The prefix that negates a condition."""
        return self._known.negation

    def nodes(self, mark: str) -> list[Node]:
        """What the query captures under a name."""
        return self._marks.get(mark, [])

    def text(self, place: Node | Range) -> str:
        """The source of a node or range."""
        start, end = (place.start, place.end) if isinstance(place, Range) else (place.start_byte, place.end_byte)
        return self.data[start:end].decode("utf-8")

    def unwrapped(self, data: bytes) -> str | None:
        """The function of edited bytes; None if they have a syntax error."""
        text = data.decode("utf-8")
        if parse(text, self._language)[0].root_node.has_error:
            return None
        return text.removeprefix(self._before).removesuffix(self._after)

    @property
    def words(self) -> set[str]:
        """All words, also those of strings and comments."""
        return set(WORD.findall(self.data.decode("utf-8")))

    @cached_property
    def own(self) -> Range | None:
        """The function's own name; None if it is not a plain identifier."""
        return next((span(n) for n in self.nodes("own")), None)

    @cached_property
    def docstring(self) -> Node | None:
        """The statement that is the function's docstring."""
        return next((n for n in self.nodes("docstring") if n.parent and n.parent.parent == self.node), None)

    @cached_property
    def _body(self) -> int:
        body = self.node.child_by_field_name("body") if self.node else None
        return body.start_byte if body else 0

    @cached_property
    def fixed(self) -> set[str]:
        """Names that cannot be changed in all their places."""
        marks = ["fixed", "keyword"] if len(self.nodes("own")) > 1 else ["fixed"]  # inner functions are called here
        names = {self.text(n) for mark in marks for n in self.nodes(mark)}
        names |= {word for n in self.nodes("opaque") for word in WORD.findall(self.text(n))}
        names |= {self.text(n) for n in self.nodes("own")}
        bound = {span(n) for n in self.nodes("bind")}
        for name, places in self.occurrences.items():
            # Defaults and annotations belong to the code around the function.
            if any(p.start < self._body and p not in bound for p in places):
                names.add(name)
        return names | _UNTOUCHED

    @cached_property
    def occurrences(self) -> dict[str, list[Range]]:
        """The places of each name that may be a variable's; not the function's own name."""
        other = {span(n) for mark in ("elsewhere", "keyword", "own") for n in self.nodes(mark)}
        places = defaultdict(list)
        for node in self.nodes("name"):
            if span(node) not in other:
                places[self.text(node)].append(span(node))
        return places

    @cached_property
    def bound(self) -> dict[str, list[tuple[int, Range]]]:
        """Parameters and locals: from where on each has its value, and the scope of that binding."""
        scopes = [span(n) for n in self.nodes("scope")]
        function = span(self.node) if self.node else Range(0, 0)
        bindings = defaultdict(list)
        for node in self.nodes("bind"):
            at = node.start_byte
            scope = max((s for s in scopes if s.start <= at < s.end), key=lambda s: s.start, default=function)
            if self._known.block_scoped or scope == function:
                bindings[self.text(node)].append((_bound_from(node), scope))
        return bindings

    @cached_property
    def variables(self) -> dict[str, list[Range]]:
        """Parameters and locals that can be renamed, with all their places."""
        if self.words & _INTROSPECTION:
            return {}
        return {
            name: self.occurrences[name]
            for name, bindings in self.bound.items()
            if name not in self.fixed
            and all(any(s.start <= p.start < s.end for _, s in bindings) for p in self.occurrences[name])
        }


def _only_function(root: Node, kind: str, start: int) -> Node | None:
    """The function that starts at a byte, where nothing in the tree is an error."""
    node = None if root.has_error else root.descendant_for_byte_range(start, start)
    while node is not None and node.type != kind:
        node = node.parent
    return node


def _bound_from(node: Node) -> int:
    """From where on a name has its value: after the statement that assigns it, else from its own place."""
    outer: Node | None = node
    for _ in range(2):  # there may be a pattern in between
        outer = outer.parent if outer else None
        if outer and outer.type in _ASSIGNING:
            return outer.end_byte
    return node.start_byte


def span(node: Node) -> Range:
    """The bytes of a node."""
    return Range(node.start_byte, node.end_byte)


def description(function: Function, syntax: Syntax) -> str:
    """The first paragraph of what documents a function, on one line; empty where there is none."""
    if function.language != "python":
        text = _MARKS.sub("", function.comment)
    elif syntax.docstring is None:
        return ""
    else:
        try:
            value = ast.literal_eval(syntax.text(syntax.docstring))
        except (SyntaxError, ValueError):  # an f-string
            return ""
        text = inspect.cleandoc(value) if isinstance(value, str) else ""
    lines = (line.strip() for line in text.strip().split("\n"))
    return " ".join(takewhile(lambda line: line and not _TAG.match(line), lines))
