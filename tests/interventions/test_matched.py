"""Matched random sets: as many in each layer, about as much variance, never the chosen ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.errors import DataError
from neurosieve.folder import Folder
from neurosieve.interventions import MatchedSets, by_layer, matched_sets
from neurosieve.probes.archive import Archive
from tests.tiny import assert_one_line


def neurons(layers: int, width: int) -> np.ndarray:
    return np.array([(layer, index) for layer in range(layers) for index in range(width)])


@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_what_every_set_keeps(seed: int, counts: list[int]) -> None:
    """Layer counts, distinct neurons, none that is chosen or dead; row i stands in the layer of neuron i."""
    rng = np.random.default_rng(seed)
    width = 25
    every, variance = neurons(len(counts), width), rng.lognormal(0, 2, len(counts) * width)
    variance[rng.random(len(variance)) < 0.04] = 0.0
    alive = np.flatnonzero(variance)
    mine = [rng.choice(alive[every[alive, 0] == layer], n, replace=False) for layer, n in enumerate(counts)]
    chosen = every[np.concatenate(mine)]
    if not len(chosen) or any((every[alive, 0] == layer).sum() < 2 * n for layer, n in enumerate(counts)):
        with pytest.raises(DataError):
            matched_sets(chosen, every, variance, draws=3)
        return
    found = matched_sets(chosen, every, variance, draws=7, nearest=5, seed=seed)
    dead = {tuple(row) for row in every[variance == 0].tolist()}
    for drawn, distance in zip(found.sets, found.distance, strict=True):
        ids = {tuple(row) for row in drawn.tolist()}
        assert np.array_equal(drawn[:, 0], chosen[:, 0])
        assert len(ids) == len(chosen)
        assert not ids & ({tuple(row) for row in chosen.tolist()} | dead)
        one, other = (np.log(variance[x[:, 0] * width + x[:, 1]]) for x in (drawn, chosen))
        np.testing.assert_allclose(distance, np.abs(one - other))
    again = matched_sets(chosen, every, variance, draws=7, nearest=5, seed=seed)
    assert np.array_equal(found.sets, again.sets)


def test_variance_is_matched() -> None:
    """Far nearer than sets of the same layers drawn without regard to it; draws differ from each other."""
    rng = np.random.default_rng(1)
    every, variance = neurons(3, 200), rng.lognormal(0, 2, 600)
    chosen = every[rng.choice(600, 30, replace=False)]
    near = matched_sets(chosen, every, variance, draws=100)
    free = matched_sets(chosen, every, variance, draws=100, nearest=200)
    assert near.distance.mean() < 0.2 * free.distance.mean()
    assert len({drawn.tobytes() for drawn in near.sets}) == 100
    assert not np.array_equal(near.sets, matched_sets(chosen, every, variance, draws=100, seed=1).sets)


def test_one_neuron_is_drawn_evenly_from_its_nearest() -> None:
    every, variance = neurons(1, 12), np.exp(np.arange(12.0))
    found = matched_sets(np.array([[0, 5]]), every, variance, draws=4000, nearest=4)
    index, count = np.unique(found.sets[:, 0, 1], return_counts=True)
    assert index.tolist() == [3, 4, 6, 7]
    assert (np.abs(count / 4000 - 0.25) < 0.03).all()


WRONG: dict[str, tuple[Any, tuple[str, ...]]] = {
    "none": (np.zeros((0, 2), dtype=np.int64), ("got 0",)),
    "another layer": (np.array([[2, 0]]), ("live neurons",)),
    "another index": (np.array([[0, 6]]), ("live neurons",)),
    "twice": (np.array([[0, 1], [0, 1]]), ("each once",)),
    "dead": (np.array([[1, 5]]), ("live neurons",)),
    "most of a layer": (np.array([[1, 0], [1, 1], [1, 2]]), ("layer 1", "expected 3", "got 2", "choose fewer")),
}


@pytest.mark.parametrize("case", WRONG)
def test_sets_that_cannot_be_matched(case: str) -> None:
    variance = np.ones(12)
    variance[11] = 1e-12
    chosen, parts = WRONG[case]
    with pytest.raises(DataError) as caught:
        matched_sets(chosen, neurons(2, 6), variance)
    assert_one_line(caught.value, *parts)


def test_files_and_frame(tmp_path: Any) -> None:
    every, variance = neurons(2, 10), np.arange(1.0, 21)
    found = matched_sets(every[[3, 15]], every, variance, draws=4)
    found.archive().save(Folder(tmp_path), "sets")
    read = MatchedSets.from_archive(Archive.load(Folder(tmp_path), "sets"))
    assert np.array_equal(read.sets, found.sets)
    assert np.array_equal(read.distance, found.distance)
    frame = found.to_frame()
    assert frame.shape == (8, 5)
    assert frame.row(3)[:4] == (1, 1, int(found.sets[1, 1, 1]), 5)
    assert by_layer(found.sets[0]) == {0: (int(found.sets[0, 0, 1]),), 1: (int(found.sets[0, 1, 1]),)}
