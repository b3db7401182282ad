"""The module of a label: METHOD's search on planted neurons, each label by neurons of its own."""

from functools import cache

import numpy as np
import pytest

from neurosieve.modules.module_search import FittedModule, ModuleRule, fit_module, one_vs_rest, told_apart
from neurosieve.modules.one_label import compose
from neurosieve.probes import ClusterBootstrap, SelectionData, fit_oracle, selection_data
from neurosieve.typing import Grid, NeuronId
from tests.synthetic import activations

GRID = Grid(2, 20)
RULE = ModuleRule(delta=0.03, select="point", draws=3, path=12, seed=0)


def rows(seed: int, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Three classes; neurons 3c and 3c + 1 of layer 0 tell class c from the rest, all others are noise."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, count)
    values = rng.normal(size=(count, len(GRID)))
    for c in range(3):
        values[:, [3 * c, 3 * c + 1]] += 4.0 * (label == c)[:, None]
    return values, label


@cache
def data() -> SelectionData:
    return selection_data(activations(*rows(0), layers=2), activations(*rows(1), layers=2))


@cache
def fitted(number: int) -> FittedModule:
    predicted = fit_oracle(data(), 12).probe.predict(data().x_validation)
    reference = told_apart(predicted, data().label_validation, number)
    return fit_module(
        one_vs_rest(data(), number), f"c{number}", ClusterBootstrap(data().group_validation), RULE, reference
    )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_module_is_the_label_s_own_neurons(number: int) -> None:
    found = fitted(number)
    assert set(found.module.neurons) <= {NeuronId(0, 3 * number), NeuronId(0, 3 * number + 1)}
    assert found.within
    assert found.converged
    assert found.validation > 0.95
    assert len(found.random) == len(found.random_sizes) == 3
    assert {len(drawn.neurons) for drawn in found.random} == {len(found.module.neurons)}
    assert np.median(found.random_sizes) > len(found.module.neurons)


def test_modules_decide_together_and_random_ones_do_not() -> None:
    values, label = rows(2)
    here = activations(values, label, layers=2).values
    together = compose([fitted(c).module for c in range(3)], here, GRID).argmax(1)
    random = compose([fitted(c).random[0] for c in range(3)], here, GRID).argmax(1)
    assert (together == label).mean() > 0.95
    assert (random == label).mean() < 0.8


def test_told_apart_is_right_about_the_label_or_the_rest() -> None:
    predicted, label = np.array([0, 1, 2, 2]), np.array([0, 2, 1, 0])
    assert told_apart(predicted, label, 0).tolist() == [True, True, True, False]
    assert told_apart(predicted, label, 1).tolist() == [True, False, False, True]


def test_where_not_even_all_neurons_are_within_the_module_has_all() -> None:
    """Nobody is better than a reference that is always right, on labels that are noise."""
    rng = np.random.default_rng(0)
    train, validation = (activations(rng.normal(size=(200, 40)), rng.integers(0, 3, 200), layers=2) for _ in "ab")
    noise = one_vs_rest(selection_data(train, validation), 0)
    perfect = np.ones(200, dtype=bool)
    found = fit_module(noise, "c0", ClusterBootstrap(noise.group_validation), RULE, perfect)
    assert not found.within
    assert set(found.random_sizes) == {40}
