"""Rank correlation of two orders against SciPy's, and what layers alone make of it."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from neurosieve.rankings.base import Ranking
from neurosieve.rankings.order_likeness import order_likeness

LAYERS, WIDTH = 4, 30


def ranked(score: np.ndarray, kept: np.ndarray | None = None) -> Ranking:
    """The ranking of a score of all neurons, or of some."""
    kept = np.arange(len(score)) if kept is None else kept
    order = kept[np.argsort(-score[kept], kind="stable")]
    return Ranking("planted", order, np.stack(np.divmod(order, WIDTH), 1), score[order])


def scores(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=LAYERS * WIDTH)


@pytest.mark.parametrize("levels", [None, 5, 2])
@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_equals_scipy(levels: int | None, shared: float) -> None:
    a = scores(0)
    b = shared * a + (1 - shared) * scores(1)
    if levels:
        a, b = (np.floor(levels * np.argsort(np.argsort(x)) / len(x)) for x in (a, b))
    found = order_likeness(ranked(a), ranked(b))
    assert found.value == pytest.approx(spearmanr(a, b).statistic)
    assert found.neurons == len(a)
    low, high = found.interval or (found.value, found.value)
    assert low <= found.value <= high


def test_only_neurons_of_both_count() -> None:
    a, b = scores(0), scores(0) + scores(1)
    kept, others = np.arange(80), np.arange(20, 120)
    found = order_likeness(ranked(a, kept), ranked(b, others))
    assert found.neurons == 60
    assert found.value == pytest.approx(spearmanr(a[20:80], b[20:80]).statistic)


def test_layers_alone_are_chance() -> None:
    layer = np.repeat(np.arange(LAYERS), WIDTH)
    found = order_likeness(ranked(scores(0) + 5 * layer), ranked(scores(1) + 5 * layer))
    assert found.value > 0.8
    low, high = found.chance_interval
    assert low <= found.value <= high
    assert low <= found.chance <= high


def test_the_same_order_is_above_what_layers_make() -> None:
    found = order_likeness(ranked(scores(0)), ranked(scores(0)))
    assert found.value == pytest.approx(1)
    assert found.chance_interval[1] < 0.5


def test_a_ranking_that_orders_nothing() -> None:
    found = order_likeness(ranked(np.zeros(LAYERS * WIDTH)), ranked(scores(0)))
    assert (found.value, found.interval) == (0, None)
