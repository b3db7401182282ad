"""Texts of users on a terminal: shown, never obeyed."""

import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from neurosieve.errors import DataError
from neurosieve.printing import Screen, json_text, visible

ACTING = ["\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\x90", "\u202e", "\u2066", "\x7f", "\x00", "\r", "\u2028", "\x08"]


def printed(*things: object, terminal: bool = False) -> str:
    file = io.StringIO()
    screen = Screen(file=file, width=200, force_terminal=terminal, color_system="standard" if terminal else None)
    screen.print(*things)
    return file.getvalue()


@pytest.mark.parametrize("sign", ACTING)
def test_nothing_acts_on_the_terminal(sign: str) -> None:
    text = f"a{sign}b[red]c"
    table = Table(text, title=text)
    table.add_row(text)
    for thing in (text, Text(text), table):
        shown = printed(thing)
        assert "b[red]c" in shown
        assert all(c.isprintable() or c == "\n" for c in shown)


def test_markup_and_emoji_are_texts_and_styles_are_not() -> None:
    assert printed("[red]a[/] :smile: [/b]") == "[red]a[/] :smile: [/b]\n"
    assert printed(Text("\x1b[0ma", style="red"), terminal=True) == "\x1b[31m\N{REPLACEMENT CHARACTER}[0ma\x1b[0m\n"


@pytest.mark.parametrize("sign", ACTING)
def test_errors_are_one_visible_line(sign: str) -> None:
    error = DataError(f"a{sign}.jsonl", expected="text\nor code", got=f"{sign}", remedy="mend it")
    assert str(error) == f"a{visible(sign)}.jsonl: expected text or code, got {visible(sign)}; mend it"
    assert error.got == sign


@pytest.mark.parametrize("sign", [*ACTING, "é", "\n", "\ud800", "😀"])
def test_json_is_visible_and_the_same_value(sign: str) -> None:
    value = {f"k{sign}": [sign, 1.5, None]}
    text = json_text(value)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert json.loads(text) == value


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize("sign", [*ACTING, "é", "😀", "·–"])
def test_json_fits_its_place(sign: str, encoding: str) -> None:
    """Escapes, and no question marks: a program reads it."""
    value = {f"k{sign}": [sign, "?"]}
    text = json_text(value, encoding)
    assert json.loads(text.encode(encoding).decode(encoding)) == value
    assert all(c.isprintable() or c == "\n" for c in text)
