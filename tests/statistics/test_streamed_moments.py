"""Streamed moments against plain numpy; merging, memory, dead neurons, refused input."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.activations import Activations
from neurosieve.errors import DataError
from neurosieve.probes import fit_scaler
from neurosieve.statistics import MomentAccumulator, Moments, moments


def ids(*widths: int) -> np.ndarray:
    """(layer, index) of layers of these widths."""
    return np.array([(layer, i) for layer, width in enumerate(widths) for i in range(width)])


def draw(rows: int, neurons: int, mean: float = 0.0, seed: int = 0) -> torch.Tensor:
    """Neurons that hang together, each with its own scale and a mean of this size."""
    rng = np.random.default_rng(seed)
    mix = np.eye(neurons) + 0.4 * rng.normal(size=(neurons, neurons))
    values = rng.standard_t(5, size=(rows, neurons)) @ mix * rng.uniform(0.5, 2, neurons)
    return torch.tensor(values + mean * rng.choice([-1, 1], neurons), dtype=torch.float64)


def same(found: Moments, expected: Moments, rtol: float = 1e-9) -> None:
    """All sums alike, measured from one point, off the mean: about that some sums are 0."""
    assert found.count == expected.count
    point = expected.mean() + np.sqrt(expected.variance())
    found, expected = found.about(point), expected.about(point)
    for field in dataclasses.fields(Moments):
        a, b = (np.asarray(getattr(m, field.name)) for m in (found, expected))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max(), err_msg=field.name)


def plain(values: torch.Tensor, neurons: np.ndarray, reference: np.ndarray) -> dict[str, np.ndarray]:
    """The definition, with all rows at once."""
    z = values.double().numpy() - reference
    q = np.stack([(z[:, neurons[:, 0] == k] ** 2).sum(1) for k in np.unique(neurons[:, 0])], 1)
    return {
        "total": z.sum(0),
        "gram": z.T @ z,
        "norm_total": q.sum(0),
        "norm_gram": q.T @ q,
        "weighted": z.T @ q,
    }


@pytest.mark.parametrize("widths", [(4,), (3, 5, 2), (1, 1)])
@pytest.mark.parametrize("chunk_values", [1, 40, 1 << 23])
def test_sums_are_those_of_the_definition(
    widths: tuple[int, ...], chunk_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MomentAccumulator, "chunk_values", chunk_values)
    values, neurons = draw(30, sum(widths), mean=3), ids(*widths)
    found = moments(values, neurons)
    point = np.random.default_rng(1).normal(size=sum(widths))
    for m in (found, found.about(point), found.about(np.zeros(sum(widths))), found.centred()):
        for name, expected in plain(values, neurons, m.reference).items():
            np.testing.assert_allclose(getattr(m, name), expected, rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(found.about(point).reference, point)
    np.testing.assert_allclose(found.centred().total, 0, atol=1e-10)
    np.testing.assert_allclose(found.mean(), values.mean(0).numpy(), rtol=1e-12)
    assert found.layers.tolist() == list(range(len(widths)))


def test_layers_may_be_some_of_the_model_s() -> None:
    neurons = ids(2, 2, 2, 3)[[2, 3, 6, 8]]
    found = moments(draw(10, 4), neurons)
    assert found.layers.tolist() == [1, 3]
    assert found.blocks == [slice(0, 2), slice(2, 4)]
    assert str(found.neuron(3)) == "3:2"


@given(st.lists(st.integers(0, 25), min_size=1, max_size=8), st.integers(0, 1000), st.sampled_from([0.0, 1e3]))
@settings(max_examples=40, deadline=None)
def test_batches_of_any_size_equal_one(sizes: list[int], seed: int, mean: float) -> None:
    rows = 40 + sum(sizes)
    values, neurons = draw(rows, 9, mean, seed), ids(4, 5)
    streamed = MomentAccumulator(neurons)
    for part in torch.split(values, [*sizes, 40]):
        streamed.update(part)
    same(streamed.result(), moments(values, neurons), rtol=1e-8)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=5), st.integers(0, 1000), st.sampled_from([0.0, 1e3]))
@settings(max_examples=40, deadline=None)
def test_merged_accumulators_equal_one(sizes: list[int], seed: int, mean: float) -> None:
    values, neurons = draw(sum(sizes) + 20, 9, mean, seed), ids(4, 5)
    merged = MomentAccumulator(neurons)
    for part in torch.split(values, [*sizes, 20]):
        other = MomentAccumulator(neurons)
        other.update(part)
        before = pickle.dumps(other)
        merged.merge(other)
        assert pickle.dumps(other) == before
    same(merged.result(), moments(values, neurons), rtol=1e-8)
    np.testing.assert_allclose(merged.result().correlation(), np.corrcoef(values.T.numpy()), atol=1e-8)


def test_merged_accumulator_goes_on_and_merges_with_itself() -> None:
    values, neurons = draw(60, 5), ids(2, 3)
    one, other = MomentAccumulator(neurons), MomentAccumulator(neurons)
    one.update(values[:20])
    other.update(values[20:50])
    one.merge(other)
    one.update(values[50:])
    same(one.result(), moments(values, neurons))
    one.merge(one)
    same(one.result(), moments(torch.cat([values, values]), neurons))


def test_result_is_a_copy() -> None:
    accumulator = MomentAccumulator(ids(3))
    accumulator.update(draw(10, 3))
    first = accumulator.result()
    before = pickle.dumps(first)
    accumulator.update(draw(10, 3, seed=1))
    assert pickle.dumps(first) == before


def test_values_are_left_as_they_are() -> None:
    values = draw(10, 3, mean=5)
    before = values.clone()
    moments(values, ids(3))
    assert torch.equal(values, before)


def test_memory_does_not_grow_with_rows() -> None:
    accumulator = MomentAccumulator(ids(6, 6))
    sizes = []
    for seed in range(200):
        accumulator.update(draw(50, 12, seed=seed))
        sizes.append(len(pickle.dumps(accumulator)))  # everything it holds
    assert accumulator.count == 10_000
    assert max(sizes) - sizes[0] <= 8  # the count's own digits
    assert max(sizes) < 50 * 12 * 8 * 200 / 50


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_correlation_is_numpy_s(dtype: torch.dtype, mean: float) -> None:
    values, neurons = draw(500, 12, mean).to(dtype), ids(5, 7)
    accumulator = MomentAccumulator(neurons)
    for part in torch.split(values, 37):
        accumulator.update(part)
    found = accumulator.result()
    expected = values.double().numpy().T
    alive = expected.std(1) > 0  # bfloat16 may round a whole neuron to one value
    r = found.correlation()
    np.testing.assert_allclose(r[np.ix_(alive, alive)], np.corrcoef(expected[alive]), atol=1e-9)
    np.testing.assert_allclose(found.covariance(), np.cov(expected, bias=True), atol=1e-8)
    np.testing.assert_array_equal(r, r.T)
    np.testing.assert_array_equal(np.diagonal(r), alive)
    np.testing.assert_array_equal(found.variance(), np.diagonal(found.covariance()))
    assert np.abs(r).max() <= 1


def test_a_far_first_row_costs_no_digits() -> None:
    values = draw(400, 6)
    values[0] += 1e5
    accumulator = MomentAccumulator(ids(6))
    for row in torch.split(values, 1):
        accumulator.update(row)
    np.testing.assert_allclose(accumulator.result().covariance(), np.cov(values.T.numpy(), bias=True), rtol=1e-8)


def test_copies_correlate_fully_and_within_bounds() -> None:
    column = draw(50, 1, mean=1e3)
    r = moments(torch.cat([column, 3 * column, -column / 7], 1), ids(3)).correlation()
    assert np.abs(r).max() <= 1
    np.testing.assert_allclose(r, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e3, 1e-3])
@pytest.mark.parametrize("batch", [1, 7, 90])
def test_dead_neurons(constant: float, batch: int) -> None:
    values = draw(90, 10, mean=10).float()
    values[:, 1] = constant
    values[:, 6] = constant
    values[:, 8] = constant + 1e-6 * values[:, 9]  # varies, but by 1e-12 of its layer's variance
    accumulator = MomentAccumulator(ids(4, 6))
    for part in torch.split(values, batch):
        accumulator.update(part)
    found = accumulator.result()
    assert np.flatnonzero(found.dead()).tolist() == [1, 6, 8]
    r = found.correlation()
    assert not r[[1, 6, 8]].any()
    assert not r[:, [1, 6, 8]].any()
    live = np.flatnonzero(~found.dead())
    np.testing.assert_allclose(r[np.ix_(live, live)], np.corrcoef(values.double().numpy().T[live]), atol=1e-9)


def test_the_layer_s_own_spread_decides() -> None:
    values = draw(90, 8)
    values[:, 4:] *= 1e-6
    assert not moments(values, ids(4, 4)).dead().any()
    assert moments(values, ids(8)).dead().sum() == 0  # the lower middle value is small
    assert moments(values[:, 1:], ids(7)).dead().sum() == 0
    assert moments(values[:, :7], ids(7)).dead().tolist() == [False] * 4 + [True] * 3


@pytest.mark.parametrize("dead", [1, 2, 3, 4])
def test_dead_neurons_are_those_of_the_probe(dead: int) -> None:
    values, neurons = draw(50, 8).float(), ids(4, 4)
    values[:, 4 : 4 + dead] = 0.25
    data = Activations(values, neurons, np.zeros(50, dtype=int), ("a",), np.arange(50), np.full(50, "x"))
    found = moments(values, neurons)
    assert tuple(found.neuron(int(i)) for i in np.flatnonzero(found.dead())) == fit_scaler(data).dead
    assert found.dead().sum() == dead


def test_constant_layer_and_single_row_are_dead() -> None:
    constant = draw(1, 40, mean=1e3).repeat(97, 1)
    assert moments(constant, ids(40)).dead().all()
    assert moments(draw(1, 4, mean=5), ids(4)).dead().all()
    assert not moments(constant, ids(40)).correlation().any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("chunk_values", [7, 1 << 23])
def test_not_finite_is_refused_and_nothing_added(
    bad: float, chunk_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MomentAccumulator, "chunk_values", chunk_values)
    accumulator = MomentAccumulator(ids(3, 4))
    for batches in range(2):
        values = draw(20, 7)
        before = pickle.dumps(accumulator)
        values[17, 5] = bad
        with pytest.raises(DataError, match=r"^neuron 1:2: expected finite activations, got inf or nan; .*$"):
            accumulator.update(values)
        assert pickle.dumps(accumulator) == before
        accumulator.update(draw(20, 7))
        assert accumulator.count == 20 * (batches + 1)


def test_other_widths_are_refused_and_nothing_added() -> None:
    accumulator = MomentAccumulator(ids(3, 4))
    accumulator.update(draw(20, 7))
    before = pickle.dumps(accumulator)
    with pytest.raises(DataError, match="expected 7 columns, got 6 columns"):
        accumulator.update(draw(20, 6))
    for widths in ((4, 3), (3, 5)):
        with pytest.raises(DataError, match="the same 7 neurons"):
            accumulator.merge(MomentAccumulator(ids(*widths)))
    assert pickle.dumps(accumulator) == before


def test_no_rows() -> None:
    accumulator = MomentAccumulator(ids(3))
    accumulator.update(torch.empty(0, 3))
    accumulator.merge(MomentAccumulator(ids(3)))
    with pytest.raises(DataError, match="expected at least 1 row, got 0"):
        accumulator.result()
    accumulator.update(draw(5, 3))
    accumulator.update(torch.empty(0, 3))
    same(accumulator.result(), moments(draw(5, 3), ids(3)))


@pytest.mark.parametrize("neurons", [ids(2, 2)[::-1], ids(2, 2)[[0, 2, 1, 3]], ids(2)[:0].reshape(0, 2)])
def test_layers_out_of_order_are_refused(neurons: np.ndarray) -> None:
    with pytest.raises(DataError, match="layer by layer"):
        MomentAccumulator(neurons)
