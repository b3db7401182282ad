"""CKA of two networks against the row-space definition; folds and exchanges of units against plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem, t

from neurosieve.errors import DataError
from neurosieve.statistics.cross_layers import around, cross_cka, exchanged, folds, kernels
from tests.statistics.test_linear_cka import related, row_space


def two_networks(rows: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    layers = related(rows, (5, 8, 3, 6, 4))
    return layers[:2], layers[2:]


def plain(a: list[np.ndarray], b: list[np.ndarray]) -> np.ndarray:
    return row_space([*a, *b])[: len(a), len(a) :]


def kernels_of(layers: list[np.ndarray]) -> torch.Tensor:
    return kernels([torch.from_numpy(x) for x in layers])


@pytest.mark.parametrize("rows", [8, 40, 90])
@pytest.mark.parametrize("clusters", [1, 3, 25])
def test_equals_the_row_space_definition_and_its_plain_jackknife(rows: int, clusters: int) -> None:
    a, b = two_networks(rows)
    group = np.arange(rows) % clusters
    found = cross_cka(kernels_of(a), kernels_of(b), group)
    np.testing.assert_allclose(found.value, plain(a, b), atol=2e-5)
    if clusters == 1:
        assert found.low is None
        assert found.high is None
    elif rows > 8:  # without a fold at least four units are left
        fold = folds(group)
        left = [plain([x[fold != k] for x in a], [x[fold != k] for x in b]) for k in range(fold.max() + 1)]
        # Leaving a fold out does not move the mean about which kernels are centred: the unbiased HSIC does not see it.
        low, high = around(plain(a, b), np.stack(left))
        np.testing.assert_allclose(found.low, low, atol=1e-4)
        np.testing.assert_allclose(found.high, high, atol=1e-4)


def test_exchanged_units_give_the_cka_of_the_exchanged_rows() -> None:
    a, b = two_networks(30)
    orders = exchanged(np.arange(30), 3, seed=1, within=False)
    found = cross_cka(kernels_of(a), kernels_of(b), np.arange(30), orders)
    for order, chance in zip(orders, found.chance, strict=True):
        np.testing.assert_allclose(chance, plain(a, [x[order] for x in b]), atol=2e-5)


def test_a_rotation_changes_nothing() -> None:
    a, b = two_networks(50)
    turned = [x @ np.linalg.qr(np.random.default_rng(3).normal(size=(x.shape[1],) * 2))[0] for x in b]
    first, second = (cross_cka(kernels_of(a), kernels_of(other), np.arange(50)).value for other in (b, turned))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_jackknife_of_a_mean_is_the_standard_error() -> None:
    x = np.random.default_rng(0).normal(size=10)
    left = np.array([np.delete(x, k).mean() for k in range(10)])
    low, high = around(x.mean(), left)
    np.testing.assert_allclose((low, high), t.interval(0.95, 9, loc=x.mean(), scale=sem(x)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=80))
def test_folds_keep_clusters_whole_and_are_of_like_size(group: list[int]) -> None:
    clusters = np.array(group)
    fold = folds(clusters)
    assert all(len(set(fold[clusters == name])) == 1 for name in clusters)
    assert set(fold) == set(range(min(10, len(set(group)))))
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= np.bincount(clusters).max()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["a", "b", "int", "("]), min_size=1, max_size=40), st.integers(0, 5))
def test_exchanges_within_a_text_keep_the_texts(text: list[str], seed: int) -> None:
    tokens = np.array(text)
    for order in exchanged(tokens, 2, seed, within=True):
        assert sorted(order) == list(range(len(tokens)))
        assert (tokens[order] == tokens).all()


def test_too_few_units() -> None:
    a, b = two_networks(3)
    with pytest.raises(DataError, match="at least 4 units, got 3"):
        cross_cka(kernels_of(a), kernels_of(b), np.arange(3))
