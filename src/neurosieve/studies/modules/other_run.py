"""Another run of the same model, which a module or the rows of a new label come from."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int

from neurosieve.activations.store import Activations, ActivationStore
from neurosieve.errors import DataError, RunFolderError
from neurosieve.modules.module_search import OWN, REST
from neurosieve.modules.one_label import Module
from neurosieve.storage.folder import Folder
from neurosieve.studies.modules.fitted_modules import FITTED, FittedModules
from neurosieve.studies.modules.module_work import ModuleWork, check_rows
from neurosieve.studies.run_folder import MODULES, STORE, config_of
from neurosieve.studies.steps import read_step
from neurosieve.typing import Split

_OF_MODEL = ("model", "revision", "site", "layers", "width", "sides")


@dataclass(frozen=True)
class OtherRun:
    """A run folder with activations of the same neurons.

    Attributes:
        run: The folder.
        label: Looked for in it.
        store: Its activations.
    """

    run: Path
    label: str
    store: ActivationStore

    @staticmethod
    def of(work: ModuleWork, run: Path, label: str) -> "OtherRun":
        """Of a folder whose neurons are those of a run.

        Raises:
            RunFolderError: No run folder, or its neurons are others.
            DataError: It has no such label, or no rows of it in some split.
        """
        config_of(run)  # says so where this is no run folder
        other = OtherRun(run, label, ActivationStore(run / STORE))
        ours, theirs = work.store.manifest, other.store.manifest
        if unlike := [key for key in _OF_MODEL if getattr(ours, key) != getattr(theirs, key)]:
            key = unlike[0]
            raise RunFolderError(
                f"modules of {run}",
                expected=f"those of the {key} {getattr(ours, key)}, as neuron ids mean nothing in another model",
                got=f"the {key} {getattr(theirs, key)}",
                remedy="take a run of the same model and site; modules of any models decide together once they are"
                " exported (neurosieve.compact.compose_modules)",
            )
        if label not in theirs.labels:
            raise DataError(
                f"labels of {run}",
                expected=f"{label} among them",
                got=", ".join(theirs.labels),
                remedy="give a run whose labels name it alike, or another label",
            )
        check_rows(other.store, run, [label])
        return other

    def module(self) -> Module:
        """The module that was found there.

        Raises:
            RunFolderError: None was.
        """
        saved = read_step(Folder(self.run), f"{MODULES}/{FITTED}", FittedModules)
        if saved is None:
            remedy = f"run `neurosieve modules {self.run}` first"
            raise RunFolderError(f"run folder {self.run}", expected="modules", got="none", remedy=remedy)
        return next(one.module for one in saved.modules if one.module.label == self.label)

    def rows(self, split: Split) -> Activations:
        """The rows of the label."""
        rows = self.store.read(split)
        own = np.flatnonzero(rows.label == self.store.manifest.labels.index(self.label))
        label, values = np.full(len(own), OWN), rows.values[torch.from_numpy(own)]
        return replace(rows, values=values, label=label, group=rows.group[own], text=rows.text[own])

    def against(self, rest: Activations, split: Split, seed: int | None = None) -> Activations:
        """The rows of the label, and rows of another store as the rest.

        Args:
            rest: Rows of that store.
            split: Of both.
            seed: Draws no more rows of each label of the rest than the new label has; all by default.
        """
        own = self.rows(split)
        kept = np.arange(len(rest.label)) if seed is None else drawn_rows(rest.label, len(own.label), seed)
        return Activations(
            torch.cat([rest.values[torch.from_numpy(kept)], own.values]),
            rest.neurons,
            np.concatenate([np.full(len(kept), REST), own.label]),
            ("rest", self.label),
            np.concatenate([rest.group[kept], own.group]),
            np.concatenate([rest.text[kept], own.text]),
        )


def drawn_rows(label: Int[np.ndarray, " rows"], most: int, seed: int) -> Int[np.ndarray, " some"]:
    """So many rows of each label, drawn by seed; of a label with fewer all. In their order."""
    order = np.random.default_rng(seed).permutation(len(label))
    return np.sort(np.concatenate([order[label[order] == one][:most] for one in np.unique(label)]))
