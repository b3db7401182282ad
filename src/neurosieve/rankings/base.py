"""The contract of all rankings.

A ranking orders all live neurons, most important first. Laws, which one test grid runs on every method:

    1. `order` is a permutation of the features.
    2. Same input and seed, same order.
    3. Ties are broken by (layer, index), so the order of columns does not matter.
    4. It sees train rows only (`SelectionData.x`, `.label`) and the oracle fitted on them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.typing import NeuronId

BLOCK = 2**22  # values that a method works on at once, so that what it makes of them stays small


@dataclass(frozen=True)
class Ranking:
    """Neurons in order of importance.

    Attributes:
        name: The method, with its seed where it has one.
        order: Feature rows, most important first, shape [neurons].
        neurons: (layer, index) in that order, shape [neurons, 2].
        score: What the method ordered by, in that order, shape [neurons].
    """

    name: str
    order: Int[np.ndarray, " neurons"]
    neurons: Int[np.ndarray, "neurons 2"]
    score: Float[np.ndarray, " neurons"]

    def top(self, count: int) -> list[NeuronId]:
        """Global ids of the first `count`."""
        return [NeuronId(int(layer), int(index)) for layer, index in self.neurons[:count]]

    def to_frame(self) -> pl.DataFrame:
        """One row a neuron: rank, layer, index, score."""
        return pl.DataFrame(
            {
                "rank": np.arange(1, len(self.order) + 1),
                "layer": self.neurons[:, 0],
                "index": self.neurons[:, 1],
                "score": self.score,
            }
        )

    def _repr_html_(self) -> str:
        return f"<p>Ranking {self.name}</p>{self.to_frame().head(20)._repr_html_()}"


@runtime_checkable
class Ranker(Protocol):
    """A method of ranking neurons."""

    def __call__(self, data: SelectionData, oracle: Oracle, seed: int) -> Ranking:
        """Order the neurons of `data`."""
        ...


def ranked(name: str, data: SelectionData, keys: list[np.ndarray], score: np.ndarray) -> Ranking:
    """A ranking by ascending keys (the first decides), ties by (layer, index)."""
    ids = data.neurons
    order = np.lexsort([ids[:, 1], ids[:, 0], *reversed(keys)])
    return Ranking(name, order, ids[order], score[order].astype(np.float64))


def blocks(data: SelectionData) -> Iterator[Float[Tensor, "neurons copies rows"]]:
    """Train features, some neurons at a time."""
    x = data.x.view(len(data.neurons), data.copies, -1)
    size = max(1, BLOCK // max(1, x.shape[1] * x.shape[2]))
    for begin in range(0, len(x), size):
        yield x[begin : begin + size]
