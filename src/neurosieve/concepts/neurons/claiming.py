"""Each value's candidates held to the rule of a claim, by bins first and by their exact values where they pass."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from neurosieve.concepts.neurons.bounds import lacking_above, lacking_by_bounds, lacking_by_score, lacking_on_train
from neurosieve.concepts.neurons.copy_scores import UNTRAINED, UntrainedBest
from neurosieve.concepts.neurons.held_out import HeldOut
from neurosieve.concepts.neurons.known_texts import KnownTexts
from neurosieve.concepts.neurons.resampling import Difference, Measured, difference, precision_of
from neurosieve.concepts.neurons.rivals import RIVALS, Rivals
from neurosieve.concepts.neurons.scores import ConceptScores
from neurosieve.progress import track


@dataclass(frozen=True)
class Found:
    """One value with its candidates.

    Attributes:
        column: Of the value in the scores.
        name: Of the property.
        value: Number of the value.
        candidates: Columns of neurons, the highest average precision on train first.
        positive: Test rows with the value, by the number of the row.
        bins: Of each candidate on these rows, turned round where it is low for the value, shape [candidates, rows].
        rivals: Average precision of each rival on test.
        lacking: What each candidate lacks, in words.
        exact: Exact values of candidates that pass by bins, turned in the same way, by their place.
        measured: Figures of those on test, by files.
        above: How far those are above the best rival; None if there is no interval.
    """

    column: int
    name: str
    value: int
    candidates: Int[np.ndarray, " candidates"]
    positive: Bool[np.ndarray, " rows"]
    bins: Int[np.ndarray, "candidates rows"]
    rivals: Mapping[str, float]
    lacking: list[str]
    exact: dict[int, Float[np.ndarray, " rows"]] = field(default_factory=dict)
    measured: dict[int, Measured] = field(default_factory=dict)
    above: dict[int, Difference | None] = field(default_factory=dict)

    @property
    def rival(self) -> str:
        """The rival of the highest average precision on test."""
        return max(self.rivals, key=self.rivals.__getitem__)

    def scores(self, k: int) -> Num[np.ndarray, " rows"]:
        """A candidate's values: exact ones where they were read."""
        scores: Num[np.ndarray, " rows"] = self.exact.get(k, self.bins[k])
        return scores


@dataclass(frozen=True)
class Claiming:
    """Scores of both splits, and what it takes to claim.

    Attributes:
        train: Of all neurons, from bins.
        test: The same, in the directions found on train.
        held_out: Test rows of the candidates.
        rivals: What needs no model.
        untrained: The best neurons of untrained copies, by the column of the value; empty if there is no copy.
    """

    train: ConceptScores
    test: ConceptScores
    held_out: HeldOut
    rivals: Rivals
    untrained: tuple[UntrainedBest, ...]

    def find(
        self, values: Sequence[tuple[str, int]], candidates: Int[np.ndarray, "strongest values"]
    ) -> Iterator[Found]:
        """Each value (property and number) with what its candidates lack.

        The exact values of those that pass by bins are read once for all values.
        """
        names = [(*pair, candidates[:, i]) for i, pair in enumerate(values)]
        hopes = [self._hopeful(i, *about) for i, about in enumerate(names)]
        wanted = sorted(
            {int(candidates[k, i]) for i, reasons in enumerate(hopes) for k, why in enumerate(reasons) if not why}
        )
        exact = dict(zip(wanted, self.held_out.exact(wanted).T, strict=True)) if wanted else {}
        for i, about in track(list(enumerate(names)), f"{self.held_out.store.view} concepts"):
            candidate = self._found(i, *about, hopes[i])
            self._confirm(candidate, exact)
            yield candidate

    def _confirm(self, candidate: Found, exact: Mapping[int, Float[np.ndarray, " rows"]]) -> None:
        """Measure those that pass by bins on their exact values, compared with the best rival."""
        hopeful = [k for k, why in enumerate(candidate.lacking) if not why]
        rival = self._measure(self.guess(candidate.rival, candidate), candidate) if hopeful else None
        for k in hopeful:
            column = int(candidate.candidates[k])
            candidate.exact[k] = exact[column] * (-1 if self.train.low[column, candidate.column] else 1)
            measured = candidate.measured[k] = self._measure(candidate.exact[k], candidate)
            above = candidate.above[k] = None if rival is None else difference(measured, rival)
            unmeasured = self.held_out.resamples.lacking(candidate.positive)
            candidate.lacking[k] = lacking_by_bounds(measured, unmeasured) or lacking_above(above, candidate.rival)

    def _found(
        self, i: int, name: str, value: int, candidates: Int[np.ndarray, " strongest"], lacking: Iterable[str] = ()
    ) -> Found:
        positive = self.held_out.positive(name, value)
        rivals = {rival: float(self.rivals.precision[rival][name][value]) for rival in RIVALS}
        if self.untrained:
            rivals[UNTRAINED] = precision_of(self.untrained[i].scores, positive)
        bins = np.stack([self.held_out.directed(int(c), bool(self.train.low[c, i])) for c in candidates])
        return Found(i, name, value, candidates, positive, bins, rivals, list(lacking))

    def _hopeful(self, i: int, name: str, value: int, candidates: Int[np.ndarray, " strongest"]) -> list[str]:
        """What candidates lack by their bins, the rival's interval left out."""
        candidate, train, test = self._found(i, name, value, candidates), self.train, self.test
        unmeasured = self.held_out.resamples.lacking(candidate.positive)
        reasons = []
        for k, c in enumerate(candidates):
            why = lacking_on_train(float(train.ap[c, i]), float(train.auroc[c, i]), float(train.q[c, i]))
            scores = float(test.ap[c, i]), float(test.auroc[c, i])
            why = why or lacking_by_score(*scores, candidate.rival, candidate.rivals[candidate.rival])
            reasons.append(why or lacking_by_bounds(self._measure(candidate.bins[k], candidate), unmeasured))
        return reasons

    def _measure(self, scores: Num[np.ndarray, " rows"], candidate: Found) -> Measured:
        return self.held_out.resamples.measure(scores, candidate.positive)

    def measured(self, candidate: Found, k: int) -> tuple[Measured, Difference | None]:
        """A candidate's figures on test; how far it is above the best rival where it passed by bins."""
        if k in candidate.measured:
            return candidate.measured[k], candidate.above[k]
        return self._measure(candidate.bins[k], candidate), None

    def guess(self, rival: str, candidate: Found) -> Float[np.ndarray, " rows"]:
        """A rival's scores by the number of the row."""
        if rival == UNTRAINED:
            return self.untrained[candidate.column].scores
        guess: Float[np.ndarray, " rows"] = self.rivals.scores(rival, candidate.name)[
            self.held_out.order, candidate.value
        ]
        return guess

    @cached_property
    def _known(self) -> KnownTexts:
        return KnownTexts.of(self.rivals, self.held_out)

    def owed_to_unseen(self, candidate: Found, k: int) -> str:
        """That a claimed neuron beats a table of texts only where a text is new, in words; empty if it does not."""
        return self._known.owed(candidate.scores(k), self.guess("lookup", candidate), candidate.positive)
