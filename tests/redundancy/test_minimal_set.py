"""The search against its definition, on planted tasks, and its two rules."""

import random
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.probes import ClusterBootstrap, fit_oracle
from neurosieve.rankings import lca, random_order
from neurosieve.redundancy import SetSearch, find_minimal_sets, smallest
from neurosieve.redundancy.minimal_set import NEIGHBOURS, geometric_sizes
from tests.synthetic import planted


@given(st.integers(1, 3000), st.integers(1, 3000), st.booleans())
def test_a_clean_edge_is_found_exactly(total: int, edge: int, jump: bool) -> None:
    edge = min(edge, total)
    assert smallest(total, lambda m: m >= edge, jump=jump) == edge


@given(st.integers(2, 400), st.randoms(use_true_random=False), st.floats(0, 1), st.booleans())
def test_every_larger_tested_size_is_within_delta(total: int, rng: random.Random, noise: float, jump: bool) -> None:
    truth = {m: rng.random() < max(noise, m / total) for m in range(1, total)} | {total: True}
    tested: dict[int, bool] = {total: True}

    def within(m: int) -> bool:
        tested[m] = truth[m]
        return truth[m]

    answer = smallest(total, within, jump=jump)
    assert tested[answer]
    assert all(ok for m, ok in tested.items() if m >= answer)
    below = [m for m in tested if m < answer]
    assert not below or not tested[max(below)]


def test_inside_a_narrow_bracket_no_size_is_jumped() -> None:
    tested: list[int] = []

    def within(m: int) -> bool:
        tested.append(m)
        return m >= 130

    assert smallest(1000, within) == 130
    upper = min(m for m in geometric_sizes(1000) if m >= 130)
    assert set(range(129, upper + 1)) <= set(tested)


def test_a_jump_spares_the_way_up() -> None:
    tested: list[int] = []

    def within(m: int) -> bool:
        tested.append(m)
        return m >= 700

    assert smallest(1280, within, jump=True) == 700
    assert len([m for m in tested if m < 600]) <= 5


def test_a_wide_bracket_is_bisected_and_its_neighbours_tested() -> None:
    tested: list[int] = []

    def within(m: int) -> bool:
        tested.append(m)
        return m >= 9000

    assert smallest(20000, within) == 9000
    assert set(range(9000, 9000 + NEIGHBOURS)) <= set(tested)
    assert len(set(tested)) < 120


@pytest.mark.parametrize("total", [1, 2, 7, 2688])
def test_grid_rises_from_one_to_all(total: int) -> None:
    sizes = geometric_sizes(total)
    assert sizes[-1] == total
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 1


@pytest.mark.parametrize("select", ["point", "safe"])
def test_a_planted_task_is_recovered_exactly(select: str) -> None:
    data = planted(rows=1500, neurons=60, classes=2, carriers=1, strength=6.0)
    oracle = fit_oracle(data)
    bootstrap = ClusterBootstrap(data.group_validation, draws=500)
    search = SetSearch(data, oracle, lca(data, oracle, seed=0), bootstrap)
    size = search.smallest(0.01, "point" if select == "point" else "safe")
    assert size == 1
    assert search.probe(1).feature.tolist() == [0]


def test_safe_asks_for_at_least_as_many_as_point_and_random_for_more() -> None:
    data = planted(rows=600, neurons=60, carriers=6, strength=1.0)
    oracle = fit_oracle(data)
    bootstrap = ClusterBootstrap(data.group_validation, draws=500)
    search = SetSearch(data, oracle, lca(data, oracle, seed=0), bootstrap)
    controls = [SetSearch(data, oracle, random_order(data, oracle, seed=s), bootstrap) for s in range(10)]
    point, safe = find_minimal_sets([search], controls, [0.02], ["point", "safe"])
    assert point.size <= safe.size
    assert np.median(point.random_sizes) > point.size
    assert len(point.random_probes) == 10
    assert all(len(p.feature) == point.size for p in point.random_probes)


def test_probes_are_retrained_and_warm_starts_do_not_matter() -> None:
    data = planted(rows=400, neurons=30)
    oracle = fit_oracle(data)
    bootstrap = ClusterBootstrap(data.group_validation, draws=100)
    ranking = lca(data, oracle, seed=0)
    up, fresh = (SetSearch(data, oracle, ranking, bootstrap) for _ in range(2))
    for size in (3, 20, 9, 10):
        up.probe(size)
    np.testing.assert_allclose(up.probe(10).weights, fresh.probe(10).weights, atol=5e-3)
    assert up.probe(30) is oracle.probe


@pytest.mark.parametrize("select", ["point", "safe"])
def test_an_order_without_neurons_has_no_set(select: Literal["point", "safe"]) -> None:
    """As where a pipeline keeps layer 0 alone and none of its neurons varies."""
    data = planted(rows=200, neurons=10)
    oracle = fit_oracle(data)
    none = np.zeros(0, dtype=np.int64)
    ranking = replace(lca(data, oracle, 0), order=none, neurons=data.neurons[none], score=np.zeros(0))
    search = SetSearch(data, oracle, ranking, ClusterBootstrap(data.group_validation, draws=100))
    assert search.smallest(0.9, select) is None
