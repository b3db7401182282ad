"""The held-out rows that the explorer shows, in one file: places, labels, and the code around them.

    rows.safetensors    example, start, end, first, last, by_place, examples: numbers of rows; code.N: of each property
                        the number of each row's value; text, offset: all code as UTF-8, and where each text begins
    rows.json           names of texts, properties and values; what the file was made from

Nothing is parsed when a page is asked for, and no text but those of its own tokens is decoded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from neurosieve.concepts.evidence.shown_code import context_of
from neurosieve.errors import StoreError
from neurosieve.results.codec import from_json, to_json
from neurosieve.results.concept_evidence import Context
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object, write_object

NAME = "rows"
REDO = "delete the folder `explorer` of the run: `neurosieve serve` builds it again"


@dataclass(frozen=True, kw_only=True)
class RowNames:
    """What `rows.json` holds.

    Attributes:
        source: Digest of the store that the rows are of.
        manifest: Where the run folder has what was digested.
        layers: Of the store.
        width: Neurons of a layer.
        rows: How many there are.
        texts: Names of the texts.
        properties: By name its values.
        note: Why there is no code around the tokens; empty where there is.
    """

    source: str
    manifest: str
    layers: int
    width: int
    rows: int
    texts: tuple[str, ...]
    properties: Mapping[str, tuple[str, ...]]
    note: str


@dataclass(frozen=True)
class RowArrays:
    """Rows to be written, in the order of the store.

    Attributes:
        example: Number of each row's text, shape [rows], as the next four.
        start: First character in it.
        end: Character after the last.
        first: First character of what is shown around it.
        last: Character after the last of that.
        codes: By property the number of each row's value, −1 where it has none.
        texts: All code.
    """

    example: Int[np.ndarray, " rows"]
    start: Int[np.ndarray, " rows"]
    end: Int[np.ndarray, " rows"]
    first: Int[np.ndarray, " rows"]
    last: Int[np.ndarray, " rows"]
    codes: Mapping[str, Int[np.ndarray, " rows"]]
    texts: Sequence[str]


class RowNumbers(NamedTuple):
    """What is in memory of the rows: see `RowArrays`, and the head of this file.

    Attributes:
        example: As the next four, in `RowArrays`.
        start: See there.
        end: See there.
        first: See there.
        last: See there.
        by_place: Rows in the order of their places, shape [rows].
        examples: Where each text's rows begin in that order, and the end, shape [texts + 1].
        offset: Where each text's bytes begin, and the end, shape [texts + 1].
    """

    example: Int[np.ndarray, " rows"]
    start: Int[np.ndarray, " rows"]
    end: Int[np.ndarray, " rows"]
    first: Int[np.ndarray, " rows"]
    last: Int[np.ndarray, " rows"]
    by_place: Int[np.ndarray, " rows"]
    examples: Int[np.ndarray, " bounds"]
    offset: Int[np.ndarray, " bounds"]


def write_rows(files: Folder, rows: RowArrays, names: RowNames) -> None:
    """Write both files, the names last: they say that the rows are whole.

    Raises:
        ResourceError: Full disk, or no right to write.
    """
    by_place = np.lexsort((rows.start, rows.example))
    counts = np.bincount(rows.example, minlength=len(rows.texts))
    data = [text.encode("utf-8", "surrogatepass") for text in rows.texts]
    tensors = {key: getattr(rows, key).astype(np.int32) for key in ("example", "start", "end", "first", "last")}
    tensors |= {"by_place": by_place.astype(np.int32), "examples": np.cumsum([0, *counts])}
    tensors |= {f"code.{i}": codes.astype(np.int32) for i, codes in enumerate(rows.codes.values())}
    tensors |= {"offset": np.cumsum([0, *map(len, data)]), "text": np.frombuffer(b"".join(data), dtype=np.uint8)}
    files.write(f"{NAME}.safetensors", save(tensors))
    write_object(files, f"{NAME}.json", to_json(names))


def read_names(files: Folder) -> RowNames | None:
    """What the rows are; None while they are not written.

    Raises:
        RunFolderError: A damaged file.
    """
    record = read_object(files, f"{NAME}.json", REDO)
    return None if record is None else from_json(RowNames, record, f"{files.url}/{NAME}.json")


def _untyped(path: str) -> Any:
    """An open file; the library has no types for what it gives."""
    return safe_open(path, framework="np")


class RowFile:
    """The rows, read from their files: numbers are in memory, code is read where it is shown.

    Raises:
        StoreError: Files that are damaged.
    """

    def __init__(self, files: Folder, names: RowNames) -> None:
        path = f"{files.root}/{NAME}.safetensors"
        self.names = names
        try:
            self._file = _untyped(path)
            numbers = RowNumbers(*map(self._file.get_tensor, RowNumbers._fields))
            codes = [self._file.get_tensor(f"code.{i}") for i in range(len(names.properties))]
        except (OSError, SafetensorError) as e:
            raise StoreError(path, expected="the rows that serve wrote", got=str(e), remedy=REDO) from e
        self._numbers = numbers
        self.codes = dict(zip(names.properties, codes, strict=True))

    def __len__(self) -> int:
        return self.names.rows

    def example(self, row: int) -> int:
        """The number of a row's text."""
        return int(self._numbers.example[row])

    def text_of(self, example: int) -> str:
        """The code of a text."""
        begin, stop = (int(self._numbers.offset[example + i]) for i in (0, 1))
        data: bytes = self._file.get_slice("text")[begin:stop].tobytes()
        return data.decode("utf-8", "surrogatepass")

    def contexts(self, rows: Sequence[int]) -> dict[int, Context]:
        """Rows in the code around them; each text is read once."""
        texts = {example: self.text_of(example) for example in {self.example(row) for row in rows}}
        return {row: self._context(row, texts[self.example(row)]) for row in rows}

    def _context(self, row: int, text: str) -> Context:
        token = int(self._numbers.start[row]), int(self._numbers.end[row])
        shown = int(self._numbers.first[row]), int(self._numbers.last[row])
        return context_of(self.names.texts[self.example(row)], text, token, shown)

    def token(self, row: int) -> str:
        """A row's own characters."""
        return self.words[int(self._word_of[row])]

    def around(self, row: int) -> list[tuple[int, int, int]]:
        """The rows of what is shown around a row: number, and first and last character in that piece of code."""
        first, last = int(self._numbers.first[row]), int(self._numbers.last[row])
        begin, stop = (int(self._numbers.examples[self.example(row) + i]) for i in (0, 1))
        near = self._numbers.by_place[begin:stop]
        start, end = self._numbers.start[near], self._numbers.end[near]
        inside = near[(start >= first) & (end <= last)]
        return [(int(i), int(self._numbers.start[i]) - first, int(self._numbers.end[i]) - first) for i in inside]

    @cached_property
    def _all_words(self) -> tuple[tuple[str, ...], Int[np.ndarray, " rows"]]:
        """Distinct tokens, and which one each row is: all texts are decoded once."""
        numbers, word_of = dict[str, int](), np.zeros(len(self), dtype=np.int32)
        by_place, bounds = self._numbers.by_place, self._numbers.examples
        for example, (begin, stop) in enumerate(pairwise(bounds.tolist())):
            text = self.text_of(example) if stop > begin else ""
            for row in by_place[begin:stop].tolist():
                word = text[int(self._numbers.start[row]) : int(self._numbers.end[row])]
                word_of[row] = numbers.setdefault(word, len(numbers))
        return tuple(numbers), word_of

    @property
    def words(self) -> tuple[str, ...]:
        """Each token once."""
        return self._all_words[0]

    @property
    def _word_of(self) -> Int[np.ndarray, " rows"]:
        return self._all_words[1]

    def rows_of_words(self, words: Sequence[int]) -> Bool[np.ndarray, " rows"]:
        """The rows that are one of some tokens."""
        return np.isin(self._word_of, words)

    def word_number(self, row: int) -> int:
        """Which token a row is."""
        return int(self._word_of[row])

    def places_of(self, text: str, most: int) -> list[tuple[int, int]]:
        """Texts that hold some characters, and the first place of these in each."""
        places: list[tuple[int, int]] = []
        for example in range(len(self.names.texts)):
            start = self.text_of(example).find(text)
            if start >= 0:
                places.append((example, start))
            if len(places) == most:
                break
        return places
