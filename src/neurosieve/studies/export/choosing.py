"""The cheapest compact model that a run allows, built in a folder: `export` measures it, `fit` begins with it."""

from dataclasses import dataclass
from pathlib import Path

from neurosieve.models import CodeModel
from neurosieve.studies.export.cascades import with_cascades, with_note
from neurosieve.studies.export.first_holding import Asked, Built, first_holding
from neurosieve.studies.export.onnx_form import as_onnx
from neurosieve.studies.export.proof import OpenedSplit
from neurosieve.studies.export.run_probes import Costs, RunProbes, ways
from neurosieve.studies.export.seen_tokens import seen_vocabulary
from neurosieve.studies.export.smaller_inside import SmallerInside
from neurosieve.studies.export_options import ExportOptions
from neurosieve.studies.inputs import StudyData, model_of, read_data
from neurosieve.typing import PathLike


@dataclass(frozen=True)
class Chosen:
    """A run, what it read, and the compact model that was built of it."""

    study: RunProbes
    data: StudyData
    model: CodeModel
    asked: Asked
    built: Built


def choose(run: PathLike, options: ExportOptions, folder: Path) -> Chosen:
    """Build it.

    Args:
        run: The run folder.
        options: Loss allowed, form, vocabulary, and what else is tried to make it smaller.
        folder: To write into.

    Raises:
        NeurosieveError: See `neurosieve.studies.export.run.export`.
    """
    study = RunProbes.of(run)
    data, model = read_data(study.config), model_of(study.config)
    asked = Asked.of(run, study, options, seen_vocabulary(data, model) if options.vocabulary == "seen" else None)
    found = ways(study, Costs.of(study.config), asked.delta, asked.rule)
    if options.cascade:
        found = with_cascades(study, found, asked)
    validation = OpenedSplit.of(study, data, "validation")
    built = first_holding(study, data, model, found, asked, validation, folder)
    if options.cascade:
        built = with_note(built, study, found, asked)
    search = SmallerInside(study, data, model, asked, validation, folder)
    if options.smaller:
        built = search.search(built)
    if options.onnx:
        built = as_onnx(search.with_larger(built), asked, validation, folder, int8=options.int8)
    return Chosen(study, data, model, asked, built)
