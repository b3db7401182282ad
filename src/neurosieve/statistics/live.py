"""Which neurons are alive, and how much each varies: the one rule that probes, concepts, clusters and edits go by."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.errors import DataError, not_finite
from neurosieve.typing import NeuronId

DEAD = 1e-8
_CHUNK = 1 << 22  # values that are brought to float64 at once


def live_neurons(
    variance: Float[np.ndarray, " neurons"], neurons: Int[np.ndarray, "neurons 2"]
) -> Bool[np.ndarray, " neurons"]:
    """Whether each varies: its train variance is above 1e-8 of its layer's median variance.

    The median of an even number is the lower of the two in the middle. In a layer whose median is 0 all that vary at
    all are alive, so that none is where the whole layer is constant.

    Args:
        variance: On train rows; of neurons with several features, of one kind of these.
        neurons: (layer, index) of each, in any order.

    Raises:
        DataError: A variance that is not finite.
    """
    if not np.isfinite(variance).all():
        first = NeuronId(*(int(v) for v in neurons[int(np.flatnonzero(~np.isfinite(variance))[0])]))
        raise not_finite(f"neuron {first}")
    live = np.zeros(len(variance), dtype=bool)
    for layer in np.unique(neurons[:, 0]):
        here = neurons[:, 0] == layer
        live[here] = variance[here] > DEAD * np.quantile(variance[here], 0.5, method="lower")
    return live


class RunningVariance:
    """Mean and population variance of each column, streamed in float64; two that are merged hold the rows of both.

    All is measured from the first row: what never varies has a variance of exactly 0, whatever rounding does to means.
    """

    def __init__(self) -> None:
        self.count, self._first, self._mean, self._square = 0, torch.zeros(()), torch.zeros(()), torch.zeros(())

    def update(self, part: Float[Tensor, "_ columns"]) -> None:
        """Add rows."""
        for chunk in _chunks(part):
            self._first = self._first if self.count else chunk[0].clone()
            chunk -= self._first
            batch = chunk.mean(0)
            self._add(len(chunk), batch, ((chunk - batch) ** 2).sum(0))

    def merge(self, other: "RunningVariance") -> None:
        """Add all rows that another one has seen."""
        if not self.count:
            self._first = other._first
        if other.count:
            self._add(other.count, other._mean + (other._first - self._first), other._square)

    def _add(self, count: int, mean: Float[Tensor, " columns"], square: Float[Tensor, " columns"]) -> None:
        total = self.count + count
        self._square = self._square + square + (mean - self._mean) ** 2 * (self.count * count / total)
        self._mean = self._mean + (mean - self._mean) * (count / total)
        self.count = total

    def result(self) -> tuple[Float[Tensor, " columns"], Float[Tensor, " columns"]]:
        """Mean and variance.

        Raises:
            DataError: No row.
        """
        if not self.count:
            raise DataError("rows of train", expected="at least 1", got="0", remedy="read more")
        return self._mean + self._first, self._square / self.count


def mean_and_variance(
    parts: Iterable[Float[Tensor, "_ columns"]],
) -> tuple[Float[Tensor, " columns"], Float[Tensor, " columns"]]:
    """Mean and population variance of each column over the rows of all parts, see `RunningVariance`.

    Raises:
        DataError: No row.
    """
    running = RunningVariance()
    for part in parts:
        running.update(part)
    return running.result()


def _chunks(part: Float[Tensor, "_ columns"]) -> Iterator[Float[Tensor, "_ columns"]]:
    """The rows in float64, copied, a few at a time."""
    for some in torch.split(part, max(1, _CHUNK // max(1, part.shape[1]))):
        if len(some):
            yield some.to(torch.float64, copy=True)
