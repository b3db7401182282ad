"""The values of each neuron side by side in a file a layer: a page reads its own neuron's bytes alone.

    layer-003.safetensors    values [neurons, rows], as the store holds them; centre, scale, alive, strongest, weakest
                             [neurons]; alike, alike_r [neurons, 5]

The store has a line a row, so that one neuron would cost a pass over all of it. safetensors says at which byte each
tensor begins; a neuron's values follow each other there. Nothing here needs torch: see `column_writing`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open

from neurosieve.errors import StoreError
from neurosieve.results.concept_evidence import Alike
from neurosieve.storage.folder import Folder
from neurosieve.studies.columns.row_file import REDO
from neurosieve.typing import Grid, NeuronId


def file_name(layer: int) -> str:
    """Of a layer's columns."""
    return f"layer-{layer:03d}.safetensors"


@dataclass(frozen=True)
class Column:
    """One neuron on the held-out rows.

    Attributes:
        values: In standard deviations from the train mean, shape [rows].
        mean: Of train rows.
        sd: Of train rows; 1 where it does not vary.
        alive: It varies over train rows.
        alike: The neurons with the largest |r|.
    """

    values: Float[np.ndarray, " rows"]
    mean: float
    sd: float
    alive: bool
    alike: tuple[Alike, ...]


class ColumnFiles:
    """The layers' files, opened once; what is read of them are single neurons' bytes.

    Raises:
        StoreError: A file that is missing or damaged.
    """

    def __init__(self, files: Folder, grid: Grid) -> None:
        self.grid = grid
        self._layers: list[Any] = [_opened(files, layer) for layer in range(grid.layers)]

    def column(self, neuron: NeuronId) -> Column:
        """One neuron's values and figures."""
        f, i = self._layers[neuron.layer], neuron.index
        mean, sd = float(f.get_slice("centre")[i]), float(f.get_slice("scale")[i])
        pairs = zip(f.get_slice("alike")[i].tolist(), f.get_slice("alike_r")[i].tolist(), strict=True)
        alike = tuple(Alike(neuron=self.grid.neuron(column), r=r) for column, r in pairs if r)
        z = (f.get_slice("values")[i].astype(np.float64) - mean) / sd
        return Column(z, mean, sd, bool(f.get_slice("alive")[i]), alike)

    def values_at(self, layer: int, name: str) -> np.ndarray:
        """A figure of all neurons of a layer: `centre`, `scale`, `variance`, `alive`, `strongest` or `weakest`."""
        values: np.ndarray = self._layers[layer].get_tensor(name)
        return values


def layers_of(files: Folder, layers: int, source: str) -> Iterator[int]:
    """Layers whose file is not there, or was made from another store."""
    for layer in range(layers):
        try:
            with safe_open(f"{files.root}/{file_name(layer)}", framework="np") as f:
                there = (f.metadata() or {}).get("source") == source
        except (OSError, SafetensorError):
            there = False
        if not there:
            yield layer


def _opened(files: Folder, layer: int) -> safe_open:
    path = f"{files.root}/{file_name(layer)}"
    try:
        return safe_open(path, framework="np")
    except (OSError, SafetensorError) as e:
        raise StoreError(path, expected="the columns that serve wrote", got=str(e), remedy=REDO) from e
