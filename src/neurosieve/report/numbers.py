"""Numbers and texts as a reader sees them: never more digits than they carry, and no control characters."""

from collections.abc import Mapping, Sequence
from typing import Any

Interval = Sequence[float]
NONE = "–"


def per_cent(value: int | float | None, interval: Interval | None = None) -> str:
    """A share with its interval, for example `97.5 % [96.8, 98.1]`."""
    if value is None:
        return NONE
    text = f"{100 * value:.1f} %"
    return f"{text} [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]" if interval else text


def points(part: Mapping[str, Any]) -> str:
    """A difference with its interval, in percentage points."""
    low, high = part["interval"]
    return f"{100 * part['value']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def ranged(spread: Mapping[str, Any] | None) -> str:
    """Mean and range of some draws, for example `93.3 % (90.8 – 95.0)`."""
    if spread is None or spread["mean"] is None:
        return NONE
    return f"{per_cent(spread['mean'])} ({100 * spread['lo']:.1f} – {100 * spread['hi']:.1f})"


def allowed(delta: float) -> str:
    """A loss allowed, in percentage points: `1 point`, `0.5 points`."""
    points = 100 * delta
    return f"{points:g} point{'' if points == 1 else 's'}"


def count(value: int | float | None) -> str:
    """A number of things, with a separator for thousands."""
    return NONE if value is None else f"{value:,.10g}"


def neuron(pair: Sequence[int]) -> str:
    """A neuron's name: layer and index."""
    return f"{pair[0]}:{pair[1]}"


def visible(text: str) -> str:
    """A text whose control characters, line ends and direction marks cannot act on what shows it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
