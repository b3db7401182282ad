"""Compact networks that torch computes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from neurosieve.compact.compact_spec import CompactSpec
from neurosieve.compact.cut_network import ChosenNeurons, load_network
from neurosieve.compact.linear_head import BatchNetwork, Head
from neurosieve.compact.standard_head import load_standard
from neurosieve.typing import PathLike


@dataclass(frozen=True)
class TorchNeurons:
    """Values of chosen neurons, by torch."""

    chosen: ChosenNeurons

    @property
    def outputs(self) -> int:
        """How many neurons."""
        return self.chosen.outputs

    def batch(self, ids: np.ndarray, mask: np.ndarray, types: np.ndarray | None) -> np.ndarray:
        """Their values for each token."""
        given = [torch.from_numpy(x) if x is not None else None for x in (ids, mask, types)]
        assert given[0] is not None and given[1] is not None  # noqa: S101, PT018 - for the type checker
        values: np.ndarray = self.chosen(given[0], given[1], given[2]).cpu().numpy()
        return values


def load_torch(folder: PathLike, spec: CompactSpec, device: str) -> tuple[BatchNetwork, Head | None]:
    """The network of a folder and its head."""
    if spec.form == "standard":
        return load_standard(folder, spec), None
    model = load_network(folder, spec, device=device)
    return TorchNeurons(ChosenNeurons.of(model, spec.neurons)), Head.load(Path(folder))
