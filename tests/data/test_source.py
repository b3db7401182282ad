"""A folder of source files may mix languages; what a scheme cannot label is counted."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from neurosieve.data import label_spans, read_tagging
from neurosieve.data.languages import LANGUAGES, language_of
from neurosieve.errors import DataError
from tests.data import put, without
from tests.data.code import SAMPLES

ENDING = {language: known.endings[0] for language, known in LANGUAGES.items()}
MIXED: Mapping[str, str | bytes] = {f"src/{name}{ENDING[name]}": code for name, code in SAMPLES.items()}


def test_a_folder_may_mix_languages(tmp_path: Path) -> None:
    more: dict[str, str | bytes] = {
        "b.java.gz": gzip.compress(SAMPLES["java"].encode() + b"//"),
        "c.h": "int x;",
        "no.txt": "no",
        "d.go": " ",
    }
    dataset = read_tagging(put(tmp_path, {**MIXED, **more}), labels="lexical")
    assert {e.id for e in dataset.examples} == {*MIXED, "b.java.gz", "c.h"}
    for e in dataset.examples:
        assert e.spans == label_spans(e.text, "lexical", language_of(e.id) or "")
    described = "9 source files (2 c, 2 java, 1 cpp, 1 go, 1 javascript, 1 python, 1 rust), lexical labels"
    assert dataset.source == f"{tmp_path}: {described}"
    dealt = "source files dealt to the splits by seed 0: train 6, validation 2, test 2"
    assert dataset.notes == {dealt: 10, "empty files": 1}


def test_roles_leave_other_languages_out_and_count_them(tmp_path: Path) -> None:
    own = {f"m{i}.py": f"def f_{i}(x): return x\n" for i in range(3)}
    dataset = read_tagging(put(tmp_path, {**without(MIXED, "src/python.py"), **own}), labels="identifier-role")
    assert {e.id for e in dataset.examples} == set(own)
    dealt = "source files dealt to the splits by seed 0: train 1, validation 1, test 1"
    assert dataset.notes == {dealt: 3, "source files in languages without identifier-role labels": 6}
    assert "3 source files (3 python)" in dataset.source


def test_roles_without_a_python_file_are_refused(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.java": "class A {}",
        "b.java": "class B {}",
        "c.rs.gz": gzip.compress(b"fn f() {}"),
    }
    with pytest.raises(DataError) as caught:
        read_tagging(put(tmp_path, files), labels="identifier-role")
    assert str(caught.value) == (
        f"{tmp_path}: expected source files for identifier-role labels (.py; plain or .gz), got 2 java, 1 rust; "
        "use the scheme lexical"
    )


def test_splits_by_folder_hold_any_language(tmp_path: Path) -> None:
    files = {"train/a.rs": "fn a() {}", "train/b.py": "b", "valid/c.go": "package c", "test/d.c": "int d;", "e.js": "e"}
    dataset = read_tagging(put(tmp_path, files), labels="lexical")
    assert {e.id: e.split for e in dataset.examples} == {
        "train/a.rs": "train",
        "train/b.py": "train",
        "valid/c.go": "validation",
        "test/d.c": "test",
    }
    assert dataset.notes == {"source files outside the split folders": 1}
