"""Agreement of rankings against plain sets, and stability of methods that do and do not depend on their rows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.errors import DataError
from neurosieve.probes import Oracle, SelectionData, fit_oracle
from neurosieve.probes.archive import Archive
from neurosieve.rankings import Ranking, Stability, agreement, lca, probeless, random_order, stability
from neurosieve.rankings.comparing import halved, sizes_for
from tests.synthetic import GRID, planted

NEURONS = 12
IDS = np.array([(i // 4, i % 4) for i in range(NEURONS)])


def ranking(name: str, order: list[int]) -> Ranking:
    return Ranking(name, np.array(order), IDS[order], np.arange(NEURONS, 0, -1.0))


def plain(orders: list[list[int]], mine: int, k: int) -> tuple[float, float]:
    """AvgOverlap and NeuronVote read aloud."""
    top = [order[:k] for order in orders]
    others = [t for j, t in enumerate(top) if j != mine]
    average = sum(len(set(top[mine]) & set(t)) / k for t in others) / len(others)
    votes = {n: sum(k - t.index(n) for t in others if n in t) for n in range(NEURONS)}
    elected = sorted(votes, key=lambda n: (-votes[n], n))[:k]  # ids grow with the number
    return average, len(set(top[mine]) & set(elected)) / k


ORDERS = st.lists(st.permutations(range(NEURONS)), min_size=2, max_size=5)


@given(ORDERS, st.integers(1, NEURONS))
@settings(max_examples=60, deadline=None)
def test_is_what_sets_say(orders: list[list[int]], k: int) -> None:
    found = agreement([ranking(str(j), order) for j, order in enumerate(orders)], [k])
    for j in range(len(orders)):
        average, vote = plain(orders, j, k)
        assert found.average[0, j] == pytest.approx(average)
        assert found.vote[0, j] == pytest.approx(vote)
    assert found.to_frame().height == len(orders)
    if len(orders) == 2:
        np.testing.assert_allclose(found.average, found.vote)


def test_random_orders_agree_by_chance() -> None:
    rng = np.random.default_rng(0)
    draws = [agreement([ranking(str(j), rng.permutation(NEURONS).tolist()) for j in range(4)], [3]) for _ in range(400)]
    expected = draws[0].chance[0]
    assert expected == 3 / NEURONS
    assert np.mean([d.average for d in draws]) == pytest.approx(expected, abs=0.02)
    assert np.mean([d.vote for d in draws]) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("neurons", "expected"), [(5000, (10, 50, 100, 500)), (60, (10, 50)), (10, (5,)), (1, (1,))])
def test_sizes_follow_the_neurons(neurons: int, expected: tuple[int, ...]) -> None:
    assert sizes_for(neurons) == expected


def test_refusals() -> None:
    one = ranking("a", list(range(NEURONS)))
    for call, part in (
        (lambda: agreement([one]), "agreement: expected two rankings or more, got 1"),
        (lambda: agreement([one, one], [NEURONS + 1]), "size 13"),
        (lambda: agreement([one, dataclasses.replace(one, neurons=one.neurons + 1)]), "the 12 neurons of ranking a"),
        (lambda: halved(np.zeros(5), 0), "clusters of train"),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert part in str(caught.value)


@pytest.fixture(scope="module")
def problem() -> tuple[SelectionData, Oracle]:
    data = planted(rows=600, carriers=4)
    return data, fit_oracle(data)


def test_a_method_that_finds_the_carriers_is_stable_and_random_order_is_not(
    problem: tuple[SelectionData, Oracle],
) -> None:
    rankers = {"lca": lca, "probeless": probeless, "random": random_order}
    group = np.arange(600) // 3
    found = stability(rankers, *problem, group, draws=4, sizes=[4])
    assert found.seeds[:, 0, :2].tolist() == [[1.0, 1.0]] * 4
    assert found.halves[:, 0, :2].min() >= 0.75
    assert found.seeds[:, 0, 2].mean() < 0.5
    assert found.halves[:, 0, 2].min() == 1.0  # one seed for both halves: it does not look at them
    frame = found.to_frame()
    assert frame.columns == ["ranking", "size", "seeds", "halves", "halves_low", "halves_high", "chance"]
    again = Stability.from_archive(Archive(found.archive().record, tensors=found.archive().tensors))
    assert again.to_frame().equals(frame)


def test_sizes_of_both_halves_are_kept(problem: tuple[SelectionData, Oracle]) -> None:
    data, oracle = problem
    asked = []

    def smallest(half: SelectionData, own: Oracle, ranking: Ranking) -> int:
        asked.append((half.target.shape[1], own.probe.lam, ranking.name))
        return len(asked)

    group = np.arange(600) // 3
    found = stability({"lca": lca, "probeless": probeless}, data, oracle, group, draws=2, sizes=[4], smallest=smallest)
    assert found.sets is not None
    assert found.sets.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert asked == [(300, oracle.probe.lam, name) for name in ("lca", "probeless")] * 4
    again = Stability.from_archive(Archive(found.archive().record, tensors=found.archive().tensors))
    assert again.sets is not None
    assert again.sets.tolist() == found.sets.tolist()


def test_all_methods_find_the_same_four(problem: tuple[SelectionData, Oracle]) -> None:
    informed = [ranker(*problem, 0) for name, ranker in GRID.items() if name != "random"]
    assert agreement(informed, [4]).average.min() == 1.0


@given(st.lists(st.integers(0, 8), min_size=2, max_size=60).filter(lambda g: len(set(g)) > 1), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_halves_hold_whole_clusters(groups: list[int], seed: int) -> None:
    group = np.array(groups)
    first = halved(group, seed)
    assert first.any()
    assert not first.all()
    assert not set(group[first]) & set(group[~first])
    largest = np.bincount(group).max()
    assert abs(int(first.sum()) - len(group) / 2) <= max(largest, 1)
    np.testing.assert_array_equal(first, halved(group, seed))
