"""Readers of activation files that other tools wrote; `foreign` says which files belong together.

    .hdf5, .h5      `0` … `n-1`: [layers, tokens, width] or [tokens, width]; `sentence_to_index`: JSON {text: "0"}
    .json, .jsonl   {"linex_index": 0, "features": [{"token": …, "layers": [{"index": 0, "values": […]}, …]}, …]}
    .npy            [rows, neurons] or [rows, layers, width]
    .safetensors    `layer.0` … `layer.N`: [rows, width] each

Source of the first two: the writers of NeuroX 1.0 (Dalvi et al. 2023, https://arxiv.org/abs/2305.17073) and of
AllenNLP's ELMo command. NeuroX cuts blanks at a line's ends, numbers equal sentences by ` (Occurrence 2)`, and
writes down words as its tokenizer spelt them (see `spelling`); texts are compared so.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor

from neurosieve.activations.foreign.broken_files import whole
from neurosieve.activations.foreign.spelling import same_words
from neurosieve.errors import DataError, ResourceError
from neurosieve.storage.bounded_json import bounded_json

Place = tuple[int, int]  # line and token in it (split on single spaces), from 0
Size = tuple[int, int]  # layers and width
_INDEX = "sentence_to_index"
_NUMBERS = "fiu"  # numpy's kinds of real numbers


def agree(where: str, size: Size, wanted: Size, like: str) -> None:
    """Layers and width are the same everywhere.

    Raises:
        DataError: They are not.
    """
    if size != wanted:
        raise DataError(
            where,
            expected=f"{wanted[0]} layers × {wanted[1]} neurons {like}",
            got=f"{size[0]} × {size[1]}",
            remedy="write all activations from one model with the same layers",
        )


class Reader:
    """Rows of one file.

    Attributes:
        kind: The format, in words.
        path: The file.
        size: Layers and width.
        notes: What a user of the store has to know.
    """

    kind: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, (0, 0)
        self.notes: list[str] = []

    def read(self, places: Sequence[Place]) -> Float[Tensor, "rows layers width"]:
        """Rows in float32, in the order of `places`.

        Raises:
            DataError: A value that is not finite, with its place, or a file that cannot be read.
        """
        values = torch.from_numpy(self._read(places))
        if not bool(torch.isfinite(values).all()):
            row, layer, neuron = (~torch.isfinite(values)).nonzero()[0].tolist()
            raise DataError(
                f"{self._name(*places[row])}, layer {layer}, neuron {neuron}",
                expected="a finite value of float32",
                got=str(float(values[row, layer, neuron])),
                remedy="mend the activations or leave the line out",
            )
        return values

    def _read(self, places: Sequence[Place]) -> Float[np.ndarray, "rows layers width"]:
        raise NotImplementedError

    def _name(self, line: int, token: int) -> str:
        raise NotImplementedError


class SentenceReader(Reader):
    """Formats with one entry a line; all entries are checked against the lines when the file is opened.

    Raises:
        DataError: A broken file, or one that does not fit the lines.
    """

    def __init__(self, path: Path, lines: Sequence[str]) -> None:
        super().__init__(path)
        self.lines = lines
        self._counts: list[int] = []
        self._check()
        if not all(self.size):
            raise DataError(f"{path}", expected="at least one neuron", got="none", remedy="write the activations again")

    def _check(self) -> None:
        raise NotImplementedError

    def _arrays(self, numbers: Sequence[int]) -> Iterator[np.ndarray]:
        """[tokens, layers, width] of some sentences, in order."""
        raise NotImplementedError

    def _name(self, line: int, token: int) -> str:
        return f"{self._sentence(line)}, token {token}"

    def _sentence(self, number: int) -> str:
        return f"{self.path} sentence {number} (line {number + 1})"

    def _check_total(self, count: int) -> None:
        if count != len(self.lines):
            raise DataError(
                f"{self.path}",
                expected=f"{len(self.lines)} sentences, one a line of {self.path.stem}.in",
                got=str(count),
                remedy="use the very lines that the activations were read from",
            )

    def _add(self, number: int, tokens: int, size: Size) -> None:
        """One more sentence, in order."""
        line = self.lines[number]
        if _offset(line, tokens) is None:
            raise DataError(
                self._sentence(number),
                expected=f"{len(line.split(' ')) if line else 0} tokens as in {self.path.stem}.in",
                got=str(tokens),
                remedy="use the very lines that were read; leave out those the model had to cut",
            )
        self._counts.append(tokens)
        if tokens and not any(self.size):
            self.size = size
        elif tokens:
            agree(self._sentence(number), size, self.size, "as in the sentences before")

    def _check_text(self, number: int, words: Sequence[str]) -> None:
        line = self.lines[number]
        if not any(same_words(words, text.split(" ")) for text in (line, line.strip(" "))):
            raise DataError(
                self._sentence(number),
                expected=f"the text of {self.path.stem}.in, {line[:60]!r}",
                got=repr(" ".join(words)[:60]),
                remedy="use the very lines that the activations were read from",
            )

    def _read(self, places: Sequence[Place]) -> Float[np.ndarray, "rows layers width"]:
        result = np.empty((len(places), *self.size), dtype=np.float32)
        wanted = [(line, [t for _, t in group]) for line, group in groupby(places, key=lambda p: p[0])]
        begin = 0
        arrays = self._arrays([line for line, _ in wanted])
        for (line, tokens), values in zip(wanted, arrays, strict=True):
            lead = _offset(self.lines[line], self._counts[line]) or 0
            with np.errstate(over="ignore"):  # what float32 cannot hold is refused as not finite
                result[begin : begin + len(tokens)] = values[[t - lead for t in tokens]]
            begin += len(tokens)
        return result


def _offset(line: str, tokens: int) -> int | None:
    """How many empty tokens at the line's start the file leaves out; None if it has another number of tokens."""
    if tokens == len(line.split(" ")) or (tokens == 0 and not line.strip()):
        return 0
    return len(line) - len(line.lstrip(" ")) if tokens == len(line.strip(" ").split(" ")) else None


class Hdf5Reader(SentenceReader):
    """One data set a sentence, named by the line's number; only needed sentences are read."""

    kind = "NeuroX HDF5"

    def _check(self) -> None:
        h5py = _h5py()
        with whole(self.path, "HDF5"), h5py.File(self.path, "r") as f:
            names = set(f) - {_INDEX}
            self._check_total(len(names))
            for number in range(len(self.lines)):
                entry = f.get(str(number))
                if (
                    not isinstance(entry, h5py.Dataset)
                    or len(entry.shape) not in (2, 3)
                    or entry.dtype.kind not in _NUMBERS
                ):
                    raise DataError(
                        self._sentence(number),
                        expected=f"a data set {str(number)!r} of numbers, [layers, tokens, width] or [tokens, width]",
                        got="none" if entry is None else str(entry),
                        remedy="write one array a sentence, named by its number from 0",
                    )
                layers, tokens, width = (1, *entry.shape)[-3:]
                self._add(number, tokens, (layers, width))
            text = f[_INDEX][()] if _INDEX in f else None
        if text is None:
            self.notes.append(f"no {_INDEX} in {self.path.name}: its sentences could not be compared with the lines")
        else:
            self._check_index(text)

    def _check_index(self, text: Any) -> None:
        """Each line's text; a writer that keeps one of two equal sentences is right, too."""
        try:
            texts = {str(index): sentence for sentence, index in bounded_json(np.ravel(text)[0]).items()}
        except (ValueError, AttributeError, IndexError, TypeError) as e:
            wanted = 'a JSON object {sentence: "number"}'
            raise DataError(f"{self.path} {_INDEX}", expected=wanted, got=str(e), remedy="write the file again") from e
        known = set(texts.values())
        for number, line in enumerate(self.lines):
            sentence = texts.get(str(number))
            if sentence is None and line.strip() not in known:
                self._check_text(number, ())
            elif sentence is not None and sentence != line:
                self._check_text(number, re.sub(r" \(Occurrence \d+\)$", "", sentence).split(" "))

    def _arrays(self, numbers: Sequence[int]) -> Iterator[np.ndarray]:
        with whole(self.path, "HDF5"), _h5py().File(self.path, "r") as f:
            for number in numbers:
                values = f[str(number)][()]
                yield values[:, None] if values.ndim == 2 else values.swapaxes(0, 1)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as e:
        raise ResourceError(
            "HDF5 files",
            expected="the package h5py",
            got="not installed",
            remedy='pip install "neurosieve[import]"',
        ) from e
    return h5py


class JsonReader(SentenceReader):
    """One JSON object a line; the file is parsed once to check it, and needed lines once more."""

    kind = "NeuroX JSON"

    def _check(self) -> None:
        self._begins: list[int] = []
        begin = 0
        with whole(self.path, "JSON"), self.path.open("rb") as f:
            for data in f:
                if data.strip():
                    self._begins.append(begin)
                    if len(self._begins) <= len(self.lines):
                        self._check_line(data, len(self._begins) - 1)
                begin += len(data)
        self._check_total(len(self._begins))

    def _check_line(self, data: bytes, number: int) -> None:
        record, values = self._parse(data, number)
        index = record.get("linex_index", number)
        if index != number:
            raise DataError(
                self._sentence(number), expected=f"linex_index {number}", got=f"{index}", remedy="sort the file's lines"
            )
        tokens, layers, width = values.shape
        self._add(number, tokens, (layers, width))
        words = [feature.get("token") for feature in record["features"]]
        if words and all(isinstance(word, str) for word in words):
            self._check_text(number, words)

    def _parse(self, data: bytes, number: int) -> tuple[Mapping[str, Any], np.ndarray]:
        """The record and its values, [tokens, layers, width]."""
        where = self._sentence(number)
        try:
            record = bounded_json(data)
            tokens = [[layer["values"] for layer in feature["layers"]] for feature in record["features"]]
            sizes = [[len(values) for values in layers] for layers in tokens]
            odd = [size for size in sizes if size != [sizes[0][0]] * len(sizes[0])]
            if odd:
                wanted = f"{len(sizes[0])} layers × {sizes[0][0]} neurons in each token"
                came = f"layers of {odd[0]}"[:60]
                raise DataError(where, expected=wanted, got=came, remedy="write activations of one model only")
            values = np.array(tokens, dtype=np.float64)
        except (ValueError, KeyError, IndexError, TypeError, OverflowError) as e:
            wanted = '{"features": [{"token": …, "layers": [{"index": 0, "values": […]}, …]}, …]}'
            came = f"{type(e).__name__}: {e}".splitlines()[0][:80]
            raise DataError(where, expected=wanted, got=came, remedy="write one whole object a line") from e
        return record, values.reshape(len(tokens), *(values.shape[1:] if tokens else self.size))

    def _arrays(self, numbers: Sequence[int]) -> Iterator[np.ndarray]:
        with whole(self.path, "JSON"), self.path.open("rb") as f:
            for number in numbers:
                f.seek(self._begins[number])
                yield self._parse(f.readline(), number)[1]


class ArrayReader(Reader):
    """Formats with one entry a row."""

    rows: int

    def _name(self, line: int, token: int) -> str:  # noqa: ARG002  # a row has no tokens
        return f"{self.path} row {line} (line {line + 1})"


class NumpyReader(ArrayReader):
    """A memory-mapped .npy file.

    Raises:
        DataError: A broken file, pickled objects, or other dimensions.
    """

    kind = "NumPy array"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        values = self._open()
        if values.ndim not in (2, 3) or values.dtype.kind not in _NUMBERS or 0 in values.shape[1:]:
            raise DataError(
                f"{path}",
                expected="numbers, [rows, neurons] or [rows, layers, width]",
                got=f"{values.dtype} {list(values.shape)}",
                remedy="save one array of numbers",
            )
        self.rows, layers, width = values.shape if values.ndim == 3 else (len(values), 1, values.shape[1])
        self.size = (layers, width)

    def _open(self) -> np.ndarray:
        with whole(self.path, "NumPy"):  # mapped: pickled objects are never loaded
            return np.lib.format.open_memmap(self.path, mode="r")

    def _read(self, places: Sequence[Place]) -> Float[np.ndarray, "rows layers width"]:
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused as not finite
            values = self._open()[[line for line, _ in places]].astype(np.float32)
        return values.reshape(len(places), *self.size)


class TensorsReader(ArrayReader):
    """A safetensors file with one tensor a layer, read layer by layer.

    Raises:
        DataError: A broken file, layers with gaps, or layers that differ in shape.
    """

    kind = "safetensors"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with whole(path, "safetensors"), safe_open(path, framework="pt") as f:
            entries = {name: f.get_slice(name) for name in f.keys()}  # noqa: SIM118  # no mapping
            shapes = {name: (entry.get_dtype(), tuple(entry.get_shape())) for name, entry in entries.items()}
        wanted = [f"layer.{i}" for i in range(max(len(shapes), 1))]
        if set(shapes) != set(wanted):
            raise DataError(
                f"{path}",
                expected=f"tensors {wanted[0]} … layer.N without gaps and nothing else",
                got=", ".join(sorted(shapes)[:8]) or "none",
                remedy="name the layers from 0",
            )
        first = shapes["layer.0"][1]
        for name in wanted:
            dtype, shape = shapes[name]
            if len(shape) != 2 or 0 in shape[1:] or shape != first or not dtype.startswith(("F", "BF", "I", "U")):
                came = f"{dtype} {list(shape)}"
                like = f"numbers [rows, width]{f' like layer.0, {list(first)}' if name != 'layer.0' else ''}"
                raise DataError(f"{path} {name}", expected=like, got=came, remedy="write layers of the same shape")
        self.rows, self.size = first[0], (len(wanted), first[1])

    def _read(self, places: Sequence[Place]) -> Float[np.ndarray, "rows layers width"]:
        rows = torch.tensor([line for line, _ in places])
        with whole(self.path, "safetensors"), safe_open(self.path, framework="pt") as f:
            return torch.stack([f.get_tensor(f"layer.{i}")[rows].float() for i in range(self.size[0])], 1).numpy()


READERS: Mapping[str, type[Hdf5Reader | JsonReader | NumpyReader | TensorsReader]] = {
    ".hdf5": Hdf5Reader,
    ".h5": Hdf5Reader,
    ".json": JsonReader,
    ".jsonl": JsonReader,
    ".npy": NumpyReader,
    ".safetensors": TensorsReader,
}
