"""One grid: every ranking against every law of the contract. LCA also against its plain definition."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurosieve.probes import Oracle, SelectionData, fit_oracle
from neurosieve.rankings import RANKERS, Ranker, lca
from neurosieve.rankings.base import ranked
from tests.synthetic import planted

_SMALL_DATA = planted(rows=60, neurons=12)
_SMALL = fit_oracle(_SMALL_DATA)
INFORMED = [name for name in RANKERS if name != "random"]


@pytest.fixture(scope="module")
def problem() -> tuple[SelectionData, Oracle]:
    data = planted()
    return data, fit_oracle(data)


@pytest.mark.parametrize("ranker", RANKERS.values(), ids=list(RANKERS))
def test_is_a_permutation_with_global_ids(ranker: Ranker, problem: tuple[SelectionData, Oracle]) -> None:
    data, oracle = problem
    ranking = ranker(data, oracle, seed=3)
    assert sorted(ranking.order) == list(range(len(data.neurons)))
    np.testing.assert_array_equal(ranking.neurons, data.neurons[ranking.order])
    assert ranking.top(2) == [tuple(n) for n in ranking.neurons[:2].tolist()]
    assert ranking.to_frame().height == len(data.neurons)
    assert ranking.name in ranking._repr_html_()


@pytest.mark.parametrize("ranker", RANKERS.values(), ids=list(RANKERS))
def test_same_seed_same_order(ranker: Ranker, problem: tuple[SelectionData, Oracle]) -> None:
    first, second = ranker(*problem, seed=5), ranker(*problem, seed=5)
    np.testing.assert_array_equal(first.order, second.order)


@pytest.mark.parametrize("ranker", RANKERS.values(), ids=list(RANKERS))
def test_sees_train_rows_only(ranker: Ranker, problem: tuple[SelectionData, Oracle]) -> None:
    data, oracle = problem
    blind = dataclasses.replace(
        data, x_validation=torch.full_like(data.x_validation, torch.nan), label_validation=data.label_validation * 0
    )
    np.testing.assert_array_equal(ranker(data, oracle, seed=1).order, ranker(blind, oracle, seed=1).order)


@pytest.mark.parametrize("name", INFORMED)
def test_planted_neurons_come_first(name: str) -> None:
    data = planted(rows=1500, carriers=4)
    ranking = RANKERS[name](data, fit_oracle(data), seed=0)
    assert set(ranking.order[:4].tolist()) == {0, 1, 2, 3}


def test_random_orders_differ_by_seed_and_are_uniform(problem: tuple[SelectionData, Oracle]) -> None:
    firsts = [int(RANKERS["random"](*problem, seed=s).order[0]) for s in range(400)]
    counts = np.bincount(firsts, minlength=40)
    assert counts.max() < 30
    assert (counts > 0).sum() > 35


def plain_entry(weights: np.ndarray) -> list[float]:
    """METHOD.md read aloud: for each p each class takes its heaviest |w| until p of its mass is covered."""
    mass = np.abs(weights.astype(np.float64))
    entry = [float("inf")] * len(mass)
    for step in range(1001):
        for column in mass.T:
            covered = 0.0
            for j in sorted(range(len(column)), key=lambda j: -column[j]):
                if column.sum() == 0 or covered / column.sum() >= step / 1000 - 1e-12 or column[j] == 0:
                    break
                covered += column[j]
                entry[j] = min(entry[j], step / 10)
    return entry


@given(arrays(np.float32, (12, 3), elements=st.sampled_from([0.0, 0.1, -0.2, 0.4, 1.0, -3.0, 7.0])))
def test_lca_equals_its_plain_definition(weights: np.ndarray) -> None:
    data = _SMALL_DATA
    oracle = _with_weights(weights)
    ranking = lca(data, oracle, seed=0)
    entry = plain_entry(weights)
    total = np.abs(weights.astype(np.float64)).sum(1)
    np.testing.assert_allclose(ranking.score, [entry[j] for j in ranking.order])
    keys = [(entry[j], -total[j], *data.neurons[j]) for j in ranking.order]
    assert keys == sorted(keys)


def test_ties_go_by_layer_then_index_whatever_the_order_of_columns() -> None:
    data = _SMALL_DATA
    shuffled = np.random.default_rng(0).permutation(12)
    mixed = dataclasses.replace(data, scaler=dataclasses.replace(data.scaler, neurons=data.neurons[shuffled]))
    ranking = ranked("flat", mixed, [np.zeros(12)], np.zeros(12))
    np.testing.assert_array_equal(ranking.neurons, data.neurons)


def _with_weights(weights: np.ndarray) -> Oracle:
    return dataclasses.replace(_SMALL, probe=dataclasses.replace(_SMALL.probe, weights=torch.tensor(weights)))
