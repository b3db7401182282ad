"""Effects against means written out, and claims that only what is better than chance and elsewhere may make."""

from dataclasses import replace

import numpy as np
import pytest

from neurosieve.errors import DataError
from neurosieve.interventions.effects.on_predictions import MIN_UNITS, EffectFitter, mean_loss
from neurosieve.interventions.predictions import Predictions
from neurosieve.probes.intervals import ClusterBootstrap, loss_interval, score_interval
from neurosieve.results.interventions import Effect
from tests.tiny import assert_one_line

UNITS, HERE = 600, 240
NUMBER, NAME, ODD = 0, 1, 2  # tokens: with the value, without, and one of which less than half has it
SHARES = np.array([1.0, 0.0, 0.4])
POSITIVE = np.arange(UNITS) < HERE
GROUP = np.array([f"file {i % 20}" for i in range(UNITS)], dtype=object)


def predictions(kind_right: np.ndarray, exact: np.ndarray | None = None) -> Predictions:
    """Units whose token is of the right kind, and those that are exactly right (of these in any case)."""
    exact = kind_right & False if exact is None else exact
    token = np.where((kind_right | exact) == POSITIVE, NUMBER, NAME)
    return Predictions(np.arange(UNITS), token, exact, np.where(exact, 0.1, 2.0), np.zeros(UNITS))


def right(here: float, elsewhere: float, seed: int = 0) -> np.ndarray:
    """Right on these shares of the units on both sides, drawn by seed."""
    share = np.where(POSITIVE, here, elsewhere)
    drawn: np.ndarray = np.random.default_rng(seed).random(UNITS) < share
    return drawn


BASE = right(0.9, 0.9)


def fitted(edited: np.ndarray, randoms: list[np.ndarray]) -> tuple[Effect, Effect]:
    fitter = EffectFitter(predictions(BASE), predictions(BASE & edited), POSITIVE, SHARES, GROUP, draws=300, seed=2)
    for lost in randoms:
        fitter.add(predictions(BASE & lost))
    property_, exact = fitter.result()
    assert (property_.score, exact.score) == ("property", "exact")
    return property_, exact


def weak(count: int = 100, loss: float = 0.02) -> list[np.ndarray]:
    return [right(1 - loss, 1 - loss, seed=100 + i) for i in range(count)]


def test_a_planted_drop_is_found() -> None:
    effect, exact = fitted(right(0.7, 0.98, seed=1), weak())
    assert effect.claimed
    assert effect.lacking == ""
    assert 0.2 < effect.effect.value < 0.35
    low, high = effect.effect.interval or (1, 0)
    assert low < effect.effect.value < high
    assert not exact.claimed  # nothing was exactly right before, so nothing drops
    assert (exact.here.base.value, exact.here.drop.value, exact.effect.value) == (0, 0, 0)


def test_figures_written_out() -> None:
    edited, randoms = right(0.8, 0.95, seed=1), weak(7, 0.1)
    effect, _ = fitted(edited, randoms)
    bootstrap = {side: ClusterBootstrap(GROUP[own], draws=300, seed=2) for side, own in sides().items()}
    for side, own in sides().items():
        found = getattr(effect, side)
        before, after = BASE[own], (BASE & edited)[own]
        drops = [BASE[own].mean() - (BASE & lost)[own].mean() for lost in randoms]
        assert found.base.n == own.sum()
        assert (found.base.value, found.edited) == (before.mean(), after.mean())
        assert found.base.interval == score_interval(before, bootstrap[side])
        assert found.drop.value == pytest.approx(before.mean() - after.mean())
        assert found.random == pytest.approx(np.mean(drops))
        assert found.random_95 == pytest.approx(np.quantile(drops, 0.95))
    assert effect.effect.value == pytest.approx(effect.here.drop.value - effect.here.random)
    net = BASE.astype(float) - (BASE & edited) - np.mean([BASE.astype(float) - (BASE & r) for r in randoms], 0)
    usual = np.mean([BASE & r for r in randoms], 0)[POSITIVE]
    value, interval = loss_interval(usual, (BASE & edited)[POSITIVE], bootstrap["here"])
    assert effect.effect.value == pytest.approx(net[POSITIVE].mean())
    assert effect.effect.interval == pytest.approx(interval)
    assert value == pytest.approx(effect.effect.value)


def sides() -> dict[str, np.ndarray]:
    return {"here": POSITIVE, "elsewhere": ~POSITIVE}


def test_interval_resamples_files() -> None:
    """Files that lose all or nothing: the interval is far wider than single units would have it."""
    bad = np.array([int(str(g).split()[1]) < 6 for g in GROUP])
    effect, _ = fitted(~(bad & POSITIVE), weak())
    width = length(effect.effect.interval)
    assert width > 0.25
    single = EffectFitter(
        predictions(BASE), predictions(BASE & ~(bad & POSITIVE)), POSITIVE, SHARES, np.arange(UNITS).astype(str)
    )
    for lost in weak():
        single.add(predictions(BASE & lost))
    assert length(single.result()[0].effect.interval) < width / 2


def length(interval: tuple[float, float] | None) -> float:
    assert interval is not None
    return interval[1] - interval[0]


def test_random_like_edits_are_not_claimed() -> None:
    """Edits drawn as the controls are: about one in twenty passes for each of the checks, and few pass them all."""
    claimed = [fitted(right(0.9, 0.9, seed=1000 + i), weak(40, 0.1))[0].claimed for i in range(30)]
    assert sum(claimed) <= 3


@pytest.mark.parametrize("loss", [0.2, 0.3, 0.7])
def test_an_edit_that_equals_the_random_ones_is_not_above_them(loss: float) -> None:
    """Equal drops are equal numbers, whatever fractions they are of."""
    lost = right(1 - loss, 1, seed=5)
    effect, _ = fitted(lost, [lost] * 20)
    assert effect.here.drop.value == effect.here.random_95
    assert effect.effect.value == 0
    assert not effect.claimed
    above, _ = fitted(lost, [lost, lost & right(0.5, 1, seed=6), *[right(1, 1)] * 98])
    assert above.lacking == ""  # above 98 of 100; those that tie or pass it do not count
    below, _ = fitted(lost, [*[lost] * 6, *[right(1, 1)] * 94])
    assert below.lacking == "the drop is above that of 94 % of the random sets"


def test_harm_elsewhere_is_no_effect_of_the_concept() -> None:
    effect, _ = fitted(right(0.7, 0.5, seed=1), weak())
    assert not effect.claimed
    assert "is not above that elsewhere" in effect.lacking


def test_a_gain_is_no_drop() -> None:
    """Where the edit helps, the interval lies below 0, and the reason does not say that it holds 0."""
    edited = predictions(BASE | right(0.9, 0.0, seed=3))
    fitter = EffectFitter(predictions(BASE), edited, POSITIVE, SHARES, GROUP, draws=300)
    for lost in weak():
        fitter.add(predictions(BASE & lost))
    effect = fitter.result()[0]
    assert effect.effect.interval is not None
    assert effect.effect.interval[1] < 0
    assert effect.lacking.endswith("points is not above 0")


def test_exact_and_kind_are_two_scores() -> None:
    """An edit may turn the true number to another one: exact drops, the property does not."""
    exact = right(0.5, 0.5, seed=7)
    base, edited = predictions(BASE, exact), predictions(BASE | exact, exact & right(0.4, 1.0, seed=8))
    fitter = EffectFitter(base, edited, POSITIVE, SHARES, GROUP, draws=300)
    for i in range(100):
        fitter.add(predictions(BASE | exact, exact & right(0.98, 0.98, seed=i)))
    kind, token = fitter.result()
    assert kind.here.drop.value == 0
    assert not kind.claimed
    assert token.claimed
    assert 0.2 < token.effect.value < 0.4


def test_a_token_has_the_value_from_half_of_its_rows_on() -> None:
    """0.4 is not enough, 0.5 is: right where the truth has it not, and where it has."""
    base = replace(predictions(BASE), token=np.full(UNITS, ODD))
    for share, here, elsewhere in ((0.4, 0, 1), (0.5, 1, 0)):
        shares = np.array([1.0, 0.0, share])
        fitter = EffectFitter(base, base, POSITIVE, shares, GROUP, draws=100)
        fitter.add(base)
        effect = fitter.result()[0]
        assert (effect.here.base.value, effect.elsewhere.base.value) == (here, elsewhere)


def test_a_token_beyond_the_shares_has_no_value() -> None:
    """A head may be padded to a round number of tokens."""
    base = replace(predictions(BASE), token=np.full(UNITS, len(SHARES) + 4))
    fitter = EffectFitter(base, base, POSITIVE, SHARES, GROUP, draws=100)
    fitter.add(base)
    effect = fitter.result()[0]
    assert (effect.here.base.value, effect.elsewhere.base.value) == (0, 1)


@pytest.mark.parametrize("kind", [True, False])
def test_too_few_units(kind: bool) -> None:
    for count in (MIN_UNITS - 1, MIN_UNITS):
        positive = np.full(UNITS, not kind)
        positive[:count] = kind
        args = (predictions(BASE), predictions(BASE), positive, SHARES, GROUP)
        if count == MIN_UNITS:
            EffectFitter(*args, draws=100)
            continue
        with pytest.raises(DataError) as caught:
            EffectFitter(*args, draws=100)
        what = "with the value" if kind else "without it"
        assert_one_line(caught.value, f"held-out units {what}", "30 or more", "got 29", "--tokens")


def test_loss_beside_random_edits() -> None:
    base, edited = predictions(BASE, BASE), predictions(BASE)
    found = mean_loss(base, edited, [0.5, 0.25, 1.5])
    assert found.n == UNITS
    assert found.base == pytest.approx(np.where(BASE, 0.1, 2.0).mean())
    assert found.edited == pytest.approx(2.0)
    assert found.random == pytest.approx(0.75)
    assert found.random_95 == pytest.approx(np.quantile([0.25, 0.5, 1.5], 0.95))
