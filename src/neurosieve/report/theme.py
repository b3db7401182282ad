"""The style sheet, which is the one place of all colours."""

import re
from functools import cache
from importlib.resources import files


@cache
def theme() -> str:
    """The style sheet."""
    return files("neurosieve.report").joinpath("theme.css").read_text(encoding="utf-8")


@cache
def colour(name: str) -> str:
    """A colour of the theme on white paper, as `#rrggbb`."""
    match = re.search(rf"--{name}: (#[0-9a-f]{{6}});", theme())
    assert match, name  # noqa: S101 - the theme is ours
    return match[1]


def mixed(low: str, high: str, share: float) -> str:
    """A colour between two of the theme: 0 is the first, 1 the second."""
    ends = [[int(colour(name)[i : i + 2], 16) for i in (1, 3, 5)] for name in (low, high)]
    part = min(max(share, 0.0), 1.0)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(*ends, strict=True))
