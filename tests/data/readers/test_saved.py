"""Sets that Hugging Face's datasets saved: only what state.json names is read, and class labels get their names."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neurosieve.data import Dataset, read_examples
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS
from tests.data import save_set, write_stream
from tests.tiny import assert_one_line

Row = dict[str, Any]
ROWS: dict[str, list[Row]] = {
    split: [{"func": f"{split}{i} = {i}", "target": i % 2} for i in range(4)]
    for split in ("train", "validation", "test")
}
CLASSES = {"target": {"names": ["clean", "wrong"], "_type": "ClassLabel"}}


def saved(folder: Path, *, listing: bool = True) -> Path:
    if listing:
        (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(ROWS)}))
    for split, rows in ROWS.items():
        save_set(folder / split, rows)
    return folder


def with_state(folder: Path, **more: object) -> None:
    path = folder / "train" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def read(folder: Path) -> Dataset:
    return read_examples(folder, text="func", label="target")


def refused(folder: Path, *says: str) -> None:
    with pytest.raises(DataError) as caught:
        read(folder)
    assert_one_line(caught.value, *says)


def texts(dataset: Dataset) -> list[list[str]]:
    return [[e.text for e in dataset.split(s)] for s in SPLITS]


ALL = [[row["func"] for row in rows] for rows in ROWS.values()]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("cache-1c2d3e4f5a6b7c8d.arrow", [r | {"target": 1 - r["target"]} for r in ROWS["train"]]),  # of map
        ("cache-77aa.arrow", [{"indices": 0}]),  # of filter, shuffle, select
        ("data-00001-of-00002.arrow", [{"func": "old = 1", "target": 0}]),  # of an earlier save
        ("tmpabcd", [{"other": 1}]),
    ],
)
def test_only_files_that_the_state_names_are_rows(name: str, rows: list[Row], tmp_path: Path) -> None:
    write_stream(saved(tmp_path) / "train" / name, pa.Table.from_pylist(rows))
    dataset = read(tmp_path)
    assert texts(dataset) == ALL
    assert set(dataset.hashes) == {f"{split}/data-00000-of-00001.arrow" for split in ROWS}


@pytest.mark.parametrize("key", ["_indices_files", "_indices_data_files"])
def test_rows_stand_in_the_order_of_the_indices(key: str, tmp_path: Path) -> None:
    write_stream(saved(tmp_path) / "train" / "indices.arrow", pa.table({"indices": pa.array([3, 1], pa.uint64())}))
    with_state(tmp_path, **{key: [{"filename": "indices.arrow"}]})
    assert texts(read(tmp_path))[0] == ["train3 = 3", "train1 = 1"]


@pytest.mark.parametrize("column", [{"indices": [0, 9]}, {"other": [0]}])
def test_indices_that_do_not_belong_are_refused(column: dict[str, list[int]], tmp_path: Path) -> None:
    write_stream(saved(tmp_path) / "train" / "indices.arrow", pa.table(column))
    with_state(tmp_path, _indices_files=[{"filename": "indices.arrow"}])
    refused(tmp_path, "train", "indices of its rows", "save the data set again")


def test_splits_may_be_saved_one_by_one(tmp_path: Path) -> None:
    assert texts(read(saved(tmp_path, listing=False))) == ALL


def test_one_set_is_no_dictionary_of_splits(tmp_path: Path) -> None:
    save_set(tmp_path / "one", ROWS["train"])
    refused(tmp_path / "one", "a DatasetDict", "one Dataset", "save the DatasetDict")


def test_a_split_of_an_earlier_save_is_refused(tmp_path: Path) -> None:
    (saved(tmp_path) / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    refused(tmp_path, "dataset_dict.json", "also validation")


def features(table: pa.Table, kinds: dict[str, Any]) -> pa.Table:
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": kinds}})})


def in_stream(folder: Path, kinds: dict[str, Any], rows: dict[str, list[Row]]) -> None:
    for split in ROWS:
        save_set(folder / split, features(pa.Table.from_pylist(rows[split]), kinds))


def next_to_it(folder: Path, kinds: dict[str, Any], rows: dict[str, list[Row]]) -> None:
    for split in ROWS:
        save_set(folder / split, rows[split])
        (folder / split / "dataset_info.json").write_text(json.dumps({"features": kinds}))


def in_parquet(folder: Path, kinds: dict[str, Any], rows: dict[str, list[Row]]) -> None:
    for split in ROWS:
        pq.write_table(features(pa.Table.from_pylist(rows[split]), kinds), folder / f"{split}.parquet")


Writer = Callable[[Path, dict[str, Any], dict[str, list[Row]]], None]
each_writer = pytest.mark.parametrize("write", [in_stream, next_to_it, in_parquet])


@each_writer
def test_class_labels_get_their_names(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, CLASSES, ROWS)
    assert {label: n["train"] for label, n in read(tmp_path).label_counts.items()} == {"clean": 2, "wrong": 2}


@each_writer
@pytest.mark.parametrize(("number", "says"), [(-1, "nothing there"), (2, "class numbers below 2, got 2")])
def test_class_numbers_without_a_name(number: int, says: str, write: Writer, tmp_path: Path) -> None:
    write(tmp_path, CLASSES, ROWS | {"train": [ROWS["train"][0] | {"target": number}]})
    refused(tmp_path, "train", "'target'", says)


@each_writer
@pytest.mark.parametrize(
    "kinds",
    [
        {"spans": [{"start": {"dtype": "int32", "_type": "Value"}}]},  # a list of structs, before version 4
        {"spans": {"feature": {"start": {"dtype": "int32", "_type": "Value"}}, "_type": "Sequence"}},
        {"spans": {"start": {"dtype": "int32", "_type": "Value"}}},
        {"target": {"num_classes": 2, "_type": "ClassLabel"}},
        {"target": {"names": None, "_type": "ClassLabel"}},
        {"gone": {"names": ["a"], "_type": "ClassLabel"}},
    ],
)
def test_other_types_of_columns_are_read_as_they_are(kinds: dict[str, Any], write: Writer, tmp_path: Path) -> None:
    write(tmp_path, kinds, {s: [r | {"spans": [{"start": 1}]} for r in rows] for s, rows in ROWS.items()})
    assert texts(read(tmp_path)) == ALL
    assert set(read(tmp_path).label_counts) == {"0", "1"}


@pytest.mark.parametrize("note", [b"no json", b"[]", b'{"info": null}', b'{"info": {"features": []}}'])
def test_a_note_of_another_program_is_no_type(note: bytes, tmp_path: Path) -> None:
    for split, rows in ROWS.items():
        table = pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": note})
        pq.write_table(table, tmp_path / f"{split}.parquet")
    assert texts(read(tmp_path)) == ALL


def test_times_are_texts_to_the_nanosecond(tmp_path: Path) -> None:
    """Python's own times end at microseconds, and a column that nobody asked for must not stop the others."""
    for split, rows in ROWS.items():
        made = pa.array([1, 2, 3, 4], pa.timestamp("ns"))
        day = pa.array([datetime(2026, 11, 20 + r["target"]).date() for r in rows])
        table = pa.Table.from_pylist(rows).drop_columns("target").append_column("made", made)
        pq.write_table(table.append_column("target", day), tmp_path / f"{split}.parquet")
    assert set(read(tmp_path).label_counts) == {"2026-11-20", "2026-11-21"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("state.json", None, "train/state.json: expected the file that names"),
        ("state.json", b"{", "no JSON"),
        ("state.json", b"[]", "a JSON object, got list"),
        ("state.json", b'{"_data_files": ["a"]}', "names of files"),
        ("state.json", b'{"_data_files": [{"filename": "../test/data-00000-of-00001.arrow"}]}', "files next to it"),
        ("state.json", b'{"_data_files": []}', "rows in *.arrow files"),
        ("data-00000-of-00001.arrow", None, "No such file"),
        ("data-00000-of-00001.arrow", b"garbage", "an Arrow stream"),
        ("data-00000-of-00001.arrow", b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    ],
)
def test_saved_splits_that_cannot_be_read(name: str, content: bytes | None, says: str, tmp_path: Path) -> None:
    path = saved(tmp_path) / "train" / name
    path.unlink() if content is None else path.write_bytes(content)
    refused(tmp_path, says)


def test_parts_with_other_columns_are_refused(tmp_path: Path) -> None:
    for split, rows in ROWS.items():
        save_set(tmp_path / split, rows, [{"func": 1, "other": "x"}])
    refused(tmp_path, "train", "the same columns in all files")
