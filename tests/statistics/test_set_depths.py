"""Distances of depths against plain sums over layers, and intervals that hold what they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.statistics.set_depths import depth_distance

DEPTHS = st.lists(st.integers(0, 6).map(lambda layer: layer / 6), min_size=2, max_size=20)


@settings(deadline=None, max_examples=8)
@given(DEPTHS, DEPTHS)
def test_the_area_between_the_two_distributions(a: list[float], b: list[float]) -> None:
    found = depth_distance(np.array(a), np.array(b))
    levels = np.arange(6) / 6
    area = sum(abs(np.mean(np.array(a) <= at + 1e-9) - np.mean(np.array(b) <= at + 1e-9)) / 6 for at in levels)
    assert found.value == pytest.approx(area)
    if found.interval is not None:
        low, high = found.interval
        assert 0 <= low <= found.value + 1e-9
        assert found.value - 1e-9 <= high <= 1 + 1e-9


def test_one_layer_each_has_no_interval() -> None:
    found = depth_distance(np.zeros(5), np.ones(4))
    assert (found.value, found.interval) == (1.0, None)
    assert found.chance_interval[1] < 1


def test_sets_of_one_distribution_are_as_far_apart_as_chance() -> None:
    rng = np.random.default_rng(0)
    within = 0
    for seed in range(20):
        found = depth_distance(rng.integers(0, 5, 40) / 4, rng.integers(0, 5, 40) / 4, seed)
        within += found.value <= found.chance_interval[1]
    assert within >= 17  # 97.5 % are expected


def test_the_interval_holds_the_distance_of_the_populations() -> None:
    rng = np.random.default_rng(1)
    true, held = 0.25, 0  # each of the other's layers is one of four deeper
    for seed in range(20):
        low, high = depth_distance(rng.integers(0, 4, 60) / 4, (rng.integers(0, 4, 60) + 1) / 4, seed).interval or (
            1,
            0,
        )
        held += low <= true <= high
    assert held >= 16
