"""How far the smallest size, and what random orders need, depend on the validation rows that happened to be drawn."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from neurosieve.probes.intervals import ClusterBootstrap

DRAWS = 200


class Loss(NamedTuple):
    """What one size of an order loses on validation.

    Attributes:
        rows: Loss of each row against the oracle.
        margin: What is added to their mean before it is held against delta: nothing for `point`, the distance of the
            upper bound for `safe`; minus infinity for all neurons, which lose nothing.
    """

    rows: Float[np.ndarray, " rows"]
    margin: float


def smallest_in_draws(
    sizes: Sequence[int], loss: Callable[[int], Loss], delta: float, bootstrap: ClusterBootstrap
) -> Int[np.ndarray, " draws"]:
    """In each resample the least of some sizes such that it and every larger one is within delta.

    Where not even the largest is, it is the largest: the truth is above it. The sizes are gone through from the
    largest down, until each resample has met one that is outside: those below change nothing, and are not fitted.

    Args:
        sizes: Rising.
        loss: Of a size.
        delta: Loss allowed.
        bootstrap: Over validation clusters.
    """
    found = within = None
    for size in reversed(sizes):
        rows, margin = loss(size)
        passed = bootstrap.means(rows, DRAWS) + margin <= delta + 1e-12
        within = passed if within is None else within & passed
        found = np.full(len(passed), size) if found is None else np.where(within, size, found)
        if not within.any():
            break
    if found is None:
        raise ValueError("no sizes")
    return found


class SizeRange(NamedTuple):
    """95 % of resampled validation clusters, over the fitted curves.

    Attributes:
        size: Of the smallest size.
        ratio: Of that size divided by the median of what random orders need.
    """

    size: tuple[int, int]
    ratio: tuple[float, float]


def size_range(sizes: Int[np.ndarray, " draws"], controls: Sequence[Int[np.ndarray, " draws"]]) -> SizeRange:
    """Ranges of the size and of its ratio to random orders, from the smallest sizes in the same resamples.

    Args:
        sizes: Of a ranking.
        controls: Of random orders.
    """
    low, high = np.quantile(sizes, [0.025, 0.975], method="closest_observation")
    ratio = np.quantile(sizes / np.median(controls, axis=0), [0.025, 0.975])
    return SizeRange((int(low), int(high)), (float(ratio[0]), float(ratio[1])))
