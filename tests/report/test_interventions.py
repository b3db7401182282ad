"""Edits on the page and in the terminal: what is said of them, whichever others were made in the run."""

from dataclasses import replace
from itertools import combinations

import pytest

from neurosieve.cli.show import show_intervention
from neurosieve.report import render_page
from neurosieve.report.interventions import (
    edit_table,
    effect_chart,
    effect_table,
    intervention_cards,
    intervention_headline,
    matching_note,
    measure_table,
    short_effect_table,
)
from neurosieve.results.interventions import EditKind, PredictionEffects
from neurosieve.typing import NeuronId
from tests.report.concept_results import concepts_of
from tests.report.drawn import named, points_of
from tests.report.edit_results import (
    EDITS,
    in_one_file,
    intervention,
    interventions_of,
    measured,
    of_old,
    on_the_probe,
    on_the_task_alone,
)


def test_interventions_are_told_beside_random_edits() -> None:
    records = interventions_of("full")
    assert intervention_headline(records).startswith("2 of 2 edits change what the model predicts")
    assert "at least 15.0 points (measured 20.0 [15.0, 24.0]) fewer right" in intervention_headline(records)
    assert intervention_headline(interventions_of("nothing")).startswith("None of 2 edits")
    assert [row[-1] for row in effect_table(records).rows[:2]] == [
        "claimed: at least 15.0 points",
        "not claimed: interval [-2.0, 7.0] points holds 0",
    ]
    assert len(edit_table(records).rows) == 2
    marks = named(effect_chart(records))
    assert [p.x for p in marks["where the value is"].points] == [20.0, 3.0, 20.0, 3.0]
    bars = points_of(effect_chart(records), "span")[4:]
    assert [p.x for p in bars] == pytest.approx([15.0, -2.0, 15.0, -2.0])
    assert [p.x2 for p in bars] == pytest.approx([24.0, 7.0, 24.0, 7.0])
    assert [p.x for p in marks["elsewhere"].points] == [2.0] * 4
    assert marks["random edits, mean to 95 %"].points[0][:3] == (1.0, 0 + 1, 3.0)


def test_more_of_an_edit() -> None:
    ablate, erase = ({row[0]: row[1:] for row in measure_table(r).rows} for r in interventions_of("full"))
    assert ablate["the run's probe, accuracy (n 40)"] == (
        "90.0 % [80.0, 95.0]",
        "70.0 %",
        "drop 1.0 points (95 % below 3.0)",
    )
    assert erase["the run's probe"][0] == "not measured: no probe of this run"
    assert erase["a new probe on layer 1 (n 100, guess 50.0 %)"][1] == "50.0 % [40.0, 60.0]"


def test_steering_is_to_turn_other_tokens() -> None:
    steer = intervention("steer", claimed=False)
    verdict = edit_table([steer]).rows[0][-1]
    assert verdict == "claimed: at least 20.0 points; turns 29.0 [20.0, 35.0] points elsewhere"
    assert intervention_headline([steer]).startswith("steer ")
    assert intervention_headline([steer, replace(steer, how=None)]).startswith(
        "2 of 2 edits change what the model predicts of a concept, most clearly steer "
    )
    more = "predicted at least 20.0 points (measured 29.0 [20.0, 35.0]) more often where it is not"
    assert more in intervention_headline([steer])
    found = measured(steer)
    steer = replace(steer, predictions=replace(found, turned=replace(found.turned, claimed=False)))
    assert intervention_headline([steer]).startswith("steer lexical=number is not shown to change")
    assert edit_table([steer]).rows[0][-1] == "not claimed; turns 29.0 [20.0, 35.0] points elsewhere"


def test_an_edit_measured_on_the_task_alone() -> None:
    record = on_the_task_alone("ablate")
    assert intervention_headline([record]) == "1 edit measured on the task alone"
    assert edit_table([record]).rows[0][-1] == "predictions not measured: left out by --no-predictions"
    assert [row[0] for row in measure_table(record).rows] == [
        "the run's probe, accuracy (n 40)",
        "the model's own head",
    ]
    assert short_effect_table(record).rows == ()
    page = render_page(None, "run", None, [record])
    assert 'id="effects"' not in page
    assert intervention_headline([record, *interventions_of("full")]).startswith("2 of 2 edits")


def test_values_of_a_probe_are_told_as_such() -> None:
    record = replace(intervention("ablate", claimed=True), probe=replace(on_the_probe(), score="r2"))
    assert ("the run's probe, R² (n 40)", "0.900 [0.800, 0.950]", "0.700") in [
        row[:3] for row in measure_table(record).rows
    ]


@pytest.mark.parametrize("claimed", [True, False])
def test_terminal_shows_an_edit(
    claimed: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    record = intervention("ablate", claimed=claimed)
    show_intervention(record, "run")
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    (effect,) = [row for row in short_effect_table(record).rows if row[0] == "effect, points"]
    assert all(cell in shown for cell in effect)
    assert "report in run/report.html" in shown


@pytest.mark.parametrize(("first", "second"), [*combinations(EDITS, 2)])
def test_any_edits_stand_on_one_page(first: str, second: str) -> None:
    """Claimed or not, measured or not, of a neuron set or a layer, of this version or an older one."""
    records = [EDITS[first]("ablate"), EDITS[second]("erase")]
    page = render_page(None, "run", concepts_of("full"), records)
    assert ('id="effects"' in page) == any(isinstance(r.predictions, PredictionEffects) for r in records)
    assert [row[0] for row in edit_table(records).rows] == ["ablate (mean) lexical=number", "erase lexical=number"]
    assert len(intervention_cards(records)) == 2
    told = [isinstance(r.predictions, PredictionEffects) for r in records]
    assert len(effect_table(records).rows) == 2 * sum(told)
    names = {row[0] for row in effect_table(records).rows}
    assert names == {row[0] for row, is_told in zip(edit_table(records).rows, told, strict=True) if is_told}


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.parametrize("edit", ["ablate", "clamp", "steer", "erase"])
def test_terminal_shows_any_edit(
    edit: EditKind, kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    record = EDITS[kind](edit)
    show_intervention(record, "run")
    shown = capsys.readouterr().out
    assert matching_note(record, named=0) in shown
    assert f"{edit}{' (mean)' if edit == 'ablate' else ''} lexical=number" in shown
    assert "report in run/report.html" in shown


def test_what_cannot_be_measured_is_said_so() -> None:
    """In one file nothing can be resampled: a value without an interval, and neither claimed nor denied."""
    record = in_one_file("ablate")
    (row,) = edit_table([record]).rows
    assert row[2] == "20.0 (no interval) (n 60)"
    assert row[-1].startswith("not measured: all units are in one file")
    assert intervention_headline([record]).startswith("The effect of 1 edit cannot be measured")
    assert intervention_headline([record, *interventions_of("full")]).startswith("2 of 3 edits")
    assert len(points_of(effect_chart([record]), "span")) == 2  # of random edits alone
    steer = in_one_file("steer")
    assert edit_table([steer]).rows[0][-1].startswith("not measured: all units are in one file")


def test_random_edits_are_told_with_how_near_they_are() -> None:
    record = intervention("ablate", claimed=True)
    assert matching_note(record) == (
        "100 random edits (57 different), matched in variance within a factor of 1.95, median 1.08;"
        " left out, since no other neuron has a similar variance: 2 (1:3, 2:7)"
    )
    assert record.matching is not None
    left_out = tuple(NeuronId(1, i) for i in range(13))
    record = replace(record, matching=replace(record.matching, unmatched=left_out, distinct_sets=100))
    assert matching_note(record).endswith("13 (1:0, 1:1, 1:2, 1:3, 1:4, 1:5, 1:6, 1:7, 1:8, 1:9 and 3 more)")
    assert "different" not in matching_note(record)
    assert matching_note(of_old("ablate")) == "100 random edits; how similar they are is not known"
