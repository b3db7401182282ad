"""The page of the layout: its drawing is made from the imports, and the functions that it names exist."""

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from docs.hooks.rooms import MARK, RANK, direct, drawing, imports, on_page_markdown

from neurosieve.studies.concepts import run as concept_run
from neurosieve.studies.interventions import run as edit_run
from neurosieve.studies.option_models import InterventionOptions
from neurosieve.studies.redundancy import run as redundancy_run
from tests.docs import DOCS, read
from tests.studies import CONCEPTS, quick
from tests.studies.interventions.edited import CONCEPT

WAYS = [
    re.findall(r"^\| [^|]+ \| `(neurosieve[\w.]+)` \|$", part, re.MULTILINE)
    for part in read(DOCS / "architecture.md").split("\n## ")[1:]
]


@pytest.mark.parametrize("name", [name for way in WAYS for name in way])
def test_a_step_is_a_function_of_that_module(name: str) -> None:
    module, _, function = name.rpartition(".")
    found = getattr(importlib.import_module(module), function)
    assert found.__module__ == module
    assert callable(found)


def test_each_way_takes_twelve_steps_or_fewer() -> None:
    assert [len(way) for way in WAYS] == [12, 10, 9]


@pytest.mark.slow
def test_each_way_passes_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study, its concepts and an edit call every function that the page names."""
    passed = watched({name for way in WAYS for name in way}, monkeypatch)
    acts: list[Callable[[], object]] = [
        lambda: redundancy_run.run_study(quick(), tmp_path / "run"),
        lambda: concept_run.continue_concepts(tmp_path / "run", CONCEPTS),
        lambda: edit_run.intervene(
            tmp_path / "run", InterventionOptions(concept=CONCEPT, edit="ablate", sets=20, tokens=3000, share=0.2)
        ),
    ]
    for way, act in zip(WAYS, acts, strict=True):
        passed.clear()
        act()
        assert [name for name in way if name not in passed] == []


def watched(names: set[str], patch: pytest.MonkeyPatch) -> set[str]:
    """The names of the functions and classes that were called, filled as they are."""
    passed: set[str] = set()
    for name in names:
        module, _, attribute = name.rpartition(".")
        value: Any = getattr(importlib.import_module(module), attribute)
        if inspect.isclass(value):
            patch.setattr(value, "__init__", noting(value.__init__, name, passed))
            continue
        for other in [m for n, m in sys.modules.items() if n.startswith("neurosieve.")]:
            for key in [key for key, known in vars(other).items() if known is value]:
                patch.setattr(other, key, noting(value, name, passed))
    return passed


def noting(function: Any, name: str, passed: set[str]) -> Any:
    @wraps(function)
    def noted(*args: Any, **kwargs: Any) -> Any:
        passed.add(name)
        return function(*args, **kwargs)

    return noted


def test_drawing_has_every_room_and_only_real_imports() -> None:
    page = on_page_markdown(read(DOCS / "architecture.md"))
    assert MARK not in page
    assert drawing() in page
    shown = [text.text for text in ElementTree.fromstring(drawing()).iter("text")]
    assert sorted(map(str, shown)) == sorted(set(RANK) - {"", "__main__"})
    assert "probes" in imports()["rankings"]
    assert "data" in imports()["rankings"] | imports()["probes"]


def test_a_line_that_follows_from_others_is_left_out() -> None:
    assert direct({"a": set(), "b": {"a"}, "c": {"a", "b"}}) == {"a": set(), "b": {"a"}, "c": {"b"}}
