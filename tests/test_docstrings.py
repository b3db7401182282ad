"""The example of each public name runs, on a tiny finished run in the folder that examples name."""

import doctest
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import neurosieve
from neurosieve.concepts.properties import PROPERTIES
from neurosieve.models.adapters import REGISTERED
from neurosieve.notebook import verbs
from neurosieve.rankings import RANKERS
from neurosieve.studies.config import StudyConfig, make_config
from tests.docs.workspace import write_functions
from tests.studies import data_folder, finished_concepts, quick
from tests.studies.export import exported, measured_little
from tests.tiny import tiny_model

EDIT: dict[str, Any] = {"sets": 20, "tokens": 1000}  # of the example
NAMES: list[str] = vars(neurosieve)["__all__"]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def small(*, options: dict[str, Any]) -> StudyConfig:
    """The study of the finished run in place of the example's, whose options are checked all the same."""
    asked = make_config(options=options)
    if asked.data == "token-tagging-java":
        return quick()
    return make_config(options={**options, "model": str(tiny_model("bert")), "device": "cpu"})


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which examples are: `runs/java` has a study, concepts and an edit; `runs/again` is a copy."""
    home = tmp_path_factory.mktemp("examples")
    run = shutil.copytree(finished_concepts(), home / "runs" / "java")
    neurosieve.intervene(run, "lexical=number", **EDIT)
    shutil.copytree(run, home / "runs" / "again")
    shutil.copytree(data_folder(), home / "token-tagging-java")
    write_functions(home / "functions")
    shutil.copytree(exported("table").folder, home / "small")
    return home


@pytest.fixture
def here(examples: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(examples)
    monkeypatch.setattr(verbs, "make_config", small)
    measured_little(monkeypatch)
    tables: tuple[dict[str, Any], ...] = (PROPERTIES, REGISTERED, RANKERS.registered)
    before = [dict(table) for table in tables]
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


def example_of(name: str) -> tuple[Any, str]:
    """A public name's object and its docstring; a verb that is a package, too, has it where it is defined."""
    value = getattr(verbs, name, None) or getattr(neurosieve, name)
    return value, value.__doc__ or ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("here")
def test_example_runs(name: str) -> None:
    _, text = example_of(name)
    test = doctest.DocTestParser().get_doctest(text, {"ns": neurosieve}, name, None, None)
    assert test.examples, f"{name} has no example"
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=said.append)
    assert not outcome.failed, "".join(said)
