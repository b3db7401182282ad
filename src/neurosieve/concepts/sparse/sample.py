"""The train rows from which few neurons are chosen: one sample for all that is told, held in memory."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from neurosieve.concepts.neurons.passes import Spread
from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sparse.told import Told, rare_of, truth_of

ROWS = 8_000  # of the sample, at most
_CELLS = 2**28  # values of the sample, at most: 1 GiB
_SHARE = 0.5  # of the sample, drawn so that rare values have rows


@dataclass(frozen=True)
class TrainSample:
    """Standardised live neurons on some train rows.

    Attributes:
        x: Less their mean in the sample, shape [live, rows].
        live: Column of the store of each of them, shape [live].
        mean: What was taken off, shape [live].
        truth: Which rows have each value, or their numbers (`truth_of`), shape [targets, rows].
    """

    x: Float[Tensor, "live rows"]
    live: Int[np.ndarray, " live"]
    mean: Float[Tensor, " live"]
    truth: Num[np.ndarray, "targets rows"]


def train_sample(store: ConceptStore, told: Told, spread: Spread, seed: int = 0) -> TrainSample:
    """Draw rows by seed: half of them any rows, half so that each value has its share, rare ones all that they have.

    Cost: one pass over train; 4 bytes a live neuron and row.
    """
    truth, live = truth_of(store, "train", told), np.flatnonzero(spread.alive)
    kept = _drawn(rare_of(truth), min(ROWS, _CELLS // max(len(live), 1)), seed)
    wanted, begin, at = torch.from_numpy(live), 0, 0
    x = torch.empty(len(live), len(kept))
    for shard, numbers in store.batches("train"):
        here = kept[(kept >= begin) & (kept < begin + len(numbers))] - begin
        z = shard[torch.from_numpy(here)].float().index_select(1, wanted)
        x[:, at : at + len(here)] = ((z - spread.centre[wanted]) / spread.scale[wanted]).T
        begin, at = begin + len(numbers), at + len(here)
    mean = x.mean(1)
    return TrainSample(x.sub_(mean[:, None]), live, mean, truth[:, kept])


def _drawn(has: Bool[np.ndarray, "values rows"], most: int, seed: int) -> Int[np.ndarray, " some"]:
    """Places of the drawn rows, rising."""
    rows = has.shape[1]
    if rows <= most:
        return np.arange(rows)
    rng = np.random.default_rng(seed)
    each = max(1, int(most * _SHARE) // len(has))
    chosen = np.zeros(rows, dtype=bool)
    for value in has:
        chosen[rng.permutation(np.flatnonzero(value))[:each]] = True
    others = rng.permutation(np.flatnonzero(~chosen))
    chosen[others[: max(0, most - int(chosen.sum()))]] = True
    return np.flatnonzero(chosen)
