"""The probe on one neuron a cluster: representatives are global ids, mapped to live features one by one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from neurosieve.activations.store import Activations
from neurosieve.probes import Oracle, SelectionData, fit_oracle, fit_probe, selection_data
from neurosieve.probes.archive import Archive
from neurosieve.redundancy.cluster_probes import GeneralRedundancy, fit_clusters
from neurosieve.statistics import Clusters, CorrelationTree, moments
from neurosieve.storage.folder import Folder
from tests.synthetic import activations, noise_and_signal

LAYERS, WIDTH = 3, 8
DEAD = (1, 8, 17)  # columns, one in each layer


def store(seed: int) -> Activations:
    """Column 9 copies column 0, column 20 column 3, both scaled and turned; three columns never move."""
    values, label = noise_and_signal(seed, 300, LAYERS * WIDTH, 3, 4)
    values[:, 9], values[:, 20] = 3 * values[:, 0] + 1, -values[:, 3]
    values[:, DEAD] = -0.3
    return activations(values, label, layers=LAYERS, classes=3)


Problem = tuple[SelectionData, Oracle, Activations]


@pytest.fixture(scope="module")
def problem() -> Problem:
    train = store(1)
    data = selection_data(train, store(2))
    return data, fit_oracle(data), train


def cut(neurons: np.ndarray, representatives: list[int], threshold: float = 0.3) -> Clusters:
    label = np.full(len(neurons), -1)
    label[representatives] = np.arange(len(representatives))
    return Clusters(threshold, neurons, label, np.array(representatives, dtype=np.int64), ())


@pytest.mark.parametrize("chosen", [[0], [23, 2, 10], [2, 7, 9, 16, 23], [i for i in range(24) if i not in DEAD]])
def test_representatives_are_mapped_to_live_features(chosen: list[int], problem: Problem) -> None:
    """A column's feature is its place among the live columns, whatever the order of the clusters."""
    data, oracle, train = problem
    (found,) = fit_clusters(data, oracle, [cut(train.neurons, chosen)])
    places = [c - sum(d < c for d in DEAD) for c in sorted(chosen)]
    assert found.probe.feature.tolist() == places
    assert data.neurons[found.probe.feature].tolist() == train.neurons[sorted(chosen)].tolist()
    expected, _ = fit_probe(data, np.array(places), oracle.lambdas)
    assert torch.equal(found.probe.weights, expected.weights)
    assert (found.probe.lam, found.probe.validation) == (expected.lam, expected.validation)


@pytest.mark.parametrize("dead", [list(DEAD), [8]])
def test_dead_representatives_are_left_out(dead: list[int], problem: Problem) -> None:
    """Label-balanced rows may show a spread that train does not: such a medoid has no feature."""
    data, oracle, train = problem
    (found,) = fit_clusters(data, oracle, [cut(train.neurons, [2, *dead, 10])])
    assert data.neurons[found.probe.feature].tolist() == [[0, 2], [1, 2]]


def test_only_dead_representatives_leave_the_intercept(problem: Problem) -> None:
    data, oracle, train = problem
    (found,) = fit_clusters(data, oracle, [cut(train.neurons, [8])])
    assert len(found.probe.feature) == 0
    assert len(set(found.probe.predict(data.x_validation))) == 1


def test_thresholds_of_the_tree(problem: Problem) -> None:
    """Each copy goes at every threshold; the more is joined, the fewer stay; the order of the cuts is kept."""
    data, oracle, train = problem
    tree = CorrelationTree(moments(train.values, train.neurons))
    thresholds = (0.3, 0.0, 0.9, 1.0)
    found = fit_clusters(data, oracle, [tree.cut(t) for t in thresholds])
    assert tuple(c.threshold for c in found) == thresholds
    kept = {c.threshold: {tuple(n) for n in data.neurons[c.probe.feature].tolist()} for c in found}
    assert len(kept[0.0]) == 24 - len(DEAD) - 2
    assert not kept[0.0] & {(1, 1), (2, 4)}  # of two copies the lower id represents both
    assert len(kept[0.0]) >= len(kept[0.3]) >= len(kept[0.9]) >= len(kept[1.0]) == 1
    scores = {c.threshold: c.probe.validation for c in found}
    assert scores[0.0] == pytest.approx(oracle.probe.validation, abs=0.03)  # copies carried nothing of their own
    assert scores[1.0] < scores[0.0] - 0.2


def test_cut_of_other_columns_goes_by_id(problem: Problem) -> None:
    """Ids decide, not columns: the same clusters over permuted columns give the same features."""
    data, oracle, train = problem
    order = np.random.default_rng(0).permutation(LAYERS * WIDTH)
    chosen = [2, 9, 23]
    mixed = cut(train.neurons[order], [int(np.flatnonzero(order == c)[0]) for c in chosen])
    (found,) = fit_clusters(data, oracle, [mixed])
    assert data.neurons[found.probe.feature].tolist() == train.neurons[chosen].tolist()


@pytest.mark.parametrize("cka", [None, np.array([[1.0, 0.123456789012345], [0.123456789012345, 1.0]])])
def test_archive_round_trip_and_frame(cka: np.ndarray | None, problem: Problem, tmp_path: Path) -> None:
    data, oracle, train = problem
    cuts = [cut(train.neurons, [2, 10]), cut(train.neurons, [2, 10, 23], threshold=0.1)]
    general = GeneralRedundancy(cka, 77, fit_clusters(data, oracle, cuts))
    general.archive().save(Folder(tmp_path), "clusters")
    back = GeneralRedundancy.from_archive(Archive.load(Folder(tmp_path), "clusters"))
    assert back.rows == 77
    assert (back.cka is None) == (cka is None)
    if cka is not None:
        np.testing.assert_array_equal(back.cka, cka)
    for ours, theirs in zip(general.clusters, back.clusters, strict=True):
        assert ours.threshold == theirs.threshold
        np.testing.assert_array_equal(ours.probe.feature, theirs.probe.feature)
        assert torch.equal(ours.probe.weights, theirs.probe.weights)
    a, b = (c.probe.validation for c in general.clusters)
    assert back.to_frame().rows() == [(0.3, 2, a), (0.1, 3, b)]


def test_no_cut_is_an_empty_frame(problem: Problem) -> None:
    data, oracle, _ = problem
    assert fit_clusters(data, oracle, []) == ()
    assert GeneralRedundancy(None, 3, ()).to_frame().columns == ["threshold", "kept", "validation"]
