"""The ways to choose few neurons against slow plain ones."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from neurosieve.concepts.neurons.resampling import few_levels, precision_of
from neurosieve.concepts.sparse.few_neurons import area_of
from neurosieve.concepts.sparse.few_probes import RIDGE, fit_few
from neurosieve.concepts.sparse.orders import greedy_orders, probe_orders
from neurosieve.concepts.sparse.sample import TrainSample
from neurosieve.probes.probe import lambda_path


def sample(neurons: int, rows: int, values: int, seed: int, alike: float = 0.0) -> TrainSample:
    """Correlated normal neurons; each value is where a few of them, with noise, are high."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(neurons, rows)) + alike * rng.normal(size=rows)
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    weights = rng.normal(size=(values, neurons)) * (rng.random((values, neurons)) < 0.3)
    score = weights @ x + rng.normal(size=(values, rows))
    positive = np.stack([row > np.quantile(row, 1 - rng.uniform(0.05, 0.5)) for row in score])
    return TrainSample(torch.from_numpy(x).float(), np.arange(neurons), torch.zeros(neurons), positive)


def plain_greedy(x: np.ndarray, y: np.ndarray, most: int) -> list[int]:
    """All candidates fitted anew at each step, by least squares."""
    taken = list[int]()
    for _ in range(most):
        left = {}
        for j in set(range(len(x))) - set(taken):
            design = np.stack([np.ones(x.shape[1]), *x[[*taken, j]]], 1)
            fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
            left[j] = float(((y - fitted) ** 2).sum())
        taken.append(min(left, key=left.__getitem__))
    return taken


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alike", [0.0, 2.0])
def test_greedy_is_the_plain_search(seed: int, alike: float) -> None:
    some = sample(12, 150, 3, seed, alike)
    orders = greedy_orders(some, 6)
    for value, order in enumerate(orders):
        x, y = some.x.double().numpy(), some.truth[value].astype(float)
        assert order.tolist() == plain_greedy(x, y, 6)


def test_greedy_never_takes_a_neuron_twice() -> None:
    """Nor, while there are others, one that those taken explain."""
    some = sample(6, 80, 2, 0)
    x = torch.cat([some.x, some.x[:3], -some.x[:3]])
    orders = greedy_orders(TrainSample(x, np.arange(12), torch.zeros(12), some.truth), 12)
    for order in orders:
        assert sorted(order.tolist()) == list(range(12))
        assert len({int(i) % 6 if i < 6 else int(i) % 3 for i in order[:6]}) == 6


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_probe_takes_the_heaviest_of_scikit_learns(seed: int, alike: float) -> None:
    """Its elastic net on the same columns at each λ of the path: of the first with k neurons or more the k heaviest."""
    some = sample(20, 400, 1, seed, alike)
    positive = some.truth[0]
    found = probe_orders(some, positive, [1, 2, 4, 8])
    assert list(found) == [1, 2, 4, 8]
    x, y = some.x.double().numpy().T, positive.astype(int)
    lam_max = np.abs(x.T @ (y - y.mean())).max() / len(y) * 2
    for k, order in found.items():
        assert len(set(order.tolist())) == k
        for lam in lambda_path(lam_max)[1:]:
            # λ/2 of each kind on two opposite columns of weights is λ/2 and λ/4 of their difference.
            net = LogisticRegression(
                solver="saga", l1_ratio=2 / 3, C=4 / (3 * lam * len(y)), tol=1e-7, max_iter=5000, random_state=0
            )
            weight = np.abs(net.fit(x, y).coef_[0])
            if (weight > 0).sum() >= k:
                break
        least, best_left = weight[order].min(), np.delete(weight, order).max()
        assert least >= best_left - 0.01 * weight.max()


@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("apart", [False, True])
def test_sets_are_read_by_logistic_regression(k: int, apart: bool) -> None:
    """As scikit-learn's, for several values at once, also where a value can be told without an error."""
    some = sample(10, 600, 3, k)
    live = np.arange(k) + 1
    positive = some.truth
    if apart:
        positive = np.concatenate([positive, some.x[1:2].numpy() > 1])
    for found, y in zip(fit_few(some, live, positive), positive, strict=True):
        model = LogisticRegression(C=1 / (RIDGE * 600), tol=1e-8, max_iter=10_000).fit(some.x.numpy()[live].T, y)
        expected = dict(zip(live.tolist(), model.coef_[0].tolist(), strict=True))
        assert sorted(found.live.tolist()) == live.tolist()
        assert (np.diff(np.abs(found.weights)) <= 0).all()
        for neuron, weight in zip(found.live.tolist(), found.weights.tolist(), strict=True):
            assert weight == pytest.approx(expected[neuron], abs=0.02, rel=0.05 if apart else 0.01)


def test_a_value_that_no_row_has_is_read_without_an_error() -> None:
    some = sample(4, 100, 1, 0)
    found = fit_few(some, np.arange(4), np.zeros((1, 100), dtype=bool))
    assert np.isfinite(found[0].weights).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_scores_are_scikit_learns(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(500) < 0.2
    scores = rng.normal(size=500) + positive
    scores = scores.round(1) if ties else scores
    assert precision_of(scores, positive) == pytest.approx(average_precision_score(positive, scores))
    assert area_of(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


@pytest.mark.parametrize(("rows", "share", "shift"), [(20_000, 0.02, 3.0), (5_000, 0.3, 2.0), (200, 0.1, 1.0)])
def test_few_levels_lose_little(rows: int, share: float, shift: float) -> None:
    rng = np.random.default_rng(2)
    positive = rng.random(rows) < share
    scores = rng.normal(size=rows) + shift * positive
    levels = few_levels(scores, int(positive.sum()))
    assert len(np.unique(levels)) <= 256
    assert precision_of(levels, positive) == pytest.approx(precision_of(scores, positive), abs=0.01)
    assert area_of(levels, positive) == pytest.approx(area_of(scores, positive), abs=0.01)
    assert (np.diff(levels[np.argsort(scores)]) >= 0).all()
