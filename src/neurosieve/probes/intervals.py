"""Intervals: bootstrap over clusters (rows of one file or line fall together), Wilson's where errors are few."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binomtest

from neurosieve.typing import Scores

FEW_ERRORS = 10
DRAWS = 2000
_BLOCK = 100


class ClusterBootstrap:
    """Resamples of clusters, drawn once and used for many scores (so that these can be compared in pairs).

    Args:
        group: Cluster of each row, shape [rows].
        draws: Number of resamples (METHOD.md: B = 2,000).
        seed: Same seed, same resamples.

    Cost: draws × clusters bytes.
    """

    def __init__(self, group: np.ndarray, *, draws: int = DRAWS, seed: int = 0) -> None:
        names, self._cluster = np.unique(group.astype(str), return_inverse=True)
        count = len(names)
        self._size = np.bincount(self._cluster, minlength=count).astype(np.float64)
        rng = np.random.default_rng(seed)
        self._blocks = [
            rng.multinomial(count, np.full(count, 1 / count), size=min(_BLOCK, draws - i)).astype(np.uint16)
            for i in range(0, draws, _BLOCK)
        ]

    def means(self, values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " draws"]:
        """The mean over rows in each resample."""
        total = np.bincount(self._cluster, weights=values, minlength=len(self._size))
        return np.concatenate([(block @ total) / (block @ self._size) for block in self._blocks])

    def counts(self, cell: Int[np.ndarray, " rows"], cells: int) -> Float[np.ndarray, "draws cells"]:
        """How many rows of each kind each resample holds; `cell` numbers a row's kind."""
        clusters = len(self._size)
        total = np.bincount(self._cluster * cells + cell, minlength=clusters * cells).reshape(clusters, cells)
        return np.concatenate([block @ total.astype(np.float64) for block in self._blocks])

    def weights(self) -> Iterator[Float[np.ndarray, "draws rows"]]:
        """How often each resample holds each row, some resamples at a time."""
        for block in self._blocks:
            yield block[:, self._cluster].astype(np.float64)

    def interval(self, values: Float[np.ndarray, " rows"], level: float = 0.95) -> tuple[float, float]:
        """Two-sided percentile interval of the mean."""
        low, high = np.quantile(self.means(values), [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def upper(self, values: Float[np.ndarray, " rows"], level: float = 0.95) -> float:
        """One-sided upper bound of the mean."""
        return float(np.quantile(self.means(values), level))


def score_interval(score: Scores, bootstrap: ClusterBootstrap) -> tuple[float, float]:
    """95 % interval of a mean score: of an accuracy with fewer than ten errors Wilson's, else by clusters."""
    if score.dtype == bool and int((~score).sum()) < FEW_ERRORS:
        result = binomtest(int(score.sum()), len(score)).proportion_ci(0.95, method="wilson")
        return float(result.low), float(result.high)
    return bootstrap.interval(score.astype(np.float64))


def loss_interval(reference: Scores, other: Scores, bootstrap: ClusterBootstrap) -> tuple[float, tuple[float, float]]:
    """How much score `other` loses against `reference` on the same rows, with its paired 95 % interval."""
    loss = reference.astype(np.float64) - other.astype(np.float64)
    return float(loss.mean()), bootstrap.interval(loss)
