"""Code properties × neurons → the neurons that hold a concept."""

from neurosieve.concepts.guess_language import languages_of
from neurosieve.concepts.latent.alignment import align
from neurosieve.concepts.latent.tree import LatentConcepts, assign, grow_tree
from neurosieve.concepts.neurons.claims import find_concepts
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows, read_concepts
from neurosieve.concepts.texts.explain import explain_examples
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptNeuron
from neurosieve.results.latent_clusters import Alignment

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
