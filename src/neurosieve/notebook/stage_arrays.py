"""What the stages of a study saved, as arrays: rankings and clusters are looked up without torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int
from safetensors import SafetensorError
from safetensors.numpy import load

from neurosieve.errors import RunFolderError
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object
from neurosieve.typing import NeuronId


@dataclass(frozen=True)
class Rankings:
    """The orders that a study made, and which neurons represent clusters.

    Attributes:
        live: Neurons that vary over train rows, (layer, index), shape [neurons, 2].
        dead: The others.
        ranks: Of each ranking the place of each live neuron, from 1, shape [neurons].
        represents: Of each clustering threshold the live neurons that represent clusters, by their number.
    """

    live: Int[np.ndarray, "neurons 2"]
    dead: frozenset[NeuronId]
    ranks: Mapping[str, Int[np.ndarray, " neurons"]]
    represents: Mapping[float, Int[np.ndarray, " some"]]

    def number(self, neuron: NeuronId) -> int | None:
        """Its number among the live neurons; None where it is none of them."""
        places = np.flatnonzero((self.live == np.array(neuron)).all(1))
        return int(places[0]) if len(places) else None

    def to_frame(self) -> pl.DataFrame:
        """One row a live neuron: layer, index, and its place in each ranking."""
        return pl.DataFrame({"layer": self.live[:, 0], "index": self.live[:, 1], **self.ranks})


def read_rankings(files: Folder) -> Rankings | None:
    """The rankings of a run folder; None where its task was not studied.

    Raises:
        RunFolderError: Files that are damaged, or of which one is missing.
    """
    selection = _stage(files, "selection")
    if selection is None:
        return None
    record, arrays = selection
    try:
        live = arrays["scaler.neurons"]
        ranks = {name: np.argsort(arrays[f"ranking.{name}.order"]) + 1 for name in record["rankings"]}
        dead = frozenset(NeuronId(*pair) for pair in record["dead"])
        return Rankings(live, dead, ranks, _represents(files))
    except (LookupError, TypeError) as e:
        raise _damaged(files, "selection", f"{type(e).__name__}: {e}") from e


def _represents(files: Folder) -> dict[float, np.ndarray]:
    stage = _stage(files, "clusters")
    if stage is None:
        return {}
    record, arrays = stage
    return {t: arrays[f"threshold.{i}.feature"] for i, t in enumerate(record["thresholds"])}


def _stage(files: Folder, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """The record and the arrays of a stage; None where it did not run."""
    content = read_object(files, f"{name}.json")
    if content is None:
        return None
    data = files.read(f"{name}.safetensors")
    if content.get("tensors_sha256") not in (None, hashlib.sha256(data).hexdigest()):  # none in earlier versions
        raise _damaged(files, name, "other tensors")
    try:
        return content["record"], load(data)
    except (SafetensorError, ValueError, LookupError) as e:
        raise _damaged(files, name, str(e)) from e


def _damaged(files: Folder, name: str, got: str) -> RunFolderError:
    remedy = f"delete {name}.json and summary.json, then run `neurosieve redundancy {files.url}`"
    subject, expected = f"{files.url}/{name}.json and {name}.safetensors", f"what the {name} stage wrote"
    return RunFolderError(subject, expected=expected, got=got, remedy=remedy)
