"""Concepts of a study with untrained copies or without, with unions, and in folders of an earlier version."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from neurosieve.results import to_json
from neurosieve.results.neuron_groups import NeuronGroups
from neurosieve.studies.concepts.run import continue_concepts, run_concepts
from tests.studies import quick, unmarked
from tests.studies.concepts.test_concept_study import ASKED, folder, found, tagged


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"untrained": False}, "left out by concepts.untrained: false"), ({}, "left out by untrained_seeds: 0")],
)
def test_without_untrained_copies(options: dict[str, Any], reason: str, tmp_path: Path) -> None:
    """Each view says why; with them each value has the rival."""
    config = quick(concepts=ASKED | {"views": ["detect"]} | options, untrained_seeds=0 if not options else 1)
    view = run_concepts(config, tmp_path).views["detect"]
    assert view.untrained_reason == reason
    assert all("untrained" not in c.rivals for c in view.concepts)
    for other in found().views.values():
        assert other.untrained_reason == ""
        assert all(0 <= (c.rivals["untrained"] or 0) <= 1 for c in other.concepts)


def test_a_folder_of_an_earlier_version_still_opens(tmp_path: Path) -> None:
    """It knows no untrained copies, no lower bounds and other rivals; what it found is shown as it was."""
    run = shutil.copytree(folder(), tmp_path / "run")
    options = unmarked(json.loads((run / "concepts" / "options.json").read_text()))
    del options["untrained"]
    (run / "concepts" / "options.json").write_text(json.dumps(options))
    record = unmarked(json.loads((run / "concepts.json").read_text()))
    for view in record["views"].values():
        del view["untrained_reason"]
        for c in view["concepts"]:
            c["rivals"] = {k: c["rivals"][k] for k in ("length", "frequency", "lookup")} | {"position": 0.1}
            for n in c["neurons"]:
                for key in ("auroc_interval", "difference", "difference_interval", "above_half", "note"):
                    del n[key]
    (run / "concepts.json").write_text(json.dumps(record))
    again = continue_concepts(run, {})
    assert json.dumps(to_json(again)) == json.dumps(record)
    assert set(again.to_frame()["rival_name"]) <= {"length", "frequency", "lookup", "position"}
    (run / "report.html").unlink()
    continue_concepts(run, {})
    assert "earlier version" in (run / "report.html").read_text(encoding="utf-8")


def test_unions_of_the_labels_too(tmp_path: Path) -> None:
    """An option makes one; the smallest sets leave it out, since it shares its neurons with its parts."""
    union = "few:label=NUM|lexical=operator"
    asked = {"properties": ["lexical", "label", union], "views": ["detect"]}
    result = run_concepts(tagged(**asked), tmp_path)
    assert {c.property_name for c in result.views["detect"].concepts} == {"lexical", "label", "few"}
    assert isinstance(result.groups, NeuronGroups)
    assert "few" not in {s.property for s in result.groups.sets} | set(result.groups.left_out)
    assert continue_concepts(tmp_path, {}) == result
