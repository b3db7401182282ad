"""Probes on disk: one `NAME.json` with their figures and one `NAME.safetensors` with their weights."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from neurosieve.errors import RunFolderError
from neurosieve.probes.probe import Probe
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object, write_object

_SAID = ("lam", "converged", "violation", "validation")
_TENSORS_HASH = "tensors_sha256"  # none in stages of earlier versions


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
        """Write `NAME.safetensors`, then `NAME.json`, which holds its hash and shows that the stage is done."""
        tensors = dict(self.tensors)
        for key, probe in self.probes.items():
            tensors[f"{key}.feature"] = torch.from_numpy(probe.feature.astype(np.int64))
            tensors |= {f"{key}.weights": probe.weights, f"{key}.intercept": probe.intercept}
        said = {key: {k: getattr(probe, k) for k in _SAID} for key, probe in self.probes.items()}
        # Clones, since probes that are shared between names share memory, which the format does not allow.
        data = save({k: v.cpu().clone().contiguous() for k, v in tensors.items()})
        folder.write(f"{name}.safetensors", data)
        digest = hashlib.sha256(data).hexdigest()
        write_object(folder, f"{name}.json", {"record": dict(self.record), "probes": said, _TENSORS_HASH: digest})

    @staticmethod
    def load(folder: Folder, name: str) -> "Archive":
        """Read what `save` wrote.

        Raises:
            RunFolderError: One of the two files is missing or damaged, or they do not belong together.
            StoreError: One of them cannot be read.
        """
        content = read_object(folder, f"{name}.json", _again(folder, name))
        if content is None:
            raise damaged(folder, name, f"no {name}.json")
        data = folder.read(f"{name}.safetensors", _again(folder, name))
        wanted, came = content.get(_TENSORS_HASH), hashlib.sha256(data).hexdigest()
        if wanted not in (None, came):
            raise RunFolderError(
                f"{folder.url}/{name}.safetensors",
                expected=f"sha256 {str(wanted)[:12]}…, as {name}.json has it",
                got=f"{came[:12]}…",
                remedy=_again(folder, name),
            )
        try:
            tensors = load(data)
            probes = {key: _probe(tensors, key, said) for key, said in content["probes"].items()}
            return Archive(dict(content["record"]), probes, tensors)
        except (SafetensorError, ValueError, LookupError, TypeError, AttributeError) as e:
            raise damaged(folder, name, _said(e)) from e


@runtime_checkable
class Outcome(Protocol):
    """The outcome of a stage, which goes to files and comes back."""

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""

    @staticmethod
    def from_archive(archive: Archive) -> "Outcome":
        """What `archive` returned, as an object again."""


S = TypeVar("S", bound=Outcome)


def load_outcome(folder: Folder, name: str, kind: type[S]) -> S:
    """The outcome of a stage that was saved.

    Raises:
        RunFolderError: Its files are missing or damaged, or hold something else.
        StoreError: One of them cannot be read.
    """
    archive = Archive.load(folder, name)
    try:
        result = kind.from_archive(archive)
    except (LookupError, TypeError, ValueError, AttributeError) as e:
        raise damaged(folder, name, _said(e)) from e
    assert isinstance(result, kind)  # noqa: S101 - for the type checker
    return result


def damaged(folder: Folder, name: str, came: str) -> RunFolderError:
    """The error for a stage's files that do not hold what the stage wrote."""
    return RunFolderError(
        f"{folder.url}/{name}.json and {name}.safetensors",
        expected=f"what the {name} stage wrote",
        got=came,
        remedy=_again(folder, name),
    )


def _again(folder: Folder, name: str) -> str:
    """A study with a summary is done, and computes no stage again."""
    return f"delete {name}.json, and summary.json if it is there, then run `neurosieve redundancy {folder.url}`"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _probe(tensors: dict[str, Tensor], key: str, said: Mapping[str, Any]) -> Probe:
    """The probe, if its parts fit together.

    Raises:
        ValueError: They do not, or a number is not finite.
        LookupError: One is missing.
    """
    feature, weights, intercept = (tensors.pop(f"{key}.{part}") for part in ("feature", "weights", "intercept"))
    numbers = {k: said[k] for k in _SAID}
    shapes = feature.ndim == intercept.ndim == 1 and weights.ndim == 2 and weights.shape[1] == len(intercept)
    copies = len(weights) % max(len(feature), 1) == 0
    types = feature.dtype == torch.int64 and weights.is_floating_point() and intercept.is_floating_point()
    if not (shapes and copies and types):
        parts = ", ".join(f"{x.dtype} {tuple(x.shape)}" for x in (feature, weights, intercept))
        raise ValueError(f"probe {key} of {parts}")
    finite = all(bool(torch.isfinite(x).all()) for x in (weights, intercept))
    types = all(isinstance(v, int | float) and isinstance(v, bool) == (k == "converged") for k, v in numbers.items())
    if not (finite and types):
        raise ValueError(f"probe {key} with values that are no finite numbers")
    return Probe(feature.numpy(), weights, intercept, **numbers)
