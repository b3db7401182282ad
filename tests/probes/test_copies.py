"""Neurons with two features each: everything is as with plain columns, and both count for the neuron."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurosieve.activations.store import Activations
from neurosieve.probes import ClusterBootstrap, fit_oracle, selection_data
from neurosieve.probes.features import SelectionData, feature_rows
from neurosieve.probes.probe import fit_probe
from neurosieve.rankings import lca, probeless
from neurosieve.redundancy import SetSearch
from tests.synthetic import GRID

ROWS, NEURONS = 160, 12


def activations(seed: int, *, copies: int) -> Activations:
    """Neuron 3 carries the label in its second feature, neuron 7 in its first; the rest is noise."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, ROWS)
    values = rng.normal(size=(ROWS, NEURONS, 2)).astype(np.float32)
    values[:, 3, 1] += 2.5 * label
    values[:, 7, 0] -= 1.5 * label
    ids = np.array([(i // 6, i % 6) for i in range(NEURONS)], dtype=np.int64)
    if copies == 1:  # the same columns, each a neuron of its own
        ids = np.array([(i // 12, i % 12) for i in range(2 * NEURONS)], dtype=np.int64)
    text = np.array([str(i) for i in range(ROWS)], dtype=object)
    return Activations(torch.from_numpy(values.reshape(ROWS, -1)), ids, label, ("0", "1"), text, text)


def data(copies: int = 2) -> SelectionData:
    return selection_data(activations(0, copies=copies), activations(1, copies=copies))


def test_features_lie_side_by_side() -> None:
    assert feature_rows(np.array([2, 0]), 2).tolist() == [4, 5, 0, 1]
    assert feature_rows(np.array([2, 0]), 1).tolist() == [2, 0]
    assert (data().copies, data(1).copies, len(data().neurons)) == (2, 1, NEURONS)


def test_oracle_is_that_of_the_columns() -> None:
    pair, plain = fit_oracle(data(2)), fit_oracle(data(1))
    torch.testing.assert_close(pair.probe.weights, plain.probe.weights)
    assert pair.path == plain.path
    assert pair.probe.predict(data(2).x).tolist() == plain.probe.predict(data(1).x).tolist()
    assert pair.probe.copies == 2
    assert pair.probe.mass.shape == (NEURONS, 2)


def test_both_features_count_in_rankings() -> None:
    oracle = fit_oracle(data())
    for rank in (lca, probeless):
        assert {tuple(n) for n in rank(data(), oracle, 0).neurons[:2].tolist()} == {(0, 3), (1, 1)}
    columns = probeless(data(1), fit_oracle(data(1)), 0)
    apart = dict(zip(map(tuple, columns.neurons.tolist()), columns.score, strict=True))
    whole = probeless(data(), oracle, 0)
    for (layer, index), score in zip(whole.neurons.tolist(), whole.score, strict=True):
        assert score == pytest.approx(apart[layer, 2 * index] + apart[layer, 2 * index + 1])


@pytest.mark.parametrize("name", GRID)
def test_a_set_holds_whole_neurons(name: str) -> None:
    found, oracle = data(), fit_oracle(data())
    ranking = GRID[name](found, oracle, 0)
    search = SetSearch(found, oracle, ranking, ClusterBootstrap(found.group_validation, draws=100))
    probe = search.probe(3)
    assert probe.weights.shape == (6, 2)
    few = found.columns(ranking.order[:3])
    again, _ = fit_probe(few, np.arange(3), oracle.lambdas)
    assert probe.validation == pytest.approx(again.validation, abs=0.02)
    assert len(few.x) == 6
    assert np.array_equal(few.neurons, ranking.neurons[:3])


def test_a_neuron_is_dead_when_both_features_are() -> None:
    train = activations(0, copies=2)
    train.values[:, 2 * 4] = 5.0  # one of neuron 4's
    train.values[:, 2 * 9 : 2 * 9 + 2] = 1.0  # both of neuron 9's
    found = selection_data(train, train)
    assert found.scaler.dead == (train.neuron(9),)
    assert (len(found.neurons), len(found.x)) == (NEURONS - 1, 2 * (NEURONS - 1))
    assert bool((found.x[2 * 4] == 0).all())
    assert bool(torch.isfinite(found.x).all())


def test_rows_and_labels_are_as_before() -> None:
    found = data()
    half = np.arange(ROWS) < ROWS // 2
    part = found.rows(half, half)
    assert torch.equal(part.x, found.x[:, : ROWS // 2])
    assert replace(found).relabelled(found.label.numpy(), found.label_validation).copies == 2
