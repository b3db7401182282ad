"""One grid: every ranking against every law of the contract. LCA also against its plain definition."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurosieve.errors import ConfigError
from neurosieve.probes import Oracle, SelectionData, fit_oracle, fit_probe, selection_data
from neurosieve.probes.probe import lambda_max
from neurosieve.rankings import CLASS_RANKINGS, RANKERS, Ranker, lca, probeless, register_ranking
from neurosieve.rankings.base import ranked
from neurosieve.studies.config import make_config
from tests.synthetic import GRID, activations, noise_and_signal, planted

_SMALL_DATA = planted(rows=60, neurons=12)
_SMALL = fit_oracle(_SMALL_DATA)
INFORMED = [name for name in GRID if name != "random"]


OF_VALUES = {name: ranker for name, ranker in GRID.items() if name not in CLASS_RANKINGS}


@pytest.fixture(scope="module")
def problem() -> tuple[SelectionData, Oracle]:
    data = planted()
    return data, fit_oracle(data)


@pytest.mark.parametrize("name", OF_VALUES)
def test_neurons_that_carry_a_value_come_first(name: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1200, 20))
    label = values[:, 3] - 1.2 * values[:, 14] + 0.3 * rng.normal(size=1200)
    rows = dataclasses.replace(activations(values, np.zeros(1200, dtype=np.int64), layers=2), label=label)
    data = selection_data(rows, rows)
    oracle = fit_oracle(data)
    ranking = OF_VALUES[name](data, oracle, seed=0)
    np.testing.assert_array_equal(ranking.order, OF_VALUES[name](data, oracle, seed=0).order)
    assert sorted(ranking.order) == list(range(20))
    if name != "random":
        assert set(ranking.order[:2].tolist()) == {3, 14}


@pytest.mark.parametrize("ranker", GRID.values(), ids=list(GRID))
def test_is_a_permutation_with_global_ids(ranker: Ranker, problem: tuple[SelectionData, Oracle]) -> None:
    data, oracle = problem
    ranking = ranker(data, oracle, seed=3)
    assert sorted(ranking.order) == list(range(len(data.neurons)))
    np.testing.assert_array_equal(ranking.neurons, data.neurons[ranking.order])
    assert ranking.top(2) == [tuple(n) for n in ranking.neurons[:2].tolist()]
    assert ranking.to_frame().height == len(data.neurons)
    assert ranking.name in ranking._repr_html_()


@pytest.mark.parametrize("ranker", GRID.values(), ids=list(GRID))
def test_same_seed_same_order(ranker: Ranker, problem: tuple[SelectionData, Oracle]) -> None:
    first, second = ranker(*problem, seed=5), ranker(*problem, seed=5)
    np.testing.assert_array_equal(first.order, second.order)


@pytest.mark.parametrize("ranker", GRID.values(), ids=list(GRID))
def test_sees_train_rows_only(ranker: Ranker, problem: tuple[SelectionData, Oracle]) -> None:
    data, oracle = problem
    blind = dataclasses.replace(
        data, x_validation=torch.full_like(data.x_validation, torch.nan), label_validation=data.label_validation * 0
    )
    np.testing.assert_array_equal(ranker(data, oracle, seed=1).order, ranker(blind, oracle, seed=1).order)


@pytest.mark.parametrize("name", INFORMED)
def test_planted_neurons_come_first(name: str) -> None:
    data = planted(rows=1500, carriers=4)
    ranking = GRID[name](data, fit_oracle(data), seed=0)
    assert set(ranking.order[:4].tolist()) == {0, 1, 2, 3}


ROWS, COLUMNS = 300, 12


def columns(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two layers of six; the class shifts columns 0, 1, 6 and 7, the others are noise."""
    values, label = noise_and_signal(seed, ROWS, COLUMNS, 3, 4, 1.0)
    return values[:, [0, 1, 4, 5, 6, 7, 2, 3, 8, 9, 10, 11]], label


def fitted(change: Callable[[np.ndarray], np.ndarray]) -> tuple[SelectionData, Oracle]:
    """The data after a change of the matrix, and a probe of so large a λ that some neurons stay without weight."""
    train, validation = (activations(change(values), label, classes=3) for values, label in (columns(1), columns(2)))
    data = selection_data(train, validation)
    feature = np.arange(len(data.neurons))
    probe, _ = fit_probe(data, feature, [0.2 * lambda_max(data, feature)])
    return data, dataclasses.replace(_SMALL, probe=probe)


def same(values: np.ndarray) -> np.ndarray:
    return values


def order_of(name: str, change: Callable[[np.ndarray], np.ndarray] = same) -> list[int]:
    """Columns by importance."""
    return [int(i) for i in GRID[name](*fitted(change), seed=0).neurons[:, 1]]


def copying(column: int) -> Callable[[np.ndarray], np.ndarray]:
    """Add a copy of a column behind the others."""
    return lambda values: np.column_stack([values, values[:, column]])


def without(order: list[int], *left_out: int) -> list[int]:
    return [i for i in order if i not in left_out]


@pytest.mark.parametrize("value", [0.0, 3.5, -1e4])
@pytest.mark.parametrize("name", INFORMED)
def test_a_constant_neuron_is_left_out_and_moves_no_other(name: str, value: float) -> None:
    found = order_of(name, lambda values: np.column_stack([values, np.full(ROWS, value)]))
    assert COLUMNS not in found
    assert found == order_of(name)


@pytest.mark.parametrize("factor", [1e3, -1e3, 1e-3])
@pytest.mark.parametrize("column", [0, 7, 3])
@pytest.mark.parametrize("name", INFORMED)
def test_scale_moves_nothing(name: str, column: int, factor: float) -> None:
    """Features are standardised, so a unit of measurement is no importance; a turned sign turns the weight alone."""

    def scaled(values: np.ndarray) -> np.ndarray:
        values[:, column] = values[:, column] * factor + 10 * factor
        return values

    assert order_of(name, scaled) == order_of(name)


@pytest.mark.parametrize("column", range(COLUMNS))
def test_a_copy_moves_no_other_in_probeless(column: int) -> None:
    """A neuron's own means decide, whatever others do: the copy is just after the first."""
    found = order_of("probeless", copying(column))
    assert without(found, COLUMNS) == order_of("probeless")
    assert found.index(COLUMNS) == found.index(column) + 1


def test_a_copy_without_weight_moves_no_other_in_lca() -> None:
    """A copy of a neuron that the elastic net leaves at zero stays at zero: its gradient is the same, below l1.

    A copy of a neuron with weight may move others: the two share it, and since the l2 part of two halves is less,
    they carry more than the one did. So nothing is promised there.
    """
    unused = np.flatnonzero((fitted(same)[1].probe.weights == 0).all(1).numpy()).tolist()
    assert len(unused) >= 3
    for column in unused:
        found = order_of("lca", copying(column))
        assert without(found, COLUMNS) == order_of("lca")
        assert found[-1] == COLUMNS  # of those without weight the last id


def test_copies_share_their_weight_in_lca() -> None:
    """With an l2 part the solution is unique, and symmetric: both copies weigh the same and stand side by side."""
    weights = fitted(copying(0))[1].probe.weights
    np.testing.assert_allclose(weights[0], weights[COLUMNS], atol=2e-3)
    assert weights[0].abs().max() > 0.05


@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_probeless_equals_a_plain_double_loop(seed: int, classes: int, neurons: int) -> None:
    """Over pairs of classes that occur in train: a class without a row has no mean."""
    rng = np.random.default_rng(seed)
    label = np.concatenate([[0, 1], rng.integers(0, classes, 18)])
    values = rng.normal(size=(20, neurons)) * rng.uniform(0.5, 2, neurons)
    train = activations(values, label, classes=classes)
    data = selection_data(train, train)
    x = (values - values.mean(0)) / values.std(0)
    scores = []
    for j in range(neurons):
        total = 0.0
        for a in range(classes):
            for b in range(a):
                mine, other = ([x[i, j] for i in range(20) if label[i] == c] for c in (a, b))
                if mine and other:
                    total += abs(sum(mine) / len(mine) - sum(other) / len(other))
        scores.append(total)
    ranking = probeless(data, _SMALL, seed=0)
    np.testing.assert_allclose(ranking.score, sorted(scores, reverse=True), rtol=1e-4, atol=1e-6)  # of means in float32
    np.testing.assert_allclose([scores[j] for j in ranking.order], ranking.score, rtol=1e-4)
    assert ranking.name == "probeless"


def test_random_orders_differ_by_seed_and_are_uniform(problem: tuple[SelectionData, Oracle]) -> None:
    firsts = [int(GRID["random"](*problem, seed=s).order[0]) for s in range(400)]
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


def test_a_ranking_of_the_user_s_own(request: pytest.FixtureRequest) -> None:
    """Options know it by its name; a second registration of the name replaces the first."""
    request.addfinalizer(lambda: RANKERS.registered.pop("mine", None))
    with pytest.raises(ConfigError, match="ranking"):
        make_config(options={"model": "m", "data": "d", "rankings": ["mine"]})
    register_ranking("mine", probeless)
    register_ranking("mine", lca)
    assert make_config(options={"model": "m", "data": "d", "rankings": ["mine"]}).rankings == ("mine",)
    assert RANKERS["mine"] is lca
    assert [*RANKERS][-1] == "mine"


@pytest.mark.parametrize("name", ["lca", "My", "a-b", ""])
def test_names_a_ranking_cannot_have(name: str) -> None:
    with pytest.raises(ConfigError, match="a name of its own"):
        register_ranking(name, lca)
