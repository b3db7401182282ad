"""Matched random sets: as many in each layer, about as much variance, never the chosen ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from neurosieve.errors import DataError
from neurosieve.interventions import MatchedSets, by_layer, matched_sets
from neurosieve.interventions.matched import CALIPER
from neurosieve.probes.archive import Archive
from neurosieve.storage.folder import Folder
from tests.tiny import assert_one_line


def neurons(layers: int, width: int) -> np.ndarray:
    return np.array([(layer, index) for layer in range(layers) for index in range(width)])


@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_what_every_set_keeps(seed: int, counts: list[int]) -> None:
    """Layers, distinct neurons, none that is chosen or dead, variances within the caliper; nobody is left out idly."""
    rng = np.random.default_rng(seed)
    width = 25
    every, variance = neurons(len(counts), width), rng.lognormal(0, 2, len(counts) * width)
    variance[rng.random(len(variance)) < 0.04] = 0.0
    alive = np.flatnonzero(variance)
    mine = [rng.choice(alive[every[alive, 0] == layer], n, replace=False) for layer, n in enumerate(counts)]
    chosen = every[np.concatenate(mine)]
    most = most_that_can_be_matched(chosen, every, variance, width)
    if not most:
        with pytest.raises(DataError):
            matched_sets(chosen, every, variance, draws=3)
        return
    found = matched_sets(chosen, every, variance, draws=7, nearest=5, seed=seed)
    asked, chosen = chosen, found.chosen
    assert len(chosen) == most
    assert sorted([*chosen.tolist(), *found.unmatched.tolist()]) == sorted(asked.tolist())
    dead = {tuple(row) for row in every[variance == 0].tolist()}
    for drawn, distance in zip(found.sets, found.distance, strict=True):
        ids = {tuple(row) for row in drawn.tolist()}
        assert np.array_equal(drawn[:, 0], chosen[:, 0])
        assert len(ids) == len(chosen)
        assert not ids & ({tuple(row) for row in asked.tolist()} | dead)
        one, other = (np.log(variance[x[:, 0] * width + x[:, 1]]) for x in (drawn, chosen))
        np.testing.assert_allclose(distance, np.abs(one - other))
        assert (distance <= np.log(CALIPER)).all()
    again = matched_sets(asked, every, variance, draws=7, nearest=5, seed=seed)
    assert np.array_equal(found.sets, again.sets)


def most_that_can_be_matched(chosen: np.ndarray, every: np.ndarray, variance: np.ndarray, width: int) -> int:
    """By scipy's maximum matching of the graph of neighbours."""
    if not len(chosen):
        return 0
    mine = chosen[:, 0] * width + chosen[:, 1]
    ratio = variance[None] / variance[mine, None]
    edges = (ratio <= CALIPER) & (ratio >= 1 / CALIPER) & (every[None, :, 0] == chosen[:, :1]) & (variance > 0)
    edges[:, mine] = False
    return int((maximum_bipartite_matching(csr_array(edges), perm_type="column") >= 0).sum())


def test_variance_is_matched() -> None:
    """Nearer than the caliper asks for; draws differ from each other."""
    rng = np.random.default_rng(1)
    every, variance = neurons(3, 200), rng.lognormal(0, 2, 600)
    chosen = every[rng.choice(600, 30, replace=False)]
    near = matched_sets(chosen, every, variance, draws=100)
    free = matched_sets(chosen, every, variance, draws=100, nearest=200)
    assert near.distance.mean() < 0.7 * free.distance.mean()
    assert len({drawn.tobytes() for drawn in near.sets}) == near.distinct == 100
    assert not np.array_equal(near.sets, matched_sets(chosen, every, variance, draws=100, seed=1).sets)


def test_one_neuron_is_drawn_evenly_from_its_nearest() -> None:
    every, variance = neurons(1, 12), np.exp(np.arange(12.0) / 4)
    found = matched_sets(np.array([[0, 5]]), every, variance, draws=4000, nearest=4)
    index, count = np.unique(found.sets[:, 0, 1], return_counts=True)
    assert index.tolist() == [3, 4, 6, 7]
    assert (np.abs(count / 4000 - 0.25) < 0.03).all()
    assert found.distinct == 4


def test_neurons_without_neighbours_are_left_out_and_named() -> None:
    """Of both sets: one that varies far more than all others, and one whose neighbours are needed before it."""
    every, variance = neurons(1, 8), np.array([1.0, 1.1, 1.2, 900.0, 1.0, 1.3, 5.0, 0.1])
    found = matched_sets(np.array([[0, 3], [0, 0], [0, 1], [0, 2]]), every, variance, draws=50)
    assert found.chosen.tolist() == [[0, 0], [0, 1]]
    assert found.unmatched.tolist() == [[0, 3], [0, 2]]
    assert {tuple(sorted(drawn[:, 1])) for drawn in found.sets} == {(4, 5)}
    matching = found.matching()
    assert (matching.distinct_sets, matching.sets, matching.unmatched) == (1, 50, ((0, 3), (0, 2)))
    assert matching.worst == pytest.approx(1.3)
    assert matching.caliper == CALIPER


def test_others_make_room() -> None:
    """Whoever is drawn first may not take what another needs alone; the draws still vary."""
    variance = np.array([1.0, 1.9, 0.6, 1.8, 3.7])  # neuron 0 can have 2 and 3, neuron 1 can have 3 and 4
    for chosen in ([[0, 0], [0, 1]], [[0, 1], [0, 0]]):
        found = matched_sets(np.array(chosen), neurons(1, 5), variance, draws=100)
        assert len(found.unmatched) == 0
        assert found.distinct == 3
    tight = matched_sets(np.array([[0, 1], [0, 0]]), neurons(1, 4), variance[:4], draws=50)
    assert {tuple(drawn[:, 1]) for drawn in tight.sets} == {(3, 2)}


WRONG: dict[str, tuple[Any, tuple[str, ...]]] = {
    "none": (np.zeros((0, 2), dtype=np.int64), ("got 0",)),
    "another layer": (np.array([[2, 0]]), ("live neurons",)),
    "another index": (np.array([[0, 6]]), ("live neurons",)),
    "twice": (np.array([[0, 1], [0, 1]]), ("each once",)),
    "dead": (np.array([[1, 5]]), ("live neurons",)),
    "a whole layer": (np.array([[1, i] for i in range(5)]), ("5 chosen", "factor of 2", "got none", "choose more")),
    "none like it": (np.array([[0, 5]]), ("1 chosen", "factor of 2", "got none", "matched")),
}


@pytest.mark.parametrize("case", WRONG)
def test_sets_that_cannot_be_matched(case: str) -> None:
    variance = np.ones(12)
    variance[[5, 11]] = 2.1, 1e-12
    chosen, parts = WRONG[case]
    with pytest.raises(DataError) as caught:
        matched_sets(chosen, neurons(2, 6), variance)
    assert_one_line(caught.value, *parts)


def test_files_and_frame(tmp_path: Any) -> None:
    every, variance = neurons(2, 10), np.arange(1.0, 21)
    variance[19] = 1e6
    found = matched_sets(every[[3, 15, 19]], every, variance, draws=4)
    found.archive().save(Folder(tmp_path), "sets")
    read = MatchedSets.from_archive(Archive.load(Folder(tmp_path), "sets"))
    assert np.array_equal(read.sets, found.sets)
    assert np.array_equal(read.distance, found.distance)
    assert read.unmatched.tolist() == [[1, 9]]
    old = dict(found.archive().record)
    del old["unmatched"]
    assert MatchedSets.from_archive(Archive(old)).unmatched.shape == (0, 2)
    frame = found.to_frame()
    assert frame.shape == (8, 5)
    assert frame.row(3)[:4] == (1, 1, int(found.sets[1, 1, 1]), 5)
    assert by_layer(found.sets[0]) == {0: (int(found.sets[0, 0, 1]),), 1: (int(found.sets[0, 1, 1]),)}
