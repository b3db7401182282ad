"""Code properties × neurons → the neurons that hold a concept."""

from neurosieve.concepts.guess_language import languages_of
from neurosieve.concepts.latent.alignment import Alignment, align
from neurosieve.concepts.latent.tree import LatentConcepts, assign, grow_tree
from neurosieve.concepts.neurons.claims import Concept, ConceptFindings, ConceptNeuron, find_concepts
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows, read_concepts
from neurosieve.concepts.texts.explain import explain_examples

__all__ = [
    "Alignment",
    "Concept",
    "ConceptFindings",
    "ConceptNeuron",
    "ConceptRows",
    "ConceptStore",
    "LatentConcepts",
    "align",
    "assign",
    "concept_rows",
    "explain_examples",
    "find_concepts",
    "grow_tree",
    "languages_of",
    "read_concepts",
]
