"""The early stop gives what all sizes give; an order that starts from neighbours has the solutions of a fresh one."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.probes import ClusterBootstrap, fit_oracle
from neurosieve.rankings import random_order
from neurosieve.redundancy import SetSearch
from neurosieve.redundancy.size_range import DRAWS, Loss, size_range, smallest_in_draws
from tests.synthetic import planted


def plain(sizes: list[int], losses: dict[int, Loss], delta: float, bootstrap: ClusterBootstrap) -> list[int]:
    """By the definition: all sizes, one resample after the other."""
    means = {s: bootstrap.means(losses[s].rows, DRAWS) + losses[s].margin for s in sizes}
    draws = len(means[sizes[0]])
    return [
        next((s for s in sizes if all(means[t][i] <= delta + 1e-12 for t in sizes if t >= s)), sizes[-1])
        for i in range(draws)
    ]


@given(st.integers(1, 12), st.randoms(use_true_random=False), st.floats(0, 0.1), st.booleans())
def test_the_smallest_sizes_of_resamples_are_those_of_all_sizes(
    count: int, rng: random.Random, delta: float, whole: bool
) -> None:
    noise = np.random.default_rng(rng.randrange(1000))
    bootstrap = ClusterBootstrap(np.arange(60) // 3, draws=DRAWS)
    sizes = sorted(rng.sample(range(1, 100), count))
    losses = {s: Loss((noise.random(60) < 5 / (s + 10)) - 0.1, rng.choice([0.0, 0.02])) for s in sizes}
    if whole:
        losses[sizes[-1]] = Loss(np.zeros(60), -np.inf)
    asked: list[int] = []

    def loss(size: int) -> Loss:
        asked.append(size)
        return losses[size]

    found = smallest_in_draws(sizes, loss, delta, bootstrap)
    assert found.tolist() == plain(sizes, losses, delta, bootstrap)
    assert asked == sizes[::-1][: len(asked)]


def test_sizes_below_one_that_fails_in_all_resamples_are_not_fitted() -> None:
    bootstrap = ClusterBootstrap(np.arange(40), draws=DRAWS)
    asked = []

    def loss(size: int) -> Loss:
        asked.append(size)
        return Loss(np.full(40, 0.5 if size < 50 else 0.0), 0.0)

    assert set(smallest_in_draws([10, 20, 50, 90], loss, 0.1, bootstrap)) == {50}
    assert asked == [90, 50, 20]


def test_a_size_off_the_grid_that_made_the_answer_counts_in_resamples_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """57 alone is outside delta, which makes 58 the answer: the range may not end below it."""
    data = planted(rows=100, neurons=90)
    oracle = fit_oracle(data)
    bootstrap = ClusterBootstrap(data.group_validation, draws=DRAWS)
    search = SetSearch(data, oracle, random_order(data, oracle, seed=1), bootstrap)
    assert 57 not in search.grid
    rows = len(data.label_validation)
    monkeypatch.setattr(SetSearch, "tested", {57, 58})
    monkeypatch.setattr(SetSearch, "_loss", lambda _, size, __: Loss(np.full(rows, 0.5 if size == 57 else 0.0), 0.0))
    assert set(search.smallest_in_draws(58, 0.02, "point")) == {58}


def test_ranges_hold_the_middle_of_the_draws() -> None:
    found = np.arange(1, 201)
    size, ratio = size_range(found, [np.full(200, 100), np.full(200, 200), np.full(200, 300)])
    assert size == (5, 195)
    assert ratio == pytest.approx(np.quantile(found / 200, [0.025, 0.975]))


def test_an_order_has_the_solutions_of_a_fresh_one_however_it_was_searched() -> None:
    data = planted(rows=400, neurons=40)
    oracle = fit_oracle(data)
    bootstrap = ClusterBootstrap(data.group_validation, draws=100)
    searched = SetSearch(data, oracle, random_order(data, oracle, seed=1), bootstrap, every=False)
    for size in (35, 5, 20, 12, 28, 3):
        searched.probe(size)
    for size in searched.tested:
        fresh = SetSearch(data, oracle, searched.ranking, bootstrap, every=False).probe(size)
        np.testing.assert_allclose(searched.probe(size).weights, fresh.weights, atol=5e-3)
        assert searched.probe(size).validation == pytest.approx(fresh.validation, abs=0.01)
