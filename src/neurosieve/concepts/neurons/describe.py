"""One sentence on a neuron, from its scores alone: what it is claimed for, and how far it is from a guess."""

from collections.abc import Sequence

from neurosieve.concepts.neurons.bounds import Q
from neurosieve.results.concepts import GUESS, Concept, ConceptNeuron
from neurosieve.typing import NeuronId

CLEAR = 0.7  # AUROC of a value that is named in addition to the claimed ones
MOST = 3
_RIVALS = {
    "column": "the column in the line",
    "token-in-line": "the place among the tokens of the line",
    "token-in-statement": "the place in the statement",
    "token-in-file": "the place among the tokens of the file",
    "file-part": "the part of the file",
    "position": "the place in line and file",  # in records of earlier versions
    "length": "the length of the {token}",
    "frequency": "how often train has the {token}",
    "lookup": "the text of the {token}",
    "shape": "the first and last character, digits and case of the {token}",
    "untrained": "the best neuron of an untrained copy",
}
_TOKEN = {"detect": "token", "predict": "last token"}  # what rivals see
_Found = tuple[Concept, ConceptNeuron]


def describe(neuron: NeuronId, concepts: Sequence[Concept], layers: int) -> str:
    """A description of a neuron from the findings.

    Args:
        neuron: Its id.
        concepts: What was found for each value, of one view or of both.
        layers: Blocks + 1.

    A value is claimed as in `find_concepts`. Without a claim the sentence says so, and what the nearest one lacks; a
    value that is detected less clearly (AUROC of 0.7 at least, q of at most 0.05) is named as such and no more.
    """
    claims = [(c, n) for c in concepts for n in c.neurons if n.neuron == neuron]
    claimed = sorted((p for p in claims if p[1].claimed), key=lambda p: -p[1].ap)
    weaker = sorted((p for p in claims if not p[1].claimed), key=lambda p: p[0].base - p[1].ap)
    where = f"{neuron} (layer {neuron.layer} of {layers - 1})"
    if claimed:
        parts = [f"{where} is {_claim_text(claimed[0])}", *(_claim_text(p) for p in claimed[1:MOST])]
        hidden = len(claimed) - len(parts)
        parts += [f"{hidden} more"] if hidden else []
        sentence = "; also ".join(parts)
    elif weaker:
        first, weaker = weaker[0], weaker[1:]
        sentence = (
            f"{where} is claimed for no value; nearest, it is {_claim_text(first)}, not claimed: {first[1].lacking}"
        )
    else:
        sentence = f"{where} is among the strongest neurons of no value"
    clear = sorted((p for p in weaker if _is_clear(p[1])), key=lambda p: -p[1].auroc)
    less = [f"{_direction(*p)} (AUROC {p[1].auroc:.2f}; a guess has 0.50)" for p in clear[:MOST]]
    return f"{sentence}; less clearly {', '.join(less)}." if less else f"{sentence}."


def _is_clear(neuron: ConceptNeuron) -> bool:
    return neuron.auroc >= CLEAR and neuron.q is not None and neuron.q <= Q


def _claim_text(claim: _Found) -> str:
    concept, neuron = claim
    (best, ap), against = concept.rival, f"{GUESS} has {concept.base:.2f}"
    if best != GUESS:
        against = f"{_RIVALS[best].format(token=_TOKEN[concept.view])} has {ap:.2f}, {against}"
    note = f"; {neuron.note}" if neuron.note else ""
    return f"{_direction(concept, neuron)} (AP {neuron.ap:.2f}; {against}{note})"


def _direction(concept: Concept, neuron: ConceptNeuron) -> str:
    side = "low" if neuron.low else "high"
    return f"{side} {'on' if concept.view == 'detect' else 'before'} {concept.name}"
