"""A table's cells are what stands in the file; CSV is RFC 4180 or an error; labels are read alike in all formats."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neurosieve.data import Dataset, read_examples, read_pairs
from neurosieve.data.readers.csv_rows import csv_rows
from neurosieve.errors import DataError
from tests.data import put
from tests.tiny import assert_one_line

NAMES = ("train", "valid", "test")
TEXTS = st.text(st.sampled_from("ab \t\n\r,;\"\\'{}é\u2028\x00") | st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example([('puts("x");', "0"), ("\\", ""), ('\\"', 'a,"b'), ("a\r\nb\n", '"')], "\r\n", False)
def test_what_a_strict_writer_writes_is_read_back(rows: list[tuple[str, str]], ending: str, every: bool) -> None:
    if ending == "\n" and not every:  # then Python 3.11 does not quote a carriage return
        rows = [(a.replace("\r", "-"), b.replace("\r", "-")) for a, b in rows]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=ending, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL)
    writer.writerows([("a", "b"), *rows])
    assert [(row["a"] or "", row["b"] or "") for row in csv_rows(out.getvalue(), "x.csv")] == rows


def test_nothing_and_an_empty_text_are_two_things() -> None:
    assert list(csv_rows('a,b,c\n,"",x\n\n"1\n2",3,', "x.csv")) == [
        {"a": None, "b": "", "c": "x"},
        {"a": "1\n2", "b": "3", "c": None},
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('func,target\na,0\n"puts(\\"x\\");",1\n', ("line 3", 'got "puts(\\"x\\");",1', "RFC 4180")),
        ('func,target\n"a\nputs(\\"x\\");",1\n', ("line 3", 'puts(\\"x\\")', "each quote inside twice")),
        ('func,target\n"x = \\",\\"",1\n', ("line 2",)),
        ('func,target\nputs("x"),1\n', ("line 2", "RFC 4180")),
        ('func,target\nputs(\\"x\\"),1\n', ("line 2", "RFC 4180")),
        ('func,target\na,1\n"b,0\nc,1\n', ("line 3", "RFC 4180")),
        ('func,target\n"a" ,1\n', ("line 2",)),
        ('func,target\n "a",1\n', ("line 2",)),
        ("func,target\ra,1\r", ("line 1", "got a carriage return alone", "line feeds")),
        ("func,target\na,1\nf(a, b),1\n", ("line 3", "2 columns", "got 3")),
        ("func,target\na,1\nb\n", ("line 3", "2 columns", "got 1")),
        ("func,func\na,1\n", ("line 1", "'func' twice")),
        ("func,target\n", ("expected rows, got none",)),
    ],
)
def test_other_csv_is_an_error_with_its_line(text: str, says: Sequence[str], tmp_path: Path) -> None:
    put(tmp_path, {f"{name}.csv": "func,target\na,1\n" for name in NAMES} | {"train.csv": text})
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, "train.csv", *says)


def read(folder: Path, **options: Any) -> Dataset:
    return read_examples(folder, text="func", label="target", **options)


def tables(folder: Path, ending: str, labels: Sequence[object], **more: Sequence[object]) -> Path:
    """The same labels in each split, in files of one kind."""
    for name in NAMES:
        rows = {"func": [f"{name}{i}" for i in range(len(labels))], "target": labels, **more}
        path = folder / f"{name}{ending}"
        if ending == ".jsonl":
            lines = (json.dumps(dict(zip(rows, row, strict=True))) + "\n" for row in zip(*rows.values(), strict=True))
            path.write_text("".join(lines))
        elif ending == ".csv":
            pl.DataFrame(rows).write_csv(path)
        else:
            pl.DataFrame(rows).write_parquet(path)
    return folder


each_ending = pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])


@each_ending
@pytest.mark.parametrize(
    "labels",
    [
        ["078", "01", "1"],
        ["1", "2", "2a"],
        ["10e400", "12e5"],
        ["2.0", "2.10", "x"],
        ["true", "False"],
        ["2026-11-28", "2026-11-29"],
        ["NA", "null", "nan", "None", "inf"],
        [" a", "a"],
        ["+1", "-1"],
        ["1_000", "٣"],
    ],
    ids=",".join,
)
def test_names_are_kept_as_they_are_written(labels: list[str], ending: str, tmp_path: Path) -> None:
    dataset = read(tables(tmp_path, ending, labels, group=[f"0{x}" for x in labels]))
    train = dataset.split("train")
    assert [e.spans[0].label for e in train] == labels
    assert [e.group for e in train] == [f"0{x}" for x in labels]
    assert not dataset.numeric


@each_ending
@pytest.mark.parametrize(
    ("labels", "target", "expected", "numeric"),
    [
        ([0, 1, 12], "auto", ["0", "1", "12"], False),
        ([0, 1, 12], "values", ["0.0", "1.0", "12.0"], True),
        ([0.5, 1.0, -2e-5], "auto", ["0.5", "1.0", "-2e-05"], True),
        ([0.5, 1.0, 3e7], "values", ["0.5", "1.0", "30000000.0"], True),
        ([0.5, 1.5], "classes", ["0.5", "1.5"], False),
    ],
)
def test_numbers_are_read_alike(
    labels: list[float], target: Any, expected: list[str], numeric: bool, ending: str, tmp_path: Path
) -> None:
    dataset = read(tables(tmp_path, ending, labels), target=target)
    assert [e.spans[0].label for e in dataset.split("train")] == expected
    assert dataset.numeric == numeric


@each_ending
@pytest.mark.parametrize(
    ("labels", "target", "says"),
    [
        (["a", None], "auto", "nothing there"),
        ([1, None], "auto", "nothing there"),
        (["a", ""], "auto", "an empty text"),
        (["a", "  "], "auto", "an empty text"),
        (["1.5", "x"], "values", "expected numbers"),
        ([1.5, float("inf")], "values", "finite numbers|expected numbers"),
        ([1.5, float("nan")], "values", "finite numbers|expected numbers"),
    ],
)
def test_labels_that_are_none_are_named(labels: list[Any], target: Any, says: str, ending: str, tmp_path: Path) -> None:
    folder = tables(tmp_path, ending, labels)
    with pytest.raises(DataError, match=says) as caught:
        read(folder, target=target)
    assert_one_line(caught.value)


def test_code_that_looks_like_a_number_is_code(tmp_path: Path) -> None:
    rows = "code1,code2,label\n{0}1,007,1\n{0}1e5,2026-11-28,0\n"
    put(tmp_path, {f"{name}.csv": rows.format(i) for i, name in enumerate(NAMES, 1)})
    dataset = read_pairs(tmp_path, columns=("code1", "code2", "label"), keep_overlap=True)
    assert {e.text for e in dataset.examples if e.split == "train"} == {"11", "007", "11e5", "2026-11-28"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n "data": [\n  {"func": "a"}\n ]\n}\n', "one JSON object with the keys data; write its rows as an array"),
        ('{"data": [\n {"func": "a"}]}', "one JSON object with the keys data"),
        ('{\n "func": "a"\n}\n{\n "func": "b"\n}\n', "train.json line 1"),
        ('[{"func": "a"}, 3]', "int as number 2"),
        ("[]", "expected rows, got none"),
        ('[{"func": "a", "target": 1}, {"func": "\\ud83d", "target": 1}]', "train.json row 2: expected Unicode text"),
    ],
)
def test_json_that_holds_no_rows(text: str, says: str, tmp_path: Path) -> None:
    put(tmp_path, {f"{name}.json": '[{"func": "a", "target": 1}]' for name in NAMES} | {"train.json": text})
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, says)


def test_whole_surrogate_pairs_are_text(tmp_path: Path) -> None:
    lines = {f"{name}.jsonl": f'{{"func": "{i} \\ud83d\\ude00", "target": 1}}\n' for i, name in enumerate(NAMES)}
    assert read(put(tmp_path, lines)).split("train")[0].text == "0 😀"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["train-00000-of-00002.csv"], ("its 2 parts", "train-00000-of-00002.csv", "copy all parts")),
        (["train-00000-of-00001.csv", "dev-00000-of-00001.csv"], ("test split", "test.csv")),
        (["train-00000-of-00001.csv", "train-00000-of-00001-ab12.csv"], ("its 1 parts",)),
        (["data/train-00000-of-00001.csv"], ("but data/train-00000-of-00001.csv", "check --data ", "/data")),
        (
            ["all.parquet", "more.parquet"],
            ("none of them, but all.parquet", "give the files these names", "SPLIT"),
        ),
        (["README.md", ".x.csv"], ("got none of them; check --data",)),
    ],
)
def test_files_of_other_names_are_told(files: list[str], says: Sequence[str], tmp_path: Path) -> None:
    put(tmp_path, dict.fromkeys(files, "func,target\na,1\n"))
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert_one_line(caught.value, *says)
