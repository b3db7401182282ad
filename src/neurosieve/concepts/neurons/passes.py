"""Scores of all neurons on the rows of a split: one pass over the store for each block of layers that fits memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.activations.store import ActivationStore, StorePart
from neurosieve.concepts.neurons.histograms import BINS, BUCKETS, ConceptAccumulator, buckets_of
from neurosieve.concepts.neurons.scores import ConceptScores, concept_scores, joined
from neurosieve.concepts.properties.contract import NO, YES_NO
from neurosieve.concepts.rows import ConceptStore
from neurosieve.parts import reduce_parts
from neurosieve.progress import track
from neurosieve.statistics.live import RunningVariance, live_neurons
from neurosieve.typing import Split

OTHER = "(other)"  # values with too few rows together: rows that the property applies to, and no value of their own
_BYTES = 2**30  # of one block's sums


@dataclass(frozen=True)
class Values:
    """Values with enough rows to be looked for, and the others.

    Attributes:
        kept: By property the numbers of its values that are kept.
        names: (property, value) of those, in the order of the columns of scores.
        left_out: Why others are not, by `property=value` or by property.
    """

    kept: Mapping[str, tuple[int, ...]]
    names: tuple[tuple[str, str], ...]
    left_out: Mapping[str, str]


def values_with_rows(store: ConceptStore, min_rows: int) -> Values:
    """Values with at least so many rows, and as many without it, in train and in test.

    `no` as the only other value than `yes` is left out: it is all that `yes` is not.
    """
    kept: dict[str, tuple[int, ...]] = {}
    left_out = dict(store.table.left_out)
    for name, words in store.table.values.items():
        least = np.full(len(words), np.iinfo(np.int64).max)
        for split in ("train", "test"):
            codes = store.codes(name, split)
            rows = np.bincount(codes[codes >= 0], minlength=len(words))
            least = np.minimum(least, np.minimum(rows, len(codes) - rows))
        enough: list[int] = []
        for v, (word, rows) in enumerate(zip(words, least.tolist(), strict=True)):
            if word == NO and set(words) == set(YES_NO):
                continue
            if rows >= min_rows:
                enough.append(v)
            else:
                left_out[f"{name}={word}"] = f"{rows} rows with it or without it in train or test, under {min_rows}"
        if enough:
            kept[name] = tuple(enough)
    names = tuple((name, store.table.values[name][v]) for name, numbers in kept.items() for v in numbers)
    return Values(kept, names, left_out)


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of each neuron on train, in which bins are measured; shape [neurons] each.

    Attributes:
        centre: The mean.
        scale: The standard deviation; 1 of a neuron that never varies.
        variance: In float64.
        alive: It varies, see `live_neurons`.
    """

    centre: Float[Tensor, " neurons"]
    scale: Float[Tensor, " neurons"]
    variance: Float[np.ndarray, " neurons"]
    alive: Bool[np.ndarray, " neurons"]


def spread_of(store: ConceptStore) -> Spread:
    """From one pass over train."""
    parts = store.store.parts("train")
    centre, variance = reduce_parts(partial(_PartSpread, store.store), parts, RunningVariance.merge).result()
    scale, alive = variance.sqrt().float(), live_neurons(variance.numpy(), store.neurons)
    return Spread(centre.float(), torch.where(scale > 0, scale, 1.0), variance.numpy(), alive)


@dataclass(frozen=True)
class _PartSpread:
    """Mean and variance of the train rows of a part."""

    store: ActivationStore

    def __call__(self, part: StorePart) -> RunningVariance:
        running = RunningVariance()
        for values, _ in self.store.batches("train", part=part):
            running.update(values)
        return running


def split_scores(
    store: ConceptStore,
    split: Split,
    values: Values,
    spread: Spread,
    low: Bool[np.ndarray, "neurons values"] | None = None,
    *,
    ranges: bool = False,
) -> ConceptScores:
    """Scores of all neurons for the kept values on a split, in directions that were found elsewhere or in the better.

    `ranges` looks for ranges of activation too.

    Cost: one pass over the split for each GiB that the sums of all neurons take; memory does not depend on rows.
    """
    words, codes = _codes(store, split, values)
    wanted = [i for i, (_, word) in enumerate((p, w) for p, names in words.items() for w in names) if word != OTHER]
    groups = buckets_of(store.groups(split))
    if low is not None:
        full = np.zeros((len(low), sum(map(len, words.values()))), dtype=bool)
        full[:, wanted] = low
        low = full
    grid, parts = store.grid, []
    for layers in track(list(_blocks(store, words)), f"{store.view} scores on {split}"):
        columns = slice(grid.layer(layers[0]).start, grid.layer(layers[-1]).stop)
        centre, scale = spread.centre[columns].clone(), spread.scale[columns].clone()
        make = partial(_PartSums, store.store, split, words, codes, groups, centre, scale, layers)
        sums = reduce_parts(make, store.store.parts(split), ConceptAccumulator.merge)
        parts.append(concept_scores(sums.result(), None if low is None else low[columns], ranges=ranges))
    return joined(parts, wanted)


@dataclass(frozen=True)
class _PartSums:
    """Histograms of some layers on the rows of a part."""

    store: ActivationStore
    split: Split
    words: Mapping[str, Sequence[str]]
    codes: Int[np.ndarray, "rows properties"]
    groups: Int[np.ndarray, " rows"]
    centre: Float[Tensor, " neurons"]
    scale: Float[Tensor, " neurons"]
    layers: Sequence[int]

    def __call__(self, part: StorePart) -> ConceptAccumulator:
        sums = ConceptAccumulator(self.words, self.centre, self.scale, threads=torch.get_num_threads())
        begin = part.begin
        for x, table in self.store.batches(self.split, self.layers, part):
            end = begin + table.num_rows
            sums.update(x, self.codes[begin:end], self.groups[begin:end])
            begin = end
        return sums


def _codes(
    store: ConceptStore, split: Split, values: Values
) -> tuple[dict[str, tuple[str, ...]], Int[np.ndarray, "rows properties"]]:
    """The kept values and `OTHER` by property, and each row's number in them."""
    words: dict[str, tuple[str, ...]] = {}
    columns = []
    for name, kept in values.kept.items():
        known = store.table.values[name]
        words[name] = tuple(known[v] for v in kept) + ((OTHER,) if len(kept) < len(known) else ())
        renumbered = np.full(len(known) + 1, len(kept))
        renumbered[list(kept)] = np.arange(len(kept))
        renumbered[-1] = -1  # for code −1
        columns.append(renumbered[store.codes(name, split)])
    return words, np.stack(columns, 1).astype(np.int64)


def _blocks(store: ConceptStore, words: Mapping[str, Sequence[str]]) -> Iterator[list[int]]:
    """Layers in blocks whose sums fit memory."""
    cells = sum(map(len, words.values()))
    layer = 4 * store.grid.width * (BINS * (cells + len(words)) + BUCKETS * cells)
    size = max(1, _BYTES // layer)
    layers = range(store.grid.layers)
    for begin in range(0, len(layers), size):
        yield list(layers[begin : begin + size])
