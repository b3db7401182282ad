"""Clusters compared with properties: plain loops, values that rows swap, and clusters of code with a known answer."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.concepts.latent.alignment import align, line_around
from neurosieve.concepts.latent.tree import LatentConcepts
from neurosieve.concepts.properties import PropertyTable, annotate
from neurosieve.errors import DataError
from neurosieve.results import from_json, to_json
from neurosieve.results.latent_clusters import Alignment, AlignmentRule

RULE = AlignmentRule(rows=1, held_out=1, types=1)


def clusters(cluster: list[int] | np.ndarray, k: int) -> LatentConcepts:
    return LatentConcepts(4, np.arange(k * 2.0).reshape(k, 2), np.array(cluster, dtype=np.int64), 0.0)


def table(words: list[str], **codes: list[int] | np.ndarray) -> tuple[PropertyTable, list[str]]:
    """A line a row: the word between `<` and `>`; values a, b, … by property."""
    ends = np.array([len(w) + 1 for w in words])
    numbers = {name: np.array(own, dtype=np.int32) for name, own in codes.items()}
    values = {name: tuple("abcdefgh"[: max(own.max() + 1, 2)]) for name, own in numbers.items()}
    rows = np.arange(len(words))
    ones, none = np.ones(len(words), dtype=np.int64), np.zeros(len(words), dtype=bool)
    result = PropertyTable(rows, ones, ends, numbers, values, none, len(words), 0, 0, {})
    return result, [f"<{w}>" for w in words]


def random_rows(seed: int, k: int, rows: int) -> tuple[LatentConcepts, LatentConcepts, PropertyTable, list[str]]:
    """Clusters that lean to a value and to a word."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, k, 2 * rows)
    lean = rng.random(2 * rows) < rng.uniform(0.5, 1, k)[cluster]
    p = np.where(lean, cluster % 3, rng.integers(-1, 3, 2 * rows))
    q = np.where(rng.random(2 * rows) < 0.9, 0, -1)
    words = [
        f"w{c % 2 if own else other}" for c, own, other in zip(cluster, lean, rng.integers(0, 9, 2 * rows), strict=True)
    ]
    return clusters(cluster[:rows], k), clusters(cluster[rows:], k), *table(words, p=p, q=q)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    k=st.integers(1, 8),
    share=st.sampled_from([0.6, 0.75, 0.9, 1.0]),
    least=st.integers(0, 6),
    types=st.integers(1, 4),
)
def test_alignment_is_what_plain_loops_find(seed: int, k: int, share: float, least: int, types: int) -> None:
    train, held_out, properties, texts = random_rows(seed, k, 40)
    rule = AlignmentRule(share=share, rows=least, held_out=max(least - 2, 0), types=types)
    found = align(train, held_out, properties, texts, rule, draws=1)
    words = [t[1:-1] for t in texts]
    expected, labelled = set(), set()
    for c in range(k):
        own = np.flatnonzero(train.cluster == c)
        other = np.flatnonzero(held_out.cluster == c) + 40
        if len(own) < rule.rows or len(other) < rule.held_out or not len(own) or not len(other):
            continue
        counts = Counter(words[i] for i in own)
        single = len(counts) < types or max(counts.values()) / len(own) >= share
        for name, values in properties.values.items():
            for v, value in enumerate(values):
                shares = [np.mean(properties.codes[name][rows] == v) for rows in (own, other)]
                if min(shares) >= share:
                    expected.add((c, name, value, len(own), *np.round([shares[0]], 9), len(other), len(counts), single))
                    labelled.add(c)
    came = {
        (a.cluster, a.property_name, a.value, a.rows, round(a.share, 9), a.held_out_rows, a.types, a.identity)
        for a in found.aligned
    }
    assert came == expected
    assert {u.cluster for u in found.unlabelled} == set(train.cluster.tolist()) - labelled
    for p in found.properties:
        mine = {e for e in expected if e[1] == p.property_name}
        assert p.aligned == len({e[0] for e in mine if not e[-1]})
        assert p.identity == len({e[0] for e in mine if e[-1]})
        assert p.coverage == pytest.approx(sum(e[3] for e in mine if not e[-1]) / 40)


def test_the_exact_chance_rate_is_that_of_rows_that_swap_their_values() -> None:
    train, held_out, properties, texts = random_rows(5, 12, 60)
    rule = replace(RULE, share=0.6, types=1)
    exact = {p.property_name: p for p in align(train, held_out, properties, texts, rule, draws=0).properties}
    rng = np.random.default_rng(0)
    drawn = {name: list[float]() for name in properties.codes}
    for _ in range(400):
        order = np.concatenate([rng.permutation(60), 60 + rng.permutation(60)])
        swapped = replace(properties, codes={name: codes[order] for name, codes in properties.codes.items()})
        for p in align(train, held_out, swapped, texts, rule, draws=0).properties:
            drawn[p.property_name].append(p.aligned / p.clusters)
    for name, shares in drawn.items():
        assert exact[name].chance == pytest.approx(np.mean(shares), abs=float(4 * np.std(shares) / 20 + 1e-9))
    assert exact["q"].chance > 0.8  # a value that nearly all rows have
    assert 0 < exact["p"].chance < 0.2


def test_clusters_of_random_words_are_aligned_as_often_as_words_that_swap_values_say() -> None:
    """Two words a cluster, and a value that hangs on the word alone: by rows a wonder, by words none."""
    rng = np.random.default_rng(1)
    value = rng.integers(0, 2, 400)
    words = np.arange(400).repeat(5)
    cluster = words // 2
    both = [np.concatenate([a, a]) for a in (words, value[words])]
    properties, texts = table([f"w{w}" for w in both[0]], p=both[1])
    found = align(clusters(cluster, 200), clusters(cluster, 200), properties, texts, RULE, draws=20)
    (p,) = found.properties
    assert p.clusters == 200
    assert p.chance < 0.001
    assert p.chance_words == pytest.approx(0.5, abs=0.05)
    assert p.aligned / 200 == pytest.approx(p.chance_words, abs=0.1)
    again = align(clusters(cluster, 200), clusters(cluster, 200), properties, texts, RULE, draws=20)
    assert again.properties == found.properties
    alike = np.argsort(np.argsort(value, kind="stable"))[words] // 2  # words of one value in one cluster
    found = align(clusters(alike, 200), clusters(alike, 200), properties, texts, RULE, draws=20)
    assert found.properties[0].aligned >= 199
    assert found.properties[0].chance_words == pytest.approx(0.5, abs=0.05)


def test_what_is_true_of_train_alone_is_found_and_not_aligned() -> None:
    cluster = [0] * 10 + [1] * 10
    properties, texts = table([f"w{i}" for i in range(40)], p=[0] * 10 + [1] * 10 + [0] * 10 + [1, 0] * 5)
    found = align(clusters(cluster, 2), clusters(cluster, 2), properties, texts, RULE)
    assert [(a.cluster, a.value, a.held_out_share) for a in found.aligned] == [(0, "a", 1.0)]
    assert (found.properties[0].found, found.properties[0].aligned) == (2, 1)
    assert [u.cluster for u in found.unlabelled] == [1]


def test_rows_without_a_value_count_against_it() -> None:
    cluster = [0] * 10 + [1] * 10
    codes = [0] * 9 + [-1] + [1] * 8 + [-1] * 2
    properties, texts = table([f"w{i}" for i in range(40)], p=codes + codes)
    found = align(clusters(cluster, 2), clusters(cluster, 2), properties, texts, RULE)
    assert [(a.cluster, a.share) for a in found.aligned] == [(0, 0.9)]


def test_no_is_not_a_value_of_its_own() -> None:
    properties, texts = table([f"w{i}" for i in range(8)], p=[0, 0, 1, 1] * 2)
    named = replace(properties, values={"p": ("no", "yes")})
    found = align(clusters([0, 0, 1, 1], 2), clusters([0, 0, 1, 1], 2), named, texts, RULE)
    assert [(a.cluster, a.value) for a in found.aligned] == [(1, "yes")]
    assert found.properties[0].chance == pytest.approx(1 / 36)  # both of two rows among four, on both sides


def test_words_are_told_from_clusters_of_several_words() -> None:
    words = ["self"] * 19 + ["cls"] + ["if", "for"] * 10
    properties, texts = table(words * 2, p=([0] * 20 + [1] * 20) * 2)
    cluster = [0] * 20 + [1] * 20
    found = align(clusters(cluster, 2), clusters(cluster, 2), properties, texts, replace(RULE, types=2))
    assert [(a.value, a.types, a.word, a.identity) for a in found.aligned] == [
        ("a", 2, "self", True),
        ("b", 2, "if", False),
    ]
    (p,) = found.properties
    assert (p.clusters, p.aligned, p.identity, p.coverage) == (1, 1, 1, 0.5)


def test_clusters_without_a_property_show_words_and_lines() -> None:
    text = "import os\nx = os.path\n" + "os\n" * 3 + "y = " + "z" * 200 + " + os"
    rows = np.array([(0, m, m + 2) for m in range(len(text)) if text.startswith("os", m)] + [(0, 10, 11), (0, 0, 6)])
    rows = rows[np.r_[:6, 7, 6]]
    properties = annotate([text], "python", np.concatenate([rows, rows]), ["lexical"])
    found = align(clusters([0] * 8, 1), clusters([0] * 8, 1), properties, [text], replace(RULE, share=1.0))
    (u,) = found.unlabelled
    assert (u.rows, u.types) == (8, 3)
    assert u.words == (("os", 6), ("import", 1), ("x", 1))
    assert u.contexts == (("import ", "os", ""), ("", "import", " os"), ("", "x", " = os.path"))
    same = align(clusters([0] * 6 + [1] * 2, 2), clusters([0] * 8, 2), properties, [text], replace(RULE, held_out=99))
    os, rest = same.unlabelled
    assert os.contexts[1:] == (("x = ", "os", ".path"), ("", "os", ""))
    assert rest.cluster == 1


@pytest.mark.parametrize(
    ("place", "line"), [((0, 1), "a b"), ((2, 3), "a b"), ((4, 5), "c"), ((2, 5), "a b\nc"), ((6, 6), "")]
)
def test_the_line_around_a_token(place: tuple[int, int], line: str) -> None:
    text = "a b\nc\n"
    first, last = line_around(text, *place)
    assert text[first:last] == line


def test_clusters_made_from_a_property_of_real_code_are_that_property() -> None:
    sources = ["def add(a, b):\n    return a + 'x' + 'y' * 3 - 4\n", "def size(c):\n    return c * 2 + 'z' + 'w' - 7\n"]
    properties = annotate(sources, "python", properties=["lexical", "node"])
    lexical = properties.codes["lexical"].astype(np.int64)
    train = properties.example == 0
    k = len(properties.values["lexical"])
    found = align(clusters(lexical[train], k), clusters(lexical[~train], k), properties, sources, RULE)
    mine = [a for a in found.aligned if a.property_name == "lexical"]
    assert [(a.cluster, a.value) for a in mine] == list(enumerate(properties.values["lexical"]))
    assert found.unlabelled == ()
    assert found.to_frame()["property_name"].to_list() == ["lexical", "node"]
    assert "layer 4" in found._repr_html_()


def test_an_alignment_comes_back_from_files() -> None:
    found = align(*random_rows(3, 6, 40), replace(RULE, rows=7, types=2))
    assert found.aligned
    assert found.unlabelled
    assert from_json(Alignment, json.loads(json.dumps(to_json(found))), "latent.json") == found


def test_without_held_out_rows_nothing_is_claimed() -> None:
    properties, texts = table([f"w{i}" for i in range(8)], p=[0, 0, 1, 1] * 2)
    found = align(clusters([0, 0, 1, 1] * 2, 2), clusters([], 2), properties, texts)
    assert found.aligned == ()
    assert (found.properties[0].clusters, found.properties[0].chance, found.properties[0].chance_words) == (0, 0.0, 0.0)


@pytest.mark.parametrize("bad", ["other cut", "other layer", "rows", "share"])
def test_bad_input_is_named(bad: str) -> None:
    train, held_out, properties, texts = random_rows(0, 3, 20)
    rule = RULE
    if bad == "other cut":
        held_out = replace(held_out, centroids=held_out.centroids + 1)
    elif bad == "other layer":
        held_out = replace(held_out, layer=1)
    elif bad == "rows":
        held_out = replace(held_out, cluster=held_out.cluster[1:])
    else:
        rule = replace(RULE, share=0.5)
    with pytest.raises(DataError, match="expected"):
        align(train, held_out, properties, texts, rule)
