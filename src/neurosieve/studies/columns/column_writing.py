"""Makes a layer's file of columns from the store."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors.torch import save
from torch import Tensor

from neurosieve.activations.store import ActivationStore
from neurosieve.statistics.live import live_neurons, mean_and_variance
from neurosieve.storage.folder import Folder
from neurosieve.studies.columns.column_file import file_name

ALIKE = 5
SAMPLE = 1024  # train rows that correlations are measured on
_BLOCK = 1024  # neurons whose correlations are held at once


@dataclass(frozen=True)
class Scaled:
    """Sampled train rows of some layers, each neuron with mean 0 and length 1; 0 where it does not vary.

    Attributes:
        columns: Numbers of the neurons in the grid, shape [neurons].
        values: Shape [neurons, rows].
    """

    columns: Int[np.ndarray, " neurons"]
    values: Float[Tensor, "neurons rows"]


def sampled(store: ActivationStore, layers: Sequence[int]) -> Scaled:
    """Up to 1,024 train rows, evenly over all, of some layers."""
    total = sum(shard["count"] for shard in store.manifest.shards if shard["split"] == "train")
    wanted = np.unique(np.linspace(0, total - 1, min(SAMPLE, total)).astype(np.int64))
    grid, parts, begin = store.grid, [], 0
    for values, table in store.batches("train", layers):
        here = wanted[(wanted >= begin) & (wanted < begin + table.num_rows)] - begin
        parts.append(values[torch.from_numpy(here)])
        begin += table.num_rows
    x = torch.cat(parts).T.contiguous()
    x -= x.mean(1, keepdim=True)
    length = x.norm(dim=1, keepdim=True)
    columns = np.concatenate([np.arange(len(grid))[grid.layer(layer)] for layer in layers])
    return Scaled(columns, torch.where(length > 0, x / length, 0))


def write_layer(files: Folder, store: ActivationStore, layer: int, source: str, all_layers: Scaled | None) -> None:
    """Write one layer's columns, whole or not at all.

    Args:
        files: The explorer's folder.
        store: Whose layer.
        layer: Its number.
        source: Digest of the store, by which a file of another one is known.
        all_layers: Where like neurons are sought; the layer alone by default.

    Raises:
        ResourceError: Full disk, or no right to write.
        StoreError: A shard that cannot be read.
    """
    grid = store.grid
    centre, variance = mean_and_variance(values for values, _ in store.batches("train", [layer]))
    alive = live_neurons(variance.numpy(), grid.neurons([layer]))
    # As `passes.spread_of` has them: the same standard deviations as in the report, to the last bit.
    scale = variance.sqrt().float()
    values = torch.cat([values for values, _ in store.batches("test", [layer])])
    of_layer = sampled(store, [layer])
    alike, r = _alike(of_layer, all_layers or of_layer)
    tensors = {
        "values": values.to(getattr(torch, _dtype(store, layer))).T.contiguous(),
        "centre": centre.float(),
        "scale": torch.where(scale > 0, scale, 1.0),
        "variance": variance,
        "alive": torch.from_numpy(alive),
        "strongest": values.argmax(0).int(),
        "weakest": values.argmin(0).int(),
        "alike": alike.int(),
        "alike_r": r,
    }
    files.write(file_name(layer), save(tensors, {"source": source}))


def _dtype(store: ActivationStore, layer: int) -> str:
    """Of a layer's values: NumPy, which reads them, has no bfloat16."""
    wider = any(layer in shard["float32_layers"] for shard in store.manifest.shards)
    return "float16" if store.manifest.dtypes[layer] == "float16" and not wider else "float32"


def _alike(mine: Scaled, others: Scaled) -> tuple[Int[Tensor, "neurons some"], Float[Tensor, "neurons some"]]:
    """Of each neuron the columns with the largest |r|, and r."""
    columns, found, most = torch.from_numpy(others.columns), list[tuple[Tensor, Tensor]](), ALIKE + 1
    for begin in range(0, len(mine.columns), _BLOCK):
        part, own = mine.values[begin : begin + _BLOCK], torch.from_numpy(mine.columns[begin : begin + _BLOCK])
        r = part @ others.values.T
        r[own[:, None] == columns[None]] = 0  # itself
        top = r.abs().topk(min(most - 1, r.shape[1]), dim=1).indices
        found.append((columns[top], r.gather(1, top)))
    indices, values = (torch.cat(parts) for parts in zip(*found, strict=True))
    return indices, values.clamp(-1, 1)
