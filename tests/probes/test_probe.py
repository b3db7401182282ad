"""Standardising, dead neurons, the lambda path and its tie rule."""

import dataclasses

import numpy as np
import pytest
import torch

from neurosieve.errors import DataError
from neurosieve.probes import fit_oracle, fit_probe, fit_scaler, lambda_path, selection_data
from neurosieve.probes.probe import Probe, best
from neurosieve.typing import NeuronId
from tests.synthetic import activations, noise_and_signal, planted


def test_features_are_standardised_with_train_statistics_only() -> None:
    values, label = noise_and_signal(0, 200, 6, 2, 2)
    other, other_label = noise_and_signal(1, 100, 6, 2, 2)
    data = selection_data(activations(values, label), activations(other + 5, other_label))
    np.testing.assert_allclose(data.x.numpy(), ((values - values.mean(0)) / values.std(0)).T, atol=1e-4)
    expected = ((other + 5 - values.mean(0)) / values.std(0)).T
    np.testing.assert_allclose(data.x_validation.numpy(), expected, atol=1e-3)


def test_dead_neurons_are_named_by_their_layer_and_left_out() -> None:
    values, label = noise_and_signal(0, 200, 8, 2, 2)
    values[:, 1] = 3.0
    values[:, 6] = values[:, 6] * 1e-6
    scaler = fit_scaler(activations(values, label, layers=2))
    assert scaler.dead == (NeuronId(0, 1), NeuronId(1, 2))
    assert [1, 2] not in scaler.neurons.tolist()
    assert len(scaler.neurons) == 6


@pytest.mark.parametrize("kind", ["dead", "nan"])
def test_unusable_activations_are_refused(kind: str) -> None:
    values = np.ones((20, 4)) if kind == "dead" else np.full((20, 4), np.nan)
    with pytest.raises(DataError, match=r"vary|finite"):
        fit_scaler(activations(values, np.arange(20) % 2))


def test_the_path_is_geometric_over_three_decades() -> None:
    path = lambda_path(2.0, 13)
    assert len(path) == 13
    assert path[0] == pytest.approx(2.0)
    assert path[-1] == pytest.approx(2e-3)
    ratios = np.diff(np.log(path))
    np.testing.assert_allclose(ratios, ratios[0])


def test_oracle_converges_finds_the_signal_and_starts_from_zero_weights() -> None:
    oracle = fit_oracle(planted())
    assert all(converged for *_, converged in oracle.path)
    assert oracle.path[0][2] == 0
    assert oracle.probe.validation > 0.8
    assert oracle.probe.lam in oracle.lambdas
    assert len(oracle.lambdas) <= 3
    assert oracle.to_frame().height == 13


def test_best_takes_the_larger_lambda_on_ties() -> None:
    probes = [
        Probe(np.arange(1), torch.zeros(1, 2), torch.zeros(2), lam, True, 0.0, score)
        for lam, score in [(1.0, 0.5), (0.5, 0.9), (0.25, 0.9), (0.1, 0.8)]
    ]
    assert best(probes) == 1


def test_same_input_same_answer() -> None:
    first, second = fit_oracle(planted()), fit_oracle(planted())
    assert torch.equal(first.probe.weights, second.probe.weights)
    assert first.path == second.path


def test_a_probe_on_some_neurons_reads_only_those() -> None:
    data = planted()
    chosen = np.array([0, 3, 7])
    probe, path = fit_probe(data, chosen, fit_oracle(data).lambdas)
    assert len(path) == len(fit_oracle(data).lambdas)
    scrambled = data.x_validation.clone()
    scrambled[[i for i in range(len(scrambled)) if i not in chosen]] = 1e6
    np.testing.assert_array_equal(probe.predict(data.x_validation), probe.predict(scrambled))
    frame = probe.to_frame(data.scaler, ["a", "b", "c"])
    assert frame.columns == ["layer", "index", "a", "b", "c"]
    assert frame["index"].to_list() == [0, 3, 7]


def test_probes_do_not_see_validation_labels_when_fitting() -> None:
    data = planted()
    flipped = dataclasses.replace(data, label_validation=(data.label_validation + 1) % 3)
    lambdas = fit_oracle(data).lambdas
    ours, theirs = fit_probe(data, np.arange(5), lambdas[:1]), fit_probe(flipped, np.arange(5), lambdas[:1])
    assert torch.equal(ours[0].weights, theirs[0].weights)
