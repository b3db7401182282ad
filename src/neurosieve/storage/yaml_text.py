"""YAML as plain values: no tag makes an object; deep ones, and a short text that aliases blow up, are refused."""

from typing import Any

import yaml

from neurosieve.storage.bounded_json import DEPTH

NODES = 1_000_000  # values that a text may hold, those behind aliases counted each time


class _Loader(yaml.SafeLoader):
    """Counts how deep it is while it reads."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self._depth > DEPTH:
            raise ValueError(_DEEP)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_DEEP = f"values more than {DEPTH} deep in others"


def parse_yaml(text: str | bytes) -> Any:
    """The value of a YAML text.

    Raises:
        ValueError: It is none, or too much (in one line).
    """
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
        _count(value, NODES, DEPTH)
    except yaml.YAMLError as e:
        raise ValueError(" ".join(str(e).split())) from e
    return value


def _count(value: Any, left: int, depth: int) -> int:
    """How many values are left of those allowed after this one; behind aliases they can be deep, or hold themselves."""
    if depth < 0:
        raise ValueError(_DEEP)
    if left <= 0:
        raise ValueError(f"more than {NODES:,} values, counted behind each alias")
    parts = (*value.keys(), *value.values()) if isinstance(value, dict) else value
    left -= 1
    for part in parts if isinstance(parts, list | tuple) else ():
        left = _count(part, left, depth - 1)
    return left
