"""What stands on the screen at the end of a command: at most 25 lines, units, and one thing in the singular."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from docs.hooks.commands import commands

from neurosieve.cli import show
from neurosieve.data import DEFAULT_ROWS, Rows, Sample
from neurosieve.results.cost import Cost
from neurosieve.results.measured import Difference, Score
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_controls import UnseenRows
from neurosieve.results.redundancy_parts import UntrainedScores
from neurosieve.studies.modules.run import FoundModules
from neurosieve.typing import SPLITS, Split
from tests.cli import ran
from tests.report.concept_results import concepts_of
from tests.report.edit_results import interventions_of
from tests.report.module_results import change_of, folder_of, modules_of
from tests.report.records import result_of
from tests.studies import finished_quick
from tests.studies.export import exported

Capture = pytest.CaptureFixture[str]
LINES, WIDTH = 25, 80
FAULTS = {
    "one of many": r"\b1 (?:seeds|notes|neurons|rows|layers|files|edits|checks|copies|values|points)\b",
    "a range of one layer": r"layers? (\d+) ?(?:–|-|to) ?\1\b",
    "a range of equal ends": r"\((\S+) – \1\)",
    "one language of one": r"(\d+) source files \(\1 ",
    "a loss without a unit": r"\b(?:lca|probeless),? \(?0\.\d",
    "a cell that is cut": r"…",
    "a rule without a unit": r"\((?:safe|point), 0\.",
}


def widest() -> RedundancyResult:
    """Long names, and figures of most digits: what a study with 1,280 neurons and all rows right has."""
    result = result_of("full")
    certain, base, natural = Score(value=1.0, n=600, interval=(0.994, 1.0)), result.baselines, result.unseen.natural
    assert isinstance(base.untrained, UntrainedScores)
    assert isinstance(natural, UnseenRows)
    copies = replace(base.untrained, seeds=(0, 1, 2), precision="bfloat16")
    base = replace(base, token_lookup=replace(base.token_lookup, score=certain), untrained=copies)
    natural = replace(natural, score=certain)
    return replace(result, baselines=base, unseen=replace(result.unseen, natural=natural))


def of_modules(labels: int, *, changed: bool) -> None:
    """Modules of labels as long as those of code; the first is dropped, and the others are written."""
    names = [f"IDENTIFIER{i}" for i in range(labels)]
    result, few = modules_of(names[:3]), names[1:3]
    result = replace(result, modules=tuple(replace(result.modules[i % 3], label=n) for i, n in enumerate(names)))
    changes = (change_of(kind="drop", label=names[0], own=None),) if changed else ()
    found = FoundModules(result, changes, folder_of(few) if changed else None)
    show.show_modules(found, Path("runs/x"), Path("without"))


def cost_of(classes: int) -> Cost:
    """Of a study of many classes, most with few rows, and some that are left out."""
    few: dict[tuple[str, Split], int] = {(f"IDENTIFIER{i}", s): i for i in range(classes) for s in SPLITS}
    gone: dict[str, dict[Split, int]] = {
        f"OPERATOREQUAL{i}": {"train": 8, "validation": 0, "test": 0} for i in range(5)
    }
    nothing = Rows(("A",), *[np.zeros(0, dtype=np.int64)] * 4)
    return Cost(
        rows=dict.fromkeys(SPLITS, 56_995),
        layers=5,
        width=256,
        tokens=794_183,
        parameters=2_200_000,
        flops=3.63e12,
        store_bytes=400_000_000,
        memory_bytes=1_200_000_000,
        seconds=dict.fromkeys(("extract", "selection", "layers, clusters, pipeline", "controls", "untrained"), 74.0),
        missed_units=0,
        notes=tuple(Sample(nothing, 0, few, gone).notes(DEFAULT_ROWS)),
    )


ENDS: dict[str, Callable[[], None]] = {
    "modules": lambda: of_modules(3, changed=False),
    "modules, many labels": lambda: of_modules(49, changed=False),
    "modules, one dropped": lambda: of_modules(3, changed=True),
    "plan": lambda: show.show_cost(cost_of(49)),
    "run, widest": lambda: show.show_summary(widest(), "runs/x"),
    "run": lambda: show.show_summary(result_of("full"), "runs/x"),
    "run, other controls": lambda: show.show_summary(result_of("untrained"), "runs/x"),
    "run, finished": lambda: show.show_summary(finished_quick().summary, "runs/x"),
    "run, pairs": lambda: show.show_summary(replace(result_of("full"), task="clone-detection"), "runs/x"),
    "concepts": lambda: show.show_concepts(concepts_of("full"), "runs/x"),
    "ablate": lambda: show.show_intervention(interventions_of("full")[0], "runs/x"),
    "erase": lambda: show.show_intervention(interventions_of("full")[1], "runs/x"),
    "export, table": lambda: show.show_export(exported("table")),
    "export, full": lambda: show.show_export(exported("full")),
}


def printed(end: Callable[[], None], capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    capsys.readouterr()
    end()
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ENDS)
def test_end_is_one_screen_without_faults(name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(ENDS[name], capsys, monkeypatch)
    assert 3 <= len(text.strip("\n").splitlines()) <= LINES, text
    for fault, pattern in FAULTS.items():
        assert not re.search(pattern, text), f"{fault}: {text}"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("one of many", "untrained copies, 1 seeds"),
        ("a range of one layer", "layers 0–0"),
        ("a range of equal ends", "72.7 % (72.7 – 72.7)"),
        ("one language of one", "41 source files (41 python)"),
        ("a loss without a unit", "lca 0.1"),
        ("a cell that is cut", "99.0 % [97.7, 99.…"),
    ],
)
def test_faults_would_be_seen(fault: str, text: str) -> None:
    assert re.search(FAULTS[fault], text)


@pytest.mark.parametrize("form", ["table", "full"])
def test_losses_of_an_export_have_their_unit(form: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(lambda: show.show_export(exported(form)), capsys, monkeypatch)
    lines = [line for line in text.splitlines() if line.startswith("loss against")]
    assert lines
    assert all(re.search(r"-?\d points( \[|$)", line) for line in lines), lines


def test_export_shows_its_way_beside_the_best(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    made = exported("full")
    many = tuple(replace(p, exported=False, cost=p.cost + i) for i in range(1, 9) for p in made.result.frontier)
    crowded = replace(made, result=replace(made.result, frontier=(*made.result.frontier, *many)))
    text = printed(lambda: show.show_export(crowded), capsys, monkeypatch)
    assert len(text.splitlines()) <= LINES
    assert text.count("→") == 1
    assert f"Some of {len(crowded.result.frontier)} ways" in text


def test_head_of_an_edit_has_no_interval_of_one_point(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a difference without an interval it is said that there is none."""
    edit = interventions_of("full")[0]
    predictions = edit.predictions
    effects = tuple(replace(e, effect=Difference(value=0.1, interval=None)) for e in predictions.effects)  # type: ignore[union-attr]
    bare = replace(edit, predictions=replace(predictions, effects=effects))  # type: ignore[arg-type]
    assert "10.0 (no interval)" in printed(lambda: show.show_intervention(bare, "runs/x"), capsys, monkeypatch)


def test_next_commands_of_the_demo_exist(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = printed(show.show_next, capsys, monkeypatch).splitlines()
    lines = [line.split() for line in shown if line.startswith("  neurosieve ")]
    assert [line[1] for line in lines] == ["plan", "run", "concepts", "export"]
    for _, name, *rest in lines:
        commands()[name].make_context(name, rest)


def test_printed_run_ends_on_one_screen(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command itself, in a folder of a finished run."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    ended = ran(capsys, "redundancy", str(finished_quick().folder))
    assert ended.code == 0
    assert len(ended.out.splitlines()) <= LINES
    assert "of memory)" in ended.out
