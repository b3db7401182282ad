"""Detected × predicted × caused: each verdict, for values that are claimed, edited, both or neither."""

from dataclasses import replace

import pytest

from neurosieve.report.held_used import held_used_table
from neurosieve.report.page import render_page
from neurosieve.report.saved_files import Found, tables_of
from neurosieve.results import InterventionResult, NotMeasured, Reason
from tests.report.concept_results import concepts_of
from tests.report.edit_results import intervention, predictions
from tests.report.test_set_tables import KEYWORD as ALONE
from tests.report.test_set_tables import TEXT, view

NUMBER, KEYWORD, UPPER = "lexical=number", "lexical=keyword", "naming=UPPER_CASE"


def edited(concept: str, *, claimed: bool, edit: str = "ablate") -> InterventionResult:
    return replace(intervention(edit, claimed=claimed), concept=concept)  # type: ignore[arg-type]


CASES: dict[str, tuple[list[InterventionResult], dict[str, str]]] = {
    "none edited": ([], {NUMBER: "held, not shown to be used", UPPER: "held, not shown to be used"}),
    "used": ([edited(NUMBER, claimed=True)], {NUMBER: "held, used", UPPER: "held, not shown to be used"}),
    "one of two": (
        [edited(NUMBER, claimed=False), edited(NUMBER, claimed=True, edit="erase")],
        {NUMBER: "held, used", UPPER: "held, not shown to be used"},
    ),
    "not used": ([edited(NUMBER, claimed=False)], {NUMBER: "held, not shown to be used"}),
    "not held": ([edited(KEYWORD, claimed=False)], {NUMBER: "held, not shown to be used", KEYWORD: "not held"}),
    "used together": (
        [edited(KEYWORD, claimed=True)],
        {KEYWORD: "not held, but its neurons together are used"},
    ),
    "used as a whole": (
        [replace(edited(NUMBER, claimed=False), whole=predictions(claimed=True))],
        {NUMBER: "held, used"},
    ),
    "steered": ([edited(NUMBER, claimed=True, edit="steer")], {NUMBER: "held, not shown to be used"}),
    "not measured": (
        [replace(edited(NUMBER, claimed=True), predictions=NotMeasured(reason=Reason.OTHER, text="no head"))],
        {NUMBER: "held, not shown to be used"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: str) -> None:
    edits, expected = CASES[case]
    rows = {row[0]: row for row in held_used_table(concepts_of("full"), edits).rows}
    assert {name: rows[name][-1] for name in expected} == expected
    assert set(rows) == {NUMBER, UPPER} | {e.concept for e in edits}


def test_cells_say_what_the_verdict_rests_on() -> None:
    (number, _) = held_used_table(concepts_of("full"), [edited(NUMBER, claimed=True)]).rows
    assert number[1] == "claimed: 1:0, AP 0.95 [0.85, 1.00]"
    assert number[3] == "ablate (mean) lexical=number: claimed: at least 15.0 points"
    upper = held_used_table(concepts_of("full"), []).rows[1]
    assert upper[2].startswith("not claimed: 2:7, AP 0.40")
    assert upper[3] == "no edit"


def test_a_set_is_named_where_no_neuron_is_claimed_alone() -> None:
    both = replace(concepts_of("nothing"), views={"detect": view(TEXT), "predict": view(ALONE)})
    text, keyword = held_used_table(both, []).rows
    assert text[0] == "text=natural"
    assert text[1:3] == ("claimed: set of 8, AP 0.91 [0.86, 0.95]", "–")
    assert keyword[2].startswith("claimed: 1:3 low, AP 0.90")
    assert {text[-1], keyword[-1]} == {"held, not shown to be used"}


def test_a_value_that_was_not_looked_for_is_not_held() -> None:
    (row,) = held_used_table(concepts_of("nothing"), [edited("node=class", claimed=False)]).rows
    assert row[1:3] == ("–", "–")
    assert row[-1] == "not held"


def test_on_the_page_and_saved() -> None:
    concepts, edits = concepts_of("full"), [edited(NUMBER, claimed=True)]
    assert 'id="held-and-used"' in render_page(None, "runs/tiny", concepts, edits)
    assert tables_of(Found(None, concepts, edits))["held-and-used"].rows[0][-1] == "held, used"
    assert 'id="held-and-used"' not in render_page(None, "runs/tiny", concepts_of("nothing"), [])
