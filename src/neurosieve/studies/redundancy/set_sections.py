"""The parts of a study's result on smallest sets and the pipeline: what they lose, and is that shown to be allowed?"""

from dataclasses import dataclass, replace

import numpy as np

from neurosieve.probes.intervals import holm
from neurosieve.probes.metrics import MIN_ROWS, spread
from neurosieve.probes.probe import Probe
from neurosieve.redundancy import MinimalSet
from neurosieve.redundancy.pipeline import Candidate, Pipeline
from neurosieve.results.measured import Difference, NotMeasured, Reason, Score
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.redundancy_sets import (
    NeededSizes,
    PipelineResult,
    PipelineSet,
    RandomSets,
    SmallestSet,
    TriedWay,
    UnseenLoss,
)
from neurosieve.studies.redundancy.opened import OpenedTest
from neurosieve.studies.redundancy.selection import Selection

ONE_SIDED = 0.025  # what the upper end of a two-sided 95 % interval means


def set_parts(test: OpenedTest, selection: Selection) -> tuple[SmallestSet, ...]:
    """All smallest sets; the first is the headline's, fixed beforehand, and the p of the others are adjusted (Holm)."""
    parts = [set_part(test, selection, minimal) for minimal in selection.sets]
    others = {i: p for i, minimal in enumerate(parts) if i and isinstance(p := minimal.p_outside, float)}
    for i, p in zip(others, holm(np.array(list(others.values()))).tolist(), strict=True):
        parts[i] = replace(parts[i], p_outside=p, within=parts[i].within is True and p <= ONE_SIDED)
    return tuple(parts)


def set_part(test: OpenedTest, selection: Selection, minimal: MinimalSet) -> SmallestSet:
    """A smallest set with its random control."""
    reference = test.row_scores(selection.oracle.probe)
    random = [test.row_scores(p) for p in minimal.random_probes]
    held = _held(test, selection, minimal.probe, minimal.delta)
    return SmallestSet(
        ranking=minimal.ranking,
        delta=minimal.delta,
        select=minimal.select,
        size=minimal.size,
        size_range=minimal.range and minimal.range.size,
        validation=minimal.probe.validation,
        test=held.test,
        loss=held.loss,
        within=held.within,
        p_outside=held.p_outside,
        unseen=held.unseen,
        metrics=test.metrics(minimal.probe.predict(test.x)),
        converged=minimal.probe.converged,
        random_same_size=RandomSets(
            test=spread([float(s.mean()) for s in random]),
            loss=spread([float(reference.mean() - s.mean()) for s in random]),
        ),
        random_size=_random_size(minimal),
        neurons=_neurons(selection, minimal.probe),
        # Of a pair's two features the weights have no common sign: their sizes are added.
        weights=_rows((minimal.probe.weights if minimal.probe.copies == 1 else minimal.probe.mass).tolist()),
    )


def _random_size(minimal: MinimalSet) -> NeededSizes:
    sizes, median = minimal.random_sizes, float(np.median(minimal.random_sizes))
    drawn = minimal.range and minimal.range.ratio
    return NeededSizes(median=median, low=min(sizes), high=max(sizes), ratio=minimal.size / median, ratio_range=drawn)


def _neurons(selection: Selection, probe: Probe) -> NeuronSet:
    return NeuronSet(selection.scaler.neurons[probe.feature])


def _rows(values: list[list[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values)


@dataclass(frozen=True)
class _Held:
    """What a set loses, and is it shown to stay within delta? Only where the interval's upper end is within."""

    test: Score
    loss: Difference
    within: bool | None
    p_outside: float | None
    unseen: UnseenLoss | NotMeasured


def _held(test: OpenedTest, selection: Selection, probe: Probe, delta: float) -> _Held:
    """On test, and on rows whose text is absent from train."""
    scores, reference = test.row_scores(probe), test.row_scores(selection.oracle.probe)
    loss = test.difference(reference, scores)
    unseen: UnseenLoss | NotMeasured = NotMeasured.because(Reason.TOO_FEW, f"{MIN_ROWS} unseen rows")
    if int(test.unseen.sum()) >= MIN_ROWS:
        there = test.difference(reference, scores, test.unseen)
        unseen = UnseenLoss(score=test.scored(scores, test.unseen), loss=there)
    return _Held(
        test=test.scored(scores),
        loss=loss,
        within=None if loss.interval is None else bool(loss.high <= delta),
        p_outside=test.p_outside(reference, scores, delta),
        unseen=unseen,
    )


def pipeline_part(test: OpenedTest, selection: Selection, pipeline: Pipeline, neurons: int) -> PipelineResult:
    """The best way on validation, and all that were tried."""
    tried = tuple(_tried(test, c) for c in pipeline.candidates)
    best = pipeline.best
    if best is None or best.probe is None:
        return PipelineResult(best=NotMeasured.because(Reason.NO_WAY), tried=tried)
    held = _held(test, selection, best.probe, best.delta)
    best_set = PipelineSet(
        delta=best.delta,
        layer_delta=best.layer_delta,
        layers_kept=best.layers_kept,
        clustering_threshold=best.clustering_threshold,
        ranking="lca",
        size=len(best.probe.feature),
        reduction=1 - len(best.probe.feature) / neurons,
        validation=best.probe.validation,
        test=held.test,
        loss=held.loss,
        within=held.within,
        p_outside=held.p_outside,
        unseen=held.unseen,
        neurons=_neurons(selection, best.probe),
    )
    return PipelineResult(best=best_set, tried=tried)


def _tried(test: OpenedTest, c: Candidate) -> TriedWay:
    return TriedWay(
        layer_delta=c.layer_delta,
        delta=c.delta,
        layers_kept=c.layers_kept,
        clustering_threshold=c.clustering_threshold,
        kept=c.kept,
        size=c.size,
        reason=None if c.probe else "what layers and clusters leave is not within delta of the oracle",
        validation=c.probe.validation if c.probe else None,
        test=test.score(c.probe) if c.probe else None,
    )
