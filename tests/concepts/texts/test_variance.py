"""Held-out R² by ridge, its gains and intervals, against scikit-learn and plain loops."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV

from neurosieve.concepts.texts.variance import Regressions, length_features, one_hot
from neurosieve.probes.baselines import PENALTIES
from neurosieve.probes.intervals import ClusterBootstrap

TRAIN, TEST = 150, 90


def regressions(seed: int = 0) -> tuple[Regressions, np.ndarray]:
    """Three neurons: the first follows the features, the second one of them, the third none."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(TRAIN + TEST, 4))
    y = np.stack([x.sum(1), x[:, 0] + 2 * rng.normal(size=len(x)), rng.normal(size=len(x))], 1)
    y = (y - y[:TRAIN].mean(0)) / y[:TRAIN].std(0)
    bootstrap = ClusterBootstrap(np.arange(TEST) // 4, draws=300)
    return Regressions(y[:TRAIN], y[TRAIN:], bootstrap), x


def test_shares_are_r2_against_the_train_mean() -> None:
    found, x = regressions()
    share = found.share(found.scores(x))
    for neuron in range(3):
        losses = []
        for penalty in PENALTIES:  # leave-one-out error, one fit a row
            left = [
                (Ridge(penalty).fit(np.delete(x[:TRAIN], i, 0), np.delete(found.train[:, neuron], i)), i)
                for i in range(TRAIN)
            ]
            losses.append(np.mean([(m.predict(x[i : i + 1])[0] - found.train[i, neuron]) ** 2 for m, i in left]))
        chosen = Ridge(PENALTIES[int(np.argmin(losses))]).fit(x[:TRAIN], found.train[:, neuron])
        y = found.test[:, neuron]
        expected = 1 - np.sum((y - chosen.predict(x[TRAIN:])) ** 2) / np.sum(y**2)
        assert share.value[neuron] == pytest.approx(expected, abs=1e-6)
    assert share.value[0] > 0.99
    assert 0.05 < share.value[1] < 0.5
    assert share.value[2] < 0.05
    assert share.interval[2, 0] < 0 < share.interval[1, 0]


def test_intervals_are_those_of_the_bootstrap() -> None:
    found, x = regressions()
    whole, part = found.scores(x), found.scores(x[:, :1])
    for share, rows in ((found.share(whole), whole), (found.share(whole, part), whole - part)):
        for neuron in range(3):
            assert share.value[neuron] == pytest.approx(rows[:, neuron].mean())
            assert tuple(share.interval[neuron]) == pytest.approx(found.bootstrap.interval(rows[:, neuron]))


def test_test_rows_change_no_fit() -> None:
    found, x = regressions()
    kept = found.scores(x)
    halved = Regressions(found.train, found.test[:40], ClusterBootstrap(np.arange(40), draws=100))
    error = 1 - halved.scores(x[: TRAIN + 40]).mean(0)
    fitted = RidgeCV(PENALTIES, alpha_per_target=True).fit(x[:TRAIN], found.train)
    squares = (fitted.predict(x[TRAIN : TRAIN + 40]) - found.test[:40]) ** 2
    np.testing.assert_allclose(error, squares.mean(0) / (found.test[:40] ** 2).mean(0))
    assert kept.shape == (TEST, 3)


def test_a_constant_feature_explains_nothing() -> None:
    found, x = regressions()
    np.testing.assert_allclose(found.share(found.scores(np.ones((len(x), 2)))).value, 0, atol=1e-12)


def test_one_hot_leaves_rows_without_a_value_empty() -> None:
    assert one_hot(np.array([1, -1, 0, 1]), 2).tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]


def test_length_features_fit_a_curve_of_length_and_take_knots_from_train() -> None:
    rng = np.random.default_rng(0)
    texts = ["x " * int(n) for n in rng.integers(1, 400, 300)]
    features = length_features(texts, 200)
    size = np.log1p([len(t.split()) for t in texts])
    knot = np.quantile(size[:200], 0.4)
    bent = size - 3 * np.maximum(size - knot, 0)
    assert LinearRegression().fit(features, bent).score(features, bent) > 0.9999
    np.testing.assert_array_equal(length_features([*texts[:200], "y " * 9999], 200)[:200], features[:200])


def test_texts_of_one_length_need_no_knots() -> None:
    assert np.isfinite(length_features(["abc"] * 5, 4)).all()
