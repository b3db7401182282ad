"""The parts of `summary.json` on smallest sets and the pipeline: what they lose, and is that shown to be allowed?"""

from typing import Any

import numpy as np

from neurosieve.probes.intervals import holm
from neurosieve.probes.metrics import MIN_ROWS
from neurosieve.probes.probe import Probe
from neurosieve.redundancy import MinimalSet
from neurosieve.redundancy.pipeline import Candidate, Pipeline
from neurosieve.studies.redundancy.opened import OpenedTest, as_test, spread
from neurosieve.studies.redundancy.selection import Selection

ONE_SIDED = 0.025  # what the upper end of a two-sided 95 % interval stands for


def set_parts(test: OpenedTest, selection: Selection) -> list[dict[str, Any]]:
    """All smallest sets; the first is the headline's, fixed beforehand, and the p of the others are adjusted (Holm)."""
    parts = [set_part(test, selection, found) for found in selection.sets]
    others = [part for part in parts[1:] if part["p_outside"] is not None]
    for part, p in zip(others, holm(np.array([part["p_outside"] for part in others])), strict=True):
        part |= {"p_outside": float(p), "within": bool(part["within"]) and bool(p <= ONE_SIDED)}
    return parts


def set_part(test: OpenedTest, selection: Selection, found: MinimalSet) -> dict[str, Any]:
    """A smallest set with its random control."""
    sizes, reference = found.random_sizes, test.row_scores(selection.oracle.probe)
    random = [test.row_scores(p) for p in found.random_probes]
    median = float(np.median(sizes))
    size_of, ratio_of = found.range or (None, None)
    losses = spread([float(reference.mean() - s.mean()) for s in random])
    return {
        "ranking": found.ranking,
        "delta": found.delta,
        "select": found.select,
        "size": found.size,
        "size_range": size_of and list(size_of),
        "validation": found.probe.validation,
        **_held(test, selection, found.probe, found.delta),
        "metrics": test.metrics(found.probe.predict(test.x)),
        "converged": found.probe.converged,
        "random_same_size": spread([float(s.mean()) for s in random]) | {"loss": losses},
        "random_size": {
            "median": median,
            "lo": min(sizes),
            "hi": max(sizes),
            "ratio": found.size / median,
            "ratio_range": ratio_of and list(ratio_of),
        },
        "neurons": selection.scaler.neurons[found.probe.feature].tolist(),
        # Of a pair's two features the weights have no common sign: their sizes are added.
        "weights": (found.probe.weights if found.probe.copies == 1 else found.probe.mass).tolist(),
    }


def _held(test: OpenedTest, selection: Selection, probe: Probe, delta: float) -> dict[str, Any]:
    """What a set loses on test, and on rows whose text is absent from train; is it shown to stay within delta?

    Only where the interval's upper end is within; null where there is no interval.
    """
    scores, reference = test.row_scores(probe), test.row_scores(selection.oracle.probe)
    loss = test.difference(reference, scores)
    unseen: dict[str, Any] | None = None
    if int(test.unseen.sum()) >= MIN_ROWS:
        unseen = test.scored(scores, test.unseen) | {"loss": test.difference(reference, scores, test.unseen)}
    return {
        **as_test(test.scored(scores)),
        "test_loss": loss,
        "within": loss["interval"] and bool(loss["interval"][1] <= delta),
        "p_outside": test.p_outside(reference, scores, delta),
        "unseen_natural": unseen,
        **({} if unseen else {"unseen_natural_reason": f"fewer than {MIN_ROWS} unseen rows"}),
    }


def pipeline_part(test: OpenedTest, selection: Selection, pipeline: Pipeline, neurons: int) -> dict[str, Any]:
    """The best way on validation, and all that were tried."""
    tried = [_candidate(test, c) for c in pipeline.candidates]
    best = pipeline.best
    if best is None or best.probe is None:
        return {"size": None, "reason": "no way through the pipeline stays within its delta", "tried": tried}
    probe = best.probe
    return {
        "delta": best.delta,
        "layer_delta": best.layer_delta,
        "layers_kept": best.layers_kept,
        "clustering_threshold": best.clustering_threshold,
        "ranking": "lca",
        "size": best.size,
        "reduction": 1 - len(probe.feature) / neurons,
        "validation": probe.validation,
        **_held(test, selection, probe, best.delta),
        "neurons": selection.scaler.neurons[probe.feature].tolist(),
        "tried": tried,
    }


def _candidate(test: OpenedTest, c: Candidate) -> dict[str, Any]:
    part: dict[str, Any] = {
        "layer_delta": c.layer_delta,
        "delta": c.delta,
        "layers_kept": c.layers_kept,
        "clustering_threshold": c.clustering_threshold,
        "kept": c.kept,
        "size": c.size,
    }
    if c.probe is None:
        return part | {"reason": "what layers and clusters leave is not within delta of the oracle"}
    return part | {"validation": c.probe.validation, "test": test.score(c.probe)}
