"""Intervals against SciPy, against plain resampling, and their coverage; baselines against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, binomtest, chi2
from scipy.stats import t as student

from neurosieve.probes import ClusterBootstrap, loss_interval, score_interval
from neurosieve.probes.baselines import lookup_predictions, majority_label, unseen
from neurosieve.probes.intervals import holm, loss_bound, loss_p
from neurosieve.probes.metrics import per_class
from neurosieve.results.redundancy_parts import ClassScore


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
    assert alone is not None
    assert 0.4 < alone[0] < alone[1] < 0.6


@pytest.mark.parametrize("errors", [4, 9, 25])
def test_few_errors_of_rows_apart_use_wilson(errors: int) -> None:
    """Rows apart have no design effect; Student's t of 299 is a little wider than the normal quantile."""
    correct = np.ones(300, dtype=bool)
    correct[:errors] = False
    expected = binomtest(300 - errors, 300).proportion_ci(0.95, method="wilson")
    ours = score_interval(correct, ClusterBootstrap(np.arange(300)))
    assert ours == pytest.approx((expected.low, expected.high), abs=5e-4)


def test_a_single_error_leaves_room_for_far_fewer() -> None:
    """Wilson's end is 0.9997 there; a share of 0.0002 errors has one in 300 rows now and then."""
    correct = np.ones(300, dtype=bool)
    correct[0] = False
    ours = score_interval(correct, ClusterBootstrap(np.arange(300)))
    assert ours is not None
    assert ours[1] == pytest.approx(1 - chi2.ppf(0.05, 2) / 600)


@pytest.mark.parametrize("value", [True, False])
def test_no_error_is_no_certainty(value: bool) -> None:
    low, high = score_interval(np.full(50, value), ClusterBootstrap(np.arange(50))) or (0, 0)
    assert (low > 0.9, high) == (True, 1.0) if value else (low, high < 0.1) == (0.0, True)
    assert high > low


def test_errors_that_fall_together_widen_the_interval() -> None:
    correct = np.ones(300, dtype=bool)
    correct[:8] = False  # one cluster of ten
    apart = score_interval(correct, ClusterBootstrap(np.arange(300)))
    together = score_interval(correct, ClusterBootstrap(np.arange(300) // 10))
    assert apart is not None
    assert together is not None
    assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])
    assert together[0] < apart[0]


def test_one_cluster_has_no_interval() -> None:
    one = ClusterBootstrap(np.zeros(40))
    rows = np.arange(40) % 3 > 0
    assert score_interval(rows, one) is None
    assert score_interval(rows.astype(float), one) is None
    assert loss_interval(rows, ~rows, one)[1] is None
    assert loss_bound(rows, ~rows, one) is None
    assert loss_p(rows, ~rows, 0.01, one) is None
    assert one.interval(rows.astype(float)) is None


@pytest.mark.parametrize(("n", "bound"), [(24, 0.12), (100, 0.03), (1000, 0.003)])
def test_no_discordant_row_still_bounds_the_loss_away_from_zero(n: int, bound: float) -> None:
    """About 3 / n, as of n rows without an event."""
    rows, bootstrap = np.arange(n) % 5 > 0, ClusterBootstrap(np.arange(n))
    loss, interval = loss_interval(rows, rows, bootstrap)
    upper = loss_bound(rows, rows, bootstrap)
    assert loss == 0
    assert interval is not None
    assert upper is not None
    assert interval[0] == pytest.approx(-interval[1])
    assert upper == pytest.approx(bound, rel=0.25)
    assert interval[1] > upper > 0


@pytest.mark.parametrize("sizes", [[3] * 55 + [8] * 10, [10] * 50], ids=["mixed", "tens"])
def test_without_an_error_the_bound_is_the_chance_that_no_cluster_has_one(sizes: list[int]) -> None:
    """Of beta-binomial errors of correlation 0.3, by SciPy; it is below what the design effect alone would allow."""
    bootstrap = ClusterBootstrap(np.repeat(np.arange(len(sizes)), sizes))
    rows = np.ones(sum(sizes), dtype=bool)
    bound, (_, interval) = loss_bound(rows, rows, bootstrap), loss_interval(rows, rows, bootstrap)
    score = score_interval(rows, bootstrap)
    assert bound is not None
    assert interval is not None
    assert score is not None

    def none(share: float) -> float:
        spread = 0.7 / 0.3
        return float(np.prod([betabinom.pmf(0, size, share * spread, (1 - share) * spread) for size in sizes]))

    assert none(bound) == pytest.approx(0.05, rel=1e-3)
    assert none(interval[1]) == pytest.approx(0.025, rel=1e-3)
    assert none(1 - score[0]) == pytest.approx(0.025, rel=1e-3)
    assert loss_p(rows, rows, bound, bootstrap) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("sizes", [[1] * 60, [3] * 55 + [8] * 10, [10] * 50], ids=["ones", "mixed", "tens"])
def test_no_discordant_row_is_never_worse_than_some(sizes: list[int]) -> None:
    group = np.repeat(np.arange(len(sizes)), sizes)
    bootstrap, reference = ClusterBootstrap(group), np.arange(len(group)) % 2 == 0
    first = np.searchsorted(group, np.arange(len(sizes)))  # one row of each cluster, so that rows fall apart
    lost, won = first[reference[first]], first[~reference[first]]
    bounds = []
    for pairs in range(7):
        other = reference.copy()
        other[lost[:pairs]] = False
        other[won[:pairs]] = True
        bounds.append(loss_bound(reference, other, bootstrap))
    assert bounds[0] == min(bound for bound in bounds if bound is not None)


@pytest.mark.parametrize("n", [8, 40])
def test_a_loss_of_all_rows_has_an_end(n: int) -> None:
    """All rows discordant one way: the other end is that of Tango's statistic, (n − z²) / (n + z²) for rows apart."""
    rows, bootstrap = np.ones(n, dtype=bool), ClusterBootstrap(np.arange(n))
    loss, interval = loss_interval(rows, ~rows, bootstrap)
    z2 = student.ppf(0.975, n - 1) ** 2
    assert loss == 1
    assert interval is not None
    assert interval == pytest.approx(((n - z2) / (n + z2), 1.0), abs=0.1)
    gain, mirrored = loss_interval(~rows, rows, bootstrap)
    assert gain == -1
    assert mirrored == pytest.approx((-interval[1], -interval[0]))


@pytest.mark.parametrize(("b", "c", "n", "low", "high"), [(9, 3, 44, -0.027, 0.290), (4, 0, 36, -0.011, 0.253)])
def test_few_discordant_rows_use_tangos_interval(b: int, c: int, n: int, low: float, high: float) -> None:
    """Against the statistic's own roots by a plain scan; the prior of the design effect moves them a little."""
    reference, other = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    reference[:b], other[b : b + c] = True, True
    _, interval = loss_interval(reference, other, ClusterBootstrap(np.arange(n)))
    z = student.ppf(0.975, n - 1)

    def statistic(d: float) -> float:
        linear = (2 * n - b + c) * d - b - c
        share = (np.sqrt(linear**2 + 8 * n * c * d * (1 - d)) - linear) / (4 * n)
        return float((b - c - n * d) / np.sqrt(n * (2 * share + d * (1 - d))))

    inside = [d for d in np.linspace(-0.5, 0.6, 11001) if abs(statistic(d)) <= z]
    assert interval == pytest.approx((min(inside), max(inside)), abs=3e-3)
    assert interval == pytest.approx((low, high), abs=0.02)


def test_bound_p_and_interval_agree() -> None:
    rng = np.random.default_rng(5)
    reference, bootstrap = rng.random(300) < 0.9, ClusterBootstrap(np.arange(300) // 3)
    for flips in (0, 3, 12, 90, 200):
        other = reference.copy()
        other[:flips] ^= True
        bound, (_, interval) = loss_bound(reference, other, bootstrap), loss_interval(reference, other, bootstrap)
        assert bound is not None
        assert interval is not None
        assert interval[0] < bound < interval[1]
        assert loss_p(reference, other, bound, bootstrap) == pytest.approx(0.05, abs=0.02)  # resamples are coarse
        assert loss_p(reference, other, interval[1], bootstrap) == pytest.approx(0.025, abs=0.012)


def test_losses_against_a_mean_of_several_probes() -> None:
    """Between 0 and 1, as shares of discordant rows."""
    rng = np.random.default_rng(6)
    ours, theirs = rng.random(200) < 0.95, (rng.random((3, 200)) < 0.93).mean(0)
    bootstrap = ClusterBootstrap(np.arange(200))
    value, interval = loss_interval(ours, theirs, bootstrap)
    assert interval is not None
    assert interval[0] < value < interval[1]
    reverse, other = loss_interval(theirs, ours, bootstrap)
    assert other is not None
    assert (reverse, other[0]) == pytest.approx((-value, -interval[1]), abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_against_its_definition(p: list[float]) -> None:
    """A hypothesis is rejected at level a where all smaller p pass a / (number left)."""
    adjusted = holm(np.array(p))
    for a in (0.01, 0.025, 0.05, 0.2):
        ranks, passed = np.argsort(p, kind="stable"), True
        for step, i in enumerate(ranks):
            passed = passed and p[i] * (len(p) - step) <= a
            assert (adjusted[i] <= a) == passed


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for i in range(200):
        level = rng.normal(0.7, 0.1, 60).clip(0, 1)
        correct = rng.random((60, 5)) < level[:, None]
        bootstrap = ClusterBootstrap(np.repeat(np.arange(60), 5), draws=300, seed=i)
        low, high = bootstrap.interval(correct.ravel().astype(float)) or (1, 0)
        hits += low <= 0.7 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_paired_loss_is_exact_and_tighter_than_unpaired() -> None:
    rng = np.random.default_rng(2)
    reference = rng.random(400) < 0.8
    other = reference.copy()
    other[np.flatnonzero(reference)[:8]] = False
    bootstrap = ClusterBootstrap(np.arange(400))
    loss, interval = loss_interval(reference, other, bootstrap)
    widest = score_interval(reference, bootstrap)
    assert interval is not None
    assert widest is not None
    assert loss == pytest.approx(8 / 400)
    assert 0 < interval[0] < loss < interval[1] < 0.05
    assert interval[1] - interval[0] < widest[1] - widest[0]


def test_many_errors_and_values_use_the_percentiles_of_resamples() -> None:
    rng = np.random.default_rng(0)
    bootstrap = ClusterBootstrap(np.arange(400))
    rows = rng.random(400) < 0.6
    values, others = rng.normal(size=(2, 400))
    expected = bootstrap.interval(rows.astype(float))
    assert (
        score_interval(rows, bootstrap)
        == expected
        == tuple(np.quantile(bootstrap.means(rows.astype(float)), [0.025, 0.975]))
    )
    assert loss_interval(values, others, bootstrap)[1] == bootstrap.interval(values - others)
    assert loss_bound(values, others, bootstrap) == pytest.approx(np.quantile(bootstrap.means(values - others), 0.95))


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
    assert scores["x"] == ClassScore(n=40, recall=0.75, precision=1.0, f1=60 / 70)
    assert scores["y"].precision == 0.8
    assert scores["z"].recall is None
    assert "5 rows" in (scores["z"].reason or "")
