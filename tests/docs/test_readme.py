"""The README is short, shows first what can be done, explains its terms, and its figures are those of the results."""

import re

import pytest

from tests.docs import DOCS, ROOT, blocks, prose, read

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
SCREEN = 45  # lines
FOUND = TEXT.partition("## Two commands")[2].partition("## Your model")[0]
# Figures of what was found, not of what is installed: with a decimal point or a separator.
FIGURES = re.findall(r"\d{1,3}(?:,\d{3})+|−?\d+\.\d+", FOUND)
PYTHON_VERSIONS = {"3.11"}


def test_length() -> None:
    assert len(TEXT.splitlines()) <= 120
    (python,) = [block for language, block in blocks(TEXT) if language == "python"]
    assert len(python.strip().splitlines()) <= 10


def test_first_screen_has_what_can_be_done_a_picture_and_both_commands() -> None:
    first = "\n".join(TEXT.splitlines()[:SCREEN])
    for part in ("- **Find", "- **See", "- **Change", "- **Ship", "![", "    make demo", "    neurosieve run --model"):
        assert part in first
    assert first.index("![") < first.index("    make demo") < first.index("    neurosieve run")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z][\w-]*)", TEXT)) - {"a"}))
def test_target_exists(target: str) -> None:
    assert target in TARGETS


def test_figures_are_found() -> None:
    assert len(FIGURES) > 20


@pytest.mark.parametrize("figure", sorted(set(FIGURES) - PYTHON_VERSIONS))
def test_figure_is_in_the_results(figure: str) -> None:
    assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d]|[.,]\d)", read(DOCS / "results.md")), figure


@pytest.mark.parametrize("term", ["oracle", "token lookup", "LCA", "selectiv", "untrained cop", "LayerSelector", "CKA"])
def test_no_term_that_is_not_explained(term: str) -> None:
    assert not re.search(rf"\b{term}", prose(TEXT), re.IGNORECASE)
