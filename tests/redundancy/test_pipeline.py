"""LS + CC + LCA on a planted task whose ways are known, and its bookkeeping of global neurons."""

from pathlib import Path

import numpy as np
import pytest
import torch

from neurosieve.activations.store import Activations
from neurosieve.probes import ClusterBootstrap, fit_oracle, selection_data
from neurosieve.probes.archive import Archive
from neurosieve.redundancy.cluster_probes import ClusterProbe, fit_clusters
from neurosieve.redundancy.layers import LayerCurves, fit_layers
from neurosieve.redundancy.pipeline import Candidate, Pipeline, run_pipeline
from neurosieve.statistics import CorrelationTree, moments
from neurosieve.storage.folder import Folder
from tests.synthetic import activations

WIDTH, CARRIERS, ROWS = 10, 4, 400
DELTAS = ((0.01, 0.02), (0.02, 0.02), (0.02, 0.1))
CUTS = (None, 0.3)


def split(seed: int) -> Activations:
    """Layer 0: four carriers, each next to a near copy; layer 1 copies layer 0; layer 2 is noise. Column 7 is dead."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 4, ROWS)
    values = rng.normal(size=(ROWS, 3 * WIDTH))
    for c in range(CARRIERS):
        values[:, c] += 3.5 * (label == c)
        values[:, 8 - c] = -2 * values[:, c] + 0.1 * rng.normal(size=ROWS) if c else 0.5
    values[:, 8] = values[:, 0] + 0.1 * rng.normal(size=ROWS)
    values[:, 7] = 0.5
    values[:, WIDTH : 2 * WIDTH] = values[:, :WIDTH] + 0.05 * rng.normal(size=(ROWS, WIDTH))
    return activations(values, label, layers=3, classes=4)


class Task:
    """The task with all that the pipeline is given."""

    def __init__(self) -> None:
        train, validation = split(1), split(2)
        self.data = selection_data(train, validation)
        self.oracle = fit_oracle(self.data)
        self.layers = fit_layers(self.data, self.oracle, 3)
        tree = CorrelationTree(moments(train.values, train.neurons))
        self.clusters = fit_clusters(self.data, self.oracle, [tree.cut(0.3), tree.cut(1.0)])
        self.bootstrap = ClusterBootstrap(self.data.group_validation, draws=100)

    def run(
        self,
        deltas: tuple[tuple[float, float], ...] = DELTAS,
        thresholds: tuple[float | None, ...] = CUTS,
        layers: LayerCurves | None = None,
        clusters: tuple[ClusterProbe, ...] | None = None,
    ) -> Pipeline:
        return run_pipeline(
            self.data,
            self.oracle,
            layers or self.layers,
            self.clusters if clusters is None else clusters,
            deltas,
            thresholds,
            self.bootstrap,
            "point",
        )

    def hits(self, candidate: Candidate) -> int:
        assert candidate.probe is not None
        return int(candidate.probe.row_scores(self.data.x_validation, self.data.label_validation).sum())


@pytest.fixture(scope="module")
def task() -> Task:
    return Task()


@pytest.fixture(scope="module")
def found(task: Task) -> Pipeline:
    return task.run()


def test_the_task_is_as_planted(task: Task) -> None:
    assert task.oracle.probe.validation > 0.9
    assert [(int(a), int(b)) for a, b in task.data.scaler.dead] == [(0, 7)]


def test_every_pair_meets_every_threshold(found: Pipeline) -> None:
    ways = [(c.layer_delta, c.delta, c.clustering_threshold) for c in found.candidates]
    assert ways == [(a, b, t) for a, b in DELTAS for t in CUTS]


def test_the_layer_selector_keeps_the_first_layer(found: Pipeline) -> None:
    """Layer 1 adds copies and layer 2 noise: nothing is lost without them."""
    assert {c.layers_kept for c in found.candidates} == {0}
    assert {c.kept for c in found.candidates if c.clustering_threshold is None} == {WIDTH - 1}


def test_clustering_removes_the_copies(task: Task, found: Pipeline) -> None:
    """Of each carrier and its copies one is left; a medoid in layer 1 is lost with that layer."""
    (kept,) = {c.kept for c in found.candidates if c.clustering_threshold == 0.3}
    (medoids,) = (c.probe.feature for c in task.clusters if c.threshold == 0.3)
    assert kept == int((task.data.neurons[medoids][:, 0] == 0).sum()) < WIDTH - 1
    r = np.abs(np.corrcoef(task.data.x.numpy()))
    assert r[0, 7] > 0.99  # columns 0 and 8: a carrier and its copy
    assert r[np.ix_(medoids, medoids)][~np.eye(len(medoids), dtype=bool)].max() < 0.7


def test_sets_lie_in_what_layers_and_clusters_leave(task: Task, found: Pipeline) -> None:
    for c in found.candidates:
        if c.probe is None:
            continue
        ids = task.data.neurons[c.probe.feature]
        assert ids[:, 0].max() <= c.layers_kept
        assert len(set(c.probe.feature.tolist())) == c.size == len(c.probe.weights) <= c.kept
        if c.clustering_threshold is not None:
            (whole,) = (k.probe.feature for k in task.clusters if k.threshold == c.clustering_threshold)
            assert set(c.probe.feature.tolist()) <= set(whole.tolist())


def test_losses_are_against_the_oracle_on_all_neurons(task: Task, found: Pipeline) -> None:
    """In rows of validation; what is loose to one pair is loose to the next."""
    oracle = int(task.oracle.probe.row_scores(task.data.x_validation, task.data.label_validation).sum())
    within = [c for c in found.candidates if c.probe]
    assert len(within) >= len(DELTAS)
    for c in within:
        assert c.probe is not None
        assert oracle - task.hits(c) <= c.delta * ROWS + 1e-9
        assert c.probe.validation == pytest.approx(task.hits(c) / ROWS)
    size = {(c.delta, c.clustering_threshold): c.size for c in within}
    assert (size[0.1, None] or 0) <= (size[0.02, None] or 0)


def test_planted_carriers_are_all_that_is_kept(task: Task, found: Pipeline) -> None:
    """Each of four classes has its own carrier (or a copy of it), and one of the four can be told by the others."""
    for c in found.candidates:
        if c.probe is not None and c.delta == 0.02 and c.clustering_threshold is None:
            assert 3 <= (c.size or 0) <= 6
            carriers = {0: 0, 8: 0, 1: 1, 2: 2, 6: 2, 3: 3, 5: 3}
            assert len({carriers.get(int(i), -1) for _, i in task.data.neurons[c.probe.feature]} - {-1}) >= 3


def test_best_is_the_least_size_then_the_best_score(found: Pipeline) -> None:
    best = found.best
    assert best is not None
    assert best.probe is not None
    for c in found.candidates:
        if c.probe is not None:
            assert (c.size, -c.probe.validation) >= (best.size, -best.probe.validation)
    loose = [c for c in found.candidates if c.delta == 0.1 and c.probe]
    assert best.size == min(c.size or 0 for c in loose)


def test_features_are_global(task: Task, found: Pipeline) -> None:
    """Read from whole rows a set predicts what its own columns predict, found by layer and index in the store."""
    opened = split(3)
    whole = task.data.scaler.apply(opened.values)
    for c in found.candidates:
        if c.probe is None:
            continue
        raw = split(1).values.numpy().astype(np.float64)
        columns = [layer * WIDTH + index for layer, index in task.data.neurons[c.probe.feature].tolist()]
        x = (opened.values.numpy()[:, columns] - raw[:, columns].mean(0)) / raw[:, columns].std(0)
        scores = x @ c.probe.weights.numpy() + c.probe.intercept.numpy()
        np.testing.assert_array_equal(c.probe.predict(whole), scores.argmax(1))
        sub = task.data.columns(c.probe.feature)
        local = torch.from_numpy(np.arange(len(columns)))
        assert torch.equal(task.data.x[torch.from_numpy(c.probe.feature)], sub.x[local])
        assert sub.neurons.tolist() == task.data.neurons[c.probe.feature].tolist()


def lossy(task: Task, *, last: int) -> tuple[ClusterProbe, ...]:
    """Clusters of which one neuron of layer 2 is left, which tells nothing."""
    probe = task.oracle.probe
    feature = np.flatnonzero(task.data.neurons[:, 0] == 2)[:last]
    return (ClusterProbe(0.3, type(probe)(feature, probe.weights[:last], probe.intercept, 0.1, True, 0.0, 0.3)),)


def test_what_cannot_meet_its_delta_has_no_probe(task: Task) -> None:
    """Where clusters leave noise alone, that way is no way; another still may be."""
    layers = LayerCurves(task.layers.independent, (task.layers.incremental[-1],) * 3)
    result = task.run(((0.02, 0.02),), (None, 0.3), clusters=lossy(task, last=2), layers=layers)
    assert [c.probe is None for c in result.candidates] == [False, True]
    assert result.candidates[1].size is None
    assert result.best is result.candidates[0]
    none = task.run(((0.02, 0.02), (0.02, 0.1)), (0.3,), clusters=lossy(task, last=2))
    assert [(c.kept, c.probe, c.size) for c in none.candidates] == [(0, None, None)] * 2
    assert none.best is None
    assert none.to_frame()["size"].to_list() == [None, None]


def test_no_candidate_no_best() -> None:
    assert Pipeline(()).best is None


def test_ties_of_size_go_to_the_better_score(task: Task) -> None:
    probe = task.oracle.probe
    scores = (0.8, 0.9, 0.85)
    tied = [
        Candidate(0.01, 0.01, 0, None, 5, type(probe)(np.arange(3), *_weights(3), 0.1, True, 0.0, score))
        for score in scores
    ]
    small = Candidate(0.01, 0.01, 0, None, 5, type(probe)(np.arange(2), *_weights(2), 0.1, True, 0.0, 0.1))
    assert Pipeline(tuple(tied)).best is tied[1]
    assert Pipeline((*tied, small)).best is small


def _weights(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(rows, 4), torch.zeros(4)


def test_archive_round_trip(task: Task, found: Pipeline, tmp_path: Path) -> None:
    lost = task.run(((0.02, 0.02),), (0.3,), clusters=lossy(task, last=2))
    whole = Pipeline((*found.candidates, *lost.candidates))
    whole.archive().save(Folder(tmp_path), "pipeline")
    back = Pipeline.from_archive(Archive.load(Folder(tmp_path), "pipeline"))
    assert back.to_frame().equals(whole.to_frame())
    for ours, theirs in zip(whole.candidates, back.candidates, strict=True):
        assert (ours.probe is None) == (theirs.probe is None)
        if ours.probe is not None and theirs.probe is not None:
            np.testing.assert_array_equal(ours.probe.feature, theirs.probe.feature)
            assert torch.equal(ours.probe.weights, theirs.probe.weights)
            assert ours.probe.validation == theirs.probe.validation


def test_same_question_is_answered_once(found: Pipeline) -> None:
    """Two LS bounds that keep the same layer share a search."""
    by_way = {(c.layer_delta, c.delta, c.clustering_threshold): c for c in found.candidates}
    for threshold in CUTS:
        assert by_way[0.01, 0.02, threshold].probe is by_way[0.02, 0.02, threshold].probe
