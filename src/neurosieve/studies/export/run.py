"""From a finished run to a compact model: the cheapest way within delta on validation, built, proved on test."""

import time
from dataclasses import dataclass
from pathlib import Path

from neurosieve.compact.building import write_record
from neurosieve.results.codec import to_json
from neurosieve.results.export import ExportResult, Speeds
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import write_object
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.storage.whole_folder import check_free, whole_folder
from neurosieve.studies.export.cascades import cascade_use
from neurosieve.studies.export.choosing import Chosen, choose
from neurosieve.studies.export.evidence_files import save_outputs, speeds_of, write_card
from neurosieve.studies.export.proof import OpenedSplit, Proof, prove
from neurosieve.studies.export.run_probes import cheapest_first
from neurosieve.studies.export.seen_tokens import kept_vocabulary
from neurosieve.studies.export.unit_texts import UnitTexts
from neurosieve.studies.export_options import ExportOptions
from neurosieve.studies.finished import write_report
from neurosieve.studies.run_folder import EXPORTS, SUMMARY, config_of, export_name
from neurosieve.typing import PathLike


@dataclass(frozen=True)
class Exported:
    """A compact model in a folder, and what was measured of it."""

    folder: Path
    result: ExportResult


def export(run: PathLike, out: PathLike, options: ExportOptions | None = None) -> Exported:
    """Write the cheapest model that a finished run's probes allow, with its measurements.

    Args:
        run: The run folder.
        out: Folder of the model; new or empty.
        options: Loss allowed, form, and what else is tried to make it smaller.

    Raises:
        RunFolderError: No finished run of a model; something in `out`.
        ConfigError: No set within delta (says the nearest).
        ModelError: A family that cannot be cut, or no ONNX.
        ResourceError: A package of the extra `onnx` is missing; no room.
    """
    begin = time.monotonic()
    config_of(run)  # says so where this is no run folder
    check_free(Path(out))
    options = options or ExportOptions()
    with sole_writer(run), whole_folder(out) as folder:
        chosen = choose(run, options, folder)
        built = chosen.built
        opened = OpenedSplit.of(chosen.study, chosen.data, "test")
        test = prove(opened, built.model, built.way.probe)
        save_outputs(folder, test.outputs)
        speeds = speeds_of(folder, chosen.model, built.model.spec, opened.units, brief=options.brief)
        result = _result(chosen, opened.units, test, speeds, time.monotonic() - begin)
        write_record(folder, built.model.spec, to_json(result))
        write_card(folder, built.model.spec, result)
        write_object(Folder(run), f"{EXPORTS}/{export_name(out)}.json", to_json(result))
        if Folder(run).exists(SUMMARY):
            write_report(run)
    return Exported(Path(out), result)


def _result(chosen: Chosen, units: UnitTexts, test: Proof, speeds: Speeds, seconds: float) -> ExportResult:
    study, asked, built, words = chosen.study, chosen.asked, chosen.built, chosen.asked.vocabulary
    point = built.way.point
    return ExportResult(
        form=point.form,
        source=point.source,
        delta=asked.delta,
        rule=asked.rule,
        metric="accuracy" if study.selection.scaler.target is None else "r2",
        frontier=tuple(sorted(built.frontier, key=cheapest_first)),
        validation=point.validation,
        test=test.score,
        oracle=test.oracle,
        whole=test.whole,
        other_labels=test.other_labels,
        speeds=speeds,
        study=study.config.model_dump(mode="json"),
        data_hashes=chosen.data.hashes,
        notes=built.notes,
        seconds=round(seconds, 2),
        vocabulary=None if words is None else kept_vocabulary(words, built.model.reader.read(units.texts).ids),
        cascade=cascade_use(built, units),
    )
