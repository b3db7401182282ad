"""The vocabulary of axes and the few names that every stage shares.

Axes, as used in jaxtyping annotations:

    rows      labelled units (tokens)                    neurons   columns; one per live (layer, index)
    layers    blocks + 1, embeddings first               width     neurons of one layer
    batch     sequences in one forward pass              tokens    positions of a padded sequence
    classes   labels of the task                         coords    (neuron, class) pairs in a working set
    clusters  files, lines or functions                  draws     bootstrap resamples or random orders
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.choices import SPLITS as SPLITS
from neurosieve.choices import CopyPrecision as CopyPrecision
from neurosieve.choices import Draw as Draw
from neurosieve.choices import Pooling as Pooling
from neurosieve.choices import Precision as Precision
from neurosieve.choices import Site as Site
from neurosieve.choices import Split as Split
from neurosieve.choices import StoreDtype as StoreDtype
from neurosieve.choices import Target as Target
from neurosieve.choices import View as View

PathLike = str | Path

# Of each row: is its class right; or of a value its part of R² (see `probes.metrics.row_scores`). The mean is the
# accuracy, or R².
Scores = Bool[np.ndarray, " rows"] | Float[np.ndarray, " rows"]


class NeuronId(NamedTuple):
    """One dimension of one layer's output; layer 0 is the embedding output.

    Examples:
        >>> neuron = ns.NeuronId(0, 39)
        >>> print(neuron, neuron.layer, neuron == (0, 39))
        0:39 0 True
    """

    layer: int
    index: int  # type: ignore[assignment]  # shadows tuple.index, which nobody asks of an id

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}"


@dataclass(frozen=True)
class Grid:
    """The columns of activations that neurons have: layer by layer, column = layer · width + index.

    Attributes:
        layers: Number of them.
        width: Neurons of each.
    """

    layers: int
    width: int

    def __len__(self) -> int:
        return self.layers * self.width

    def __contains__(self, neuron: NeuronId) -> bool:
        return 0 <= neuron.layer < self.layers and 0 <= neuron.index < self.width

    def layer(self, number: int) -> slice:
        """The columns of a layer."""
        return slice(number * self.width, (number + 1) * self.width)

    def column(self, neuron: NeuronId) -> int:
        """The column of a neuron."""
        return neuron.layer * self.width + neuron.index

    def columns(self, neurons: Int[np.ndarray, "some 2"]) -> Int[np.ndarray, " some"]:
        """The columns of neurons, given as (layer, index)."""
        columns: Int[np.ndarray, " some"] = neurons[:, 0] * self.width + neurons[:, 1]
        return columns

    def neuron(self, column: int) -> NeuronId:
        """The neuron of a column."""
        return NeuronId(*divmod(column, self.width))

    def neurons(self, layers: Iterable[int] | None = None) -> Int[np.ndarray, "columns 2"]:
        """(layer, index) of each column, shape [columns, 2]; of some layers side by side, or of all."""
        wanted = np.arange(self.layers) if layers is None else np.fromiter(layers, dtype=np.int64)
        return np.stack([np.repeat(wanted, self.width), np.tile(np.arange(self.width), len(wanted))], 1)
