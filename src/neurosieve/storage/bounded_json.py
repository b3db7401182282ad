"""JSON whose brackets are counted before it is parsed: values in values in values take memory and end in no answer."""

import json
import re
from typing import Any

DEPTH = 100  # brackets in brackets that are read
# All up to the next bracket, quotes whole: a bracket in them is text. No repetition is tried in a second way.
_BRACKET = re.compile(r'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?+)*+([\[\]{}]|\Z)', re.DOTALL)


def depth_of(text: str) -> int:
    """How many brackets are open at once, at most, in JSON that may be broken; the time is linear."""
    depth = deepest = 0
    for found in _BRACKET.finditer(text):
        if bracket := found[1]:
            depth += 1 if bracket in "[{" else -1
            deepest = max(deepest, depth)
    return deepest


def bounded_json(data: str | bytes, **options: Any) -> Any:
    """The value of a JSON text whose form is known, so that no option raises the bound.

    Args:
        data: The text, or its UTF-8.
        options: Of `json.loads`.

    Raises:
        ValueError: No JSON, or brackets more than 100 deep.
    """
    text = data if isinstance(data, str) else data.decode("utf-8-sig")
    if (depth := depth_of(text)) > DEPTH:
        raise ValueError(f"brackets {depth:,} deep, of which at most {DEPTH} are read")
    return json.loads(text, **options)
