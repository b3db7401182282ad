"""Tables and figures of sentence-level concepts: what explains neurons that matter to whole texts."""

from typing import Any

import plotly.graph_objects as go

from neurosieve.report.code import plain_code
from neurosieve.report.concept_figures import rows_of
from neurosieve.report.drawing import Chart, axes, colour
from neurosieve.report.numbers import NONE, R2, count, ratio
from neurosieve.report.tables import Record, Table, make_table


def _name(found: Record) -> str:
    return f"{found['layer']}:{found['index']}"


def _r2(share: Record | None) -> str:
    return NONE if share is None else ratio(share["value"], share["interval"])


def explained_table(record: Record) -> Table:
    """What explains each neuron: length alone, the best property, all together."""
    rows = []
    for n in record["neurons"]:
        best = n["properties"][0] if n["properties"] else None
        rows.append(
            (
                _name(n),
                str(n["rank"]),
                _r2(n["length"]),
                best["property"] if best else NONE,
                _r2(best and best["r2"]),
                _r2(best and best["gain"]),
                _r2(n["together"]),
                _r2(n["label"]["r2"]),
                n["verdict"],
            )
        )
    heads = ("neuron", "rank", "length alone, R²", "property that adds most", "alone", "above length", "all properties",
             "the task's label", "verdict")  # fmt: skip
    texts = record["texts"]
    title = f"What explains {len(rows)} neurons on {count(texts['test'])} test texts"
    return make_table(title, heads, rows)


def explained_chart(record: Record) -> Chart:
    """R² of length, of the property that adds most, and of all together, for each neuron."""
    neurons, figure = record["neurons"], go.Figure()
    rows = rows_of({"": [_name(n) for n in neurons]})
    at = [rows.place["", _name(n)] for n in neurons]
    best = [n["properties"][0]["r2"]["value"] if n["properties"] else None for n in neurons]
    for name, x, symbol, tint in (
        ("length alone", [n["length"]["value"] for n in neurons], "square-open", 2),
        ("property that adds most", best, "circle", 1),
        ("all properties", [n["together"]["value"] for n in neurons], "diamond-open", 3),
    ):
        marker = {"symbol": symbol, "size": 9, "color": colour(f"series-{tint}"), "line": {"width": 1.5}}
        figure.add_scatter(x=x, y=at, mode="markers", name=name, marker=marker)
    axes(figure, "R² on test texts", "", x={"side": "top", "tickformat": R2.ticks})
    rows.put_on(figure)
    own = sum(bool(n["explained_by"]) for n in neurons)
    title = f"Properties beyond length explain {own} of {len(neurons)} neurons that matter to the task"
    return Chart(
        "explained", title, f"{record['rule'][0].upper()}{record['rule'][1:]}.", figure, explained_table(record)
    )


def text_cards(record: Record) -> list[dict[str, Any]]:
    """Texts on which each neuron is highest and lowest."""
    return [
        {
            "title": f"{_name(n)}: {n['verdict']}",
            "kinds": {
                name: [_snippet(s) for s in n[key]]
                for key, name in (("highest", "Highest on"), ("lowest", "Lowest on"))
            },
        }
        for n in record["neurons"]
    ]


def _snippet(snippet: Record) -> dict[str, Any]:
    cut = f", {snippet['cut']}" if snippet["cut"] else ""
    label = f", label {snippet['label']}" if snippet["label"] is not None else ""
    return {"head": f"{snippet['value']:+.1f} sd: {snippet['id']}{label}{cut}", "code": plain_code(snippet["text"])}
