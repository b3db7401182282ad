"""An exported model on a study's rows, compared with the oracle and the whole model with the same head."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num
from torch import Tensor

from neurosieve.compact.compact_model import CompactModel
from neurosieve.probes import ClusterBootstrap, Probe
from neurosieve.probes.metrics import lost, row_scores, scored
from neurosieve.results.measured import Difference, Score
from neurosieve.studies.export.run_probes import RunProbes
from neurosieve.studies.export.unit_texts import UnitTexts, places_in, unit_texts
from neurosieve.studies.inputs import StudyData
from neurosieve.typing import Scores, Split


@dataclass(frozen=True)
class Proof:
    """How good an exported model is on the rows of a split; see `ExportResult`.

    `outputs` are its logits of the rows that the study read, shape [rows, outputs], and `scores` those of the rows.
    """

    score: Score
    oracle: Difference
    whole: Difference
    other_labels: float
    outputs: Float[np.ndarray, "rows outputs"]
    scores: Scores


@dataclass(frozen=True)
class OpenedSplit:
    """The rows of a split, read once: their texts, what the study stored of them, and what the oracle makes of them.

    Attributes:
        units: The rows as texts.
        read: Which units the study read, shape [units].
        x: Standardised features of those, shape [features, rows].
        label: Class numbers, or standardised values, shape [rows].
        values: Labels are values.
        reference: Scores of the oracle.
        bootstrap: Over the rows' clusters.
    """

    units: UnitTexts
    read: Bool[np.ndarray, " units"]
    x: Float[Tensor, "features rows"]
    label: Num[np.ndarray, " rows"]
    values: bool
    reference: Scores
    bootstrap: ClusterBootstrap

    @staticmethod
    def of(run: RunProbes, data: StudyData, split: Split) -> "OpenedSplit":
        """Of a study."""
        units = unit_texts(data, split)
        place = places_in(run.store, split, units.row)
        read = place >= 0
        opened, scaler = run.store.read(split), run.selection.scaler
        x = scaler.apply(opened.values)[:, place[read].tolist()]
        label = scaler.labels(units.label[read])
        reference = run.selection.oracle.probe.row_scores(x, label)
        bootstrap = ClusterBootstrap(units.group[read], draws=run.config.bootstrap, seed=run.config.seed)
        return OpenedSplit(units, read, x, label, scaler.target is not None, reference, bootstrap)


def prove(rows: OpenedSplit, model: CompactModel, probe: Probe) -> Proof:
    """Score a model from the texts on, and compare it with the study's probes on the stored activations.

    Args:
        rows: Of a split.
        model: Exported.
        probe: The head that it was made from.
    """
    outputs = model.scores(rows.units.texts)[rows.read]
    ours = outputs[:, 0].astype(np.float64) if rows.values else outputs.argmax(1)
    theirs = probe.predict(rows.x)
    scores, whole = row_scores(ours, rows.label), row_scores(theirs, rows.label)
    return Proof(
        score=scored(scores, rows.bootstrap),
        oracle=lost(rows.reference, scores, rows.bootstrap),
        whole=lost(whole, scores, rows.bootstrap),
        other_labels=float(np.abs(ours - theirs).max() if rows.values else (ours != theirs).mean()),
        outputs=outputs,
        scores=scores,
    )
