"""One of the runs that are compared: its options, its ranking and smallest set, and some of its rows."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from neurosieve.activations.store import ActivationStore
from neurosieve.activations.unit_keys import unit_keys
from neurosieve.comparison.transferring import Task
from neurosieve.errors import ConfigError, RunFolderError
from neurosieve.probes import ClusterBootstrap
from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Probe
from neurosieve.rankings import Ranking
from neurosieve.results.comparison_pairs import ComparedSide
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.storage.folder import Folder
from neurosieve.studies.compare_options import CompareOptions
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.finished import load_summary
from neurosieve.studies.redundancy.selection import Selection, saved_selection
from neurosieve.studies.run_folder import STORE, config_of
from neurosieve.typing import PathLike, Split

HELD_OUT = 2000  # validation and test rows that are read at most


@dataclass(frozen=True, eq=False)
class SplitRows:
    """Some rows of a split, in the order of their keys, so that runs over the same data hold the same ones.

    Attributes:
        key: Of each unit, ascending, shape [rows].
        x: Standardised features of the live neurons, shape [features, rows].
        label: Class numbers, or values, shape [rows].
        labels: Class names.
        group: Cluster of each row, shape [rows].
        text: Of each unit, shape [rows].
    """

    key: Int[np.ndarray, " rows"]
    x: Float[Tensor, "features rows"]
    label: Num[np.ndarray, " rows"]
    labels: tuple[str, ...]
    group: np.ndarray
    text: np.ndarray


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """A run with its ranking.

    Attributes:
        name: Of its folder, with those above where two have one name.
        folder: Its place.
        config: Its options.
        result: What was found of its task.
        selection: Its probes and rankings.
        options: Of the comparison.
    """

    name: str
    folder: Path
    config: StudyConfig
    result: RedundancyResult
    selection: Selection
    options: CompareOptions

    @staticmethod
    def of(folder: Path, name: str, options: CompareOptions) -> "ComparedRun":
        """Read from its folder.

        Raises:
            RunFolderError: No run folder, no ranking in it, or a study that did not end.
        """
        config = config_of(folder)
        selection = saved_selection(Folder(folder))
        if selection is None or not selection.rankings:
            raise RunFolderError(
                f"run folder {folder}",
                expected="a run with a ranking of its neurons",
                got="none",
                remedy=f"run `neurosieve redundancy {folder}` first",
            )
        return ComparedRun(name, folder, config, load_summary(folder), selection, options)

    @cached_property
    def store(self) -> ActivationStore:
        """Its activations."""
        return ActivationStore(self.folder / STORE)

    @property
    def made_elsewhere(self) -> bool:
        """Its activations are another tool's, so that its model is not known."""
        return self.config.activations is not None

    @property
    def neurons(self) -> Int[np.ndarray, "live 2"]:
        """(layer, index) of its live neurons, layer by layer."""
        return self.selection.scaler.neurons

    @property
    def copies(self) -> int:
        """Features of a neuron: two where units are pairs."""
        return self.selection.scaler.copies

    @property
    def chosen(self) -> NeuronSet | NotMeasured:
        """The headline's smallest set; or why none is claimed."""
        sets = self.result.minimal_sets
        if isinstance(sets, NotMeasured):
            return NotMeasured.because(Reason.NO_SET, f"{self.name}: {sets.text}")
        return sets[0].neurons

    @property
    def set_probe(self) -> Probe:
        """Of that set."""
        return self.selection.sets[0].probe

    def ranking(self, name: str) -> Ranking | None:
        """By its method."""
        return next((one for one in self.selection.rankings if one.name == name), None)

    @cached_property
    def number(self) -> dict[tuple[int, int], int]:
        """Numbers of the live neurons by their ids."""
        return {(layer, index): i for i, (layer, index) in enumerate(self.neurons.tolist())}

    def side(self) -> ComparedSide:
        """What the result says of it."""
        result, chosen = self.result, self.chosen
        return ComparedSide(
            name=self.name,
            folder=str(self.folder),
            model=result.model,
            site=self.store.manifest.site,
            task=result.task,
            labels=result.labels,
            layers=result.layers,
            neurons=result.neurons,
            live=len(self.neurons),
            ranking=self.selection.rankings[0].name
            if isinstance(chosen, NotMeasured)
            else self.selection.sets[0].ranking,
            size=chosen if isinstance(chosen, NotMeasured) else len(chosen),
            study_sha256=result.study_sha256,
        )

    @cached_property
    def train(self) -> SplitRows:
        """Some train rows."""
        return self._read("train", self.options.rows)

    @cached_property
    def test(self) -> SplitRows:
        """Some test rows: all choices were made when the runs ended."""
        return self._read("test", HELD_OUT)

    def _read(self, split: Split, most: int) -> SplitRows:
        key = unit_keys(self.store.units(split))
        taken = np.argsort(key, kind="stable")[:most]
        whole = self.store.read(split)
        x = self.selection.scaler.apply(whole.values[torch.from_numpy(taken)])
        return SplitRows(key[taken], x, whole.label[taken], whole.labels, whole.group[taken], whole.text[taken])

    @cached_property
    def task(self) -> Task:
        """Its rows as probes see them."""
        scaler, train, held = self.selection.scaler, self.train, self._read("validation", HELD_OUT)
        label = torch.from_numpy(scaler.labels(train.label))
        data = SelectionData(
            scaler,
            train.x,
            label.float() if scaler.target else label,
            held.x,
            scaler.labels(held.label),
            held.group,
            train.text,
            held.text,
            len(train.labels),
        )
        options, test = self.options, self.test
        bootstrap = ClusterBootstrap(test.group, draws=self.config.bootstrap, seed=options.seed)
        order = self.selection.rankings[0].order
        return Task(
            data=data,
            x=test.x,
            label=scaler.labels(test.label),
            bootstrap=bootstrap,
            lambdas=self.selection.oracle.lambdas,
            order=order,
            draws=options.draws,
            seed=options.seed,
        )


def compared_runs(folders: list[PathLike], options: CompareOptions) -> list[ComparedRun]:
    """All runs, each with a name of its own.

    Raises:
        ConfigError: Fewer than two, or one of them twice.
        RunFolderError: See `ComparedRun.of`.
    """
    places = [Path(folder).resolve() for folder in folders]
    if len(places) < 2:
        remedy = "name two run folders or more"
        raise ConfigError("compare", expected="two runs or more", got=str(len(places)), remedy=remedy)
    for i, place in enumerate(places):
        if place in places[:i]:
            remedy = "name each run once"
            raise ConfigError(f"run {folders[i]}", expected="each run once", got="the same folder twice", remedy=remedy)
    if options.base is not None and Path(options.base).resolve() not in places:
        remedy = "name it among the runs too"
        raise ConfigError(f"base {options.base}", expected="one of the runs", got="another folder", remedy=remedy)
    return [ComparedRun.of(Path(folder), name, options) for folder, name in zip(folders, _names(places), strict=True)]


def _names(places: list[Path]) -> list[str]:
    """The ends of the paths, as long as it takes to tell them apart."""
    for parts in range(1, max(len(place.parts) for place in places) + 1):
        names = ["/".join(place.parts[-parts:]) for place in places]
        if len(set(names)) == len(names):
            break
    return names
