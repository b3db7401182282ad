"""Overlaps, polysemy and spread against SciPy, scikit-learn, plain loops and all draws there are."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy, false_discovery_control, hypergeom, poisson_binom
from sklearn.metrics import jaccard_score

from neurosieve.concepts.sets.sharing import find_overlaps, find_polysemy, find_spread
from neurosieve.results import to_json
from neurosieve.typing import NeuronId

LAYERS, WIDTH = 3, 4
ALL = [NeuronId(layer, index) for layer in range(LAYERS) for index in range(WIDTH)]


def drawn(seed: int, sizes: list[int], names: list[str] | None = None) -> dict[str, tuple[NeuronId, ...]]:
    rng = np.random.default_rng(seed)
    names = names or [f"p{i}=v" for i in range(len(sizes))]
    return {name: tuple(ALL[i] for i in rng.permutation(len(ALL))[:n]) for name, n in zip(names, sizes, strict=True)}


SIZES = st.lists(st.integers(1, len(ALL)), min_size=2, max_size=6)


@settings(max_examples=40)
@given(SIZES, st.integers(0, 99))
def test_overlaps_as_scipy_and_scikit_learn_have_them(sizes: list[int], seed: int) -> None:
    sets = drawn(seed, sizes)
    found = find_overlaps(sets, len(ALL))
    assert found.names == tuple(sets)
    assert found.sizes.tolist() == sizes
    pairs = list(itertools.combinations(range(len(sizes)), 2))
    p = []
    for i, j in pairs:
        a, b = ([n in sets[found.names[k]] for n in ALL] for k in (i, j))
        assert found.jaccard[i, j] == found.jaccard[j, i] == pytest.approx(jaccard_score(a, b))
        shared = sum(x and y for x, y in zip(a, b, strict=True))
        assert found.shared[i, j] == shared
        law = hypergeom(len(ALL), sizes[i], sizes[j]).pmf(np.arange(len(ALL) + 1)).tolist()
        p.append(sum(law[shared:]))
        mean = sum(law[k] * k / (sizes[i] + sizes[j] - k) for k in range(min(sizes[i], sizes[j]) + 1))
        assert found.expected[i, j] == pytest.approx(mean)
    np.testing.assert_allclose([found.p[i, j] for i, j in pairs], p, atol=1e-12)
    np.testing.assert_allclose([found.q[i, j] for i, j in pairs], false_discovery_control(np.minimum(p, 1)), atol=1e-12)
    assert np.isnan(np.diagonal(found.q)).all()


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 3), (5, 4), (6, 6)])
def test_expected_jaccard_is_the_mean_over_all_draws(a: int, b: int) -> None:
    live, first = range(6), set(range(a))
    scores = [len(first & set(d)) / len(first | set(d)) for d in itertools.combinations(live, b)]
    sets = {"x": tuple(ALL[:a]), "y": tuple(ALL[:b])}
    assert find_overlaps(sets, 6).expected[0, 1] == pytest.approx(np.mean(scores))
    hits = [len(first & set(d)) >= min(a, b) for d in itertools.combinations(live, b)]
    assert find_overlaps(sets, 6).p[0, 1] == pytest.approx(np.mean(hits))


def test_values_of_one_property_are_not_tested_against_each_other() -> None:
    sets = drawn(3, [4, 4, 5, 0], ["use=use", "use=other", "role=local", "role=class"])
    found = find_overlaps(sets, len(ALL))
    assert found.names == ("use=use", "use=other", "role=local")  # the empty one has no overlap
    assert np.isnan(found.q[0, 1])
    assert np.isfinite(found.p[0, 1])
    own = [found.p[0, 2], found.p[1, 2]]
    np.testing.assert_allclose([found.q[0, 2], found.q[1, 2]], false_discovery_control(own))
    result = found.result()
    assert result.tested == 2
    assert [r["q"] is None for r in found.to_frame().to_dicts()].count(True) == 1
    json.dumps(to_json(result), allow_nan=False)


@pytest.mark.parametrize("sets", [{}, {"a": tuple(ALL[:2])}, {"a": (), "b": ()}])
def test_fewer_than_two_sets_have_no_pair(sets: dict[str, tuple[NeuronId, ...]]) -> None:
    found = find_overlaps(sets, len(ALL))
    assert len(found.to_frame()) == 0
    assert found.jaccard.shape == (len(found.names),) * 2
    json.dumps(to_json(found.result()), allow_nan=False)
    assert sum(find_polysemy(sets, len(ALL)).neurons) == len(ALL)


@settings(max_examples=40)
@given(SIZES, st.integers(0, 99))
def test_polysemy_counts_and_its_chance(sizes: list[int], seed: int) -> None:
    sets = drawn(seed, sizes)
    found = find_polysemy(sets, len(ALL))
    counts = [sum(n in own for own in sets.values()) for n in ALL]
    assert found.neurons == tuple(counts.count(k) for k in range(len(sizes) + 1))
    law = poisson_binom([n / len(ALL) for n in sizes])
    np.testing.assert_allclose(found.chance, len(ALL) * law.pmf(np.arange(len(sizes) + 1)), atol=5.1e-4)
    first = found.most[0]
    assert len(first.sets) == max(counts)
    assert all(first.neuron in sets[name] for name in first.sets)
    served = [len(one.sets) for one in found.most]
    assert served == sorted(served, reverse=True)
    json.dumps(to_json(found), allow_nan=False)


def test_a_property_is_served_once_by_however_many_values() -> None:
    a, b, c = ALL[:3]
    sets = {"use=use": (a, b), "use=other": (a,), "role=local": (c, b)}
    found = find_polysemy(sets, 10)
    assert found.neurons == (7, 2, 1)
    np.testing.assert_allclose(found.chance, [10 * 0.8 * 0.8, 10 * 2 * 0.8 * 0.2, 10 * 0.2 * 0.2], atol=1e-9)
    assert (found.most[0].neuron, found.most[0].sets) == (b, ("use=use", "role=local"))
    assert (found.most[1].neuron, found.most[1].sets) == (a, ("use=use", "use=other"))  # two values before one


@given(st.integers(1, len(ALL)), st.integers(0, 99))
def test_spread_over_layers(size: int, seed: int) -> None:
    (neurons,) = drawn(seed, [size]).values()
    live = np.array([4, 4, 4])
    found = find_spread("use", neurons, live)
    counts = [sum(n.layer == k for n in neurons) for k in range(LAYERS)]
    assert found.counts == tuple(counts)
    assert found.mean == pytest.approx(sum(n.layer for n in neurons) / size)
    assert found.entropy == pytest.approx(entropy(counts, base=2), abs=1e-12)
    np.testing.assert_allclose(found.share, np.array(counts) / size, atol=5.1e-5)
    assert found.uniform == (0.3333,) * 3
    assert found.expected_mean == pytest.approx(1)
    json.dumps(to_json(found), allow_nan=False)


def test_expected_entropy_is_the_mean_over_all_draws() -> None:
    layers = [0, 0, 0, 1, 1, 2, 2, 2]
    draws = [np.bincount([layers[i] for i in d], minlength=3) for d in itertools.combinations(range(8), 3)]
    assert len(draws) == math.comb(8, 3)
    mean = np.mean([entropy(d, base=2) for d in draws])
    neurons = [NeuronId(layers[i], i) for i in (0, 3, 5)]
    found = find_spread("use", neurons, np.array([3, 2, 3]))
    assert found.expected_entropy == pytest.approx(mean)
    assert found.expected_mean == pytest.approx(np.mean(layers))
