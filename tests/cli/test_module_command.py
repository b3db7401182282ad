"""`neurosieve modules`: its tables, its JSON, its folder, and how a change is spelled."""

import shutil
from pathlib import Path

import pytest

from tests.cli import one_line_error, ran
from tests.studies import LABELS
from tests.studies.modules import run_with_modules

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_with_modules(), tmp_path / "run"))


def test_tables_and_headline(run: Path, capsys: Capture) -> None:
    ended = ran(capsys, "modules", str(run), "--drop", "NUM")
    assert ended.code == 0
    assert "Each label by its own module" in ran(capsys, "modules", str(run)).out
    assert "Changes of one module" in ended.out
    assert "3 modules of" in ended.out


def test_json_and_a_folder(run: Path, tmp_path: Path, capsys: Capture) -> None:
    arguments = ("--drop", "NUM", "--out", str(tmp_path / "out"), "--json")
    found = ran(capsys, "modules", str(run), *arguments).json
    assert found["modules"]["labels"] == list(LABELS)
    (change,) = found["changes"]
    assert change["untouched"] is True
    assert [part["label"] for part in found["folder"]["parts"]] == ["NAME", "SIGN"]
    new = tmp_path / "new.jsonl"
    new.write_text('{"text": "abc (", "spans": [[0, 3], [4, 5]]}\n')
    assert set(ran(capsys, "predict", str(tmp_path / "out"), str(new)).json["labels"]) <= {"NAME", "SIGN"}
    alone = str(tmp_path / "out" / "module-NAME")
    assert set(ran(capsys, "predict", alone, str(new)).json["labels"]) <= {"NAME", "not NAME"}
    for command in ("verify", "fit"):
        more = ("--data", str(tmp_path), "--out", str(tmp_path / "fitted")) if command == "fit" else ()
        given = ("--from", str(tmp_path / "out"), *more) if command == "fit" else (str(tmp_path / "out"),)
        one_line_error(ran(capsys, command, *given), "expected a model of `neurosieve export`, got modules")


@pytest.mark.parametrize("text", ["NUM", "=runs/x", "NUM="])
def test_a_change_by_another_run_names_label_and_run(run: Path, text: str, capsys: Capture) -> None:
    ended = ran(capsys, "modules", str(run), "--replace", text)
    assert ended.code == 2
    assert "LABEL=RUN" in ended.err


def test_a_folder_that_is_no_run(tmp_path: Path, capsys: Capture) -> None:
    one_line_error(ran(capsys, "modules", str(tmp_path)), "expected a study.yaml, got none")
