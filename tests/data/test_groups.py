"""Groups in every layout: none named means that a text is its own group, a named one is never in two splits."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neurosieve.data import Dataset, read_examples, read_pairs, read_tagging
from neurosieve.data.readers.files import group_of
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS
from tests.data import put, record

NAMES = ("train", "valid", "test")
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Write = Callable[[Path, Rows], None]
Read = Callable[..., Dataset]


def jsonl(folder: Path, tables: Rows) -> None:
    for split, rows in tables.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def array(folder: Path, tables: Rows) -> None:
    for split, rows in tables.items():
        (folder / f"{split}.json").write_text(json.dumps(list(rows)))


def csv(folder: Path, tables: Rows) -> None:
    for split, rows in tables.items():
        pl.DataFrame(list(rows), infer_schema_length=None).write_csv(folder / f"{split}.csv")


def parquet(folder: Path, tables: Rows) -> None:
    for split, rows in tables.items():
        pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(folder / f"{split}.parquet")


def row(split: str, number: int, group: object) -> dict[str, Any]:
    """A row that is a tagged example, a whole example and a pair."""
    text = f"{split} = {number}"
    return {
        "code": text,
        "spans": [[0, len(split), "ID"]],
        "code1": text,
        "code2": f"{text} + 1",
        "label": number % 2,
        "group": group,
    }


def tables(group: Callable[[str, int], object], each: int = 4) -> Rows:
    return {split: [row(split, i, group(split, i)) for i in range(each)] for split in NAMES}


def spans(folder: Path, **options: Any) -> Dataset:
    return read_tagging(folder, **options)


def whole(folder: Path, **options: Any) -> Dataset:
    return read_examples(folder, text="code", label="label", **options)


def pairs(folder: Path, **options: Any) -> Dataset:
    return read_pairs(folder, columns=("code1", "code2", "label"), **options)


def joint(folder: Path, **options: Any) -> Dataset:
    return pairs(folder, **options).joined()


def code_search(folder: Path, **options: Any) -> Dataset:
    return pairs(folder, functions=(False, True), **options)


LAYOUTS: list[tuple[Read, Write]] = [(spans, jsonl)]
LAYOUTS += [(read, write) for read in (whole, pairs, joint, code_search) for write in (jsonl, array, csv, parquet)]
every_layout = pytest.mark.parametrize(("read", "write"), LAYOUTS)


def groups(data: Dataset, split: str) -> list[str]:
    return [unit.group for unit in data.pairs or data.examples if unit.split == split]


def plain(tables: Rows) -> Rows:
    """Without spans, which CSV cannot hold."""
    return {s: [{k: v for k, v in row.items() if k != "spans"} for row in rows] for s, rows in tables.items()}


@every_layout
@pytest.mark.parametrize("nothing", [None, math.nan, "", " \t"], ids=["null", "NaN", "empty", "blank"])
def test_a_missing_group_is_the_text_itself(read: Read, write: Write, nothing: object, tmp_path: Path) -> None:
    other = 7.0 if isinstance(nothing, float) else "named"
    found = tables(lambda split, i: nothing if i % 2 else other if split == "train" else nothing)
    write(tmp_path, found if read is spans else plain(found))
    data = read(tmp_path)
    assert data.notes == {}
    assert [len(groups(data, s)) for s in SPLITS] == [4, 4, 4]
    assert [len(set(groups(data, s))) for s in SPLITS] == [3, 4, 4]


@every_layout
def test_a_group_in_two_splits_is_dropped_and_counted(read: Read, write: Write, tmp_path: Path) -> None:
    found = tables(lambda split, i: "shared" if i == 0 else f"{split}{i}")
    write(tmp_path, found if read is spans else plain(found))
    what = "pairs" if read in (pairs, joint, code_search) else "examples"
    data = read(tmp_path)
    assert data.notes == {f"{split} {what} dropped: also in train": 1 for split in ("validation", "test")}
    assert ["shared" in groups(data, s) for s in SPLITS] == [True, False, False]
    kept = read(tmp_path, keep_overlap=True)
    assert kept.notes == {f"{split} {what} kept: also in train": 1 for split in ("validation", "test")}
    assert ["shared" in groups(kept, s) for s in SPLITS] == [True, True, True]


@every_layout
def test_validation_is_carved_in_whole_groups(read: Read, write: Write, tmp_path: Path) -> None:
    found = tables(lambda split, i: f"{split}{i % 6}", each=24)
    shown = found if read is spans else plain(found)
    write(tmp_path, {s: rows for s, rows in shown.items() if s != "valid"})
    data = read(tmp_path, validation_from_train=0.2)
    parts = [set(groups(data, s)) for s in SPLITS]
    assert [len(part) for part in parts] == [5, 1, 6] or [len(part) for part in parts] == [4, 2, 6]
    assert not parts[0] & parts[1]
    assert data.notes == {}


def test_pairs_of_one_group_hang_together(tmp_path: Path) -> None:
    jsonl(tmp_path, {s: rows for s, rows in tables(lambda *_: "all").items() if s != "valid"})
    with pytest.raises(DataError, match="most in one group"):
        pairs(tmp_path, validation_from_train=0.2)


def test_groups_of_other_splits_link_nothing(tmp_path: Path) -> None:
    """Two groups of train stay apart though a function of test stands in pairs of both."""
    train = [row("train", i, f"g{i % 2}") for i in range(8)]
    test = [row("test", 0, "g0") | {"label": 0}, row("test", 0, "g1") | {"label": 1}]
    jsonl(tmp_path, {"train": train, "test": test})
    data = pairs(tmp_path, validation_from_train=0.4, keep_overlap=True)
    assert [set(groups(data, s)) for s in SPLITS[:2]] in ([{"g0"}, {"g1"}], [{"g1"}, {"g0"}])


NOTHING: list[object] = [None, math.nan, float("nan"), "", "\n", "nan", "NaN", "NaT", "None", "null", "<NA>", [], {}]


@pytest.mark.parametrize("value", NOTHING)
def test_what_counts_as_no_group(value: object) -> None:
    assert group_of(value, "own") == "own"


@pytest.mark.parametrize(
    ("value", "name"),
    [(0, "0"), (3, "3"), (3.0, "3"), (2.5, "2.5"), ("3.0", "3.0"), (" a ", "a"), (False, "False"), ("NANO", "NANO")],
)
def test_what_counts_as_a_group(value: object, name: str) -> None:
    assert group_of(value, "own") == name


def test_a_gap_in_a_column_of_numbers_changes_no_group(tmp_path: Path) -> None:
    """With a gap in train, its whole numbers are written as 3.0."""
    train = record("a = 1", group=3.0) + record("b = 1", group=math.nan)
    files = {"train.jsonl": train, "valid.jsonl": record("c = 1", group=3), "test.jsonl": record("d = 1", group=4)}
    assert read_tagging(put(tmp_path, files)).notes == {"validation examples dropped: also in train": 1}
