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
from neurosieve.redundancy.minimal_set import geometric_sizes
from tests.synthetic import planted


def exhaustive(total: int, truth: dict[int, bool]) -> int:
    """The definition, word for word, with all sizes tested."""
    grid = geometric_sizes(total)
    for m in range(1, total):
        every = [s for s in range(m, total) if s <= max(int(1.5 * m), m + 20)]
        larger = [s for s in grid if m < s <= 4 * m and s < total]
        if all(truth[s] for s in (*every, *larger)):
            return m
    return total


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_clean_edge_is_found_exactly(total: int, edge: int) -> None:
    edge = min(edge, total)
    assert smallest(total, lambda m: m >= edge) == edge


@given(st.integers(1, 400), st.randoms(use_true_random=False), st.floats(0, 1))
def test_the_search_gives_what_all_sizes_give(total: int, rng: random.Random, noise: float) -> None:
    truth = {m: rng.random() < max(noise, m / total) for m in range(1, total)} | {total: True}
    assert smallest(total, truth.__getitem__) == exhaustive(total, truth)


@given(st.integers(1, 400), st.randoms(use_true_random=False), st.floats(0, 1))
def test_the_looser_search_is_exact_on_the_grid(total: int, rng: random.Random, noise: float) -> None:
    truth = {m: rng.random() < max(noise, m / total) for m in range(1, total)} | {total: True}
    found, grid = smallest(total, truth.__getitem__, every=False), geometric_sizes(total)

    def passes(m: int) -> bool:
        return all(truth[s] for i, s in enumerate(s for s in grid if s >= m) if i <= 3 or s <= 1.5 * m)

    assert found == next(m for m in grid if passes(m))


def test_a_size_that_a_grid_skips_does_not_make_the_answer() -> None:
    """46 to 56 are within delta, 57 is not, and the grid goes from 56 to 61."""
    assert 57 not in geometric_sizes(2688)
    assert smallest(2688, lambda m: m >= 46 and m != 57) == 58


def test_all_neurons_are_within_whatever_the_rule_says() -> None:
    assert smallest(30, lambda _: False) == 30


def test_sizes_far_below_the_edge_are_spared() -> None:
    tested: list[int] = []

    def within(m: int) -> bool:
        tested.append(m)
        return m >= 700

    assert smallest(12800, within) == 700
    assert len([m for m in tested if m < 350]) <= 6
    assert set(range(699, 1051)) <= set(tested)


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


def test_safe_needs_two_clusters_of_validation_rows() -> None:
    data = planted(rows=200, neurons=10)
    oracle = fit_oracle(data)
    search = SetSearch(data, oracle, lca(data, oracle, 0), ClusterBootstrap(np.zeros(len(data.label_validation))))
    assert find_minimal_sets([search], [search], [0.05], ["safe"]) == []
    (found,) = find_minimal_sets([search], [search], [0.05], ["point"])
    assert found.range is None


def test_range_of_the_size_holds_the_size_and_what_luck_of_rows_gives() -> None:
    """Fewer validation rows leave a wider range."""
    spans = []
    for rows in (300, 3000):
        data = planted(rows=rows, neurons=60, carriers=6, strength=1.0)
        oracle = fit_oracle(data)
        bootstrap = ClusterBootstrap(data.group_validation, draws=300)
        search = SetSearch(data, oracle, lca(data, oracle, seed=0), bootstrap)
        controls = [SetSearch(data, oracle, random_order(data, oracle, seed=s), bootstrap) for s in range(3)]
        (found,) = find_minimal_sets([search], controls, [0.02], ["point"])
        assert found.range is not None
        low, high = found.range.size
        assert low <= found.size <= high
        assert found.range.ratio[0] <= found.size / np.median(found.random_sizes) <= found.range.ratio[1]
        spans.append(high / low)
    assert spans[1] <= spans[0]
