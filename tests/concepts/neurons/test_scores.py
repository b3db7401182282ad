"""Scores from histograms against scikit-learn on exact values, and sums in parts against sums at once."""

from collections.abc import Iterable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from neurosieve.concepts.neurons.histograms import BUCKETS, ConceptAccumulator, ConceptSums, buckets_of
from neurosieve.concepts.neurons.scores import ConceptScores, concept_scores
from neurosieve.errors import DataError

VALUES = {"lexical": ("number", "string", "keyword"), "use": ("definition", "use"), "node": tuple(map(str, range(70)))}
NEURONS = 70


def rows(count: int, seed: int = 0, files: int = 90) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Neuron 0 is high at numbers, neuron 1 low; the others know nothing."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(-1, len(v), count) for v in VALUES.values()], 1)
    x = rng.normal(size=(count, NEURONS)) * rng.uniform(0.01, 100, NEURONS) + rng.normal(size=NEURONS)
    number = codes[:, 0] == 0
    for neuron, shift in ((0, 4.0), (1, -4.0)):
        x[:, neuron] = rng.normal(size=count) + shift * number
    x[:, 3] = rng.standard_cauchy(count)  # heavy tails fall into the last bins
    return torch.tensor(x, dtype=torch.float32), codes, buckets_of([f"file {i}" for i in rng.integers(0, files, count)])


def accumulator(x: torch.Tensor) -> ConceptAccumulator:
    return ConceptAccumulator(VALUES, x.median(0).values, x.std(0).clamp_max(200))


def summed(x: torch.Tensor, codes: np.ndarray, bucket: np.ndarray) -> ConceptSums:
    sums = accumulator(x)
    sums.update(x, codes, bucket)
    return sums.result()


@cache
def many() -> tuple[torch.Tensor, np.ndarray, ConceptScores]:
    """Rows, their codes, and the scores; not to be changed."""
    x, codes, bucket = rows(3000)
    return x, codes, concept_scores(summed(x, codes, bucket))


def best_iou(truth: np.ndarray, z: np.ndarray, thresholds: Iterable[float]) -> float:
    return max(float((truth & (z >= t)).sum() / (truth | (z >= t)).sum()) for t in thresholds)


def assert_same(a: ConceptSums, b: ConceptSums) -> None:
    assert a.values == b.values
    for name, value in vars(a).items():
        if name != "values":
            np.testing.assert_allclose(value, getattr(b, name), rtol=1e-5, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("column", [0, 1, 2, 3, 4, 40])
@pytest.mark.parametrize("neuron", [0, 1, 2, 3, 69])
def test_scores_as_scikit_learn_has_them(column: int, neuron: int) -> None:
    x, codes, scores = many()
    prop = [0, 0, 0, 1, 1, 2][[0, 1, 2, 3, 4, 40].index(column)]
    value = column - [0, 3, 5][prop]
    truth, z = codes[:, prop] == value, x[:, neuron].numpy()
    low = bool(scores.low[neuron, column])
    signed = -z if low else z
    assert scores.auroc[neuron, column] == pytest.approx(roc_auc_score(truth, signed), abs=0.02)
    assert scores.auroc[neuron, column] >= 0.5 - 1e-12
    assert scores.ap[neuron, column] == pytest.approx(average_precision_score(truth, signed), abs=0.03)
    best = best_iou(truth, signed, np.quantile(signed, np.linspace(0, 0.999, 200)))
    assert scores.iou[neuron, column] == pytest.approx(best, abs=0.03)
    domain = codes[:, prop] >= 0
    assert scores.selectivity[neuron, column] == pytest.approx(roc_auc_score(truth[domain], signed[domain]), abs=0.02)
    pooled = np.sqrt(
        (z[truth].var(ddof=1) * (truth.sum() - 1) + z[~truth].var(ddof=1) * ((~truth).sum() - 1)) / (len(z) - 2)
    )
    assert scores.effect[neuron, column] == pytest.approx((z[truth].mean() - z[~truth].mean()) / pooled, abs=2e-3)
    assert scores.n[column] == truth.sum()


def test_exact_where_each_value_has_a_bin() -> None:
    """Values that never share a bin lose nothing."""
    rng = np.random.default_rng(1)
    x = torch.tensor(rng.integers(0, 12, (2000, 1)), dtype=torch.float32)
    codes = (rng.random((2000, 1)) < 0.3).astype(np.int64) - 1
    codes[x[:, 0].numpy() > 8, 0] = 0
    sums = ConceptAccumulator({"a": ("yes",)}, torch.tensor([5.5]), torch.tensor([1.0]))
    sums.update(x, codes, np.zeros(2000, dtype=np.int64))
    scores = concept_scores(sums.result())
    truth, z = codes[:, 0] == 0, x[:, 0].numpy()
    assert scores.auroc[0, 0] == pytest.approx(roc_auc_score(truth, z), abs=1e-9)
    assert scores.ap[0, 0] == pytest.approx(average_precision_score(truth, z), abs=1e-9)
    assert scores.iou[0, 0] == pytest.approx(best_iou(truth, z, range(12)), abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=4), seed=st.integers(0, 3))
def test_parts_merged_in_any_order_equal_all_at_once(cuts: list[int], seed: int) -> None:
    x, codes, bucket = rows(400)
    whole = summed(x, codes, bucket)
    order = np.random.default_rng(seed).permutation(400)
    bounds = [0, *sorted(cuts), 400]
    parts = [order[a:b] for a, b in pairwise(bounds)]
    merged = accumulator(x)
    for i, part in enumerate(parts):
        if i % 2:
            merged.update(x[part], codes[part], bucket[part])
        else:
            other = accumulator(x)
            other.update(x[part], codes[part], bucket[part])
            merged.merge(other)
    assert_same(merged.result(), whole)


def test_z_is_the_sandwich_over_buckets() -> None:
    x, codes, bucket = rows(2000)
    scores = concept_scores(summed(x, codes, bucket))
    for neuron, column in ((0, 0), (5, 1), (9, 2)):
        z, y = x[:, neuron].double().numpy(), codes[:, 0] == column
        difference = z[y].mean() - z[~y].mean()
        influence = np.where(y, (z - z[y].mean()) / y.sum(), -(z - z[~y].mean()) / (~y).sum())
        sums = np.bincount(bucket, weights=influence, minlength=BUCKETS)
        used = len(np.unique(bucket))
        expected = difference / np.sqrt((sums**2).sum() * used / (used - 1))
        assert scores.z[neuron, column] == pytest.approx(expected, rel=1e-3)


def test_neurons_that_share_a_mood_with_their_file_are_not_found_by_rows() -> None:
    """Values by file, and neurons by file: many rows, few files. Rows taken for independent would call half of them."""
    rng = np.random.default_rng(2)
    files = rng.integers(0, 60, 6000)
    mood, kind = rng.normal(size=(60, NEURONS)), rng.integers(0, 2, 60)
    x = torch.tensor(mood[files] + 0.1 * rng.normal(size=(6000, NEURONS)), dtype=torch.float32)
    sums = ConceptAccumulator({"a": ("x", "y")}, x.mean(0), x.std(0))
    sums.update(x, kind[files][:, None], buckets_of([str(f) for f in files]))
    scores = concept_scores(sums.result())
    assert (scores.q < 0.05).mean() < 0.05
    naive = np.abs(scores.effect[:, 0]) * np.sqrt(6000) / 2
    assert (naive > 4).mean() > 0.5  # what it guards against


def test_directions_found_elsewhere_are_kept() -> None:
    x, codes, bucket = rows(1000)
    found = concept_scores(summed(x, codes, bucket))
    turned = concept_scores(summed(-x, codes, bucket), found.low)
    assert turned.auroc[0, 0] == pytest.approx(1 - found.auroc[0, 0], abs=0.02)
    assert found.low[1, 0]
    assert not found.low[0, 0]


def test_a_value_without_rows_has_no_score() -> None:
    x, codes, bucket = rows(500)
    codes[codes[:, 0] == 1, 0] = -1
    scores = concept_scores(summed(x, codes, bucket))
    for name in ("auroc", "ap", "iou", "z", "q"):
        assert np.isnan(getattr(scores, name)[:, 1]).all()
    assert np.isfinite(scores.q[:, 0]).all()
    frame = scores.to_frame(np.stack([np.zeros(NEURONS, np.int64), np.arange(NEURONS)], 1), top=2)
    assert set(frame.filter((frame["property"] == "lexical") & (frame["value"] == "number"))["index"]) == {0, 1}


@pytest.mark.parametrize("kind", ["code", "bucket", "nan"])
def test_bad_rows_leave_the_sums_as_they_were(kind: str) -> None:
    x, codes, bucket = rows(50)
    sums = accumulator(x)
    sums.update(x, codes, bucket)
    before = sums.result()
    bad, wrong, where = x.clone(), codes.copy(), bucket.copy()
    if kind == "code":
        wrong[3, 1] = 2
    elif kind == "bucket":
        where[3] = BUCKETS
    else:
        bad[3, 3] = torch.nan
    with pytest.raises(DataError, match="expected"):
        sums.update(bad, wrong, where)
    assert_same(sums.result(), before)


def test_accumulators_of_other_neurons_do_not_merge() -> None:
    x, _, _ = rows(50)
    with pytest.raises(DataError, match="build them in the same way"):
        accumulator(x).merge(accumulator(x + 1))
