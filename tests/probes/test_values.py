"""Probes of values against scikit-learn's elastic net, their scores against scikit-learn and SciPy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr, spearmanr
from sklearn.linear_model import ElasticNet
from sklearn.metrics import mean_absolute_error, r2_score

from neurosieve.activations.store import Activations
from neurosieve.errors import DataError
from neurosieve.probes import (
    ClusterBootstrap,
    SelectionData,
    fit_oracle,
    fit_probe,
    score_interval,
    selection_data,
    solve,
)
from neurosieve.probes.baselines import count_predictions
from neurosieve.probes.metrics import correlation, rank_correlation, row_scores, value_metrics
from neurosieve.probes.solver import null_gradient
from tests.synthetic import activations

GRID = [(rows, neurons) for rows in (40, 300) for neurons in (5, 80)]


def problem(rows: int, neurons: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(rows + neurons)
    x = rng.normal(size=(rows, neurons)) @ (np.eye(neurons) + 0.4 * rng.normal(size=(neurons, neurons)))
    y = x[:, :3] @ [1.0, -2.0, 0.5] + rng.normal(size=rows)
    x, y = ((a - a.mean(0)) / a.std(0) for a in (x, y))
    return torch.tensor(x.T.copy()), torch.tensor(y[None])


@pytest.mark.parametrize("share", [0.5, 0.03, 0.001])
@pytest.mark.parametrize(("rows", "neurons"), GRID)
def test_is_the_elastic_net(rows: int, neurons: int, share: float) -> None:
    x, y = problem(rows, neurons)
    l1 = share * null_gradient(x, y)
    found = solve(x, y, l1, l1, 1e-8)
    theirs = ElasticNet(alpha=2 * l1, l1_ratio=0.5, tol=1e-12, max_iter=100_000).fit(x.T.numpy(), y[0].numpy())
    np.testing.assert_allclose(found.weights[:, 0].numpy(), theirs.coef_, atol=1e-5)
    assert float(found.intercept) == pytest.approx(float(theirs.intercept_), abs=1e-5)
    assert found.violation <= 1e-8


def test_all_weights_vanish_from_lambda_max_on_and_not_below() -> None:
    x, y = problem(200, 20)
    l1 = null_gradient(x, y)
    assert l1 == pytest.approx(float((x @ y[0]).abs().max()) / 200)
    assert not solve(x, y, l1 * 1.0001, l1, 1e-8).weights.any()
    assert solve(x, y, l1 * 0.99, l1, 1e-8).weights.any()


def of_values(seed: int, rows: int = 300, unit: float = 7.0) -> Activations:
    """The first two of twelve columns carry the value."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 12))
    label = 100 + unit * (values[:, 0] - values[:, 1] + 0.3 * rng.normal(size=rows))
    return replace(activations(values, np.zeros(rows, dtype=np.int64), layers=2), label=label, labels=("value",))


@pytest.fixture(scope="module")
def data() -> SelectionData:
    return selection_data(of_values(0), of_values(1))


def test_the_oracles_score_is_r2_against_the_train_mean(data: SelectionData) -> None:
    probe = fit_oracle(data).probe
    mean, deviation = data.scaler.target or (0.0, 0.0)
    train, validation = of_values(0), of_values(1)
    assert (mean, deviation) == pytest.approx((train.label.mean(), train.label.std()))
    predicted = probe.predict(data.x_validation) * deviation + mean
    against = ((validation.label - predicted) ** 2).sum() / ((validation.label - mean) ** 2).sum()
    assert probe.validation == pytest.approx(1 - against)
    assert probe.validation == pytest.approx(r2_score(validation.label, predicted), abs=0.01)
    assert probe.validation > 0.9
    assert probe.converged


def test_carriers_alone_do_as_well(data: SelectionData) -> None:
    oracle = fit_oracle(data)
    alone, _ = fit_probe(data, np.array([0, 1]), oracle.lambdas)
    without, _ = fit_probe(data, np.arange(2, 12), oracle.lambdas)
    assert alone.validation > oracle.probe.validation - 0.01
    assert without.validation < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_metrics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = np.round(rng.normal(size=150), 1)  # with ties
    predicted = np.round(value + rng.normal(size=150), 1)
    found = value_metrics(predicted, value, 3.0, ClusterBootstrap(np.arange(150), draws=50))
    assert found.pearson.value == pytest.approx(pearsonr(predicted, value).statistic)
    assert found.spearman.value == pytest.approx(spearmanr(predicted, value).statistic)
    assert found.mae.value == pytest.approx(3 * mean_absolute_error(value, predicted))
    for part in (found.pearson, found.spearman, found.mae):
        assert part.interval
        assert part.interval[0] < part.value < part.interval[1]
    assert row_scores(predicted, value - value.mean()).mean() == pytest.approx(
        r2_score(value - value.mean(), predicted)
    )


@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_interval_is_that_of_r2_over_resampled_clusters(noise: float) -> None:
    rng = np.random.default_rng(1)
    value = rng.exponential(size=400) - 1  # a long tail: error and spread of a row go together
    predicted = 0.5 * value + noise * 0.3 * rng.normal(size=400) * (1 + value)
    group = np.arange(400) // 4
    found = score_interval(row_scores(predicted, value), ClusterBootstrap(group, draws=2000, seed=1))
    plain = []
    for _ in range(2000):
        rows = np.concatenate([np.flatnonzero(group == g) for g in rng.integers(0, 100, 100)])
        plain.append(1 - ((predicted - value)[rows] ** 2).mean() / (value[rows] ** 2).mean())
    low, high = np.quantile(plain, [0.025, 0.975])
    assert found is not None
    assert found[1] - found[0] == pytest.approx(high - low, rel=0.2)
    assert found == pytest.approx((low, high), abs=0.15 * (high - low))


def test_the_train_mean_has_no_spread() -> None:
    value = np.random.default_rng(0).exponential(size=50) - 1
    assert not row_scores(np.zeros(50), value).any()


@pytest.mark.parametrize(("ours", "theirs"), [(correlation, pearsonr), (rank_correlation, spearmanr)])
def test_weights_are_repeated_rows(ours: object, theirs: object) -> None:
    rng = np.random.default_rng(4)
    a, b = np.round(rng.normal(size=(2, 60)), 1)
    weight = rng.integers(0, 4, (5, 60)).astype(np.float64)
    expected = [theirs(a.repeat(w.astype(int)), b.repeat(w.astype(int))).statistic for w in weight]  # type: ignore[operator]
    np.testing.assert_allclose(ours(a, b, weight), expected)  # type: ignore[operator]


def test_a_constant_prediction_correlates_with_nothing() -> None:
    value = np.arange(40.0)
    found = value_metrics(np.full(40, 0.1), value, 1.0, ClusterBootstrap(np.arange(40), draws=20))
    assert (found.pearson.value, found.spearman.value) == (0.0, 0.0)


def test_token_counts_are_a_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 9, 200)
    text = np.array([" ".join(["a"] * n + ["b"] * int(rng.integers(0, 9))) for n in counts], dtype=object)
    value = counts.astype(np.float64) * 2 - 1
    guess = count_predictions(text[:150], value[:150], text[150:])
    assert r2_score(value[150:], guess) > 0.99


def test_token_counts_of_three_texts() -> None:
    text = np.array(["a", "b", "a b"], dtype=object)
    assert np.isfinite(count_predictions(text, np.array([1.0, 2.0, 3.0]), text)).all()


def test_labels_that_do_not_vary_are_refused() -> None:
    constant = replace(of_values(0), label=np.full(300, 0.1))
    with pytest.raises(DataError, match=r"labels of train rows: expected values that differ, got 0\.1 alone"):
        selection_data(constant, of_values(1))
