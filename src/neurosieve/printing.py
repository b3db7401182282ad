"""The one way to a terminal: what a user's text holds is shown, and never acts on what shows it."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment


def visible(text: str) -> str:
    """A text whose control characters, line ends and direction marks cannot act on what shows it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


class Screen(Console):
    """A console on which a text is plain: no markup, no escape sequence. Colours come from styles alone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The parts of something printable, their texts without control characters but line ends."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment("\n".join(map(visible, part.text.split("\n"))), part.style)


def json_text(value: Any, encoding: str = "utf-8") -> str:
    """A value as JSON for a terminal or a file: control characters and direction marks are escapes.

    Args:
        value: What JSON can hold.
        encoding: Of the place; if it lacks a character, all characters outside ASCII are escapes.
    """
    text = json.dumps(value, indent=1, ensure_ascii=False)
    if text.encode(encoding, errors="replace").decode(encoding) != text:
        text = json.dumps(value, indent=1)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
