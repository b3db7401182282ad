"""Figures of the concepts that were found: pure functions from what a run found.

Values are drawn below each other in the order of the result, grouped by property: on a phone there is room for names on
one side only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from neurosieve.report.concepts import LEAST_AP, MARGIN, VIEWS, best_neuron, verdict
from neurosieve.report.drawing import Chart, axes, colour, plain
from neurosieve.report.numbers import ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptResult

_ROW, _NAME, _HEAD = 17, 24, 30  # pixels a row; characters of a name and of a head


@dataclass(frozen=True)
class Rows:
    """The height at which each value is drawn, with the names of properties as headings between them.

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
        names |= {at: f"<b>{plain(_short(name, _HEAD))}</b>" for at, name in self.heads.items()}
        ends = [max(names) + 0.7, min(names) - 0.7]
        ticks = {"tickvals": list(names), "ticktext": list(names.values()), "tickfont": {"size": 11}}
        figure.update_yaxes(range=ends, showgrid=False, zeroline=False, fixedrange=True, automargin=True, **ticks)
        figure.update_layout(
            height=self.height,
            margin={"t": 110, "b": 10},
            legend={"xref": "container", "yref": "container", "y": 0.995, "yanchor": "top"},
        )


def rows_of(names: Mapping[str, Iterable[str]]) -> Rows:
    """Rows of values by property; a property without a name has no head."""
    place, heads, at = dict[tuple[str, str], int](), dict[int, str](), 0
    for head, values in names.items():
        if head:
            heads[at] = head
            at += 1
        for value in values:
            place[head, value] = at
            at += 1
    return Rows(place, heads)


def _values_of(views: Iterable[ConceptFindings]) -> Rows:
    """The rows of all values of some views."""
    values: dict[str, dict[str, None]] = {}
    for view in views:
        for c in view.concepts:
            values.setdefault(c.property_name, {})[c.value] = None
    return rows_of(values)


def _short(name: str, most: int = _NAME) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def rival_chart(view: ConceptFindings) -> Chart:
    """Average precision of each value's best neuron and of the best rival, and what it has to be above that."""
    concepts, rows, figure = view.concepts, _values_of([view]), go.Figure()
    margins: dict[str, list[float | None]] = {"x": [], "y": []}
    for c in concepts:
        at, rival = rows.place[c.property_name, c.value], c.rival[1]
        margins["x"] += [rival, _needed(rival), None]
        margins["y"] += [at, at, None]
    line = {"color": colour("band"), "width": 5}
    figure.add_scatter(**margins, mode="lines", line=line, opacity=0.5, name="needed for a claim", hoverinfo="skip")
    claimed, others = ([c for c in concepts if bool(c.claimed) is wanted] for wanted in (True, False))
    for name, shown, of, symbol, size in (
        ("best rival", concepts, _rival, "square-open", 8),
        ("best neuron", others, _best, "circle", 7),
        ("best neuron, claimed", claimed, _best, "star", 12),
    ):
        y = [rows.place[c.property_name, c.value] for c in shown]
        tint = colour("series-2" if name == "best rival" else "series-1")
        marker = {"symbol": symbol, "size": size, "color": tint, "line": {"width": 1.5 * symbol.endswith("open")}}
        words = [plain(c.name) for c in shown]
        figure.add_scatter(x=[*map(of, shown)], y=y, mode="markers", name=name, marker=marker, text=words)
    axes(figure, "AP on held-out files", "", x={"range": [0, 1.02], "dtick": 0.2, "side": "top"})
    figure.add_vline(x=LEAST_AP, line={"width": 1, "dash": "dot", "color": colour("band")})
    rows.put_on(figure)
    caption = (
        f"The grey bar ends {MARGIN:g} above the best rival, or halfway from it to 1 if that is nearer. A neuron is"
        f" claimed if the lower bound of its lead reaches the bar's end, that of its AP the dotted line at"
        f" {LEAST_AP:g}, and it meets the other bounds."
    )
    return Chart(f"rivals-{view.view}", _rival_title(view), caption, figure, _rival_table(view))


def _rival(concept: Concept) -> float:
    return concept.rival[1]


def _best(concept: Concept) -> float:
    return best_neuron(concept).ap


def _needed(rival: float) -> float:
    """The average precision that is far enough above a rival's."""
    return min(rival + MARGIN, (1 + rival) / 2)


def _rival_table(view: ConceptFindings) -> Table:
    cells = [
        (c.name, str(n.neuron), ratio(n.ap, n.interval), rival, ratio(score), verdict(c))
        for c in view.concepts
        for n, (rival, score) in [(best_neuron(c), c.rival)]
    ]
    heads = ("value", "best neuron", "AP", "best rival", "its AP", "verdict")
    return make_table(f"Best neuron and best rival, view {view.view}", heads, cells)


def _rival_title(view: ConceptFindings) -> str:
    concepts = view.concepts
    above = sum(_best(c) >= _needed(_rival(c)) for c in concepts)
    claimed = sum(bool(c.claimed) for c in concepts)
    return (
        f"Where {VIEWS[view.view]}, the best neuron is far enough above the best rival for {above}"
        f" of {len(concepts)} values, and {claimed or 'none'} of them {'have' if claimed > 1 else 'has'} claimed"
        " neurons"
    )


def heat_chart(
    panels: Mapping[str, Mapping[tuple[str, str], Sequence[float]]],
    rows: Rows,
    layers: int,
    scale: tuple[float, float],
) -> go.Figure:
    """A row a name and a column a layer, panels side by side; the largest value of a row has a mark."""
    names, lines = [str(k) for k in range(layers)], list(range(len(rows.place) + len(rows.heads)))
    figure = make_subplots(cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04)
    axes(figure, "", "", x={})
    figure.update_xaxes(type="category", fixedrange=True, showgrid=False, side="top")
    colours = {"colorscale": [[0, colour("scale-low")], [1, colour("scale-high")]], "showscale": False}
    edge = {"width": 1, "color": colour("scale-low")}
    mark = {"symbol": "circle", "size": 6, "color": colour("series-2"), "line": edge}
    for i, (panel, values) in enumerate(panels.items(), 1):
        known = {rows.place[name]: row for name, row in values.items()}
        z = [known.get(y, [None] * layers) for y in lines]
        figure.add_heatmap(z=z, x=names, y=lines, zmin=scale[0], zmax=scale[1], row=1, col=i, **colours)
        best = [names[max(range(layers), key=row.__getitem__)] for row in known.values()]
        more = {"showlegend": False, "hoverinfo": "skip", "row": 1, "col": i}
        figure.add_scatter(x=best, y=list(known), mode="markers", marker=mark, **more)
        figure.update_xaxes(title=panel, row=1, col=i)
    rows.put_on(figure)
    return figure.update_layout(height=rows.height - 40, margin={"t": 70})


def depth_chart(result: ConceptResult) -> Chart:
    """Held-out AUROC of each layer's best neuron for each value, views side by side."""
    views, layers = result.views, result.layers
    panels: dict[str, dict[tuple[str, str], Sequence[float]]] = {
        name: {(c.property_name, c.value): c.layers for c in view.concepts} for name, view in views.items()
    }
    rows = _values_of(views.values())
    figure = heat_chart(panels, rows, layers, (0.5, 1.0))
    cells = [
        ("=".join(name), view, *(ratio(v) for v in panel[name]))
        for name in rows.place
        for view, panel in panels.items()
        if name in panel
    ]
    table = make_table("Best neuron of each layer", ("value", "view", *(f"layer {k}" for k in range(layers))), cells)
    caption = (
        "One column for each layer: AUROC on held-out files of its best neuron on train; pale is 0.5, as of a guess,"
        " dark is 1. The mark is on each value's best layer."
    )
    return Chart("depth", _depth_title(result), caption, figure, table)


def _depth_title(result: ConceptResult) -> str:
    parts = []
    for name, view in result.views.items():
        best = Counter(max(range(result.layers), key=c.layers.__getitem__) for c in view.concepts)
        layer, held = best.most_common(1)[0]
        parts.append(f"layer {layer} has the best neuron for {held} of {len(view.concepts)} values in view {name}")
    return " and ".join(parts).capitalize()


def concept_charts(result: ConceptResult) -> dict[str, Chart]:
    """The figures of a result's claims, by their keys."""
    charts = [*map(rival_chart, result.views.values()), depth_chart(result)]
    return {chart.key: chart for chart in charts}
