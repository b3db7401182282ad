"""How much an edit changes what a model predicts where a property holds, compared with matched random edits.

Two scores of a prediction, both 0 or 1: `property` (the predicted token has the value just where the truth has it) and
`exact` (it is the true first subword). The causal effect is the drop of the set's edit less the mean drop of the random
ones, on units that have the value. It is claimed where its interval is above 0, the set's drop is above that of 95 % of
the random sets, of which there are 100 or more and 20 that differ, and its interval above that of the drop elsewhere,
on units without the value. If all units are in one file there is no interval, and nothing is claimed.
"""

from collections.abc import Iterable, Mapping
from typing import get_args

import numpy as np
from jaxtyping import Bool, Float

from neurosieve.errors import DataError
from neurosieve.interventions.predictions import HALF, Predictions
from neurosieve.probes.intervals import ClusterBootstrap, loss_interval
from neurosieve.probes.metrics import lost, scored
from neurosieve.results.interventions import Effect, EffectScore, Loss, Matching, Side, Turned
from neurosieve.results.measured import Difference, Interval

SCORES: tuple[EffectScore, ...] = get_args(EffectScore)
MIN_UNITS = 30
MIN_SETS = 100
# A drop that is above all of fewer sets is so by chance in more than 1 of 20 cases.
MIN_DISTINCT = 20
NOT_MEASURED = "not measured: all units are in one file, so that nothing can be resampled"


class EffectFitter:
    """Adds up random edits one by one, so that only means are kept.

    Args:
        base: Predictions of the model as it is.
        edited: Under the edit, of the same units.
        positive: The units' truth has the value, shape [units].
        shares: See `token_shares`.
        group: Cluster of each unit, shape [units].

    Raises:
        DataError: Fewer than 30 units that have the value, or that have it not.
    """

    def __init__(
        self,
        base: Predictions,
        edited: Predictions,
        positive: Bool[np.ndarray, " units"],
        shares: Float[np.ndarray, " vocabulary"],
        group: np.ndarray,
        *,
        draws: int = 2000,
        seed: int = 0,
    ) -> None:
        for what, count in (("with the value", positive.sum()), ("without it", (~positive).sum())):
            if count < MIN_UNITS:
                raise DataError(
                    f"held-out units {what}",
                    expected=f"{MIN_UNITS} or more to measure an effect on",
                    got=str(count),
                    remedy="read more tokens (--tokens), or choose another concept",
                )
        self._positive, self._shares = positive, shares
        self._base, self._edited = (self._scores(p) for p in (base, edited))
        self._sides = {"here": positive, "elsewhere": ~positive}
        self._bootstraps = {
            k: ClusterBootstrap(group[units], draws=draws, seed=seed) for k, units in self._sides.items()
        }
        self._drops: dict[tuple[str, str], list[float]] = {(s, k): [] for s in SCORES for k in self._sides}
        self._sum = {score: np.zeros(len(positive)) for score in SCORES}
        self._random = 0

    def add(self, predictions: Predictions) -> None:
        """One more random edit."""
        scores = self._scores(predictions)
        for score in SCORES:
            lost = self._lost(score, scores)
            self._sum[score] += lost
            for side, units in self._sides.items():
                self._drops[score, side].append(float(lost[units].mean()))
        self._random += 1

    def result(self, matching: Matching | None = None) -> tuple[Effect, ...]:
        """The effect on both scores, compared with random edits that are so similar."""
        return tuple(self._effect(score, _unlike(matching)) for score in SCORES)

    def _scores(self, predictions: Predictions) -> dict[str, Bool[np.ndarray, " units"]]:
        shares = np.append(self._shares, 0.0)  # for tokens of the head that the tokenizer has not
        has = shares[np.minimum(predictions.token, len(self._shares))] >= HALF
        return {"property": has == self._positive, "exact": predictions.exact}

    def _lost(
        self, score: EffectScore, scores: Mapping[str, Bool[np.ndarray, " units"]]
    ) -> Float[np.ndarray, " units"]:
        """What an edit takes from each unit's score: 1, 0 or −1."""
        lost: np.ndarray = self._base[score].astype(np.float64) - scores[score]
        return lost

    def _side(self, score: EffectScore, side: str) -> Side:
        units, drops = self._sides[side], np.array(self._drops[score, side])
        base, edited = self._base[score][units], self._edited[score][units]
        usual, bootstrap = (self._base[score] - self._sum[score] / self._random)[units], self._bootstraps[side]
        # As in `add`: equal drops have to be equal numbers.
        drop = float(self._lost(score, self._edited)[units].mean())
        return Side(
            base=scored(base, bootstrap),
            edited=float(edited.mean()),
            drop=Difference(value=drop, interval=loss_interval(base, edited, bootstrap)[1]),
            random=float(drops.mean()),
            random_95=float(np.quantile(drops, 0.95)),
            effect=lost(usual, edited, bootstrap),
        )

    def _effect(self, score: EffectScore, unlike: str) -> Effect:
        here, elsewhere = self._side(score, "here"), self._side(score, "elsewhere")
        lacking = self._lacking(here, elsewhere, np.array(self._drops[score, "here"])) or unlike
        return Effect(
            score=score,
            here=here,
            elsewhere=elsewhere,
            effect=here.effect,
            claimed=not lacking,
            lacking=lacking,
        )

    def _lacking(self, here: Side, elsewhere: Side, drops: Float[np.ndarray, " draws"]) -> str:
        """Why the effect is not claimed, or cannot be measured; empty if nothing speaks against it."""
        net, drop, harm = here.effect.interval, here.drop.interval, elsewhere.drop.interval
        if net is None or drop is None or harm is None:
            return NOT_MEASURED
        above = float((here.drop.value > drops).mean())
        checks = (
            (net[0] > 0, f"interval {_interval_text(net)} points is not above 0"),
            (above >= 0.95, f"the drop is above that of {100 * above:.0f} % of the random sets"),
            (
                drop[0] > harm[1],
                f"its drop {_interval_text(drop)} is not above that elsewhere, {_interval_text(harm)} points",
            ),
            (self._random >= MIN_SETS, f"{self._random} random sets are fewer than {MIN_SETS}"),
        )
        return next((why for passed, why in checks if not passed), "")


def _unlike(matching: Matching | None) -> str:
    """Why random edits are no control for a claim; empty if they are."""
    if matching is None:
        return ""
    if matching.worst > matching.caliper:
        return f"not matched: {matching.by} of random edits is up to {matching.worst:.1f} times as far apart"
    if matching.distinct_sets < MIN_DISTINCT:
        return f"only {matching.distinct_sets} different random sets can be matched, fewer than {MIN_DISTINCT}"
    return ""


def turned(elsewhere: Side, sets: int, matching: Matching) -> Turned:
    """Units without the value at which a token of the value is predicted: what steering is to reach.

    Args:
        elsewhere: The effect on `property` at units without the value.
        sets: How many random edits it was compared with.
        matching: How similar these are.
    """
    interval, base, unlike = elsewhere.effect.interval, elsewhere.base, _unlike(matching)
    checks = (
        (interval is not None, NOT_MEASURED),
        (interval is None or interval[0] > 0, "the interval is not above 0"),
        (elsewhere.drop.value > elsewhere.random_95, "95 % of the random edits do not turn fewer"),
        (sets >= MIN_SETS, f"{sets} random sets are fewer than {MIN_SETS}"),
        (not unlike, unlike),
    )
    lacking = next((why for passed, why in checks if not passed), "")
    return Turned(
        n=base.n,
        base=1 - base.value,
        edited=1 - elsewhere.edited,
        random=1 - base.value + elsewhere.random,
        effect=elsewhere.effect,
        claimed=not lacking,
        lacking=lacking,
    )


def _interval_text(interval: Interval) -> str:
    return f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def mean_loss(base: Predictions, edited: Predictions, randoms: Iterable[float]) -> Loss:
    """Mean cross-entropy of all units, in nats: as the model is, edited, and with random edits."""
    drawn = np.array(list(randoms))
    return Loss(
        n=len(base.loss),
        base=float(base.loss.mean()),
        edited=float(edited.loss.mean()),
        random=float(drawn.mean()),
        random_95=float(np.quantile(drawn, 0.95)),
    )
