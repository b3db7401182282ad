"""A folder of source files may mix languages; what a scheme cannot label is counted."""

import gzip
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from neurosieve.data import label_spans, read_tagging
from neurosieve.errors import DataError
from neurosieve.syntax.languages import LANGUAGES, find_sources, language_of
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
    assert "3 python source files" in dataset.source


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


OWN: dict[str, str | bytes] = {f"m{i}.py": f"value_{i} = {i}\n" for i in range(4)}
FOREIGN: dict[str, str | bytes] = {
    "._m0.py": b"\x00\x05\x16\x07\xff",  # what macOS keeps of a file on a disk of another kind
    ".git/hooks/h.py": "h = 1\n",
    "pkg/.cache/c.py": "c = 1\n",
    "web/node_modules/left/pad.js": "pad\n",
    "env/pyvenv.cfg": "home = /usr\n",
    "env/bin/activate_this.py": "a = 1\n",
    "lib/python3/site-packages/six.py": "six = 6\n",
    "pkg/__pycache__/m.py": "m = 1\n",
}


@pytest.mark.parametrize("inside", ["", "site-packages/", ".hidden/"])
def test_what_is_not_of_the_project_is_counted_and_not_read(inside: str, tmp_path: Path) -> None:
    """A folder that is pointed at itself is read, whatever it is called."""
    put(tmp_path, {inside + name: content for name, content in (OWN | FOREIGN).items()})
    dataset = read_tagging(tmp_path / inside, labels="lexical")
    assert {e.id for e in dataset.examples} == set(OWN)
    note = "source files left out: hidden, or of packages or virtual environments"
    assert {n: k for n, k in dataset.notes.items() if "dealt to the splits" not in n} == {note: len(FOREIGN) - 1}
    assert len(find_sources(tmp_path / inside, ["javascript"]).files) == 0


def test_the_environment_that_is_pointed_at_is_read(tmp_path: Path) -> None:
    put(tmp_path, {**OWN, "pyvenv.cfg": "home = /usr\n"})
    assert len(read_tagging(tmp_path, labels="lexical").examples) == len(OWN)


def test_files_that_are_no_text_are_named_and_the_others_read(tmp_path: Path) -> None:
    more: dict[str, str | bytes] = {f"n{i}.py": f"n{i} = 1\n" for i in range(16)}
    broken: dict[str, str | bytes] = {
        "alt.py": "# é\n".encode("latin-1"),
        "big.py": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
        "cut.py.gz": gzip.compress(b"x = 1\n")[:-3],
    }
    dataset = read_tagging(put(tmp_path, {**OWN, **more, **broken}), labels="lexical")
    assert {e.id for e in dataset.examples} == {*OWN, *more}
    assert dataset.notes[f"source files left out: not readable as UTF-8 text: {', '.join(broken)}"] == 3


def test_names_that_are_no_text_are_written_with_escapes(tmp_path: Path) -> None:
    folder = put(tmp_path / os.fsdecode(b"caf\xe9"), {**OWN, os.fsdecode(b"\xff.py"): "x = 1\n"})
    dataset = read_tagging(folder, labels="lexical")
    assert {e.id for e in dataset.examples} == {*OWN, r"\xff.py"}
    assert r"caf\xe9: 5 python source files" in dataset.source
