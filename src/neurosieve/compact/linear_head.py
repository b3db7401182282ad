"""The linear head of a compact model, and what a network in front of it has to offer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from neurosieve.compact.compact_spec import read_tensors, write_tensors
from neurosieve.typing import PathLike

HEAD = "head.safetensors"
PROBE = "probe.safetensors"  # of forms whose own head is another one


@dataclass(frozen=True)
class Head:
    """A linear head on raw values of neurons.

    Attributes:
        weight: Shape [features, outputs]; of pairs a neuron has two features, |u − v| and u · v, side by side.
        bias: Shape [outputs].
    """

    weight: Float[np.ndarray, "features outputs"]
    bias: Float[np.ndarray, " outputs"]

    def save(self, folder: Path, name: str = HEAD) -> None:
        """Write the file."""
        write_tensors(folder, name, {"weight": self.weight, "bias": self.bias})

    @staticmethod
    def load(folder: PathLike, name: str = HEAD) -> "Head":
        """Read it.

        Raises:
            StoreError: It is damaged.
        """
        return read_tensors(folder, name, Head)

    @staticmethod
    def of_probe(folder: PathLike) -> "Head":
        """The head on raw values of neurons that a model was made from.

        Raises:
            StoreError: It is damaged.
        """
        return Head.load(folder, PROBE if (Path(folder) / PROBE).exists() else HEAD)


class BatchNetwork(Protocol):
    """Computes values of each token of a padded batch."""

    @property
    def outputs(self) -> int:
        """Values of a token."""

    def batch(
        self,
        ids: Int[np.ndarray, "batch tokens"],
        mask: Int[np.ndarray, "batch tokens"],
        types: Int[np.ndarray, "batch tokens"] | None,
    ) -> Float[np.ndarray, "batch tokens outputs"]:
        """The values."""
