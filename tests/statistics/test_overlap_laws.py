"""What two sets share, and its chance, against SciPy's law, all draws there are, and drawn sets."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom
from sklearn.metrics import jaccard_score

from neurosieve.errors import DataError
from neurosieve.results import to_json
from neurosieve.results.overlaps import ChanceOverlap
from neurosieve.statistics import set_overlap, shared_law
from neurosieve.typing import NeuronId
from tests.tiny import assert_one_line

LIVE = (3, 2, 4)
ALL = [NeuronId(layer, index) for layer, width in enumerate(LIVE) for index in range(width)]
SETS = st.sets(st.sampled_from(ALL), min_size=1)


def jaccard(a: set[NeuronId], b: set[NeuronId]) -> float:
    return len(a & b) / len(a | b)


def likeliest(shared: list[float], chance: ChanceOverlap, own: float) -> None:
    """Mean, p and interval are those of all draws."""
    draws = np.array(shared)
    assert chance.jaccard == pytest.approx(draws.mean())
    assert chance.p == pytest.approx((draws >= own - 1e-12).mean())
    low, high = chance.interval
    assert (draws < low - 1e-12).mean() <= 0.025
    assert (draws > high + 1e-12).mean() <= 0.025
    assert (draws <= low + 1e-12).mean() > 0.025
    assert (draws >= high - 1e-12).mean() > 0.025


@settings(max_examples=30)
@given(SETS, SETS)
def test_overlap_of_two_sets_against_all_draws(a: set[NeuronId], b: set[NeuronId]) -> None:
    found = set_overlap(a, b, LIVE)
    assert found.shared == len(a & b)
    assert found.jaccard == pytest.approx(jaccard_score([n in a for n in ALL], [n in b for n in ALL]))
    likeliest([jaccard(a, set(d)) for d in itertools.combinations(ALL, len(b))], found.uniform, found.jaccard)
    kept = Counter(n.layer for n in b)
    parts = [itertools.combinations([n for n in ALL if n.layer == k], kept[k]) for k in range(len(LIVE))]
    draws = [jaccard(a, set(itertools.chain(*d))) for d in itertools.product(*parts)]
    likeliest(draws, found.by_layer, found.jaccard)
    swapped = set_overlap(b, a, LIVE)
    assert swapped == found
    json.dumps(to_json(found), allow_nan=False)


@pytest.mark.parametrize(("live", "a", "b"), [(9984, 98, 115), (384, 384, 12), (50, 30, 40), (7, 0, 3), (5, 5, 5)])
def test_the_law_of_one_draw_is_hypergeometric(live: int, a: int, b: int) -> None:
    law = shared_law([live], [a], [b])
    np.testing.assert_allclose(law, hypergeom(live, a, b).pmf(range(min(a, b) + 1)), rtol=1e-9)
    assert law.sum() == pytest.approx(1)


def test_chance_by_layer_against_drawn_sets() -> None:
    """Two sets that lie in the same layers share more than uniform chance, and no more than their layers explain."""
    rng = np.random.default_rng(0)
    live, counts = (400, 40, 400), (5, 20, 5)

    def drawn() -> set[NeuronId]:
        return {
            NeuronId(k, int(i))
            for k, (width, n) in enumerate(zip(live, counts, strict=True))
            for i in rng.permutation(width)[:n]
        }

    draws = np.array([jaccard(drawn(), drawn()) for _ in range(2000)])
    found = set_overlap(drawn(), drawn(), live)
    assert found.by_layer.jaccard == pytest.approx(draws.mean(), rel=0.02)
    low, high = found.by_layer.interval
    assert 0.94 <= ((draws >= low) & (draws <= high)).mean() <= 0.995
    assert found.by_layer.jaccard > 5 * found.uniform.jaccard
    assert found.jaccard > found.uniform.interval[1]
    assert not found.above_chance
    assert not found.below_chance


def test_sets_that_share_many_neurons_are_above_chance_and_others_below() -> None:
    own = {NeuronId(0, i) for i in range(60)}
    half = {NeuronId(0, i) for i in range(30, 90)}
    none = {NeuronId(0, i) for i in range(60, 100)}
    assert set_overlap(own, half, [1000]).above_chance
    assert set_overlap(own, none, [100]).below_chance
    assert set_overlap(own, half, [90]).below_chance  # there is no room to share fewer


@pytest.mark.parametrize(("live", "layer"), [([3, 1, 4], 1), ([3], 1), ([], 0)])
def test_a_set_with_more_neurons_than_are_alive(live: list[int], layer: int) -> None:
    with pytest.raises(DataError, match=f"neurons of a set in layer {layer}: expected at most the") as caught:
        set_overlap(ALL, ALL[:1], live)
    assert_one_line(caught.value)


def test_empty_sets_share_nothing() -> None:
    found = set_overlap((), ALL[:2], LIVE)
    assert (found.shared, found.jaccard, found.uniform.interval, found.uniform.p) == (0, 0, (0, 0), 1)
    assert set_overlap((), (), LIVE).jaccard == 0


def test_a_layer_without_a_live_neuron_changes_nothing() -> None:
    assert shared_law([0, 10], [0, 3], [0, 4]).tolist() == shared_law([10], [3], [4]).tolist()
