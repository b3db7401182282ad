"""`neurosieve intervene`: what it prints, and what a user can get wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers

from neurosieve.results import to_json
from neurosieve.studies.concepts.run import run_concepts
from neurosieve.studies.finished import load_interventions
from tests.cli import one_line_error, ran
from tests.cli.test_bad_input import write
from tests.studies import CONCEPTS, FASTEST, finished_concepts, finished_quick, quick, unmarked
from tests.studies.interventions.test_edited_head import classifier
from tests.tiny import quiet_transformers, tiny_loaded, tiny_model

Capture = pytest.CaptureFixture[str]
_UNTYPED: Any = transformers
CONCEPT = ("--concept", "lexical=number")
FEW = ("--sets", "20", "--tokens", "3000")


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_concepts(), tmp_path / "run"))


def concepts_of(model: Path, folder: Path) -> Path:
    """Concepts of a model, without a study."""
    run_concepts(quick(model=str(model), concepts=CONCEPTS, **FASTEST), folder)
    return folder


@pytest.fixture(scope="module")
def headless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network as sentence encoders are saved: without a head."""
    folder = tmp_path_factory.mktemp("headless")
    with quiet_transformers():
        _UNTYPED.AutoModel.from_pretrained(tiny_model("bert"), add_pooling_layer=True).save_pretrained(folder / "model")
    tiny_loaded("bert").tokenizer.save_pretrained(folder / "model")
    return concepts_of(folder / "model", folder / "run")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of the task's tokens."""
    folder = tmp_path_factory.mktemp("tuned")
    return concepts_of(classifier("bert", "tokens", folder / "model"), folder / "run")


def test_for_people_and_as_json(run: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    ended = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "erase", *FEW)
    assert (ended.code, ended.err) == (0, "")
    (result,) = load_interventions(run)
    for part in ("erase lexical=number", "16 (33.3 %)", str(run / "interventions"), str(run / "report.html")):
        assert part in ended.out
    again = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "erase", *FEW, "--json")
    assert (again.code, again.err, again.json) == (0, "", to_json(result))


def test_one_neuron_at_least(run: Path, capsys: Capture) -> None:
    given = (*CONCEPT, "--edit", "ablate", "--share", "0.0001", *FEW)
    assert len(ran(capsys, "intervene", str(run), *given, "--json").json["neurons"]) == 1


def test_half_of_a_layer_at_most(run: Path, capsys: Capture) -> None:
    """A share that would leave no random neurons gives what leaves some."""
    given = (*CONCEPT, "--edit", "clamp", "--share", "0.99", "--no-predictions", *FEW)
    record = ran(capsys, "intervene", str(run), *given, "--json").json
    assert max(record["layers"]) <= 8
    assert len(record["neurons"]) <= 24
    assert record["share"] == len(record["neurons"]) / 48


def test_task_alone(run: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without predictions the probe of the study is measured."""
    monkeypatch.setenv("COLUMNS", "300")
    given = ("intervene", str(run), *CONCEPT, "--edit", "ablate", "--no-predictions", *FEW)
    ended = ran(capsys, *given)
    assert (ended.code, ended.err) == (0, "")
    record = ran(capsys, *given, "--json").json
    assert (record["effects"], record["effects_reason"]) == (None, "left out by --no-predictions")
    assert record["probe"]["n"] == 60
    assert "examples" not in record
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "left out by --no-predictions" in page


def test_no_head(headless: Path, capsys: Capture, tmp_path: Path) -> None:
    """Predictions need a head, the task a study; what was erased can be told without either."""
    run = Path(shutil.copytree(headless, tmp_path / "run"))
    before = content(run)
    ended = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "ablate", *FEW)
    one_line_error(ended, "language-model head", str(headless.parent / "model"), "--no-predictions")
    ended = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "ablate", "--no-predictions", *FEW)
    one_line_error(ended, str(run), "a probe", "not studied", "no head", "neurosieve run")
    assert content(run) == before
    record = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "erase", "--no-predictions", *FEW, "--json").json
    assert (record["probe"], record["head"], record["effects"]) == (None, None, None)
    assert record["erasure"]["layer"] == 2


def test_study_of_a_model_without_head(headless: Path, capsys: Capture, tmp_path: Path) -> None:
    """The remedy of the line above helps."""
    run = Path(shutil.copytree(headless, tmp_path / "run"))
    assert ran(capsys, "run", str(run / "study.yaml"), "--out", str(run)).code == 0
    given = (*CONCEPT, "--edit", "ablate", "--no-predictions", *FEW, "--json")
    record = ran(capsys, "intervene", str(run), *given).json
    assert record["probe"]["random_sets"] == 20
    assert record["head"] is None


def test_fine_tuned_head(tuned: Path, capsys: Capture, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tuned, tmp_path / "run"))
    ended = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "clamp", *FEW)
    one_line_error(ended, "language-model head", "BertForTokenClassification", "--no-predictions")
    given = ("intervene", str(run), *CONCEPT, "--edit", "clamp", "--no-predictions", *FEW)
    record = ran(capsys, *given, "--json").json
    head = record["head"]
    assert (head["score"], head["random_sets"], record["head_reason"]) == ("accuracy", 20, None)
    assert head["drop"] == pytest.approx(head["base"] - head["edited"])
    assert (record["probe"], record["probe_reason"]) == (None, "the run has no probe: its task was not studied")
    ended = ran(capsys, *given)
    assert (ended.code, ended.err) == (0, "")


def edited(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        record = unmarked(json.loads((run / name).read_text(encoding="utf-8")))
        (run / name).write_text(json.dumps(change(record)))

    return spoil


def views(record: Any, **more: Any) -> Any:
    return record | {"views": {"detect": record["views"]["detect"]}} | more


FOLDERS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no run": (shutil.rmtree, ("a study.yaml", "--out")),
    "no concepts": (lambda run: (run / "concepts.json").unlink(), ("run `neurosieve concepts {run}` first",)),
    "lost options": (
        lambda run: (run / "concepts" / "options.json").unlink(),
        ("concepts.json without concepts/options.json", "{run}/concepts.json, then run `neurosieve concepts {run}`"),
    ),
    "view left out": (
        edited("concepts.json", views),
        ("detect alone", "delete {run}/concepts", "concepts.views=[detect,predict]"),
    ),
    "view impossible": (
        edited("concepts.json", lambda r: views(r, predict_reason="no mask token")),
        ("detect alone (no mask token)", "make a run for which it can be read"),
    ),
    "damaged concepts": (write("concepts.json", "["), ("concepts.json", "delete the file")),
}


@pytest.mark.parametrize("case", ["lost options", "view left out"])
def test_names_that_people_gave_are_not_deleted_unawares(case: str, run: Path, capsys: Capture) -> None:
    spoil, _ = FOLDERS[case]
    spoil(run)
    answers = run / "concepts" / "annotate" / "answers"
    (answers / "layer-1-clusters-4").mkdir(parents=True)
    ended = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "ablate", *FEW)
    one_line_error(ended, f"(people's names for clusters would be lost: copy {answers} first), then run `neurosieve")


@pytest.mark.parametrize("case", FOLDERS)
def test_bad_folder(case: str, run: Path, capsys: Capture) -> None:
    spoil, parts = FOLDERS[case]
    spoil(run)
    before = content(run)
    ended = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "ablate", *FEW)
    one_line_error(ended, "run", *(part.format(run=run) for part in parts))
    assert content(run) == before


def test_remedy_for_no_concepts_helps(capsys: Capture, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_quick().folder, tmp_path / "run"))
    message = one_line_error(ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "ablate", *FEW))
    command = message.partition("run `neurosieve ")[2].partition("`")[0].split()
    pairs = [f"concepts.{key}={json.dumps(value)}" for key, value in CONCEPTS.items()]
    assert ran(capsys, *command, *(part for pair in pairs for part in ("--set", pair))).code == 0
    assert ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "ablate", *FEW).code == 0


# By what is wrong: arguments, exit code, parts of the line.
BAD: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "unknown property": (("--concept", "lexicl=number"), 2, ("property 'lexicl'", "did you mean lexical?")),
    "unknown value": (("--concept", "lexical=numbr"), 2, ("value of lexical 'numbr'", "did you mean number?")),
    "no value": (("--concept", "lexical"), 2, ("concept", "property=value", "'lexical'")),
    "one value": (("--concept", "language=python"), 1, ("property 'language'", "one value only (python)")),
    "unknown edit": (("--edit", "abalte"), 2, ("option edit", "'ablate', 'clamp', 'steer' or 'erase'", "abalte")),
    "unknown ablation": (("--how", "none"), 2, ("option how", "'zero', 'mean' or 'resample'")),
    "unknown place": (("--at", "masks"), 2, ("option at", "'all' or 'predicted'")),
    "no such layer": (("--edit", "steer", "--layer", "3"), 2, ("layer to edit", "0 to 2", "got 3", "--layer")),
    "negative layer": (("--edit", "steer", "--layer", "-1"), 2, ("option layer", "-1")),
    "layer of neurons": (("--layer", "1"), 2, ("option layer", "none with ablate", "to steer and erase")),
    "alpha of neurons": (
        ("--alpha", "3"),
        2,
        (
            "option alpha",
            "none with ablate",
        ),
    ),
    "quantile of means": (("--quantile", "0.5"), 2, ("option quantile", "none with ablate", "to clamp")),
    "share of a layer": (
        ("--edit", "erase", "--share", "0.1"),
        2,
        ("option share", "none with erase", "to ablate and clamp"),
    ),
    "no share": (("--share", "0"), 2, ("option share",)),
    "whole share": (("--share", "1"), 2, ("option share",)),
    "beyond quantiles": (("--edit", "clamp", "--quantile", "1.5"), 2, ("option quantile",)),
    "few sets": (("--sets", "10"), 2, ("option sets", "20")),
    "few tokens": (("--tokens", "99"), 2, ("option tokens", "100")),
    "few units": (("--tokens", "100"), 1, ("held-out units with the value", "30 or more", "--tokens")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_options(case: str, run: Path, capsys: Capture) -> None:
    given, code, parts = BAD[case]
    edited("concepts/options.json", lambda r: r | {"properties": ["lexical", "language"]})(run)
    before = content(run)
    default = {"--concept": "lexical=number", "--edit": "ablate", "--sets": "20", "--tokens": "3000"}
    options = default | dict(zip(given[::2], given[1::2], strict=True))
    ended = ran(capsys, "intervene", str(run), *(part for pair in options.items() for part in pair))
    one_line_error(ended, *parts, code=code)
    assert content(run) == before


def test_a_range_is_of_neurons_that_are_ablated(run: Path, capsys: Capture) -> None:
    for edit in ("clamp", "steer", "erase"):
        ended = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", edit, "--range", *FEW)
        one_line_error(ended, "option range", f"none with {edit}: it belongs to ablate", code=2)
    found = ran(capsys, "intervene", str(run), *CONCEPT, "--edit", "ablate", "--range", *FEW, "--json").json
    assert len(found["ranges"]) == len(found["neurons"])
    assert found == json.loads((run / "interventions" / "lexical=number-ablate-range.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lacking", ["--concept", "--edit", "RUN"])
def test_what_has_to_be_given(lacking: str, run: Path, capsys: Capture) -> None:
    given = {"--concept": "lexical=number", "--edit": "ablate"}
    place = [] if lacking == "RUN" else [str(run)]
    ended = ran(capsys, "intervene", *place, *(p for k, v in given.items() if k != lacking for p in (k, v)))
    assert (ended.code, ended.out) == (2, "")
    assert lacking in ended.err
    assert "Traceback" not in ended.err
