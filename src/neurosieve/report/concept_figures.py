"""Figures of the concepts that were found: pure functions from the content of `concepts.json`.

Values stand below each other in the order of the record, grouped by property: on a phone there is room for names on
one side only.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from neurosieve.report.concepts import LEAST_AP, MARGIN, VIEWS, best_neuron, best_rival, claimed, value_name, verdict
from neurosieve.report.drawing import Chart, axes, colour, plain
from neurosieve.report.numbers import neuron, ratio
from neurosieve.report.tables import Record, make_table

_ROW, _NAME = 17, 24  # pixels a row; characters of a name


@dataclass(frozen=True)
class Rows:
    """Where each value stands: properties are heads between them.

    Attributes:
        place: Of each value, by property and value.
        heads: Place and name of each property.
    """

    place: Mapping[tuple[str, str], int]
    heads: Mapping[int, str]

    @property
    def height(self) -> int:
        """In pixels, titles and legend included."""
        return 140 + _ROW * (len(self.place) + len(self.heads))

    def put_on(self, figure: go.Figure) -> None:
        """Name the rows on the y axis."""
        names = {at: plain(_short(value)) for (_, value), at in self.place.items()}
        names |= {at: f"<b>{plain(name)}</b>" for at, name in self.heads.items()}
        ends = [max(names) + 0.7, min(names) - 0.7]
        ticks = {"tickvals": list(names), "ticktext": list(names.values()), "tickfont": {"size": 11}}
        figure.update_yaxes(range=ends, showgrid=False, zeroline=False, fixedrange=True, automargin=True, **ticks)
        figure.update_layout(
            height=self.height,
            margin={"t": 110, "b": 10},
            legend={"xref": "container", "yref": "container", "y": 0.995, "yanchor": "top"},
        )


def rows_of(views: Sequence[Record]) -> Rows:
    """The rows of all values of some views."""
    values: dict[str, dict[str, None]] = {}
    for view in views:
        for c in view["concepts"]:
            values.setdefault(c["property_name"], {})[c["value"]] = None
    place, heads, at = {}, {}, 0
    for name, own in values.items():
        heads[at] = name
        place |= {(name, value): at + 1 + i for i, value in enumerate(own)}
        at += 1 + len(own)
    return Rows(place, heads)


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def rival_chart(view: Record) -> Chart:
    """Average precision of each value's best neuron beside the best rival's, and what it has to be above that."""
    concepts, rows, figure = view["concepts"], rows_of([view]), go.Figure()
    at = [rows.place[c["property_name"], c["value"]] for c in concepts]
    rivals = [best_rival(c)[1] for c in concepts]
    margins: dict[str, list[float | None]] = {"x": [], "y": []}
    for y, rival in zip(at, rivals, strict=True):
        margins["x"] += [rival, min(1.0, rival + MARGIN), None]
        margins["y"] += [y, y, None]
    line = {"color": colour("band"), "width": 5}
    figure.add_scatter(**margins, mode="lines", line=line, opacity=0.5, name=f"{MARGIN:g} above it", hoverinfo="skip")
    marks = {"best rival": (concepts, rivals, "square-open", "series-2", 8)}
    for name, symbol, called in (("best neuron", "circle", False), ("best neuron, called", "star", True)):
        own = [c for c in concepts if bool(claimed(c)) is called]
        scores = [best_neuron(c)["ap"] for c in own]
        marks[name] = (own, scores, symbol, "series-1", 12 if called else 7)
    for name, (own, scores, symbol, tint, size) in marks.items():
        y = [rows.place[c["property_name"], c["value"]] for c in own]
        marker = {
            "symbol": symbol,
            "size": size,
            "color": colour(tint),
            "line": {"width": 1.5 if "open" in symbol else 0},
        }
        figure.add_scatter(
            x=scores, y=y, mode="markers", name=name, marker=marker, text=[plain(value_name(c)) for c in own]
        )
    axes(figure, "AP on held-out files", "", x={"range": [0, 1.02], "dtick": 0.2, "side": "top"})
    figure.add_vline(x=LEAST_AP, line={"width": 1, "dash": "dot", "color": colour("band")})
    rows.put_on(figure)
    cells = [
        (value_name(c), neuron(n["neuron"]), ratio(n["ap"], n["interval"]), best_rival(c)[0], ratio(r), verdict(c))
        for c, r in zip(concepts, rivals, strict=True)
        for n in [best_neuron(c)]
    ]
    heads = ("value", "best neuron", "AP", "best rival", "its AP", "verdict")
    table = make_table(f"Best neuron and best rival, view {view['view']}", heads, cells)
    caption = (
        "A neuron is called where its mark is right of the grey bar, which ends"
        f" {MARGIN:g} above the best rival, right of the dotted line at {LEAST_AP:g}, and clears the other bounds."
    )
    return Chart(f"rivals-{view['view']}", _rival_title(view), caption, figure, table)


def _rival_title(view: Record) -> str:
    concepts = view["concepts"]
    above = sum(best_neuron(c)["ap"] >= best_rival(c)[1] + MARGIN for c in concepts)
    called = sum(bool(claimed(c)) for c in concepts)
    return (
        f"Where {VIEWS[view['view']]}, the best neuron is {MARGIN:g} above the best rival for {above} of"
        f" {len(concepts)} values, and {called or 'none'} of them {'have' if called > 1 else 'has'} called neurons"
    )


def depth_chart(record: Record) -> Chart:
    """Held-out AUROC of each layer's best neuron for each value, views beside each other."""
    views = list(record["views"].values())
    rows, layers = rows_of(views), [str(k) for k in range(record["layers"])]
    figure = make_subplots(cols=len(views), shared_yaxes=True, horizontal_spacing=0.04)
    axes(figure, "", "", x={})
    figure.update_xaxes(type="category", fixedrange=True, showgrid=False, side="top")
    scale = {"colorscale": [[0, colour("scale-low")], [1, colour("scale-high")]], "zmin": 0.5, "zmax": 1}
    for i, view in enumerate(views, 1):
        known = {rows.place[c["property_name"], c["value"]]: c["layers"] for c in view["concepts"]}
        lines = range(len(rows.place) + len(rows.heads))
        z = [known.get(y, [None] * len(layers)) for y in lines]
        figure.add_heatmap(z=z, x=layers, y=list(lines), row=1, col=i, showscale=False, **scale)
        best = {y: max(range(len(layers)), key=lambda k, own=own: own[k]) for y, own in known.items()}
        mark = {
            "symbol": "circle",
            "size": 6,
            "color": colour("series-2"),
            "line": {"width": 1, "color": colour("scale-low")},
        }
        x = [layers[k] for k in best.values()]
        figure.add_scatter(
            x=x, y=list(best), mode="markers", marker=mark, showlegend=False, hoverinfo="skip", row=1, col=i
        )
        figure.update_xaxes(title=f"{view['view']}: layer", row=1, col=i)
    rows.put_on(figure)
    cells = [
        (f"{name}={value}", view["view"], *(ratio(v) for v in found))
        for name, value in rows.place
        for view in views
        for found in [_layers_of(view, name, value)]
        if found
    ]
    table = make_table("Best neuron of each layer", ("value", "view", *(f"layer {k}" for k in layers)), cells)
    caption = (
        "AUROC on held-out files of the layer's best neuron on train: pale is 0.5, which a guess has, dark is 1. The"
        " mark is on each value's best layer."
    )
    return Chart("depth", _depth_title(record), caption, figure, table)


def _layers_of(view: Record, name: str, value: str) -> Sequence[float]:
    found = (c["layers"] for c in view["concepts"] if (c["property_name"], c["value"]) == (name, value))
    return next(found, ())


def _depth_title(record: Record) -> str:
    parts = []
    for name, view in record["views"].items():
        best = Counter(max(range(record["layers"]), key=c["layers"].__getitem__) for c in view["concepts"])
        layer, held = best.most_common(1)[0]
        parts.append(f"layer {layer} has the best neuron for {held} of {len(view['concepts'])} values in view {name}")
    return " and ".join(parts).capitalize()


def concept_charts(record: Record) -> dict[str, Chart]:
    """The figures of a record, by their keys."""
    charts = [*map(rival_chart, record["views"].values()), depth_chart(record)]
    return {chart.key: chart for chart in charts}
