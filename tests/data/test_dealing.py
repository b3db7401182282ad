"""One file without splits: dealt by seed in whole groups, in the shares that were asked for, and said so."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from neurosieve.data import Dataset, read_tagging
from neurosieve.data.dealing import SHARES, deal
from neurosieve.errors import ConfigError, DataError, NeurosieveError
from neurosieve.typing import SPLITS
from tests.data import LINES, RECORDS, put
from tests.data.test_groups import (
    Read,
    Write,
    array,
    code_search,
    csv,
    groups,
    jsonl,
    pairs,
    parquet,
    plain,
    row,
    whole,
)
from tests.data.test_groups import spans as tagged

Shares = tuple[float, float, float]
LAYOUTS: list[tuple[Read, Write]] = [(tagged, jsonl), (whole, csv), (whole, parquet), (pairs, array), (pairs, csv)]
LAYOUTS += [(code_search, jsonl), (whole, jsonl)]
every_layout = pytest.mark.parametrize(("read", "write"), LAYOUTS)


def one_file(folder: Path, read: Read, write: Write, rows: Sequence[Mapping[str, Any]]) -> Path:
    tables = {"all": rows}
    write(folder, tables if read is tagged else plain(tables))
    (path,) = folder.iterdir()
    return path


def sizes(data: Dataset) -> list[int]:
    return [len(groups(data, s)) for s in SPLITS]


@every_layout
@pytest.mark.parametrize("shares", [None, (0.8, 0.1, 0.1), (0.5, 0.25, 0.25)])
def test_rows_are_dealt_in_their_shares(read: Read, write: Write, shares: Shares | None, tmp_path: Path) -> None:
    path = one_file(tmp_path, read, write, [row("x", i, None) for i in range(40)])
    data = read(path, splits=shares, seed=3)
    assert sizes(data) == [round(40 * share) for share in shares or SHARES]
    train, validation, test = sizes(data)
    told = f"rows dealt to the splits by seed 3 in 40 whole groups: train {train}, validation {validation}, test {test}"
    assert data.notes == {told: 40}
    assert data.examples == read(tmp_path, splits=shares, seed=3).examples  # the folder that holds it alone
    assert data.examples != read(path, splits=shares, seed=4).examples
    assert {(u.id.split(":")[0]) for u in data.pairs or data.examples} == {"all"}
    assert list(data.hashes) == [path.name]


@every_layout
def test_groups_are_dealt_whole(read: Read, write: Write, tmp_path: Path) -> None:
    path = one_file(tmp_path, read, write, [row("x", i, f"g{i % 10}") for i in range(60)])
    parts = [set(groups(read(path, splits=(0.6, 0.2, 0.2)), s)) for s in SPLITS]
    assert [len(part) for part in parts] == [6, 2, 2]
    assert len(set.union(*parts)) == 10


@every_layout
def test_equal_texts_stay_together(read: Read, write: Write, tmp_path: Path) -> None:
    path = one_file(tmp_path, read, write, [row("x", i % 8, None) for i in range(40)])
    data = read(path)
    assert sum(sizes(data)) == 40
    assert [len(set(groups(data, s))) for s in SPLITS] == [5, 1, 2]
    assert not [note for note in data.notes if "dropped" in note]


def test_pairs_that_share_a_function_stay_together(tmp_path: Path) -> None:
    chain = [{"code1": f"f{i}", "code2": f"f{i + (i % 4 < 3)}", "label": 0} for i in range(40)]
    path = one_file(tmp_path, pairs, jsonl, chain)
    data = pairs(path, splits=(0.6, 0.2, 0.2))  # a function in two splits would be an error
    assert sizes(data) == [24, 8, 8]


@pytest.mark.parametrize("count", [3, 4, 7, 10, 30, 50, 70, 110])
def test_single_rows_are_dealt_as_files_always_were(count: int) -> None:
    splits = list(deal({f"{i}": 1 for i in range(count)}, 0).values())
    validation = max(1, round(0.15 * count))
    train = min(max(1, round(0.6 * count)), count - validation - 1)
    assert [splits.count(s) for s in SPLITS] == [train, validation, count - train - validation]


def test_a_large_group_counts_by_its_rows() -> None:
    sizes = {"big": 60} | {f"g{i}": 1 for i in range(40)}
    for seed in range(20):
        splits = deal(sizes, seed)
        assert set(splits.values()) == set(SPLITS)
        if splits["big"] == "train":
            assert abs(sum(sizes[n] for n, s in splits.items() if s == "train") - 60) <= 30


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz", "all.conll", "all.in"])
def test_every_format_of_tokens(name: str, tmp_path: Path) -> None:
    jsonl(tmp_path, {"all": [row("x", i, None) for i in range(10)]})
    text = (tmp_path / "all.jsonl").read_text()
    (tmp_path / "all.jsonl").unlink()
    files: dict[str, str | bytes] = {
        "all.jsonl": text,
        "all.jsonl.gz": gzip.compress(text.encode()),
        "all.conll": "".join(f"a\tX\nb{i}\tY\n\n" for i in range(10)),
        "all.in": "".join(f"a b{i}\n" for i in range(10)),
    }
    put(tmp_path, {name: files[name]} | ({"all.label": "X Y\n" * 10} if name == "all.in" else {}))
    assert sizes(read_tagging(tmp_path / name)) == sizes(read_tagging(tmp_path)) == [6, 2, 2]


SOURCES: dict[str, str | bytes] = {f"m{i}.py": f"a = {i}\n" for i in range(10)}
LEXICAL = {"labels": "lexical"}


def test_source_files_take_the_shares_too(tmp_path: Path) -> None:
    data = read_tagging(put(tmp_path, SOURCES), labels="lexical", splits=(0.8, 0.1, 0.1))
    assert sizes(data) == [8, 1, 1]
    assert data.notes == {"source files dealt to the splits by seed 0: train 8, validation 1, test 1": 10}


THREE = (0.8, 0.1, 0.1)
BAD: dict[str, tuple[Mapping[str, str | bytes], str, dict[str, Any], type[NeurosieveError], str]] = {
    "two shares": (RECORDS, "", {"splits": (0.8, 0.2)}, ConfigError, "--splits: expected three shares.* got 0.8,0.2"),
    "sum": (RECORDS, "", {"splits": (0.8, 0.1, 0.2)}, ConfigError, "add up to 1, got 0.8,0.1,0.2"),
    "nothing": (RECORDS, "", {"splits": (0.9, 0.0, 0.1)}, ConfigError, "above 0"),
    "not a number": (RECORDS, "", {"splits": (0.9, float("nan"), 0.1)}, ConfigError, "above 0"),
    "own splits": (RECORDS, "", {"splits": THREE}, ConfigError, "without splits of its own, got files of the splits"),
    "own lines": (LINES, "", {"splits": THREE}, ConfigError, "without splits of its own"),
    "own folders": ({f"{s}/a.py": s for s in ("train", "valid", "test")}, "", LEXICAL | {"splits": THREE}, ConfigError,
                    "split folders"),
    "carved too": ({"a.jsonl": RECORDS["train.jsonl"]}, "", {"validation_from_train": 0.1}, ConfigError,
                   "a.jsonl is dealt"),
    "few groups": ({"a.jsonl": RECORDS["train.jsonl"] * 9}, "", {}, DataError, "at least 3, one a split, got 1"),
    "no tags": ({"a.in": "a"}, "", {}, DataError, "a.label next to it, got none"),
    "two files": ({"a.jsonl": "{}", "b.jsonl": "{}"}, "", {}, DataError, "got none of them"),
    "one split alone": ({"train-00000-of-00001.jsonl": "{}"}, "", {}, DataError, "got none of them"),
    "another ending": ({"a.txt": "a"}, "a.txt", {}, DataError, "a file that ends in .in, .jsonl"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_dealt(case: str, tmp_path: Path) -> None:
    files, name, options, kind, says = BAD[case]
    with pytest.raises(kind, match=says):
        read_tagging(put(tmp_path, files) / name, **options)


def test_functions_without_lists_of_pairs_are_no_table(tmp_path: Path) -> None:
    put(tmp_path, {"data.jsonl": json.dumps({"idx": 1, "func": "f"}) + "\n"})
    with pytest.raises(DataError, match=r"train\.txt"):
        pairs(tmp_path)
