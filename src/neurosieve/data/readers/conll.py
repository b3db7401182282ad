"""Token tagging from CoNLL files: a token a line, a blank line after each sentence or function.

Two layouts, recognised by the first token's line. CoNLL-U has ten columns with tabs between them, the first a number:
the word is the second column (FORM), the label the fourth (UPOS). In all others (CoNLL-2003) the word is the first
column and the label the last. Own code, since the packages for it read CoNLL-U alone. Layouts whose first column counts
the words (CoNLL-X is read like CoNLL-U; CoNLL-2008, CoNLL-2009 and WebAnno's `1-2` are not) or names the document
(CoNLL-2012) are refused.

A line that begins with `#` before the first token of a sentence is a comment in CoNLL-U, and elsewhere if it has no
tab. In a file without tabs it could be a token `#` with its label too: with as many columns as a token, it is an error.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from neurosieve.data.dataset import Example, Span
from neurosieve.data.readers.files import TextFile, digest, split_lines
from neurosieve.errors import DataError
from neurosieve.typing import Split

# Of a word, a multiword range, or an empty node.
_ID = re.compile(r"[0-9]+([-.][0-9]+)?")
# A number after a text that is none.
_COUNTED = re.compile(r"(.*[^0-9])([0-9]{1,9})")
_BORDER = re.compile(r"[ \t]*|-DOCSTART-([ \t].*)?")


class _Word(NamedTuple):
    text: str
    label: str
    space_after: bool
    third: str  # what is in the third column of four or more: CoNLL-2012 numbers the words there


@dataclass(frozen=True)
class _Layout:
    """Columns of a file: how many, whether tabs part them, and whether they are CoNLL-U's."""

    columns: int
    tabs: bool
    universal: bool

    @staticmethod
    def of(line: str) -> "_Layout":
        tabs = "\t" in line
        cells = _cells(line, tabs=tabs)
        return _Layout(len(cells), tabs, tabs and len(cells) == 10 and bool(_ID.fullmatch(cells[0])))


def conll_sentences(file: TextFile, split: Split) -> Iterator[Example]:
    """Examples from one sentence each, named by the line of its first token; words are joined by single spaces.

    In CoNLL-U `SpaceAfter=No` joins two words without one, and multiword ranges and empty nodes are skipped: the words
    of a range have lines of their own. `-DOCSTART-` lines are skipped.

    Raises:
        DataError: No token; a first line that is no CoNLL-U in a `.conllu` file; a first column that counts the words;
            or a line, named by its number, with another number of columns, without word or label, or that could be a
            comment or a token.
    """
    lines = split_lines(file.text)
    layout = _layout(lines, file)
    words: list[_Word] = []
    first = 0
    numbered: list[int] = []  # how many words are numbers in order, by sentence; 0 where they are not
    for number, line in enumerate([*lines, ""], start=1):
        where = f"{file.path} line {number}"
        if _BORDER.fullmatch(line):
            if words:
                numbered.append(_numbered(words))
                yield _example(words, first, split)
            words = []
        elif words or not _is_comment(line, layout, where):
            first = first if words else number
            words.extend(_words(line, layout, where))
    if layout.columns > 2 and not layout.universal and min(numbered) > 0 and max(numbered) > 1:
        raise _no_words(f"{file.path}", "numbers of the words, or the document's name")


def _numbered(sentence: Sequence[_Word]) -> int:
    """How many words are numbers in order, or one document's name next to such numbers; 0 where they are words.

    Numbers go from 0 or 1 on, multiword ranges and empty nodes aside; or up by one from any number on where one text
    is before all of them (`t7`, `3-1`).
    """
    words = [word.text for word in sentence]
    if len(set(words)) == 1 and [word.third for word in sentence] == [str(i) for i in range(len(words))]:
        return len(words)
    if all(_ID.fullmatch(word) for word in words):
        numbers = [word for word in words if word.isdigit()]
        if numbers and any(numbers == [str(i + first) for i in range(len(numbers))] for first in (0, 1)):
            return len(numbers)
    parts = [match.groups() for word in words if (match := _COUNTED.fullmatch(word))]
    steps = {(before, int(after) - i) for i, (before, after) in enumerate(parts)}
    return len(words) if len(parts) == len(words) and len(steps) == 1 else 0


def _no_words(where: str, came: str) -> DataError:
    return DataError(
        where,
        expected="words in the first column, or the ten columns of CoNLL-U with tabs between them",
        got=came,
        remedy="keep the columns of word and label, the label last",
    )


def _layout(lines: Sequence[str], file: TextFile) -> _Layout:
    full = [(number, line) for number, line in enumerate(lines, start=1) if not _BORDER.fullmatch(line)]
    tokens = [(n, line) for n, line in full if not line.startswith("#")] or [(n, s) for n, s in full if "\t" in s]
    number, line = next(iter(tokens), (0, ""))
    if full and full[0][1].startswith("#begin document"):
        raise _no_words(f"{file.path} line {full[0][0]}", "a file of CoNLL-2012")
    layout = _Layout.of(line)
    if layout.columns < 2:
        raise DataError(
            f"{file.path} line {number}" if number else f"{file.path}",
            expected="a token and its label, in columns",
            got=f"{line[:40]!r}" if number else "no token",
            remedy="write one token a line, with tabs between the columns",
        )
    if ".conllu" in file.path.suffixes and not layout.universal:
        raise DataError(
            f"{file.path} line {number}",
            expected="the ten columns of CoNLL-U with tabs between them, the first a number",
            got=f"{layout.columns} in {line[:40]!r}",
            remedy=f"write all ten, or call it {file.path.name.replace('.conllu', '.conll')}: label in the last column",
        )
    return layout


def _cells(line: str, *, tabs: bool) -> list[str]:
    return line.split("\t") if tabs else [cell for cell in line.split(" ") if cell]


def _is_comment(line: str, layout: _Layout, where: str) -> bool:
    """Whether a line before a sentence's first token is a comment."""
    if not line.startswith("#") or (layout.tabs and not layout.universal and "\t" in line):
        return False
    if not layout.tabs and len(_cells(line, tabs=False)) == layout.columns:
        raise DataError(
            where,
            expected="either a comment or a token",
            got=f"{line[:40]!r}, which could be both",
            remedy="put tabs between the columns, or take the comment out",
        )
    return True


def _words(line: str, layout: _Layout, where: str) -> Iterator[_Word]:
    """The word of a line; none where it is a multiword range or an empty node."""
    cells = _cells(line, tabs=layout.tabs)
    if len(cells) != layout.columns:
        raise DataError(
            where,
            expected=f"{layout.columns} columns, as in the first token's line",
            got=f"{len(cells)}",
            remedy="write all columns in each line, and a blank line between sentences",
        )
    if layout.universal and not _ID.fullmatch(cells[0]):
        raise DataError(
            where, expected="a number in the first column", got=repr(cells[0][:40]), remedy="number the words"
        )
    if layout.universal and not cells[0].isdigit():
        return
    text, label = (cells[1], cells[3]) if layout.universal else (cells[0], cells[-1])
    label = label.strip()
    if not text or not label or (layout.universal and label == "_"):
        raise DataError(
            where,
            expected="a token and its label",
            got=repr(line[:40]),
            remedy="fill UPOS, the fourth column" if layout.universal else "fill the first column and the last",
        )
    third = cells[2] if layout.columns > 3 else ""
    yield _Word(text, label, not layout.universal or "SpaceAfter=No" not in cells[-1].split("|"), third)


def _example(words: Sequence[_Word], line: int, split: Split) -> Example:
    text, spans = "", []
    for word in words:
        spans.append(Span(len(text), len(text) + len(word.text), word.label))
        text += word.text + " " * word.space_after
    text = text.removesuffix(" ")
    return Example(f"{split}:{line}", text, tuple(spans), split, digest(text))
