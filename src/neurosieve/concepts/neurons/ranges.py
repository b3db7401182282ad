"""Ranges of a neuron's activation in which a value lives (NeuronLens, arXiv 2502.06809), from histograms.

The rule of a range is: inside or not. Its average precision is what scikit-learn gives that two-valued score: with the
share R of the rows with the value that are inside, the share P of the rows inside that have it, and the base rate B,
R · P + (1 − R) · B. Every range of bins is tried.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from neurosieve.concepts.neurons.histograms import BINS, REACH

MERGED = 4  # bins that are one in the search over all neurons
_TIE = 1e-12


class BestRange(NamedTuple):
    """For some histograms the range of the highest average precision.

    It holds a row with the value where there is one: a range of no rows has the base rate as its precision, as that of
    all rows has. Of equal ones it is the one that begins last, then the shortest: no empty bins at its ends.

    Attributes:
        first: Its first bin.
        last: Its last bin.
        ap: Its average precision; nan without a row of either kind.
    """

    first: Int[np.ndarray, " some"]
    last: Int[np.ndarray, " some"]
    ap: Float[np.ndarray, " some"]


def best_range(positive: Float[np.ndarray, "some bins"], every: Float[np.ndarray, "some bins"]) -> BestRange:
    """Search all ranges.

    Args:
        positive: Rows with the value in each bin.
        every: All rows in each bin.

    Cost: some · bins² / 2.
    """
    hits, rows = (np.pad(part.astype(np.float64).cumsum(1), ((0, 0), (1, 0))) for part in (positive, every))
    total, count = hits[:, -1:], rows[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        base = np.where((total > 0) & (total < count), total / count, np.nan)
    first, last = np.zeros(len(hits), dtype=np.int64), np.zeros(len(hits), dtype=np.int64)
    best = np.full(len(hits), -np.inf)
    for begin in range(positive.shape[1]):
        inside, claimed = hits[:, begin + 1 :] - hits[:, begin, None], rows[:, begin + 1 :] - rows[:, begin, None]
        square = np.divide(inside * inside, claimed, out=np.zeros_like(inside), where=claimed > 0)
        ap = (square + (total - inside) * np.nan_to_num(base)) / np.maximum(total, 1)
        ap = np.where(inside > 0, ap, -np.inf)
        end = (ap > ap.max(1, keepdims=True) - _TIE).argmax(1)
        reached = np.take_along_axis(ap, end[:, None], 1)[:, 0]
        better = reached >= best - _TIE
        first[better], last[better], best[better] = begin, begin + end[better], reached[better]
    return BestRange(first, last, np.where(np.isnan(base[:, 0]), np.nan, best))


def coarse_precision(
    positive: Int[np.ndarray, "neurons bins values"], histogram: Int[np.ndarray, "neurons bins"]
) -> Float[np.ndarray, "neurons values"]:
    """Average precision of each neuron's best range of whole fourfold bins, to choose neurons by."""
    neurons, bins, values = positive.shape
    merged = positive.reshape(neurons, bins // MERGED, MERGED, values).sum(2).transpose(0, 2, 1)
    every = histogram.reshape(neurons, bins // MERGED, MERGED).sum(2)
    every = np.broadcast_to(every[:, None], merged.shape)
    found = best_range(merged.reshape(-1, bins // MERGED), every.reshape(-1, bins // MERGED))
    return found.ap.reshape(neurons, values)


def edges(first: int, last: int, centre: float, scale: float) -> tuple[float | None, float | None]:
    """Activations at which a range of bins begins and ends; None at the open ends of the first and the last bin."""

    def edge(number: int) -> float:
        return centre + scale * math.sinh((number - BINS / 2) * 2 * math.asinh(REACH) / BINS)

    return None if first == 0 else edge(first), None if last == BINS - 1 else edge(last + 1)
