"""Edits from what train says: means, quantiles and rows to draw from, and the direction between two kinds of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.activations import Activations
from neurosieve.errors import ConfigError, DataError, unknown_name
from neurosieve.interventions.edits import Ablate, Clamp, Steer
from neurosieve.results.interventions import Ablation

Chosen = Mapping[int, tuple[int, ...]]  # indices by layer


def by_layer(neurons: Int[np.ndarray, "neurons 2"]) -> dict[int, tuple[int, ...]]:
    """(layer, index) of some neurons → the indices in each layer."""
    layers = sorted(set(neurons[:, 0].tolist()))
    return {layer: tuple(neurons[neurons[:, 0] == layer, 1].tolist()) for layer in layers}


@dataclass(frozen=True, eq=False)
class TrainRows:
    """The train rows of some layers, and the edits that follow from them.

    They are values of units, means over subwords where rows were read so; an edit puts them at single tokens.

    Attributes:
        layers: Rows of each layer, the same units in the same order, shape [rows, width].
    """

    layers: Mapping[int, Float[Tensor, "rows width"]]

    @staticmethod
    def of(train: Activations) -> "TrainRows":
        """The rows of every layer of a split in memory.

        Raises:
            DataError: Rows of pairs, whose columns are no neurons' values.
        """
        if train.values.shape[1] != len(train.neurons):
            raise DataError("train rows", expected="one column a neuron", got="rows of pairs", remedy="read units")
        layer = train.neurons[:, 0]
        return TrainRows({int(n): train.values[:, torch.from_numpy(layer == n)] for n in np.unique(layer)})

    def ablate(self, chosen: Chosen, kind: Ablation = "mean", seed: int = 0) -> list[Ablate]:
        """Set neurons to 0, to their train mean, or to their values in train rows drawn for each token.

        Raises:
            ConfigError: No such kind, or a layer or neuron of which there are no rows.
        """
        if kind not in get_args(Ablation):
            raise unknown_name("ablation", kind, get_args(Ablation))
        neurons = [(layer, index) for layer, indices in chosen.items() for index in indices]
        if kind == "zero":
            return [*Ablate.zero(neurons)]
        return [*(Ablate.mean(neurons, self) if kind == "mean" else Ablate.resample(neurons, self, seed))]

    def clamp(self, chosen: Chosen, quantile: float) -> list[Clamp]:
        """Hold each neuron at a quantile of its own train values, 0 to 1.

        Raises:
            ConfigError: A layer or neuron of which there are no rows.
        """
        neurons = [(layer, index) for layer, indices in chosen.items() for index in indices]
        return [*Clamp.quantile(neurons, self, quantile)]

    def steer(self, layer: int, toward: Bool[np.ndarray, " rows"], alpha: float) -> Steer:
        """Move a layer by alpha times the way from the mean of the other rows to that of the rows `toward`.

        Raises:
            ConfigError: A layer of which there are no rows.
            DataError: No row on one of the sides.
        """
        rows = self.columns(layer)
        if toward.all() or not toward.any():
            raise DataError(
                "rows to steer toward", expected="some rows, not all", got="one side", remedy="choose others"
            )
        side = torch.from_numpy(toward)
        return Steer(layer, rows[side].mean(0) - rows[~side].mean(0), alpha)

    def columns(self, layer: int, indices: Sequence[int] | None = None) -> Float[Tensor, "rows neurons"]:
        """The values of some neurons of a layer, of all by default.

        Raises:
            ConfigError: A layer or neuron of which there are no rows.
        """
        rows = self.layers.get(layer)
        if rows is None or any(not 0 <= i < rows.shape[1] for i in indices or ()):
            raise ConfigError(
                f"edit of layer {layer}",
                expected=f"neurons of the layers {', '.join(map(str, self.layers))} that were read",
                got="a layer without rows" if rows is None else "an index beyond the layer",
                remedy="read the layers that are to be edited",
            )
        return rows.float() if indices is None else rows[:, list(indices)].float()
