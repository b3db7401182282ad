"""What a file holds, counted chunk by chunk and row by row while it is read, and held to its limits."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeVar

import numpy as np
from jaxtyping import Bool, Int, UInt8

from neurosieve.data.dataset import Example
from neurosieve.data.limits import Limits

RowKind = Literal["line", "sentence", "record", "objects", "file"]
Row = TypeVar("Row")
_STEP = np.zeros(256, np.int8)  # how deep each byte of JSON leads
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1
_SOLID = np.ones(256, bool)
_SOLID[list(b" \t\r\n")] = False


class Meter:
    """Counts bytes, rows and characters of a file that comes in chunks.

    Args:
        limits: What it may hold.
        where: Names it in an error.
        kind: What a row is; None counts bytes alone. `objects` are the values of one JSON array, or else lines. The
            rows of `sentence` and `file` are held to their characters alone.

    Attributes:
        rows: That ended so far; the header of CSV is none.

    Time is linear in the bytes, and memory does not grow with them.
    """

    def __init__(self, limits: Limits, where: str, kind: RowKind | None) -> None:
        self.rows = -1 if kind == "record" else 0
        self._limits, self._where = limits, where
        self._kind: str | None = kind
        self._bytes = self._length = self._depth = self._quotes = self._solid = 0
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLargeError: The file is above a limit with them.
        """
        self._bytes += len(chunk)
        self._limits.check("bytes", self._where, self._bytes, at_least=True)
        if self._kind == "objects" and (start := chunk.removeprefix(BOM_UTF8).lstrip()):
            self._kind = "array" if start.startswith(b"[") else "line"
        if self._kind == "array":
            chunk = self._unescaped(chunk)
        if chunk and self._kind not in (None, "objects"):
            data = np.frombuffer(chunk, np.uint8)
            self._count(data, self._ends(data))

    def _unescaped(self, chunk: bytes) -> bytes:
        """JSON without escaped quotes; a backslash whose partner has not come yet waits for it."""
        chunk = self._rest + chunk
        odd = (len(chunk) - len(chunk.rstrip(b"\\"))) % 2
        chunk, self._rest = chunk[: len(chunk) - odd], b"\\" * odd
        return chunk.replace(b"\\\\", b"__").replace(b'\\"', b"__")

    def _ends(self, data: UInt8[np.ndarray, " bytes"]) -> Int[np.ndarray, " ends"]:
        """Places of the bytes that end a row; bytes in quotes do not."""
        ends: Int[np.ndarray, " ends"] = np.flatnonzero(data == ord("\n"))
        if self._kind == "file":
            ends = ends[:0]
        elif self._kind == "sentence":
            ends = ends[self._blank(data, ends)]
        elif self._kind != "line":
            ends = self._outside_quotes(data)
        return ends

    def _outside_quotes(self, data: UInt8[np.ndarray, " bytes"]) -> Int[np.ndarray, " ends"]:
        """Line ends of CSV, or the commas between the values of a JSON array."""
        array = self._kind == "array"
        at_quote = np.zeros(len(data), bool)
        for mark in b'",[]{}' if array else b'"\n':
            at_quote |= data == mark
        places: Int[np.ndarray, " some"] = np.flatnonzero(at_quote)  # few, so the sums below are short
        marks = data[places]
        quotes = np.cumsum(marks == ord('"')) + self._quotes
        outside = quotes % 2 == 0
        depth = np.cumsum(_STEP[marks] * outside) + self._depth
        if len(places):
            self._quotes, self._depth = int(quotes[-1]) % 2, int(depth[-1])
        places = places[outside & ((marks == ord(",")) & (depth == 1) if array else marks == ord("\n"))]
        return places  # noqa: RET504 - typed

    def _blank(self, data: UInt8[np.ndarray, " bytes"], ends: Int[np.ndarray, " lines"]) -> Bool[np.ndarray, " lines"]:
        """Which lines, by their ends, hold white space alone."""
        solid = np.cumsum(_SOLID[data], dtype=np.int32)
        blank: Bool[np.ndarray, " lines"] = np.diff(solid[ends], prepend=-self._solid) == 0
        self._solid = int(solid[-1]) - (int(solid[ends[-1]]) if len(ends) else -self._solid)
        return blank

    def _count(self, data: UInt8[np.ndarray, " bytes"], ends: Int[np.ndarray, " ends"]) -> None:
        borders = np.concatenate([ends, [len(data) - 1]]) + 1
        inner = np.flatnonzero((data & 0xC0) == 0x80)  # bytes of UTF-8 that begin no character
        lengths = np.diff(borders - np.searchsorted(inner, borders), prepend=-self._length)
        lengths[:-1] -= 1  # the end itself is no part of a row
        longest = int(lengths.argmax())
        where = f"{self._where} row {max(self.rows, 0) + longest + 1}"
        self._limits.check("characters", where, int(lengths[longest]), at_least=longest == len(ends))
        self.rows, self._length = self.rows + len(ends), int(lengths[-1])
        if self._kind in ("line", "record", "array"):
            self._limits.check("rows", self._where, self.rows, at_least=True)


def checked(rows: Iterable[Row], limits: Limits, where: str) -> Iterator[Row]:
    """The rows (examples, or mappings of columns), each held to its characters, and all to their number.

    Raises:
        TooLargeError: One row is too long, or there are too many.
    """
    count = 0
    for number, row in enumerate(rows, 1):
        count += len(row.spans) if isinstance(row, Example) else 1
        limits.check("rows", where, count, at_least=True)
        size = _characters(row)
        if size > limits.characters:
            limits.check("characters", f"{where} row {number}", size)
        yield row


def _characters(row: Any) -> int:
    values = row.values() if isinstance(row, dict) else (row.text,)
    return sum(len(value) for value in values if isinstance(value, str))
