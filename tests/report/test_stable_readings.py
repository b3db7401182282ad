"""What survives rewrites, and ranges of activation: on the page, in sentences, in saved tables and in the file."""

from dataclasses import replace

import pytest

from neurosieve.report.concepts import concept_html
from neurosieve.report.page import render_page
from neurosieve.report.range_tables import range_table
from neurosieve.report.saved_files import Found, tables_of
from neurosieve.report.stable_readings import (
    cluster_stability_table,
    neuron_stability_table,
    rewrite_table,
    set_stability_table,
    stability_line,
    stability_tables,
)
from neurosieve.results import ConceptResult, from_json, to_json
from neurosieve.results.concept_stability import (
    ClusterStability,
    ConceptStability,
    NeuronStability,
    SetStability,
    Survival,
)
from neurosieve.results.measured import Difference
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.value_ranges import ActivationRange, ValueRange
from neurosieve.typing import NeuronId
from tests.report.concept_results import concepts_of, with_concepts
from tests.report.records import HOSTILE

NONE = Survival(n=0, share=None, interval=None)


def survival(low: float, high: float, n: int = 40) -> Survival:
    return Survival(n=n, share=(low + high) / 2, interval=(low, high))


GONE, KEPT, OPEN = survival(0, 0.12), survival(0.9, 1), survival(0.3, 0.7)


def neuron(
    index: int, renamed: Survival, layout: Survival = KEPT, *, claimed: bool = True, follows: bool = False
) -> NeuronStability:
    return NeuronStability(
        value="naming=UPPER_CASE", neuron=NeuronId(1, index), low=index == 1, ap=0.9 - index / 100, claimed=claimed,
        threshold=1.5, rewrites={"renamed": renamed, "layout": layout}, renamed=renamed, follows_spelling=follows,
    )  # fmt: skip


def cluster(number: int | None, layout: Survival) -> ClusterStability:
    rewrites = {"renamed": KEPT, "layout": layout}
    return ClusterStability(
        layer=2, clusters=20, cluster=number, rewrites=rewrites, renamed=NONE, follows_spelling=False
    )


def stability(**changes: object) -> ConceptStability:
    found = ConceptStability(
        tokens=5001,
        files={"renamed": 3, "layout": 4, "comments": 0},
        left_out={"renamed": f"1 of 4 files: {HOSTILE}", "comments": "4 of 4 files: none parses"},
        neurons=(
            neuron(0, OPEN, claimed=False), neuron(1, GONE, follows=True), neuron(2, KEPT), neuron(3, GONE, GONE),
            neuron(4, NONE), neuron(5, replace(KEPT, interval=None)),
        ),
        clusters=(
            cluster(None, KEPT), *(cluster(i, survival(i / 20, i / 20 + 0.04)) for i in range(14)),
            replace(cluster(14, KEPT), rewrites={"layout": survival(0, 0, 9)}),
        ),
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def result(found: ConceptStability | None = None) -> ConceptResult:
    return replace(concepts_of("full"), stability=found or stability())


def test_each_verdict_is_by_its_bound() -> None:
    table = neuron_stability_table(stability())
    assert [row[-1] for row in table.rows] == [
        "follows spelling only: at most 12.0 % survive a new name",
        "survives a new name: at least 90.0 %",
        "follows spelling and more: at most 12.0 % survive a new name;"
        " lost when laid out otherwise: at most 12.0 % survive",
        "no unit has a new name",
        "not measured: one file",
        "not decided",  # not claimed: after those that are
    ]
    assert len(table.columns) == len(table.rows[0])
    assert table.rows[0][1] == "1:1 low"
    assert table.rows[0][4:7] == ("6.0 % [0.0, 12.0] (n 40)", "95.0 % [90.0, 100.0] (n 40)", "–")


def few(size: int, renamed: Survival, *, follows: bool = False) -> SetStability:
    return SetStability(
        value="role=local", neurons=NeuronSet([(1, i) for i in range(size)]), ap=0.8 + size / 100, threshold=0.5,
        rewrites={"renamed": renamed, "layout": KEPT}, renamed=renamed, follows_spelling=follows,
    )  # fmt: skip


def test_sets_stand_beside_neurons() -> None:
    found = stability(sets=(few(2, GONE, follows=True), few(8, KEPT)))
    table = set_stability_table(found)
    assert [row[:3] for row in table.rows] == [("role=local", "8", "0.88"), ("role=local", "2", "0.82")]
    assert [row[-1] for row in table.rows] == [
        "survives a new name: at least 90.0 %",
        "follows spelling only: at most 12.0 % survive a new name",
    ]
    assert len(table.columns) == len(table.rows[0])
    assert stability_line(result(found)) == (
        "Of 6 neurons and 2 claimed sets read again in rewritten files, 2 survive new names of variables by the lower"
        " bound, 2 follow spelling only (1:1 of naming=UPPER_CASE, the set of role=local)"
    )
    assert from_json(ConceptResult, to_json(result(found)), "concepts.json") == result(found)
    assert tables_of(Found(None, result(found)))["stable-sets"] == table
    assert table.title in render_page(None, "runs/tiny", result(found))


def test_the_least_stable_clusters_are_shown() -> None:
    rows = cluster_stability_table(stability()).rows
    assert [row[1] for row in rows] == ["all clusters", *(f"cluster {i}" for i in range(10))]  # not the one of nine
    assert {row[0] for row in rows} == {"layer 2 in 20"}


def test_left_out_files_are_counted_with_the_reason() -> None:
    rows = rewrite_table(stability()).rows
    assert [row[1] for row in rows] == ["3", "4", "0"]
    assert rows[1][2] == "–"
    assert rows[2][2] == "4 of 4 files: none parses"


def test_one_sentence() -> None:
    line = stability_line(result())
    assert line == (
        "Of 6 neurons read again in rewritten files, 1 survive new names of variables by the lower bound, 1 follow"
        " spelling only (1:1 of naming=UPPER_CASE)"
    )
    assert "none follows spelling only" in stability_line(result(stability(neurons=(neuron(2, KEPT),))))
    assert stability_line(concepts_of("full")) == ""
    assert stability_tables(concepts_of("full")) == []
    assert line in concept_html(result())
    assert "rewritten files" not in concept_html(concepts_of("full"))


def test_the_file_says_the_same() -> None:
    assert from_json(ConceptResult, to_json(result()), "concepts.json") == result()
    assert "stability" not in to_json(concepts_of("full"))


def test_page_and_saved_tables() -> None:
    page = render_page(None, "runs/tiny", result())
    for table in stability_tables(result()):
        assert table.title in page
    assert 'id="stability"' in page
    assert HOSTILE not in page
    assert 'id="stability"' not in render_page(None, "runs/tiny", concepts_of("full"))
    saved = tables_of(Found(None, result()))
    assert [saved[n] for n in ("stable-neurons", "stable-clusters", "rewrites")] == stability_tables(result())


def value_range(above: float, *, claimed: bool) -> ValueRange:
    return ValueRange(
        range=ActivationRange(neuron=NeuronId(1, 4), low=None, high=0.25), train_ap=0.9, ap=0.88, interval=(0.8, 0.9),
        auroc=0.95, auroc_interval=(0.9, 0.97), ends_ap=0.88 - above,
        above_ends=Difference(value=above, interval=(above - 0.1, above + 0.1)), claimed=claimed,
        lacking="" if claimed else "AP 0.88 < 0.9",
    )  # fmt: skip


@pytest.mark.parametrize("more", [0, 12])
def test_ranges_are_shown_beside_their_neurons_ends(more: int) -> None:
    ranges = (value_range(0.2, claimed=True), *(value_range(i / 20, claimed=False) for i in range(more)))
    own = {"lexical=number": ranges}
    found = with_concepts(concepts_of("full"), lambda c: replace(c, ranges=own.get(c.name, ())))
    table = range_table(found.views["detect"])
    assert table.title == f"View detect: 1 of {1 + more} ranges of activation are claimed"
    assert len(table.rows) == 1 + min(more, 10)
    assert table.rows[0] == (
        "lexical=number", "1:4 in −∞ … 0.25", "0.88 [0.80, 0.90]", "0.95 [0.90, 0.97]", "0.68", "0.20 [0.10, 0.30]",
        "lookup 0.50", "claimed",
    )  # fmt: skip
    assert [row[-1] for row in table.rows[1:]] == ["not claimed: AP 0.88 < 0.9"] * min(more, 10)
    page = render_page(None, "runs/tiny", found)
    assert table.title in page
