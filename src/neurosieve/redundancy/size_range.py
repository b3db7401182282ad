"""How far the smallest size, and what random orders need, depend on the validation rows that happened to be drawn."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from neurosieve.probes.intervals import ClusterBootstrap

DRAWS = 200


class Losses(NamedTuple):
    """Losses of one order's fitted sizes on validation.

    Attributes:
        sizes: Rising, shape [sizes].
        rows: Loss of each row against the oracle, shape [sizes, rows].
        margin: What is added to a mean loss before it is held against delta: nothing for `point`, the distance of the
            upper bound for `safe`; minus infinity for all neurons, which lose nothing. Shape [sizes].
    """

    sizes: Int[np.ndarray, " sizes"]
    rows: Float[np.ndarray, "sizes rows"]
    margin: Float[np.ndarray, " sizes"]

    def smallest(self, bootstrap: ClusterBootstrap, delta: float) -> Int[np.ndarray, " draws"]:
        """In each resample the least fitted size such that it and every larger fitted one is within delta.

        Where not even the largest is, the size is the largest: the truth is above it.
        """
        means = np.stack([bootstrap.means(row, DRAWS) for row in self.rows])
        outside = means + self.margin[:, None] > delta + 1e-12
        last = np.where(outside.any(0), len(self.sizes) - 1 - outside[::-1].argmax(0), -1)  # the largest outside
        found: Int[np.ndarray, " draws"] = self.sizes[np.minimum(last + 1, len(self.sizes) - 1)]
        return found


class SizeRange(NamedTuple):
    """95 % of resampled validation clusters, over the fitted curves.

    Attributes:
        size: Of the smallest size.
        ratio: Of that size divided by the median of what random orders need.
    """

    size: tuple[int, int]
    ratio: tuple[float, float]


def size_range(
    found: Losses, controls: Sequence[Losses], delta: float, bootstrap: ClusterBootstrap
) -> SizeRange | None:
    """Ranges of the size and of its ratio to random orders; all orders are resampled alike.

    Args:
        found: Of a ranking.
        controls: Of random orders.
        delta: Loss allowed.
        bootstrap: Over validation clusters.

    Returns:
        None for one cluster.
    """
    if bootstrap.clusters < 2:
        return None
    size = found.smallest(bootstrap, delta)
    random = np.median([c.smallest(bootstrap, delta) for c in controls], axis=0)
    low, high = np.quantile(size, [0.025, 0.975], method="closest_observation")
    ratio = np.quantile(size / random, [0.025, 0.975])
    return SizeRange((int(low), int(high)), (float(ratio[0]), float(ratio[1])))
