"""Results travel as typed records: untyped mappings and reads by a key in quotes stand where the content is foreign."""

import ast
from collections import Counter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "neurosieve"
UNTYPED = {f"{kind}[str, {value}]" for kind in ("dict", "Mapping") for value in ("Any", "object")}
SPLITS = {"train", "validation", "test"}  # keys of a type of their own

# Where both may stand, how often, and why. Fewer is better: lower a number with each one that goes.
ALLOWED: dict[str, tuple[int, int, str]] = {
    "activations": (
        4,
        42,
        "columns of row tables, shards of a manifest, what tokenizers give, foreign files",
    ),
    "cli": (8, 10, "options as they were typed, before they are checked"),
    "compact": (3, 0, "the content of compact.json, before its types are known; inputs of a traced network"),
    "concepts/latent/sheets.py": (6, 2, "files that people and other tools write"),
    "concepts/latent/tree.py": (0, 2, "its own archive"),
    "concepts/rows.py": (0, 2, "columns of row tables"),
    "concepts": (3, 9, "rows of frames, columns of row tables, a query's captures, rivals by name"),
    "data/dataset.py": (3, 0, "rows of users, from lists and from Hugging Face data sets"),
    "data/readers": (13, 11, "rows and files of users"),
    "engine/ray_actors.py": (0, 2, "nodes as Ray tells of them"),
    "explorer": (7, 30, "requests as ASGI has them, columns of row tables, what templates are filled with"),
    "finetuning": (4, 12, "inputs and states of transformers' Trainer"),
    "interventions/leace.py": (1, 1, "its own archive"),
    "models": (12, 14, "inputs, options and reports of transformers"),
    "modules": (0, 2, "rankings by name"),
    "notebook": (5, 5, "options of a verb before they are checked, tensors of stages by name"),
    "probes/archive.py": (2, 2, "stages as files hold them"),
    "rankings/comparing.py": (0, 3, "its own archive"),
    "redundancy": (0, 7, "their own archives, columns of figures"),
    "report": (25, 7, "what templates and Vega-Lite are filled with; kept units by name"),
    "results/codec.py": (10, 0, "the one place that knows how a result is written"),
    "results": (17, 3, "options of a run, rows of frames, the content of a file for older code"),
    "statistics": (0, 4, "sums by name"),
    "storage": (12, 7, "JSON files, and who writes there"),
    "studies/columns": (0, 11, "columns of row tables"),
    "studies/finetune": (3, 5, "what transformers' Trainer reports"),
    "studies/redundancy/selection.py": (0, 22, "its own archive"),
    "studies/modules/fitted_modules.py": (1, 8, "its own archive"),
    "studies": (32, 24, "options before they are checked, JSON files, columns of row tables"),
}


def place_of(path: Path) -> str:
    """The entry that a file belongs to, the longest that its path begins with; none of the others may have any."""
    name = path.relative_to(SOURCE).as_posix()
    return max((p for p in ALLOWED if name == p or name.startswith(f"{p}/")), key=len, default="elsewhere")


def mentions(tree: ast.AST) -> int:
    """Of mappings whose values have no type."""
    return sum(isinstance(n, ast.Subscript) and ast.unparse(n) in UNTYPED for n in ast.walk(tree))


def key_reads(tree: ast.AST) -> int:
    """Of something under a key in quotes that is no split's name."""
    keys = (n.slice for n in ast.walk(tree) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Load))
    return sum(isinstance(k, ast.Constant) and isinstance(k.value, str) and k.value not in SPLITS for k in keys)


def counted() -> tuple[Counter[str], Counter[str]]:
    found, read = Counter[str](), Counter[str]()
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found[place_of(path)] += mentions(tree)
        read[place_of(path)] += key_reads(tree)
    return found, read


COUNTED = counted()


@pytest.mark.parametrize("place", [*ALLOWED, "elsewhere"])
def test_no_more_untyped_mappings_than_allowed(place: str) -> None:
    most, reads, _ = ALLOWED.get(place, (0, 0, ""))
    assert COUNTED[0][place] <= most
    assert COUNTED[1][place] <= reads


def test_what_is_counted() -> None:
    tree = ast.parse(
        'def f(a: dict[str, Any], b: Mapping[str, object]) -> int:\n    return a["n"] + b["train"] + a[k]\n'
    )
    assert (mentions(tree), key_reads(tree)) == (2, 1)
