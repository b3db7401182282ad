"""The documentation's pages and what stands in their code blocks."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from docs.hooks import commands as page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
_FENCE = re.compile(r"^```([\w-]*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(path: Path) -> str:
    """A page's text; the command-line page as the site shows it."""
    return page.on_page_markdown(path.read_text(encoding="utf-8"))


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Language and content of each code block; indented ones have no language."""
    yield from ((m[1], m[2]) for m in _FENCE.finditer(text))
    rest = _FENCE.sub("", text)
    for m in re.finditer(r"(?:^ {4,}\S.*\n?)+", rest, re.MULTILINE):
        yield "", re.sub(r"^ {4}", "", m[0], flags=re.MULTILINE)


def prose(text: str) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ {4,}\S.*$", "", _FENCE.sub("", text), flags=re.MULTILINE))


def command_lines() -> list[tuple[str, list[str]]]:
    """Page and arguments of every `neurosieve …` line in a code block."""
    found = []
    for path in PAGES:
        for language, block in blocks(read(path)):
            if language in ("", "console", "bash", "sh"):
                lines = block.replace("\\\n", " ").splitlines()
                split = [shlex.split(line, comments=True) for line in lines if line.startswith("neurosieve ")]
                found += [(path.name, arguments[1:]) for arguments in split]
    return found
