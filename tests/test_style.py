"""Size of functions and files, and imports that point only up the list of stages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "neurosieve"
FUNCTION_LINES, FILE_LINES = 40, 400
# DESIGN.md §1: a module may import modules of its own stage and of earlier ones.
STAGES: tuple[tuple[str, ...], ...] = (
    ("interrupts", "printing"),
    ("errors", "typing", "progress", "folder", "records"),
    ("results",),  # what studies found: errors and typing below it alone, no torch
    ("data",),
    ("models",),
    ("activations",),
    ("statistics",),
    ("probes",),
    ("rankings",),
    ("redundancy",),
    ("concepts",),
    ("interventions",),
    ("compact",),
    ("report",),  # pure: reads records only
    (
        "config",
        "runfolder",
        "selection",
        "untrained",
        "summary",
        "stages",
        "study",
        "plan",
        "engine",
        "concept_study",
        "concept_steps",
        "intervention_study",
        "finetune_checkpoints",
        "finetune_rows",
        "edited_task",
    ),
    ("finetune",),
    ("explorer",),
    ("",),  # the package itself
    ("cli", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(STAGES) for name in names}
FILES = sorted(p for part in ("src", "tests", "benchmarks", "training") for p in (ROOT / part).rglob("*.py"))
MODULES = sorted(SOURCE.rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def function_lines(node: Function) -> int:
    """From `def` to the last line; the docstring is not counted."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def stage_of(path: Path) -> str:
    part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    return "" if part == "__init__" else part


def imported_stages(path: Path) -> Iterator[tuple[int, str]]:
    """Line and stage of each import of the package's own modules."""
    for node in ast.walk(parsed(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            stem = node.module or ""
            names = [f"{stem}.{alias.name}" for alias in node.names] if stem == "neurosieve" else [stem]
        for name in names:
            if name == "neurosieve" or name.startswith("neurosieve."):
                part = [*name.split("."), ""][1]
                yield getattr(node, "lineno", 0), part if part in RANK else ""


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    nodes = [n for n in ast.walk(parsed(path)) if isinstance(n, Function)]
    long = {f"{n.name}, line {n.lineno}": lines for n in nodes if (lines := function_lines(n)) > FUNCTION_LINES}
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_up_the_stages(path: Path) -> None:
    own = stage_of(path)
    assert own in RANK, f"{own} is no stage"
    wrong = [f"line {line}: {stage}" for line, stage in imported_stages(path) if RANK[stage] > RANK[own]]
    assert not wrong


@pytest.mark.parametrize("path", [p for p in FILES if p.read_text(encoding="utf-8").strip()], ids=name_of)
def test_first_line_says_what_the_file_is(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path))
    assert docstring
    assert docstring.splitlines()[0].strip()


def test_the_rules_see_what_they_should() -> None:
    assert len(FILES) > 40
    assert {stage_of(p) for p in MODULES} >= {"data", "models", "activations", "probes", "study", "cli", ""}
    assert {s for _, s in imported_stages(SOURCE / "study.py")} >= {"data", "activations", "errors", "stages"}
    node = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n').body[0]
    assert isinstance(node, ast.FunctionDef)
    assert function_lines(node) == 2
