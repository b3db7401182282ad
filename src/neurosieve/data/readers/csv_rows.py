"""CSV as RFC 4180 has it, and nothing else.

Readers that forgive drop quotes or backslashes of a field that another dialect wrote, and code loses a string literal
silently. So what is not in the standard's form is an error with its line. A file does not distinguish numbers from
texts either: a cell is kept as it is written.
"""

import re
from collections.abc import Iterator

from neurosieve.errors import DataError

_QUOTED = r'"(?P<quoted>(?:[^"]++|"")*+)"'
_CELL = re.compile(rf'(?:{_QUOTED}|(?P<plain>[^",\r\n]*+))(?P<end>,|\r?\n|\Z)')


class Written(str):
    """A cell as it is written, in a file that does not distinguish numbers and truth values from texts."""

    __slots__ = ()


Cells = list[Written | None]


def csv_rows(text: str, where: str) -> Iterator[dict[str, Written | None]]:
    """Rows by the names in the first one; nothing between two commas is None, and blank lines are skipped.

    Args:
        text: Of the file.
        where: Names it in an error.

    Raises:
        DataError: Quotes that are not as RFC 4180 has them, a row with more or fewer columns, or a name that is
            twice (each with its line).
    """
    header: list[str] = []
    for line, cells in _rows(text, where):
        if not header:
            header = [name or "" for name in cells]
            if again := sorted({name for name in header if header.count(name) > 1}):
                came = f"{again[0]!r} twice"
                raise DataError(
                    f"{where} line {line}", expected="different column names", got=came, remedy="rename one"
                )
        elif len(cells) != len(header):
            raise DataError(
                f"{where} line {line}",
                expected=f"{len(header)} columns, as in the first row",
                got=f"{len(cells)}",
                remedy='put fields with commas or line ends in quotes: "a, b"',
            )
        else:
            yield dict(zip(header, cells, strict=True))


def _rows(text: str, where: str) -> Iterator[tuple[int, Cells]]:
    """Each row with the line that it begins on."""
    at, line = 0, 1
    cells: Cells = []
    first = line
    while at < len(text) or cells:
        match = _CELL.match(text, at)
        if match is None:
            raise _misquoted(text, at, where)
        quoted, plain = match["quoted"], match["plain"]
        cell = plain if quoted is None else quoted.replace('""', '"')
        cells.append(Written(cell) if cell or quoted is not None else None)
        at, line = match.end(), line + match[0].count("\n")
        if match["end"] != ",":
            if cells != [None]:
                yield first, cells
            cells, first = [], line


def _misquoted(text: str, at: int, where: str) -> DataError:
    """The error for the field that begins at `at`, with the place that breaks the rule."""
    closed = re.compile(_QUOTED).match(text, at)
    place = closed.end() if closed else at
    line = text.count("\n", 0, place) + 1
    if re.compile(r'[^",\r\n]*\r(?!\n)').match(text, place):
        return DataError(
            f"{where} line {line}",
            expected="lines that end with a line feed",
            got="a carriage return alone",
            remedy="write the table again with line feeds, or put a field that holds one in quotes",
        )
    start = max(at, text.rfind("\n", 0, place) + 1)
    end = text.find("\n", place)
    return DataError(
        f"{where} line {line}",
        expected='fields as RFC 4180 quotes them: in "…", and each quote inside twice',
        got=text[start : end if end >= 0 else None].strip()[:60],
        remedy='write the table again so, \\" as ""',
    )
