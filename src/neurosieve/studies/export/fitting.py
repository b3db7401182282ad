"""`neurosieve fit`: a new head for new data of the same task, on a compact model alone, and on the whole model."""

import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from neurosieve.compact.building import write_record
from neurosieve.compact.compact_model import CompactModel, load_compact
from neurosieve.compact.linear_head import Head
from neurosieve.probes import ClusterBootstrap, Scaler, fit_oracle, selection_data
from neurosieve.probes.metrics import lost, row_scores, scored
from neurosieve.results.codec import to_json
from neurosieve.results.export import ExportResult, FitSide, Fitted
from neurosieve.storage.whole_folder import check_free, whole_folder
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.export.evidence_files import save_outputs, speeds_of, write_card
from neurosieve.studies.export.fit_start import FitStart, whole_reader
from neurosieve.studies.export.run import Exported
from neurosieve.studies.export.seen_tokens import kept_vocabulary
from neurosieve.studies.export.unit_features import scores_in_parts, unit_features, wide_head
from neurosieve.studies.export.unit_texts import UnitTexts, unit_texts
from neurosieve.studies.inputs import StudyData, read_data
from neurosieve.typing import PathLike, Scores

_ALONE = "fitted from an exported folder: nothing is compared with the whole model"


@dataclass(frozen=True)
class HeadFit:
    """A head that was fitted on train, its λ chosen on validation.

    Attributes:
        head: On raw values.
        scaler: Of the train rows.
        features: Values of a unit.
        validation: Score.
        seconds: Of reading train and validation rows and fitting.
    """

    head: Head
    scaler: Scaler
    features: int
    validation: float
    seconds: float


@dataclass(frozen=True)
class HeadTest:
    """A fitted model on test rows.

    Attributes:
        fit: Its head.
        outputs: Shape [rows, outputs].
        read: Units that have tokens, shape [units].
        scores: Of the rows.
    """

    fit: HeadFit
    outputs: Float[np.ndarray, "rows outputs"]
    read: Bool[np.ndarray, " units"]
    scores: Scores

    @staticmethod
    def of(fit: HeadFit, model: CompactModel, units: UnitTexts) -> "HeadTest":
        """Read the rows."""
        outputs = scores_in_parts(model, units)
        read = ~np.isnan(outputs).any(1)
        outputs = outputs[read]
        found = outputs[:, 0].astype(np.float64) if fit.scaler.target else outputs.argmax(1)
        return HeadTest(fit, outputs, read, row_scores(found, fit.scaler.labels(units.label[read])))

    def side(self, bootstrap: ClusterBootstrap) -> FitSide:
        """What the card says of it."""
        fit = self.fit
        return FitSide(features=fit.features, seconds=round(fit.seconds, 2), test=scored(self.scores, bootstrap))


def fit(source: PathLike, data: PathLike, out: PathLike, pairs: Iterable[str] = (), **changes: Any) -> Exported:
    """Write a compact model with a new head, fitted to new data.

    Args:
        source: A finished run, whose cheapest compact model is taken, or an exported model.
        data: New data of the same task.
        out: Folder of the model; new or empty.
        pairs: Options of the study that are others for the new data, as `key=value`.
        **changes: The same by name. All its labels are classes, if none are named.

    Raises:
        RunFolderError: Neither run nor export in `source`; something in `out`.
        DataError: Unreadable or unfit data.
        ModelError: Values, by a transformers folder.
    """
    begin = time.monotonic()
    check_free(Path(out))
    with tempfile.TemporaryDirectory(prefix="neurosieve-fit-") as temp, whole_folder(out) as folder:
        small, neurons, whole = (Path(temp) / name for name in ("small", "neurons", "whole"))
        for place in (small, neurons, whole):
            place.mkdir()
        start = FitStart.of(source, small)
        options = {**start.study.model_dump(mode="json"), "classes": None, **changes, "data": str(data)}
        config = make_config(options=options, pairs=pairs)
        new = read_data(config)
        fitted = fit_head(new, start.reader(neurons))
        spec = start.write(folder, fitted.head, new.sample.rows.labels, fitted.scaler.target)
        write_record(folder, spec)
        units = unit_texts(new, "test")
        ours = HeadTest.of(fitted, load_compact(folder), units)
        save_outputs(folder, ours.outputs)
        result = _result(start, config, new, units, ours, _whole(start, new, units, whole), folder)
        result = replace(result, seconds=round(time.monotonic() - begin, 2))
        write_record(folder, spec, to_json(result))
        write_card(folder, spec, result)
    return Exported(Path(out), result)


def fit_head(data: StudyData, reader: CompactModel) -> HeadFit:
    """A head on what a model without one gives.

    Args:
        data: Labelled.
        reader: The model.
    """
    begin = time.monotonic()
    train, validation = (unit_features(data, reader, split) for split in ("train", "validation"))
    rows = selection_data(train.rows, validation.rows)
    probe = fit_oracle(rows).probe
    head = wide_head(probe, rows.scaler, train.width)
    return HeadFit(head, rows.scaler, train.width, probe.validation, time.monotonic() - begin)


def _whole(start: FitStart, new: StudyData, units: UnitTexts, place: Path) -> HeadTest | None:
    if start.chosen is None:
        return None
    reader = whole_reader(start.chosen, place)
    fitted = fit_head(new, reader)
    return HeadTest.of(fitted, replace(reader, head=fitted.head), units)


def _result(
    start: FitStart,
    config: StudyConfig,
    new: StudyData,
    units: UnitTexts,
    ours: HeadTest,
    whole: HeadTest | None,
    folder: Path,
) -> ExportResult:
    small = load_compact(folder)
    bootstrap = ClusterBootstrap(units.group[ours.read], draws=config.bootstrap, seed=config.seed)
    words = small.vocabulary
    return ExportResult(
        form=start.form,
        source=start.new_source,
        delta=start.delta,
        rule=start.rule,
        metric="accuracy" if ours.fit.scaler.target is None else "r2",
        frontier=(),
        validation=ours.fit.validation,
        test=scored(ours.scores, bootstrap),
        oracle=None if whole is None else lost(whole.scores, ours.scores, bootstrap),
        whole=None,
        other_labels=None,
        speeds=speeds_of(folder, None if start.chosen is None else start.chosen.model, small.spec, units),
        study=config.model_dump(mode="json"),
        data_hashes=new.hashes,
        notes=() if whole else (_ALONE,),
        seconds=0.0,
        vocabulary=None if words is None else kept_vocabulary(words, small.reader.read(units.texts).ids),
        fitted=Fitted(compact=ours.side(bootstrap), whole=None if whole is None else whole.side(bootstrap)),
    )
