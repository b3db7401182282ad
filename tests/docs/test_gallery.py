"""The gallery's study files are studies; the page shows them, their pictures and a paragraph each."""

import re
from pathlib import Path

import pytest

from neurosieve.report.cite import methods
from neurosieve.studies.config import make_config
from tests.docs import DOCS, ROOT, blocks, read
from tests.report.concept_results import concepts_of
from tests.report.records import result_of

PAGE = read(DOCS / "gallery.md")
FILES = sorted((ROOT / "examples").rglob("*.yaml"))
STUDIES = [path for path in FILES if path.parent.name == "gallery"]
LARGEST = 200_000  # bytes of a picture


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_study_file_is_valid(path: Path) -> None:
    assert make_config(study=path).data


def test_there_are_five() -> None:
    assert len(STUDIES) >= 5


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_page_shows_the_file_its_picture_and_its_paragraph(path: Path) -> None:
    section = PAGE.partition(f"{{ #{path.stem} }}")[2].partition("\n## ")[0]
    comment, _, content = path.read_text(encoding="utf-8").partition("\n")
    shown = dict(blocks(section))
    assert shown["yaml"] == content
    command = shown["console"].strip()
    assert comment.removeprefix("# ").startswith(command)
    assert f"examples/gallery/{path.name}" in command
    assert "](results.md#" in section
    picture = DOCS / "images" / f"gallery-{path.stem}.png"
    assert f"(images/{picture.name})" in section
    assert 10_000 < picture.stat().st_size <= LARGEST
    paragraph = " ".join(re.findall(r"^> (.+)$", section, re.MULTILINE))
    asked, ordered, claimed = (" The probe is a ", " Neurons were ordered ", " A neuron is claimed ")
    of_concepts = command.startswith("neurosieve concepts")
    assert (claimed in paragraph, asked in paragraph) == (of_concepts, not of_concepts)
    assert (ordered in paragraph) == (not of_concepts and "no set of neurons is named" not in " ".join(section.split()))
    printed = methods(None, concepts_of("full")) if of_concepts else methods(result_of("full"), None)
    assert paragraph.rpartition(". ")[2] == printed.rpartition(". ")[2]  # the words are those of the report now
