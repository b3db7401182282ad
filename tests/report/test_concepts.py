"""Tables and figures of concepts and interventions: what they say, how much of it, and that nothing is colour alone."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.cli.show import show_concepts
from neurosieve.report import render_page
from neurosieve.report.code import marked, near
from neurosieve.report.concept_figures import concept_charts, depth_chart, rival_chart
from neurosieve.report.concepts import (
    EARLIER,
    claim_rule,
    claim_table,
    concept_headline,
    further_parts,
    left_out_table,
    short_claim_table,
    studied_table,
    value_table,
)
from neurosieve.report.drawing import Chart, shade
from neurosieve.report.evidence import evidence_cards
from neurosieve.report.interventions import effect_chart
from neurosieve.report.latent import latent_chart
from neurosieve.report.numbers import p_value, ratio
from neurosieve.report.set_groups import group_charts, overlap_table, property_set_table
from neurosieve.report.texts import explained_chart
from neurosieve.results import from_json, to_json
from neurosieve.results.concepts import Concept, ConceptResult
from tests.report.concept_results import KINDS, concepts_of, found_neuron, present, with_concepts
from tests.report.drawn import differ_without_colour, named, points_of
from tests.report.edit_results import interventions_of


def charts_of(kind: str) -> dict[str, Chart]:
    result = concepts_of(kind)
    parts = further_parts(result)
    charts = concept_charts(result) | (group_charts(parts["groups"]) if "groups" in parts else {})
    if "latent" in parts:
        charts |= {"latent": latent_chart(parts["latent"]), "explained": explained_chart(parts["examples"])}
    return charts | {"effects": effect_chart(interventions_of(kind))}


CHARTS = [pytest.param(chart, id=f"{kind}-{key}") for kind in KINDS for key, chart in charts_of(kind).items()]


@pytest.mark.parametrize("chart", CHARTS)
def test_charts_state_a_finding_and_hold_their_values(chart: Chart) -> None:
    assert len(chart.title) > 15
    assert chart.caption.endswith(".")
    assert {len(row) for row in chart.table.rows} <= {len(chart.table.columns)}
    assert all(panel.x.title for panel in chart.figure.panels)
    assert "<script" not in chart.drawings()


@pytest.mark.parametrize("chart", CHARTS)
def test_series_differ_without_colour(chart: Chart) -> None:
    assert differ_without_colour(chart)


def test_headlines() -> None:
    text = concept_headline(concepts_of("full"))
    assert text.startswith(
        "5 of 300 neurons are claimed as neurons of 2 of 3 property values, the clearest 1:0 of naming="
    )
    assert "average precision 0.95 [0.85, 1.00] on held-out files, 0.20 without training" in text
    assert concept_headline(concepts_of("nothing")) == (
        "No neuron of 300 clears the bounds for one of 3 property values"
    )
    bare = with_concepts(concepts_of("bare"), lambda c: replace(c, neurons=c.neurons[:1]))
    assert concept_headline(bare).startswith("1 of 300 neurons is claimed as a neuron of 2 of 3")


def test_the_clearest_is_chosen_by_train() -> None:
    lucky = replace(found_neuron(0, 8, 0.81, claimed=True), ap=1.0, interval=(0.9, 1.0))

    def with_luck(c: Concept) -> Concept:
        return replace(c, neurons=(*c.neurons, lucky)) if c.property_name == "naming" else c

    assert "the clearest 1:0 of" in concept_headline(with_concepts(concepts_of("bare"), with_luck))


def test_claims_show_three_neurons_a_value_and_count_the_others() -> None:
    table = claim_table(concepts_of("full").views["detect"])
    assert [row[:2] for row in table.rows] == [
        ("lexical=number", "1:0"),
        ("lexical=number", "1:1 low"),
        ("lexical=number", "1:2"),
        ("lexical=number", "2 more"),
        ("naming=UPPER_CASE", "1:0"),
    ]
    assert table.rows[3][2] == "0.87 – 0.89"
    assert claim_table(concepts_of("nothing").views["detect"]).rows == ()


def test_values_carry_base_rate_rival_and_verdict() -> None:
    view = concepts_of("full").views["predict"]
    table = value_table(view)
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert list(rows) == ["lexical=number", "lexical=keyword", "naming=UPPER_CASE"]
    assert (
        rows["lexical=number"] | {"verdict": "claimed: 5 neurons", "AP": "0.95 [0.85, 1.00]"} == rows["lexical=number"]
    )
    keyword = rows["lexical=keyword"]
    assert keyword["verdict"] == "not claimed: AP on train 0.40 < 0.8"
    assert (keyword["n"], keyword["base rate"], keyword["best rival's AP"]) == ("50", "0.050", "lookup 0.97")
    assert keyword["AP on unseen texts"] == "0.35 (base 0.040)"


def test_a_rival_without_a_score_is_no_rival() -> None:
    concept = concepts_of("full")["lexical=number"]
    assert concept.rival == ("lookup", 0.5)
    assert replace(concept, rivals={"lookup": None}).rival == ("a guess", 0.05)


def test_left_out_values_have_a_reason_a_view() -> None:
    views = dict(concepts_of("full").views)
    views["predict"] = replace(views["predict"], left_out={"language": "one value only (python)"})
    table = left_out_table(replace(concepts_of("full"), views=views))
    assert table.title == "2 values left out"
    assert ("node=class", "28 rows", "looked for") in table.rows


def test_studied_names_what_was_not_measured() -> None:
    rows = {row[0]: row[1] for row in studied_table(concepts_of("nothing")).rows}
    assert rows["sets"] == "not measured: no property has enough rows"
    assert rows["view detect"].startswith("the token is seen: train 1,000 tokens of 9 files")
    assert "sets" not in [row[0] for row in studied_table(concepts_of("full")).rows]


def test_claims_stand_with_their_lead_and_what_they_owe() -> None:
    """A result of an earlier version has neither, and says by which rule it was made."""
    result = concepts_of("full")
    table = claim_table(result.views["detect"])
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows[:4]]
    assert rows[0]["above the best rival"] == "0.45 [0.37, 0.53]"
    assert rows[0]["AUROC"] == "0.96 [0.93, 0.98]"
    assert [row["note"] for row in rows] == ["", "above a table of texts only there", "", ""]
    assert rows[3]["above the best rival"] == "0.37 – 0.39"
    assert "lower bounds" in claim_rule(result)
    old = concepts_of("earlier")
    table = claim_table(old.views["detect"])
    first = dict(zip(table.columns, table.rows[0], strict=True))
    assert (first["above the best rival"], first["AUROC"], first["note"]) == ("0.45", "0.96", "")
    assert "earlier version" in claim_rule(old)
    assert EARLIER[:40] in render_page(None, "run", old)


def test_why_no_untrained_copy_was_a_rival() -> None:
    row = ("untrained copies", "no rival in view detect: left out by untrained_seeds: 0")
    assert row in studied_table(concepts_of("bare")).rows
    assert "untrained copies" not in {row[0] for row in studied_table(concepts_of("full")).rows}


def test_rival_chart_draws_the_scores_and_the_margin() -> None:
    view = concepts_of("full").views["detect"]
    chart = rival_chart(view)
    places = {name: [p.x for p in mark.points if p.x is not None] for name, mark in named(chart).items()}
    assert sorted(places["best rival"]) == [0.2, 0.5, 0.97]
    assert places["best neuron, claimed"] == [0.95, 0.95]
    assert places["best neuron"] == [0.4]
    assert places["needed for a claim"] == [0.5, 0.97, 0.2]
    assert [p.x2 for p in named(chart)["needed for a claim"].points] == pytest.approx([0.6, 0.985, 0.3])
    assert "far enough above the best rival for 2 of 3 values, and 2 of them have claimed neurons" in chart.title
    assert "none of them" in rival_chart(concepts_of("nothing").views["detect"]).title


def test_depth_chart_draws_all_layers_of_all_values() -> None:
    result = concepts_of("full")
    cells = points_of(depth_chart(result), "cell")
    assert [p.fill for p in cells] == [shade(v, 0.5, 1.0) for v in [0.6, 0.9, 0.7]] * 6
    assert [p.x for p in points_of(depth_chart(result), "point")] == [1] * 6
    assert len(depth_chart(result).table.rows) == 6


def test_sets_without_a_claim_say_why() -> None:
    groups = present(concepts_of("full").groups)
    table = property_set_table(groups)
    first, second = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert (first["smallest set"], first["loss, points"]) == ("8 (2.7 %)", "1.0 [-2.0, 4.0]")
    assert second["its accuracy"].startswith("the oracle, 0.480 at least")
    assert overlap_table(groups, "values").title.startswith("1 of 1 pairs of sets that carry")
    assert "no property has a set" in property_set_table(present(concepts_of("nameless").groups)).title


def test_latent_finding_is_beside_words_that_swap_their_values() -> None:
    cuts = present(concepts_of("full").latent)
    assert latent_chart(cuts).title.startswith("lexical explains 45.0 % of the clusters of layer 0; 20.0 %")
    alignments = [cut.alignment for cut in cuts]
    swapped = [
        replace(a, properties=tuple(replace(share, chance_words=0.5) for share in a.properties)) for a in alignments
    ]
    changed = [replace(cut, alignment=alignment) for cut, alignment in zip(cuts, swapped, strict=True)]
    assert latent_chart(changed).title.startswith("No property explains more")


class Text(HTMLParser):
    """What a piece of markup shows."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(value in ("code", None) for _, value in attrs)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        place = self._open[-1]
        self.texts[place] = self.texts.get(place, "") + data


@given(st.text(alphabet="a<&\"'>\n\t \x1b\u202e"), st.text(alphabet="xy<b>"), st.text(alphabet="z\n</pre>"))
def test_marked_code_stays_code(before: str, token: str, after: str) -> None:
    shown = Text(str(marked(before, token, after))).texts
    assert set(shown) <= {"pre", "mark"}
    assert shown.get("mark", "") == token
    assert shown.get("pre", "") == before.translate({0x1B: "\ufffd", 0x202E: "\ufffd"}) + after


@given(st.text(alphabet="a\n"), st.text(alphabet="b\n", min_size=1), st.text(alphabet="c\n"), st.integers(0, 3))
def test_near_keeps_lines_around_the_token(before: str, token: str, after: str, lines: int) -> None:
    text = before + token + after
    first, same, last = near(text, len(before), len(before) + len(token), lines)
    assert same == token
    assert before.endswith(first)
    assert after.startswith(last)
    assert first.count("\n") == min(lines, before.count("\n"))
    assert last.count("\n") == min(lines, after.count("\n"))


def test_evidence_shows_the_function_of_the_first_tokens() -> None:
    (card,) = evidence_cards("detect", present(concepts_of("full").evidence)["detect"])
    tokens = card["tokens"]["Strongest tokens on held-out files"]
    assert [t["whole"] is not None for t in tokens] == [True, True, True, False]
    assert tokens[0]["head"] == "+4.2 sd · number · a.py, line 2"
    assert card["drawing"].count("<rect") == 2
    assert card["alike"] == "1:4 (r -0.61)"
    assert card["densities"].rows[-1] == ("2.00 to 4.00", "0.400", "0.000", "0.400")


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.0, "< 0.001"), (0.001, "0.001"), (0.5, "0.500")])
def test_p_values_are_never_zero(value: float | None, text: str) -> None:
    assert p_value(value) == text


def test_ratio() -> None:
    assert [ratio(None), ratio(0.5), ratio(0.5, [0.123, 1.0])] == ["–", "0.50", "0.50 [0.12, 1.00]"]


@pytest.mark.parametrize("kind", ["full", "nothing", "bare"])
def test_terminal_fits_80_columns(
    kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = from_json(ConceptResult, to_json(concepts_of(kind)), "concepts.json")
    show_concepts(result, "run")
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for view in result.views.values():
        for row in short_claim_table(view).rows:
            assert any(all(cell in line for cell in row) for line in shown.splitlines()), row
    assert ("no neuron is claimed" in shown) is (kind == "nothing")
    assert "all tables in run/report.html, results in run/concepts.json" in shown
    assert len(shown.splitlines()) <= 25
