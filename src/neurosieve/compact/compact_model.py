"""A compact model as it is used: texts in, labels out. A table and ONNX need no torch."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from neurosieve.compact.cascade import FIRST, asked_again, margins
from neurosieve.compact.compact_spec import CompactSpec, read_spec
from neurosieve.compact.linear_head import BatchNetwork, Head
from neurosieve.compact.lookup_table import LookupTable
from neurosieve.compact.onnx_network import load_onnx
from neurosieve.compact.token_batches import token_batches
from neurosieve.compact.unit_reader import CodeText, UnitReader, UnitTokens
from neurosieve.compact.vocabulary import VOCABULARY, Vocabulary
from neurosieve.errors import NeurosieveWarning
from neurosieve.typing import PathLike

BATCH_TOKENS = 4096
Label = str | float | None


@dataclass(frozen=True)
class CompactModel:
    """A model that reads code and gives each unit a label; see `load_compact`.

    Attributes:
        spec: What is known of it.
        reader: Texts → tokens.
        network: What is computed for each token: a table's logits, or values of neurons or outputs by a network.
        head: On pooled values; None where the network gives logits.
        first: Of a cascade the cheap model that is asked first; see `cascade`.
        modules: Models of one label each, which decide together; see `composing`.
        batch_tokens: Padded tokens in one call of the network.
        vocabulary: Tokens that have rows of their own; None where all have.
    """

    spec: CompactSpec
    reader: UnitReader
    network: LookupTable | BatchNetwork
    head: Head | None
    first: "CompactModel | None" = None
    batch_tokens: int = BATCH_TOKENS
    vocabulary: Vocabulary | None = None
    modules: tuple["CompactModel", ...] = ()

    def scores(self, texts: Sequence[CodeText]) -> Float[np.ndarray, "units outputs"]:
        """Logits of each unit, text by text; of values the standardised value. A unit without tokens has nan.

        Raises:
            DataError: Texts of another kind than the model reads.
        """
        return self._scored(texts, self._first_read(texts))

    def log_odds(self, texts: Sequence[CodeText]) -> Float[np.ndarray, " units"]:
        """Of a module: log-odds of its label for each unit; nan for one without tokens."""
        rest, own = self.scores(texts).T
        return np.asarray(own - rest)

    def unsure(self, scores: Float[np.ndarray, "units outputs"]) -> Bool[np.ndarray, " units"]:
        """Of a cascade: which units its first model passes on, by that model's logits."""
        return np.asarray(margins(scores) < (self.spec.margin or 0.0))

    def _first_read(self, texts: Sequence[CodeText]) -> UnitTokens:
        return (self.first or self).reader.read(texts)

    def _scored(self, texts: Sequence[CodeText], read: UnitTokens) -> Float[np.ndarray, "units outputs"]:
        if self.modules:  # each reads the texts by itself, with a tokenizer of its own
            return np.stack([module.log_odds(texts) for module in self.modules], 1)
        if self.first is None:
            return self._own_scores(read)
        scores = self.first._own_scores(read)
        unsure = self.unsure(scores)
        if unsure.any():
            scores[unsure] = self._own_scores(self.reader.read(asked_again(texts, unsure)))
        return scores

    def _own_scores(self, read: UnitTokens) -> Float[np.ndarray, "units outputs"]:
        if self.vocabulary is not None:
            read = replace(read, ids=self.vocabulary.row[read.ids])
        pooled = _mean_by_unit(self._token_values(read), read)
        if self.spec.sides == 2:
            u, v = pooled[0::2], pooled[1::2]
            pooled = np.stack([np.abs(u - v), u * v], 2).reshape(len(u), -1)
        return pooled if self.head is None else pooled @ self.head.weight + self.head.bias

    def predict(self, texts: Sequence[CodeText]) -> list[list[Label]]:
        """The label of each unit of each text: a name, a value in its own unit, or None for a unit without tokens.

        A warning says if some are too long to be read to their end.

        Raises:
            DataError: Texts of another kind than the model reads.
        """
        read = self._first_read(texts)
        if read.cut:
            text = f"some texts are longer than the {self.spec.max_tokens} tokens that are read at once, and their end"
            warnings.warn(f"{text} is left out: shorten them", NeurosieveWarning, stacklevel=2)
        labels = iter(self.labels_of(self._scored(texts, read)))
        return [[next(labels) for _ in range(text.units)] for text in texts]

    def labels_of(self, scores: Float[np.ndarray, "units outputs"]) -> list[Label]:
        """Labels of some units' scores."""
        read = ~np.isnan(scores).any(1)
        if self.spec.target is not None:
            mean, deviation = self.spec.target
            return [float(v) * deviation + mean if there else None for v, there in zip(scores[:, 0], read, strict=True)]
        best = np.where(read, np.nan_to_num(scores).argmax(1), 0)
        return [self.spec.labels[b] if there else None for b, there in zip(best, read, strict=True)]

    def with_batch(self, tokens: int) -> "CompactModel":
        """The same model with other batches."""
        inside = tuple(module.with_batch(tokens) for module in self.modules)
        return replace(self, first=self.first and self.first.with_batch(tokens), batch_tokens=tokens, modules=inside)

    def _token_values(self, read: UnitTokens) -> Float[np.ndarray, "tokens outputs"]:
        if isinstance(self.network, LookupTable):
            return self.network.token_values(read)
        values = np.empty((len(read.unit), self.network.outputs), dtype=np.float32)
        for batch in token_batches(read, self.spec, self.batch_tokens):
            found = self.network.batch(batch.ids, batch.mask, batch.types)
            values[batch.tokens] = found[batch.row, batch.place]
        return values


def _mean_by_unit(values: Float[np.ndarray, "tokens outputs"], read: UnitTokens) -> Float[np.ndarray, "units outputs"]:
    """The mean over each unit's tokens, nan where there are none."""
    counts = np.bincount(read.unit, minlength=read.units)
    pooled = np.full((read.units, values.shape[1]), np.nan, dtype=np.float32)
    there = np.flatnonzero(counts)
    if len(there):
        begin = np.cumsum(counts[there]) - counts[there]
        pooled[there] = np.add.reduceat(values, begin, axis=0) / counts[there][:, None]
    return pooled


def load_compact(folder: PathLike, *, device: str = "cpu") -> CompactModel:
    """The model that `neurosieve export` wrote into a folder.

    >>> from neurosieve.compact import CodeText
    >>> model = ns.load_compact("small")
    >>> [labels] = model.predict([CodeText("x = 12", spans=((0, 1), (4, 6)))])
    >>> len(labels)
    2

    Args:
        folder: Of the model.
        device: For torch; a table and ONNX run on the CPU.

    Raises:
        ResourceError: The folder needs onnxruntime, which is not installed.
        RunFolderError: No export there, one of another format version, or files that were changed since.
        StoreError: Files that do not hold what was exported.
    """
    spec = read_spec(folder)
    if spec.form == "modules":
        modules = tuple(load_compact(Path(folder) / name, device=device) for name in spec.modules)
        return replace(modules[0], spec=spec, reader=UnitReader(folder, spec), modules=modules)
    network, head = _network(folder, spec, device)
    vocabulary = Vocabulary.load(folder) if VOCABULARY in spec.files else None
    first = None if spec.margin is None else load_compact(Path(folder) / FIRST, device=device)
    return CompactModel(spec, UnitReader(folder, spec), network, head, first, vocabulary=vocabulary)


def _network(folder: PathLike, spec: CompactSpec, device: str) -> tuple[LookupTable | BatchNetwork, Head | None]:
    if spec.form == "table":
        return LookupTable.load(folder), None
    if spec.onnx is not None:
        return load_onnx(folder, spec.onnx), Head.load(folder)
    from neurosieve.compact.torch_network import load_torch

    return load_torch(folder, spec, device)
