"""What a new head is fitted on: a compact model of a run, built here, or one that was exported before."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from neurosieve.compact.building import make_spec, write_full, write_record, write_table
from neurosieve.compact.compact_model import CompactModel
from neurosieve.compact.compact_spec import COMPACT, CompactSpec
from neurosieve.compact.cut_network import ChosenNeurons
from neurosieve.compact.linear_head import Head
from neurosieve.compact.refitting import up_to_head, with_head
from neurosieve.compact.torch_network import TorchNeurons
from neurosieve.compact.unit_reader import UnitReader
from neurosieve.errors import RunFolderError
from neurosieve.results.export import Form
from neurosieve.storage.records import STUDY
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.export.choosing import Chosen, choose
from neurosieve.studies.export.evidence_files import read_card
from neurosieve.studies.export.first_holding import unit_kind
from neurosieve.studies.export_options import ExportOptions
from neurosieve.typing import NeuronId, PathLike

_NEW = ", new head"


@dataclass(frozen=True)
class FitStart:
    """A compact model and what is known of it.

    Attributes:
        folder: Of the model.
        form: Of the model.
        source: Which probe of its study it holds.
        delta: Loss that was allowed when it was chosen.
        rule: How that was held.
        study: Options of its study.
        chosen: The run that it was built of here; None where it was exported before.
    """

    folder: Path
    form: Form
    source: str
    delta: float
    rule: Literal["point", "safe"]
    study: StudyConfig
    chosen: Chosen | None

    @staticmethod
    def of(source: PathLike, place: Path) -> "FitStart":
        """Of a run or an exported model.

        Args:
            source: Folder of either.
            place: Empty folder to build into.

        Raises:
            RunFolderError: Neither.
        """
        if (Path(source) / COMPACT).exists():
            card = read_card(source)
            name = card.source.removesuffix(_NEW)
            return FitStart(Path(source), card.form, name, card.delta, card.rule, make_config(options=card.study), None)
        if not (Path(source) / STUDY).exists():
            got = "neither" if Path(source).is_dir() else "no folder"
            raise RunFolderError(
                f"folder {source}",
                expected=f"a finished run ({STUDY}) or an exported model ({COMPACT})",
                got=got,
                remedy="give the --out of `neurosieve run` or `neurosieve export`",
            )
        chosen = choose(source, ExportOptions(), place)
        point, asked = chosen.built.way.point, chosen.asked
        return FitStart(place, point.form, point.source, asked.delta, asked.rule, chosen.study.config, chosen)

    @property
    def new_source(self) -> str:
        """What a model with a new head holds."""
        return f"{self.source}{_NEW}"

    def reader(self, place: Path) -> CompactModel:
        """The model up to its head; a table of a run is read as the neurons that it replaces.

        Args:
            place: Empty folder to write into.
        """
        if self.chosen is None or self.form != "table":
            return up_to_head(self.folder)
        model, neurons = self.chosen.model, self.chosen.built.way.neurons
        none = Head(np.zeros((len(neurons), 1)), np.zeros(1))
        write_record(place, write_full(place, model, neurons, none, unit_kind(self.chosen.study, model)))
        return up_to_head(place)

    def write(self, folder: Path, head: Head, labels: Sequence[str], target: tuple[float, float] | None) -> CompactSpec:
        """The model with a head on what `reader` gives, into a folder."""
        if self.chosen is None or self.form != "table":
            return with_head(self.folder, folder, head, labels, target)
        unit = unit_kind(self.chosen.study, self.chosen.model)
        unit = type(unit)(**{**vars(unit), "labels": tuple(labels), "target": target})
        return write_table(folder, self.chosen.model, self.chosen.built.way.neurons, head, unit)


def whole_reader(chosen: Chosen, place: Path) -> CompactModel:
    """All live neurons of a run's whole model, without a head.

    Args:
        chosen: The run.
        place: Empty folder for the tokenizer.
    """
    model, study = chosen.model, chosen.study
    neurons = tuple(NeuronId(*pair) for pair in study.selection.scaler.neurons.tolist())
    blocks = model.adapter.blocks(model.network.config)
    spec = make_spec(place, model, neurons, unit_kind(study, model), form="full", blocks=blocks, files=())
    return CompactModel(spec, UnitReader(place, spec), TorchNeurons(ChosenNeurons.of(model, neurons)), None)
