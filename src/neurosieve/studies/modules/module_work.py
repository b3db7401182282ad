"""What is read of a run to make modules: its options, its store, and the probe of all labels that it chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from torch import Tensor

from neurosieve.activations.store import Activations, ActivationStore
from neurosieve.errors import DataError, RunFolderError
from neurosieve.modules.module_search import ModuleRule
from neurosieve.probes import ClusterBootstrap, SelectionData, selection_data
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_study
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.module_options import ModuleOptions
from neurosieve.studies.redundancy.selection import Selection, saved_selection
from neurosieve.studies.run_folder import CHANGES, MODULES, STORE, RunFolder, config_of
from neurosieve.studies.steps import Steps
from neurosieve.typing import SPLITS, Grid, PathLike, Split


def check_rows(store: ActivationStore, run: PathLike, labels: Sequence[str]) -> None:
    """Each label has rows in each split.

    Raises:
        DataError: One has none (says where).
    """
    for split in SPLITS:
        counts = np.bincount(store.table(split)["label_id"].to_numpy(), minlength=len(store.manifest.labels))
        if lacking := [label for label in labels if not counts[store.manifest.labels.index(label)]]:
            raise DataError(
                f"module for {lacking[0]!r} of {run}",
                expected=f"rows with the label in {split}",
                got="none",
                remedy="give data of that label, or leave it out (--classes)",
            )


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows of a split as modules read them.

    Attributes:
        values: Activations of all neurons, shape [rows, columns].
        label: Class numbers, shape [rows].
        monolith: What the probe of all labels says, shape [rows].
        bootstrap: Over the rows' clusters.
        group: Cluster of each row, shape [rows].
    """

    values: Tensor
    label: Int[np.ndarray, " rows"]
    monolith: Int[np.ndarray, " rows"]
    bootstrap: ClusterBootstrap
    group: np.ndarray


@dataclass
class ModuleWork:
    """A run whose modules are made or changed.

    Attributes:
        run: Its folder.
        config: Its options.
        folder: To write into.
        store: Its activations.
        chosen: The probe of all labels, and the smallest sets.
    """

    run: PathLike
    config: StudyConfig
    folder: RunFolder
    store: ActivationStore
    chosen: Selection

    @staticmethod
    def of(run: PathLike) -> "ModuleWork":
        """Of a run folder.

        Raises:
            RunFolderError: No run folder, or one whose neurons are not ranked.
            DataError: Labels of which there are no modules.
        """
        config, files = config_of(run), Folder(run)
        chosen = saved_selection(files)
        if chosen is None:
            raise RunFolderError(
                f"run folder {run}",
                expected="ranked neurons (selection.json)",
                got="none",
                remedy=f"run `neurosieve redundancy {run}` first",
            )
        folder = RunFolder(run, config, read_study(files)["data_hashes"])
        work = ModuleWork(run, config, folder, ActivationStore(f"{run}/{STORE}"), chosen)
        work.check_labels()
        return work

    def check_labels(self) -> None:
        """Modules are of classes, of which there are three or more, each with rows.

        Raises:
            DataError: They are not.
        """
        if self.chosen.scaler.target is not None:
            raise self._unfit("labels that are classes", "values")
        if len(self.labels) < 3:
            named = " and ".join(self.labels)
            raise self._unfit(
                "three or more, as of two each is the rest of the other and both modules are one", named or "none"
            )
        check_rows(self.store, self.run, self.labels)

    def _unfit(self, expected: str, got: str) -> DataError:
        remedy = "modules need a study of several labels; `neurosieve export` makes one model of this one"
        return DataError(f"labels of {self.run}", expected=expected, got=got, remedy=remedy)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of their numbers."""
        return tuple(self.store.manifest.labels)

    @property
    def grid(self) -> Grid:
        """The columns of neurons."""
        return self.store.grid

    @property
    def steps(self) -> Steps:
        """Those of modules."""
        return Steps(self.folder, MODULES)

    @property
    def changes(self) -> Steps:
        """What changes of them did."""
        return Steps(self.folder, f"{MODULES}/{CHANGES}")

    @property
    def whole(self) -> Steps:
        """What is kept in the run folder itself: the result."""
        return Steps(self.folder)

    @cached_property
    def data(self) -> SelectionData:
        """Train and validation, standardised."""
        return selection_data(self.store.read("train"), self.store.read("validation"))

    @cached_property
    def validation(self) -> LabelledRows:
        """The validation rows."""
        return self.rows("validation")

    @cached_property
    def test(self) -> LabelledRows:
        """The test rows; nothing is chosen after they were read."""
        return self.rows("test")

    def rows(self, split: Split) -> LabelledRows:
        """The rows of a split, read from the store."""
        return self._with_monolith(self.store.read(split))

    def _with_monolith(self, rows: Activations) -> LabelledRows:
        said = self.chosen.oracle.probe.predict(self.chosen.scaler.apply(rows.values))
        return LabelledRows(rows.values, rows.label, said, self.resamples(rows.group), rows.group)

    def resamples(self, group: np.ndarray) -> ClusterBootstrap:
        """Of some rows' clusters."""
        return ClusterBootstrap(group, draws=self.config.bootstrap, seed=self.config.seed)

    def rule(self, options: ModuleOptions) -> ModuleRule:
        """How modules are sought: as asked, and as the study where nothing is said."""
        config = self.config
        delta = config.deltas[0] / 2 if options.delta is None else options.delta
        return ModuleRule(delta, options.select or config.select[0], options.draws, config.lambdas, config.seed)
