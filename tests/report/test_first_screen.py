"""What a newcomer reads first, and how a run is cited."""

import re
from pathlib import Path

import pytest
import yaml

from neurosieve.report.cite import bibtex, methods
from neurosieve.report.first_screen import Shown
from neurosieve.report.glossary import GLOSSARY, linked, place_of
from neurosieve.report.story import concept_story, edit_story, reading, short_model, story_of, study_story
from neurosieve.results.redundancy_parts import Answer
from tests.report.concept_results import concepts_of
from tests.report.edit_results import interventions_of
from tests.report.records import NAMES, result_of


@pytest.mark.parametrize("name", NAMES)
def test_each_study_has_question_figures_and_trust(name: str) -> None:
    result = result_of(name)
    story = study_story(result)
    assert story.asked.endswith("?")
    assert len(story.tiles) == (4 if result.sets else 2)
    assert all(tile.value and tile.text for tile in story.tiles)
    said = [int(n) for n in re.findall(r"(\d+) (?:passed|not)", story.trust)]
    assert sum(said) == len(result.trust)
    assert story.trust.count("?") == sum(entry.answer is Answer.NO for entry in result.trust)


def test_concepts_and_edits_have_theirs() -> None:
    story = concept_story(concepts_of("full"))
    assert [tile.value for tile in story.tiles] == ["5", "2 of 3", "0.95", "0.20"]
    assert len(concept_story(concepts_of("nothing")).tiles) == 2
    assert edit_story(interventions_of("full")).tiles[0].value == "2 of 2"
    assert story_of(None, None, ()) is None
    assert "test rows" not in " ".join(reading(None))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("neurosieve/encoder", "neurosieve/encoder"),
        ("/somewhere/minilm/model", "minilm/model"),
        ("", "activations made elsewhere"),
    ],
)
def test_models_are_short(model: str, name: str) -> None:
    assert short_model(model) == name


def test_methods_name_the_settings() -> None:
    text = methods(result_of("full"), concepts_of("full"))
    for setting in ("300 neurons", "elastic-net", "(LCA)", "1 point", "random orders", "average precision of 0.8"):
        assert setting in text
    assert methods(None, None) == ""
    assert "weights of the probe" not in methods(result_of("nothing"), None)


def test_cites_what_the_citation_file_names() -> None:
    file = Path(__file__).resolve().parents[2] / "CITATION.cff"
    study = yaml.safe_load(file.read_text(encoding="utf-8"))["references"][0]
    text = bibtex("0.1.0")
    assert study["title"] in text
    assert str(study["year"]) in text
    assert study["identifiers"][0]["value"] in text
    for author in study["authors"]:
        assert f"{author['family-names']}, {author['given-names']}" in text
    assert text.count("{") == text.count("}")


def test_words_lead_to_their_meaning() -> None:
    made = linked("The oracle and <b>untrained copies</b> of the oracle", GLOSSARY)
    assert made.count("<a ") == 2
    assert f"href='#{place_of('untrained copy')}'" in made
    assert "<b>" not in made
    assert linked("probes-of-nothing", GLOSSARY) == "probes-of-nothing"
    assert linked("a < b", {}) == "a &lt; b"


@pytest.mark.parametrize("name", ["full", "nothing", "hostile"])
def test_shown(name: str) -> None:
    shown = Shown(result_of(name))
    assert shown.headline in repr(shown)
    html = shown._repr_html_()
    assert html.count("<svg xmlns") == 1
    assert "How far to trust it" in html
    assert "<script" not in html
    assert Shown(None, concepts_of(name)).headline.count("neuron") > 0
    assert "<svg" in Shown(None, None, interventions_of(name))._repr_html_()
