"""What is said of a data set before any compute, against plain Jaccard similarities."""

import random
from dataclasses import replace

import pytest

from neurosieve.data.checks import ALIKE, check_dataset, near_copies, shingles
from neurosieve.data.dataset import Dataset, Example, Origin, Pair, Span
from neurosieve.data.sampling import sample_rows
from neurosieve.typing import Split


def code(seed: int, changed: int = 0) -> str:
    """Sixty statements, some of them changed."""
    rng = random.Random(seed)
    lines = [f"x{rng.randint(0, 999)} = {rng.randint(0, 999)} + y{rng.randint(0, 99)}" for _ in range(60)]
    for i in range(changed):
        lines[i * 60 // max(changed, 1)] = f"other({i})"
    return "\n".join(lines)


def example(split: Split, name: int, text: str) -> Example:
    return Example(f"{split}:{name}", text, (Span(0, len(text), str(name % 2)),), split, f"{split}{name}")


def jaccard(a: str, b: str) -> float:
    x, y = set(shingles(a)), set(shingles(b))
    return len(x & y) / len(x | y)


@pytest.mark.parametrize(("changed", "near"), [(0, True), (1, True), (30, False), (60, False)])
def test_near_copies(changed: int, near: bool) -> None:
    examples = [example("train", i, code(i)) for i in range(20)]
    copies = [example("test", i, code(i, changed)) for i in range(5)]
    strangers = [example("test", 100 + i, code(100 + i)) for i in range(5)]
    assert all((jaccard(code(i), c.text) > ALIKE) == near for i, c in enumerate(copies))
    found = near_copies([*strangers, *copies, *examples])
    assert found == {"validation": 0, "test": 5 if near else 0}


def test_short_texts_are_one_run() -> None:
    assert len(shingles("a = 1")) == len(shingles("")) == len(shingles("a = b c d")) == 1
    assert len(shingles("a b c d e f")) == 2
    assert len({int(shingles(text)[0]) for text in ("", "a", "b", "a b", "b a", "a b c d e", "a b c e d")}) == 7


def test_only_the_runs_count() -> None:
    assert set(shingles("a b c d e f")) == set(shingles("a  b\nc d e")) | set(shingles("b c d e f"))
    assert len(shingles("a b c d e " * 50)) == 5
    assert len(shingles(code(0))) == len(set(zip(*(code(0).split()[i:] for i in range(5)), strict=False)))


def dataset(source: str, *, pairs: bool = False) -> Dataset:
    splits: tuple[Split, ...] = ("train", "validation", "test")
    examples = [example(s, i, f"{code(i)}{s}") for s in splits for i in range(4)]
    if not pairs:
        return Dataset(tuple(examples), source, whole=True)
    made = [
        Pair(f"{s}:{i}", 4 * n + i, 4 * n + 3 - i, str(i % 2), s, f"{s}{i}")
        for n, s in enumerate(splits)
        for i in (0, 1)
    ]
    bare = [Example(e.id, e.text, (), e.split, e.group) for e in examples]
    return Dataset(tuple(bare), source, whole=True, pairs=tuple(made))


@pytest.mark.parametrize("form", ["examples", "pairs", "joint"])
def test_notes(form: str) -> None:
    data = dataset("some functions", pairs=form != "examples")
    data = data.joined() if form == "joint" else data
    notes = check_dataset(data, sample_rows(data))
    assert [n for n in notes if n.startswith("labels in")] == [
        f"labels in {s}: 0 50 %, 1 50 % of {4 if form == 'examples' else 2}" for s in ("train", "validation", "test")
    ]
    found = [n for n in notes if "near-copies of a train text" in n]
    assert [n.split()[:2] for n in found] == [["4", "validation"], ["4", "test"]]  # all but their last word
    assert not any("BigCloneBench" in n for n in notes)


def test_known_noise() -> None:
    data = replace(dataset("data", pairs=True), origin=Origin.BIG_CLONE_BENCH)
    for form in (data, data.joined()):
        assert any("negatives are wrong" in n for n in check_dataset(form, sample_rows(form)))


def test_tokens_have_no_such_notes() -> None:
    data = dataset("x")
    tokens = Dataset(data.examples, "x")
    assert check_dataset(tokens, sample_rows(tokens)) == []
