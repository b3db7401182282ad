"""Concept neurons of one run that are claimed in another too, beside claims drawn anew in each layer."""

import numpy as np

from neurosieve.comparison.shares import share_interval
from neurosieve.results.comparison_parts import Chance, KeptConcepts, KeptValue, cell
from neurosieve.results.concepts import Concept, ConceptResult
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.statistics.overlap_laws import law_interval, shared_law


def kept_claims(a: ConceptResult, b: ConceptResult) -> KeptConcepts | NotMeasured:
    """Which neurons stayed, for each value that both runs looked for and the first has a claimed neuron of."""
    theirs = {_name(c): c for view in b.views.values() for c in view.concepts}
    both = [(c, theirs[_name(c)]) for view in a.views.values() for c in view.concepts if _name(c) in theirs]
    claimed = [(own, other) for own, other in both if own.claimed]
    if not claimed:
        return NotMeasured.because(Reason.NO_CONCEPTS, "both runs with a neuron that was claimed in the first")
    width = a.neurons // a.layers
    law, values = np.ones(1), []
    for own, other in claimed:
        kept = own.claimed_neurons & other.claimed_neurons
        values.append(KeptValue(name=_name(own), a=len(own.claimed), b=len(other.claimed), kept=kept))
        counts = (_by_layer(concept, a.layers) for concept in (own, other))
        law = np.convolve(law, shared_law([width] * a.layers, *counts))
    claims, hits = sum(one.a for one in values), sum(len(one.kept) for one in values)
    low, high = law_interval(law)
    chance = float(law @ np.arange(len(law)))
    figure = cell(
        hits / claims, share_interval(hits, claims), chance / claims, (low / claims, high / claims), Chance.LAYERS
    )
    return KeptConcepts(values=tuple(values), kept=figure)


def _name(concept: Concept) -> str:
    return f"{concept.view} {concept.name}"


def _by_layer(concept: Concept, layers: int) -> list[int]:
    found: list[int] = np.bincount([n.neuron.layer for n in concept.claimed], minlength=layers).tolist()
    return found
