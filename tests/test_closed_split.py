"""What searches cannot read the test split: it is given no store, and names neither a store nor that split."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "neurosieve"
ROOMS = ("rankings", "redundancy", "probes", "statistics")
# These two look at test rows on purpose, after all choices: an untrained copy's, and the published study's own way.
AFTER = {"redundancy/untrained_copies.py", "redundancy/published.py"}
SEARCHING = [p for room in ROOMS for p in sorted((SOURCE / room).rglob("*.py"))]
SEARCHING = [p for p in SEARCHING if p.relative_to(SOURCE).as_posix() not in AFTER]
SEARCHING += [SOURCE / name for name in ("concepts/sets/set_search.py", "studies/redundancy/selection.py")]
READERS = {"ActivationStore", "ConceptStore", "read_activations", "row_reader", "extract", "open_test", "OpenedTest"}


def named(path: Path) -> set[str]:
    """Names that a module imports, and words that it holds in quotes."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {alias.name for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names}
    return imported | {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


@pytest.mark.parametrize("path", SEARCHING, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_what_searches_cannot_read_test_rows(path: Path) -> None:
    assert not named(path) & {*READERS, "test"}


def test_what_opens_them_would_be_seen() -> None:
    for name in ("redundancy/untrained_copies.py", "studies/redundancy/opened.py", "concepts/sets/property_sets.py"):
        assert named(SOURCE / name) & {*READERS, "test"}
