"""The curve of a number over the count of its neurons, and which of its sets is claimed.

The rule is that of values with R² in place of both scores (`bounds.R2`): its lower bound over held-out files, and a
lead over the best rival whose lower bound is 0.1, or half of what the rival leaves. R² is that of the logarithm, see
`told.Numbers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurosieve.concepts.neurons.bounds import lacking_above, lacking_number, lacking_number_on_validation
from neurosieve.concepts.neurons.copy_scores import UNTRAINED
from neurosieve.concepts.neurons.held_out import HeldOut, neuron_ids
from neurosieve.concepts.neurons.resampling import Difference as Lead
from neurosieve.concepts.sparse.curves import Sets, best_copies, held_out_of, spread_of_draws
from neurosieve.concepts.sparse.few_neurons import ChosenSet, FewNeurons
from neurosieve.concepts.sparse.told import Numbers, score_of, truth_of
from neurosieve.probes.intervals import ClusterBootstrap, percentiles
from neurosieve.results.measured import Difference, Interval, NotMeasured
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.text_sets import NumberSet, TextNumber

Guessed = Mapping[str, Float[np.ndarray, "numbers rows"]]
Rows = Float[np.ndarray, " rows"]


def number_curves(
    few: FewNeurons, guessed: Guessed, copies: Sequence[list[Sets]] = (), draws: int = 2000
) -> tuple[TextNumber, ...]:
    """The numbers of a store with their sets.

    Args:
        few: What chooses the sets; it tells `Numbers`.
        guessed: By rival its guess of each number on test rows, in the order of the store and in the unit of `Numbers`.
        copies: The sets of untrained copies, for each of them by number and size.
        draws: Resamples of files.
    """
    held, names = held_out_of(few.store, few.seed, draws), few.told.names if isinstance(few.told, Numbers) else ()
    truth = truth_of(few.store, "test", few.told)[:, held.order]
    resamples = ClusterBootstrap(held.groups, draws=draws, seed=few.seed)
    random, chosen, found = few.random_scores(), few.sets(), list[TextNumber]()
    for i, name in enumerate(names):
        guesses = {rival: guess[i, held.order] for rival, guess in guessed.items()}
        curve = _Curve(few, held, truth[i], guesses, resamples)
        rivals = {rival: score_of(guess, truth[i]) for rival, guess in guesses.items()}
        sets = curve.sets(chosen[i], best_copies(copies, i), random[i])
        found.append(TextNumber(property_name=name, rivals=rivals, sets=sets))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Curve:
    """What the sets of a number are measured with, by the number of the row."""

    few: FewNeurons
    held: HeldOut
    truth: Rows
    guesses: Mapping[str, Rows]
    resamples: ClusterBootstrap

    def sets(
        self, chosen: Sets, copies: Sets, random: Float[np.ndarray, "sizes draws"]
    ) -> tuple[NumberSet, ...] | NotMeasured:
        """The sets by size, or why there are none."""
        if not chosen:
            return NotMeasured.from_text("validation has one number only")
        places = [(place, k) for place, k in enumerate(self.few.sizes) if k in chosen]
        return tuple(self._set(chosen[k], copies.get(k), random[place]) for place, k in places)

    def _set(self, chosen: ChosenSet, copy: ChosenSet | None, random: Float[np.ndarray, " draws"]) -> NumberSet:
        guesses = dict(self.guesses) | ({UNTRAINED: copy.scores} if copy else {})
        scores = {rival: score_of(guess, self.truth) for rival, guess in guesses.items()}
        rival = max(scores, key=scores.__getitem__)
        r2, lead = score_of(chosen.scores, self.truth), self._lead(chosen.scores, guesses[rival])
        interval = self._interval(self._draws(chosen.scores))
        lacking = lacking_number_on_validation(chosen.validation)
        lacking = lacking or lacking_number(r2, interval, rival, scores[rival]) or lacking_above(lead, rival)
        return NumberSet(
            neurons=NeuronSet(neuron_ids(self.few.store, chosen.columns)),
            weights=tuple(chosen.weights.astype(float).round(5).tolist()),
            way=chosen.way,
            validation_r2=chosen.validation,
            r2=r2,
            r2_interval=interval,
            random=spread_of_draws(random),
            untrained=scores.get(UNTRAINED),
            rival=rival,
            rival_r2=scores[rival],
            difference=Difference(value=r2 - scores[rival], interval=None if lead is None else lead.interval),
            lacking=lacking,
        )

    def _draws(self, scores: Rows) -> Float[np.ndarray, " draws"]:
        """R² in each resample of files."""
        squares = self.resamples.means(self.truth**2)
        left: Float[np.ndarray, " draws"] = self.resamples.means((self.truth - scores) ** 2)
        return 1 - left / np.where(squares > 0, squares, np.nan)

    def _interval(self, draws: Float[np.ndarray, " draws"]) -> Interval | None:
        return percentiles(draws[np.isfinite(draws)]) if self.resamples.clusters > 1 else None

    def _lead(self, scores: Rows, rival: Rows) -> Lead | None:
        """How far R² is above a rival's, paired by files."""
        own, other = self._draws(scores), self._draws(rival)
        if (interval := self._interval(own - other)) is None:
            return None
        half = own - (1 + other) / 2
        value = score_of(scores, self.truth) - score_of(rival, self.truth)
        return Lead(value, interval, float(np.nanquantile(half, 0.025)))
