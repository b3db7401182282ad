"""Do neurons, and sets of them, still fire where they fired when held-out files are written otherwise?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.concepts.rewritten import Reading, Rewritten, follows_spelling
from neurosieve.concepts.rows import ConceptStore
from neurosieve.results.concept_sets import ConceptSet
from neurosieve.results.concept_stability import NeuronStability, SetStability, Survival
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptNeuron

_DETECTS = 0.5  # AP on held-out files from which a neuron that is not claimed is measured too


def neuron_stability(store: ConceptStore, findings: ConceptFindings, rewritten: Rewritten) -> list[NeuronStability]:
    """Each claimed neuron of a view; of a value without one its strongest by train, if that detects it at all.

    Cost: one pass over train.
    """
    pairs = [(concept, neuron) for concept in findings.concepts for neuron in _measured(concept)]
    if not pairs:
        return []
    columns = store.columns("train", [n.neuron for _, n in pairs]).float().numpy()
    return [_stability(store, rewritten, *pair, columns[:, i]) for i, pair in enumerate(pairs)]


def _measured(concept: Concept) -> tuple[ConceptNeuron, ...]:
    return concept.claimed or tuple(n for n in concept.neurons[:1] if n.ap >= _DETECTS)


def _stability(
    store: ConceptStore, rewritten: Rewritten, concept: Concept, own: ConceptNeuron, train: Float[np.ndarray, " rows"]
) -> NeuronStability:
    sign, column = -1 if own.low else 1, store.grid.column(own.neuron)
    fired = _fired(store, rewritten, concept, sign * train, lambda values: sign * values[:, column])
    return NeuronStability(
        value=concept.name,
        neuron=own.neuron,
        low=own.low,
        ap=own.ap,
        claimed=own.claimed,
        threshold=sign * fired.threshold,
        rewrites=fired.rewrites,
        renamed=fired.renamed,
        follows_spelling=fired.follows_spelling,
    )


def set_stability(store: ConceptStore, findings: ConceptFindings, rewritten: Rewritten) -> list[SetStability]:
    """Each claimed set of several neurons of a view, read by its weights.

    Cost: one pass over train.
    """
    pairs = [(c, few) for c in findings.concepts if (few := c.claimed_set) and few.size > 1]
    if not pairs:
        return []
    columns = store.columns("train", [n for _, few in pairs for n in few.neurons]).double().numpy()
    ends = np.cumsum([few.size for _, few in pairs])[:-1]
    return [_of_set(store, rewritten, *pair, own) for pair, own in zip(pairs, np.split(columns, ends, 1), strict=True)]


def _of_set(
    store: ConceptStore, rewritten: Rewritten, concept: Concept, few: ConceptSet, train: Float[np.ndarray, "rows k"]
) -> SetStability:
    weights = np.array(few.weights) / train.std(0)  # of values as they are; those of the set are of standardised ones
    centre, columns = train.mean(0), [store.grid.column(neuron) for neuron in few.neurons]
    fired = _fired(store, rewritten, concept, (train - centre) @ weights, lambda x: (x[:, columns] - centre) @ weights)
    return SetStability(
        value=concept.name,
        neurons=few.neurons,
        ap=few.ap,
        threshold=fired.threshold,
        rewrites=fired.rewrites,
        renamed=fired.renamed,
        follows_spelling=fired.follows_spelling,
    )


@dataclass(frozen=True)
class _Fired:
    """Of units with a value at which a score is beyond a threshold, how many it is still beyond."""

    threshold: float
    rewrites: Mapping[str, Survival]
    renamed: Survival
    follows_spelling: bool


def _fired(
    store: ConceptStore,
    rewritten: Rewritten,
    concept: Concept,
    train: Float[np.ndarray, " rows"],
    score: Callable[[Float[np.ndarray, "units neurons"]], Float[np.ndarray, " units"]],
) -> _Fired:
    """Where a score that is high for a value is beyond its best threshold on train, in each way to write the files."""
    value = store.table.values[concept.property_name].index(concept.value)
    threshold = best_threshold(train, store.codes(concept.property_name, "train") == value)

    def fires(reading: Reading) -> Int[np.ndarray, " units"]:
        return (score(reading.values) >= threshold).astype(np.int64)

    base = fires(rewritten.base)
    has = store.table.codes[concept.property_name][rewritten.base.rows] == value
    by_rewrite = {kind: fires(reading) for kind, reading in rewritten.readings.items()}
    found, renamed = rewritten.survivals(by_rewrite, base, has & (base == 1))
    return _Fired(threshold, found, renamed, follows_spelling(found, renamed))


def best_threshold(values: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> float:
    """The value from which on rows overlap best with those that have the value: intersection over union."""
    order = np.argsort(-values, kind="stable")
    hits, beyond = np.cumsum(positive[order]), np.arange(1, len(order) + 1)
    overlap = hits / (beyond + positive.sum() - hits)
    last = np.append(values[order][1:] != values[order][:-1], True)  # equal values stay together
    return float(values[order][np.where(last, overlap, -1).argmax()])
