"""`neurosieve report`: the page of a finished run, and one line for each that has none."""

import json
import shutil
from pathlib import Path

import pytest

from neurosieve.config import make_config
from neurosieve.study import load_summary, run_study
from neurosieve.summary import Summary
from tests.cli import one_line_error, ran
from tests.study import finished_quick, quick

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
    (run / "summary.json").write_text(json.dumps(record | {"format": 7}), encoding="utf-8")
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
    assert summary.record == finished_quick().record
    assert repr(summary) == f"Summary({summary.headline!r})"


def test_study_file_of_a_run_runs_again(run: Path) -> None:
    """The command that the report names."""
    assert make_config(study=run / "study.yaml") == quick()
    assert isinstance(run_study(make_config(study=run / "study.yaml"), run), Summary)
