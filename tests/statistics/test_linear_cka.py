"""CKA from moments against the row-space definition, its invariances, and where the biased estimate fails."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.errors import DataError
from neurosieve.statistics import MomentAccumulator, cka, moments
from tests.statistics.test_streamed_moments import ids


def related(rows: int, widths: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    """Layers that share a hidden signal in part."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(rows, 6))
    return [signal @ rng.normal(size=(6, w)) + (k + 1) * rng.normal(size=(rows, w)) for k, w in enumerate(widths)]


def from_moments(layers: list[np.ndarray], batch: int = 1 << 30) -> np.ndarray:
    accumulator = MomentAccumulator(ids(*(x.shape[1] for x in layers)))
    for part in torch.split(torch.from_numpy(np.concatenate(layers, 1)), min(batch, len(layers[0]))):
        accumulator.update(part)
    return cka(accumulator.result())


def row_space(layers: list[np.ndarray]) -> np.ndarray:
    """The textbook form, with rows × rows kernels: slow and plain."""
    kernels = []
    for x in layers:
        # Extended precision: the kernel of a large mean is itself a difference of large numbers.
        wide = (x - x[0]).astype(np.longdouble)
        kernel = wide @ wide.T
        np.fill_diagonal(kernel, 0)
        kernels.append(kernel)
    n, one = len(layers[0]), np.ones(len(layers[0]))

    def hsic(k: np.ndarray, m: np.ndarray) -> float:
        mixed = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
        return float((np.trace(k @ m) + mixed) / (n * (n - 3)))

    raw = np.array([[hsic(k, m) for m in kernels] for k in kernels])
    return np.asarray(raw / np.sqrt(np.outer(np.diagonal(raw), np.diagonal(raw))))


def biased(x: np.ndarray, y: np.ndarray) -> float:
    """Kornblith's plain linear CKA."""
    x, y = x - x.mean(0), y - y.mean(0)
    cross, own_x, own_y = (np.linalg.norm(a.T @ b) for a, b in ((x, y), (x, x), (y, y)))
    return float(cross**2 / (own_x * own_y))


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e3])
@pytest.mark.parametrize("batch", [1, 13, 1000])
@pytest.mark.parametrize(("rows", "widths"), [(60, (4, 9, 7)), (25, (80, 40)), (4, (3, 5)), (5, (2, 1, 3))])
def test_agrees_with_the_row_space_definition(rows: int, widths: tuple[int, ...], batch: int, mean: float) -> None:
    rng = np.random.default_rng(2)
    layers = [x + mean * rng.normal(size=x.shape[1]) for x in related(rows, widths)]
    np.testing.assert_allclose(from_moments(layers, batch), row_space(layers), atol=1e-6)


@given(st.integers(4, 40), st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_agrees_for_any_shape(rows: int, widths: list[int], seed: int) -> None:
    layers = related(rows, tuple(widths), seed)
    found = from_moments(layers, 11)
    np.testing.assert_allclose(found, row_space(layers), atol=1e-6)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diagonal(found), 1)
    assert np.abs(found).max() <= 1


def test_a_wide_mean_beside_a_tiny_spread() -> None:
    layers = [x * 1e-2 + 1e3 for x in related(200, (30, 20))]
    np.testing.assert_allclose(from_moments(layers, 50), row_space(layers), atol=1e-6)


def test_merged_parts_give_the_same() -> None:
    layers = [x + 1e3 for x in related(90, (8, 6, 10))]
    values, neurons = torch.from_numpy(np.concatenate(layers, 1)), ids(8, 6, 10)
    merged = MomentAccumulator(neurons)
    for part in torch.split(values, 17):
        other = MomentAccumulator(neurons)
        other.update(part)
        merged.merge(other)
    np.testing.assert_allclose(cka(merged.result()), cka(moments(values, neurons)), atol=1e-8)


@given(st.integers(0, 10**6), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None)
def test_shift_rotation_and_isotropic_scale_change_nothing(seed: int, shift: float, scale: float) -> None:
    x, y, z = related(40, (12, 7, 9), seed)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(7, 7)))[0]
    turned = scale * (y @ rotation + shift * rng.normal(size=7))
    np.testing.assert_allclose(from_moments([x, turned, z]), from_moments([x, y, z]), atol=1e-6)


def test_is_not_blind_to_what_it_should_see() -> None:
    x, y = related(200, (10, 10))
    before = from_moments([x, y])[0, 1]
    assert before > 0.2
    assert abs(from_moments([x * np.linspace(0.1, 3, 10), y])[0, 1] - before) > 1e-3  # not an isotropic scale
    assert abs(from_moments([x[::-1], y])[0, 1]) < 0.1  # rows out of step
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))[0]
    assert from_moments([x, 3 * x @ rotation + 5])[0, 1] == pytest.approx(1)


def test_unrelated_layers_are_near_zero_also_when_wider_than_rows() -> None:
    rng = np.random.default_rng(0)
    found, plain = [], []
    for _ in range(20):
        x, y = rng.normal(size=(2, 50, 400))
        found.append(from_moments([x, y])[0, 1])
        plain.append(biased(x, y))
    assert abs(np.mean(found)) < 0.02
    assert np.abs(found).max() < 0.1
    assert min(plain) > 0.8


def test_rows_that_are_few_do_not_bias() -> None:
    """The mean over small samples is near the value of a large one, which the biased one overshoots."""
    rng = np.random.default_rng(1)
    x, y = (layer + 4 * rng.normal(size=layer.shape) for layer in related(3000, (60, 80)))
    full = from_moments([x, y])[0, 1]
    parts = [slice(i, i + 30) for i in range(0, 3000, 30)]
    assert np.mean([from_moments([x[p], y[p]])[0, 1] for p in parts]) == pytest.approx(full, abs=0.03)
    assert np.mean([biased(x[p], y[p]) for p in parts]) > full + 0.1


def test_dead_layers_are_like_nothing() -> None:
    x, y = related(30, (5, 6))
    dead = np.full((30, 4), 0.1) * [1, 1e3, -7, 0]
    found = from_moments([x, dead, y, 3 * dead], 7)
    expected = np.eye(4)
    expected[0, 2] = expected[2, 0] = from_moments([x, y])[0, 1]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_one_row_that_outweighs_all() -> None:
    x, y = related(30, (5, 6))
    x[3] = 1e9
    found = from_moments([x, y])
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, np.eye(2))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_too_few_rows(rows: int) -> None:
    with pytest.raises(DataError, match=f"^CKA: expected at least 4 rows, got {rows}; .*$"):
        from_moments(related(rows, (3, 4)))
