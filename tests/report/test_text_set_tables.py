"""Tables of sets for whole texts: what is claimed, how far the others are, and where else they are shown."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from neurosieve.errors import ConfigError
from neurosieve.notebook.profiles import profile_of
from neurosieve.report.concepts import concept_html, studied_table
from neurosieve.report.text_set_tables import number_curve_table, number_table, text_set_line, text_set_tables
from neurosieve.results.concepts import ConceptFindings, ConceptResult
from neurosieve.results.measured import Difference, NotMeasured, Spread
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.text_sets import NumberSet, TextNumber, TextSets
from neurosieve.studies.interventions import run as module
from neurosieve.studies.interventions.run import intervene
from neurosieve.typing import NeuronId
from tests.report.concept_results import concept, concepts
from tests.report.test_set_tables import few
from tests.studies import finished_concepts
from tests.studies.interventions.edited import options
from tests.tiny import assert_one_line


def number_set(size: int, r2: float, lacking: str = "") -> NumberSet:
    return NumberSet(
        neurons=NeuronSet([(1, i) for i in range(size)]), weights=tuple((-1.0) ** i for i in range(size)),
        way="probe", validation_r2=r2, r2=r2, r2_interval=(r2 - 0.04, r2 + 0.03),
        random=Spread(mean=0.2, median=0.2, low=0.1, high=0.3), untrained=0.25, rival="length", rival_r2=0.6,
        difference=Difference(value=r2 - 0.6, interval=(r2 - 0.65, r2 - 0.55)), lacking=lacking,
    )  # fmt: skip


COMPLEXITY = TextNumber(
    property_name="complexity",
    rivals={"length": 0.6, "token-counts": 0.5},
    sets=(number_set(1, 0.5, "R² on validation 0.50 < 0.7"), number_set(4, 0.8)),
)
NESTING = replace(COMPLEXITY, property_name="nesting", sets=(number_set(1, 0.5, "R² on validation 0.50 < 0.7"),))
ONE = replace(COMPLEXITY, property_name="arrays", sets=NotMeasured.from_text("validation has one number only"))
THROWS = replace(
    concept("detect", "exceptions", "throws"), neurons=(), sets=(few(1, 0.6, lacking="weak"), few(8, 0.91))
)


def result(*numbers: TextNumber, value: bool = True) -> ConceptResult:
    rows, files = {"train": 1000, "test": 900}, {"train": 9, "test": 7}
    found = (THROWS,) if value else ()
    values = ConceptFindings(view="detect", rows=rows, files=files, concepts=found, left_out={"loops=4+": "3 rows"})
    sets = TextSets(values=values, numbers=numbers, left_out={"pointers": "one number only on train"})
    return replace(concepts(), text_sets=sets)


def test_numbers_and_values_have_their_tables() -> None:
    made = result(COMPLEXITY, NESTING, ONE)
    sets = made.text_sets
    assert isinstance(sets, TextSets)
    (row,) = number_table(sets).rows
    assert row[:5] == ("complexity", "4", "1", "1:0, 1:1 low, 1:2, 1:3 low", "0.80 [0.76, 0.83]")
    assert row[5:] == ("0.20 [0.15, 0.25]", "length 0.60", "0.20 (0.10 – 0.30)", "0.25")
    curves = number_curve_table(sets)
    assert curves.columns == ("number", "1 neuron", "4 neurons", "best rival's R²", "verdict")
    assert [r[-1] for r in curves.rows] == [
        "claimed: 4 neurons",
        "not claimed: R² on validation 0.50 < 0.7",
        "validation has one number only",
    ]
    tables = text_set_tables(made)
    assert tables["text-sets"].title == "Values claimed as sets, whole texts"
    assert tables["text-sets"].rows[0][0] == "exceptions=throws"
    assert tables["text-sets-left-out"].rows == (
        ("loops=4+", "3 rows"),
        ("pointers (number)", "one number only on train"),
    )
    assert sets.claimed.keys() == {"exceptions=throws", "complexity"}


def test_the_line_says_what_is_claimed() -> None:
    said = "Of 1 value and 2 numbers of whole texts, 2 claimed as sets of few neurons: "
    assert text_set_line(result(COMPLEXITY, NESTING)).startswith(said)
    assert "complexity (4 neurons, R² 0.80)" in text_set_line(result(COMPLEXITY, NESTING))
    assert text_set_line(result(NESTING, value=False)).endswith("none is claimed as a set of few neurons")
    assert text_set_line(concepts()) == ""
    assert text_set_tables(concepts()) == {}
    assert "Numbers claimed as sets" in concept_html(result(COMPLEXITY))


def test_why_they_were_not_measured_is_said() -> None:
    made = replace(concepts(), text_sets=NotMeasured.from_text("too few texts"))
    assert ("sets for whole texts", "not measured: too few texts") in studied_table(made).rows


def test_a_neuron_knows_the_sets_it_is_in() -> None:
    profile = profile_of(NeuronId(1, 2), ("m", None), None, None, result(COMPLEXITY), ())
    assert ("whole texts", "complexity", 4) in {(s.view, s.name, s.size) for s in profile.value_sets}


def test_no_edit_of_tokens_takes_a_set_of_whole_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Path(shutil.copytree(finished_concepts(), tmp_path / "run"))
    monkeypatch.setattr(module, "read_concepts_of", lambda _: result(COMPLEXITY))
    for name, size in (("exceptions=throws", 8), ("complexity", 4)):
        with pytest.raises(ConfigError) as caught:
            intervene(run, options(concept=name))
        assert_one_line(
            caught.value, f"concept {name}", f"of whole texts, claimed for {size} neurons", f"claimed['{name}']"
        )
