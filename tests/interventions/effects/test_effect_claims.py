"""The effect of an edit and of random edits, against plain numpy; planted effects are claimed, and others are not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosieve.interventions.effects.on_predictions import MIN_DISTINCT, MIN_SETS, NOT_MEASURED, EffectFitter, turned
from neurosieve.interventions.predictions import Predictions
from neurosieve.probes import ClusterBootstrap, loss_interval
from neurosieve.results import Difference, Score
from neurosieve.results.interventions import Effect, Matching, Side

UNITS, OTHER, HALF_KNOWN, KNOWN = 240, 0, 1, 2
SHARES = np.array([0.0, 0.5, 1.0, 0.49])  # of tokens: the value is at the second and the third
RNG = np.random.default_rng(0)
HERE = np.arange(UNITS) % 3 == 0
TRUTH = np.where(HERE, KNOWN, OTHER)
GROUP = np.array([f"file {i // 12}" for i in range(UNITS)], dtype=object)


def predicted(token: np.ndarray, loss: float = 1.0) -> Predictions:
    return Predictions(
        np.arange(len(token)), token, token == TRUTH[: len(token)], np.full(len(token), loss), np.zeros(len(token))
    )


def spoilt(here: float, elsewhere: float, seed: int, token: int = 3) -> Predictions:
    """Some of the true tokens replaced: `here` of those with the value by one without, and the other way round."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(UNITS) < np.where(HERE, here, elsewhere)
    return predicted(np.where(wrong, np.where(HERE, token, HALF_KNOWN), TRUTH))


def effects(edited: Predictions, randoms: list[Predictions], base: Predictions | None = None) -> tuple[Effect, ...]:
    fitter = EffectFitter(base or spoilt(0.1, 0.1, 1), edited, HERE, SHARES, GROUP, draws=300, seed=2)
    for random in randoms:
        fitter.add(random)
    return fitter.result()


def mild(count: int = MIN_SETS) -> list[Predictions]:
    return [spoilt(0.15, 0.15, 100 + i) for i in range(count)]


def test_against_numpy() -> None:
    base, edited, randoms = spoilt(0.1, 0.2, 1), spoilt(0.5, 0.3, 2), [spoilt(0.2, 0.3, 10 + i) for i in range(7)]
    for effect in effects(edited, randoms, base):

        def right(p: Predictions, of: str = effect.score) -> np.ndarray:
            has = np.isin(p.token, (HALF_KNOWN, KNOWN))
            return np.asarray(p.token == TRUTH if of == "exact" else has == HERE)

        for side, own in ((effect.here, HERE), (effect.elsewhere, ~HERE)):
            before, after = right(base)[own].mean(), right(edited)[own].mean()
            drops = np.array([(right(base)[own] * 1.0 - right(r)[own]).mean() for r in randoms])
            assert side.base.n == own.sum()
            assert (side.base.value, side.edited) == pytest.approx((before, after))
            assert side.drop.value == pytest.approx(before - after)
            assert side.random == pytest.approx(drops.mean())
            assert side.random_95 == pytest.approx(np.quantile(drops, 0.95))
            assert side.effect.value == pytest.approx(before - after - drops.mean())
            net = np.mean([right(r)[own] * 1.0 for r in randoms], 0) - right(edited)[own]
            bootstrap = ClusterBootstrap(GROUP[own], draws=300, seed=2)
            usual = np.mean([right(r)[own] for r in randoms], 0)
            value, interval = loss_interval(usual, right(edited)[own], bootstrap)
            assert side.effect.value == pytest.approx(net.mean())
            assert side.effect.interval == pytest.approx(interval)
            assert side.effect.value == pytest.approx(value)
            assert side.drop.interval == loss_interval(right(base)[own], right(edited)[own], bootstrap)[1]
        assert effect.effect == effect.here.effect


def test_two_scores_differ() -> None:
    """Another token of the same kind is wrong, and yet has the value."""
    property_, exact = effects(spoilt(0.6, 0, 2, token=HALF_KNOWN), mild(), spoilt(0, 0, 1))
    assert (property_.score, exact.score) == ("property", "exact")
    assert property_.here.drop.value == 0.0
    assert exact.here.drop.value > 0.4
    assert exact.claimed
    assert not property_.claimed


CASES: dict[str, tuple[Predictions, list[Predictions], str]] = {
    "a real one": (spoilt(0.6, 0.15, 2), mild(), ""),
    "no more than random": (spoilt(0.15, 0.15, 2), mild(), "not above 0"),
    "as some random ones": (
        spoilt(0.6, 0.15, 2),
        [*mild(90), *(spoilt(0.9, 0.15, i) for i in range(10))],
        "above that of 90 % of the random sets",
    ),
    "as one of a hundred": (spoilt(0.6, 0.15, 2), [*mild(99), spoilt(0.9, 0.15, 3)], ""),
    "the model breaks": (spoilt(0.6, 0.9, 2), mild(), "is not above that elsewhere"),
    "no clearer than elsewhere": (spoilt(0.5, 0.42, 2), mild(), "is not above that elsewhere"),
    "few random sets": (spoilt(0.6, 0.15, 2), mild(MIN_SETS - 1), "99 random sets are fewer than 100"),
    "better than before": (spoilt(0.0, 0.15, 2), mild(), "not above 0"),
}


@pytest.mark.parametrize("case", CASES)
def test_claim(case: str) -> None:
    edited, randoms, lacking = CASES[case]
    property_ = effects(edited, randoms)[0]
    assert lacking in property_.lacking
    assert property_.claimed == (not lacking) == (not property_.lacking)


def test_one_file_is_no_proof() -> None:
    """The drop lies in one file of many: its interval over files holds 0."""
    wrong = HERE & (GROUP == "file 3")
    (property_, _) = effects(predicted(np.where(wrong, OTHER, TRUTH)), [predicted(TRUTH)] * MIN_SETS, predicted(TRUTH))
    assert property_.effect.value > 0
    assert "not above 0" in property_.lacking


@pytest.mark.parametrize("where", [HERE, ~HERE, HERE | ~HERE], ids=["here", "elsewhere", "both"])
def test_units_of_one_file_measure_nothing(where: np.ndarray) -> None:
    """Nothing can be resampled: no interval, and neither claimed nor said to fail."""
    group = np.where(where, "all", GROUP).astype(object)
    fitter = EffectFitter(spoilt(0.1, 0.1, 1), spoilt(0.9, 0.1, 2), HERE, SHARES, group, draws=300)
    for random in mild():
        fitter.add(random)
    for effect in fitter.result():
        assert not effect.claimed
        assert effect.lacking == NOT_MEASURED
        for side, own in ((effect.here, HERE), (effect.elsewhere, ~HERE)):
            alone = bool(where[own].all())
            assert [x is None for x in (side.effect.interval, side.drop.interval, side.base.interval)] == [alone] * 3
        assert effect.effect.value == pytest.approx(effect.here.drop.value - effect.here.random)


MATCHING = Matching(
    by="variance", caliper=2.0, worst=1.9, median=1.1, sets=100, distinct_sets=MIN_DISTINCT, unmatched=()
)


@pytest.mark.parametrize(
    ("more", "lacking"),
    [
        ({}, ""),
        ({"worst": 2.1}, "not matched: variance"),
        ({"distinct_sets": MIN_DISTINCT - 1}, "only 19 different random sets"),
    ],
)
def test_random_edits_that_are_no_control(more: dict[str, Any], lacking: str) -> None:
    """Too unlike the edit, or so few different ones that to be above all of them says little."""
    fitter = EffectFitter(spoilt(0.1, 0.1, 1), spoilt(0.6, 0.15, 2), HERE, SHARES, GROUP, draws=300)
    for random in mild():
        fitter.add(random)
    effect = fitter.result(replace(MATCHING, **more))[0]
    assert effect.claimed == (not lacking)
    assert effect.lacking.startswith(lacking)


STEERED = Side(  # of units without the value 0.9 were right before, 0.4 are under the edit
    base=Score(value=0.9, n=200, interval=(0.85, 0.94)),
    edited=0.4,
    drop=Difference(value=0.5, interval=(0.4, 0.6)),
    random=0.05,
    random_95=0.1,
    effect=Difference(value=0.45, interval=(0.35, 0.55)),
)
TURNED: dict[str, tuple[Side, int, Matching, str]] = {
    "a real one": (STEERED, MIN_SETS, MATCHING, ""),
    "one file": (replace(STEERED, effect=Difference(value=0.45, interval=None)), MIN_SETS, MATCHING, NOT_MEASURED),
    "no clear gain": (
        replace(STEERED, effect=Difference(value=0.45, interval=(0.0, 0.6))),
        MIN_SETS,
        MATCHING,
        "the interval is not above 0",
    ),
    "as random ones": (
        replace(STEERED, random_95=0.5),
        MIN_SETS,
        MATCHING,
        "95 % of the random edits do not turn fewer",
    ),
    "few random sets": (STEERED, 99, MATCHING, "99 random sets are fewer than 100"),
    "unlike": (STEERED, MIN_SETS, replace(MATCHING, worst=2.5), "not matched: variance of random edits is up to 2.5"),
}


@pytest.mark.parametrize("case", TURNED)
def test_tokens_that_are_turned(case: str) -> None:
    """Right means here that no token of the value is predicted."""
    side, sets, matching, lacking = TURNED[case]
    found = turned(side, sets, matching)
    assert (found.n, found.base, found.edited, found.random) == pytest.approx((200, 0.1, 0.6, 0.15))
    assert found.effect == side.effect
    assert found.lacking.startswith(lacking)
    assert found.claimed == (not lacking) == (not found.lacking)
