"""Pairs: every layout gives the same data set, splits share nothing, and what is wrong is named in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neurosieve.data import Dataset, read_pairs, sample_rows
from neurosieve.data.dataset import Origin
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS
from tests.tiny import assert_one_line

Row = dict[str, Any]
Writer = Callable[[Path, dict[str, list[Row]]], None]
COLUMNS = ("code1", "code2", "label")


def function(split: str, i: int) -> str:
    return f"int {split}{i}() {{\n  return {i};\n}}"


# Each function stands in two pairs, so that texts are shared within a split.
ROWS: dict[str, list[Row]] = {
    split: [{"code1": function(split, i), "code2": function(split, i + 1), "label": i % 2} for i in range(6)]
    for split in ("train", "valid", "test")
}


def jsonl(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


def array(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        (folder / f"{split}.json").write_text(json.dumps(rows))


def parquet(folder: Path, tables: dict[str, list[Row]]) -> None:
    for split, rows in tables.items():
        pl.DataFrame(rows).write_parquet(folder / f"{split}.parquet")


def by_id(folder: Path, tables: dict[str, list[Row]]) -> None:
    texts = sorted({row[c] for rows in tables.values() for row in rows for c in COLUMNS[:2]})
    (folder / "data.jsonl").write_text("".join(json.dumps({"idx": i, "func": t}) + "\n" for i, t in enumerate(texts)))
    for split, rows in tables.items():
        lines = (f"{texts.index(r['code1'])}\t{texts.index(r['code2'])}\t{r['label']}\n" for r in rows)
        (folder / f"{split}.txt").write_text("".join(lines))


WRITERS: tuple[Writer, ...] = (jsonl, array, parquet, by_id)


def read(folder: Path, **options: Any) -> Dataset:
    return read_pairs(folder, columns=COLUMNS, **options)


def texts(data: Dataset, split: str) -> list[tuple[str, str, str]]:
    return [(data.examples[p.left].text, data.examples[p.right].text, p.label) for p in data.pairs if p.split == split]


@pytest.mark.parametrize("write", WRITERS)
def test_every_layout_gives_the_same(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    data = read(tmp_path)
    for split, rows in zip(SPLITS, ROWS.values(), strict=True):
        assert texts(data, split) == [(r["code1"], r["code2"], str(r["label"])) for r in rows]
        assert len(data.split(split)) == 7  # each text once
    assert data.label_counts == {label: dict.fromkeys(SPLITS, 3) for label in ("0", "1")}
    assert sorted(data.hashes) == sorted(p.name for p in tmp_path.iterdir())
    assert data.to_frame()["left"].to_list()[0] == ROWS["train"][0]["code1"]


@pytest.mark.parametrize(("write", "name"), [*((w, "data") for w in WRITERS), (jsonl, "clone-BigCloneBench-small")])
def test_what_comes_from_big_clone_bench_is_known(write: Writer, name: str, tmp_path: Path) -> None:
    """By its layout or its folder's name, and also where splits are made here or both texts become one input."""
    (tmp_path / name).mkdir()
    write(tmp_path / name, ROWS)
    expected = Origin.BIG_CLONE_BENCH if write is by_id or name != "data" else Origin.OTHER
    data = read(tmp_path / name)
    assert {data.origin, data.joined().origin} == {expected}


@pytest.mark.parametrize("write", WRITERS)
def test_rows_are_balanced_and_in_order(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    data = read(tmp_path)
    rows = sample_rows(data, per_class={"train": 2, "validation": 3, "test": 3}).rows
    assert rows.pair is not None
    drawn = [data.pairs[i] for i in rows.pair]
    assert [p.split for p in drawn] == ["train"] * 4 + ["validation"] * 6 + ["test"] * 6
    assert [rows.labels[i] for i in rows.label] == [p.label for p in drawn]
    assert [int(i) for i in rows.example] == [p.left for p in drawn]
    assert (rows.sides, len(rows.select(rows.pair[:0]))) == (2, 0)


@pytest.mark.parametrize("write", WRITERS)
def test_other_files_are_named(write: Writer, tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    ending = ".txt" if write is by_id else next(tmp_path.iterdir()).suffix
    (tmp_path / f"paper_train{ending}").write_bytes((tmp_path / f"train{ending}").read_bytes())
    (tmp_path / "LICENCE.md").write_text("free")
    notes = read(tmp_path).notes
    assert [(name, count) for name, count in notes.items() if f"paper_train{ending}" in name and count == 1]
    assert "LICENCE" not in " ".join(notes)


@pytest.mark.parametrize("turned", [False, True])
def test_pair_of_an_earlier_split_is_dropped(turned: bool, tmp_path: Path) -> None:
    again = dict(ROWS["train"][2])
    if turned:
        again |= {"code1": again["code2"], "code2": again["code1"]}
    jsonl(tmp_path, ROWS | {"test": [*ROWS["test"], again]})
    data = read(tmp_path)
    assert len(texts(data, "test")) == 6
    assert data.notes == {"test pairs dropped: also in train": 1}
    whole = read(tmp_path, keep_overlap=True)
    assert len(texts(whole, "test")) == 7
    assert whole.notes == {"test pairs kept: also in train": 1}


def test_shared_function_is_an_error(tmp_path: Path) -> None:
    mixed = {"code1": function("train", 0), "code2": function("test", 9), "label": 0}
    both = {"code1": function("train", 0), "code2": function("valid", 1), "label": 1}
    jsonl(tmp_path, ROWS | {"test": [*ROWS["test"], mixed, both]})
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, "test split", "2 of 8 pairs", "the first test:7 (in train)", "--keep-overlap")
    whole = read(tmp_path, keep_overlap=True)
    assert len(texts(whole, "test")) == 8
    assert whole.notes == {"test pairs kept: a function of theirs is also in train": 2}
    with pytest.raises(DataError) as second:
        read(tmp_path, functions=(False, True))  # the first text is a query
    assert_one_line(second.value, "1 of 8 pairs", "the first test:8 (in validation)")
    jsonl(tmp_path, ROWS | {"test": [*ROWS["test"], mixed]})
    assert len(texts(read(tmp_path, functions=(False, True)), "test")) == 7


def test_validation_from_train_shares_no_text(tmp_path: Path) -> None:
    apart = [{"code1": function("a", 2 * i), "code2": function("a", 2 * i + 1), "label": i % 2} for i in range(40)]
    linked = [{"code1": function("a", 80 + i), "code2": function("a", 81 + i), "label": i % 2} for i in range(20)]
    jsonl(tmp_path, {"train": apart + linked, "test": ROWS["test"]})
    data = read(tmp_path, validation_from_train=0.1)
    parts = {s: {t for *both, _ in texts(data, s) for t in both} for s in SPLITS}
    assert not parts["train"] & parts["validation"]
    assert 4 <= len(texts(data, "validation")) <= 9
    assert texts(data, "validation") == texts(read(tmp_path, validation_from_train=0.1), "validation")


def test_validation_from_pairs_that_hang_together(tmp_path: Path) -> None:
    jsonl(tmp_path, {k: v for k, v in ROWS.items() if k != "valid"})
    with pytest.raises(DataError) as caught:
        read(tmp_path, validation_from_train=0.1)
    assert_one_line(caught.value, "train split", "one group", "validation file")


BAD: dict[str, tuple[Row, tuple[str, ...]]] = {
    "no such column": ({"code1": "a", "label": 1}, ("row 7", "'code2'", "--other-column")),
    "an empty function": ({"code1": " \n", "code2": "b", "label": 1}, ("row 7", "'code1'", "empty")),
    "no text": ({"code1": ["a"], "code2": "b", "label": 1}, ("row 7", "list")),
    "no label": ({"code1": "a", "code2": "b", "label": None}, ("row 7", "'label'", "mend the row")),
    "mixed labels": ({"code1": "a", "code2": "b", "label": "yes"}, ("labels", "int (train:1) and str (train:7)")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_row(case: str, tmp_path: Path) -> None:
    row, parts = BAD[case]
    jsonl(tmp_path, ROWS | {"train": [*ROWS["train"], row]})
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, *parts)


@pytest.mark.parametrize(
    ("line", "parts"),
    [("0\t999\t1", ("train.txt line 7", "data.jsonl", "999")), ("0 1", ("train.txt line 7", "two ids and a label"))],
)
def test_bad_id_line(line: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    by_id(tmp_path, ROWS)
    with (tmp_path / "train.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, *parts)


def test_functions_without_lists(tmp_path: Path) -> None:
    by_id(tmp_path, ROWS)
    for path in tmp_path.glob("*.txt"):
        path.unlink()
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, "train.txt")
