"""A module's scores, its calibration, and a probe's class as a module, against the probe itself and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from neurosieve.modules.one_label import Module, compose, fit_calibration, module_of, same_bits
from neurosieve.probes import fit_oracle
from neurosieve.typing import Grid, NeuronId
from tests.synthetic import activations, noise_and_signal, planted

GRID = Grid(2, 20)


def a_module(seed: int, label: str = "a", neurons: int = 5) -> Module:
    rng = np.random.default_rng(seed)
    chosen = tuple(GRID.neuron(int(column)) for column in rng.permutation(len(GRID))[:neurons])
    return Module(label, chosen, rng.normal(size=neurons), float(rng.normal()))


@settings(max_examples=25)
@given(st.integers(0, 99), st.integers(1, 8), st.integers(2, 30))
def test_scores_are_sums_of_a_row_s_own_values(seed: int, neurons: int, rows: int) -> None:
    module, values = (
        a_module(seed, neurons=neurons),
        torch.randn(rows, 40, generator=torch.Generator().manual_seed(seed)),
    )
    found = module.scores(values, GRID)
    plain = [
        sum(float(row[GRID.column(n)]) * w for n, w in zip(module.neurons, module.weight, strict=True))
        for row in values
    ]
    np.testing.assert_allclose(found, np.array(plain) + module.bias, rtol=1e-9, atol=1e-9)
    some = list(range(0, rows, 2))
    assert same_bits(found[some], module.scores(values[some], GRID))  # other rows have no part in it
    other = a_module(seed + 1, "b")
    assert same_bits(np.ascontiguousarray(compose([other, module], values, GRID)[:, 1]), found)


def test_equal_values_of_other_bits_are_not_the_same() -> None:
    a = np.array([0.0, 1.0])
    assert same_bits(a, a.copy())
    assert not same_bits(a, np.array([-0.0, 1.0]))
    assert not same_bits(a, np.nextafter(a, 2))


@pytest.mark.parametrize(
    ("seed", "shift", "separable"), [(0, 1.0, False), (1, -2.0, False), (2, 0.0, True), (3, 5.0, False)]
)
def test_calibration_is_that_of_a_logistic_regression(seed: int, shift: float, separable: bool) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(300) < 0.3
    scores = 4 * positive + (0.1 if separable else 2.0) * rng.normal(size=300) + shift
    slope, offset = fit_calibration(scores, positive)
    there, elsewhere = positive.sum(), (~positive).sum()
    target = np.where(positive, (there + 1) / (there + 2), 1 / (elsewhere + 2))
    both = np.concatenate([scores, scores])[:, None]
    label, weight = np.repeat([1, 0], 300), np.concatenate([target, 1 - target])
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(both, label, sample_weight=weight)
    assert slope == pytest.approx(model.coef_[0, 0], rel=1e-2)
    assert expit(slope * scores + offset) == pytest.approx(model.predict_proba(scores[:, None])[:, 1], abs=1e-3)
    assert np.isfinite([slope, offset]).all()


def test_a_calibrated_module_scores_log_odds() -> None:
    """Shares of rows in bins of scores are those that the scores say."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=20_000) * 2
    positive = rng.random(20_000) < expit(z)
    module = Module("a", (NeuronId(0, 0),), np.array([7.0]), 3.0)  # scores 7 z + 3
    values = torch.zeros(20_000, 40)
    values[:, 0] = torch.from_numpy(z).float()
    right = module.calibrated(module.scores(values, GRID), positive)
    assert right.weight[0] == pytest.approx(1, abs=0.05)
    assert right.bias == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_blocks_of_a_probe_decide_as_the_probe(seed: int) -> None:
    data = planted(seed)
    probe = fit_oracle(data, 12).probe
    values, label = noise_and_signal(seed + 50, 500, 40, 3, 4)
    rows = activations(values, label, layers=2).values
    blocks = [module_of(f"c{c}", probe, data.scaler, c) for c in range(3)]
    x = data.scaler.apply(rows)
    np.testing.assert_allclose(compose(blocks, rows, GRID), probe.outputs(x).T.numpy(), atol=1e-4)
    assert (compose(blocks, rows, GRID).argmax(1) == probe.predict(x)).all()
    for c, block in enumerate(blocks):
        assert len(block.neurons) == int((probe.weights[:, c] != 0).sum())
    against = module_of("c0", probe, data.scaler, 0, rest=1)
    outputs = probe.outputs(x).numpy()
    np.testing.assert_allclose(against.scores(rows, GRID), outputs[0] - outputs[1], atol=1e-4)


def test_a_class_without_weights_is_a_module_of_one_neuron() -> None:
    data = planted(0)
    probe = fit_oracle(data, 12).probe
    empty = replace(probe, weights=torch.zeros_like(probe.weights))
    module = module_of("c0", empty, data.scaler, 0)
    assert len(module.neurons) == 1
    assert module.scores(torch.randn(5, 40), GRID) == pytest.approx(float(probe.intercept[0]))
