"""How like two orders of the same neurons are (Spearman), and how like they would be for their layers alone."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

from neurosieve.rankings.base import Ranking

_DRAWS = 500
_ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class OrderLikeness:
    """Of two rankings, over the neurons that both order.

    Attributes:
        value: Rank correlation; neurons with the same score share their place.
        interval: 95 %, from resamples of the neurons; None where a side gives all the same place.
        chance: Mean where places are dealt anew in each layer: what layers alone make of it.
        chance_interval: 95 % of that.
        neurons: How many both order.
    """

    value: float
    interval: tuple[float, float] | None
    chance: float
    chance_interval: tuple[float, float]
    neurons: int


def order_likeness(a: Ranking, b: Ranking, seed: int = 0) -> OrderLikeness:
    """Rank correlation of two rankings of one model's neurons."""
    ids, place_a, place_b = _places(a, b)
    rng, layer = np.random.default_rng(seed), ids[:, 0]
    value = _correlation(place_a, place_b)
    drawn, dealt = np.empty(_DRAWS), np.empty(_DRAWS)
    for i in range(_DRAWS):
        some = rng.integers(0, len(ids), len(ids))
        drawn[i] = _correlation(place_a[some], place_b[some])
        order = np.lexsort((rng.random(len(ids)), layer))  # columns stand layer by layer
        dealt[i] = _correlation(place_a, place_b[order])
    low, high = (float(v) for v in np.quantile(drawn, _ENDS))
    chance = (float(np.quantile(dealt, _ENDS[0])), float(np.quantile(dealt, _ENDS[1])))
    return OrderLikeness(value, (low, high) if high > low else None, float(dealt.mean()), chance, len(ids))


def _places(
    a: Ranking, b: Ranking
) -> tuple[Int[np.ndarray, "both 2"], Float[np.ndarray, " both"], Float[np.ndarray, " both"]]:
    """The neurons that both order, layer by layer, and the place of each in either ranking."""
    placed = [dict(zip(map(tuple, r.neurons.tolist()), _mean_places(r), strict=True)) for r in (a, b)]
    both = sorted(placed[0].keys() & placed[1].keys())
    place_a, place_b = (rankdata([own[n] for n in both]) for own in placed)
    return np.array(both, dtype=np.int64).reshape(-1, 2), place_a, place_b


def _mean_places(ranking: Ranking) -> list[float]:
    """From the first on; equal scores, which stand next to each other, share the mean of their places."""
    score = ranking.score
    new = np.concatenate([[True], score[1:] != score[:-1]])
    run = np.cumsum(new) - 1
    mean = np.bincount(run, weights=np.arange(len(score))) / np.bincount(run)
    places: list[float] = mean[run].tolist()
    return places


def _correlation(a: Float[np.ndarray, " some"], b: Float[np.ndarray, " some"]) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt(a @ a * (b @ b))
    return float(a @ b / size) if size > 0 else 0.0
