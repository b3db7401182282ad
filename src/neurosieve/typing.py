"""The vocabulary of axes and the few names that every stage shares.

Axes, as used in jaxtyping annotations:

    rows      labelled units (tokens)                    neurons   columns; one per live (layer, index)
    layers    blocks + 1, embeddings first               width     neurons of one layer
    batch     sequences in one forward pass              tokens    positions of a padded sequence
    classes   labels of the task                         coords    (neuron, class) pairs in a working set
    clusters  files, lines or functions                  draws     bootstrap resamples or random orders
"""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Pooling = Literal["mean", "first", "last"]
Site = Literal["hidden", "mlp"]
View = Literal["detect", "predict"]  # the model sees the unit, or has to predict it
StoreDtype = Literal["auto", "float16", "bfloat16", "float32"]
Target = Literal["auto", "classes", "values"]
Precision = Literal["float32", "bfloat16", "float16"]

PathLike = str | Path

# Of each row: is its class right; or of a value its part of R² (see `probes.metrics.row_scores`). The mean is the
# accuracy, or R².
Scores = Bool[np.ndarray, " rows"] | Float[np.ndarray, " rows"]


class NeuronId(NamedTuple):
    """One dimension of one layer's output; layer 0 is the embedding output."""

    layer: int
    index: int  # type: ignore[assignment]  # shadows tuple.index, which nobody asks of an id

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}"
