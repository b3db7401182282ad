"""The rows in which concepts are looked for: all words and signs of some files, with their properties, in a store.

Two views of the same units: `detect` reads a unit at its own place, `predict` where the model has to guess it (see
`activations.masking`). Whole files are taken, by seed, until a split has the tokens that were asked for.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.activations.extraction import ExtractionOptions, extract
from neurosieve.activations.store import Activations, ActivationStore, StorePart
from neurosieve.activations.streamed import stream
from neurosieve.concepts.properties import Property, PropertyTable, Source, annotate, find_property
from neurosieve.concepts.properties import tokens as tokens_of
from neurosieve.data.dataset import Dataset, Example, Rows
from neurosieve.data.sampling import Sample
from neurosieve.defaults import CONCEPT_TOKENS
from neurosieve.errors import DataError
from neurosieve.models import CodeModel
from neurosieve.parts import map_parts
from neurosieve.typing import SPLITS, Grid, NeuronId, PathLike, Split, View

_LABEL = "token"


@dataclass(frozen=True)
class ConceptRows:
    """Tokens of code with their properties.

    Attributes:
        dataset: The files that have rows, by split.
        rows: The tokens, shape [rows] in each column.
        table: Their properties, in the same order.
        languages: Of each file.
        left: Files of each split that were not needed.
    """

    dataset: Dataset
    rows: Rows
    table: PropertyTable
    languages: tuple[str, ...]
    left: Mapping[Split, int]


def concept_rows(
    dataset: Dataset,
    languages: Sequence[str | None],
    *,
    properties: Iterable[str | Property] | None = None,
    tokens: Mapping[Split, int] | None = None,
    seed: int = 0,
) -> ConceptRows:
    """All tokens of as many files as are needed, with their properties; of code alone.

    Args:
        dataset: Files, functions or lines of code; their own labels play no part.
        languages: Of each example; None for what is no code.
        properties: As in `annotate`; example properties are those of the token's text, also where they are alone.
        tokens: About how many tokens a split, `CONCEPT_TOKENS` by default; the last file is not cut.
        seed: Of the order of the files.

    Raises:
        DataError: A split without tokens; no property with two values; as `annotate`.
    """
    limits = dict(CONCEPT_TOKENS) | dict(tokens or {})
    chosen, left = _files(dataset, languages, limits, seed)
    examples = tuple(replace(dataset.examples[i], spans=()) for i in chosen)
    spoken = tuple(str(languages[i]) for i in chosen)
    asked = None if properties is None else [find_property(p) if isinstance(p, str) else p for p in properties]
    of_examples = asked is not None and all(p.scope == "example" for p in asked)
    spans = _tokens(examples, spoken) if of_examples else None
    table = annotate([e.text for e in examples], spoken, spans, asked, ids=[e.id for e in examples])
    here = {examples[i].split for i in np.unique(table.example)}
    for split in SPLITS:
        if split not in here:
            raise DataError(f"{split} split", expected="tokens of code", got="none", remedy="add files")
    if not table.codes:
        reasons = "; ".join(f"{name}: {why}" for name, why in table.left_out.items())
        raise DataError(
            "properties", expected="at least one with two values", got=reasons or "none", remedy="ask for others"
        )
    units = np.stack([table.example, table.start, table.end, np.zeros(len(table), dtype=np.int64)], 1)
    rows = Rows.from_units((_LABEL,), [(int(a), int(b), int(c), int(d)) for a, b, c, d in units])
    return ConceptRows(replace(dataset, examples=examples, whole=False, pairs=()), rows, table, spoken, left)


def _tokens(examples: Sequence[Example], languages: Sequence[str]) -> Int[np.ndarray, "rows 3"]:
    """Index of the example and characters of all its words and signs."""
    pairs = zip(examples, languages, strict=True)
    spans = [(i, *span) for i, (e, language) in enumerate(pairs) for span in tokens_of(Source(e.text, language))]
    return np.array(spans, dtype=np.int64).reshape(-1, 3)


def _files(
    dataset: Dataset, languages: Sequence[str | None], limits: Mapping[Split, int], seed: int
) -> tuple[list[int], dict[Split, int]]:
    """Indices of files by seed until each split has its tokens, by a rough count of words and signs."""
    chosen: list[int] = []
    left: dict[Split, int] = {}
    for split in SPLITS:
        pool = [i for i, e in enumerate(dataset.examples) if e.split == split and languages[i] is not None]
        random.Random(f"{seed} {split}").shuffle(pool)
        reached = taken = 0
        for i in pool:
            if reached >= limits[split]:
                break
            reached += max(1, len(dataset.examples[i].text) // _CHARACTERS)
            taken += 1
        chosen += sorted(pool[:taken])
        left[split] = len(pool) - taken
    return chosen, left


_CHARACTERS = 5  # of code for each token, white space included


@dataclass(frozen=True)
class ConceptStore:
    """One view of concept rows: activations in a store, properties in a table.

    Attributes:
        view: How the units were read.
        store: One line a row; its column `row` numbers the rows of `rows`.
        rows: All units; those that the tokenizer or the view leaves out are not in the store.
    """

    view: View
    store: ActivationStore
    rows: ConceptRows

    @property
    def table(self) -> PropertyTable:
        """Properties of all units, by the number of their row."""
        return self.rows.table

    @property
    def grid(self) -> Grid:
        """Layers and neurons of a layer."""
        return self.store.grid

    @cached_property
    def neurons(self) -> Int[np.ndarray, "neurons 2"]:
        """(layer, index) of each column of `batches`."""
        return self.grid.neurons()

    @cached_property
    def _numbers(self) -> dict[Split, Int[np.ndarray, " rows"]]:
        return {split: self.store.table(split)["row"].to_numpy() for split in SPLITS}

    def numbers(self, split: Split) -> Int[np.ndarray, " rows"]:
        """Number in the table of each row of a split, in the order of the store."""
        return self._numbers[split]

    def codes(self, name: str, split: Split) -> Int[np.ndarray, " rows"]:
        """Numbers of a property's values, −1 where it does not apply, in the order of the store."""
        codes: Int[np.ndarray, " rows"] = self.table.codes[name][self.numbers(split)]
        return codes

    def groups(self, split: Split) -> list[str]:
        """The cluster (file, function, line) of each row, in the order of the store."""
        return [self.rows.dataset.examples[i].group for i in self.table.example[self.numbers(split)]]

    def texts(self, split: Split) -> list[str]:
        """The characters of each row, in the order of the store."""
        return [self.text(int(row)) for row in self.numbers(split)]

    def text(self, row: int) -> str:
        """The characters of a row of the table."""
        example = self.rows.dataset.examples[int(self.table.example[row])]
        return example.text[int(self.table.start[row]) : int(self.table.end[row])]

    def batches(
        self, split: Split, layers: Iterable[int] | None = None
    ) -> Iterator[tuple[Float[Tensor, "rows neurons"], Int[np.ndarray, " rows"]]]:
        """Activations of a split shard by shard, layers side by side, with the numbers of their rows."""
        for values, table in self.store.batches(split, layers):
            yield values, table["row"].to_numpy()

    def columns(self, split: Split, neurons: Sequence[NeuronId]) -> Float[Tensor, "rows some"]:
        """A few neurons on all rows of a split, in the order of the store."""
        wanted = torch.tensor([self.grid.column(neuron) for neuron in neurons], dtype=torch.long)
        parts = map_parts(partial(_PartColumns, self.store, split, wanted), self.store.parts(split))
        return torch.cat([torch.empty(0, len(neurons)), *parts])

    def sample(self, split: Split, name: str, per_value: int, seed: int = 0) -> Activations:
        """Rows of a split with the property's values as labels, at most so many of each value, drawn by seed.

        Raises:
            DataError: Fewer than two values in this split.
        """
        codes = self.codes(name, split)
        rng = np.random.default_rng(seed)
        pools = [np.flatnonzero(codes == v) for v in range(len(self.table.values[name]))]
        some = sum(len(pool) > 0 for pool in pools)
        if some < 2:
            raise DataError(f"{name} in {split}", expected="two values or more", got=f"{some}", remedy="add files")
        kept = np.sort(np.concatenate([rng.permutation(pool)[:per_value] for pool in pools]))
        group, text = self.groups(split), self.texts(split)
        return Activations(
            self.take(split, kept),
            self.neurons,
            codes[kept].astype(np.int64),
            self.table.values[name],
            np.array([group[i] for i in kept], dtype=object),
            np.array([text[i] for i in kept], dtype=object),
        )

    def take(
        self, split: Split, kept: Int[np.ndarray, " some"], layers: Sequence[int] | None = None
    ) -> Float[Tensor, "some neurons"]:
        """The rows at rising places of a split, in the order of the store; of some layers, or of all."""
        count = len(self.neurons) if layers is None else len(layers) * self.grid.width
        parts, begin = [torch.empty(0, count)], 0
        for values, numbers in self.batches(split, layers):
            in_shard = kept[(kept >= begin) & (kept < begin + len(numbers))] - begin
            parts.append(values[torch.from_numpy(in_shard)])
            begin += len(numbers)
        return torch.cat(parts)


@dataclass(frozen=True)
class _PartColumns:
    """Some columns of the rows of a part."""

    store: ActivationStore
    split: Split
    columns: Int[Tensor, " some"]

    def __call__(self, part: StorePart) -> Float[Tensor, "rows some"]:
        batches = self.store.batches(self.split, part=part)
        return torch.cat([values.index_select(1, self.columns) for values, _ in batches])


def read_concepts(
    model: CodeModel, rows: ConceptRows, url: PathLike, options: ExtractionOptions, *, no_store: bool = False
) -> ConceptStore:
    """Read the rows in the view of the options, or continue where an earlier call was stopped.

    With `no_store` nothing is written: the model reads them each time they are asked for.

    Raises:
        ModelError: The view `predict` of an encoder without a mask token.
        NeurosieveError: As `extract`.
    """
    store = (stream if no_store else extract)(model, rows.dataset, Sample(rows.rows, 0, {}), url, options)
    return ConceptStore(options.view, store, rows)
