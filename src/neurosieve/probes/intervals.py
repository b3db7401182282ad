"""95 % intervals of scores and of paired differences; rows of one cluster (file, line, …) are resampled together.

The rule (METHOD: bootstrap over clusters, and where errors are few one that respects clusters and is never of width 0):

    many errors   percentile bootstrap over clusters.
    few errors    a score interval on the effective number of rows, n / design effect: Wilson's for a score, Tango's
                  (1998, Statistics in Medicine 17) for a paired difference, with Student's t of clusters − 1. Few are
                  fewer than 50 effective ones, of a difference fewer than 50 effective discordant rows: below that the
                  percentile bootstrap of a skewed sum covers 0.90 to 0.93 (simulated in tests/probes/test_coverage.py).
    one cluster   no interval: nothing can be resampled.

The design effect is the variance of sums over clusters divided by that of rows drawn alone. With no error to judge by
it is unknown, so two errors are added as a prior, of a correlation of 0.3 inside clusters, the largest simulated. Where
no row errs at all, this variance says little: what bounds the share is the chance that no cluster holds an error, which
is known exactly (beta-binomial errors of that correlation), and the smaller of the two bounds holds.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.special import betaln
from scipy.stats import chi2
from scipy.stats import t as student

from neurosieve.typing import Scores

Interval = tuple[float, float]

FEW = 50
LEVEL = 0.95
DRAWS = 2000
_BLOCK = 100
_PRIOR_ERRORS, _PRIOR_CORRELATION = 2, 0.3


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
        self.sizes: Float[np.ndarray, " clusters"] = np.bincount(self._cluster, minlength=count).astype(np.float64)
        rng = np.random.default_rng(seed)
        self._blocks = [
            rng.multinomial(count, np.full(count, 1 / count), size=min(_BLOCK, draws - i)).astype(np.uint16)
            for i in range(0, draws, _BLOCK)
        ]

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.sizes)

    def totals(self, values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " clusters"]:
        """The sum over each cluster's rows."""
        return np.bincount(self._cluster, weights=values, minlength=self.clusters)

    def means(self, values: Float[np.ndarray, " rows"], draws: int | None = None) -> Float[np.ndarray, " draws"]:
        """The mean over rows in each resample; of about the first `draws` only, where that many are enough."""
        total, blocks = self.totals(values), self._blocks[: draws and -(-draws // _BLOCK)]
        return np.concatenate([(block @ total) / (block @ self.sizes) for block in blocks])

    def counts(self, cell: Int[np.ndarray, " rows"], cells: int) -> Iterator[Float[np.ndarray, "draws cells"]]:
        """How many rows of each kind each resample holds, some at a time; `cell` numbers a row's kind."""
        clusters = self.clusters
        total = np.bincount(self._cluster * cells + cell, minlength=clusters * cells).reshape(clusters, cells)
        for block in self._blocks:
            yield block @ total.astype(np.float64)

    def weights(self) -> Iterator[Float[np.ndarray, "draws rows"]]:
        """How often each resample holds each row, some resamples at a time."""
        for block in self._blocks:
            yield block[:, self._cluster].astype(np.float64)

    def interval(self, values: Float[np.ndarray, " rows"], level: float = LEVEL) -> Interval | None:
        """Two-sided percentile interval of the mean; None for one cluster, or where no resample differs."""
        return percentiles(self.means(values), level)


def percentiles(draws: Float[np.ndarray, " draws"], level: float = LEVEL) -> Interval | None:
    """Two-sided percentile interval; None where the draws are all one value, which says nothing of the spread."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return (float(low), float(high)) if high > low else None


def score_interval(score: Scores, bootstrap: ClusterBootstrap) -> Interval | None:
    """95 % interval of a mean score: of right and wrong rows by the rule above, of others the bootstrap's.

    Returns:
        None for one cluster of rows.
    """
    if bootstrap.clusters < 2:
        return None
    if not errors_are_few(score, bootstrap):
        return bootstrap.interval(score.astype(np.float64))
    few, right = _rarer(score, bootstrap)
    low, high = _wilson(few, (1 + LEVEL) / 2)
    return (low, high) if right else (1 - high, 1 - low)


def errors_are_few(score: Scores, bootstrap: ClusterBootstrap) -> bool:
    """Is the interval of these right and wrong rows taken from the effective number of rows, not from resamples?"""
    if score.dtype != bool:
        return False
    return bootstrap.clusters < 2 or _rarer(score, bootstrap)[0].effective < FEW


def _rarer(score: Scores, bootstrap: ClusterBootstrap) -> tuple["_Few", bool]:
    """The wrong rows, or the right ones where those are fewer; and whether they are the right ones."""
    right = bool(2 * score.sum() < len(score))
    rare = score if right else ~score
    return _Few.of(rare.astype(np.float64), np.zeros(len(score)), bootstrap), right


def loss_interval(reference: Scores, other: Scores, bootstrap: ClusterBootstrap) -> tuple[float, Interval | None]:
    """How much score `other` loses against `reference` on the same rows, with its paired 95 % interval.

    One of the two may be a mean over several probes' right and wrong rows, between 0 and 1.

    Returns:
        The mean loss, and its interval; None for one cluster, and of values also where no row differs.
    """
    loss = reference.astype(np.float64) - other.astype(np.float64)
    value = float(loss.mean())
    if bootstrap.clusters < 2:
        return value, None
    few = _few_discordant(reference, other, bootstrap)
    if few is None:
        return value, bootstrap.interval(loss)
    level = (1 + LEVEL) / 2
    return value, (-_upper(few.mirrored(), level), _upper(few, level))


def loss_bound(reference: Scores, other: Scores, bootstrap: ClusterBootstrap) -> float | None:
    """One-sided 95 % upper bound of that loss; None for one cluster."""
    if bootstrap.clusters < 2:
        return None
    few = _few_discordant(reference, other, bootstrap)
    if few is not None:
        return _upper(few, LEVEL)
    return float(np.quantile(bootstrap.means(reference.astype(np.float64) - other.astype(np.float64)), LEVEL))


def loss_p(reference: Scores, other: Scores, delta: float, bootstrap: ClusterBootstrap) -> float | None:
    """One-sided p of the hypothesis that the loss is delta or more; None for one cluster."""
    if bootstrap.clusters < 2:
        return None
    few = _few_discordant(reference, other, bootstrap)
    if few is not None:
        p = float(student.cdf(_statistic(few, delta), len(few.sizes) - 1))
        return p if few.gain else min(p, _chance_of_none(delta, few.sizes))
    draws = bootstrap.means(reference.astype(np.float64) - other.astype(np.float64))
    return float((1 + (draws >= delta).sum()) / (1 + len(draws)))


def holm(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """P values adjusted for the number of tests (Holm 1979, Scandinavian Journal of Statistics 6)."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


class _Few(NamedTuple):
    """Counts divided by the design effect.

    Attributes:
        gain: Rows that speak for a larger value (errors; of a loss, rows that only the reference gets right).
        against: Rows that speak for a smaller one.
        rows: All rows.
        sizes: Rows of each cluster, shape [clusters]; not divided.
    """

    gain: float
    against: float
    rows: float
    sizes: Float[np.ndarray, " clusters"]

    @staticmethod
    def of(gain: np.ndarray, against: np.ndarray, bootstrap: ClusterBootstrap) -> "_Few":
        """Of the rows' shares of either kind, shape [rows]."""
        sizes, n = bootstrap.sizes, float(bootstrap.sizes.sum())
        b, c = float(gain.sum()), float(against.sum())
        mean = (b - c) / n
        left = bootstrap.totals(gain - against) - mean * sizes
        count = len(sizes)
        between = float((left**2).sum()) * count / (count - 1)
        prior = 1 + _PRIOR_CORRELATION * (float((sizes**2).sum()) / n - 1)  # the design effect for an average row
        effect = max(1.0, (between + _PRIOR_ERRORS * prior) / (b + c - n * mean**2 + _PRIOR_ERRORS))
        return _Few(b / effect, c / effect, n / effect, sizes)

    @property
    def effective(self) -> float:
        return self.gain + self.against

    def mirrored(self) -> "_Few":
        return self._replace(gain=self.against, against=self.gain)

    def quantile(self, level: float) -> float:
        return float(student.ppf(level, len(self.sizes) - 1))


def _few_discordant(reference: Scores, other: Scores, bootstrap: ClusterBootstrap) -> _Few | None:
    """The discordant rows where they are few; None where they are many, or scores are no shares of right rows."""
    if bool not in (reference.dtype, other.dtype):
        return None
    loss = reference.astype(np.float64) - other.astype(np.float64)
    few = _Few.of(np.maximum(loss, 0), np.maximum(-loss, 0), bootstrap)
    return few if few.effective < FEW else None


def _chance_of_none(share: float, sizes: Float[np.ndarray, " clusters"]) -> float:
    """The chance that no row errs, of beta-binomial errors of this share that correlate by the prior's correlation."""
    spread = (1 - _PRIOR_CORRELATION) / _PRIOR_CORRELATION
    a, b = share * spread, (1 - share) * spread
    return float(np.exp((betaln(a, b + sizes) - betaln(a, b)).sum()))


def _largest_of_none(few: _Few, level: float) -> float:
    """The share at which no row errs with a chance of 1 − level; rows of clusters of one: about 3 / n at 0.95."""
    difference: Callable[[float], float] = lambda share: _chance_of_none(share, few.sizes) - (1 - level)  # noqa: E731
    return float(brentq(difference, 1e-12, 1 - 1e-12, xtol=1e-10))


def _wilson(few: _Few, level: float) -> Interval:
    """Wilson's interval of a small share, its lower end as Brown, Cai and DasGupta (2001, Statistical Science 16).

    With one to three events its lower end is too high; theirs is the exact one of a Poisson count.
    """
    n, share, z = few.rows, few.gain / few.rows, few.quantile(level)
    middle = share + z**2 / (2 * n)
    half = z * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    low, high = ((middle + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
    if not few.gain:
        return 0.0, min(high, _largest_of_none(few, level))
    if few.gain <= 3:
        low = min(low, float(chi2.ppf(1 - LEVEL, 2 * few.gain)) / (2 * n))
    return max(0.0, low), min(1.0, high)


def _statistic(few: _Few, loss: float) -> float:
    """Tango's score statistic of a paired difference under the hypothesis that it is `loss`."""
    b, c, n = few.gain, few.against, few.rows
    linear = (2 * n - b + c) * loss - b - c
    root = np.sqrt(max(0.0, linear**2 + 8 * n * c * loss * (1 - loss)))
    share = (root - linear) / (4 * n)
    return float((b - c - n * loss) / np.sqrt(max(n * (2 * share + loss * (1 - loss)), 1e-12)))


def _upper(few: _Few, level: float) -> float:
    """The largest loss that Tango's statistic allows; where no row is lost, no more than the share lost may be."""
    bound = _tango(few, few.quantile(level))
    return bound if few.gain else min(bound, _largest_of_none(few, level))


def _tango(few: _Few, z: float) -> float:
    """The loss at which the statistic is −z, sought from the measured one upwards."""
    difference: Callable[[float], float] = lambda loss: _statistic(few, loss) + z  # noqa: E731
    last = 1 - 1e-9
    measured = float(np.clip((few.gain - few.against) / few.rows, 1e-9 - 1, last))  # at ±1 it is 0 / 0
    if measured == last or difference(measured) * difference(last) > 0:
        return 1.0
    return float(brentq(difference, measured, last, xtol=1e-10))
