"""Train and validation rows of a run folder, or planted ones, for measurements of probes."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import need_folder
from neurosieve.activations.store import Activations, ActivationStore
from neurosieve.probes import SelectionData, selection_data


def run_data(run: Path | str, rows: int | None = None, neurons: int | None = None) -> SelectionData:
    """Rows of a folder that `neurosieve run` or `neurosieve extract` wrote, all or some, of all live neurons or some.

    Args:
        run: The run folder.
        rows: Train rows that are drawn; all by default.
        neurons: Live neurons that are drawn; all by default.
    """
    store = ActivationStore(need_folder(Path(run) / "activations"))
    data, rng = selection_data(store.read("train"), store.read("validation")), np.random.default_rng(0)
    if rows and rows < data.x.shape[1]:
        chosen = np.isin(np.arange(data.x.shape[1]), rng.choice(data.x.shape[1], rows, replace=False))
        data = data.rows(chosen, np.ones(len(data.label_validation), dtype=bool))
    if neurons and neurons < len(data.neurons):
        data = data.columns(np.sort(rng.choice(len(data.neurons), neurons, replace=False)))
    return data


def planted_data(rows: int, layers: int, width: int, classes: int = 6) -> SelectionData:
    """Rows of token types whose classes some correlated neurons of every layer follow; a fifth as many validate."""
    rng = np.random.default_rng(0)
    types = rng.integers(0, 40 * classes, rows + max(classes, rows // 5))
    label, mix = types % classes, rng.standard_normal((16, layers * width))
    hidden = rng.standard_normal((40 * classes, 16))[types] + rng.standard_normal((len(types), 16))
    values = hidden @ mix / 4 + rng.standard_normal((len(types), layers * width))
    follow = rng.standard_normal((classes, layers * width)) * (np.arange(layers * width) % 8 == 0)
    values += follow[label]
    ids = np.stack([np.repeat(np.arange(layers), width), np.tile(np.arange(width), layers)], 1)
    text = np.array([f"t{i}" for i in types], dtype=object)
    names = tuple(f"class {i}" for i in range(classes))

    def part(chosen: slice) -> Activations:
        x = torch.from_numpy(values[chosen].astype(np.float32))
        return Activations(x, ids, label[chosen], names, np.arange(len(x)), text[chosen])

    return selection_data(part(slice(None, rows)), part(slice(rows, None)))
