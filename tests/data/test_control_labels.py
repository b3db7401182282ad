"""Labels drawn for token types, and types held out: by text and seed alone."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.data.control_labels import HELD_OUT, among, control_labels, held_out_types

SHARES = [[0.5, 0.5], [0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [1.0], [0.25] * 4, [0.0, 0.6, 0.4]]
MANY = np.array([f"name{i}" for i in range(5_000)], dtype=object)


def texts(words: list[str]) -> np.ndarray:
    return np.array(words, dtype=object)


@given(st.lists(st.text(max_size=4), min_size=1, max_size=12), st.sampled_from(SHARES), st.integers(0, 9))
@settings(max_examples=50)
def test_a_text_has_one_label_everywhere(words: list[str], share: list[float], seed: int) -> None:
    """Whatever else stands in a split, in which order and how often: each text alone gets the same label."""
    together = control_labels(texts(words), np.array(share), seed)
    alone = [int(control_labels(texts([w]), np.array(share), seed)[0]) for w in words]
    assert together.tolist() == alone
    assert together.min() >= 0
    assert together.max() < len(share)
    backwards = control_labels(texts([*words[::-1], "another"]), np.array(share), seed)
    assert backwards[:-1].tolist() == alone[::-1]


@pytest.mark.parametrize("text", ["", " ", "é", "\U0001f600", "漢字", "\udc80", "\x00", "a:b", "1:control"])
def test_any_text_has_a_label(text: str) -> None:
    assert control_labels(texts([text, text]), np.array([0.5, 0.5]), 1).tolist() in ([0, 0], [1, 1])


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("seed", [0, 1])
def test_types_are_dealt_by_the_shares(share: list[float], seed: int) -> None:
    """Each class within five standard deviations of its share; a class without a share gets no type."""
    drawn = control_labels(MANY, np.array(share), seed)
    found = np.bincount(drawn, minlength=len(share)) / len(MANY)
    for have, want in zip(found, share, strict=True):
        assert abs(have - want) <= 5 * np.sqrt(want * (1 - want) / len(MANY)) + 1e-12


@pytest.mark.parametrize("scale", [1, 7, 0.01])
def test_shares_may_be_counts(scale: float) -> None:
    share = np.array([0.7, 0.2, 0.1])
    np.testing.assert_array_equal(control_labels(MANY, share * scale, 3), control_labels(MANY, share, 3))


def test_other_seeds_draw_independently() -> None:
    share = np.array([0.5, 0.3, 0.2])
    a, b = control_labels(MANY, share, 0), control_labels(MANY, share, 1)
    assert (a == b).mean() == pytest.approx((share**2).sum(), abs=0.04)


def test_the_draw_is_that_of_every_machine() -> None:
    """Written down once: a changed draw would change published figures."""
    words = texts(["x", "if", "0", "self", "(", "naïve"])
    assert control_labels(words, np.array([0.5, 0.3, 0.2]), 0).tolist() == [0, 0, 0, 0, 1, 2]


def typed(counts: list[int], *, repeats: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """So many types in each class, each a few times, shuffled."""
    rows = [(f"{string.ascii_letters[c]}{i}", c) for c, n in enumerate(counts) for i in range(n)] * repeats
    order = np.random.default_rng(seed).permutation(len(rows))
    return texts([rows[i][0] for i in order]), np.array([rows[i][1] for i in order], dtype=np.int64)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("counts", [[10, 20, 100], [1, 2, 3], [1, 1], [2, 50], [7]])
def test_30_per_cent_of_the_types_of_each_class(counts: list[int], seed: int) -> None:
    text, label = typed(counts)
    held = held_out_types(text, label, seed)
    for c, count in enumerate(counts):
        own = set(text[label == c])
        taken = len(own & held)
        assert len(own) == count
        assert taken == min(round(0.3 * count), count - 1)
        assert taken < count  # never all
    assert held <= set(text)
    assert HELD_OUT == 0.3


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99, 1.0])
def test_a_class_keeps_a_type_whatever_the_share(share: float) -> None:
    text, label = typed([1, 4, 30])
    held = held_out_types(text, label, 0, share)
    for c, count in enumerate((1, 4, 30)):
        assert len(set(text[label == c]) & held) == min(round(share * count), count - 1)


def test_held_out_types_hang_on_types_alone() -> None:
    """Neither the order of rows nor how often a type occurs moves them; the seed does."""
    text, label = typed([40, 60])
    held = held_out_types(text, label, 5)
    other, other_label = typed([40, 60], repeats=1, seed=9)
    assert held_out_types(other, other_label, 5) == held
    draws = [held_out_types(text, label, s) for s in range(10)]
    assert len({frozenset(d) for d in draws}) == 10
    shared = np.mean([len(a & b) / len(a) for a in draws for b in draws if a is not b])
    assert shared == pytest.approx(0.3, abs=0.05)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2)), min_size=1, max_size=40), st.integers(0, 5))
@settings(max_examples=50)
def test_a_type_of_many_classes_empties_none(rows: list[tuple[str, int]], seed: int) -> None:
    """A type counts in each class where it occurs; what one class gives away is never another's last."""
    text, label = texts([t for t, _ in rows]), np.array([c for _, c in rows], dtype=np.int64)
    held = held_out_types(text, label, seed)
    drawn: set[str] = set()
    for c in set(label.tolist()):
        own = text[label == c]
        assert set(own) - held
        drawn |= held_out_types(own, np.zeros(len(own), dtype=np.int64), seed)
    assert held <= drawn  # drawn in some class
    if len(set(rows)) == len({t for t, _ in rows}):  # no type of two classes
        assert held == drawn


def test_among_marks_rows() -> None:
    marked = among(texts(["a", "b", "a", "c", ""]), {"a", "", "z"})
    assert marked.dtype == bool
    assert marked.tolist() == [True, False, True, False, True]
    assert not among(texts(["a"]), set()).any()
