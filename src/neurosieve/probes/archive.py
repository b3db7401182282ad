"""Probes on disk: one `NAME.json` with what is said of them and one `NAME.safetensors` with their weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from neurosieve.errors import RunFolderError, StoreError
from neurosieve.folder import Folder
from neurosieve.probes.probe import Probe

_SAID = ("lam", "converged", "violation", "validation")


@dataclass(frozen=True)
class Archive:
    """A stage's outcome in parts that files can hold.

    Attributes:
        record: Plain values.
        probes: By name.
        tensors: By name.
    """

    record: Mapping[str, Any]
    probes: Mapping[str, Probe] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def save(self, folder: Folder, name: str) -> None:
        """Write `NAME.safetensors`, then `NAME.json`, which shows that the stage is done."""
        tensors = dict(self.tensors)
        for key, probe in self.probes.items():
            tensors[f"{key}.feature"] = torch.from_numpy(probe.feature.astype(np.int64))
            tensors |= {f"{key}.weights": probe.weights, f"{key}.intercept": probe.intercept}
        said = {key: {k: getattr(probe, k) for k in _SAID} for key, probe in self.probes.items()}
        # Clones, since probes that are shared between names share memory, which the format does not allow.
        folder.write(f"{name}.safetensors", save({k: v.cpu().clone().contiguous() for k, v in tensors.items()}))
        text = json.dumps({"record": dict(self.record), "probes": said}, indent=1, allow_nan=False, ensure_ascii=False)
        folder.write(f"{name}.json", text.encode())

    @staticmethod
    def load(folder: Folder, name: str) -> "Archive":
        """Read what `save` wrote.

        Raises:
            RunFolderError: One of the two files is missing or damaged.
        """
        try:
            tensors = load(folder.read(f"{name}.safetensors"))
            content = json.loads(folder.read(f"{name}.json"))
            probes = {key: _probe(tensors, key, said) for key, said in content["probes"].items()}
            return Archive(content["record"], probes, tensors)
        except (StoreError, SafetensorError, ValueError, LookupError, TypeError) as e:
            raise damaged(folder, name, e) from e


def damaged(folder: Folder, name: str, error: Exception) -> RunFolderError:
    """The error for a stage's files that do not hold what the stage wrote."""
    return RunFolderError(
        f"{folder.url}/{name}.json and {name}.safetensors",
        expected=f"what the {name} stage wrote",
        got=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
        remedy=f"delete {name}.json and run again",
    )


def _probe(tensors: dict[str, Tensor], key: str, said: Mapping[str, Any]) -> Probe:
    feature, weights, intercept = (tensors.pop(f"{key}.{part}") for part in ("feature", "weights", "intercept"))
    return Probe(feature.numpy(), weights, intercept, **{k: said[k] for k in _SAID})
