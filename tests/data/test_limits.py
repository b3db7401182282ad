"""Bounds on data files: told in one line with the option that raises them, and before the file is held in memory."""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.data import read_examples, read_pairs, read_tagging
from neurosieve.data.checks import check_dataset
from neurosieve.data.dataset import Dataset, Example, Span
from neurosieve.data.limits import LIMITS, Limits, TooLargeError
from neurosieve.data.readers.csv_rows import csv_rows
from neurosieve.data.readers.files import read_text
from neurosieve.data.readers.metering import Meter, RowKind
from neurosieve.data.readers.saved import saved_rows
from neurosieve.data.readers.table_files import records
from neurosieve.data.sampling import sample_rows
from neurosieve.errors import ConfigError
from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import read_dataset
from neurosieve.typing import SPLITS
from tests.data import put, save_set, write_stream
from tests.tiny import assert_one_line

TEXT = "aé" * 30  # 60 characters, 90 bytes
ROWS = [{"func": TEXT, "target": i % 2} for i in range(8)]


def limits(**values: int) -> Limits:
    return LIMITS.model_copy(update=values)


def as_csv(rows: list[dict[str, Any]]) -> str:
    return "func,target\n" + "".join(f'"{r["func"]}",{r["target"]}\n' for r in rows)


def as_lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


WRITERS: dict[str, Callable[[Path], object]] = {
    ".jsonl": lambda path: path.write_text(as_lines(ROWS), encoding="utf-8"),
    ".json": lambda path: path.write_text(json.dumps(ROWS, ensure_ascii=False), encoding="utf-8"),
    ".csv": lambda path: path.write_text(as_csv(ROWS), encoding="utf-8"),
    ".jsonl.gz": lambda path: path.write_bytes(gzip.compress(as_lines(ROWS).encode())),
    ".json.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS, ensure_ascii=False).encode())),
    ".csv.gz": lambda path: path.write_bytes(gzip.compress(as_csv(ROWS).encode())),
    ".parquet": lambda path: pq.write_table(pa.Table.from_pylist(ROWS), path),
}


@pytest.fixture(params=WRITERS)
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"train{request.param}"
    WRITERS[request.param](path)
    return path


def read(path: Path, own: Limits) -> list[Any]:
    return list(records(path, path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix, {}, own))


def test_what_the_limits_allow_is_read(table: Path) -> None:
    """Characters count, not bytes: the row of 60 has 90."""
    assert len(read(table, limits(rows=8, characters=89, bytes=2000))) == 8


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".jsonl.gz", ".json.gz"])
@pytest.mark.parametrize("depth", [7, 150])
def test_depth_of_json(ending: str, depth: int, tmp_path: Path) -> None:
    """Of a column that nobody asks for, too."""
    array, deep = ending.startswith(".json") and "l" not in ending, "[" * (depth - 1) + "]" * (depth - 1)
    row = f'{{"func": "x = [[[[[[[[[", "target": 1, "tree": {deep}}}'
    data = (f"[{row}]" if array else f"{row}\n").encode()
    path = tmp_path / f"train{ending}"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    assert len(read(path, limits(depth=depth + array))) == 1
    with pytest.raises(TooLargeError) as caught:
        read(path, limits(depth=depth - 1 + array))
    said = f"at most {depth - 1 + array} brackets in brackets, got {depth + array}"
    assert_one_line(caught.value, path.name, "" if array else "line 1", said, "--set limits.depth=N")


@pytest.mark.parametrize(("key", "value"), [("rows", 7), ("characters", 59), ("bytes", 300)])
def test_table_above_a_limit(table: Path, key: str, value: int) -> None:
    with pytest.raises(TooLargeError) as caught:
        read(table, limits(**{key: value}))
    assert_one_line(caught.value, table.name, f"at most {value}", f"--set limits.{key}=N")


TAGGED: dict[str, Mapping[str, str]] = {
    "in": {".in": "abcdefghij k\n" * 5, ".label": "A B\n" * 5},
    "jsonl": {".jsonl": '{"code": "abcdefghij", "spans": [[0, 1, "A"], [2, 3, "B"]]}\n' * 5},
    "conll": {".conll": "abcdefghij A\nk B\n\n" * 5},
    "conllu": {".conllu": "".join(f"{i}\tabcdefghij\t_\tA\t_\t_\t_\t_\t_\t_\n\n" for i in (1,) * 5)},
}


@pytest.mark.parametrize(("key", "value"), [("rows", 4), ("characters", 9), ("bytes", 40)])
@pytest.mark.parametrize("form", TAGGED)
def test_tagging_above_a_limit(form: str, key: str, value: int, tmp_path: Path) -> None:
    """Its rows are labelled tokens."""
    put(tmp_path, {f"{split}{end}": text for split in ("train", "valid", "test") for end, text in TAGGED[form].items()})
    assert len(read_tagging(tmp_path, keep_overlap=True, limits=limits(rows=10)).examples) == 15
    with pytest.raises(TooLargeError) as caught:
        read_tagging(tmp_path, limits=limits(**{key: value}))
    assert_one_line(caught.value, f"train.{form}", f"at most {value}", f"limits.{key}=N")


@pytest.mark.parametrize("key", ["characters", "bytes"])
def test_source_above_a_limit(key: str, tmp_path: Path) -> None:
    put(tmp_path, {f"{split}/a.py": "abcdefghij = 1\n" for split in ("train", "valid", "test")})
    with pytest.raises(TooLargeError) as caught:
        read_tagging(tmp_path, labels="lexical", limits=limits(**{key: 9}))
    assert_one_line(caught.value, "a.py", "at most 9", f"limits.{key}=N")


@pytest.mark.parametrize(("key", "value"), [("rows", 4), ("characters", 50), ("bytes", 100)])
@pytest.mark.parametrize("name", ["data.jsonl", "train.txt"])
def test_pairs_by_id_above_a_limit(name: str, key: str, value: int, tmp_path: Path) -> None:
    small = {"data.jsonl": '{"idx": 1, "func": "a = 1"}\n'} | {
        f"{s}.txt": "1 1 0\n" for s in ("train", "valid", "test")
    }
    put(tmp_path, small | {name: (small[name].strip() + " " * 50 + "\n") * 5})
    with pytest.raises(TooLargeError) as caught:
        read_pairs(tmp_path, columns=("a", "b", "label"), limits=limits(**{key: value}))
    assert_one_line(caught.value, name, f"at most {value}", f"limits.{key}=N")


@pytest.mark.parametrize(("key", "value"), [("rows", 1), ("characters", 20), ("bytes", 60)])
def test_devign_above_a_limit(key: str, value: int, tmp_path: Path) -> None:
    rows = json.dumps([{"func": "abcdefghijklmnop = 1", "target": 1}] * 2)
    put(tmp_path, {"function.json": rows} | {f"{split}.txt": "0\n" for split in ("train", "valid", "test")})
    with pytest.raises(TooLargeError) as caught:
        read_examples(tmp_path, text="func", label="target", limits=limits(**{key: value}))
    assert_one_line(caught.value, "function.json", f"at most {value}", f"limits.{key}=N")


def test_large_source_file_is_left_out_and_told(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "a.py").write_text(f"{split} = 1\n")
    (tmp_path / "train" / "large.py").write_text("x = 1\n" * 20)
    found = read_tagging(tmp_path, labels="lexical", limits=limits(characters=100))
    assert len(found.examples) == 3
    told = {note: count for note, count in found.notes.items() if "limits.characters" in note}
    assert [(count, "train/large.py" in note) for note, count in told.items()] == [(1, True)]


@pytest.mark.parametrize(("key", "value"), [("rows", 7), ("characters", 59), ("bytes", 300)])
def test_saved_set_above_a_limit(key: str, value: int, tmp_path: Path) -> None:
    save_set(tmp_path / "train", ROWS)
    assert len(saved_rows(tmp_path / "train", {}, limits(rows=8, characters=70, bytes=2000))) == 8
    with pytest.raises(TooLargeError) as caught:
        saved_rows(tmp_path / "train", {}, limits(**{key: value}))
    assert_one_line(caught.value, "data-00000-of-00001.arrow", f"at most {value}", f"--set limits.{key}=N")


def test_saved_set_that_names_a_row_often(tmp_path: Path) -> None:
    """Of early versions: the order of the rows is a file of its own."""
    save_set(tmp_path / "train", ROWS)
    write_stream(tmp_path / "train" / "order.arrow", pa.table({"indices": [0] * 100}))
    state = json.loads((tmp_path / "train" / "state.json").read_text())
    order = {"_indices_data_files": [{"filename": "order.arrow"}]}
    (tmp_path / "train" / "state.json").write_text(json.dumps(state | order))
    assert len(saved_rows(tmp_path / "train", {})) == 100
    with pytest.raises(TooLargeError) as caught:
        saved_rows(tmp_path / "train", {}, limits(bytes=2000))
    assert_one_line(caught.value, "train", "at most 2,000 bytes", "limits.bytes=N")


@pytest.mark.parametrize("rows", [[{"a": ["b" * 30] * 3}], [{"a": {"b": "c" * 90}}], [{"a": b"b" * 90}]])
def test_nested_values_count_too(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{"a": None}, *rows]), tmp_path / "t.parquet")
    assert len(read(tmp_path / "t.parquet", LIMITS)) == 2
    with pytest.raises(TooLargeError) as caught:
        read(tmp_path / "t.parquet", limits(characters=80))
    assert_one_line(caught.value, "t.parquet row 2", "limits.characters=N")


PIECES = st.lists(st.sampled_from(['"', "\\", "\n", ",", "a", "é", "[", "{", "}", "]", '""', "\r\n"]), max_size=20)


@given(PIECES, st.integers(1, 7))
def test_csv_rows_are_counted_as_they_are_read(pieces: list[str], step: int) -> None:
    """Wherever the chunks end, and whatever the quotes hold."""
    cells = ["".join(pieces), "b"]
    text = 'x,y\n"{}",{}\n"1",2\n'.format(cells[0].replace('"', '""'), cells[1])
    assert len(list(csv_rows(text, "x.csv"))) == 2
    assert rows_of(text, "record", step) == 2


VALUES = st.lists(st.dictionaries(st.text(max_size=3), st.text('"\\,[]{}é\n', max_size=6)), max_size=5)


@given(VALUES, st.integers(1, 7))
def test_values_of_an_array_are_counted(values: list[dict[str, str]], step: int) -> None:
    text = json.dumps([*values, [1, {"a": [2, 3]}], 4], ensure_ascii=False)
    assert rows_of(text, "objects", step) == len(values) + 1  # commas between them


def rows_of(text: str, kind: RowKind, step: int) -> int:
    return feed(Meter(LIMITS, "x", kind), text, step).rows


def feed(meter: Meter, text: str, step: int) -> Meter:
    data = text.encode("utf-8", "surrogatepass")
    for begin in range(0, len(data), step):
        meter.feed(data[begin : begin + step])
    return meter


@given(st.lists(st.text('aé ,[]{}"', max_size=9), min_size=1, max_size=5), st.integers(1, 7))
def test_longest_line_is_found(lines: list[str], step: int) -> None:
    """In characters, wherever the chunks end."""
    text, longest = "\n".join(lines), max(map(len, lines))
    feed(Meter(limits(characters=max(longest, 1)), "x", "line"), text, step)
    if longest > 1:
        with pytest.raises(TooLargeError, match=f"row [1-{len(lines)}]:"):
            feed(Meter(limits(characters=longest - 1), "x", "line"), text, step)


def test_sentences_end_at_blank_lines() -> None:
    """Also at those of white space; the line ends of a sentence count."""
    text = "é A\nbc B\n\nd A\n \t\r\ne B\n"
    for step in range(1, 12):
        assert feed(Meter(limits(characters=9), "x", "sentence"), text, step).rows == 2
        with pytest.raises(TooLargeError, match="row 1:"):
            feed(Meter(limits(characters=8), "x", "sentence"), text, step)


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("train.jsonl.gz", b'{"func": "', b'", "target": 1}\n'),
        ("train.json.gz", b'[{"func": "', b'", "target": 1}]'),
        ("train.conll.gz", b"", b" A\n"),
        ("train.csv.gz", b'func,target\n"', b'",1\n'),
        ("train.in.gz", b"", b"\n"),
        ("train.py.gz", b"x = '", b"'\n"),
    ],
)
def test_long_row_of_a_small_file_is_never_held(name: str, start: bytes, end: bytes, tmp_path: Path) -> None:
    """60 MB in 60 kB: refused after the first millions of bytes."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(start + b"a" * 60_000_000 + end, compresslevel=1))
    kinds: dict[str, RowKind] = {"in": "line", "py": "file", "csv": "record", "conll": "sentence"}
    error, peak = refused_with_peak(lambda: read_text(path, row=kinds.get(name.split(".")[1], "objects")))
    assert_one_line(error, name, "at most 2,000,000 characters", "limits.characters=N", "215 bytes")
    assert peak < 20_000_000


def test_many_short_rows_of_a_small_file_are_never_held(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"func": "a = 1", "target": 1}\n' * 2_000_000, compresslevel=1))
    error, peak = refused_with_peak(lambda: read(path, limits(bytes=5_000_000)))
    assert_one_line(error, "train.jsonl.gz", "at most 5,000,000 bytes", "limits.bytes=N")
    assert peak < 20_000_000


def refused_with_peak(act: Callable[[], object]) -> tuple[TooLargeError, int]:
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError) as caught:
            act()
        return caught.value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv"])
def test_long_row_below_the_limit_takes_a_few_times_its_size(ending: str, tmp_path: Path) -> None:
    path, text = tmp_path / f"train{ending}", "x = 1\\n" * 285_000  # 2 million characters
    row = f'func,target\n"{text}",1\n' if ending == ".csv" else json.dumps([{"func": text}])[ending == ".jsonl" :]
    path.write_text(row if ending != ".jsonl" else row.removesuffix("]") + "\n")
    tracemalloc.start()
    try:
        found = read(path, limits(characters=3_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [row["func"] for row in found] == [text]
    assert peak < 20 * len(text)


def test_parquet_that_repeats_one_text_is_never_held(tmp_path: Path) -> None:
    """A dictionary makes the file small; its rows are not."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), ["a" * 1_000_000])
    pq.write_table(pa.table({"func": texts, "target": [1] * 2000}), tmp_path / "t.parquet")
    before = pa.default_memory_pool().bytes_allocated()
    with pytest.raises(TooLargeError) as caught:
        read(tmp_path / "t.parquet", limits(bytes=100_000_000))
    assert_one_line(caught.value, "t.parquet", "at most 100,000,000 bytes", "limits.bytes=N")
    assert pa.default_memory_pool().bytes_allocated() - before < 20_000_000


@pytest.mark.parametrize("key", ["rows", "characters", "bytes"])
def test_the_option_of_the_message_raises_the_limit(key: str, tmp_path: Path) -> None:
    put(tmp_path, {f"{split}.jsonl": as_lines(ROWS) for split in ("train", "valid", "test")})
    options = {"data": str(tmp_path), "task": "defect-detection", "model": "m", "keep_overlap": True}
    with pytest.raises(TooLargeError) as caught:
        read_dataset(make_config(options=options, pairs=[f"limits.{key}=5"]))
    assert f"--set limits.{key}=N" in caught.value.remedy
    assert read_dataset(make_config(options=options, pairs=[f"limits.{key}=5000"])).examples


@pytest.mark.parametrize("task", ["defect-detection", "token-tagging"])
def test_the_option_raises_the_depth(task: str, tmp_path: Path) -> None:
    deep = "[" * 150 + "]" * 150
    row = (
        '{{"func": "x{0} = {1}", "target": {1}, "code": "{0} = {1}", "spans": [[0, 1, "A"], [4, 5, "B"]], "tree": {2}}}'
    )
    files = {
        f"{split}.jsonl": f"{row.format(split[0], 0, deep)}\n{row.format(split[1], 1, deep)}\n" for split in SPLITS
    }
    put(tmp_path, files)
    options = {"data": str(tmp_path), "task": task, "model": "m", "keep_overlap": True}
    with pytest.raises(TooLargeError, match=r"line 1: expected at most 100 brackets.*--set limits.depth=N"):
        read_dataset(make_config(options=options))
    assert read_dataset(make_config(options=options, pairs=["limits.depth=151"])).examples


@pytest.mark.parametrize(
    "assignment", ["limits.rows=0", "limits.lines=3", "limits.depth=501", "limits.bytes=1 GB", "limits=3"]
)
def test_limits_are_checked(assignment: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(options={"model": "m", "data": "d"}, pairs=[assignment])
    assert_one_line(caught.value, "limits")


@pytest.mark.parametrize(("size", "notes"), [(1_000_000, []), (1_200_000, ["0.3 GB"])])
def test_long_text_is_told(size: int, notes: list[str]) -> None:
    span = Span(0, 1, "A")
    examples = [Example(f"{s}:{i}", f"{s}{i}", (Span(0, 1, "AB"[i]),), s, f"{s}{i}") for s in SPLITS for i in (0, 1)]
    dataset = Dataset((Example("long", "a" * size, (span,), "train", "long"), *examples), "made", {}, {})
    found = check_dataset(dataset, sample_rows(dataset))
    assert len(found) == len(notes)
    assert all(f"the longest text has {size:,} characters" in f and n in f for f, n in zip(found, notes, strict=True))
