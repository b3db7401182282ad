"""Single neurons on held-out rows: bins, intervals, permutations and unseen texts against slow loops."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from neurosieve.concepts.neurons.held_out import MIN_UNSEEN, PERMUTATIONS, HeldOut, neuron_ids
from neurosieve.concepts.neurons.histograms import BINS, bin_of
from neurosieve.concepts.neurons.passes import Spread, spread_of
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.typing import SPLITS, NeuronId
from tests.concepts.planted import code, planted_rows, planted_store, values_of

_HOME = TemporaryDirectory(prefix="held-out-")  # lives as long as the test process
PLANT = NeuronId(1, 3)
COLUMNS = np.array([2, 11, 17])


@cache
def store() -> ConceptStore:
    return planted_store(Path(_HOME.name) / "store", {PLANT: ("lexical=number", 2.0)})


@cache
def held_out() -> HeldOut:
    return HeldOut.of(store(), COLUMNS, spread_of(store()), 3, 300)


def number() -> np.ndarray:
    return held_out().positive("lexical", store().table.values["lexical"].index("number"))


@cache
def scattered_rows() -> ConceptRows:
    """Functions whose files come in turn, so that the rows of one file do not lie side by side."""
    examples = [
        Example(f"{split}:{i}.py", code((split, i)), (), split, f"{split}/{i % 3}")
        for split in SPLITS
        for i in range(7)
    ]
    dataset = Dataset(tuple(examples), "made up")
    return concept_rows(dataset, ["python"] * len(examples), properties=("lexical",))


def test_bins_in_the_order_of_the_table() -> None:
    """Rows of the store lie shuffled; bins, texts and values come by the number of the row."""
    values, numbers = values_of(store(), "test")
    spread: Spread = spread_of(store())
    for column in COLUMNS.tolist():
        z = (values[:, column].astype(np.float32) - spread.centre[column].numpy()) / spread.scale[column].numpy()
        expected = bin_of(torch.from_numpy(z)).numpy()[np.argsort(numbers)]
        np.testing.assert_array_equal(held_out().directed(column, low=False), expected)
        np.testing.assert_array_equal(held_out().directed(column, low=True), BINS - 1 - expected)
    rows = sorted(numbers.tolist())
    np.testing.assert_array_equal(number(), store().table.target("lexical=number").positive[rows])
    train = set(store().texts("train"))
    assert held_out().unseen.tolist() == [store().text(row) not in train for row in rows]
    assert neuron_ids(store(), COLUMNS) == [NeuronId(0, 2), NeuronId(1, 3), NeuronId(2, 1)]


def test_exact_values_in_the_order_of_the_table() -> None:
    values, numbers = values_of(store(), "test")
    expected = values[np.argsort(numbers)][:, COLUMNS].astype(np.float32)
    np.testing.assert_array_equal(held_out().exact(COLUMNS.tolist()), expected)
    groups = [store().groups("test")[i] for i in np.argsort(numbers)]
    assert held_out().groups.tolist() == groups


def test_precision_on_unseen_texts(tmp_path: Path) -> None:
    """Names of test files are new, signs are not."""
    examples = [Example(f"{s}.py", "".join(f"{s}_{i} = {i % 9}\n" for i in range(90)), (), s, s) for s in SPLITS]
    rows = concept_rows(Dataset(tuple(examples), "made up"), ["python"] * 3, properties=("lexical",))
    one = planted_store(tmp_path / "s", {}, rows=rows, width=2, layers=1)
    held = HeldOut.of(one, np.arange(1), spread_of(one), 0, 100)
    bins, own = held.directed(0, low=False), np.flatnonzero(held.unseen)
    assert len(own) == 90
    positive = np.random.default_rng(0).random(len(bins)) < 0.5
    expected = average_precision_score(positive[own], bins[own])
    assert held.unseen_precision(bins, positive) == pytest.approx(expected, abs=1e-12)
    for kind in (True, False):
        few = np.full(len(positive), not kind)
        few[own[: MIN_UNSEEN - 1]] = kind
        assert held.unseen_precision(bins, few) is None
        few[own[MIN_UNSEEN - 1]] = kind
        assert held.unseen_precision(bins, few) is not None


def permuted_by_hand(held: HeldOut, bins: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """For each row of bins: the values of each file moved on by as many places, and the rank sum of each outcome."""
    order = np.argsort(held.store.numbers("test"))
    groups = np.array([held.store.groups("test")[i] for i in order])
    rng, ranks = np.random.default_rng(held.seed), rankdata(bins, axis=1)
    rows = [np.flatnonzero(groups == name) for name in sorted(set(groups))]
    shifts = [rng.integers(0, len(own), PERMUTATIONS) for own in rows]
    reached = np.zeros(len(bins))
    for n in range(PERMUTATIONS):
        lent = positive.copy()
        for own, shift in zip(rows, shifts, strict=True):
            lent[own] = np.roll(positive[own], -shift[n])
        reached += ranks[:, lent].sum(1) >= ranks[:, positive].sum(1)
    p: np.ndarray = (1 + reached) / (1 + PERMUTATIONS)
    return p


@pytest.mark.parametrize("scattered", [False, True])
def test_permutation_p(scattered: bool, tmp_path: Path) -> None:
    rows = scattered_rows() if scattered else planted_rows()
    plants = {NeuronId(0, 0): ("lexical=comment", 0.1), NeuronId(0, 1): ("lexical=comment", 3.0)}
    one = planted_store(tmp_path / "s", plants, rows=rows, width=4, layers=1)
    held = HeldOut.of(one, np.arange(4), spread_of(one), 1, 100)
    positive = held.positive("lexical", one.table.values["lexical"].index("comment"))
    bins = np.stack([held.directed(c, low=False) for c in range(4)])
    found = held.permuted(bins, positive)
    assert found == pytest.approx(permuted_by_hand(held, bins, positive), abs=0.0015)
    assert found[1] == 1 / (1 + PERMUTATIONS)
    assert found[2:].max() > 0.05


def test_permutations_keep_each_file_to_itself(tmp_path: Path) -> None:
    """Each row borrows from its own file, and each row lends once."""
    one = planted_store(tmp_path / "s", {}, rows=scattered_rows(), width=2, layers=1)
    held = HeldOut.of(one, np.arange(1), spread_of(one), 0, 100)
    groups = np.array([one.groups("test")[i] for i in np.argsort(one.numbers("test"))])
    assert (np.diff(np.unique(groups, return_inverse=True)[1]) != 0).sum() > 3
    for lent in held.shifted[:20]:
        assert sorted(lent.tolist()) == list(range(len(groups)))
        assert (groups[lent] == groups).all()


def test_p_of_nothing_is_not_small() -> None:
    """A value that runs along with a file: runs of like tokens count as such."""
    rng = np.random.default_rng(0)
    bins = rng.integers(0, BINS, (1, len(number())))
    p = [float(held_out().permuted(bins, np.roll(number(), int(k)))[0]) for k in rng.integers(0, 2000, 30)]
    assert 0.2 < np.mean(p) < 0.8


def test_seed_decides_permutations() -> None:
    bins = np.random.default_rng(1).integers(0, BINS, (5, len(number())))
    one, other = (replace(held_out(), seed=s).permuted(bins, number()) for s in (3, 4))
    np.testing.assert_array_equal(one, held_out().permuted(bins, number()))
    assert not np.array_equal(one, other)
    np.testing.assert_allclose(one, other, atol=0.1)
