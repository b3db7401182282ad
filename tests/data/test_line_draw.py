"""Train rows drawn line by line: the same counts as rows drawn each by itself, from much less text."""

from collections import Counter
from functools import cache
from itertools import product

import numpy as np
import pytest

from neurosieve.data import Dataset, Example, Pair, Sample, Span, sample_rows
from neurosieve.data.line_draw import LINE, OF_EACH
from neurosieve.typing import SPLITS, Draw, Split

DRAWS: tuple[Draw, ...] = ("units", "lines")
CLASSES = ("common", "some", "rare")


def words(split: Split, number: int, count: int, rng: np.random.Generator) -> Example:
    """A text of so many words; one in a hundred is rare, one in ten is of the second class."""
    kinds, ends = rng.choice(3, count, p=(0.89, 0.1, 0.01)), rng.integers(2, 10, count).cumsum().tolist()
    kinds[-1] = kinds[-1] if number else 2  # each split has all classes
    begins = [0, *ends[:-1]]
    spans = tuple(Span(a, b - 1, CLASSES[kind]) for a, b, kind in zip(begins, ends, kinds, strict=True))
    return Example(f"{split}:{number}", "w" * ends[-1], spans, split, f"{split}:{number}")


@cache
def corpus(texts: int, most: int, seed: int) -> Dataset:
    """Train texts of fewer than `most` words, and a few of the other splits."""
    rng = np.random.default_rng(seed)
    counts = {"train": texts, "validation": 1 + texts // 20, "test": 1 + texts // 20}
    examples = [words(s, i, int(rng.integers(most // 2, most)), rng) for s in SPLITS for i in range(counts[s])]
    return Dataset(tuple(examples), "here")


def units(sample: Sample) -> set[tuple[int, ...]]:
    r = sample.rows
    return set(zip(r.example.tolist(), r.start.tolist(), r.end.tolist(), r.label.tolist(), strict=True))


def of_train(dataset: Dataset, sample: Sample) -> list[tuple[int, ...]]:
    return sorted(u for u in units(sample) if dataset.examples[u[0]].split == "train")


def characters_read(dataset: Dataset, sample: Sample) -> int:
    """Of the train lines that hold rows."""
    return sum(len(dataset.examples[i].text) for i in {u[0] for u in of_train(dataset, sample)})


# Short lines and long ones.
GRID = list(product(((500, 12), (100, 60)), (5, 20, 10_000), (0, 1)))


@pytest.mark.parametrize(("shape", "wanted", "seed"), GRID)
def test_counts_are_those_of_rows_drawn_each_by_itself(shape: tuple[int, int], wanted: int, seed: int) -> None:
    dataset = corpus(*shape, seed)
    draws: tuple[tuple[Draw, int], ...] = (
        ("units", seed),
        ("lines", seed),
        ("lines", seed),
        ("lines", seed + 2),
    )
    each, few, again, other = (
        sample_rows(dataset, classes=CLASSES, per_class=dict.fromkeys(SPLITS, wanted), seed=s, draw=draw)
        for draw, s in draws
    )
    assert Counter(u[3] for u in of_train(dataset, few)) == Counter(u[3] for u in of_train(dataset, each))
    assert len(units(few)) == len(few.rows) == len(each.rows)
    assert (few.short, few.empty, few.left_out) == (each.short, each.empty, each.left_out)
    assert units(few) - set(of_train(dataset, few)) == units(each) - set(of_train(dataset, each))
    assert units(few) == units(again)
    assert units(few) != units(other) or wanted == 10_000
    assert characters_read(dataset, few) <= characters_read(dataset, each)


def test_less_text_is_read() -> None:
    dataset = corpus(2000, 12, 3)
    each, few = (sample_rows(dataset, per_class={"train": 30}, draw=draw) for draw in DRAWS)
    assert characters_read(dataset, few) < 0.8 * characters_read(dataset, each)


def test_fewer_rows_are_a_part_of_more() -> None:
    dataset = corpus(500, 12, 0)
    drawn = [set(of_train(dataset, sample_rows(dataset, per_class={"train": n}, draw="lines"))) for n in (3, 8, 14)]
    assert drawn[0] < drawn[1] < drawn[2]


def test_rows_of_a_class_come_from_lines_that_do_not_depend_on_other_classes() -> None:
    """A word next to a rare one is no likelier than others: 500 lines with a rare word, 500 without."""

    def line(split: Split, number: int) -> Example:
        spans = (Span(0, 1, "common"), *([Span(2, 3, "rare")] if number % 2 else []))
        return Example(f"{split}:{number}", "a b", spans, split, f"{split}:{number}")

    dataset = Dataset(tuple(line(s, i) for s in SPLITS for i in range(1000)), "here")
    rows = of_train(dataset, sample_rows(dataset, per_class={"train": 300}, draw="lines"))
    beside = sum(dataset.examples[i].id[-1] in "13579" for i, *_, label in rows if label == 0)
    assert 150 - 40 < beside < 150 + 40


@pytest.mark.parametrize("seed", range(3))
def test_a_line_gives_few_rows_of_a_class_where_others_have_them(seed: int) -> None:
    dataset = corpus(200, 60, seed)
    rows = of_train(dataset, sample_rows(dataset, per_class={"train": 60}, seed=seed, draw="lines"))
    counts = Counter((i, label) for i, _, _, label in rows)
    longest = max(len(example.text) for example in dataset.examples)
    assert max(counts.values()) <= OF_EACH + longest // LINE


def test_what_the_limit_leaves_out_is_taken_where_there_is_no_other() -> None:
    line = [Span(2 * i, 2 * i + 1, "AB"[i % 2]) for i in range(40)]
    dataset = Dataset(tuple(Example(f"{s}:1", "w " * 40, tuple(line), s, s) for s in SPLITS), "here")
    few = sample_rows(dataset, per_class={"train": 15}, draw="lines")
    assert Counter(u[3] for u in of_train(dataset, few)) == {0: 15, 1: 15}


def test_every_unit_can_be_drawn() -> None:
    line = (Span(0, 1, "A"), Span(2, 3, "B"))
    dataset = Dataset(tuple(Example(f"{s}:{i}", "a b", line, s, f"{i}") for s in SPLITS for i in range(5)), "here")
    samples = (sample_rows(dataset, per_class={"train": 1}, seed=s, draw="lines") for s in range(60))
    drawn = {(i, label) for sample in samples for i, _, _, label in of_train(dataset, sample)}
    assert drawn == set(product(range(5), (0, 1)))


def test_whole_texts_pairs_and_files_are_drawn_each_by_itself() -> None:
    texts: dict[str, tuple[list[str], list[str]]] = {
        s: ([f"{s} {'x' * i}" for i in range(40)], ["a", "b"] * 20) for s in SPLITS
    }
    whole = Dataset.from_lists(texts)
    pairs = tuple(Pair(f"{e.id}", i, i, "ab"[i % 2], e.split, e.id) for i, e in enumerate(whole.examples))
    bare = tuple(Example(e.id, e.text, (), e.split, e.group) for e in whole.examples)
    for dataset in (whole, Dataset(bare, "here", pairs=pairs, whole=True), corpus(20, 600, 0)):
        each, few = (sample_rows(dataset, per_class={"train": 7}, draw=draw) for draw in DRAWS)
        assert units(each) == units(few)
