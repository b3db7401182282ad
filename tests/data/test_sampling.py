"""Rows a class and split: exact counts, no repeats, blank units passed over, every shortage told."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.data import DEFAULT_ROWS, Dataset, Example, Rows, Sample, Span, groups_of, sample_rows
from neurosieve.errors import DataError, NeurosieveError
from neurosieve.typing import SPLITS, Draw, Split

Units = Sequence[tuple[str, str]]
Picked = tuple[int, int, int, str]


def example(split: Split, number: int, units: Units) -> Example:
    spans, text = [], ""
    for word, label in units:
        spans.append(Span(len(text), len(text) + len(word), label))
        text += word + ";"
    return Example(f"{split}:{number}", text, tuple(spans), split, f"group {number % 3}")


def dataset_of(parts: Mapping[Split, Sequence[Units]]) -> Dataset:
    return Dataset(tuple(example(s, i, units) for s in SPLITS for i, units in enumerate(parts[s])), "here")


def even(each: int, labels: str = "ABC") -> Dataset:
    return dataset_of({s: [[(f"w{i}", label) for label in labels] for i in range(each)] for s in SPLITS})


def picked(sample: Sample) -> list[Picked]:
    r = sample.rows
    labels = [r.labels[i] for i in r.label]
    return list(zip(r.example.tolist(), r.start.tolist(), r.end.tolist(), labels, strict=True))


def pools(dataset: Dataset) -> dict[tuple[str, Split], set[Picked]]:
    found: dict[tuple[str, Split], set[Picked]] = defaultdict(set)
    for i, e in enumerate(dataset.examples):
        for s in e.spans:
            if e.text[s.start : s.end].strip():
                found[s.label, e.split].add((i, s.start, s.end, s.label))
    return found


WORDS = st.sampled_from(["a", "é", "x = 1", "", " ", "\t", "\u2028", "\u3000", "\n"])
PART = st.lists(st.lists(st.tuples(WORDS, st.sampled_from("ABC")), max_size=6), max_size=5)
FLOOR: Units = [("a", "A"), ("b", "B"), ("c", "C")]


@settings(deadline=None, max_examples=60)
@given(
    parts=st.tuples(PART, PART, PART),
    limits=st.tuples(*[st.integers(1, 6)] * 3),
    classes=st.sampled_from([None, ("A", "B"), ("C", "A"), ("A", "B", "C")]),
    seed=st.integers(0, 3),
    draw=st.sampled_from(["units", "lines"]),
)
def test_rows_against_plain_counting(
    parts: tuple[list[Units], ...], limits: tuple[int, ...], classes: tuple[str, ...] | None, seed: int, draw: Draw
) -> None:
    dataset = dataset_of({s: [FLOOR, *p] for s, p in zip(SPLITS, parts, strict=True)})
    per_class = dict(zip(SPLITS, limits, strict=True))
    sample = sample_rows(dataset, classes=classes, per_class=per_class, seed=seed, draw=draw)
    wanted = set(classes or "ABC")
    available = {key: units for key, units in pools(dataset).items() if key[0] in wanted}
    chosen = picked(sample)
    assert len(set(chosen)) == len(chosen) == len(sample.rows)
    assert set(chosen) <= set().union(*available.values())
    counts = Counter((u[3], dataset.examples[u[0]].split) for u in chosen)
    assert counts == {key: min(len(units), per_class[key[1]]) for key, units in available.items()}
    assert sample.short == {k: len(units) for k, units in available.items() if len(units) < per_class[k[1]]}
    blank = [s for e in dataset.examples for s in e.spans if s.label in wanted and not e.text[s.start : s.end].strip()]
    assert sample.empty == len(blank)
    order = [(SPLITS.index(dataset.examples[u[0]].split), *u[:3]) for u in chosen]
    assert order == sorted(order)
    assert sample.rows.labels == tuple(sorted(wanted))


def test_default_is_the_documented_number_of_rows() -> None:
    sample = sample_rows(even(2100, "AB"))
    rows = Counter((u[3], u[0] // 2100) for u in picked(sample))
    assert rows == {(label, i): n for label in "AB" for i, n in enumerate((2000, 270, 340))}
    assert sample.short == {}
    assert DEFAULT_ROWS == {"train": 2000, "validation": 270, "test": 340}


def test_the_seed_decides_the_rows() -> None:
    dataset, limits = even(40), dict.fromkeys(SPLITS, 10)
    first, again, other = (picked(sample_rows(dataset, per_class=limits, seed=s)) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_order_of_classes_changes_nothing() -> None:
    dataset, limits = even(40), dict.fromkeys(SPLITS, 10)
    one, two = (sample_rows(dataset, classes=c, per_class=limits) for c in (["A", "C"], ["C", "A"]))
    assert picked(one) == picked(two)


def test_every_unit_can_be_drawn() -> None:
    dataset, limits = even(5, "AB"), dict.fromkeys(SPLITS, 1)
    drawn = {u for seed in range(100) for u in picked(sample_rows(dataset, per_class=limits, seed=seed))}
    assert drawn == set().union(*pools(dataset).values())


def test_limits_may_name_some_splits_only() -> None:
    sample = sample_rows(even(5, "AB"), per_class={"train": 3})
    assert Counter(u[0] // 5 for u in picked(sample)) == {0: 6, 1: 10, 2: 10}
    assert {split for _, split in sample.short} == {"validation", "test"}


GONE = dataset_of({"train": [[("a", "A"), ("b", "B")]], "validation": [[("a", "A"), (" ", "B")]], "test": [FLOOR]})


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (1, "C00 (7)"),
        (4, "C03 (4), C02 (5), C01 (6), C00 (7)"),
        (5, "5 classes, from C04 (3) to C00 (7)"),
        (50, "50 classes, from C06 (1) to C49 (7)"),
    ],
)
def test_note_on_few_rows_is_one_a_split(classes: int, told: str) -> None:
    few: dict[tuple[str, Split], int] = {(f"C{i:02}", split): 7 - i % 7 for split in SPLITS for i in range(classes)}
    notes = replace(sample_rows(even(1)), short=few).notes(DEFAULT_ROWS)
    assert notes == [f"{s}: fewer than the {DEFAULT_ROWS[s]:,} rows asked for of {told}" for s in SPLITS]


STRAY = dataset_of({"train": [FLOOR], "validation": [FLOOR], "test": [FLOOR, [("a", "D"), ("b", "D")]]})

BARE = dataset_of({"train": [FLOOR], "validation": [FLOOR], "test": []})
NO_TEST = replace(BARE, notes={"test examples dropped: also in train": 3})


def test_classes_without_a_row_in_some_split_are_left_out_and_counted() -> None:
    spare = [("a", "D"), (" ", "D"), ("d", "D")]
    dataset = dataset_of({"train": [FLOOR, spare], "validation": [FLOOR, spare[1:2]], "test": [FLOOR, [("e", "E")]]})
    sample = sample_rows(dataset)
    assert sample.rows.labels == ("A", "B", "C")
    assert sample.left_out == {
        "D": {"train": 2, "validation": 0, "test": 0},
        "E": {"train": 0, "validation": 0, "test": 1},
    }
    assert sample.notes(DEFAULT_ROWS)[:2] == [
        "2 classes left out: D: no rows in validation and test (2 in train); E: no rows in train and validation"
        " (1 in test)",
        "train: fewer than the 2,000 rows asked for of A (1), B (1), C (1)",
    ]
    assert picked(sample) == picked(sample_rows(dataset, classes=["A", "B", "C"]))
    assert sample_rows(dataset, classes=["A", "B", "C"]).left_out == {}
    with pytest.raises(DataError, match="class 'D' in the validation split"):
        sample_rows(dataset, classes=["A", "B", "D"])


@pytest.mark.parametrize(
    ("dataset", "options", "says"),
    [
        (even(3), {"classes": ["A", "Z"]}, ["class 'Z'", "A, B, C", "check --classes"]),
        (even(3), {"classes": ["A"]}, ["classes", "at least two", "got A", "--classes"]),
        (even(3), {"classes": []}, ["classes", "at least two", "got none", "--classes"]),
        (even(3, "A"), {}, ["classes", "at least two", "got A alone", "another class"]),
        (even(3), {"classes": ["A", "A"]}, ["classes", "A"]),
        (GONE, {"classes": ["A", "C"]}, ["class 'C' in the train split", "at least one row", "leave the class out"]),
        (GONE, {}, ["two with rows in each split", "A alone (", "C: no rows in train", "B: no rows in val"]),
        (STRAY, {"classes": "ABD"}, ["class 'D' in the train split", "none of 2 in all", "is in test:1", "mend the"]),
        (NO_TEST, {}, ["test split", "at least one row", "got none: 3 test examples dropped", "--keep-overlap"]),
        (BARE, {}, ["test split", "at least one row", "got none", "add data"]),
        (GONE, {"classes": ["A", "B"]}, ["class 'B' in the validation split", "at least one row", "--classes"]),
    ],
    ids=[
        *("unknown", "one", "none", "only one", "one twice", "no rows", "no rows, all", "stray"),
        *("all dropped", "no test rows", "only blank"),
    ],
)
def test_classes_that_do_not_fit(dataset: Dataset, options: Mapping[str, Any], says: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        sample_rows(dataset, **options)
    assert [part for part in says if part not in str(caught.value)] == []
    assert caught.value.remedy


def test_a_negative_number_of_rows_is_refused_in_one_line() -> None:
    with pytest.raises(NeurosieveError, match="-1"):
        sample_rows(even(3), per_class={"train": -1})


def test_a_class_named_twice_gives_no_row_twice() -> None:
    chosen = picked(sample_rows(even(3), classes=["A", "B", "B"]))
    assert len(set(chosen)) == len(chosen) == 18


def test_groups_are_those_of_the_examples() -> None:
    dataset = even(7)
    rows = sample_rows(dataset).rows
    assert groups_of(dataset, rows).tolist() == [dataset.examples[i].group for i in rows.example]


def test_rows_are_selected_in_the_order_asked_for() -> None:
    rows = Rows.from_units(("A", "B"), [(0, 1, 2, 0), (3, 4, 5, 1), (6, 7, 8, 0)])
    part = rows.select(np.array([2, 0]))
    columns = (part.example, part.start, part.end, part.label)
    assert [c.tolist() for c in columns] == [[6, 0], [7, 1], [8, 2], [0, 0]]
    assert part.labels == rows.labels
    assert len(Rows.from_units(("A",), [])) == 0


def test_frame_and_counts_hold_every_unit() -> None:
    dataset = dataset_of({"train": [FLOOR, [("é\u2028", "B"), ("", "B")]], "validation": [], "test": [[("d", "A")]]})
    frame = dataset.to_frame()
    assert frame["text"].to_list() == ["a", "b", "c", "é\u2028", "", "d"]
    assert frame["split"].to_list() == ["train"] * 5 + ["test"]
    assert list(dataset.label_counts) == ["B", "A", "C"]
    assert dataset.label_counts["A"] == {"train": 1, "validation": 0, "test": 1}
    assert sum(sum(c.values()) for c in dataset.label_counts.values()) == len(frame)
    assert "here" in dataset._repr_html_()
