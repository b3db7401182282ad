"""Which neurons are alive: one rule, and everyone who asks gives its answer, also in odd cases."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations import ActivationStore
from neurosieve.activations.store import Activations
from neurosieve.concepts.neurons.passes import spread_of
from neurosieve.errors import DataError
from neurosieve.interventions import matched_sets
from neurosieve.probes.features import fit_scaler
from neurosieve.statistics import live_neurons, mean_and_variance, moments
from tests.concepts.planted import planted_store, values_of
from tests.tiny import assert_one_line

LAYERS, WIDTH = 3, 6
NEURONS = np.array([(layer, index) for layer in range(LAYERS) for index in range(WIDTH)])


def noise(rows: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(rows, LAYERS * WIDTH)).astype(np.float32)


def constant_layer(x: np.ndarray) -> None:
    """Of values whose mean float32 rounds: none is alive."""
    x[:, :WIDTH] = np.array([0.1, 1e4 + 0.1, -3.3, 1e-3, 0, 7.7], dtype=np.float32)


def median_of_zero(x: np.ndarray) -> None:
    """More than half never vary: the others live, however little they vary."""
    x[:, :4] = 0.1
    x[:, 4] *= 1e-12


def rounding(x: np.ndarray) -> None:
    """What float16 makes of small changes of a large value: steps, or nothing at all."""
    x[:, 0] = (1000 + 0.3 * x[:, 0]).astype(np.float16)
    x[:, 1] = (1000 + 1e-3 * x[:, 1]).astype(np.float16)


def near_the_bound(x: np.ndarray) -> None:
    """A little above 1e-8 of the median, and a little below."""
    x[:] = np.sign(x)  # of about the same variance all
    x[:, 0] *= 1.05e-4
    x[:, 1] *= 0.95e-4


def even_number(x: np.ndarray) -> None:
    """The lower of two middle values counts: with the upper one the small ones would be dead."""
    x[:, :3] *= 1e-6


# By what the neurons are like: which of the first layer are alive.
ODD = {
    constant_layer: [],
    median_of_zero: [4, 5],
    rounding: [0, 2, 3, 4, 5],
    near_the_bound: [0, 2, 3, 4, 5],
    even_number: [0, 1, 2, 3, 4, 5],
}


@pytest.mark.parametrize("case", ODD, ids=lambda case: case.__name__)
def test_all_agree(case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = planted_store(tmp_path / "store", {}, layers=LAYERS, width=WIDTH)
    values = noise(len(values_of(store, "train")[0]))
    case(values)
    x = torch.from_numpy(values)
    expected = [i in ODD[case] or i >= WIDTH for i in range(LAYERS * WIDTH)]
    _, variance = mean_and_variance([x])
    assert live_neurons(variance.numpy(), NEURONS).tolist() == expected
    assert (~moments(x, NEURONS).dead()).tolist() == expected
    monkeypatch.setattr(ActivationStore, "batches", lambda *_, **__: iter([(x[:7], None), (x[7:], None)]))
    assert spread_of(store).alive.tolist() == expected
    names = np.array(["a"] * len(x), dtype=object)
    for copies in (1, 2):
        columns = x if copies == 1 else torch.stack([x.abs() * 0, x], 2).flatten(1)  # of pairs one feature is still
        scaler = fit_scaler(Activations(columns, NEURONS, np.arange(len(x)) % 2, ("a", "b"), names, names))
        assert [list(n) for n in scaler.dead] == NEURONS[~np.array(expected)].tolist()
        assert bool((scaler.scale > 0).all())
    assert matched_alive(variance.numpy()) == expected


def matched_alive(variance: np.ndarray) -> list[bool]:
    """Which neurons the drawing of random sets takes for alive: others cannot be chosen."""
    found = []
    for neuron in NEURONS:
        try:
            matched_sets(neuron[None], NEURONS, variance, draws=1)
            found.append(True)
        except DataError as error:
            found.append("some live neurons" not in error.expected)
    return found


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_by_all(value: float) -> None:
    values = noise(20)
    values[3, 8] = value
    x, names = torch.from_numpy(values), np.array(["a"] * 20, dtype=object)
    for ask in (
        lambda: moments(x, NEURONS),
        lambda: fit_scaler(Activations(x, NEURONS, np.arange(20) % 2, ("a", "b"), names, names)),
        lambda: live_neurons(mean_and_variance([x])[1].numpy(), NEURONS),
    ):
        with pytest.raises(DataError) as caught:
            ask()
        assert_one_line(caught.value, "1:2", "finite")
    with pytest.raises(DataError, match="1:2"):
        matched_sets(NEURONS[:1], NEURONS, np.where(np.arange(18) == 8, value, 1.0))


def test_mean_and_variance_against_numpy() -> None:
    """In parts of any size, of float16 and float32; what never varies has a variance of 0, whatever its value."""
    values = noise(200) * 3 + 1000
    values[:, 4] = 0.1
    for parts in ([200], [1, 199], [50, 0, 150]):
        mean, variance = mean_and_variance(torch.split(torch.from_numpy(values), parts))
        np.testing.assert_allclose(mean, values.astype(np.float64).mean(0))
        np.testing.assert_allclose(variance, values.astype(np.float64).var(0), rtol=1e-9)
        assert variance[4] == 0
    half = torch.from_numpy(values).half()
    np.testing.assert_allclose(mean_and_variance([half])[1], half.double().numpy().var(0), rtol=1e-9)
    with pytest.raises(DataError) as caught:
        mean_and_variance([])
    assert_one_line(caught.value, "at least 1")
