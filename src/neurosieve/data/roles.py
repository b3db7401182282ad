"""What an identifier does in Python, which its text does not tell.

Function, class, parameter, local, attribute, call, import; names are looked up in the scopes of the syntax tree.
"""

from collections.abc import Iterator

from tree_sitter import Node

from neurosieve.data.lexical import PYTHON_NAMES, ByteSpan

_SCOPES = {"function_definition", "lambda", "class_definition"}


def identifier_roles(root: Node, _language: str) -> Iterator[ByteSpan]:
    """The identifiers of a Python source that have a role, with it."""
    names = [n for n in _walk(root) if n.type in PYTHON_NAMES]
    bound = _bound(names)
    for node in names:
        role = _site(node)
        if role is None:
            role = _lookup(node, bound)
        if role:
            yield node.start_byte, node.end_byte, role


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


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
