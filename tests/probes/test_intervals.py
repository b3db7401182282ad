"""Intervals against SciPy, against plain resampling, and their coverage; baselines against plain loops."""

import numpy as np
import pytest
from scipy.stats import binomtest

from neurosieve.probes import ClusterBootstrap, loss_interval, score_interval
from neurosieve.probes.baselines import lookup_predictions, majority_label, unseen
from neurosieve.probes.metrics import per_class


def test_means_equal_plain_resampling_of_the_same_draws() -> None:
    rng = np.random.default_rng(0)
    group, values = rng.integers(0, 7, 50), rng.random(50)
    ours = ClusterBootstrap(group, draws=150, seed=3)
    draws, left = np.random.default_rng(3), 150
    expected: list[float] = []
    names = np.unique(group.astype(str))
    while left > 0:
        for counts in draws.multinomial(len(names), np.full(len(names), 1 / len(names)), size=min(100, left)):
            rows = np.concatenate(
                [np.tile(values[group.astype(str) == n], c) for n, c in zip(names, counts, strict=True)]
            )
            expected.append(rows.mean())
        left -= 100
    np.testing.assert_allclose(ours.means(values), expected, atol=1e-12)


def test_rows_of_one_cluster_fall_together() -> None:
    values = np.repeat([0.0, 1.0], 100)
    alone = ClusterBootstrap(np.arange(200)).interval(values)
    together = ClusterBootstrap(np.repeat([0, 1], 100)).interval(values)
    assert together == (0.0, 1.0)
    assert 0.4 < alone[0] < alone[1] < 0.6


def test_few_errors_use_wilson() -> None:
    correct = np.ones(300, dtype=bool)
    correct[:4] = False
    expected = binomtest(296, 300).proportion_ci(0.95, method="wilson")
    assert score_interval(correct, ClusterBootstrap(np.arange(300))) == pytest.approx((expected.low, expected.high))
    perfect = score_interval(np.ones(50, dtype=bool), ClusterBootstrap(np.arange(50)))
    assert perfect[0] < 1


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for i in range(200):
        level = rng.normal(0.7, 0.1, 60).clip(0, 1)
        correct = rng.random((60, 5)) < level[:, None]
        low, high = ClusterBootstrap(np.repeat(np.arange(60), 5), draws=300, seed=i).interval(
            correct.ravel().astype(float)
        )
        hits += low <= 0.7 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_paired_loss_is_exact_and_tighter_than_unpaired() -> None:
    rng = np.random.default_rng(2)
    reference = rng.random(400) < 0.8
    other = reference.copy()
    other[np.flatnonzero(reference)[:8]] = False
    bootstrap = ClusterBootstrap(np.arange(400))
    loss, (low, high) = loss_interval(reference, other, bootstrap)
    assert loss == pytest.approx(8 / 400)
    assert 0 < low < loss < high < 0.05
    widest = bootstrap.interval(reference.astype(float))
    assert high - low < widest[1] - widest[0]
    assert loss_interval(reference, reference, bootstrap) == (0.0, (0.0, 0.0))


def test_upper_bound_is_the_one_sided_quantile() -> None:
    values = np.random.default_rng(0).random(100)
    bootstrap = ClusterBootstrap(np.arange(100))
    assert bootstrap.upper(values) == pytest.approx(float(np.quantile(bootstrap.means(values), 0.95)))


def test_lookup_takes_the_majority_of_the_text_and_the_class_majority_when_unseen() -> None:
    text = np.array(["a", "a", "a", "b", "c", "c"], dtype=object)
    label = np.array([0, 1, 1, 2, 2, 2])
    asked = np.array(["a", "b", "c", "new"], dtype=object)
    assert lookup_predictions(text, label, asked, 3).tolist() == [1, 2, 2, 2]
    assert majority_label(label, 3) == 2
    assert unseen(text, asked).tolist() == [False, False, False, True]


def test_lookup_ties_do_not_depend_on_the_order_of_rows() -> None:
    text, label = np.array(["a", "a"], dtype=object), np.array([1, 0])
    asked = np.array(["a"], dtype=object)
    assert lookup_predictions(text, label, asked, 2) == lookup_predictions(text, label[::-1], asked, 2)


def test_class_scores_against_counts_and_null_below_thirty_rows() -> None:
    label = np.array([0] * 40 + [1] * 40 + [2] * 5)
    predicted = np.array([0] * 30 + [1] * 10 + [1] * 40 + [2] * 5)
    scores = per_class(predicted, label, ["x", "y", "z"])
    assert scores["x"] == {"n": 40, "recall": 0.75, "precision": 1.0, "f1": pytest.approx(2 * 0.75 / 1.75)}
    assert scores["y"]["precision"] == 0.8
    assert scores["z"]["recall"] is None
    assert "5 rows" in scores["z"]["reason"]
