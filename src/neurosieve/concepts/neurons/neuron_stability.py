"""Do neurons still fire where they fired when held-out files are written otherwise?"""

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.concepts.rewritten import Reading, Rewritten, follows_spelling
from neurosieve.concepts.rows import ConceptStore
from neurosieve.results.concept_stability import NeuronStability
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
    value = store.table.values[concept.property_name].index(concept.value)
    sign = -1 if own.low else 1
    threshold = best_threshold(sign * train, store.codes(concept.property_name, "train") == value)
    column = store.grid.column(own.neuron)

    def fires(reading: Reading) -> Int[np.ndarray, " units"]:
        return (sign * reading.values[:, column] >= threshold).astype(np.int64)

    base = fires(rewritten.base)
    has = store.table.codes[concept.property_name][rewritten.base.rows] == value
    by_rewrite = {kind: fires(reading) for kind, reading in rewritten.readings.items()}
    found, renamed = rewritten.survivals(by_rewrite, base, has & (base == 1))
    return NeuronStability(
        value=concept.name,
        neuron=own.neuron,
        low=own.low,
        ap=own.ap,
        claimed=own.claimed,
        threshold=sign * threshold,
        rewrites=found,
        renamed=renamed,
        follows_spelling=follows_spelling(found, renamed),
    )


def best_threshold(values: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> float:
    """The value from which on rows overlap best with those that have the value: intersection over union."""
    order = np.argsort(-values, kind="stable")
    hits, beyond = np.cumsum(positive[order]), np.arange(1, len(order) + 1)
    overlap = hits / (beyond + positive.sum() - hits)
    last = np.append(values[order][1:] != values[order][:-1], True)  # equal values stay together
    return float(values[order][np.where(last, overlap, -1).argmax()])
