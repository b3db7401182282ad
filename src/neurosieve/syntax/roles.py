"""What an identifier does in Python, which does not follow from its text.

Function, class, parameter, local, attribute, call, import; names are looked up in the scopes of the syntax tree.
"""

from collections.abc import Iterator

from tree_sitter import Node

from neurosieve.syntax.lexical import PYTHON_NAMES, ByteSpan
from neurosieve.syntax.trees import current_node

_SCOPES = {"function_definition", "lambda", "class_definition"}
_WITH_DEFAULTS = {"default_parameter", "typed_default_parameter", "typed_parameter"}


class _Place:
    """A node on the way down: the grammar's nodes know their parent only by a search from the root.

    Attributes:
        node: The node.
        type: Its type.
        field: What it is to its parent.
        up: The place of its parent.
        first: It is the first child.
        top: Itself, or the outermost of the patterns around it.
        scope: The innermost function or class around it; a definition's own name, defaults and annotations belong to
            the outer one.
        around: The scope of the innermost function or class that it is any part of.
    """

    __slots__ = ("around", "field", "first", "node", "scope", "top", "type", "up")

    def __init__(self, node: Node, field: str | None = None, up: "_Place | None" = None, *, first: bool = True) -> None:
        self.node, self.type, self.field, self.up, self.first = node, node.type, field, up, first
        self.top: _Place = up.top if up and up.type in _PATTERNS else self
        self.scope: _Place | None = up.scope if up else None
        self.around: _Place | None = up.around if up else None
        if up and up.type in _SCOPES:
            self.scope, self.around = up if field in ("body", "parameters") else up.scope, up.scope
        elif up and up.type in _WITH_DEFAULTS and field in ("value", "type"):
            self.scope = self.around

    @property
    def name(self) -> str:
        return (self.node.text or b"").decode("utf-8")


_Bound = dict[_Place, dict[str, str]]


def identifier_roles(root: Node, _language: str) -> Iterator[ByteSpan]:
    """The identifiers of a Python source that have a role, with it. Cost: one walk over the tree."""
    names = [place for place in _walk(root) if place.type in PYTHON_NAMES]
    lookup = _Lookup(_bound(names))
    for place in names:
        role = _site(place)
        if role is None:
            role = lookup.role(place)
        if role:
            yield place.node.start_byte, place.node.end_byte, role


def _walk(root: Node) -> Iterator[_Place]:
    cursor, place = root.walk(), _Place(root)
    while True:
        yield place
        if cursor.goto_first_child():
            place = _Place(current_node(cursor), cursor.field_name, place)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent() or place.up is None:
                return
            place = place.up
        place = _Place(current_node(cursor), cursor.field_name, place.up, first=False)


def _bound(names: list[_Place]) -> _Bound:
    """Role of each name that a scope binds, empty if it is neither parameter nor local."""
    bound: _Bound = {}
    declared: set[tuple[_Place, str]] = set()
    for place in names:
        kind = place.up.type if place.up else ""
        if kind in ("global_statement", "nonlocal_statement") and place.scope:
            declared.add((place.scope, place.name))
            if kind == "global_statement":
                bound.setdefault(place.scope, {})[place.name] = ""
    for place in names:
        role, name = _binding(place), place.name
        if role is not None and place.scope and (place.scope, name) not in declared:
            roles = bound.setdefault(place.scope, {})
            roles[name] = roles.get(name) or (role if place.scope.type != "class_definition" else "")
    return bound


class _Lookup:
    """Names in the scopes around them; results are kept by scope, so that no chain of scopes is followed twice."""

    def __init__(self, bound: _Bound) -> None:
        self._bound = bound
        self._known: dict[tuple[_Place, str], str | None] = {}

    def role(self, place: _Place) -> str | None:
        name, direct = place.name, place.scope
        if direct is None or name in self._bound.get(direct, {}):
            return self._bound[direct][name] if direct else None
        passed, scope, role = list[tuple[_Place, str]](), direct.scope, None
        while scope is not None:
            if (scope, name) in self._known:
                role = self._known[scope, name]
                break
            passed.append((scope, name))
            # The names of a class are not seen from the functions in it.
            if scope.type != "class_definition" and name in self._bound.get(scope, {}):
                role = self._bound[scope][name]
                break
            scope = scope.scope
        self._known |= dict.fromkeys(passed, role)
        return role


def _site(place: _Place) -> str | None:
    """The role that the place alone gives: function, class, import, attribute, call; empty for a keyword's name."""
    parent = place.up
    if parent is None:
        return None
    if parent.type in ("function_definition", "class_definition") and place.field == "name":
        return "function" if parent.type == "function_definition" else "class"
    if parent.type == "attribute" and place.field == "attribute":
        called = parent.up is not None and parent.up.type == "call" and parent.field == "function"
        return "call" if called else "attribute"
    if parent.type == "call" and place.field == "function":
        return "call"
    if parent.type in ("keyword_argument", "keyword_pattern") and place.first:
        return ""
    outer = parent.up if parent.type == "dotted_name" else parent
    if outer is not None and outer.type in _IMPORTS:
        return "import"
    return "attribute" if parent.type == "dotted_name" and not place.first else None


def _binding(place: _Place) -> str | None:
    """`parameter` or `local` where this identifier binds a name in its scope; empty if it binds another kind."""
    parent = place.up
    if parent is not None and _binds_definition(place, parent):
        return ""
    if parent is not None and parent.type == "dotted_name":
        captures = parent.node.child_count == 1 and parent.up is not None and parent.up.type in _CAPTURES
        return "local" if captures else None
    child, parent = place.top, place.top.up
    if parent is None:
        return None
    if parent.type in ("default_parameter", "typed_default_parameter"):
        return "parameter" if child.field == "name" else None
    if parent.type == "typed_parameter":
        return "parameter" if child.first else None
    if parent.type in ("parameters", "lambda_parameters"):
        return "parameter"
    if parent.type in ("assignment", "augmented_assignment", "for_statement", "for_in_clause"):
        return "local" if child.field == "left" else None
    if parent.type == "named_expression":
        return "local" if child.field == "name" else None
    if parent.type == "as_pattern":
        return "local" if parent.node.children[-1] == place.node else None
    return "local" if parent.type in ("as_pattern_target", "splat_pattern") else None


def _binds_definition(place: _Place, parent: _Place) -> bool:
    if parent.type in ("function_definition", "class_definition"):
        return place.field == "name"
    if parent.type == "aliased_import":
        return place.field == "alias"
    outer = parent.up
    if parent.type != "dotted_name" or outer is None:
        return False
    if outer.type == "import_statement":
        return place.first
    return outer.type in _IMPORTS and parent.field == "name"


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
