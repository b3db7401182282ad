"""Tables and figures of latent concepts: clusters of tokens beside properties of code."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from neurosieve.report.code import marked
from neurosieve.report.drawing import SYMBOLS, Chart, axes, colour
from neurosieve.report.numbers import count, per_cent
from neurosieve.report.tables import Record, Table, make_table


def _share(share: Record) -> float:
    return float(share["aligned"] / share["clusters"]) if share["clusters"] else 0.0


def _label(cut: Record) -> str:
    return f"layer {cut['layer']}, {count(cut['k'])} clusters"


def _above(share: Record) -> bool:
    return bool(share["aligned"] and _share(share) > max(share["chance"], share["chance_words"]))


def share_table(cuts: Sequence[Record]) -> Table:
    """How many clusters each property explains on held-out rows, beside chance."""
    rows = [
        (
            f"{cut['layer']}",
            count(cut["k"]),
            s["property_name"],
            f"{count(s['aligned'])} of {count(s['clusters'])} ({per_cent(_share(s))})",
            per_cent(s["chance"]),
            per_cent(s["chance_words"]),
            per_cent(s["coverage"]),
            count(s["identity"]),
        )
        for cut in cuts
        for s in cut["properties"]
    ]
    heads = ("layer", "clusters", "property", "aligned on held-out rows", "by chance", "if words swap values",
             "train rows in them", "clusters of one word")  # fmt: skip
    return make_table("Clusters that are a property value", heads, rows)


def latent_chart(cuts: Sequence[Record]) -> Chart:
    """Share of clusters aligned with the property that explains most, by layer, beside words that swap values."""
    figure, sizes = go.Figure(), sorted({cut["k"] for cut in cuts})
    rows = []
    for i, k in enumerate(sizes):
        own = [(cut, max(cut["properties"], key=_share)) for cut in cuts if cut["k"] == k and cut["properties"]]
        layers = [cut["layer"] for cut, _ in own]
        for name, y, symbol in (
            (f"{k} clusters", [_share(s) for _, s in own], SYMBOLS[i % 4]),
            (f"{k}, words swapped", [max(s["chance"], s["chance_words"]) for _, s in own], f"{SYMBOLS[i % 4]}-open"),
        ):
            marker = {"symbol": symbol, "size": 9, "color": colour(f"series-{i % 4 + 1}")}
            line = {"dash": "dot" if symbol.endswith("open") else "solid", "color": colour(f"series-{i % 4 + 1}")}
            figure.add_scatter(x=layers, y=y, mode="lines+markers", name=name, marker=marker, line=line)
        rows += [
            (str(cut["layer"]), count(k), s["property_name"], per_cent(_share(s)), per_cent(s["chance_words"]))
            for cut, s in own
        ]
    axes(figure, "layer", "clusters aligned", x={"dtick": 1})
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    best = [(cut, s) for cut in cuts for s in cut["properties"] if _above(s)]
    title = "No property explains more clusters than words that swap their values would"
    if best:
        cut, s = max(best, key=lambda pair: _share(pair[1]) - max(pair[1]["chance"], pair[1]["chance_words"]))
        title = (
            f"{s['property_name']} explains {per_cent(_share(s))} of the clusters of layer {cut['layer']};"
            f" {per_cent(s['chance_words'])} if words swapped their values"
        )
    caption = (
        "Of each layer the property that explains most clusters: at least 90 % of the rows, also on held-out files."
    )
    heads = ("layer", "clusters", "property", "aligned", "if words swap values")
    return Chart("latent", title, caption, figure, make_table("Clusters by layer", heads, rows))


def unlabelled_cards(cuts: Sequence[Record]) -> list[dict[str, Any]]:
    """Clusters that are no property value, with their words and some of their places."""
    return [
        {
            "title": f"{_label(cut)}: {count(cut['unlabelled_clusters'])} are no property value",
            "clusters": [
                {
                    "head": f"cluster {u['cluster']}, {count(u['rows'])} rows, {count(u['types'])} words: "
                    + ", ".join(f"{word} {count(n)}" for word, n in u["words"]),
                    "contexts": [marked(*context) for context in u["contexts"]],
                }
                for u in cut["unlabelled"]
            ],
        }
        for cut in cuts
        if cut["unlabelled"]
    ]
