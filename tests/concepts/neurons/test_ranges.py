"""Ranges of activation: against a plain search over all; a planted one is found, none where labels are mixed."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score

from neurosieve.concepts.neurons.claims import find_concepts
from neurosieve.concepts.neurons.histograms import BINS, bin_of
from neurosieve.concepts.neurons.ranges import MERGED, best_range, coarse_precision, edges
from neurosieve.concepts.rows import ConceptStore
from neurosieve.results import from_json, to_json
from neurosieve.results.concepts import ConceptFindings
from neurosieve.results.value_ranges import ValueRange
from neurosieve.typing import NeuronId, Split
from tests.concepts.neurons.test_claims import PLANTS, changed, concept, store
from tests.concepts.planted import values_of

_HOME = TemporaryDirectory(prefix="ranges-")
MIDDLE, COLUMN = NeuronId(1, 6), 14  # of three layers of eight


def plain(bins: np.ndarray, positive: np.ndarray, count: int) -> float:
    """The best range by scikit-learn, tried one after the other."""
    ranges = ((bins >= a) & (bins <= b) for a in range(count) for b in range(a, count))
    return float(max(average_precision_score(positive, inside) for inside in ranges))


@given(arrays(np.int64, 24, elements=st.integers(0, 6)), arrays(np.bool_, 24))
@example(np.zeros(24, np.int64), np.arange(24) == 0)
@example(np.arange(24) // 12 * 6, np.arange(24) % 12 == 0)
@settings(max_examples=25, deadline=None)
def test_the_best_range_equals_a_plain_search(bins: np.ndarray, positive: np.ndarray) -> None:
    hits, rows = (np.bincount(part, minlength=7)[None].astype(float) for part in (bins[positive], bins))
    found = best_range(hits, rows)
    if positive.all() or not positive.any():
        assert np.isnan(found.ap[0])
        return
    assert found.ap[0] == pytest.approx(plain(bins, positive, 7))
    inside = (bins >= found.first[0]) & (bins <= found.last[0])
    assert (inside & positive).any()  # so that no edit is given a range that is empty
    assert average_precision_score(positive, inside) == pytest.approx(found.ap[0])


def test_coarse_bins_are_the_same_search_over_merged_bins() -> None:
    rng = np.random.default_rng(0)
    every = rng.integers(1, 9, (3, BINS))
    positive = rng.binomial(every[..., None], 0.2, (3, BINS, 2))
    coarse = coarse_precision(positive, every)
    for neuron in range(3):
        for value in range(2):
            merged = [x.reshape(-1, MERGED).sum(1)[None] for x in (positive[neuron, :, value], every[neuron])]
            assert coarse[neuron, value] == best_range(*merged).ap[0]


@given(st.integers(0, BINS - 1), st.integers(0, BINS - 1), st.floats(-50, 50), st.floats(0.1, 9))
def test_edges_are_those_of_the_bins(one: int, other: int, centre: float, scale: float) -> None:
    first, last = sorted((one, other))
    low, high = edges(first, last, centre, scale)
    assert (low is None, high is None) == (first == 0, last == BINS - 1)
    assert low is None or high is None or low < high
    width = 1e-4
    for edge, inside, beyond in ((low, first, first - 1), (high, last, last + 1)):
        if edge is None:
            continue
        z = (edge - centre) / scale
        step = width * (1 + abs(z)) * (1 if beyond < inside else -1)
        found = bin_of(torch.tensor([z + step, z - step], dtype=torch.float64)).tolist()
        assert found == [inside, beyond]


@cache
def ranged() -> ConceptFindings:
    """Calls are at 2 to 3 spreads of a neuron that is below or above elsewhere."""

    def between(split: Split, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        table, rng = store().table, np.random.default_rng(len(split))
        calls = table.codes["role"][numbers] == table.values["role"].index("call")
        away = np.where(rng.random(len(numbers)) < 0.5, -1.5, 6.0) + 0.4 * rng.normal(size=len(numbers))
        values = values.copy()
        values[:, COLUMN] = np.where(calls, 2.5 + 0.2 * rng.normal(size=len(numbers)), away)
        return values

    return find_concepts(changed(Path(_HOME.name) / "middle", between), draws=100)


def claimed(found: ConceptFindings) -> list[tuple[str, ValueRange]]:
    return [(c.name, r) for c in found.concepts for r in c.ranges or () if r.claimed]


def test_a_planted_range_is_claimed_where_the_ends_say_little() -> None:
    ((name, own),) = claimed(ranged())
    assert (name, own.range.neuron) == ("role=call", MIDDLE)
    assert own.range.low is not None
    assert own.range.high is not None
    assert 1 < own.range.low < 2.3
    assert 2.7 < own.range.high < 5
    assert own.ap > 0.95
    assert own.ends_ap < 0.5
    assert own.above_ends.low > 0
    assert from_json(ConceptFindings, to_json(ranged()), "x") == ranged()


def test_a_value_at_an_end_is_no_range() -> None:
    """Neurons that are high or low where the value is are claimed for that, not for a range."""
    assert not [r for name, r in claimed(ranged()) if r.range.neuron in PLANTS]
    number = concept(ranged(), "lexical=number").ranges
    assert number is not None
    assert any(r.lacking for r in number)


@pytest.mark.parametrize("seed", range(3))
def test_none_is_claimed_where_values_are_those_of_other_rows(seed: int) -> None:
    """Rows exchange their neurons' values within files, so that nothing tells a value but where it stands."""
    base: ConceptStore = store()

    def exchanged(split: Split, values: np.ndarray, _: np.ndarray) -> np.ndarray:
        rng, group = np.random.default_rng([seed, len(split)]), np.array(base.groups(split))
        order = np.arange(len(values))
        for file in np.unique(group):
            rows = np.flatnonzero(group == file)
            order[rows] = rng.permutation(rows)
        return values_of(base, split)[0][order]

    found = find_concepts(changed(Path(_HOME.name) / f"exchanged-{seed}", exchanged), draws=100)
    assert not claimed(found)
