"""Results of edits and their files: hand-made ones of every kind, files of earlier versions, and damaged ones."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import RunFolderError
from neurosieve.report.interventions import edit_table, effect_chart, intervention_cards, matching_note
from neurosieve.results import InterventionResult, NotMeasured, from_json, to_json
from neurosieve.results.interventions import EditKind
from neurosieve.studies.finished import load_interventions
from tests.report.edit_results import EDITS, intervention, measured
from tests.tiny import assert_one_line

NAME = "lexical=number-ablate.json"


def written(result: InterventionResult) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(to_json(result)))
    return record


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.parametrize("edit", ["ablate", "clamp", "steer", "erase"])
def test_file_holds_the_result(edit: EditKind, kind: str) -> None:
    result = EDITS[kind](edit)
    record = written(result)
    assert from_json(InterventionResult, record, NAME) == result
    assert ("windows" in record) == (not isinstance(result.predictions, NotMeasured))
    assert ("matching" in record) == (kind != "old")


def test_figures_of_a_side_stand_beside_each_other() -> None:
    here = written(intervention("ablate", claimed=True))["effects"][0]["here"]
    keys = "n base base_interval edited drop drop_interval random random_95 effect interval"
    assert list(here) == keys.split()
    assert (here["n"], here["base"], here["base_interval"]) == (60, 0.8, [0.7, 0.9])


def earlier(record: dict[str, Any]) -> dict[str, Any]:
    """As the first version wrote it, with no random edits told and no word of what an outcome lacks."""
    old = copy.deepcopy(record)
    for key in ("matching", "examples"):
        del old[key]
    for effect in old["effects"]:
        del effect["lacking"]
        for side in ("here", "elsewhere"):
            del effect[side]["drop_interval"]
    del old["turned"]["lacking"]
    return old


def test_file_of_an_earlier_version_is_shown() -> None:
    result = intervention("ablate", claimed=False)
    old = from_json(InterventionResult, earlier(written(result)), NAME)
    assert old.matching is None
    assert measured(old).examples == ()
    assert measured(old).effects[0].here.drop.interval is None
    assert edit_table([old]).rows[0][:-1] == edit_table([result]).rows[0][:-1]
    assert edit_table([old]).rows[0][-1] == "not claimed"
    assert intervention_cards([old])[0]["examples"] == []
    assert matching_note(old) == "100 random edits; how similar they are is not known"
    assert effect_chart([old]).title == effect_chart([result]).title


def lacking(*path: str | int) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        *way, last = path
        for step in way:
            record = record[step]
        del record[last]

    return change


BAD: dict[str, tuple[Callable[[Any], None], str]] = {
    "no format": (lacking("format"), "format: expected a value, got no such key"),
    "later format": (lambda r: r.update(format=2), "format: expected 1, got 2"),
    "deep key": (lacking("effects", 0, "here", "n"), "effects[0].here.n: expected a value, got no such key"),
    "deep text": (lambda r: r["loss"].update(base="x"), "loss.base: expected a number, got 'x'"),
    "no neuron": (lambda r: r["neurons"].append([1]), "neurons[2]: expected a list of 2, got one of 1"),
    "unknown edit": (lambda r: r.update(edit="cut"), "edit: expected ablate or clamp or steer or erase, got 'cut'"),
    "no reason": (lacking("head_reason"), "head_reason: expected a value, got no such key"),
    "half measured": (lacking("turned"), "turned: expected a value, got no such key"),
}


@pytest.mark.parametrize("case", BAD)
def test_damaged_file_is_named(case: str, tmp_path: Path) -> None:
    change, line = BAD[case]
    record = written(intervention("ablate", claimed=True))
    change(record)
    (tmp_path / "interventions").mkdir()
    (tmp_path / "interventions" / NAME).write_text(json.dumps(record))
    with pytest.raises(RunFolderError) as caught:
        load_interventions(tmp_path)
    assert_one_line(caught.value, f"interventions/{NAME}: {line}; delete the file")
