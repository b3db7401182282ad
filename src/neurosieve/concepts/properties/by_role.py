"""What a name does: its role, and whether it is defined or used at its place.

In Python the roles are those of the scheme `identifier-role`, and types; in the other languages the tree
gives them by the place of a name, and names whose place is not enough are looked up in the scopes around it.
"""

from collections import defaultdict
from itertools import chain

import numpy as np
from tree_sitter import Node

from neurosieve.concepts.properties.by_characters import is_name
from neurosieve.concepts.properties.by_place import per_unit
from neurosieve.concepts.properties.contract import Property, Values
from neurosieve.concepts.properties.name_queries import QUERIES
from neurosieve.concepts.properties.parsed import Source, Spans, innermost
from neurosieve.syntax.grammars import GRAMMARS
from neurosieve.syntax.roles import identifier_roles

ROLES = ("function", "class", "type", "parameter", "local", "attribute", "call", "import")
USES = ("definition", "use")
# A name that is captured under several marks has the first of these roles.
_DIRECT = {"own": "function", "function": "function", "class": "class", "field": "attribute", "parameter": "parameter"}
_DIRECT |= {"call": "call", "attribute": "attribute", "type": "type"}
_DEFINING = ("own", "function", "class", "field", "parameter", "bind", "definition")
# Names that a scope may bind; those of packages, labels and types are of other spaces.
_LOOKED_UP = ("identifier", "shorthand_property_identifier")


class _Names:
    """The names of a source and what the query of its language captures there."""

    def __init__(self, source: Source) -> None:
        self._source = source
        grammar = GRAMMARS[source.language]
        kinds = " ".join(f"({kind}) @scope" for kind in grammar.functions)
        self._marks = source.captures(f"{grammar.query}\n{QUERIES[source.language]}\n{kinds}")
        self._index = {unit.start: i for i, unit in enumerate(source.units) if is_name(unit)}
        self._texts = {i: source.text[start : source.units[i].end] for start, i in self._index.items()}

    def _places(self, *marks: str) -> set[int]:
        """Units of the names captured under some marks."""
        spans = (self._source.span(node) for node in chain(*(self._marks.get(mark, ()) for mark in marks)))
        return {self._index[span[0]] for span in spans if span and span[0] in self._index}

    def _covered(self, mark: str) -> list[int]:
        """For each unit the number of the innermost node captured under a mark, counted by their starts; −1: none."""
        ranges = ((*self._range(node), number) for number, node in enumerate(self._marks.get(mark, ())))
        return innermost(ranges, len(self._source.units), -1)

    def _range(self, node: Node) -> tuple[int, int]:
        low, high = np.searchsorted(self._source.starts, self._source.span(node) or (0, 0))
        return int(low), int(high)

    def roles(self) -> dict[int, str]:
        """Role of each unit that has one."""
        python = self._source.language == "python"
        roles = self._python() if python else self._by_place() | self._bound()
        for i in self._places("type") if python else ():
            roles.setdefault(i, "type")
        imports = () if python else ((i, n) for i, n in enumerate(self._covered("imports")) if n >= 0)
        return roles | {i: "import" for i, _ in imports if i in self._texts}

    def _python(self) -> dict[int, str]:
        first = self._source.parsed.first
        roles = {}
        for start, end, role in identifier_roles(self._source.root, "python"):
            place = self._source.chars(start, end)
            if start >= first and place[0] in self._index:
                roles[self._index[place[0]]] = role
        return roles

    def _by_place(self) -> dict[int, str]:
        roles: dict[int, str] = {}
        for mark, role in _DIRECT.items():
            for i in self._places(mark):
                roles.setdefault(i, role)
        return roles

    def _bound(self) -> dict[int, str]:
        """Parameters and locals where they are bound, and all that refers to a name bound around it."""
        scopes, lists = self._covered("scope"), self._covered("list")
        nodes, starts = self._marks.get("scope", []), [n.start_byte for n in self._marks.get("list", ())]
        outer = self._outer(nodes)
        placed = self._by_place()
        bound: dict[int, dict[str, str]] = defaultdict(dict)
        roles = {}
        for i in sorted(self._places("bind", "parameter", "field")):
            listed = lists[i] >= 0 and (scopes[i] < 0 or starts[lists[i]] >= nodes[scopes[i]].start_byte)
            role = "parameter" if listed else "local"
            role = placed[i] if placed.get(i) in ("parameter", "attribute") else role
            if listed or scopes[i] >= 0:
                roles[i] = placed.get(i, role)
            if scopes[i] >= 0:
                bound[scopes[i]].setdefault(self._texts[i], role)
        known = placed.keys() | roles.keys() | self._places("elsewhere")
        for i, name in self._texts.items():
            if i not in known and self._source.units[i].node in _LOOKED_UP:
                scope = scopes[i]
                while scope >= 0 and name not in bound[scope]:
                    scope = outer[scope]
                if scope >= 0:
                    roles[i] = bound[scope][name]
        return roles

    def _outer(self, nodes: list[Node]) -> list[int]:
        """For each of nested nodes the number of the one around it; −1: none."""
        outer, stack = list[int](), list[int]()
        for number, node in enumerate(nodes):
            while stack and nodes[stack[-1]].end_byte <= node.start_byte:
                stack.pop()
            outer.append(stack[-1] if stack else -1)
            stack.append(number)
        return outer

    def uses(self) -> dict[int, str]:
        """Definition or use, for each name outside imports."""
        defined, imports = self._places(*_DEFINING), self._covered("imports")
        return {i: USES[i not in defined] for i in self._texts if imports[i] < 0}


def _role(source: Source, spans: Spans) -> Values:
    roles = _Names(source).roles()
    return per_unit([roles.get(i) for i in range(len(source.units))], source, spans)


def _use(source: Source, spans: Spans) -> Values:
    uses = _Names(source).uses()
    return per_unit([uses.get(i) for i in range(len(source.units))], source, spans)


NAMES = (
    Property("role", "token", "what a name denotes", _role, ROLES),
    Property("use", "token", "whether a name is defined or used here; none in imports", _use, USES),
)
