"""Which rows of a neuron are shown, and how its values are distributed over labels."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.results.concept_evidence import Densities

BINS = 40
MIN_ROWS = 30  # of a class with a density
_ENDS = 0.001  # share of rows beyond the first and the last edge


def first_distinct(
    order: Int[np.ndarray, " some"], count: int, *limits: tuple[Callable[[int], Hashable], int]
) -> list[int]:
    """The first rows of an order that are not too alike.

    Args:
        order: Rows, the most wanted first.
        count: How many are wanted.
        limits: What of a row may come again, and how often it may be there.
    """
    chosen, seen = list[int](), [Counter[Hashable]() for _ in limits]
    for i in order.tolist():
        keys = [key(i) for key, _ in limits]
        if all(counts[key] < most for counts, key, (_, most) in zip(seen, keys, limits, strict=True)):
            for counts, key in zip(seen, keys, strict=True):
                counts[key] += 1
            chosen.append(i)
        if len(chosen) == count:
            break
    return chosen


def densities_of(
    z: Float[np.ndarray, " rows"],
    positive: Bool[np.ndarray, " rows"],
    classes: Mapping[str, Bool[np.ndarray, " rows"]],
) -> Densities:
    """The distribution of a neuron's values, with a value and without it, and of each class with enough rows.

    Args:
        z: In standard deviations from the train mean.
        positive: Rows with the value.
        classes: Rows of each class, by name.
    """
    low, high = np.quantile(z, [_ENDS, 1 - _ENDS])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    bins = np.clip(np.searchsorted(edges, z, side="right") - 1, 0, BINS - 1)
    parts = {"with": positive, "without": ~positive} | {k: v for k, v in classes.items() if v.sum() >= MIN_ROWS}
    counts = {k: int(rows.sum()) for k, rows in parts.items()}
    densities = {
        k: _rounded(np.bincount(bins[rows], minlength=BINS) / (max(counts[k], 1) * np.diff(edges)))
        for k, rows in parts.items()
    }
    here, elsewhere = densities.pop("with"), densities.pop("without")
    return Densities(rows=counts, edges=_rounded(edges), with_value=here, without=elsewhere, classes=densities)


def _rounded(values: Float[np.ndarray, " some"]) -> tuple[float, ...]:
    """To the digits that a figure can show."""
    return tuple(values.round(5).tolist())
