"""Files, folders of source and the standard library → labelled code, three splits, rows."""

from neurosieve.data.corpora import read_corpus
from neurosieve.data.dataset import Dataset, Example, Pair, Rows, Span
from neurosieve.data.installed import read_installed
from neurosieve.data.labels import SCHEMES, label_spans
from neurosieve.data.reading import read_examples, read_pairs, read_tagging
from neurosieve.data.sampling import DEFAULT_ROWS, Sample, groups_of, sample_rows
from neurosieve.data.stdlib import read_stdlib

__all__ = [
    "DEFAULT_ROWS",
    "SCHEMES",
    "Dataset",
    "Example",
    "Pair",
    "Rows",
    "Sample",
    "Span",
    "groups_of",
    "label_spans",
    "read_corpus",
    "read_examples",
    "read_installed",
    "read_pairs",
    "read_stdlib",
    "read_tagging",
    "sample_rows",
]
