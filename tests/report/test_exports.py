"""The frontier of an export: each way once, the exported one marked, others by whether they hold."""

from dataclasses import replace

import pytest

from neurosieve.report import render_page
from neurosieve.report.export import (
    card,
    export_html,
    export_text,
    frontier_table,
    score_rows,
    short_frontier_table,
    speed_table,
)
from neurosieve.report.frontier_figure import frontier_chart
from neurosieve.results import from_json, to_json
from neurosieve.results.export import ExportResult
from tests.report.drawn import marks_of, named
from tests.report.export_results import export_of, spec_of
from tests.report.records import result_of


def test_the_figure_has_each_way_once() -> None:
    result = export_of()
    chart = frontier_chart(result)
    assert list(named(chart)) == ["table", "standard", "full", "cascade", "exported"]
    ways = [mark for mark in marks_of(chart) if mark.kind == "point" and mark.name != "exported"]
    drawn = {(p.x, p.y, mark.name, mark.look.open) for mark in ways for p in mark.points}
    assert drawn == {
        (point.cost, point.validation, "cascade" if point.first else point.form, not point.within)
        for point in result.frontier
    }
    (ring,) = named(chart)["exported"].points
    assert (ring.x, ring.y) == (result.exported.cost, result.exported.validation)
    assert result.exported.name == "layer 0, then 12 % to layer 2"


def test_the_values_stand_below_with_their_intervals() -> None:
    rows = frontier_table(export_of()).rows
    assert [row[0] for row in rows] == ["", "→", "", "", ""]
    assert rows[0][6] == "80.0 % [93.0, 97.0]"
    assert rows[2][2:8] == ("layer 2, 60 % of blocks", "2", "12", "1,200", "95.0 % [93.0, 97.0]", "–")


def test_few_ways_for_a_narrow_screen() -> None:
    """The exported one, and the cheapest of each form within delta; neither doubles nor ways that lose too much."""
    table = short_frontier_table(export_of())
    assert [row[:3] for row in table.rows] == [
        ("→", "full", "layer 0, then 12 % to layer 2"),
        ("", "standard", "layer 2"),
    ]
    assert table.title.startswith("Some of 5 ways")


@pytest.mark.parametrize("name", ["small", "<b>'\"&", "a b/c"])
def test_the_page_shows_every_export(name: str) -> None:
    page = render_page(result_of("full"), "run", exports={name: export_of(), "other": export_of()})
    assert page.count("A smaller model, ") == 2
    assert "<b>'" not in page
    assert 'data-figure="frontier-other"' in page
    assert "A smaller model" not in render_page(result_of("full"), "run")


def test_what_a_cascade_passes_on_is_told() -> None:
    result = export_of()
    assert ("units passed on to the blocks", "10.0 %") in score_rows(result).rows
    shown = (export_text(result), str(export_html(result)), card(result, spec_of()))
    assert all("units passed on to the blocks" in text for text in shown)
    assert not any("passed on" in row[0] for row in score_rows(replace(result, cascade=None)).rows)


def test_memory_that_was_left_out_is_not_shown() -> None:
    assert "peak memory" not in {row[0] for row in speed_table(export_of().speeds).rows}


def test_a_record_is_read_as_it_was_written() -> None:
    result = export_of()
    assert from_json(ExportResult, to_json(result), "x") == result
    record = to_json(result)
    del record["cascade"]
    for point in record["frontier"]:
        del point["kept"]
    assert from_json(ExportResult, record, "x").cascade is None
