"""The parts of a study's result, each from one stage's outcome and the opened test split."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from neurosieve.data.control_labels import among, control_labels, held_out_types
from neurosieve.data.dataset import parts_of
from neurosieve.probes.baselines import majority_score
from neurosieve.probes.metrics import MIN_ROWS, row_scores, spread
from neurosieve.probes.probe import Probe
from neurosieve.redundancy.cluster_probes import GeneralRedundancy
from neurosieve.redundancy.control_probes import Controls
from neurosieve.redundancy.layers import LayerCurves
from neurosieve.redundancy.pareto import Point, pareto_front
from neurosieve.redundancy.pipeline import Pipeline
from neurosieve.redundancy.untrained_copies import Untrained
from neurosieve.results.measured import Difference, NotMeasured, Reason
from neurosieve.results.redundancy_controls import (
    Control,
    FewHeldOut,
    FewUnseen,
    HeldOutTypes,
    Mistake,
    SeenRows,
    Selectivity,
    TypeSelectivity,
    UnseenRows,
    UntrainedGain,
)
from neurosieve.results.redundancy_parts import (
    Baselines,
    LayerZero,
    OracleScores,
    PathStep,
    RandomNeurons,
    TextScores,
    UntrainedScores,
)
from neurosieve.results.redundancy_sets import (
    ClusterCut,
    CurvePoint,
    LayerCurve,
    LayerPoint,
    ParetoPoint,
    RandomPoint,
)
from neurosieve.studies.redundancy.opened import OpenedTest
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.typing import Scores

MAX_MISTAKES = 24
MAX_TEXT = 120


def oracle_part(test: OpenedTest, selection: Selection) -> OracleScores:
    """The probe on all neurons."""
    probe = selection.oracle.probe
    predicted = probe.predict(test.x)
    return OracleScores(
        validation=probe.validation,
        test=test.scored(test.row_scores(probe)),
        penalty=probe.lam,
        converged=probe.converged,
        path=tuple(
            PathStep(penalty=lam, validation=validation, nonzero=nonzero, converged=converged)
            for lam, validation, nonzero, converged in selection.oracle.path
        ),
        per_class=test.per_class(predicted),
        metrics=test.metrics(predicted),
    )


def baselines_part(
    test: OpenedTest, selection: Selection, layers: LayerCurves, untrained: Sequence[Untrained] | NotMeasured
) -> Baselines:
    """What a score has to be compared with."""
    layer0 = layers.independent[0]
    return Baselines(
        majority=test.majority,
        token_lookup=TextScores(score=test.scored(test.lookup), metrics=test.metrics(test.guess)),
        layer0=LayerZero(score=test.scored(test.row_scores(layer0)), validation=layer0.validation),
        random_neurons=_random_neurons(test, selection),
        untrained=untrained if isinstance(untrained, NotMeasured) else _untrained(test, untrained),
    )


def _random_neurons(test: OpenedTest, selection: Selection) -> RandomNeurons | None:
    """As many as the first smallest set has."""
    if not selection.sets:
        return None
    first = selection.sets[0]
    return RandomNeurons(size=first.size, test=spread([test.score(p) for p in first.random_probes]))


def _untrained(test: OpenedTest, copies: Sequence[Untrained]) -> UntrainedScores:
    scores = np.stack([row_scores(c.predicted, test.label) for c in copies])
    return UntrainedScores(
        test=spread(scores.mean(1).tolist()),
        unseen=spread(scores[:, test.unseen].mean(1).tolist()) if test.unseen.sum() >= MIN_ROWS else None,
        seeds=tuple(c.seed for c in copies),
        converged=all(c.converged for c in copies),
        layers=tuple(
            spread([float(row_scores(c.layers[k], test.label).mean()) for c in copies])
            for k in range(len(copies[0].layers))
        ),
        precision=copies[0].precision,
    )


def natural_part(test: OpenedTest, oracle: Probe, untrained: Sequence[Untrained]) -> UnseenRows | FewUnseen:
    """Scores on test rows whose exact text is absent from train, of the trained and of untrained models."""
    rows, n = test.unseen, int(test.unseen.sum())
    if n < MIN_ROWS:
        text = f"{n} unseen rows; at least {MIN_ROWS} are needed"
        return FewUnseen.from_text(text, n=n)
    ours = test.row_scores(oracle)
    copies: UntrainedGain | None = None
    if untrained:
        theirs = np.stack([row_scores(c.predicted, test.label) for c in untrained])
        gain = test.difference(ours, theirs.mean(0), rows)
        copies = UntrainedGain(score=spread(theirs[:, rows].mean(1).tolist()), gain=gain)
    return UnseenRows(
        score=test.scored(ours, rows),
        token_lookup=TextScores(score=test.scored(test.lookup, rows)),
        seen=_seen(test, oracle, ours),
        untrained=copies,
        per_class=test.per_class(oracle.predict(test.x), rows),
    )


def _seen(test: OpenedTest, oracle: Probe, ours: Scores) -> SeenRows | None:
    rows = ~test.unseen
    if int(rows.sum()) < MIN_ROWS:
        return None
    return SeenRows(score=test.scored(ours, rows), per_class=test.per_class(oracle.predict(test.x), rows))


def mistakes_part(test: OpenedTest, oracle: Probe) -> tuple[Mistake, ...]:
    """Test rows that the oracle gets wrong: as many of each class in turn, the first of the split first.

    Of values the rows with the largest errors, the largest first.
    """
    predicted = oracle.predict(test.x)
    order = _in_turn(predicted, test.label) if test.target is None else np.argsort(test.row_scores(oracle))
    chosen = order[:MAX_MISTAKES]
    return tuple(
        Mistake(
            text=" ⇄ ".join(shortened(side) for side in parts_of(test.text[i])),
            label=label,
            predicted=guess,
            unseen=bool(test.unseen[i]),
        )
        for i, label, guess in zip(chosen, test.named(test.label[chosen]), test.named(predicted[chosen]), strict=True)
    )


def _in_turn(predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    wrong = np.flatnonzero(predicted != label)
    turn = np.zeros(len(wrong), dtype=np.int64)
    for c in np.unique(label[wrong]):
        mine = label[wrong] == c
        turn[mine] = np.arange(mine.sum())
    return wrong[np.argsort(turn, kind="stable")]


def shortened(text: str) -> str:
    """A text of bounded length that says how long it was."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text):,} characters)"


def disjoint_part(test: OpenedTest, controls: Controls) -> HeldOutTypes | FewHeldOut:
    """Mean and range over splits of token types; each probe is scored on test rows of the types it has not seen."""
    scores, counts, majority = [], [], []
    for seed, probe in controls.disjoint.items():
        rows = among(test.text, held_out_types(test.train_text, test.train_label, seed))
        if rows.any():
            scores.append(float(test.row_scores(probe)[rows].mean()))
            majority.append(majority_score(test.train_label, test.label[rows], len(test.labels)))
            counts.append(float(rows.sum()))
    if not scores or min(counts) < MIN_ROWS:
        few = (
            f"{Reason.TOO_FEW.value}{MIN_ROWS} test rows of such types" if controls.disjoint else Reason.NO_SPLIT.value
        )
        return FewHeldOut.from_text(Reason.OF_WHOLE_EXAMPLES.value if test.whole else few, splits=len(scores))
    return HeldOutTypes(score=spread(scores), splits=len(scores), n=spread(counts), majority=spread(majority))


def control_part(test: OpenedTest, oracle: Probe, minimal: Probe | None, controls: Controls) -> Control | NotMeasured:
    """Selectivity (Hewitt & Liang 2019, arXiv 1909.03368): headline on rows seen in train."""
    if not controls.control:
        return NotMeasured.because(Reason.OF_WHOLE_EXAMPLES if test.whole else Reason.NO_DRAW)
    seen = _selectivity(test, oracle, controls.control, ~test.unseen)
    few = NotMeasured.because(Reason.TOO_FEW, f"{MIN_ROWS} token types of seen rows")
    return Control(
        majority=seen.majority if seen else None,
        head=seen or NotMeasured.from_text("too few seen rows"),
        draws=len(controls.control),
        all=_selectivity(test, oracle, controls.control, np.ones(len(test.label), dtype=bool)),
        seen=seen,
        minimal_set=_selectivity(test, minimal, controls.control_minimal, ~test.unseen) if minimal else None,
        by_type=_by_type(test, oracle, controls.control, ~test.unseen) or few,
    )


def _selectivity(test: OpenedTest, task: Probe, controls: Mapping[int, Probe], rows: np.ndarray) -> Selectivity | None:
    if int(rows.sum()) < MIN_ROWS:
        return None
    truth = {seed: control_labels(test.text, test.share, seed) for seed in controls}
    hits = [controls[seed].predict(test.x) == truth[seed] for seed in controls]
    ours = test.row_scores(task)
    gain = test.difference(ours, np.mean(hits, 0), rows)
    scores = spread([float(h[rows].mean()) for h in hits])
    score = float(ours[rows].mean())
    constant = [np.bincount(labels[rows]).max() / rows.sum() for labels in truth.values()]
    return Selectivity(
        task=score,
        control=scores.mean,
        control_range=(scores.low, scores.high),
        majority=float(np.mean(constant)),  # of the best constant of each draw's own labels
        selectivity=replace(gain, value=score - scores.mean),
        rows=int(rows.sum()),
    )


def _by_type(test: OpenedTest, task: Probe, controls: Mapping[int, Probe], rows: np.ndarray) -> TypeSelectivity | None:
    """The same if each token type counts once, however often it occurs in the test rows."""
    types, place = np.unique(test.text[rows].astype(str), return_inverse=True)
    if len(types) < MIN_ROWS:
        return None

    def mean(scores: np.ndarray) -> np.ndarray:
        return np.bincount(place, weights=scores[rows].astype(np.float64)) / np.bincount(place)

    ours = mean(test.row_scores(task))
    drawn = [mean(controls[s].predict(test.x) == control_labels(test.text, test.share, s)) for s in controls]
    theirs = np.mean(drawn, 0)
    interval = test.resamples(np.arange(len(types))).interval(ours - theirs)
    return TypeSelectivity(
        task=float(ours.mean()),
        control=float(theirs.mean()),
        selectivity=Difference(value=float((ours - theirs).mean()), interval=interval),
        types=len(types),
    )


def layer_part(test: OpenedTest, layers: LayerCurves) -> LayerCurve:
    """Probes by layer."""

    def curve(probes: Sequence[Probe]) -> tuple[LayerPoint, ...]:
        return tuple(
            LayerPoint(layer=k, validation=p.validation, test=test.scored(test.row_scores(p)))
            for k, p in enumerate(probes)
        )

    return LayerCurve(independent=curve(layers.independent), incremental=curve(layers.incremental))


def cka_part(general: GeneralRedundancy) -> tuple[tuple[float, ...], ...] | NotMeasured:
    """Likeness of each two layers."""
    if general.cka is None:
        return NotMeasured.from_text(f"{general.rows} rows; at least 4 are needed")
    return tuple(tuple(row) for row in general.cka.tolist())


def cluster_part(test: OpenedTest, general: GeneralRedundancy, dead: int) -> tuple[ClusterCut, ...]:
    """Probes on one neuron of each cluster."""
    return tuple(
        ClusterCut(
            threshold=c.threshold,
            kept=len(c.probe.feature),
            dead=dead,
            validation=c.probe.validation,
            test=test.scored(test.row_scores(c.probe)),
        )
        for c in general.clusters
    )


def curve_part(test: OpenedTest, selection: Selection) -> tuple[CurvePoint | RandomPoint, ...]:
    """Score against number of neurons: each ranking, and the band of the random orders that got to that size."""
    names = [r.name for r in selection.rankings]
    points = [
        CurvePoint(ranking=name, size=len(p.feature), validation=p.validation, test=test.scored(test.row_scores(p)))
        for name in names
        for p in selection.curves[name]
    ]
    band: dict[int, list[float]] = defaultdict(list)
    for name, curve in selection.curves.items():
        if name not in names:
            for p in curve:
                band[len(p.feature)].append(test.score(p))
    random = [
        RandomPoint(ranking="random", size=size, draws=len(scores), test=spread(scores))
        for size, scores in sorted(band.items())
    ]
    return (*points, *random)


def pareto_part(
    test: OpenedTest, selection: Selection, layers: LayerCurves, general: GeneralRedundancy, pipeline: Pipeline
) -> tuple[ParetoPoint, ...]:
    """The front of size × depth × accuracy over all that was fitted; chosen on validation, scored here."""
    named = [(r.name, p) for r in selection.rankings for p in selection.curves[r.name]]
    named += [(s.ranking, s.probe) for s in selection.sets]
    named += [(f"layers 0–{k}", p) for k, p in enumerate(layers.incremental)]
    named += [(f"layer {k}", p) for k, p in enumerate(layers.independent)]
    named += [(f"clusters {c.threshold:g}", c.probe) for c in general.clusters]
    named += [("pipeline", c.probe) for c in pipeline.candidates if c.probe]
    depth = selection.scaler.neurons[:, 0]
    points = [
        Point(name, len(p.feature), int(depth[p.feature].max()), p.validation, p) for name, p in named if len(p.feature)
    ]
    return tuple(
        ParetoPoint(
            source=p.source,
            size=p.size,
            depth=p.depth,
            validation=p.validation,
            test=test.scored(test.row_scores(p.probe)),
        )
        for p in pareto_front(points)
    )
