"""Lines, records and source files become examples whose spans fit, in splits that share nothing."""

import gzip
import json
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosieve.data import Dataset, Span, read_installed, read_stdlib, read_tagging
from neurosieve.data.readers import installed
from neurosieve.data.readers.source import deal_files
from neurosieve.errors import DataError
from neurosieve.typing import SPLITS, Split
from tests.data import LINES, RECORDS, SHARED, SOURCES, put, record, without

ODD = "\t\x0b\x0c\x1c\x85\u00a0\u2028\u2029\u3000\x00é😀e\u0301\u200f\r\"'\\{"
CHARACTERS = st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"], exclude_characters=" \n\r\ufeff"))
TOKENS = st.lists(st.text(CHARACTERS, max_size=4), max_size=5)


def read(files: dict[str, str | bytes], **options: Any) -> Dataset:
    with tempfile.TemporaryDirectory() as folder:
        return read_tagging(put(Path(folder), files), **options)


def texts(dataset: Dataset, split: Split) -> list[str]:
    return [e.text for e in dataset.split(split)]


def units(dataset: Dataset, split: Split = "train") -> list[list[tuple[str, str]]]:
    return [[(e.text[s.start : s.end], s.label) for s in e.spans] for e in dataset.split(split)]


@settings(deadline=None, max_examples=80)
@given(st.lists(TOKENS, max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example([["a", "", "", "b"], [], ["x\u2028y", "\t", "\x85"], ["", ""], ["a\rb"]], "\r\n", False)
def test_a_line_gives_its_tokens_back(lines: list[list[str]], ending: str, closed: bool) -> None:
    # A line of one empty token is an empty line; a carriage return at the end belongs to the line end.
    lines = [["first"], *([] if t == [""] or (t and t[-1].endswith("\r")) else t for t in lines), ["last"]]
    tags = [[f"L{(i + j) % 3}" for j in range(len(t))] for i, t in enumerate(lines)]
    code, marks = (ending.join(map(" ".join, rows)) + ending * closed for rows in (lines, tags))
    dataset = read({**LINES, "train.in": code, "train.label": marks}, keep_overlap=True)
    assert texts(dataset, "train") == [" ".join(t) for t in lines]
    assert units(dataset) == [list(zip(t, g, strict=True)) for t, g in zip(lines, tags, strict=True)]
    assert [e.id for e in dataset.split("train")] == [f"train:{i + 1}" for i in range(len(lines))]


@st.composite
def records(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(st.text(CHARACTERS | st.sampled_from(" \n\r"), max_size=12))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    spans = [Span(a, b, draw(st.sampled_from("XYZ"))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    return text, sorted(spans)


@settings(deadline=None, max_examples=80)
@given(st.lists(records(), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\n \n\n"]), st.booleans())
def test_a_record_gives_its_spans_back(parts: list[tuple[str, list[Span]]], ending: str, plain: bool) -> None:
    lines = [json.dumps({"spans": spans[::-1], "code": text}, ensure_ascii=plain) for text, spans in parts]
    dataset = read({**RECORDS, "train.jsonl": ending.join(lines)}, keep_overlap=True)
    assert [(e.text, list(e.spans)) for e in dataset.split("train")] == parts
    step = ending.count("\n")
    assert [e.id for e in dataset.split("train")] == [f"train:{1 + step * i}" for i in range(len(parts))]


def test_other_files_are_named() -> None:
    files = {f"{s}{e}": f"{s} x\n" for s in ("train", "valid", "test", "paper_train") for e in (".in", ".label.gz")}
    packed: dict[str, str | bytes] = {
        n: gzip.compress(t.encode()) if n.endswith(".gz") else t for n, t in files.items()
    }
    notes = read(packed | {"README.md": "x"}).notes
    assert notes == {"files ignored, as no split is called so: paper_train.in, paper_train.label.gz": 2}


def test_groups_are_named_or_the_text() -> None:
    train = record("a", group="g") + record("b", group="g") + record("c") + record("c") + record("d", group=7)
    groups = [e.group for e in read({**RECORDS, "train.jsonl": train}).split("train")]
    assert groups[:2] == ["g", "g"]
    assert groups[2] == groups[3] != groups[4] == "7"
    assert len(set(groups)) == 3


POOL = st.lists(st.sampled_from(["a", "b", "a b", "b a", "a  b", "é", "\u2028", "", " "]), max_size=8)


@settings(deadline=None, max_examples=80)
@given(POOL, POOL, POOL, st.sampled_from(["lines", "records"]))
def test_no_text_is_in_two_splits(train: list[str], validation: list[str], test: list[str], form: str) -> None:
    parts = dict(zip(SPLITS, (["own1", *train], ["own2", *validation], ["own3", *test]), strict=True))
    files: dict[str, str | bytes] = {}
    for split, code in parts.items():
        if form == "records":
            files[f"{split}.jsonl"] = "".join(record(c, []) for c in code)
        else:
            files[f"{split}.in"] = "".join(f"{c}\n" for c in code)
            files[f"{split}.label"] = "".join(" ".join("X" for _ in c.split(" ") if c) + "\n" for c in code)
    dataset = read(files)
    in_train, in_validation = set(parts["train"]), set(parts["validation"])
    kept_validation = [t for t in parts["validation"] if t not in in_train or not t.strip()]
    kept_test = [t for t in parts["test"] if t not in in_train | in_validation or not t.strip()]
    assert [texts(dataset, s) for s in SPLITS] == [parts["train"], kept_validation, kept_test]
    late = sum(bool(t.strip()) and t in in_validation - in_train for t in parts["test"])
    notes = {
        "validation examples dropped: also in train": len(parts["validation"]) - len(kept_validation),
        "test examples dropped: also in train": len(parts["test"]) - len(kept_test) - late,
        "test examples dropped: also in validation": late,
    }
    assert dataset.notes == {reason: n for reason, n in notes.items() if n}
    everything = read(files, keep_overlap=True)
    assert [texts(everything, s) for s in SPLITS] == list(parts.values())
    assert everything.notes == {reason.replace("dropped", "kept"): n for reason, n in dataset.notes.items()}


def grouped(groups: int, each: int = 2) -> dict[str, str | bytes]:
    train = "".join(record(f"x{i} = {j}", group=f"g{i}") for j in range(each) for i in range(groups))
    return {"train.jsonl": train, "test.jsonl": record("t = 1")}


@pytest.mark.parametrize(("groups", "share"), [(40, 0.1), (40, 0.33), (7, 0.5), (3, 0.01), (2, 0.5), (20, 0.9)])
def test_validation_is_carved_in_whole_groups(groups: int, share: float) -> None:
    dataset = read(grouped(groups), validation_from_train=share)
    names = {s: {e.group for e in dataset.split(s)} for s in SPLITS}
    assert not names["train"] & names["validation"]
    assert len(names["validation"]) == max(1, round(share * groups))
    assert len(names["train"] | names["validation"]) == groups
    assert [len(dataset.split(s)) for s in ("train", "validation")] == [2 * len(names[s]) for s in SPLITS[:2]]
    assert texts(dataset, "test") == ["t = 1"]


def test_carving_lines_keeps_equal_lines_together() -> None:
    train = [f"x{i % 10} = 1" for i in range(40)]
    files = without(LINES, "valid.in", "valid.label")
    files |= {"train.in": "\n".join(train), "train.label": "\n".join(["ID OP NUM"] * 40)}
    dataset = read(files, validation_from_train=0.3, keep_overlap=True)
    assert Counter(Counter(texts(dataset, "validation")).values()) == {4: 3}
    assert not set(texts(dataset, "train")) & set(texts(dataset, "validation"))


@pytest.mark.parametrize(("groups", "share"), [(3, 0.9), (10, 0.99), (2, 0.1)])
def test_carving_never_empties_the_train_split(groups: int, share: float) -> None:
    dataset = read(grouped(groups), validation_from_train=share)
    assert dataset.split("train")
    assert dataset.split("validation")


def test_one_group_cannot_be_carved() -> None:
    with pytest.raises(DataError, match=r"train split.*at least two.*validation split of its own"):
        read(grouped(1), validation_from_train=0.1)


def many_sources(count: int) -> dict[str, str | bytes]:
    return {f"pkg/m{i:02}.py": f"value_{i} = {i}\n" for i in range(count)}


@pytest.mark.parametrize("kind", ["carved", "dealt"])
def test_the_seed_decides_the_splits(kind: str) -> None:
    files = grouped(40) if kind == "carved" else many_sources(40)
    options: dict[str, Any] = {"validation_from_train": 0.2} if kind == "carved" else {"labels": "lexical"}
    first, again, other = (read(files, seed=s, **options).examples for s in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("count", range(3, 41))
def test_files_are_dealt_whole_in_the_documented_shares(count: int) -> None:
    names = [f"m{i}.py" for i in range(count)]
    splits = deal_files(names, seed=count)
    assert splits == deal_files(reversed(names), seed=count)
    assert sorted(splits) == sorted(names)
    counts = Counter(splits.values())
    for split, share in zip(SPLITS, (0.6, 0.15, 0.25), strict=True):
        assert counts[split] >= 1
        assert abs(counts[split] - share * count) <= 1.01


def test_source_files_are_examples_and_groups() -> None:
    files = many_sources(6) | {"deep/er/x.py.gz": gzip.compress("é = 'x'\n".encode()), "note.txt": "no"}
    files |= {"pkg/__init__.py": ""}
    dataset = read(files, labels="lexical")
    sources = sorted(without(files, "note.txt", "pkg/__init__.py"))
    by_name = {e.id: e for e in dataset.examples}
    assert sorted(by_name) == sources
    assert all(e.group == e.id for e in dataset.examples)
    assert by_name["deep/er/x.py.gz"].text == "é = 'x'\n"
    dealt = "source files dealt to the splits by seed 0: train 5, validation 1, test 2"
    assert dataset.notes == {dealt: 8, "empty files": 1}
    assert dataset.hashes != read(files | {"pkg/m00.py": "value_0 = 1\n"}, labels="lexical").hashes


def test_folders_named_like_splits_give_the_splits() -> None:
    dataset = read({**SOURCES, "train/sub/d.py": "d = 4\n"}, labels="identifier-role")
    splits = {e.id: e.split for e in dataset.examples}
    expected = {"train/a.py": "train", "train/sub/d.py": "train", "valid/b.py": "validation", "test/c.py": "test"}
    assert splits == expected


def test_equal_source_files_are_not_in_two_splits() -> None:
    dataset = read({**SOURCES, "test/copy.py": "a = 1\n", "valid/copy.py": "a = 1\n"}, labels="lexical")
    assert sorted(e.id for e in dataset.examples) == sorted(SOURCES)
    assert sum(dataset.notes.values()) == 2


@pytest.mark.parametrize("blank", ["\n", "  \n\n"])
def test_a_blank_source_file_is_left_out_and_counted(blank: str) -> None:
    dataset = read({**SOURCES, "train/__init__.py": blank}, labels="lexical")
    assert sorted(e.id for e in dataset.examples) == sorted(SOURCES)
    assert sum(dataset.notes.values()) == 1


def test_source_files_outside_the_split_folders_are_counted() -> None:
    dataset = read({**SOURCES, "setup.py": "s = 1\n", "lib/x.py": "x = 1\n"}, labels="lexical")
    assert len(dataset.examples) + sum(dataset.notes.values()) == 5


def test_a_test_folder_never_reaches_the_train_split() -> None:
    files: dict[str, str | bytes] = {f"{s}/m{i}.py": f"{s}{i} = 1\n" for s in ("train", "test") for i in range(6)}
    try:
        dataset = read(files, labels="lexical", validation_from_train=0.3)
    except DataError:
        return
    assert {e.id.split("/")[0] for e in dataset.split("test")} == {"test"}
    assert {e.id.split("/")[0] for s in SPLITS[:2] for e in dataset.split(s)} == {"train"}
    assert dataset.split("validation")


def test_a_named_group_is_not_in_two_splits() -> None:
    codes = {"train.jsonl": "a = 1", "valid.jsonl": "b = 1", "test.jsonl": "c = 1"}
    files: dict[str, str | bytes] = {n: record(c, group="one commit") + record(c + "0") for n, c in codes.items()}
    try:
        dataset = read(files)
    except DataError:
        return
    assert len([e for e in dataset.examples if e.group == "one commit"]) == 1
    assert sum(dataset.notes.values()) == 2


@pytest.mark.parametrize("read", [read_stdlib, read_installed])
@pytest.mark.parametrize("scheme", ["lexical", "identifier-role"])
def test_installed_code_gives_three_sound_splits(scheme: str, read: Callable[[str], Dataset]) -> None:
    dataset = read(scheme)
    seen: dict[str, str] = {}
    for e in dataset.examples:
        assert seen.setdefault(e.text, e.split) == e.split
    assert all(len(dataset.split(s)) >= 5 for s in SPLITS)
    assert len({e.group for e in dataset.examples}) == len(dataset.examples)
    assert all(count["test"] for count in dataset.label_counts.values())


def test_the_demo_has_files_enough_and_counts_those_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    every = read_installed("lexical")
    assert all(len(every.split(s)) >= 40 for s in SPLITS)
    monkeypatch.setattr(installed, "find_spec", lambda name: None if name == "torch" else find_spec(name))
    fewer = read_installed("lexical")
    count = sum(name.startswith("torch/") for names in installed.FILES.values() for name in names.split())
    gone = "modules that are not installed here"
    assert fewer.notes[gone] - every.notes.get(gone, 0) == count > 20
    assert not [e for e in fewer.examples if e.group.startswith("torch/")]


def test_an_interpreter_without_sources_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(DataError, match="source files of each split, got 0 of 41; use a Python"):
        read_stdlib("lexical")


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not here")


def sizes(dataset: Dataset, splits: Sequence[Split]) -> dict[str, tuple[int, int, int]]:
    found: dict[str, tuple[int, int, int]] = {}
    for s in splits:
        labels = [span.label for e in dataset.split(s) for span in e.spans]
        found[s] = (len(dataset.split(s)), len(labels), len(set(labels)))
    return found


@needs_shared
def test_java_tags_are_read_as_described() -> None:
    dataset = read_tagging(SHARED / "token-tagging-java")
    assert sizes(dataset, SPLITS) == {
        "train": (54_804, 581_365, 54),
        "validation": (27_402, 286_235, 53),
        "test": (27_402, 277_357, 51),
    }
    assert dataset.notes == {}
    tabs = [e for e in dataset.split("validation") if "\t" in e.text]
    assert {int(e.id.split(":")[1]) for e in tabs} == set(range(13_172, 13_177))
    assert all(e.text[s.start : s.end] == "(" for e in dataset.split("train") for s in e.spans if s.label == "LPAR")


@needs_shared
@pytest.mark.slow
def test_python_tags_lose_the_lines_that_stand_in_two_splits() -> None:
    folder = SHARED / "token-tagging-python"
    whole = read_tagging(folder, validation_from_train=0.1, keep_overlap=True)
    assert whole.notes == {
        "test examples kept: also in train": 553,
        "test examples kept: also in validation": 55,
    }
    assert len(whole.split("train")) + len(whole.split("validation")) == 54_291
    assert sizes(whole, ["test"]) == {"test": (32_570, 302_448, 49)}
    dataset = read_tagging(folder, validation_from_train=0.1)
    assert dataset.notes == {
        "test examples dropped: also in train": 553,
        "test examples dropped: also in validation": 55,
    }
    assert len(dataset.split("test")) == 32_570 - 608
    found = [set(texts(dataset, s)) for s in SPLITS]
    assert not found[0] & found[1]
    assert not (found[0] | found[1]) & found[2]


@needs_shared
def test_python_tags_need_a_validation_split() -> None:
    with pytest.raises(DataError, match=r"validation split.*--validation-from-train 0\.1"):
        read_tagging(SHARED / "token-tagging-python")
