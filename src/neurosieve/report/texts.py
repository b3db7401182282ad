"""Tables and figures of sentence-level concepts: what explains neurons that matter to whole texts."""

from typing import Any

import plotly.graph_objects as go

from neurosieve.report.code import plain_code
from neurosieve.report.concept_figures import rows_of
from neurosieve.report.drawing import Chart, axes, colour
from neurosieve.report.numbers import NONE, R2, count, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.measured import Difference
from neurosieve.results.whole_texts import Explained, Snippet, TextFindings


def _r2(share: Explained | Difference | None) -> str:
    return NONE if share is None else ratio(share.value, share.interval)


def explained_table(findings: TextFindings) -> Table:
    """What explains each neuron: length alone, the best property, all together."""
    rows = []
    for n in findings.neurons:
        best = n.properties[0] if n.properties else None
        rows.append(
            (
                str(n.neuron),
                str(n.rank),
                _r2(n.length),
                best.property if best else NONE,
                _r2(best.r2 if best else None),
                _r2(best.gain if best else None),
                _r2(n.together),
                _r2(n.label.r2),
                n.verdict,
            )
        )
    heads = ("neuron", "rank", "length alone, R²", "property that adds most", "alone", "above length", "all properties",
             "the task's label", "verdict")  # fmt: skip
    title = f"What explains {len(rows)} neurons on {count(findings.texts['test'])} test texts"
    return make_table(title, heads, rows)


def explained_chart(findings: TextFindings) -> Chart:
    """R² of length, of the property that adds most, and of all together, for each neuron."""
    neurons, figure = findings.neurons, go.Figure()
    rows = rows_of({"": [str(n.neuron) for n in neurons]})
    at = [rows.place["", str(n.neuron)] for n in neurons]
    best = [n.properties[0].r2.value if n.properties else None for n in neurons]
    for name, x, symbol, tint in (
        ("length alone", [n.length.value for n in neurons], "square-open", 2),
        ("property that adds most", best, "circle", 1),
        ("all properties", [n.together.value for n in neurons], "diamond-open", 3),
    ):
        marker = {"symbol": symbol, "size": 9, "color": colour(f"series-{tint}"), "line": {"width": 1.5}}
        figure.add_scatter(x=x, y=at, mode="markers", name=name, marker=marker)
    axes(figure, "R² on test texts", "", x={"side": "top", "tickformat": R2.ticks})
    rows.put_on(figure)
    explained = sum(bool(n.explained_by) for n in neurons)
    title = f"Properties other than length explain {explained} of {len(neurons)} neurons that matter to the task"
    return Chart(
        "explained", title, f"{findings.rule[0].upper()}{findings.rule[1:]}.", figure, explained_table(findings)
    )


def text_cards(findings: TextFindings) -> list[dict[str, Any]]:
    """Texts on which each neuron is highest and lowest."""
    return [
        {
            "title": f"{n.neuron}: {n.verdict}",
            "kinds": {
                name: [_snippet(s) for s in snippets]
                for name, snippets in (("Highest on", n.highest), ("Lowest on", n.lowest))
            },
        }
        for n in findings.neurons
    ]


def _snippet(snippet: Snippet) -> dict[str, Any]:
    cut = f", {snippet.cut}" if snippet.cut else ""
    label = f", label {snippet.label}" if snippet.label is not None else ""
    return {"head": f"{snippet.value:+.1f} sd: {snippet.id}{label}{cut}", "code": plain_code(snippet.text)}
