"""Probes by layer against probes on the right columns, and the LayerSelector against its definition."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.probes import Oracle, Probe, SelectionData, fit_oracle, selection_data
from neurosieve.probes.archive import Archive
from neurosieve.probes.probe import best, fit_path, fit_probe
from neurosieve.redundancy.layers import LayerCurves, fit_layers
from neurosieve.storage.folder import Folder
from tests.synthetic import activations, noise_and_signal

LAYERS, WIDTH = 4, 6
DELTAS = ("0.001", "0.005", "0.01", "0.02", "0.03", "0.05", "0.1", "0.25", "0.5", "0.999")


def layered(*, dead: tuple[int, ...] = ()) -> SelectionData:
    """Four layers of six neurons; the class shifts five neurons of layers 0 and 1, some layers never move."""
    splits = []
    for seed in (1, 2):
        values, label = noise_and_signal(seed, 300, LAYERS * WIDTH, 3, 8, 1.0)
        values = values[:, [0, 8, 9, 10, 11, 12, 1, 2, 3, 4, 13, 14, *range(15, 24), 5, 6, 7]]
        for layer in dead:
            values[:, layer * WIDTH : (layer + 1) * WIDTH] = 0.7
        splits.append(activations(values, label, layers=LAYERS, classes=3))
    train, validation = splits
    return selection_data(train, validation)


@pytest.fixture(scope="module")
def fitted() -> tuple[SelectionData, Oracle, LayerCurves]:
    data = layered()
    oracle = fit_oracle(data)
    return data, oracle, fit_layers(data, oracle, LAYERS)


def assert_like(found: Probe, expected: Probe) -> None:
    """The same problem solved: same columns, same weights up to the solver's tolerance."""
    np.testing.assert_array_equal(found.feature, expected.feature)
    assert found.converged
    assert found.lam == expected.lam
    np.testing.assert_allclose(found.weights, expected.weights, atol=2e-3)
    np.testing.assert_allclose(found.intercept, expected.intercept, atol=2e-3)
    assert found.validation == pytest.approx(expected.validation, abs=0.005)


@pytest.mark.parametrize("layer", range(LAYERS))
def test_independent_is_a_probe_on_the_layer_alone(
    layer: int, fitted: tuple[SelectionData, Oracle, LayerCurves]
) -> None:
    data, oracle, curves = fitted
    columns = np.array([i for i, (k, _) in enumerate(data.neurons.tolist()) if k == layer])
    assert len(columns) == WIDTH
    assert_like(curves.independent[layer], fit_probe(data, columns, oracle.lambdas)[0])


@pytest.mark.parametrize("layer", range(LAYERS - 1))
def test_incremental_is_a_probe_on_all_layers_up_to_it(
    layer: int, fitted: tuple[SelectionData, Oracle, LayerCurves]
) -> None:
    """Fitted from nothing it is the same: starting from the stack below only saves steps."""
    data, oracle, curves = fitted
    columns = np.array([i for i, (k, _) in enumerate(data.neurons.tolist()) if k <= layer])
    fresh, _ = fit_path(data, columns, oracle.lambdas)
    found = curves.incremental[layer]
    assert found.lam in oracle.lambdas
    assert_like(found, next(p for p in fresh if p.lam == found.lam))
    assert found.validation >= fresh[best(fresh)].validation - 0.005


def test_last_incremental_is_the_oracle(fitted: tuple[SelectionData, Oracle, LayerCurves]) -> None:
    _, oracle, curves = fitted
    assert len(curves.independent) == len(curves.incremental) == LAYERS
    assert curves.incremental[-1] is oracle.probe
    assert curves.to_frame().rows() == [
        (k, a.validation, b.validation)
        for k, (a, b) in enumerate(zip(curves.independent, curves.incremental, strict=True))
    ]


def test_without_incremental_only_the_oracle_stands_there() -> None:
    data = layered()
    oracle = fit_oracle(data)
    curves = fit_layers(data, oracle, LAYERS, incremental=False)
    assert curves.incremental == (oracle.probe,)
    assert len(curves.independent) == LAYERS


@pytest.mark.parametrize("dead", [(0,), (2,), (3,), (0, 1)])
def test_a_dead_layer_gets_the_intercept_alone(dead: tuple[int, ...]) -> None:
    data = layered(dead=dead)
    oracle = fit_oracle(data)
    curves = fit_layers(data, oracle, LAYERS)
    share = np.bincount(data.label.numpy(), minlength=3) / len(data.label)
    for layer in dead:
        alone = curves.independent[layer]
        assert (len(alone.feature), tuple(alone.weights.shape)) == (0, (0, 3))
        np.testing.assert_allclose(torch.softmax(alone.intercept, 0), share, atol=1e-5)
        assert set(alone.predict(data.x_validation)) == {share.argmax()}
        assert alone.validation == pytest.approx((data.label_validation == share.argmax()).mean())
    for layer in set(range(LAYERS)) - set(dead):
        assert len(curves.independent[layer].feature) == WIDTH
    below = [sum(WIDTH for j in range(k + 1) if j not in dead) for k in range(LAYERS)]
    assert [len(p.feature) for p in curves.incremental] == below
    assert curves.incremental[-1] is oracle.probe


_STUB = Probe(np.zeros(0, dtype=np.int64), torch.zeros(0, 2), torch.zeros(2), 0.1, True, 0.0, 0.0)


@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n), min_size=1, max_size=14)))
)
def test_layer_selector_is_the_least_layer_within_delta(drawn: tuple[int, list[int]]) -> None:
    """In whole rows, without rounding: oracle's hits − hits ≤ δ · rows. A loss of just δ is within it."""
    rows, hits = drawn
    probes = tuple(replace(_STUB, validation=h / rows) for h in hits)
    curves = LayerCurves(probes, probes)
    marks = []
    for delta in DELTAS:
        mark = curves.selected(probes[-1], float(delta))
        losses = [Fraction(hits[-1] - h) for h in hits]
        assert losses[mark] <= Fraction(delta) * rows
        assert all(loss > Fraction(delta) * rows for loss in losses[:mark])
        marks.append(mark)
    assert marks == sorted(marks, reverse=True)


def test_layer_selector_on_planted_layers(fitted: tuple[SelectionData, Oracle, LayerCurves]) -> None:
    """Carriers are in layers 0, 1 and 3: a tight bound keeps all, a loose one lets the last go."""
    _, oracle, curves = fitted
    scores = [p.validation for p in curves.incremental]
    assert scores[0] < scores[1] - 0.05
    assert curves.selected(oracle.probe, 0.999) == 0
    assert curves.selected(oracle.probe, scores[-1] - scores[1] + 0.001) == 1
    assert curves.selected(oracle.probe, 0.001) == 3


def test_archive_round_trip(tmp_path: Path) -> None:
    data = layered(dead=(2,))
    curves = fit_layers(data, fit_oracle(data), LAYERS)
    curves.archive().save(Folder(tmp_path), "layers")
    back = LayerCurves.from_archive(Archive.load(Folder(tmp_path), "layers"))
    for kind in ("independent", "incremental"):
        pairs = list(zip(getattr(curves, kind), getattr(back, kind), strict=True))
        assert len(pairs) == LAYERS
        for ours, theirs in pairs:
            np.testing.assert_array_equal(ours.feature, theirs.feature)
            assert torch.equal(ours.weights, theirs.weights)
            assert torch.equal(ours.intercept, theirs.intercept)
            for key in ("lam", "converged", "violation", "validation"):
                assert getattr(ours, key) == getattr(theirs, key)
