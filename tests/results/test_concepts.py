"""Results of concepts and their files: of a run, hand-made ones, files of earlier versions, and damaged ones."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import ConfigError, RunFolderError
from neurosieve.results import ConceptResult, NotMeasured, Reason, Score, from_json, to_json
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_result
from neurosieve.studies.concepts.run import load_concepts
from tests.report.concept_results import KINDS, concepts_of, present
from tests.studies import finished_concepts
from tests.tiny import assert_one_line

NAME = "concepts.json"


def written(result: ConceptResult) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(to_json(result)))
    return record


def of_a_run() -> dict[str, Any]:
    """The content of a run's file."""
    record = read_result(Folder(finished_concepts()), NAME)
    assert record is not None
    return record


def test_a_runs_file_comes_back_byte_for_byte() -> None:
    record = of_a_run()
    result = from_json(ConceptResult, record, NAME)
    assert json.dumps(to_json(result)) == json.dumps(record)
    assert present(result.groups).sets
    assert isinstance(result.examples, NotMeasured)
    assert result.examples.reason is Reason.OF_TOKENS
    loaded = load_concepts(finished_concepts())
    assert loaded == from_json(ConceptResult, record, NAME)


@pytest.mark.parametrize("kind", KINDS)
def test_file_holds_the_result(kind: str) -> None:
    result = concepts_of(kind)
    assert from_json(ConceptResult, written(result), NAME) == result


KEYS = """format model revision site task layers neurons texts tokens units views evidence groups latent examples
examples_reason notes options seed seconds peak_rss_mb versions data_hashes study_sha256 sha256"""


def test_the_file_is_as_it_was_before_there_were_types() -> None:
    """`concepts.json` next to this test has the content of what tests then held as plain records."""
    text = (Path(__file__).parent / NAME).read_text(encoding="utf-8")
    assert json.dumps(to_json(concepts_of("full")), indent=1, ensure_ascii=False) + "\n" == text
    assert from_json(ConceptResult, json.loads(text), NAME) == concepts_of("full")
    assert list(of_a_run()) == KEYS.split()
    assert present(concepts_of("full").groups).sets[0].oracle.test == Score(value=0.9, n=100, interval=(0.85, 0.94))


def without(*keys: str) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        for key in keys:
            del record[key]

    return change


def of_looser_rule(record: Any) -> None:
    """No bounds, no untrained copies."""
    for view in record["views"].values():
        del view["untrained_reason"]
        for concept in view["concepts"]:
            for neuron in concept["neurons"]:
                without("auroc_interval", "difference", "difference_interval", "above_half", "note")(neuron)


def undescribed(record: Any) -> None:
    for neurons in record["evidence"].values():
        for one in neurons:
            del one["description"]


OLD: dict[str, Callable[[Any], None]] = {
    "of a looser rule": of_looser_rule,
    "without sentences": undescribed,
    "without marks": without("study_sha256", "sha256"),
    "before any further part": without("groups", "evidence", "latent", "examples", "examples_reason"),
    "before units": without("units"),
    "without groups": lambda r: r.update(groups=None),
    "why there are no groups": lambda r: r.update(groups=None, groups_reason="no rows"),
}


@pytest.mark.parametrize("case", OLD)
def test_file_of_an_earlier_version_comes_back(case: str) -> None:
    record = of_a_run()
    record["evidence"]["detect"] = written(concepts_of("full"))["evidence"]["detect"]
    OLD[case](record)
    again = to_json(from_json(ConceptResult, record, NAME))
    if case == "why there are no groups":  # which is given next to them
        assert again == json.loads(json.dumps(record))
    else:
        assert json.dumps(again) == json.dumps(record)


def test_what_is_lacking_is_told_apart() -> None:
    """By an earlier version, by an option, or with a reason."""
    record = of_a_run()
    found = from_json(ConceptResult, record | {"groups": None}, NAME).groups
    assert found == NotMeasured(reason=Reason.OTHER, text="")
    assert from_json(ConceptResult, {k: v for k, v in record.items() if k != "groups"}, NAME).groups is None
    told = record | {"examples": None, "examples_reason": Reason.NO_RANKING.value}
    examples = from_json(ConceptResult, told, NAME).examples
    assert isinstance(examples, NotMeasured)
    assert examples.reason is Reason.NO_RANKING


def lacking(*path: str | int) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        *way, last = path
        for step in way:
            record = record[step]
        del record[last]

    return change


FIRST = ("views", "detect", "concepts", 0)
BAD: dict[str, tuple[Callable[[Any], None], str]] = {
    "no model": (lacking("model"), "model: expected a value, got no such key"),
    "deep key": (
        lacking(*FIRST, "neurons", 0, "ap"),
        "views.detect.concepts[0].neurons[0].ap: expected a value, got no such key",
    ),
    "half of the bounds": (
        lacking(*FIRST, "neurons", 0, "note"),
        "views.detect.concepts[0].neurons[0].note: expected a value, got no such key",
    ),
    "no list": (lambda r: r["views"]["detect"].update(concepts={}), "views.detect.concepts: expected a list, got {}"),
    "no reason": (lacking("examples_reason"), "examples_reason: expected a value, got no such key"),
    "no view": (lambda r: r["views"]["detect"].update(view="see"), "views.detect.view: expected detect or predict"),
}


@pytest.mark.parametrize("case", BAD)
def test_damaged_file_is_named(case: str, tmp_path: Path) -> None:
    change, line = BAD[case]
    record = {k: v for k, v in of_a_run().items() if not k.endswith("sha256")}
    change(record)
    (tmp_path / NAME).write_text(json.dumps(record))
    with pytest.raises(RunFolderError) as caught:
        load_concepts(tmp_path)
    assert_one_line(caught.value, f"{tmp_path}/{NAME}: {line}", "delete the file")


def test_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps(written(concepts_of("full")) | {"format": 9}))
    with pytest.raises(RunFolderError) as caught:
        load_concepts(tmp_path)
    assert_one_line(caught.value, NAME, "format version 1", "version 9")


def test_values_by_their_names() -> None:
    result = concepts_of("full")
    assert [str(n.neuron) for n in result["lexical=number"].claimed] == ["1:0", "1:1", "1:2", "1:3", "1:4"]
    assert result["lexical=keyword"].claimed == ()
    assert result["lexical=number", "predict"].view == "predict"
    for key, parts in {
        "lexical=numbr": ("value 'lexical=numbr'", "did you mean lexical=number?"),
        "node=class": ("value 'node=class'", "left out: 28 rows"),
    }.items():
        with pytest.raises(ConfigError) as caught:
            result[key]
        assert_one_line(caught.value, *parts)
    with pytest.raises(ConfigError) as caught:
        concepts_of("bare")["lexical=number", "predict"]
    assert_one_line(caught.value, "view 'predict'", "one of detect")


def test_frames_of_both_views_and_of_earlier_versions() -> None:
    frame, old = (concepts_of(kind).to_frame() for kind in ("full", "earlier"))
    assert len(frame) == len(old) == 14
    assert frame.columns == old.columns
    first = frame.row(0, named=True)
    assert (first["view"], first["property"], first["value"], first["rival_name"]) == (
        *("detect", "lexical", "number"),
        "lookup",
    )
    assert first["difference_low"] == pytest.approx(0.37)
    assert old["difference"].null_count() == old["auroc_low"].null_count() == 14
    assert set(old["note"]) == {""}


ALONE = """
import sys
import neurosieve.results.concepts, neurosieve.results.interventions, neurosieve.results.redundancy
print(*sys.modules)
"""


def test_results_need_neither_models_nor_figures() -> None:
    ended = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert "neurosieve.results.concepts" in loaded
    assert not {"torch", "transformers", "vl_convert", "neurosieve.report"} & loaded
