"""`neurosieve report`: the page of a finished run, and one line for each that has none."""

import json
import re
import shutil
from pathlib import Path

import pytest

from neurosieve.errors import RunFolderError
from neurosieve.report.concepts import concept_headline
from neurosieve.results import RedundancyResult, to_json
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import write_object
from neurosieve.studies.concepts import run as concept_study
from neurosieve.studies.concepts.run import continue_concepts, load_concepts
from neurosieve.studies.config import make_config
from neurosieve.studies.finished import load_summary, write_report
from neurosieve.studies.redundancy.run import run_study
from tests.cli import one_line_error, ran
from tests.report.concept_results import concepts_of
from tests.report.edit_results import interventions_of
from tests.studies import finished_quick, quick
from tests.tiny import assert_one_line

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    shutil.copytree(finished_quick().folder, tmp_path / "run")
    return tmp_path / "run"


def test_writes_what_the_run_wrote(run: Path, capsys: Capture) -> None:
    first = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    ended = ran(capsys, "report", str(run))
    assert (ended.code, ended.err) == (0, "")
    assert str(run / "report.html") in ended.out
    assert (run / "report.html").read_bytes().replace(b"/run/", b"/") == first.replace(
        finished_quick().folder.name.encode() + b"/study", b"run/study"
    ).replace(b"neurosieve report " + finished_quick().folder.name.encode(), b"neurosieve report run").replace(
        b"/run/", b"/"
    )


def test_elsewhere_and_json(run: Path, tmp_path: Path, capsys: Capture) -> None:
    ended = ran(capsys, "report", str(run), "--to", str(tmp_path / "new" / "page.html"), "--json")
    assert ended.json == {"report": str(tmp_path / "new" / "page.html")}
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_figures_and_tables(run: Path, tmp_path: Path, capsys: Capture) -> None:
    places = {kind: tmp_path / kind for kind in ("figures", "tables")}
    asked = [part for kind, place in places.items() for part in (f"--{kind}", str(place))]
    ended = ran(capsys, "report", str(run), *asked, "--json")
    assert ended.json == {"report": str(run / "report.html")} | {kind: str(place) for kind, place in places.items()}
    assert {p.suffix for p in places["figures"].iterdir()} == {".svg", ".png", ".pdf"}
    assert {p.suffix for p in places["tables"].iterdir()} == {".csv", ".tex"}
    (tmp_path / "file").write_text("x")
    one_line_error(ran(capsys, "report", str(run), "--tables", str(tmp_path / "file")), "a folder to write", "a file")


def test_one_neuron(run: Path, capsys: Capture) -> None:
    best = load_summary(run).sets[0].neurons[0]
    ended = ran(capsys, "neuron", str(run), f"{best.layer}:{best.index}")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Neuron {best.layer}:{best.index} of ")
    assert "place 1 of" in ended.out
    assert ran(capsys, "neuron", str(run), "0:1", "--json").json["neuron"] == [0, 1]
    one_line_error(ran(capsys, "neuron", str(run), "0:99999"), "neuron 0:99999", "an index below", code=2)
    one_line_error(ran(capsys, "neuron", str(run / "none"), "0:1"), "study.yaml")
    for bad in ("0-1", "a:b", "1", ":", "0:-1"):
        assert ran(capsys, "neuron", str(run), bad).code == 2


def test_missing_stages_are_named_with_the_command(run: Path, capsys: Capture) -> None:
    (run / "summary.json").unlink()
    (run / "report.html").unlink()
    one_line_error(ran(capsys, "report", str(run)), "summary is missing", f"neurosieve redundancy {run}")
    (run / "controls.json").unlink()
    one_line_error(ran(capsys, "report", str(run)), "controls, summary are missing")
    shutil.rmtree(run / "activations")
    one_line_error(ran(capsys, "report", str(run)), "activations, selection", f"neurosieve run {run}/study.yaml")
    assert not (run / "report.html").exists()


def test_other_folders(run: Path, tmp_path: Path, capsys: Capture) -> None:
    one_line_error(ran(capsys, "report", str(tmp_path / "none")), "a study.yaml")
    record = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    write_object(Folder(run), "summary.json", record | {"format": 7})
    one_line_error(ran(capsys, "report", str(run)), "version 7", "version 1")
    (run / "summary.json").write_text("[", encoding="utf-8")
    one_line_error(ran(capsys, "report", str(run)), "summary.json", "a whole JSON object")


def test_unwritable_targets(run: Path, tmp_path: Path, capsys: Capture) -> None:
    before = (run / "report.html").read_bytes()
    one_line_error(ran(capsys, "report", str(run), "--to", str(tmp_path)), "a folder")
    (tmp_path / "file").write_text("x")
    one_line_error(ran(capsys, "report", str(run), "--to", str(tmp_path / "file" / "page.html")), "page.html")
    assert (run / "report.html").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "run"]


def test_loaded_summary_is_the_runs(run: Path) -> None:
    summary = load_summary(run)
    assert to_json(summary) == finished_quick().record
    assert repr(summary) == f"RedundancyResult({summary.headline!r})"


def test_summary_without_a_key_is_named(run: Path, capsys: Capture) -> None:
    record = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    del record["oracle"]["validation"], record["sha256"]
    (run / "summary.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(RunFolderError) as caught:
        load_summary(run)
    assert_one_line(caught.value, f"{run}/summary.json: oracle.validation: expected a value, got no such key")
    one_line_error(ran(capsys, "report", str(run)), f"{run}/summary.json: oracle.validation")


def test_the_record_of_a_result_is_deprecated(run: Path) -> None:
    with pytest.warns(DeprecationWarning, match="to_json"):
        assert load_summary(run).record == finished_quick().record


def test_study_file_of_a_run_runs_again(run: Path) -> None:
    """The command that the report names."""
    assert make_config(study=run / "study.yaml") == quick()
    assert isinstance(run_study(make_config(study=run / "study.yaml"), run), RedundancyResult)


@pytest.fixture
def concepts(run: Path) -> Path:
    """A run folder with a study and concepts."""
    (run / "concepts.json").write_text(json.dumps(to_json(concepts_of("full"))), encoding="utf-8")
    return run


def headings(run: Path) -> list[str]:
    return re.findall(r'<section id="([\w-]+)">', (run / "report.html").read_text(encoding="utf-8"))


def test_page_of_concepts_and_interventions(concepts: Path, capsys: Capture) -> None:
    """What a folder holds is shown, with or without a study."""
    assert ran(capsys, "report", str(concepts)).code == 0
    assert {"scores", "concepts"} <= set(headings(concepts))
    assert "interventions" not in headings(concepts)
    (concepts / "interventions").mkdir()
    record = json.dumps(to_json(interventions_of("full")[0]))
    (concepts / "interventions" / "lexical-number-ablate.json").write_text(record, encoding="utf-8")
    (concepts / "summary.json").unlink()
    assert ran(capsys, "report", str(concepts)).code == 0
    assert {"concepts", "interventions"} <= set(headings(concepts))
    assert "scores" not in headings(concepts)
    (concepts / "concepts.json").unlink()
    assert ran(capsys, "report", str(concepts)).code == 0
    assert headings(concepts) == ["effects", "reading", "interventions", "edits", "words", "cite", "origin"]


def test_damaged_concepts(concepts: Path, capsys: Capture) -> None:
    before = (concepts / "report.html").read_bytes()
    (concepts / "concepts.json").write_text(json.dumps(to_json(concepts_of("full")) | {"format": 9}), encoding="utf-8")
    one_line_error(ran(capsys, "report", str(concepts)), "concepts.json", "version 9", "version 1")
    (concepts / "concepts.json").write_text("{", encoding="utf-8")
    one_line_error(ran(capsys, "report", str(concepts)), "concepts.json", "a whole JSON object")
    assert (concepts / "report.html").read_bytes() == before


def test_finished_concepts_are_read_and_their_page_written(concepts: Path, capsys: Capture) -> None:
    """No model is loaded for what is already there."""
    (concepts / "report.html").unlink()
    ended = ran(capsys, "concepts", str(concepts))
    assert (ended.code, ended.err) == (0, "")
    assert "5 of 300 neurons are claimed as neurons" in ended.out
    assert str(concepts / "report.html") in ended.out.replace("\n", "")
    assert {"scores", "concepts"} <= set(headings(concepts))


def test_new_concepts_refresh_the_page(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that the study wrote gets the concepts."""
    assert "concepts" not in headings(run)
    found = concepts_of("full")
    monkeypatch.setattr(concept_study, "_result", lambda _: found)
    assert continue_concepts(run, {"language": "python"}).headline == concept_headline(found)
    assert {"scores", "concepts"} <= set(headings(run))
    assert load_concepts(run) is not None


def test_a_study_refreshes_the_page_of_concepts(concepts: Path) -> None:
    """Concepts came first, then the study ran in the same folder."""
    (concepts / "summary.json").unlink()
    write_report(concepts)
    assert "scores" not in headings(concepts)
    run_study(quick(), concepts)
    assert {"scores", "concepts"} <= set(headings(concepts))
