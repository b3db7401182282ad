"""Modules on the page: every module, pair and change once, with what it is compared with; foreign texts stay texts."""

from dataclasses import replace

import pytest

from neurosieve.report import render_page
from neurosieve.report.modules import (
    MOVABLE,
    change_headline,
    change_table,
    composition_table,
    folder_sentence,
    matrix_table,
    module_chart,
    module_headline,
    module_table,
    modules_text,
    pair_table,
    short_change_table,
    short_composition_table,
    short_module_table,
)
from neurosieve.results import from_json, to_json
from neurosieve.results.modules import ModuleChange, ModulesResult
from tests.report.drawn import points_of
from tests.report.module_results import change_of, folder_of, modules_of
from tests.report.records import result_of


def test_the_headline_gives_size_score_and_loss() -> None:
    assert module_headline(modules_of()) == (
        "3 modules of 1 to 3 neurons (10.00 % of 20 on average) decide together with 99.0 % [97.0, 99.5] accuracy; the"
        " probe of all labels has 99.4 %: a loss of 0.4 points [-0.1, 0.9]"
    )


def test_each_module_stands_beside_random_ones() -> None:
    rows = module_table(modules_of()).rows
    assert [row[0] for row in rows] == ["A", "B", "C"]
    assert rows[0] == (
        "A", "3 (15.00 %)", "99.0 % [97.0, 99.5]", "0.4 [-0.1, 0.9]", "90.0 %", "80.0 %", "66.7 %",
        "70.0 % (60.0 – 80.0)", "9 (6 – 12)", "7",
    )  # fmt: skip
    assert rows[2][1] == "1 (5.00 %), not within delta"
    assert short_module_table(modules_of()).rows[0] == (
        "A", "3", "99.0 % [97.0, 99.5]", "0.4 [-0.1, 0.9]", "70.0 % (60.0 – 80.0)",
    )  # fmt: skip
    assert all(label in modules_text(modules_of()) for label in "ABC")


def test_compositions_stand_beside_random_ones() -> None:
    rows = composition_table(modules_of()).rows
    assert [row[0] for row in rows] == [
        "blocks of the probe of all labels", "independent modules", "10 times random modules of these sizes",
    ]  # fmt: skip
    assert rows[2][4:6] == ("50.0 % (40.0 – 60.0)", "49.4 [45.0, 53.0]")


def test_short_compositions_are_what_a_terminal_needs() -> None:
    result = modules_of()
    smallest = replace(result.independent, kind="smallest set")
    rows = short_composition_table(replace(result, compositions=(*result.compositions, smallest))).rows
    assert [row[0] for row in rows] == [row[0] for row in composition_table(result).rows]
    assert rows[0] == ("blocks of the probe of all labels", "4", "99.0 % [97.0, 99.5]", "0.4 [-0.1, 0.9]")


@pytest.mark.parametrize("kept", ["ABC", "AC"])
def test_rows_of_a_label_without_a_module_are_named(kept: str) -> None:
    told = folder_sentence(folder_of(kept), ("A", "B", "C"))
    assert ("those of B, without a module here, count as wrong" in told) == (kept == "AC")
    assert "99.0 % [97.0, 99.5]" in told
    assert "0.1 % of test rows otherwise" in told


def test_what_is_shared_has_its_chance() -> None:
    result = modules_of()
    matrix = matrix_table(result, result.independent)
    assert matrix.columns == ("", "A", "B", "C")
    assert [row[1 + i] for i, row in enumerate(matrix.rows)] == ["3", "2", "1"]
    assert matrix.rows[0][2] == matrix.rows[1][1]
    assert matrix.rows[0][2].startswith("0.667 [0.000, ")
    pairs = pair_table(result.independent)
    assert [row[0] for row in pairs.rows] == ["A and B", "A and C", "B and C"]
    assert len({len(row) for row in pairs.rows} | {len(pairs.columns)}) == 1


def test_the_figure_has_a_row_a_module_and_a_column_a_layer() -> None:
    chart = module_chart(modules_of())
    cells = {(point.y, point.x): point.text.rpartition(": ")[2] for point in points_of(chart, "cell")}
    assert [[cells[row, layer] for layer in (0, 1)] for row in range(3)] == [
        ["0.67", "0.33"],
        ["1.00", "0.00"],
        ["0.00", "1.00"],
    ]
    assert chart.title == (
        "2 neurons are in one module alone, 2 in several, 0 in all; by chance 0.5 would be in several"
    )
    assert chart.table.rows[3:] == (
        ("in one module alone", "2", "0", "2"), ("in some", "2", "2", "0"), ("in all", "0", "0", "0"),
    )  # fmt: skip


@pytest.mark.parametrize("kind", MOVABLE)
def test_a_change_tells_what_moved_and_what_could(kind: str) -> None:
    change = change_of(kind=kind, own=None if kind == "drop" else change_of().own)
    (row,) = change_table([change]).rows
    assert row[0] == f"{kind} A"
    assert (row[3], row[4], row[8], row[9]) == ("0.25 s", "yes", "3 of 300", "0")
    assert row[-1] == MOVABLE[change.kind]
    assert "equal in every bit" in change_headline(change)
    assert "CHANGED" in change_headline(change_of(untouched=False))
    assert change_table([change_of(untouched=False)]).rows[0][4] == "no"
    assert len(short_change_table([change]).columns) == 7


@pytest.mark.parametrize("names", [("A", "B", "C"), ("<b>'\"&", "a=b/c", "{{x}}")])
def test_the_page_shows_them(names: tuple[str, str, str]) -> None:
    page = render_page(result_of("full"), "run", modules=modules_of(names), changes=[change_of(label=names[0])])
    assert "Neurons that modules share" in page
    assert "Changes of one module" in page
    assert 'data-figure="modules"' in page
    assert "<b>'" not in page
    assert "module-changes" not in render_page(result_of("full"), "run", modules=modules_of(names))
    assert "label-modules" not in render_page(result_of("full"), "run")


def test_records_are_read_as_they_were_written() -> None:
    assert from_json(ModulesResult, to_json(modules_of()), "x") == modules_of()
    assert from_json(ModuleChange, to_json(change_of()), "x") == change_of()
    frame = modules_of().to_frame()
    assert frame["size"].to_list() == [3, 2, 1]
    assert frame["within"].to_list() == [True, True, False]
    assert "3 modules" in modules_of()._repr_html_()
