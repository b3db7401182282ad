"""The train rows from which the few neurons of each value are chosen: one sample for all values, held in memory."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.concepts.neurons.passes import Spread, Values
from neurosieve.concepts.rows import ConceptStore
from neurosieve.typing import Split

ROWS = 8_000  # of the sample, at most
_CELLS = 2**28  # values of the sample, at most: 1 GiB
_SHARE = 0.5  # of the sample, drawn so that rare values have rows


@dataclass(frozen=True)
class TrainSample:
    """Standardised live neurons on some train rows.

    Attributes:
        x: Less their mean in the sample, shape [live, rows].
        live: Column of the store of each of them, shape [live].
        positive: Rows with each value, shape [values, rows].
    """

    x: Float[Tensor, "live rows"]
    live: Int[np.ndarray, " live"]
    positive: Bool[np.ndarray, "values rows"]


def has_values(store: ConceptStore, split: Split, values: Values) -> Bool[np.ndarray, "values rows"]:
    """Which rows of a split have each of the kept values, in the order of the store."""
    return np.stack([store.codes(name, split) == v for name, kept in values.kept.items() for v in kept])


def train_sample(store: ConceptStore, values: Values, spread: Spread, seed: int = 0) -> TrainSample:
    """Draw rows by seed: half of them any rows, half so that each value has its share, rare ones all that they have.

    Cost: one pass over train; 4 bytes a live neuron and row.
    """
    has, live = has_values(store, "train", values), np.flatnonzero(spread.alive)
    kept = _drawn(has, min(ROWS, _CELLS // max(len(live), 1)), seed)
    wanted, begin, at = torch.from_numpy(live), 0, 0
    x = torch.empty(len(live), len(kept))
    for shard, numbers in store.batches("train"):
        here = kept[(kept >= begin) & (kept < begin + len(numbers))] - begin
        z = shard[torch.from_numpy(here)].float().index_select(1, wanted)
        x[:, at : at + len(here)] = ((z - spread.centre[wanted]) / spread.scale[wanted]).T
        begin, at = begin + len(numbers), at + len(here)
    return TrainSample(x.sub_(x.mean(1, keepdim=True)), live, has[:, kept])


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
