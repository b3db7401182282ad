"""`neurosieve concepts`: in a run folder or a new one, with its own options and those of a study."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from neurosieve import studies
from neurosieve.results import ConceptResult, from_json, to_json
from neurosieve.studies.concepts import run as concept_module
from neurosieve.studies.concepts.run import load_concepts
from neurosieve.studies.config import StudyConfig
from tests.cli import one_line_error, options, ran
from tests.report.concept_results import concepts_of
from tests.studies import finished_quick, lasting, quick

Capture = pytest.CaptureFixture[str]
ASKED: tuple[str, ...] = ("--language", "python", "--properties", "lexical,label", "--tokens", "150,20,150")
ASKED += ("--set", "concepts.min_rows=5", "--set", "concepts.views=[detect]")


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(finished_quick().folder, folder / "run"))


def test_run_folder_and_fresh_folder(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same study gives the same record either way; it is printed again when it is asked for again."""
    run, new = copied(tmp_path), tmp_path / "new"
    ended = ran(capsys, "concepts", str(run), *ASKED, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json == json.loads((run / "concepts.json").read_text(encoding="utf-8"))
    kept = ended.json["options"]
    assert (kept["language"], kept["properties"], kept["tokens"]) == ("python", ["lexical", "label"], [150, 20, 150])
    assert (kept["min_rows"], kept["views"], kept["rounds"]) == (5, ["detect"], 3)
    fresh = ran(capsys, "concepts", *options(out=new), *ASKED, "--json")
    assert (fresh.code, fresh.err) == (0, "")
    assert lasting(fresh.json)["views"] == ended.json["views"]
    assert ran(capsys, "concepts", str(new), "--json").json == fresh.json
    monkeypatch.setenv("COLUMNS", "300")
    text = ran(capsys, "concepts", str(new)).out
    found = load_concepts(new)
    assert found is not None
    assert found.headline in " ".join(text.split())
    assert str(new) in text
    one_line_error(
        ran(capsys, "concepts", str(new), "--tokens", "9,9,9"), "tokens [150, 20, 150] → [9, 9, 9]", "to start again"
    )
    assert "\x1b" not in text


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[StudyConfig]:
    """The studies that concepts are looked for in; nothing is done."""
    found: list[StudyConfig] = []

    def noted(config: StudyConfig, out: Path, **_: Any) -> ConceptResult:
        found.append(config)
        return from_json(ConceptResult, to_json(concepts_of("full")), str(out))

    monkeypatch.setattr(concept_module, "run_concepts", noted)
    monkeypatch.setattr(studies, "run_concepts", noted)
    return found


def test_options_over_a_study_file(capsys: Capture, tmp_path: Path, asked: list[StudyConfig]) -> None:
    """Each option takes the place of the file's own key alone, and `--set` that of both."""
    file = tmp_path / "study.yaml"
    own = {"min_rows": 50, "properties": ["use"], "rounds": 2, "language": "java"}
    file.write_text(yaml.safe_dump(quick(concepts=own).model_dump(mode="json")))
    ran(capsys, "concepts", str(file), "--out", str(tmp_path / "a"), "--json")
    ran(capsys, "concepts", str(file), "--out", str(tmp_path / "a"), "--properties", "role, lexical", "--json")
    ran(
        capsys,
        "concepts",
        str(file),
        "--out",
        str(tmp_path / "a"),
        "--language",
        "c",
        "--set",
        "concepts.language=go",
        "--json",
    )
    plain, named, paired = (config.concepts for config in asked)
    assert (plain.properties, named.properties) == (("use",), ("role", "lexical"))
    assert named.model_copy(update={"properties": ("use",)}) == plain
    assert (plain.min_rows, plain.rounds, plain.language, paired.language) == (50, 2, "java", "go")
    assert paired.model_copy(update={"language": "java"}) == plain
    assert asked[0].seed == quick().seed


def test_options_of_a_run_folder(capsys: Capture, tmp_path: Path, asked: list[StudyConfig]) -> None:
    """It brings its own study; what concepts were begun with stays where nothing else is said."""
    run = copied(tmp_path)
    (run / "concepts").mkdir()
    begun = quick(concepts={"min_rows": 9, "tokens": [1, 2, 3]}).concepts.model_dump(mode="json")
    (run / "concepts" / "options.json").write_text(json.dumps(begun))
    ran(capsys, "concepts", str(run), "--json")
    given = ("--tokens", "4,5,6", "--rewrites", "layout, comments", "--set", "concepts.rounds=1")
    ran(capsys, "concepts", str(run), *given, "--json")
    assert [c.concepts.tokens for c in asked] == [(1, 2, 3), (4, 5, 6)]
    assert [c.concepts.rewrites for c in asked] == [(), ("layout", "comments")]
    assert [(c.concepts.min_rows, c.concepts.rounds) for c in asked] == [(9, 3), (9, 1)]
    study = finished_quick().config.model_dump()
    assert all(c.model_dump() | {"concepts": None} == study | {"concepts": None} for c in asked)


USAGE: dict[str, tuple[tuple[str, ...], str]] = {
    "model": (("RUN", "--model", "m"), "leave --model out"),
    "switch": (("RUN", "--keep-overlap"), "leave --keep-overlap out"),
    "out": (("RUN", "--out", "x"), "the run folder that is given first is the place"),
    "nowhere": (("--model", "m", "--data", "d"), "give a run folder, or --out"),
    "two numbers": (("RUN", "--tokens", "1,2"), "give three numbers"),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage(case: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    arguments, part = USAGE[case]
    ended = ran(capsys, "concepts", *(str(copied(tmp_path)) if a == "RUN" else a for a in arguments))
    assert (ended.code, ended.out) == (2, "")
    assert part in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


REFUSED: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "property": (("RUN", "--properties", "lexcal"), ("property 'lexcal'", "did you mean lexical?"), 2),
    "language": (("RUN", "--language", "pyton"), ("language 'pyton'", "did you mean python?"), 2),
    "key": (("RUN", "--set", "concepts.min_row=3"), ("concepts.min_row", "did you mean concepts.min_rows?"), 2),
    "other option": (("RUN", "--set", "seed=3"), ("--set seed", "a key of concepts"), 2),
    "no key": (("RUN", "--set", "concepts=3"), ("--set concepts", "a key of concepts", "got 3"), 2),
    "no tokens": (("RUN", "--tokens", "1,0,1"), ("concepts.tokens", "one or more of each split"), 2),
    "no number": (("RUN", "--tokens", "1,x,1"), ("concepts.tokens",), 2),
    "view": (("RUN", "--set", "concepts.views=[predict]"), ("concepts.views", "detect, and predict"), 2),
    "rounds": (("RUN", "--set", "concepts.rounds=8"), ("concepts.rounds",), 2),
    "rewrite": (("RUN", "--rewrites", "renamed,translated"), ("concepts.rewrites", "reordered", "'translated'"), 2),
    "no run": (("EMPTY",), ("run folder", "a study.yaml"), 1),
    "no file": (("none.yaml", "--out", "x"), ("study file none.yaml",), 2),
    "activations": (("--activations", "x.json", "--out", "OUT"), ("activations made elsewhere",), 2),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str, capsys: Capture, tmp_path: Path) -> None:
    arguments, parts, code = REFUSED[case]
    run = copied(tmp_path)
    places = {"RUN": str(run), "EMPTY": str(tmp_path), "OUT": str(tmp_path / "out")}
    given = [places.get(a, a) for a in arguments]
    one_line_error(ran(capsys, "concepts", *given), *parts, code=code)


def test_help_names_the_options(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = ran(capsys, "concepts", "--help").out
    for part in ("RUN or STUDY.yaml", "--properties", "--tokens", "--language", "--rewrites", "--set", "--site"):
        assert part in text


def test_any_other_view_stops(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the files is no reason to go on."""
    right = vars(concept_module)["read_concepts"]

    def spoiled(model: Any, rows: Any, url: Path, reading: Any, **how: Any) -> Any:
        store = right(model, rows, url, reading, **how)
        if reading.view == "predict":
            (Path(url) / "shard-00000.safetensors").write_bytes(b"")
        return store

    monkeypatch.setattr(concept_module, "read_concepts", spoiled)
    given = [part for part in ASKED if part != "concepts.views=[detect]"][:-1]
    one_line_error(ran(capsys, "concepts", *options(out=tmp_path), *given, "--set", "concepts.rounds=7"), "shard")
    assert not (tmp_path / "concepts.json").exists()
