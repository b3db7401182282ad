"""What needs the values of single neurons on held-out rows: exact values, permutations, rows with unseen texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num, UInt8
from scipy.stats import rankdata
from torch import Tensor

from neurosieve.activations.store import ActivationStore, StorePart
from neurosieve.concepts.neurons.histograms import BINS, bin_of
from neurosieve.concepts.neurons.passes import Spread
from neurosieve.concepts.neurons.resampling import Resamples, precision_of
from neurosieve.concepts.rows import ConceptStore
from neurosieve.parts import map_parts
from neurosieve.typing import NeuronId, Split

PERMUTATIONS = 999
MIN_UNSEEN = 30


@dataclass(frozen=True)
class HeldOut:
    """Test rows of some neurons, by the place of a row in its file.

    Attributes:
        store: Of the rows.
        bins: Of each neuron's standardised values, shape [neurons, rows].
        place: Row of `bins` of each neuron, by its column in `store.neurons`.
        order: Places in the store, by the number of the row: rows of a text are adjacent, in its order.
        seed: Of bootstrap and permutations.
        draws: Resamples of files.
    """

    store: ConceptStore
    bins: UInt8[np.ndarray, "neurons rows"]
    place: dict[int, int]
    order: Int[np.ndarray, " rows"]
    seed: int
    draws: int

    @staticmethod
    def of(store: ConceptStore, columns: Int[np.ndarray, " some"], spread: Spread, seed: int, draws: int) -> "HeldOut":
        """Read these columns of the test split: memory is rows × columns bytes."""
        order = np.argsort(store.numbers("test"), kind="stable")
        parts = list(map_parts(partial(PartBins.of, store.store, "test", columns, spread), store.store.parts("test")))
        bins = torch.cat(parts)[torch.from_numpy(order)].T.contiguous().numpy()
        return HeldOut(store, bins, {int(c): i for i, c in enumerate(columns)}, order, seed, draws)

    @cached_property
    def groups(self) -> np.ndarray:
        """File of each row."""
        groups: np.ndarray = np.array(self.store.groups("test"), dtype=object)[self.order]
        return groups

    @cached_property
    def resamples(self) -> Resamples:
        """Resamples of the files."""
        return Resamples(self.groups, self.draws, self.seed)

    def exact(self, columns: Sequence[int]) -> Float[np.ndarray, "rows some"]:
        """The values of some neurons as they are, not in bins. Cost: one pass over the test split."""
        values = self.store.columns("test", neuron_ids(self.store, np.array(columns, dtype=np.int64)))
        exact: Float[np.ndarray, "rows some"] = values.float().numpy()[self.order]
        return exact

    @cached_property
    def unseen(self) -> Bool[np.ndarray, " rows"]:
        """Rows whose text is absent from train."""
        known = set(self.store.texts("train"))
        texts = self.store.texts("test")
        return np.array([texts[i] not in known for i in self.order], dtype=bool)

    def positive(self, name: str, value: int) -> Bool[np.ndarray, " rows"]:
        """Rows with a value of a property."""
        positive: Bool[np.ndarray, " rows"] = self.store.codes(name, "test")[self.order] == value
        return positive

    def directed(self, column: int, low: bool) -> Int[np.ndarray, " rows"]:
        """A neuron's bins, turned round where it is low for the value."""
        bins: Int[np.ndarray, " rows"] = self.bins[self.place[column]].astype(np.int64)
        return BINS - 1 - bins if low else bins

    def unseen_precision(self, scores: Num[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> float | None:
        """Average precision on rows with unseen texts; None with too few of either kind."""
        hit = positive[self.unseen]
        if min(hit.sum(), (~hit).sum()) < MIN_UNSEEN:
            return None
        return precision_of(scores[self.unseen], hit)

    @cached_property
    def shifted(self) -> Int[np.ndarray, "permutations rows"]:
        """For each permutation the row that lends its value: rows of each file shifted in a circle.

        The texts of one file need not be adjacent.
        """
        _, group, size = np.unique(self.groups.astype(str), return_inverse=True, return_counts=True)
        rng = np.random.default_rng(self.seed)
        result = np.empty((PERMUTATIONS, len(group)), dtype=np.int32)
        for rows in np.split(np.argsort(group, kind="stable"), np.cumsum(size)[:-1]):
            shift = rng.integers(0, len(rows), PERMUTATIONS)[:, None]
            result[:, rows] = rows[(np.arange(len(rows)) + shift) % len(rows)]
        return result

    def permuted(
        self, bins: Int[np.ndarray, "some rows"], positive: Bool[np.ndarray, " rows"]
    ) -> Float[np.ndarray, " some"]:
        """One-sided p of each neuron's AUROC: how often the shifted value is predicted as well.

        Shifts keep runs of like tokens as they are, so that neighbours that share a value count as they should.
        """
        ranks = torch.from_numpy(rankdata(bins, axis=1).astype(np.float32))
        ranks -= ranks.mean(1, keepdim=True)  # so that float32 does not lose the small differences
        truth = torch.from_numpy(positive.astype(np.float32))
        null = ranks @ truth[torch.from_numpy(self.shifted.astype(np.int64))].T
        measured = (ranks @ truth)[:, None]
        tie = 1e-4 * ranks.abs().max() + 1e-5 * measured.abs()  # float32's rounding
        above = (null >= measured - tie).sum(1).numpy()
        result: Float[np.ndarray, " some"] = (1 + above) / (1 + PERMUTATIONS)
        return result


@dataclass(frozen=True)
class PartBins:
    """Bins of some columns on the rows of a part."""

    store: ActivationStore
    split: Split
    columns: Int[Tensor, " some"]
    centre: Float[Tensor, " some"]
    scale: Float[Tensor, " some"]

    @staticmethod
    def of(store: ActivationStore, split: Split, columns: Int[np.ndarray, " some"], spread: Spread) -> "PartBins":
        """Of these columns, by the spread of all."""
        wanted = torch.from_numpy(columns)
        return PartBins(store, split, wanted, spread.centre[wanted], spread.scale[wanted])

    def __call__(self, part: StorePart) -> UInt8[Tensor, "rows some"]:
        """See the class."""
        parts = [
            bin_of((values[:, self.columns] - self.centre) / self.scale).to(torch.uint8)
            for values, _ in self.store.batches(self.split, part=part)
        ]
        return torch.cat(parts)


def neuron_ids(store: ConceptStore, columns: Int[np.ndarray, " some"]) -> list[NeuronId]:
    """Global ids of columns."""
    return [store.grid.neuron(column) for column in columns.tolist()]
