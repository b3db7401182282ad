"""The front against brute-force dominance."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.probes import Probe
from neurosieve.redundancy.pareto import Point, pareto_front

_STUB = Probe(np.zeros(0, dtype=np.int64), torch.zeros(0, 2), torch.zeros(2), 0.1, True, 0.0, 0.0)


def points(rows: Sequence[tuple[int, int, float]]) -> list[Point]:
    return [Point(f"way {i}", size, depth, validation, _STUB) for i, (size, depth, validation) in enumerate(rows)]


def cost(p: Point) -> tuple[int, int, float]:
    return p.size, p.depth, p.validation


def dominates(p: Point, q: Point) -> bool:
    """At least as good in everything, and better in something."""
    return p.size <= q.size and p.depth <= q.depth and p.validation >= q.validation and cost(p) != cost(q)


ROW = st.tuples(st.integers(1, 6), st.integers(0, 4), st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9]))


@given(st.lists(ROW, max_size=25))
def test_front_is_what_nothing_dominates(rows: list[tuple[int, int, float]]) -> None:
    given_points = points(rows)
    front = pareto_front(given_points)
    expected: dict[tuple[int, int, float], str] = {}
    for p in given_points:
        if not any(dominates(q, p) for q in given_points):
            expected.setdefault(cost(p), p.source)  # among equals the first
    assert {cost(p): p.source for p in front} == expected
    assert len(front) == len(expected)
    assert [p.size for p in front] == sorted(p.size for p in front)


@given(st.lists(ROW, min_size=1, max_size=15), st.randoms(use_true_random=False))
def test_order_of_the_points_does_not_matter(rows: list[tuple[int, int, float]], rng: random.Random) -> None:
    mixed = rows.copy()
    rng.shuffle(mixed)
    assert [cost(p) for p in pareto_front(points(rows))] == [cost(p) for p in pareto_front(points(mixed))]


@given(st.lists(ROW, max_size=15))
def test_front_of_the_front_is_the_front(rows: list[tuple[int, int, float]]) -> None:
    front = pareto_front(points(rows))
    assert pareto_front(front) == front


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([], []),
        ([(5, 2, 0.7)], [0]),
        ([(0, 0, 0.9), (5, 2, 0.7)], [1]),  # a set of no neuron is none
        ([(5, 2, 0.7), (5, 2, 0.7)], [0]),
        ([(5, 2, 0.7), (4, 2, 0.7)], [1]),
        ([(5, 2, 0.7), (4, 3, 0.7)], [1, 0]),
        ([(5, 2, 0.7), (5, 1, 0.6), (5, 1, 0.7)], [2]),
        ([(1, 9, 0.5), (2, 8, 0.6), (3, 0, 0.9)], [0, 1, 2]),
    ],
)
def test_by_hand(rows: list[tuple[int, int, float]], kept: list[int]) -> None:
    assert [p.source for p in pareto_front(points(rows))] == [f"way {i}" for i in kept]
