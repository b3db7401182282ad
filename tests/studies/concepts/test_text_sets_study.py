"""A study of whole texts looks for sets of their properties; one of tokens does where they are asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neurosieve.activations.store import ActivationStore
from neurosieve.errors import ConfigError, DataError
from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.run_pages import sets_page
from neurosieve.report.saved_files import Found, tables_of
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.measured import NotMeasured
from neurosieve.results.text_sets import TextSets
from neurosieve.studies import inputs as inputs_module
from neurosieve.studies.concepts.run import continue_concepts, load_concepts, run_concepts
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.interventions.of_texts_refused import refuse_of_texts
from neurosieve.studies.interventions.run import intervene
from neurosieve.studies.option_models import InterventionOptions
from tests.concepts.texts.made_up import rows as made_up_rows
from tests.shared import HOME, once
from tests.studies import CONCEPTS, LOOSE, SMALL, quick
from tests.tiny import assert_one_line, tiny_model

ASKED: dict[str, Any] = CONCEPTS | {
    "views": ["detect"],
    "groups": [],
    "texts": [200, 60, 100],
    "tokens": [300, 100, 200],
}
ASKED |= {"sizes": [1, 2, 4]}


def config(**concepts: Any) -> StudyConfig:
    """Functions in files of lines."""
    folder = HOME / "functions"
    folder.mkdir(exist_ok=True)
    for split in ("train", "validation", "test"):
        own = [e for e in made_up_rows().dataset.examples if e.split == split]
        lines = (json.dumps({"func": e.text + f"    # {e.id}\n", "target": i % 2}) for i, e in enumerate(own))
        (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    values = {"model": str(tiny_model("gpt2")), "data": str(folder), "task": "defect-detection", "device": "cpu"}
    return make_config(options=values | LOOSE | SMALL | {"concepts": ASKED | concepts})


@once
def folder() -> Path:
    """A folder in which concepts were looked for; not to be changed."""
    run_concepts(config(), HOME / "text-sets")
    return HOME / "text-sets"


def found() -> tuple[ConceptResult, TextSets]:
    result = load_concepts(folder())
    assert result is not None
    assert isinstance(result.text_sets, TextSets)
    return result, result.text_sets


def test_all_properties_of_whole_texts_are_looked_for() -> None:
    """With random copies as rivals, read as the study reads an example."""
    _, sets = found()
    assert sets.values.rows == {"train": 200, "test": 100}
    assert {"complexity", "length", "loops"} <= {n.name for n in sets.numbers}
    assert any(c.property_name == "loops" for c in sets.values.concepts)
    assert all(s.untrained is not None for n in sets.numbers for s in n.curve)
    assert sets.values.untrained_reason == ""
    assert {"pointers", "pointers (number)"} <= set(sets.values.left_out) | {f"{k} (number)" for k in sets.left_out}
    manifest = ActivationStore(folder() / "concepts" / "texts").manifest
    assert manifest.rows == {"train": 200, "validation": 60, "test": 100}
    assert not [p for p in (folder() / "concepts").iterdir() if p.name.startswith("untrained")]


def test_they_are_shown_where_sets_of_tokens_are() -> None:
    result, sets = found()
    named = tables_of(Found(None, result))
    assert len(named["text-number-curves"].rows) == len(sets.numbers)
    assert len(named["text-set-curves"].rows) == len(sets.values.concepts)
    assert "text-number-curves" in sets_page(OpenRun(folder(), "run")).tables
    page = (folder() / "report.html").read_text()
    assert '<section id="text-sets">' in page
    assert "R² by number of neurons, whole texts" in page
    assert sets.claimed.keys() == {
        r[0] for key in ("text-sets", "text-number-sets") if key in named for r in named[key].rows
    }


@pytest.mark.parametrize("name", ["complexity", "loops=0", "exceptions=throws", "recursion=yes"])
def test_no_edit_takes_a_property_of_whole_texts(name: str) -> None:
    """The first line is of the property, not of the view that is lacking here, which would not help either."""
    assert "predict" not in found()[0].views
    with pytest.raises(ConfigError) as caught:
        intervene(folder(), InterventionOptions(concept=name, edit="ablate"))
    claimed = found()[1].claimed.get(name)
    assert_one_line(caught.value, f"concept {name}: expected a value of tokens", "got a property of whole texts")
    assert ("claimed for" in str(caught.value)) == (claimed is not None)
    assert not (folder() / "interventions").exists()


def test_a_property_that_tokens_were_asked_for_is_edited() -> None:
    """A text's property is also one of its tokens where `--properties` names it."""
    refuse_of_texts("lexical=number", found()[0])
    view = found()[0].views["detect"]
    as_tokens = replace(view, concepts=(replace(view.concepts[0], property_name="loops", value="0"),))
    refuse_of_texts("loops=0", replace(found()[0], views={"detect": as_tokens}))


def test_finished_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("must not be called")

    monkeypatch.setattr(inputs_module, "load_model", forbidden)
    assert run_concepts(config(), folder()) == found()[0]


def test_a_study_of_tokens_is_asked_later(tmp_path: Path) -> None:
    """Nothing by default; lines are texts where a property is named, also in a folder that is finished."""
    run = tmp_path / "run"
    first = run_concepts(quick(concepts=ASKED | {"untrained": False}), run)
    assert first.text_sets is None
    later = continue_concepts(run, {"text_properties": ["length"], "min_rows": ASKED["min_rows"]})
    assert isinstance(later.text_sets, TextSets)
    assert [n.name for n in later.text_sets.numbers] == ["length"]
    assert later.views == first.views


def test_what_is_not_found_is_said(tmp_path: Path) -> None:
    """By default in the result; where a property is named, in one line before the model reads."""
    few = {"texts": [3, 2, 3], "min_rows": 30, "sizes": [1]}
    with pytest.raises(ConfigError) as tokens:
        run_concepts(config(text_properties=["lexical"]), tmp_path / "tokens")
    assert_one_line(tokens.value, "'lexical' of whole texts", "--properties")
    assert not (tmp_path / "tokens" / "concepts" / "texts").exists()
    with pytest.raises(DataError) as none:
        run_concepts(config(text_properties=["recursion"], **few), tmp_path / "none")
    assert_one_line(none.value, "properties of whole texts", "read more texts")
    left = run_concepts(config(text_properties=[]), tmp_path / "left")
    assert left.text_sets is None
    assert not isinstance(left.text_sets, NotMeasured)
