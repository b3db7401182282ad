"""The curve of a value over the number of its neurons, and which of its sets is claimed.

A set is held to the rule of single neurons (METHOD.md): AP ≥ 0.8 and AUROC ≥ 0.9 by lower bounds over held-out files,
and an AP above the best rival's by 0.1 or by half of what that leaves, by its lower bound. The rival that is a model
too has as many neurons, chosen in the same way in an untrained copy. A size is tried on test only if the set has the
AP and AUROC on validation, and sizes are tried from the smallest up.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Num

from neurosieve.concepts.neurons.bounds import (
    lacking_above,
    lacking_by_bounds,
    lacking_by_score,
    lacking_on_validation,
)
from neurosieve.concepts.neurons.claims import MIN_ROWS, NOT_GIVEN, find_concepts
from neurosieve.concepts.neurons.copy_scores import UNTRAINED
from neurosieve.concepts.neurons.held_out import HeldOut, neuron_ids
from neurosieve.concepts.neurons.known_texts import KnownTexts
from neurosieve.concepts.neurons.passes import values_with_rows
from neurosieve.concepts.neurons.resampling import Measured, difference, few_levels, precision_of
from neurosieve.concepts.neurons.rivals import Guesses, Rivals
from neurosieve.concepts.rows import ConceptStore
from neurosieve.concepts.sparse.few_neurons import ChosenSet, FewNeurons, area_of
from neurosieve.errors import ConfigError
from neurosieve.progress import track
from neurosieve.results.concept_sets import ConceptSet
from neurosieve.results.concepts import Concept, ConceptFindings
from neurosieve.results.measured import Difference, NotMeasured, Spread
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.threads import map_threads

SIZES = (1, 2, 4, 8, 16, 32)
Sets = dict[int, ChosenSet]


def find_concept_sets(
    store: ConceptStore,
    *,
    sizes: Sequence[int] | None = None,
    min_rows: int = MIN_ROWS,
    draws: int = 2000,
    seed: int = 0,
    untrained: Iterable[ConceptStore] | NotMeasured = NOT_GIVEN,
) -> ConceptFindings:
    """Single neurons as `find_concepts`, and for each value the sets of few neurons, in one view.

    Args:
        store: Rows of the view.
        sizes: Of the sets; by default 1, 2, 4, 8, 16 and 32, as far as there are live neurons. An empty one leaves
            them out.
        min_rows: As in `find_concepts`, as are the next three.
        draws: Resamples of files.
        seed: Of rows, draws and resamples.
        untrained: The same rows read by untrained copies, one after the other; or why there are none.

    Raises:
        ConfigError: A size above the live neurons, or below 1.
        DataError: As `find_concepts`.
    """
    values, asked = values_with_rows(store, min_rows), tuple(sorted(set(SIZES if sizes is None else sizes)))
    few = FewNeurons.of(store, values, asked, seed) if values.names and asked else None
    if few and sizes is not None:
        refuse_sizes(asked, few)
    copies = list[list[Sets]]()

    def chosen_too(stores: Iterable[ConceptStore]) -> Iterator[ConceptStore]:
        for copy in stores:
            if few:
                copies.append(FewNeurons.of(copy, values, few.sizes, seed).sets())
            yield copy

    given = untrained if isinstance(untrained, NotMeasured) else chosen_too(untrained)
    findings = find_concepts(store, min_rows=min_rows, draws=draws, seed=seed, untrained=given)
    return replace(findings, concepts=with_sets(few, findings.concepts, copies, draws)) if few else findings


def refuse_sizes(asked: tuple[int, ...], few: FewNeurons) -> None:
    """Check that sets can have the sizes that were asked for, in rising order.

    Raises:
        ConfigError: A size above the live neurons, or below 1.
    """
    if few.sizes == asked and min(asked, default=1) >= 1:
        return
    wrong = next((k for k in asked if k < 1), asked[-1])
    raise ConfigError(
        f"set of {wrong} neurons",
        expected=f"1 to {len(few.sample.live):,}, the live neurons",
        got=f"{wrong:,}",
        remedy="change --set concepts.sizes",
    )


def with_sets(
    few: FewNeurons,
    found: Sequence[Concept],
    copies: Sequence[list[Sets]] = (),
    draws: int = 2000,
    guesses: Guesses | None = None,
) -> tuple[Concept, ...]:
    """Concepts with their sets.

    Args:
        few: What chooses the sets of the store.
        found: One concept for each of its values, in their order.
        copies: The sets of untrained copies, for each of them by value and size.
        draws: Resamples of files.
        guesses: The rivals that need no model; by default those of tokens.

    Cost: 40 values of 9,984 neurons and 40,000 train tokens: `python -m benchmarks.concept_sets`.
    """
    held = held_out_of(few.store, few.seed, draws)
    guesses = guesses or Rivals.of(few.store)
    known = KnownTexts.of(guesses, held) if isinstance(guesses, Rivals) else None
    curves = _Curves(few, held, guesses, known, few.random_scores())
    numbers = [(c.property_name, few.store.table.values[c.property_name].index(c.value)) for c in found]
    chosen = few.sets()

    def with_own(i: int) -> Concept:
        return replace(found[i], sets=curves.of(found[i], numbers[i], i, chosen[i], best_copies(copies, i)))

    return tuple(map_threads(with_own, track(range(len(found)), f"{few.store.view} curves")))


def held_out_of(store: ConceptStore, seed: int, draws: int) -> HeldOut:
    """Test rows without neurons of their own."""
    order = np.argsort(store.numbers("test"), kind="stable")
    return HeldOut(store, np.empty((0, len(order)), dtype=np.uint8), {}, order, seed, draws)


def best_copies(copies: Sequence[list[Sets]], i: int) -> Sets:
    """Of each size the set of the untrained copy that is best on validation."""
    sizes = sorted({k for sets in copies for k in sets[i]})
    return {k: max((sets[i][k] for sets in copies if k in sets[i]), key=_on_validation) for k in sizes}


def _on_validation(chosen: ChosenSet) -> float:
    return chosen.validation


@dataclass(frozen=True)
class _Curves:
    """What the sets of all values are measured with."""

    few: FewNeurons
    held: HeldOut
    guesses: Guesses
    known: KnownTexts | None
    random: Float[np.ndarray, "values sizes draws"]

    def of(
        self, concept: Concept, value: tuple[str, int], i: int, chosen: Sets, copies: Sets
    ) -> tuple[ConceptSet, ...] | NotMeasured:
        """The sets of a value by size, or why there are none."""
        if not chosen:
            return NotMeasured.from_text("validation has no row with the value, or none without it")
        positive, sets, claimed = self.held.positive(*value), list[ConceptSet](), False
        for place, k in enumerate(self.few.sizes):
            if k in chosen:
                trial = _Trial(self, concept, value, positive, chosen[k], copies.get(k))
                sets.append(trial.result(self.random[i, place], exact=not claimed))
                claimed = claimed or not sets[-1].lacking
        return tuple(sets)


@dataclass(frozen=True, eq=False)
class _Trial:
    """One set of a value on test."""

    curves: _Curves
    concept: Concept
    value: tuple[str, int]
    positive: Bool[np.ndarray, " rows"]
    chosen: ChosenSet
    copy: ChosenSet | None

    def result(self, random: Float[np.ndarray, " draws"], *, exact: bool) -> ConceptSet:
        """Its figures; those that pass by 256 levels are measured on their exact scores where that is asked for."""
        chosen, held = self.chosen, self.curves.held
        (rival, rival_ap), ap = self._best_rival, precision_of(chosen.scores, self.positive)
        auroc, above = area_of(chosen.scores, self.positive), None
        lacking = lacking_on_validation(chosen.validation, chosen.validation_auroc)
        lacking = lacking or lacking_by_score(ap, auroc, rival, rival_ap)
        figures = self._measure(chosen.scores, exact=False)
        lacking = lacking or self._unsure(figures)
        if not lacking:
            figures = self._measure(chosen.scores, exact=exact)
            above = difference(figures, self._measure(self._guess(rival), exact=exact))
            lacking = self._unsure(figures) or lacking_above(above, rival)
        return ConceptSet(
            neurons=NeuronSet(neuron_ids(self.curves.few.store, chosen.columns)),
            weights=tuple(chosen.weights.astype(float).round(5).tolist()),
            way=chosen.way,
            validation_ap=chosen.validation,
            validation_auroc=chosen.validation_auroc,
            ap=ap,
            ap_interval=figures.ap_interval,
            auroc=auroc,
            auroc_interval=figures.auroc_interval,
            unseen_ap=held.unseen_precision(chosen.scores, self.positive),
            random=spread_of_draws(random),
            untrained=self._untrained,
            rival=rival,
            rival_ap=rival_ap,
            difference=Difference(value=ap - rival_ap, interval=None if above is None else above.interval),
            lacking=lacking,
            note="" if lacking or not exact else self._owed(),
        )

    @cached_property
    def _untrained(self) -> float | None:
        return None if self.copy is None else precision_of(self.copy.scores, self.positive)

    @property
    def _best_rival(self) -> tuple[str, float]:
        rivals = {name: self.concept.rivals[name] for name in self.curves.guesses.names} | {UNTRAINED: self._untrained}
        return max(((name, ap) for name, ap in rivals.items() if ap is not None), key=lambda pair: pair[1])

    def _measure(self, scores: Num[np.ndarray, " rows"], *, exact: bool) -> Measured:
        ranked = scores if exact else few_levels(scores, int(self.positive.sum()))
        return self.curves.held.resamples.measure(ranked, self.positive)

    def _unsure(self, figures: Measured) -> str:
        return lacking_by_bounds(figures, self.curves.held.resamples.lacking(self.positive))

    def _guess(self, rival: str) -> Float[np.ndarray, " rows"]:
        """A rival's scores by the number of the row."""
        if rival == UNTRAINED and self.copy is not None:
            return self.copy.scores
        name, value = self.value
        guess: Float[np.ndarray, " rows"] = self.curves.guesses.scores(rival, name)[self.curves.held.order, value]
        return guess

    def _owed(self) -> str:
        if self.curves.known is None:  # nearly all whole texts are new
            return ""
        return self.curves.known.owed(self.chosen.scores, self._guess("lookup"), self.positive)


def spread_of_draws(draws: Float[np.ndarray, " draws"]) -> Spread:
    """The scores of drawn sets."""
    low, median, high = (float(q) for q in np.quantile(draws, (0, 0.5, 1)))
    return Spread(mean=float(draws.mean()), median=median, low=low, high=high)
