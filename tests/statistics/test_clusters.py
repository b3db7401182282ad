"""Correlation clusters against plain average linkage, planted groups, and brute-force medoids."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.errors import DataError, ResourceError
from neurosieve.statistics import Clusters, CorrelationTree, moments
from neurosieve.statistics.correlations import RowCorrelations
from tests.statistics.test_streamed_moments import draw, ids

GROUPS, SIZE, NOISE, ROWS = 20, 5, 200, 4000
THRESHOLDS = [round(0.1 * k, 1) for k in range(1, 10)]


def tree(values: torch.Tensor, *widths: int) -> CorrelationTree:
    return CorrelationTree(moments(values, ids(*widths)))


def partition(label: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(label == k).tolist()) for k in np.unique(label[label >= 0])}


def plain_linkage(distance: np.ndarray, threshold: float) -> set[frozenset[int]]:
    """Join the two clusters with the least mean distance, as long as it is within the threshold."""
    clusters = [[i] for i in range(len(distance))]
    while len(clusters) > 1:
        pairs = [(a, b) for a in range(len(clusters)) for b in range(a)]
        mean, a, b = min((distance[np.ix_(clusters[a], clusters[b])].mean(), a, b) for a, b in pairs)
        if mean > threshold:
            break
        clusters[b] += clusters.pop(a)
    return {frozenset(c) for c in clusters}


def plain_medoid(r: np.ndarray, members: list[int]) -> int:
    means = [np.mean([abs(r[i, j]) for j in members if j != i] or [0.0]) for i in members]
    return members[int(np.argmax(np.array(means) >= max(means) - 1e-9))]


@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_cut_and_medoids_are_those_of_the_definition(seed: int, threshold: float, neurons: int) -> None:
    values = draw(25, neurons, seed=seed)
    r = np.atleast_2d(np.corrcoef(values.T.numpy()))
    found = tree(values, neurons).cut(threshold)
    assert partition(found.label) == plain_linkage(1 - np.abs(r), threshold)
    for k, chosen in enumerate(found.representatives):
        assert chosen == plain_medoid(r, np.flatnonzero(found.label == k).tolist())
    assert found.kept == len(found.representatives) == found.label.max() + 1


def test_medoids_of_large_clusters_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosieve.statistics.clusters._BLOCK", 3)
    values = draw(60, 40)
    r = np.corrcoef(values.T.numpy())
    for threshold in (0.3, 0.6, 0.8, 1.0):
        found = tree(values, 20, 20).cut(threshold)
        for k, chosen in enumerate(found.representatives):
            assert chosen == plain_medoid(r, np.flatnonzero(found.label == k).tolist())
    assert found.kept == 1


def planted(signs: bool, seed: int = 0) -> tuple[torch.Tensor, np.ndarray]:
    """Neurons of planted groups (|r| about 0.99) strewn among noise, and each one's group (−1: noise)."""
    rng = np.random.default_rng(seed)
    signal = np.repeat(rng.normal(size=(ROWS, GROUPS)), SIZE, 1)
    values = np.concatenate([signal + 0.1 * rng.normal(size=signal.shape), rng.normal(size=(ROWS, NOISE))], 1)
    if signs:
        values *= rng.choice([-1, 1], values.shape[1])
    values = values * rng.uniform(0.1, 10, values.shape[1]) + rng.uniform(-100, 100, values.shape[1])
    group = np.concatenate([np.repeat(np.arange(GROUPS), SIZE), np.full(NOISE, -1)])
    order = rng.permutation(len(group))
    return torch.from_numpy(values[:, order]), group[order]


@pytest.mark.parametrize("signs", [False, True])
def test_planted_groups_are_found_at_every_threshold(signs: bool) -> None:
    values, group = planted(signs)
    r = np.abs(np.corrcoef(values.T.numpy()))
    together = (group[:, None] == group) & (group >= 0)
    assert r[together].min() > 0.95
    assert r[~together & ~np.eye(len(group), dtype=bool)].max() < 0.1  # noise stays apart up to 0.9
    expected = partition(group) | {frozenset([int(i)]) for i in np.flatnonzero(group < 0)}
    built = tree(values, 150, 150)
    for threshold in THRESHOLDS:
        found = built.cut(threshold)
        assert partition(found.label) == expected
        assert found.kept == GROUPS + NOISE
        assert sorted(group[found.representatives].tolist()) == [-1] * NOISE + list(range(GROUPS))
    assert built.cut(0.0).kept == len(group)
    assert built.cut(1.0).kept == 1


def test_thresholds_do_not_hang_on_each_other() -> None:
    values = draw(40, 30)
    built = tree(values, 30)
    forward = [built.cut(t).label for t in THRESHOLDS]
    for threshold, label in reversed(list(zip(THRESHOLDS, forward, strict=True))):
        np.testing.assert_array_equal(built.cut(threshold).label, label)
        np.testing.assert_array_equal(tree(values, 30).cut(threshold).label, label)
    kept = [label.max() for label in forward]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[4] > kept[-1]


@given(st.integers(0, 10**6), st.sampled_from(THRESHOLDS))
@settings(max_examples=30, deadline=None)
def test_sign_and_scale_change_nothing(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    values = draw(30, 15, seed=seed)
    # Within a layer scales stay within 1e4 of its median, or a neuron would count as dead.
    factor = torch.from_numpy(rng.choice([-1, 1], 15) * rng.uniform(0.1, 10, 15))
    before, after = tree(values, 8, 7).cut(threshold), tree(values * factor, 8, 7).cut(threshold)
    np.testing.assert_array_equal(before.label, after.label)
    np.testing.assert_array_equal(before.representatives, after.representatives)


@given(st.integers(0, 10**6), st.sampled_from(THRESHOLDS))
@settings(max_examples=30, deadline=None)
def test_permuted_columns_give_permuted_clusters(seed: int, threshold: float) -> None:
    values = draw(30, 14, seed=seed)
    order = np.random.default_rng(seed).permutation(14)
    before, after = tree(values, 14).cut(threshold), tree(values[:, order], 14).cut(threshold)
    assert partition(before.label) == {frozenset(order[sorted(c)].tolist()) for c in partition(after.label)}
    chosen = {int(r) for k, r in enumerate(before.representatives) if (before.label == k).sum() > 2}
    assert chosen <= set(order[after.representatives].tolist())  # pairs go by id, which the order changes


def test_ties_go_to_the_lowest_id() -> None:
    column = draw(30, 1)
    values = torch.cat([draw(30, 1, seed=1), column, -2 * column, column + 1, 5 * column], 1)
    found = tree(values, 2, 3).cut(0.0)
    assert found.label.tolist() == [0, 1, 1, 1, 1]
    assert found.representatives.tolist() == [0, 1]
    swapped = CorrelationTree(moments(values, np.array([(0, 0), (0, 3), (0, 2), (0, 1), (1, 0)]))).cut(0.0)
    assert swapped.representatives.tolist() == [0, 3]  # column 3 is neuron 0:1


@pytest.mark.parametrize("seed", range(5))
def test_ties_up_to_rounding_are_ties(seed: int) -> None:
    factor = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 9)))
    values = draw(30, 1, seed=seed) * factor[0] + 1e3 * factor[1]
    assert tree(values, 9).cut(0.1).representatives.tolist() == [0]


def test_dead_neurons_are_in_no_cluster() -> None:
    values = draw(30, 8)
    values[:, [0, 5]] = 0.3
    live = [1, 2, 3, 4, 6, 7]
    found, without = tree(values, 4, 4).cut(0.6), tree(values[:, live], 6).cut(0.6)
    assert [str(n) for n in found.dead] == ["0:0", "1:1"]
    assert found.label[[0, 5]].tolist() == [-1, -1]
    np.testing.assert_array_equal(found.label[live], without.label)
    np.testing.assert_array_equal(found.representatives, np.array(live)[without.representatives])


def test_clusters_are_numbered_by_their_first_column() -> None:
    found = tree(draw(30, 25), 25).cut(0.6)
    first = [int(np.flatnonzero(found.label == k)[0]) for k in range(found.kept)]
    assert first == sorted(first)
    assert 1 < found.kept < 25


def test_one_live_neuron() -> None:
    values = torch.full((20, 3), 2.0).double()
    values[:, 1] = torch.arange(20)
    # Inline two dead neurons the median is 0, and any spread is above it.
    found = tree(values, 3).cut(0.5)
    assert found.label.tolist() == [-1, 0, -1]
    assert found.representatives.tolist() == [1]
    assert found.kept == 1


def test_frame_and_notebook() -> None:
    values = draw(30, 6)
    values[:, 2] = 0
    found = tree(values, 2, 4).cut(0.4)
    frame = found.to_frame()
    assert frame.columns == ["layer", "index", "cluster", "representative"]
    assert frame.select("layer", "index").rows() == [tuple(n) for n in ids(2, 4).tolist()]
    assert frame["cluster"].to_list() == found.label.tolist()
    assert frame["representative"].arg_true().to_list() == sorted(found.representatives.tolist())
    assert f"{found.kept} clusters of 6 neurons at threshold 0.4" in found._repr_html_()
    assert isinstance(found, Clusters)


@pytest.mark.parametrize("threshold", [-0.1, 1.01, float("nan"), float("inf")])
def test_thresholds_outside_0_to_1_are_refused(threshold: float) -> None:
    built = tree(draw(10, 3), 3)
    with pytest.raises(DataError, match=r"^clustering threshold: expected 0 to 1, got \S+; [^\n]*$"):
        built.cut(threshold)


def test_all_neurons_dead() -> None:
    with pytest.raises(DataError, match=r"^activations: expected neurons that vary over the rows, got none; [^\n]*$"):
        tree(torch.ones(10, 3), 3)


def related(seed: int, dead: int = 0) -> torch.Tensor:
    """Neurons in loose and tight groups, some of them copies, with scales and means of their own, shape [60, 40]."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(60, 6))[:, rng.integers(0, 6, 40)]
    values = signal + rng.uniform(0.05, 3, 40) * rng.normal(size=(60, 40))
    values[:, 7] = -3 * values[:, 30]
    values = values * rng.uniform(0.1, 10, 40) + rng.uniform(-100, 100, 40)
    values[:, rng.permutation(40)[:dead]] = 0.3
    return torch.from_numpy(values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("up_to", [0.0, 0.2, 0.5, 0.7, 0.9, 0.98, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_tree_of_rows_is_that_of_the_full_matrix(
    seed: int, up_to: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the type of the first products, and however neurons are cut into blocks."""
    monkeypatch.setattr("neurosieve.statistics.correlations._fastest", lambda _: dtype)
    monkeypatch.setattr("neurosieve.statistics.correlations._BLOCK", 7)
    monkeypatch.setattr("neurosieve.statistics.correlations._COLUMNS", 5)
    monkeypatch.setattr("neurosieve.statistics.clusters._BLOCK", 6)
    values = related(seed, dead=seed)
    full, ours = tree(values, 25, 15), CorrelationTree.from_rows(values, ids(25, 15), up_to=up_to)
    for share in (0, 0.3, 0.6, 0.9, 1):
        expected, came = full.cut(share * up_to), ours.cut(share * up_to)
        np.testing.assert_array_equal(came.label, expected.label)
        np.testing.assert_array_equal(came.representatives, expected.representatives)
        assert came.dead == expected.dead


def test_neurons_are_told_apart_before_the_tree_is_grown() -> None:
    """What the first products are for: no group is much larger than what is planted, signs and all."""
    values, group = planted(signs=True)
    rows = values.half().float()
    ours = CorrelationTree.from_rows(rows, ids(150, 150), up_to=0.9)
    expected = partition(group) | {frozenset([int(i)]) for i in np.flatnonzero(group < 0)}
    groups = RowCorrelations(rows, ids(150, 150)).groups(0.1)
    assert {frozenset(members.tolist()) for members in groups} == expected
    assert partition(ours.cut(0.5).label) == expected


def test_a_group_that_is_too_large_is_refused() -> None:
    line = r"^clusters up to threshold 1: expected groups .* fit into \S+ GiB, got 30 neurons[^\n]*$"
    with pytest.raises(ResourceError, match=line):
        CorrelationTree.from_rows(draw(40, 30), ids(30), most_bytes=4 * 29**2)


def test_cuts_above_what_the_tree_was_built_for_are_refused() -> None:
    built = CorrelationTree.from_rows(draw(10, 3), ids(3), up_to=0.5)
    with pytest.raises(
        DataError, match=r"^clustering threshold: expected 0 to 0.5, got 0.6; build the tree for a larger one$"
    ):
        built.cut(0.6)
