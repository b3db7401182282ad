"""Each further ranking's score against scikit-learn, SciPy or its definition read aloud."""

import dataclasses
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score

from neurosieve.probes import Oracle, SelectionData, fit_oracle, selection_data
from neurosieve.rankings import gaussian, iou, lasso, mutual_information, ridge
from neurosieve.rankings.gaussian_ranking import PRIOR
from neurosieve.rankings.lca_ranking import by_mass
from tests.synthetic import activations, noise_and_signal, planted

ANY = fit_oracle(planted(rows=60, neurons=4))  # for methods that do not look at it


@pytest.fixture(scope="module", params=[2, 3])
def problem(request: pytest.FixtureRequest) -> tuple[SelectionData, Oracle]:
    data = planted(rows=240, neurons=8, classes=request.param, carriers=3, strength=0.8)
    return data, fit_oracle(data)


def likelihood(x: np.ndarray, label: np.ndarray, chosen: list[int]) -> float:
    """Mean log posterior of the labels by a Gaussian a class, its covariance with one row of the overall variance."""
    part, joint = x[:, chosen], []
    for c in np.unique(label):
        own = part[label == c]
        covariance = np.cov(own.T, bias=True).reshape(len(chosen), -1)
        covariance = (len(own) * covariance + PRIOR * np.diag(part.var(0))) / (len(own) + PRIOR)
        joint.append(multivariate_normal(own.mean(0), covariance).logpdf(part) + np.log(len(own) / len(label)))
    scores = np.stack(joint)
    return float((scores[label, np.arange(len(label))] - np.logaddexp.reduce(scores, 0)).mean())


def test_gaussian_is_greedy_selection_by_the_decoders_likelihood(problem: tuple[SelectionData, Oracle]) -> None:
    data, oracle = problem
    x, label = data.x.T.double().numpy(), data.label.numpy()
    found = gaussian(data, oracle, 0)
    chosen: list[int] = []
    now = -np.inf
    while len(chosen) < 8:
        left = [n for n in range(8) if n not in chosen]
        scores = [likelihood(x, label, [*chosen, n]) for n in left]
        if max(scores) <= now + 1e-4:
            break
        now = max(scores)
        chosen.append(left[int(np.argmax(scores))])
    assert len(chosen) >= 3
    assert found.order[: len(chosen)].tolist() == chosen
    assert found.score[len(chosen) - 1] == pytest.approx(now, abs=1e-4)
    rest = found.order[len(chosen) :].tolist()
    alone = [likelihood(x, label, [n]) for n in rest]
    assert alone == sorted(alone, reverse=True)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def plain_iou(values: np.ndarray, label: np.ndarray) -> float:
    best = 0.0
    for c, threshold, sign in product(np.unique(label), np.unique(values), (1, -1)):
        mask, share = sign * values >= sign * threshold, (label == c).mean()
        if share < 1:
            best = max(best, (overlap(label == c, mask) - share) / (1 - share))
    return best


@given(st.integers(0, 10**6), st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_iou_tries_each_threshold_and_direction(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 6, (24, 3)).astype(float)  # with ties
    values[0] += 9
    label = np.concatenate([np.arange(classes), rng.integers(0, classes, 24 - classes)])
    rows = activations(values, label)
    data = selection_data(rows, rows)
    found = iou(data, ANY, 0)
    for neuron, score in zip(found.order, found.score, strict=True):
        assert score == pytest.approx(plain_iou(values[:, neuron], label), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 5])
def test_mutual_information_is_scikit_learns_on_sixteen_equal_bins(classes: int) -> None:
    values, label = noise_and_signal(3, 320, 6, classes, 2)
    rows = activations(values, label, classes=classes)
    data = selection_data(rows, rows)
    found = mutual_information(data, ANY, 0)
    ranks = values.argsort(0).argsort(0)
    for neuron, score in zip(found.order, found.score, strict=True):
        assert score == pytest.approx(mutual_info_score(ranks[:, neuron] * 16 // 320, label), abs=1e-9)


@pytest.mark.parametrize(("ranker", "ratio"), [(lasso, 1.0), (ridge, 0.0)])
def test_lasso_and_ridge_are_lca_of_scikit_learns_probe(
    ranker: object, ratio: float, problem: tuple[SelectionData, Oracle]
) -> None:
    data, oracle = problem
    # A λ that binds, so that the penalty decides on the order.
    oracle = dataclasses.replace(oracle, probe=dataclasses.replace(oracle.probe, lam=0.1 * oracle.lam_max))
    half = oracle.probe.lam / 2
    # With two classes scikit-learn's one vector is w = W₁ − W₀ = 2 W₁: |W|₁ = |w|, |W|² = w² / 2.
    penalty = half / 2 if data.classes == 2 and not ratio else half
    method = {"solver": "saga", "tol": 1e-7, "max_iter": 20_000} if ratio else {"solver": "lbfgs", "tol": 1e-9}
    theirs = LogisticRegression(C=1 / (240 * penalty), l1_ratio=ratio, **method)
    theirs.fit(data.x.T.numpy(), data.label.numpy())
    weights = torch.tensor(np.abs(theirs.coef_.T))
    if data.classes == 2:
        weights = weights.repeat(1, 2) / 2
    expected = by_mass("theirs", data, weights)
    found = ranker(data, oracle, 0)  # type: ignore[operator]
    weighty = int(np.isfinite(expected.score).sum())
    assert found.order[:weighty].tolist() == expected.order[:weighty].tolist()
    np.testing.assert_allclose(found.score[:weighty], expected.score[:weighty], atol=0.3)
    assert (np.isfinite(found.score) == np.isfinite(expected.score)).all()
