"""Figures and tables as files: each once, whole, and readable by what they are made for."""

import csv
import io
import re

import pytest

from neurosieve.report.saved_files import Found, charts_of, figure_files, table_files, tables_of, to_csv, to_latex
from neurosieve.report.tables import make_table
from tests.report.concept_results import concepts_of
from tests.report.edit_results import interventions_of
from tests.report.export_results import export_of
from tests.report.records import NAMES, result_of

ALL = Found(result_of("full"), concepts_of("full"), interventions_of("full"), {"small": export_of()})
HOSTILE = Found(result_of("hostile"), concepts_of("hostile"), interventions_of("hostile"))


@pytest.mark.parametrize("found", [ALL, HOSTILE], ids=["all", "hostile"])
def test_tables_are_whole(found: Found) -> None:
    named, files = tables_of(found), table_files(found)
    assert set(files) == {f"{name}.{ending}" for name in named for ending in ("csv", "tex")}
    for name, table in named.items():
        read = list(csv.reader(io.StringIO(files[f"{name}.csv"].decode())))
        assert len(read) == len(table.rows) + 1
        assert {len(row) for row in read} == {len(table.columns)}
        body = files[f"{name}.tex"].decode().split(r"\toprule")[1].split(r"\bottomrule")[0]
        lines = [line for line in body.strip().splitlines() if line != r"\midrule"]
        assert len(lines) == len(table.rows) + any(table.columns)
        assert all(len(re.findall(r"(?<!\\)&", line)) == len(table.columns) - 1 for line in lines)


def test_each_figure_has_its_table() -> None:
    assert {f"figure-{key}" for key in charts_of(ALL)} <= set(tables_of(ALL))
    assert {"curve", "rivals-detect", "depth", "effects", "frontier-small"} <= set(charts_of(ALL))


def test_figures_have_three_forms() -> None:
    files = figure_files(Found(None, None, interventions_of("full")))
    assert list(files) == ["effects.svg", "effects.png", "effects.pdf"]
    assert [data[:4] for data in files.values()] == [b"<svg", b"\x89PNG", b"%PDF"]


@pytest.mark.parametrize("name", NAMES)
def test_no_table_without_rows(name: str) -> None:
    named = tables_of(Found(result_of(name)))
    assert all(table.rows for table in named.values())
    assert {"trust", "scores", "analysed"} <= set(named)


CELLS = {
    "=1+1": "'=1+1", "@x": "'@x", "+x": "'+x", "-x": "'-x", "-0.3": "-0.3", "+0.31": "+0.31", "a,b": "a,b", "–": "–",
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_a_formula_is_text(cell: str) -> None:
    (_, (saved,)) = csv.reader(io.StringIO(to_csv(make_table("t", ["head"], [[cell]]))))
    assert saved == CELLS[cell]


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("50 %", r"50 \%"),
        ("a_b & c#", r"a\_b \& c\#"),
        ("\\x{y}", r"\textbackslash{}x\{y\}"),
        ("$1^2~", r"\$1\textasciicircum{}2\textasciitilde{}"),
        ("2.2 × [1 – 3]", r"2.2 $\times$ [1 -- 3]"),
        ("R² → 1", r"R$^2$ $\rightarrow$ 1"),
    ],
)
def test_latex_has_no_commands_of_cells(text: str, latex: str) -> None:
    assert rf"{latex} \\" in to_latex(make_table("t", ["head"], [[text]]))
