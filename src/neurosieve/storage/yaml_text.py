"""YAML as plain values: no tag makes an object, and a short text that aliases blow up is refused."""

from typing import Any

import yaml

NODES = 1_000_000  # values that a text may hold, those behind aliases counted each time


def parse_yaml(text: str | bytes) -> Any:
    """The value of a YAML text.

    Raises:
        ValueError: It is none, or too much (in one line).
    """
    try:
        value = yaml.safe_load(text)
        _count(value, NODES)
    except RecursionError as e:
        raise ValueError("values nested too deep") from e
    except yaml.YAMLError as e:
        raise ValueError(" ".join(str(e).split())) from e
    return value


def _count(value: Any, left: int) -> int:
    """How many values are left of those allowed after this one; a value that holds itself never ends, but they do."""
    if left <= 0:
        raise ValueError(f"more than {NODES:,} values, counted behind each alias")
    parts = (*value.keys(), *value.values()) if isinstance(value, dict) else value
    left -= 1
    for part in parts if isinstance(parts, list | tuple) else ():
        left = _count(part, left)
    return left
