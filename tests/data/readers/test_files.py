"""Every bad input ends in one line that names the object and a remedy; good files are read byte for byte."""

import gzip
import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from neurosieve.data import read_tagging
from neurosieve.data.readers.files import SPLIT_NAMES, file_hashes, read_text, split_lines
from neurosieve.errors import ConfigError, DataError, NeurosieveError
from tests.data import LINES, RECORDS, SOURCES, put, record, without

Files = Mapping[str, str | bytes]


class Bad(NamedTuple):
    name: str
    files: Files
    says: tuple[str, ...]
    options: Mapping[str, Any] = {}
    error: type[NeurosieveError] = DataError


def lines(**changes: str | bytes) -> Files:
    return {**LINES, **{name.replace("_", "."): content for name, content in changes.items()}}


def train(content: str | bytes) -> Files:
    return {**RECORDS, "train.jsonl": content}


PACKED = gzip.compress(b"a = 1\nb = 2\n" * 50)
LEXICAL = {"labels": "lexical"}
CARVE = {"validation_from_train": 0.1}
FORM = '"spans": [[start, end, "LABEL"]'

BAD = [
    Bad("no files at all", {}, ("SPLIT.in with SPLIT.label", "SPLIT.conllu", "--data", "--labels")),
    Bad("no train", without(RECORDS, "train.jsonl"), ("train split", "train.jsonl[.gz]", "add the missing file")),
    Bad("no test", without(RECORDS, "test.jsonl"), ("test split", "test.jsonl[.gz]", "add the missing file")),
    Bad("no validation", without(RECORDS, "valid.jsonl"), ("validation split", "dev.jsonl", "--validation-from-train")),
    Bad("no test, carved", without(RECORDS, "valid.jsonl", "test.jsonl"), ("test split", "add the missing"), CARVE),
    Bad("no label files", {k: v for k, v in LINES.items() if k.endswith(".in")}, (".label", "add SPLIT.label")),
    Bad("one label file missing", without(LINES, "test.label"), ("test split", "test.label", "add the missing file")),
    Bad("valid and dev", {**RECORDS, "dev.jsonl": record("x")}, ("valid.jsonl and dev.jsonl", "remove all but one")),
    Bad("plain and gz", {**RECORDS, "test.jsonl.gz": PACKED}, ("test.jsonl and test.jsonl.gz", "remove all but one")),
    Bad("two label files", {**LINES, "val.label": "X\n"}, ("valid.label and val.label", "remove all but one")),
    Bad("both formats", {**LINES, **RECORDS}, (".in and .jsonl files", "keep one of them")),
    Bad(
        "more tag lines", lines(train_label="X X X\n" * 3), ("train.label", "2 lines", "got 3", "partner: 3", "line up")
    ),
    Bad("fewer tag lines", lines(train_label="X X X\n"), ("train.label", "2 lines", "got 1", "partner: 2", "line up")),
    Bad("fewer tags", lines(train_label="X X X\nX X\n"), ("train.label line 2", "3 tags", "got 2", "single spaces")),
    Bad("more tags", lines(test_label="X X X X\n"), ("test.label line 1", "3 tags", "got 4", "single spaces")),
    Bad("tags for an empty line", lines(train_in="a\n\n", train_label="X\nX\n"), ("train.label line 2", "0 tags")),
    Bad("space at the end", lines(train_in="a = 1 \nb = 2\n"), ("train.label line 1", "4 tags", "got 3")),
    Bad("tab for space", lines(test_in="d\t= 4\n"), ("test.label line 1", "2 tags", "got 3")),
    Bad("empty file", lines(valid_in=""), ("valid.in", "an empty file", "fill or remove")),
    Bad("blank file", train(" \n\n"), ("train.jsonl", "an empty file", "fill or remove")),
    Bad("empty gz", {**without(RECORDS, "test.jsonl"), "test.jsonl.gz": b""}, ("test.jsonl.gz", "an empty file")),
    Bad("not UTF-8", lines(train_in=b"a = 1\nb = \xe9\n"), ("train.in", "0xe9 on line 2", "convert the file to UTF-8")),
    Bad("UTF-16", lines(train_in="a = 1\nb = 2\n".encode("utf-16")), ("train.in", "0xff on line 1", "UTF-8")),
    Bad("not UTF-8 source", {**SOURCES, "train/a.py": b"#\n# \xff\n"}, ("train/a.py", "line 2", "UTF-8"), LEXICAL),
    Bad("no gzip", {**without(RECORDS, "test.jsonl"), "test.jsonl.gz": record("c")}, ("test.jsonl.gz", "whole gzip")),
    Bad(
        "span outside", train(record("ab", [(0, 3, "X")])), ("train.jsonl line 1", "[0, 3]", "≤ 2", "count characters")
    ),
    Bad("span negative", train(record("ab", [(-1, 1, "X")])), ("train.jsonl line 1", "[-1, 1]", "count characters")),
    Bad("span backwards", train(record("ab", [(2, 1, "X")])), ("train.jsonl line 1", "[2, 1]", "start ≤ end")),
    Bad("bytes counted", train(record("éé", [(0, 4, "X")])), ("train.jsonl line 1", "≤ 2", "characters, not bytes")),
    Bad(
        "overlap", train("\n" + record("abc", [(1, 3, "X"), (0, 2, "Y")])), ("line 2", "[1, 3]", "[0, 2]", "one label")
    ),
    Bad("no JSON", train(record("a") + "{'code': 1}\n"), ("train.jsonl line 2", FORM, "one object a line")),
    Bad("cut JSON", train(record("a")[:-5]), ("train.jsonl line 1", "no JSON", "one object a line")),
    Bad("array", train("[1, 2]\n"), ("train.jsonl line 1", FORM, "use these keys")),
    Bad("other key", train('{"text": "a", "spans": []}\n'), ("train.jsonl line 1", FORM, "use these keys")),
    Bad("float start", train('{"code": "a", "spans": [[0.0, 1, "X"]]}\n'), ("line 1", FORM, "use these keys")),
    Bad("true as number", train('{"code": "ab", "spans": [[true, 2, "X"]]}\n'), ("line 1", FORM, "use these keys")),
    Bad("number as label", train('{"code": "a", "spans": [[0, 1, 7]]}\n'), ("line 1", FORM, "use these keys")),
    Bad("huge number", train('{"code": "a", "spans": [[0, ' + "1" * 5000 + ', "X"]]}\n'), ("train.jsonl line 1",)),
    Bad("half a character", train(record("\ud800 = 1")), ("train.jsonl line 1",)),
    Bad("no sources", {"a.txt": "a"}, (".py, .java, .c, .h", "plain or .gz", "got none", "--data"), LEXICAL),
    Bad("two sources", {"a.py": "a\n", "b.py": "b\n"}, ("source files", "at least 3", "got 2", "add more"), LEXICAL),
    Bad("scheme", SOURCES, ("'lexcal'", "identifier-role", "mean lexical?"), {"labels": "lexcal"}, ConfigError),
    Bad("far scheme", SOURCES, ("'zzz'", "lexical", "choose one"), {"labels": "zzz"}, ConfigError),
    Bad("carve with a file", RECORDS, ("--validation-from-train", "valid.jsonl", "leave the option out"), CARVE),
    Bad("carve with a .label", without(LINES, "valid.in"), ("valid.label", "leave the option out"), CARVE),
    *(
        Bad(f"share {s}", RECORDS, ("--validation-from-train", str(s)), {"validation_from_train": s}, ConfigError)
        for s in (0.0, 1.0, -0.1, 1.5, float("nan"))
    ),
]


def check(error: NeurosieveError, *says: str) -> None:
    message = str(error)
    assert [part for part in says if part not in message] == []
    assert message == f"{error.subject}: expected {error.expected}, got {error.got}; {error.remedy}"
    assert all((error.subject, error.expected, error.got, error.remedy))


@pytest.mark.parametrize("bad", BAD, ids=lambda b: b.name)
def test_bad_input_is_named_with_a_remedy(bad: Bad, tmp_path: Path) -> None:
    with pytest.raises(bad.error) as caught:
        read_tagging(put(tmp_path, bad.files), **bad.options)
    assert type(caught.value) is bad.error
    check(caught.value, *bad.says)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(("name", "came"), [("nowhere", "nothing there"), ("a.txt", "a.txt")])
def test_data_must_be_a_folder_or_table(name: str, came: str, tmp_path: Path) -> None:
    put(tmp_path, {"a.txt": "a"})
    with pytest.raises(DataError) as caught:
        read_tagging(tmp_path / name)
    check(caught.value, str(tmp_path / name), "folder", came, "--data")


@pytest.mark.parametrize(
    ("files", "options", "first"), [(RECORDS, {}, "train.jsonl"), (SOURCES, LEXICAL, "test/c.py")], ids=["split", "py"]
)
def test_unreadable_file(
    files: Files, options: Any, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    put(tmp_path, files)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError) as caught:
        read_tagging(tmp_path, **options)
    check(caught.value, str(tmp_path / first), "a readable file", "Permission denied", "rights")


@pytest.mark.parametrize("kept", range(1, len(PACKED)))
def test_a_gzip_cut_anywhere_is_refused(kept: int, tmp_path: Path) -> None:
    put(tmp_path, {"a.in.gz": PACKED[:kept]})
    with pytest.raises(DataError, match=r"a\.in\.gz: expected a whole gzip file.*copy it again"):
        read_text(tmp_path / "a.in.gz")


@pytest.mark.parametrize("place", [15, len(PACKED) - 6], ids=["stream", "checksum"])
def test_a_gzip_with_a_flipped_byte_is_refused(place: int, tmp_path: Path) -> None:
    damaged = bytearray(PACKED)
    damaged[place] ^= 0xFF
    put(tmp_path, {"a.in.gz": bytes(damaged)})
    with pytest.raises(DataError, match="whole gzip file"):
        read_text(tmp_path / "a.in.gz")


@pytest.mark.parametrize("validation", SPLIT_NAMES["validation"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_names_and_packing_do_not_change_what_is_read(validation: str, packed: bool, tmp_path: Path) -> None:
    files = {name.replace("valid", validation): text.encode() for name, text in LINES.items()}
    if packed:
        files = {f"{name}.gz": gzip.compress(data) for name, data in files.items()}
    dataset = read_tagging(put(tmp_path / "other", files))
    assert dataset.examples == read_tagging(put(tmp_path / "plain", LINES)).examples
    assert dataset.hashes == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_a_folder_called_like_a_split_file_is_no_split_file(tmp_path: Path) -> None:
    put(tmp_path, {**RECORDS, "dev.jsonl/other.txt": "x"})
    assert len(read_tagging(tmp_path).examples) == 3


@pytest.mark.parametrize("form", ["lines", "source"])
def test_a_byte_order_mark_is_no_part_of_the_code(form: str, tmp_path: Path) -> None:
    files = LINES if form == "lines" else SOURCES
    marked = put(tmp_path / "marked", {name: b"\xef\xbb\xbf" + text.encode() for name, text in files.items()})
    plain = put(tmp_path / "plain", files)
    labels = None if form == "lines" else "lexical"
    ours, theirs = (read_tagging(folder, labels=labels) for folder in (marked, plain))
    assert [(e.text, e.spans) for e in ours.examples] == [(e.text, e.spans) for e in theirs.examples]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\nb", ["a", "b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\n\n", ["a", ""]),
        ("a\u2028b\x85c\x0bd\x0ce\x1cf\rg\n", ["a\u2028b\x85c\x0bd\x0ce\x1cf\rg"]),
        ("a\r\r\n", ["a\r"]),
    ],
)
def test_lines_end_at_newlines_only(text: str, expected: list[str]) -> None:
    assert split_lines(text) == expected


@pytest.mark.parametrize("kind", [DataError, ConfigError])
def test_errors_survive_a_process_border(kind: type[NeurosieveError]) -> None:
    error = kind("x", expected="a", got="b", remedy="c")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.exit_code) == (str(error), error.exit_code)


@pytest.mark.parametrize("name", ["acts[layer=5].npy", "a*.npy", "a?.npy"])
def test_names_are_no_patterns(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"1")
    (tmp_path / name).with_suffix(".label").write_bytes(b"2")
    (tmp_path / "al.npy").write_bytes(b"3")
    assert sorted(file_hashes(tmp_path / name)) == sorted([name, name.replace(".npy", ".label")])
