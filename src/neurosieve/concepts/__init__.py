"""Code properties × neurons → the neurons that hold a concept."""

from neurosieve.concepts.claims import Concept, ConceptFindings, ConceptNeuron, find_concepts
from neurosieve.concepts.explain import explain_examples
from neurosieve.concepts.languages import languages_of
from neurosieve.concepts.latent import LatentConcepts, assign, grow_tree
from neurosieve.concepts.latent_alignment import Alignment, align
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows, read_concepts

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
