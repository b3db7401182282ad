"""Scores over resamples of files, against scikit-learn on rows written out one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from neurosieve.concepts.neurons import resampling
from neurosieve.concepts.neurons.resampling import Measured, Resamples, difference, precision_of

DRAWS = 100


def rows(seed: int = 0, files: int = 6, each: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Files, which rows have the value, and a score that is higher there."""
    rng = np.random.default_rng(seed)
    groups = np.repeat([f"f{i}" for i in range(files)], each)
    positive = rng.random(len(groups)) < 0.3
    return groups, positive, np.round(rng.normal(size=len(groups)) + 1.5 * positive, 1)


def drawn(groups: np.ndarray, seed: int) -> list[np.ndarray]:
    """The rows of each resample, as the bootstrap draws files."""
    names = sorted(set(groups))
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    where = {n: np.flatnonzero(groups == n) for n in names}
    return [np.concatenate([np.tile(where[n], c) for n, c in zip(names, count, strict=True)]) for count in counts]


@pytest.mark.parametrize("cells", [10**6, 1])
def test_each_resample_written_out(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By counts of levels and by weights of rows alike."""
    monkeypatch.setattr(resampling, "_CELLS", cells)
    groups, positive, score = rows()
    found = Resamples(groups, DRAWS, 3).measure(score, positive)
    own = drawn(groups, 3)
    ap = [average_precision_score(positive[i], score[i]) for i in own]
    auroc = [roc_auc_score(positive[i], score[i]) for i in own]
    np.testing.assert_allclose(found.ap_draws, ap, atol=1e-12)
    np.testing.assert_allclose(found.auroc_draws, auroc, atol=1e-12)
    assert found.ap == pytest.approx(average_precision_score(positive, score))
    assert found.ap == precision_of(score, positive)
    assert found.auroc == pytest.approx(roc_auc_score(positive, score))
    assert found.ap_interval == pytest.approx(tuple(np.quantile(ap, [0.025, 0.975])))
    assert found.auroc_interval == pytest.approx(tuple(np.quantile(auroc, [0.025, 0.975])))


def test_differences_are_paired() -> None:
    groups, positive, score = rows()
    other = np.random.default_rng(1).normal(size=len(score))
    resamples = Resamples(groups, DRAWS, 3)
    one, two = (resamples.measure(s, positive) for s in (score, other))
    found = difference(one, two)
    pairs = [[average_precision_score(positive[i], s[i]) for s in (score, other)] for i in drawn(groups, 3)]
    assert found is not None
    assert found.value == pytest.approx(one.ap - two.ap)
    assert found.interval == pytest.approx(tuple(np.quantile([a - b for a, b in pairs], [0.025, 0.975])))
    assert found.above_half == pytest.approx(np.quantile([a - (1 + b) / 2 for a, b in pairs], 0.025))
    again = difference(one, one)
    assert again is not None
    assert again.value == 0
    assert again.interval[0] < 0 < again.interval[1], "resamples that are all equal are no interval"


def test_a_value_in_few_files_is_resampled_where_it_is() -> None:
    """Resamples without the value have no score, and are left out."""
    groups, positive, score = rows()
    some = positive & np.isin(groups, ["f0", "f1"])
    found = Resamples(groups, DRAWS, 3).measure(score, some)
    assert 0 < len(found.ap_draws) < DRAWS
    assert found.ap_interval is not None
    assert 0 < found.ap_interval[0] < found.ap_interval[1] <= 1


def test_one_file_has_no_interval() -> None:
    """Neither where all rows are of one file, nor where all rows with the value are."""
    groups, positive, score = rows()
    alone = Resamples(np.repeat("f", len(groups)), DRAWS, 0)
    assert alone.lacking(positive) == "all test rows are of one file"
    many = Resamples(groups, DRAWS, 0)
    one = positive & (groups == "f0")
    assert many.lacking(one) == "all test rows with the value are of one file"
    assert many.lacking(positive) == ""
    for found in (alone.measure(score, positive), many.measure(score, one)):
        assert found.ap_interval is found.auroc_interval is None
        assert found.ap > 0
        assert difference(found, found) is None


def test_files_that_are_alike_have_no_interval() -> None:
    """Every resample of copies is the same; that is no certainty."""
    one = np.array([0.0, 1.0, 2.0, 3.0])
    found = Resamples(np.repeat(list("abcd"), 4), DRAWS, 0).measure(np.tile(one, 4), np.tile(one == 2, 4))
    assert found.ap_interval is found.auroc_interval is None


@settings(max_examples=20)
@given(files=st.integers(2, 30), each=st.integers(2, 20))
def test_a_perfect_score_is_no_certainty(files: int, each: int) -> None:
    """The more rows, the nearer to 1; never of width 0, and so is its lead over another score."""
    groups = np.repeat([f"{i}" for i in range(files)], each)
    positive = np.tile(np.arange(each) == 0, files)
    resamples = Resamples(groups, DRAWS, 0)
    found = resamples.measure(positive.astype(float), positive)
    assert found.ap == found.auroc == 1
    assert found.ap_interval is not None
    assert found.auroc_interval is not None
    low = found.ap_interval[0]
    assert 0 < low < 1
    assert found.ap_interval[1] == found.auroc_interval[1] == pytest.approx(1)
    assert found.auroc_interval[0] == pytest.approx((1 + low) / 2)
    noise: Measured = resamples.measure(np.random.default_rng(0).normal(size=len(groups)), positive)
    if noise.ap_interval is not None:
        lead = difference(found, noise)
        assert lead is not None
        assert lead.interval[0] <= low - noise.ap + 1e-9
        assert lead.above_half < (1 - noise.ap) / 2
