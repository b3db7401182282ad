"""Size of functions and files, and imports that point only up the list of rooms."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from docs.hooks.rooms import RANK, imported_modules, module_of, room_of

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "neurosieve"
FUNCTION_LINES, FILE_LINES = 40, 400
FILES = sorted(p for part in ("src", "tests", "benchmarks", "soak", "training") for p in (ROOT / part).rglob("*.py"))
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


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    nodes = [n for n in ast.walk(parsed(path)) if isinstance(n, Function)]
    long = {f"{n.name}, line {n.lineno}": lines for n in nodes if (lines := function_lines(n)) > FUNCTION_LINES}
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_up_the_rooms(path: Path) -> None:
    module = module_of(path)
    own = room_of(module)
    assert own or module in ("", "__main__"), f"{module} is in no room"
    inside = path.name == "__init__.py" and {room for room in RANK if room.startswith(f"{module}.")}
    wrong = [
        f"line {line}: {name}"
        for line, name in imported_modules(path)
        if (room := room_of(name)) != own
        and not (inside and room in inside)  # a package shows what its own rooms hold
        and (RANK[room] > RANK[own] or (RANK[room] == RANK[own] and "." in own))
    ]
    assert not wrong


def test_no_import_leads_back() -> None:
    graph = {module_of(path): {name for _, name in imported_modules(path)} for path in MODULES}
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_a_file_name_says_which_file_it_is() -> None:
    """A room's `run.py`, and the doors of one capability, share theirs."""
    doors = {
        "run",
        "concepts",
        "cost",
        "interventions",
        "redundancy",
        "export",
        "modules",
        "neuron",
        "comparison",
        "compare",
        "__init__",
        "__main__",
    }
    names = Counter(path.stem for path in MODULES)
    assert not {name for name, count in names.items() if count > 1} - doors


@pytest.mark.parametrize("path", [p for p in FILES if p.read_text(encoding="utf-8").strip()], ids=name_of)
def test_first_line_says_what_the_file_is(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path))
    assert docstring
    assert docstring.splitlines()[0].strip()


def test_the_rules_see_what_they_should() -> None:
    assert len(FILES) > 40
    assert {room_of(module_of(p)) for p in MODULES} == set(RANK) | {""}
    assert {"errors", "data.readers.files"} <= {
        name for _, name in imported_modules(SOURCE / "studies/redundancy/run.py")
    }
    assert room_of("concepts.neurons.claims") == "concepts.neurons"
    node = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n').body[0]
    assert isinstance(node, ast.FunctionDef)
    assert function_lines(node) == 2
