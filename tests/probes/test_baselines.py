"""What scores are compared with: any character may stand in a text."""

import numpy as np
import pytest

from neurosieve.probes.baselines import count_predictions, majority_score, unseen


def array(*texts: object) -> np.ndarray:
    return np.fromiter(texts, dtype=object, count=len(texts))


@pytest.mark.parametrize("mark", ["\n", "\x1c", "\x1e", "\x1f", "\x85", "\u2028", "\x00"])
def test_counts_read_a_text_to_its_end(mark: str) -> None:
    label = np.arange(40) % 2
    text = array(*(f"f({i}){mark}{'yes' if i % 2 else 'no'}" for i in range(40)))
    assert (count_predictions(text, label, text) == label).all()


@pytest.mark.parametrize("mark", ["\n", "\x1e"])
def test_counts_of_pairs_tell_both_sides(mark: str) -> None:
    """The class is whether both texts share a word behind the mark."""
    label = np.arange(40) % 2
    text = array(*((f"a{mark}x", f"a{mark}{'x' if i % 2 else 'y'}") for i in range(40)))
    assert (count_predictions(text, label, text) == label).all()


def test_pairs_that_join_to_the_same_characters_are_unlike() -> None:
    assert unseen(array(("a\x1eb", "c")), array(("a", "b\x1ec"), ("a\x1eb", "c"))).tolist() == [True, False]


@pytest.mark.parametrize(
    ("train", "rows", "score"),
    [
        ([0, 0, 1], [1, 1, 1, 0], 0.25),  # the commonest class of train, however rare it is here
        ([0, 1], [1, 1, 1, 0], 0.75),  # not the first one among equals, whose share says nothing
        ([2, 0, 2, 0, 1], [1, 1, 2, 1], 0.25),
    ],
)
def test_majority_is_the_best_of_the_commonest_classes(train: list[int], rows: list[int], score: float) -> None:
    assert majority_score(np.array(train), np.array(rows), 3) == score
