"""Files of JSON lines → texts with units: what `neurosieve predict` reads.

{"text": "x = 1", "spans": [[0, 1], [4, 5]]}      units are spans of characters
{"text": "def f(): …"}                            the text is the unit
{"text": "def f(): …", "other": "def g(): …"}     a pair of texts is the unit
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from neurosieve.compact.unit_reader import CodeText
from neurosieve.data.limits import LIMITS
from neurosieve.errors import DataError
from neurosieve.storage.bounded_json import bounded_json
from neurosieve.storage.folder import check_ordinary

_EXPECTED = '{"text": "…"}, with "spans": [[first, behind last], …] or "other": "…" where the model reads such units'


def read_lines(
    files: Iterable[Path], size: int = 256, *, characters: int = LIMITS.characters
) -> Iterator[tuple[CodeText, ...]]:
    """The texts of some files, so many at once: memory does not grow with the files.

    Raises:
        DataError: A file that cannot be read, or a line that is none of the above (names it).
    """
    texts = (text for file in files for text in _of_file(file, characters))
    while found := tuple(islice(texts, size)):
        yield found


def _of_file(file: Path, characters: int) -> Iterator[CodeText]:
    try:
        check_ordinary(file)
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(characters + 1), ""), 1):
                if len(line) > characters:
                    raise DataError(
                        f"{file}, line {number}",
                        expected=f"at most {characters:,} characters in a line",
                        got="more",
                        remedy="cut the text, or raise the limit with --characters N",
                    )
                if line.strip():
                    yield _text(line, f"{file}, line {number}")
    except (OSError, UnicodeDecodeError) as e:
        got = (e.strerror or e) if isinstance(e, OSError) else "bytes that are no UTF-8"
        raise DataError(
            f"file {file}", expected="readable JSON lines", got=str(got), remedy="check the path, or save it as UTF-8"
        ) from e


def _text(line: str, where: str) -> CodeText:
    try:
        record = bounded_json(line)
    except ValueError as e:
        raise _bad(where, f"broken JSON ({' '.join(str(e).split())[:80]})") from e
    if not isinstance(record, dict):
        raise _bad(where, f"a {type(record).__name__}")
    text, other, given = (record.get(key) for key in ("text", "other", "spans"))
    if not isinstance(text, str):
        raise _bad(where, "no text")
    if unknown := sorted(record.keys() - {"text", "other", "spans"}):
        raise _bad(where, f"the key {unknown[0]!r}")
    if other is not None and not isinstance(other, str):
        raise _bad(where, "an other text that is none")
    spans = None if "spans" not in record else _spans(given, len(text), where)
    _check_characters(f"{text}{other or ''}", where)
    return CodeText(text if other is None else (text, other), spans)


def _spans(value: Any, length: int, where: str) -> tuple[tuple[int, int], ...]:
    try:
        spans = tuple((start, end) for start, end in value)
    except (TypeError, ValueError) as e:
        raise _bad(where, f"spans {value!r:.40}") from e
    for span in spans:
        if any(not isinstance(v, int) or isinstance(v, bool) for v in span) or not 0 <= span[0] <= span[1] <= length:
            raise _bad(where, f"the span {list(span)} in a text of {length} characters")
    return spans


def _check_characters(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise _bad(where, "half of a surrogate pair") from e


def _bad(where: str, got: str) -> DataError:
    return DataError(where, expected=_EXPECTED, got=got, remedy="mend the line")
