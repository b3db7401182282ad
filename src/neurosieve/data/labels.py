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
_SCOPES = {"function_definition", "lambda", "class_definition"}
# `from __future__` has a symbol of its own in the grammar.
_NAMES = {"identifier", "__future__"}


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
    # Where the parser mends broken code it puts in nodes of no width.
    nodes = [(n, label) for n, label in SCHEMES[scheme](tree.root_node) if n.start_byte < n.end_byte]
    return tuple(sorted(Span(to_char(n.start_byte), to_char(_end_byte(n, data)), label) for n, label in nodes))


def _end_byte(node: Node, data: bytes) -> int:
    # The grammar counts the carriage return of a line's end as part of the comment before it.
    return node.end_byte - (node.type == "comment" and data[node.end_byte - 1] == ord("\r"))


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
        plain = node.type == "string" and not any(c.type == "interpolation" for c in node.children)
        if plain or node.type == "string_content":
            yield node, "string"
        elif node.child_count:
            stack.extend(reversed(node.children))
        elif label := _leaf_label(node):
            yield node, label


def _leaf_label(node: Node) -> str | None:
    kind = node.type
    if kind in _NAMES:
        return "identifier"
    if kind == "comment":
        return kind
    if kind in _NUMBERS:
        return "number"
    if kind.startswith(("string_", "escape_")):
        return "string"
    if kind in _WORD_CONSTANTS or (not node.is_named and (kind == "_" or kind.isalpha())):
        return "keyword"
    if node.is_named and kind != "ellipsis":
        return None
    return "punctuation" if kind in _PUNCTUATION or kind == "ellipsis" else "operator"


def _roles(root: Node) -> Iterator[tuple[Node, str]]:
    names = [n for n in _walk(root) if n.type in _NAMES]
    bound = _bound(names)
    for node in names:
        role = _site(node)
        if role is None:
            role = _lookup(node, bound)
        if role:
            yield node, role


def _bound(names: list[Node]) -> dict[int, dict[str, str]]:
    """Role of each name that a scope binds, empty where it is neither parameter nor local; keys are node ids."""
    bound: dict[int, dict[str, str]] = {}
    declared: set[tuple[int, str]] = set()
    for node in names:
        kind = node.parent.type if node.parent else ""
        if kind in ("global_statement", "nonlocal_statement") and (scope := _scope(node)):
            declared.add((scope.id, _name(node)))
            if kind == "global_statement":
                bound.setdefault(scope.id, {})[_name(node)] = ""
    for node in names:
        role, name = _binding(node), _name(node)
        if role is not None and (scope := _scope(node)) and (scope.id, name) not in declared:
            own = bound.setdefault(scope.id, {})
            own[name] = own.get(name) or (role if scope.type != "class_definition" else "")
    return bound


def _name(node: Node) -> str:
    return (node.text or b"").decode("utf-8")


def _scope(node: Node | None) -> Node | None:
    """The innermost function or class around a node.

    A definition's own name, defaults and annotations belong to the outer one.
    """
    child, node = node, node.parent if node else None
    outside = False
    while node is not None:
        if node.type in ("default_parameter", "typed_default_parameter", "typed_parameter"):
            outside = outside or child in (node.child_by_field_name("value"), node.child_by_field_name("type"))
        elif node.type in _SCOPES:
            inside = child in (node.child_by_field_name("body"), node.child_by_field_name("parameters"))
            if inside and not outside:
                return node
            outside = False
        child, node = node, node.parent
    return None


def _lookup(node: Node, bound: dict[int, dict[str, str]]) -> str | None:
    name, scope = _name(node), _scope(node)
    direct = scope
    while scope is not None:
        # The names of a class are not seen from the functions in it.
        if (scope == direct or scope.type != "class_definition") and name in bound.get(scope.id, {}):
            return bound[scope.id][name]
        scope = _scope(scope)
    return None


def _site(node: Node) -> str | None:
    """The role that the place alone gives: function, class, import, attribute, call; empty for a keyword's name."""
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
    if parent.type in ("keyword_argument", "keyword_pattern") and parent.children[0] == node:
        return ""
    outer = parent.parent if parent.type == "dotted_name" else parent
    if outer is not None and outer.type in _IMPORTS:
        return "import"
    return "attribute" if parent.type == "dotted_name" and parent.children[0] != node else None


def _binding(node: Node) -> str | None:
    """`parameter` or `local` where this identifier binds a name in its scope; empty if it binds another kind."""
    child, parent = node, node.parent
    if parent is not None and _binds_definition(node, parent):
        return ""
    if parent is not None and parent.type == "dotted_name":
        captures = parent.child_count == 1 and parent.parent is not None and parent.parent.type in _CAPTURES
        return "local" if captures else None
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
    if parent.type == "as_pattern":
        return "local" if parent.children[-1] == node else None
    return "local" if parent.type in ("as_pattern_target", "splat_pattern") else None


def _binds_definition(node: Node, parent: Node) -> bool:
    if parent.type in ("function_definition", "class_definition"):
        return parent.child_by_field_name("name") == node
    if parent.type == "aliased_import":
        return parent.child_by_field_name("alias") == node
    outer = parent.parent
    if parent.type != "dotted_name" or outer is None:
        return False
    if outer.type == "import_statement":
        return parent.children[0] == node
    return outer.type in _IMPORTS and parent in outer.children_by_field_name("name")


_IMPORTS = {
    "import_statement",
    "import_from_statement",
    "future_import_statement",
    "aliased_import",
    "relative_import",
}
_CAPTURES = {"case_pattern", "keyword_pattern", "union_pattern"}
_PATTERNS = {"list_splat_pattern", "dictionary_splat_pattern", "pattern_list", "tuple_pattern", "list_pattern"}
# The targets of `with` and `except` are written as expressions in the grammar.
_PATTERNS |= {"tuple", "list", "list_splat", "parenthesized_expression"}

SCHEMES: dict[str, Callable[[Node], Iterator[tuple[Node, str]]]] = {"lexical": _lexical, "identifier-role": _roles}
