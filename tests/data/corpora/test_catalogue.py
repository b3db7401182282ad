"""Corpora from source code: every corpus in every language is balanced, sound in its splits, and the same again."""

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from neurosieve.data import Dataset, sample_rows
from neurosieve.data.corpora import catalogue as corpora
from neurosieve.data.corpora.catalogue import read_corpus
from neurosieve.data.corpora.known_corpora import CORPORA
from neurosieve.errors import ConfigError, DataError
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.inputs import read_dataset
from neurosieve.syntax.functions import find_functions
from neurosieve.syntax.languages import parse
from neurosieve.typing import SPLITS
from tests.data.sources import TEMPLATES, function, named, write_functions
from tests.tiny import assert_one_line

DEFECTS = [name for name, corpus in CORPORA.items() if corpus.task == "defect-detection"]
PAIRS = [name for name in CORPORA if name not in DEFECTS]
METHODS = ("java", "javascript")  # the generated functions of these stand in a class


def texts(data: Dataset) -> list[tuple[str, str, str]]:
    """Of pairs, with their label."""
    return [(data.examples[p.left].text, data.examples[p.right].text, p.label) for p in data.pairs]


def parses(text: str, language: str) -> bool:
    source = f"class A {{\n{text}\n}}" if language in METHODS else text
    return not parse(source, language)[0].root_node.has_error


@pytest.mark.parametrize("language", TEMPLATES)
@pytest.mark.parametrize("name", CORPORA)
def test_corpus_is_sound(name: str, language: str, tmp_path: Path) -> None:
    data = read_corpus(name, write_functions(tmp_path, language), seed=3)
    assert data.whole
    assert len(data.label_counts) == 2
    assert len({tuple(counts.items()) for counts in data.label_counts.values()}) == 1, "balanced"
    assert all(min(counts.values()) >= 2 for counts in data.label_counts.values())
    assert f"{language} functions, {name}" in data.source
    assert len({e.id for e in data.examples}) == len(data.examples)
    for key in ("group", "text"):
        splits = [{getattr(e, key) for e in data.split(split)} for split in SPLITS]
        assert sum(map(len, splits)) == len(set().union(*splits)), f"one {key} in two splits"
    code = [e for e in data.examples if ":description" not in e.id]
    assert all(parses(e.text, language) for e in code)
    assert len(sample_rows(data, per_class=dict.fromkeys(SPLITS, 2)).rows) == 12
    again = read_corpus(name, tmp_path, seed=3)
    assert (again.examples, again.pairs, again.hashes) == (data.examples, data.pairs, data.hashes)
    assert read_corpus(name, tmp_path, seed=4).examples != data.examples


@pytest.mark.parametrize("language", TEMPLATES)
@pytest.mark.parametrize("name", DEFECTS)
def test_a_function_is_right_or_wrong_not_both(name: str, language: str, tmp_path: Path) -> None:
    data = read_corpus(name, write_functions(tmp_path, language))
    originals = {
        f"{path.name}:{found.line}": found.text
        for path in tmp_path.iterdir()
        for found in find_functions(path.read_text(), language)
    }
    for example in data.examples:
        (span,) = example.spans
        assert (span.start, span.end) == (0, len(example.text))
        assert (example.text == originals[example.id]) == (span.label == "right")
        assert (example.text in originals.values()) == (span.label == "right")
    assert len(data.examples) >= 0.8 * len(originals)


@pytest.mark.parametrize("language", TEMPLATES)
def test_description_has_its_own_function_or_another(language: str, tmp_path: Path) -> None:
    for query, code, label in texts(read_corpus("docstring-match", write_functions(tmp_path, language))):
        rule = query.removesuffix(".").rpartition(" ")[2]
        assert "by rule" in query
        assert not {"@param", "More", "*", "/"} & set(query.split())
        assert query not in code
        assert (f" + {rule}\n" in f"{code}\n".replace(";", "")) == (label == "1")


@pytest.mark.parametrize("language", TEMPLATES)
def test_clone_shares_no_chosen_name(language: str, tmp_path: Path) -> None:
    for left, right, label in texts(read_corpus("renamed-clone", write_functions(tmp_path, language))):
        assert ("first" in left) != ("first" in right.replace("this.", ""))
        assert left.split("(")[0] != right.split("(")[0]
        assert "a step" not in right
        constants = [text.rpartition("+ ")[2].split("\n")[0] for text in (left, right)]
        assert (constants[0] == constants[1]) == (label == "1")
        assert 0.7 < len(left.replace("Compare two numbers", "")) / len(right) < 2


@pytest.mark.parametrize("name", PAIRS)
def test_each_text_is_in_one_pair(name: str, tmp_path: Path) -> None:
    data = read_corpus(name, write_functions(tmp_path, "python"))
    assert sorted(i for p in data.pairs for i in (p.left, p.right)) == list(range(len(data.examples)))
    assert all(p.group == data.examples[p.left].group for p in data.pairs)
    assert all(data.examples[p.right].split == p.split for p in data.pairs)


def varied(i: int) -> str:
    """Functions of many lengths."""
    signs = "".join(f" {'+-'[i >> bit & 1]} first" for bit in range(10))
    steps = "".join(f"    total = total{signs}\n" for _ in range(i % 20))
    head = f'def scale{i}(first, second):\n    """Compare numbers by rule {i}."""\n'
    return named(f"{head}    total = first\n{steps}    return total\n", i)


@pytest.mark.parametrize("name", PAIRS)
def test_length_does_not_tell_the_label(name: str, tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"m{i}.py").write_text("\n".join(varied(20 * i + j) for j in range(20)))
    lines = {
        f"{path.name}:{found.line}": found.lines
        for path in tmp_path.iterdir()
        for found in find_functions(path.read_text(), "python")
    }
    data = read_corpus(name, tmp_path)
    names = [[":".join(data.examples[i].id.split(":")[:2]) for i in (p.left, p.right)] for p in data.pairs]
    assert all((left == right) == (pair.label == "1") for (left, right), pair in zip(names, data.pairs, strict=True))
    gaps = [abs(lines[left] - lines[right]) for left, right in names if left != right]
    assert max(lines.values()) - min(lines.values()) > 15
    assert sum(gaps) / len(gaps) < 1


def test_same_in_a_fresh_process(tmp_path: Path) -> None:
    write_functions(tmp_path, "python")
    code = (
        "import hashlib, sys\n"
        "from neurosieve.data.corpora.catalogue import CORPORA, read_corpus\n"
        "made = [read_corpus(name, sys.argv[1], seed=5) for name in CORPORA]\n"
        "print(hashlib.sha256(repr([(d.examples, d.pairs, d.notes) for d in made]).encode()).hexdigest())\n"
    )
    command, environment = [sys.executable, "-c", code, str(tmp_path)], os.environ | {"PYTHONHASHSEED": "1"}
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    made = [read_corpus(name, tmp_path, seed=5) for name in CORPORA]
    assert found.strip() == sha256(repr([(d.examples, d.pairs, d.notes) for d in made]).encode()).hexdigest()


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    write_functions(tmp_path, "python")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    (tmp_path / "other.c").write_text(function("c", 1))
    (tmp_path / "m9.py").write_text(
        f"def tiny(): pass\n\n{varied(99)}\n{function('python', 1)}\ndef none(a):\n    b = a\n    return b\n"
    )
    notes = read_corpus("wrong-operator", tmp_path).notes
    assert notes == {
        "source files left out: not in python": 1,
        "source files left out: not readable as UTF-8 text": 1,
        "functions left out: not of 3 to 60 lines": 1,
        "functions left out: same text as another one": 1,
        "functions left out: no place for the change": 1,
    }


def test_a_huge_folder_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "MOST", dict.fromkeys(SPLITS, 6))
    data = read_corpus("swapped-operand", write_functions(tmp_path, "python", files=20))
    assert len(data.examples) == 18
    assert data.notes["source files not read: there were enough functions"] == 17


def no_sources(folder: Path) -> None:
    (folder / "notes.txt").write_text("text")
    (folder / "m.rb").write_text("def f; end")


def two_files(folder: Path) -> None:
    write_functions(folder, "python", files=2)


def few_functions(folder: Path) -> None:
    for i in range(3):
        (folder / f"m{i}.py").write_text(function("python", i))


def nothing(folder: Path) -> None:
    folder.rmdir()


BAD: dict[Callable[[Path], None], tuple[str, ...]] = {
    nothing: ("data folder", "nothing there"),
    no_sources: ("expected source files", ".py", ".rs", "got none"),
    two_files: ("source files", "at least 3", "got 2"),
    few_functions: ("from ", "at least 2 rows of each class in the", "more functions"),
}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", CORPORA)
def test_unfit_folder_is_named_in_one_line(name: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(DataError) as caught:
        read_corpus(name, tmp_path)
    assert_one_line(caught.value, *BAD[make])


def config(**options: object) -> StudyConfig:
    return make_config(options={"model": "m"} | options)


def test_corpus_sets_task_and_data(tmp_path: Path) -> None:
    made = config(corpus="renamed-clone")
    assert (made.task, made.data, made.whole) == ("clone-detection", "stdlib", True)
    assert make_config(options=made.model_dump(mode="json")) == made
    folder = write_functions(tmp_path, "go")
    data = read_dataset(config(corpus="variable-misuse", data=str(folder), seed=2))
    assert data.examples == read_corpus("variable-misuse", folder, seed=2).examples


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"corpus": "variable-missuse"}, ("did you mean variable-misuse?",)),
        ({"corpus": "zzz"}, ("corpus name 'zzz'", "docstring-match, renamed-clone")),
        ({"corpus": "renamed-clone", "task": "code-search"}, ("clone-detection with --corpus renamed-clone",)),
        ({"corpus": "renamed-clone", "task": "token-tagging"}, ("clone-detection", "leave --task out")),
        ({"corpus": "docstring-match", "text_column": "doc"}, ("option text_column", "none with --corpus")),
        ({"corpus": "docstring-match", "labels": "lexical"}, ("option labels", "none with --corpus")),
        ({"corpus": "docstring-match", "validation_from_train": 0.1}, ("option validation_from_train",)),
        ({"model": "", "corpus": "docstring-match", "activations": "x"}, ("option activations", "--corpus")),
    ],
)
def test_options_that_do_not_go_with_a_corpus(options: dict[str, object], parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**options)
    assert_one_line(caught.value, *parts)


def test_unknown_corpus_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        read_corpus("renamed-clones")
    assert_one_line(caught.value, "did you mean renamed-clone?")


def test_standard_library_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "MOST", {"train": 300, "validation": 100, "test": 100})
    data = read_dataset(config(corpus="wrong-operator"))
    assert data.source.startswith("Python standard library: ")
    assert data.source.endswith(" functions, wrong-operator")
    assert not any("test/" in e.group for e in data.examples)
    for example in data.examples:
        compile(example.text, example.id, "exec", dont_inherit=True)
