"""Files, folders of source and the standard library → labelled code, three splits, rows."""

from neurosieve.data.corpora.catalogue import read_corpus
from neurosieve.data.dataset import Dataset, Example, Pair, Rows, Span
from neurosieve.data.readers.installed import read_installed
from neurosieve.data.readers.reading import read_examples, read_pairs, read_tagging
from neurosieve.data.readers.stdlib import read_stdlib
from neurosieve.data.sampling import DEFAULT_ROWS, Sample, groups_of, sample_rows
from neurosieve.data.schemes import SCHEMES, label_spans

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
