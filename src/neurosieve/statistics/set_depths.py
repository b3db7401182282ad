"""How far two neuron sets lie apart in depth: the Wasserstein distance of their layers."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import wasserstein_distance

_DRAWS = 1000
_ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class DepthDistance:
    """Of two sets.

    Attributes:
        value: 0 where the layers are the same, 1 from the first layer to the last.
        interval: 95 %, from resamples of either set's neurons; None where all lie in one layer.
        chance: Mean where the neurons are dealt anew to the two sets.
        chance_interval: From the least to what 97.5 % of those do not exceed.
    """

    value: float
    interval: tuple[float, float] | None
    chance: float
    chance_interval: tuple[float, float]


def depth_distance(a: Float[np.ndarray, " neurons"], b: Float[np.ndarray, " others"], seed: int = 0) -> DepthDistance:
    """The distance of two sets' depths, each between 0 and 1.

    Resamples of two sets are on average farther apart than the sets themselves: the interval is that of the resamples'
    distances less this excess, and never below 0.
    """
    rng, value = np.random.default_rng(seed), float(wasserstein_distance(a, b))
    both = np.concatenate([a, b])
    drawn, dealt = np.empty(_DRAWS), np.empty(_DRAWS)
    for i in range(_DRAWS):
        drawn[i] = wasserstein_distance(rng.choice(a, len(a)), rng.choice(b, len(b)))
        shuffled = rng.permutation(both)
        dealt[i] = wasserstein_distance(shuffled[: len(a)], shuffled[len(a) :])
    low, high = (float(v) for v in np.quantile(drawn, _ENDS) - (drawn.mean() - value))
    interval = (max(0.0, low), high) if high > low else None
    return DepthDistance(
        value, interval, float(dealt.mean()), (float(dealt.min()), float(np.quantile(dealt, _ENDS[1])))
    )
