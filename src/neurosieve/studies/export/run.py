"""From a finished run to a compact model: the cheapest way within delta on validation, built, proved on test."""

import time
from dataclasses import dataclass
from pathlib import Path

from neurosieve.compact.building import write_record
from neurosieve.results.codec import to_json
from neurosieve.results.export import ExportResult, Speeds
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import write_object
from neurosieve.storage.whole_folder import check_free, whole_folder
from neurosieve.studies.export.cascades import cascade_use, no_cascade, with_cascades
from neurosieve.studies.export.evidence_files import save_outputs, speeds_of, write_card
from neurosieve.studies.export.first_holding import Asked, Built, first_holding
from neurosieve.studies.export.proof import Proof, prove
from neurosieve.studies.export.run_probes import Costs, RunProbes, cheapest_first, ways
from neurosieve.studies.export.smaller_inside import SmallerInside
from neurosieve.studies.export.unit_texts import unit_texts
from neurosieve.studies.export_options import ExportOptions
from neurosieve.studies.finished import write_report
from neurosieve.studies.inputs import StudyData, model_of, read_data
from neurosieve.studies.run_folder import EXPORTS, SUMMARY
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
        options: Loss allowed, and form.

    Raises:
        RunFolderError: No finished run of a model; something in `out`.
        ConfigError: No set within delta (says the nearest).
        ModelError: A family that cannot be cut.
    """
    begin = time.monotonic()
    check_free(Path(out))
    study = RunProbes.of(run)
    asked = Asked.of(run, study, options or ExportOptions())
    found = ways(study, Costs.of(study.config), asked.delta, asked.rule)
    if asked.cascade:
        found = with_cascades(study, found, asked)
    data, model = read_data(study.config), model_of(study.config)
    with whole_folder(out) as folder:
        built = first_holding(study, data, model, found, asked, folder)
        if asked.smaller:
            built = SmallerInside(study, data, model, asked, folder).search(built)
        units = unit_texts(data, "test")
        test = prove(study, built.model, built.way.probe, units, "test")
        save_outputs(folder, test.outputs)
        speeds = speeds_of(folder, model, built.model.spec, units, brief=asked.brief)
        result = _result(study, data, asked, built, test, speeds, time.monotonic() - begin)
        write_record(folder, built.model.spec, to_json(result))
        write_card(folder, built.model.spec, result)
        write_object(Folder(run), f"{EXPORTS}/{Path(out).resolve().name}.json", to_json(result))
    if Folder(run).exists(SUMMARY):
        write_report(run)
    return Exported(Path(out), result)


def _result(
    study: RunProbes, data: StudyData, asked: Asked, built: Built, test: Proof, speeds: Speeds, seconds: float
) -> ExportResult:
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
        data_hashes=data.hashes,
        notes=built.notes + no_cascade(asked, point),
        seconds=round(seconds, 2),
        cascade=cascade_use(built, unit_texts(data, "test")),
    )
