"""F1 and Matthews' correlation against scikit-learn, and their intervals against plain resampling."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from neurosieve.probes import ClusterBootstrap
from neurosieve.probes.metrics import metrics_of


def case(classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, classes, 200)
    return np.where(rng.random(200) < 0.6, label, rng.integers(0, classes, 200)), label


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_values(classes: int, seed: int) -> None:
    predicted, label = case(classes, seed)
    found = metrics_of(predicted, label, [str(c) for c in range(classes)], ClusterBootstrap(np.arange(200), draws=50))
    assert found.macro_f1.value == pytest.approx(f1_score(label, predicted, average="macro"))
    assert found.mcc.value == pytest.approx(matthews_corrcoef(label, predicted))
    assert (found.f1 is None) == (classes > 2)
    if found.f1:
        assert found.f1.value == pytest.approx(f1_score(label, predicted))
        assert found.f1.positive == "1"


def test_interval_is_that_of_resampled_clusters() -> None:
    predicted, label = case(2, 5)
    group = np.arange(200) // 4
    found = metrics_of(predicted, label, ["0", "1"], ClusterBootstrap(group, draws=2000, seed=1))
    rng, scores = np.random.default_rng(2), []
    for _ in range(500):
        rows = np.concatenate([np.flatnonzero(group == g) for g in rng.integers(0, 50, 50)])
        scores.append(f1_score(label[rows], predicted[rows]))
    assert found.f1
    assert found.f1.interval == pytest.approx(np.quantile(scores, [0.025, 0.975]).tolist(), abs=0.02)


def test_one_class_predicted() -> None:
    label = np.array([0, 1] * 20)
    found = metrics_of(np.zeros(40, dtype=np.int64), label, ["0", "1"], ClusterBootstrap(np.arange(40), draws=50))
    assert found.f1
    assert (found.mcc.value, found.f1.value) == (0.0, 0.0)
    assert found.mcc.interval
    low, high = found.mcc.interval  # right and wrong rows are as many; resamples would all give 0
    assert low <= 0.0 < high
