"""An exported model on a study's rows, beside the oracle and the whole model with the same head."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurosieve.compact.compact_model import CompactModel
from neurosieve.probes import ClusterBootstrap, Probe
from neurosieve.probes.metrics import lost, row_scores, scored
from neurosieve.results.measured import Difference, Score
from neurosieve.studies.export.run_probes import RunProbes
from neurosieve.studies.export.unit_texts import UnitTexts, places_in
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
    reference: Scores
    bootstrap: ClusterBootstrap


def prove(run: RunProbes, model: CompactModel, probe: Probe, units: UnitTexts, split: Split) -> Proof:
    """Score a model from the texts on, and compare it with the study's probes on the stored activations.

    Args:
        run: The study.
        model: Exported.
        probe: The head that it was made from.
        units: The rows of the split.
        split: Which.
    """
    place = places_in(run.store, split, units.row)
    read = place >= 0
    opened, scaler = run.store.read(split), run.selection.scaler
    x = scaler.apply(opened.values)[:, place[read].tolist()]
    label = scaler.labels(units.label[read])
    outputs = model.scores(units.texts)[read]
    ours = outputs[:, 0].astype(np.float64) if scaler.target else outputs.argmax(1)
    theirs = probe.predict(x)
    scores, whole = row_scores(ours, label), row_scores(theirs, label)
    reference = run.selection.oracle.probe.row_scores(x, label)
    bootstrap = ClusterBootstrap(units.group[read], draws=run.config.bootstrap, seed=run.config.seed)
    return Proof(
        score=scored(scores, bootstrap),
        oracle=lost(reference, scores, bootstrap),
        whole=lost(whole, scores, bootstrap),
        other_labels=float(np.abs(ours - theirs).max() if scaler.target else (ours != theirs).mean()),
        outputs=outputs,
        scores=scores,
        reference=reference,
        bootstrap=bootstrap,
    )
