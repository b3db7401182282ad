"""Labels on source code from its syntax tree, by tree-sitter.

Two schemes. `lexical` names what a lexer sees: keyword, identifier, number, string, comment, operator,
punctuation. `identifier-role` names what an identifier does, which its text does not tell: function, class,
parameter, local, attribute, call, import. Keywords are the grammar's own anonymous alphabetic symbols:
no word list is kept.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import tree_sitter_python
from tree_sitter import Language, Node, Parser

from neurosieve.data.dataset import Span
from neurosieve.errors import unknown_name

_NUMBERS = {"integer", "float"}
_WORD_CONSTANTS = {"true", "false", "none"}
_PUNCTUATION = set("()[]{},:;.") | {"..."}
_SCOPES = {"function_definition", "lambda"}


@lru_cache(maxsize=1)
def _python() -> Language:
    return Language(tree_sitter_python.language())


def label_spans(text: str, scheme: str) -> tuple[Span, ...]:
    """Spans of a Python source under a labelling scheme, in character offsets.

    Raises:
        ConfigError: The scheme is not known.
    """
    if scheme not in SCHEMES:
        raise unknown_name("label scheme", scheme, SCHEMES)
    data = text.encode("utf-8")
    tree = Parser(_python()).parse(data)
    to_char = _byte_to_char(data)
    spans = [Span(to_char(n.start_byte), to_char(n.end_byte), label) for n, label in SCHEMES[scheme](tree.root_node)]
    return tuple(sorted(spans))


def _byte_to_char(data: bytes) -> Callable[[int], int]:
    if data.isascii():
        return lambda byte: byte
    # Continuation bytes (10xxxxxx) start no character.
    starts = (np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80
    table = np.concatenate([[0], np.cumsum(starts)])
    return lambda byte: int(table[byte])


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def _lexical(root: Node) -> Iterator[tuple[Node, str]]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type == "string" and not any(c.type == "interpolation" for c in node.children):
            yield node, "string"
        elif node.child_count:
            stack.extend(reversed(node.children))
        elif node.start_byte < node.end_byte and (label := _leaf_label(node)):
            yield node, label


def _leaf_label(node: Node) -> str | None:
    kind = node.type
    if kind in ("identifier", "comment"):
        return kind
    if kind in _NUMBERS:
        return "number"
    if kind.startswith(("string_", "escape_")):
        return "string"
    if kind in _WORD_CONSTANTS or (not node.is_named and kind.replace(" ", "").isalpha()):
        return "keyword"
    if node.is_named and kind != "ellipsis":
        return None
    return "punctuation" if kind in _PUNCTUATION or kind == "ellipsis" else "operator"


def _roles(root: Node) -> Iterator[tuple[Node, str]]:
    bound: dict[int, dict[str, str]] = {}
    names = [n for n in _walk(root) if n.type == "identifier"]
    for node in names:
        role = _binding(node)
        if role and (scope := _scope(node)):
            bound.setdefault(scope.id, {}).setdefault(_name(node), role)
    for node in names:
        if role := _site(node) or _lookup(node, bound):
            yield node, role


def _name(node: Node) -> str:
    return (node.text or b"").decode("utf-8")


def _scope(node: Node | None) -> Node | None:
    """The innermost function around a node; a definition's own name and defaults belong to the outer one."""
    child, node = node, node.parent if node else None
    while node is not None:
        inside = child is not None and child.type in ("parameters", "lambda_parameters", "block")
        body = node.child_by_field_name("body") if node.type in _SCOPES else None
        if node.type in _SCOPES and (inside or child == body):
            return node
        child, node = node, node.parent
    return None


def _lookup(node: Node, bound: dict[int, dict[str, str]]) -> str | None:
    name, scope = _name(node), _scope(node)
    while scope is not None:
        if name in bound.get(scope.id, {}):
            return bound[scope.id][name]
        scope = _scope(scope)
    return None


def _site(node: Node) -> str | None:
    """The role that the place alone gives: function, class, import, attribute, call."""
    parent = node.parent
    if parent is None:
        return None
    if parent.type in ("function_definition", "class_definition") and parent.child_by_field_name("name") == node:
        return "function" if parent.type == "function_definition" else "class"
    if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        outer = parent.parent
        called = outer is not None and outer.type == "call" and outer.child_by_field_name("function") == parent
        return "call" if called else "attribute"
    if parent.type == "call" and parent.child_by_field_name("function") == node:
        return "call"
    if parent.type == "dotted_name":
        parent = parent.parent or parent
    statements = ("import_statement", "import_from_statement", "aliased_import", "relative_import")
    return "import" if parent.type in statements else None


def _binding(node: Node) -> str | None:
    """`parameter` or `local` where this identifier binds a name in its function."""
    child, parent = node, node.parent
    while parent is not None and parent.type in _PATTERNS:
        child, parent = parent, parent.parent
    if parent is None:
        return None
    if parent.type in ("default_parameter", "typed_default_parameter"):
        return "parameter" if parent.child_by_field_name("name") == child else None
    if parent.type == "typed_parameter":
        return "parameter" if parent.children[0] == child else None
    if parent.type in ("parameters", "lambda_parameters"):
        return "parameter"
    if parent.type in ("assignment", "augmented_assignment", "for_statement", "for_in_clause"):
        return "local" if parent.child_by_field_name("left") == child else None
    if parent.type == "named_expression":
        return "local" if parent.child_by_field_name("name") == child else None
    return "local" if parent.type == "as_pattern_target" else None


_PATTERNS = {"list_splat_pattern", "dictionary_splat_pattern", "pattern_list", "tuple_pattern", "list_pattern"}

SCHEMES: dict[str, Callable[[Node], Iterator[tuple[Node, str]]]] = {"lexical": _lexical, "identifier-role": _roles}
