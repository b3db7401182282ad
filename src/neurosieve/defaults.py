"""Numbers that options and libraries share; apart from both, so that a help text loads no torch."""

from neurosieve.choices import Split

PATH_LENGTH = 13  # values on the oracle's regularisation path
MASKED_PARTS = 7  # of a window's units one part is masked at a time: about 15 %, as encoders are trained
CONCEPT_TOKENS: dict[Split, int] = {"train": 40_000, "validation": 10_000, "test": 20_000}
SET_ROWS: dict[Split, int] = {"train": 100, "validation": 100, "test": 150}  # of each value of a property
DEFAULT_ROWS: dict[Split, int] = {"train": 2000, "validation": 270, "test": 340}  # of each class
LABEL_SCHEMES = ("lexical", "identifier-role")  # what `data.schemes` can label source code by
# Ways to write code otherwise, see `data.corpora.rewrites`.
REWRITES = ("renamed", "layout", "comments", "reordered")
