"""Whole examples with one label: every layout gives the same data set, and what is wrong is named in one line."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neurosieve.data import Dataset, read_examples
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS
from tests.data import save_set
from tests.tiny import assert_one_line

Row = dict[str, Any]
Writer = Callable[[Path, dict[str, list[Row]]], None]
ROWS: dict[str, list[Row]] = {
    split: [{"func": f"int {split}{i}() {{\n  return {i};\n}}", "target": i % 2, "idx": i} for i in range(4)]
    for split in ("train", "valid", "test")
}


def jsonl(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


def packed(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        text = "".join(json.dumps(r) + "\n" for r in rows)
        (folder / f"{split}.jsonl.gz").write_bytes(gzip.compress(text.encode()))


def array(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        (folder / f"{split}.json").write_text(json.dumps(rows, indent=1))


def csv(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        pl.DataFrame(rows).write_csv(folder / f"{split}.csv")


def parquet(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        pl.DataFrame(rows).write_parquet(folder / f"{split}.parquet")


def devign(folder: Path, tables: dict[str, list[Row]]) -> None:
    """All functions in one file, in reverse; the splits name their places."""
    flat = [row for rows in tables.values() for row in rows][::-1]
    (folder / "function.json").write_text(json.dumps(flat))
    for split, rows in tables.items():
        (folder / f"{split}.txt").write_text("".join(f"{flat.index(row)}\n" for row in rows))


def saved(folder: Path, tables: dict[str, list[Row]]) -> None:
    """As `DatasetDict.save_to_disk` of the library datasets lays it out, in two parts a split."""
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(tables)}))
    for split, rows in tables.items():
        save_set(folder / split, rows[:2], rows[2:])


def parts(folder: Path, tables: dict[str, list[Row]]) -> None:
    """As the model hub has it, in two parts a split."""
    for split, rows in tables.items():
        for number, part in enumerate((rows[:2], rows[2:])):
            pl.DataFrame(part).write_parquet(folder / f"{split}-0000{number}-of-00002.parquet")


WRITERS: tuple[Writer, ...] = (jsonl, packed, array, csv, parquet, parts, devign, saved)


def read(folder: Path, **options: Any) -> Dataset:
    return read_examples(folder, text="func", label="target", **options)


@pytest.mark.parametrize("write", WRITERS)
def test_every_layout_gives_the_same(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    data = read(tmp_path)
    assert data.whole
    for split, rows in zip(SPLITS, ROWS.values(), strict=True):
        examples = data.split(split)
        assert [(e.text, e.spans[0].label) for e in examples] == [(r["func"], str(r["target"])) for r in rows]
        assert all(e.spans == ((0, len(e.text), e.spans[0].label),) for e in examples)
    about = ("dataset_dict.json", "state.json")
    files = (p for p in tmp_path.rglob("*") if p.is_file() and p.name not in about)
    assert sorted(data.hashes) == sorted(p.relative_to(tmp_path).as_posix() for p in files)


@pytest.mark.parametrize("write", WRITERS)
def test_validation_from_train(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, {k: v for k, v in ROWS.items() if k != "valid"})
    data = read(tmp_path, validation_from_train=0.5)
    assert [len(data.split(s)) for s in SPLITS] == [2, 2, 4]


@pytest.mark.parametrize("write", WRITERS)
def test_other_files_are_named(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    assert not read(tmp_path).notes
    split = next(p for p in tmp_path.iterdir() if p.name.startswith("test"))
    copy = shutil.copytree if split.is_dir() else shutil.copyfile
    others = sorted(split.name.replace("test", name) for name in ("dev_official", "test.v2", "train.part2"))
    for other in (*others, "._test" + split.suffix):
        copy(split, tmp_path / other)
    (tmp_path / "LICENCE").write_text("free")
    assert read(tmp_path).notes == {f"files ignored, as no split is called so: {', '.join(others)}": 3}


def test_shared_functions_are_dropped_and_counted(tmp_path: Path) -> None:
    jsonl(tmp_path, ROWS | {"test": [*ROWS["test"], ROWS["train"][0]]})
    assert read(tmp_path).notes == {"test examples dropped: also in train": 1}
    whole = read(tmp_path, keep_overlap=True)
    assert len(whole.split("test")) == 5
    assert whole.notes == {"test examples kept: also in train": 1}


def test_a_group_column_is_the_cluster(tmp_path: Path) -> None:
    jsonl(tmp_path, {s: [r | {"group": f"{s}{i // 2}"} for i, r in enumerate(rows)] for s, rows in ROWS.items()})
    assert [e.group for e in read(tmp_path).split("train")] == ["train0", "train0", "train1", "train1"]


def changed(**values: Any) -> dict[str, list[Row]]:
    return ROWS | {"valid": [*ROWS["valid"], ROWS["valid"][0] | values]}


BAD: dict[str, tuple[dict[str, list[Row]], str]] = {
    "no label": (changed(target=None), "valid.jsonl row 5"),
    "other columns": (ROWS | {"test": [{"code": "x", "label": 1}]}, "--text-column"),
    "empty label": (changed(target=" "), "an empty text"),
    "half a character in the text": (changed(func="a \ud83d"), "valid.jsonl row 5: expected Unicode text"),
    "half a character in the label": (changed(target="\udc00"), "got half a surrogate pair"),
    "half a character in the group": (changed(group="\ud83d"), "valid.jsonl row 5: expected Unicode text"),
    "half a character in a name": (changed(**{"\ud83d": 1}), "valid.jsonl row 5: expected Unicode text"),
    "not a number": (changed(target=float("nan")), "finite numbers"),
    "empty function": (changed(func=" \n"), "an empty text"),
    "no text": (changed(func=3), "int"),
    "mixed labels": (changed(target="yes"), "int (train:1) and str (validation:5)"),
    "a list": ({s: [r | {"target": [0]} for r in rows] for s, rows in ROWS.items()}, "list (train:1)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_named(case: str, tmp_path: Path) -> None:
    tables, words = BAD[case]
    jsonl(tmp_path, tables)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, words)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("valid.jsonl", "{", "valid.jsonl line 1"),
        ("valid.jsonl", "3\n", "int as number 1"),
        ("valid.parquet", "no table", "one kind"),
        ("train.csv", "func,target\n", "one kind"),
        ("valid.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "git lfs pull"),
    ],
)
def test_bad_files_are_named(name: str, content: str, words: str, tmp_path: Path) -> None:
    jsonl(tmp_path, ROWS)
    (tmp_path / name).write_text(content)
    for split in ("train", "test") if name.endswith((".parquet", ".csv")) else ():
        (tmp_path / f"{split}{Path(name).suffix}").write_text(content)
    (tmp_path / f"valid{Path(name).suffix}").write_text(content)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, words)


@pytest.mark.parametrize("line", ["99", "-1", "x"])
def test_an_index_without_function_is_named(line: str, tmp_path: Path) -> None:
    devign(tmp_path, ROWS)
    (tmp_path / "test.txt").write_text(f"0\n{line}\n")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, "test.txt line 2", "0 to 11", line)


def test_a_broken_table_is_one_line(tmp_path: Path) -> None:
    parquet(tmp_path, ROWS)
    (tmp_path / "test.parquet").write_bytes(b"PAR1 but no table")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, "test.parquet", "a readable table")
