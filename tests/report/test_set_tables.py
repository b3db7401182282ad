"""Tables of sets of few neurons: what is claimed, how far the others are, and which neurons have two directions."""

from dataclasses import replace

from neurosieve.report.concepts import concept_headline
from neurosieve.report.set_tables import (
    claimed_sets,
    curve_table,
    direction_table,
    has_sets,
    set_sentence,
    set_table,
    short_set_table,
    study_table,
)
from neurosieve.results.concept_sets import ConceptSet
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptResult
from neurosieve.results.measured import Difference, NotMeasured, Spread
from neurosieve.results.neuron_set import NeuronSet
from tests.report.concept_results import concept, concepts, found_neuron


def few(size: int, ap: float, *, lacking: str = "", note: str = "") -> ConceptSet:
    """The first neurons of layer 2 and one of layer 4, every second low."""
    neurons = NeuronSet([*((2, i) for i in range(size - 1)), (4, 0)])
    return ConceptSet(
        neurons=neurons, weights=tuple((-1.0) ** i for i in range(size)), way="greedy", validation_ap=ap,
        validation_auroc=0.95, ap=ap, ap_interval=(ap - 0.05, ap + 0.04), auroc=0.97, auroc_interval=(0.95, 0.98),
        unseen_ap=None, random=Spread(mean=0.3, median=0.3, low=0.2, high=0.4), untrained=0.35, rival="lookup",
        rival_ap=0.47, difference=Difference(value=ap - 0.47, interval=None if lacking else (ap - 0.53, ap - 0.4)),
        lacking=lacking, note=note,
    )  # fmt: skip


TEXT = replace(
    concept("detect", "text", "natural", found_neuron(1, 3, 0.6, claimed=False)),
    sets=(few(1, 0.6, lacking="AP on validation 0.60 < 0.8"), few(8, 0.91), few(16, 0.93)),
)
KEYWORD = replace(
    concept("detect", "lexical", "keyword", found_neuron(1, 3, 0.9, claimed=True, low=True)),
    sets=(few(1, 0.5, lacking="AP on validation 0.50 < 0.8"), few(8, 0.7, lacking="AP on validation 0.70 < 0.8")),
)
NUMBER = replace(
    concept("detect", "lexical", "number", found_neuron(1, 3, 0.85, claimed=False)),
    sets=NotMeasured.from_text("validation has no row with the value, or none without it"),
)


def view(*found: Concept) -> ConceptFindings:
    rows, files = {"train": 1000, "test": 900}, {"train": 9, "test": 7}
    left_out = {"modifier=yes": "3 rows, under 30"}
    return ConceptFindings(view="detect", rows=rows, files=files, concepts=found, left_out=left_out)


def result(*found: Concept) -> ConceptResult:
    return replace(concepts(), views={"detect": view(*found)})


def test_the_sentence_of_a_set() -> None:
    claimed = TEXT.claimed_set
    assert claimed is not None
    expected = "text=natural: 8 neurons of layers 2–4, AP 0.91 [0.86, 0.95], best rival 0.47 (lookup)"
    assert set_sentence(TEXT, claimed) == expected
    assert expected in concept_headline(result(TEXT, KEYWORD))
    assert "claimed as a set" not in concept_headline(result(KEYWORD))


def test_claimed_sets_are_the_smallest() -> None:
    (row,) = set_table(view(TEXT, KEYWORD, NUMBER)).rows
    assert row[:5] == ("text=natural", "8", "2–4", "2:0, 2:1 low, 2:2, 2:3 low, 2:4, 2:5 low, 2:6, 4:0 low", row[4])
    assert "0.91 [0.86, 0.95]" in row
    assert "lookup 0.47" in row
    assert [(c.name, s.size) for c, s in claimed_sets(result(TEXT, KEYWORD))] == [("text=natural", 8)]
    assert short_set_table(view(TEXT, KEYWORD)).rows[0][:2] == ("text=natural", "8 of layers 2–4")


def test_curves_say_how_far_each_value_is() -> None:
    table = curve_table(view(TEXT, KEYWORD, NUMBER))
    assert table.columns[1:4] == ("1 neuron", "8 neurons", "16 neurons")
    verdicts = {row[0]: row[-1] for row in table.rows}
    assert verdicts == {
        "text=natural": "claimed: 8 neurons",
        "lexical=keyword": "not claimed: AP on validation 0.70 < 0.8",
        "lexical=number": "validation has no row with the value, or none without it",
    }
    assert table.rows[1][3] == table.rows[2][1] == "–"


def test_the_studys_values_are_all_there() -> None:
    rows = {row[0]: row for row in study_table(view(TEXT, KEYWORD, NUMBER)).rows}
    assert rows["text (comments, docstrings, string words)"][-1] == "claimed: 8 neurons"
    assert rows["keyword"][-1] == "1 single; not claimed: AP on validation 0.70 < 0.8"
    assert rows["modifier"][-1] == "not looked for: 3 rows, under 30"
    assert rows["type"][-1] == "not looked for: not asked for"
    assert len(rows) == 7


def test_a_neuron_with_two_directions() -> None:
    """High for text, low for keywords, where it is claimed; not where no side is."""
    ((neuron, high, low),) = direction_table(view(TEXT, KEYWORD)).rows
    assert (neuron, high.split()[0], low.split()[0]) == ("1:3", "text=natural", "lexical=keyword")
    assert "claimed" in low
    assert "claimed" not in high
    assert not direction_table(view(TEXT, NUMBER)).rows


def test_results_without_sets_have_no_tables() -> None:
    assert not has_sets(concepts())
    assert has_sets(result(TEXT))
