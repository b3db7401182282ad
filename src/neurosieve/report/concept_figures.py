"""Figures of the concepts that were found: pure functions from what a run found.

Values are drawn below each other in the order of the result, grouped by property: on a phone there is room for names on
one side only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from neurosieve.report.concepts import LEAST_AP, MARGIN, VIEWS, best_neuron, verdict
from neurosieve.report.drawing import CELL, Chart, line_at, shade
from neurosieve.report.figure_marks import Axis, Figure, Look, Panel, Point
from neurosieve.report.numbers import ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptResult

_ROW, _NAME, _HEAD = 18, 26, 28  # pixels a row; characters of a name and of a head
_BEST, _CLAIMED = Look("series-1", size=7), Look("series-1", "star", size=8, width=1)


@dataclass(frozen=True)
class Rows:
    """The height at which each value is drawn, with the names of properties as headings between them.

    Attributes:
        place: Of each value, by property and value.
        heads: Place and name of each property.
    """

    place: Mapping[tuple[str, str], int]
    heads: Mapping[int, str]

    def panel(self, x: Axis) -> Panel:
        """A panel of the rows; its x axis is above them."""
        names = {at: _short(value) for (_, value), at in self.place.items()}
        names |= {at: _short(name, _HEAD) for at, name in self.heads.items()}
        y = Axis(names=tuple(names[at] for at in range(len(names))), heads=frozenset(self.heads))
        return Panel(replace(x, top=True), y, _ROW * len(names))


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
    concepts, rows = view.concepts, _values_of([view])
    panel = rows.panel(Axis("AP on held-out files", ends=(0, 1.02)))
    places = [rows.place[c.property_name, c.value] for c in concepts]
    needed = [Point(_rival(c), at, x2=_needed(_rival(c))) for c, at in zip(concepts, places, strict=True)]
    panel.add("span", needed, Look("band", width=5, opacity=0.5), "needed for a claim")
    line_at(panel, x=LEAST_AP, text=f"least AP of a claim: {LEAST_AP:g}")
    rivals = [
        Point(_rival(c), at, text=f"{c.name}, best rival: {c.rival[0]} {ratio(_rival(c))}")
        for c, at in zip(concepts, places, strict=True)
    ]
    panel.add("point", rivals, Look("series-2", "square", open=True, width=1.5), "best rival")
    for name, wanted, look in (("best neuron", False, _BEST), ("best neuron, claimed", True, _CLAIMED)):
        points = [
            Point(_best(c), at, text=_words(c))
            for c, at in zip(concepts, places, strict=True)
            if bool(c.claimed) is wanted
        ]
        panel.add("point", points, look, name)
    caption = (
        f"The grey bar ends {MARGIN:g} above the best rival, or halfway from it to 1 if that is nearer. A neuron is"
        f" claimed if the lower bound of its lead reaches the bar's end, that of its AP the dotted line at"
        f" {LEAST_AP:g}, and it meets the other bounds."
    )
    return Chart(f"rivals-{view.view}", _rival_title(view), caption, Figure((panel,)), _rival_table(view))


def _words(concept: Concept) -> str:
    best = best_neuron(concept)
    return f"{concept.name}, neuron {best.neuron}: {ratio(best.ap, best.interval)}"


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


def heat_figure(
    panels: Mapping[str, Mapping[tuple[str, str], Sequence[float]]],
    rows: Rows,
    layers: int,
    scale: tuple[float, float],
) -> Figure:
    """A row a name and a column a layer, panels side by side; the largest value of a row has a mark."""
    drawn, names = [], tuple(str(k) for k in range(layers))
    for title, values in panels.items():
        panel = rows.panel(Axis(title, names=names))
        known = {rows.place[name]: (name[1], row) for name, row in values.items()}
        cells = [
            Point(k, at, text=f"{name}, layer {k}: {ratio(v)}", fill=shade(v, *scale))
            for at, (name, row) in known.items()
            for k, v in enumerate(row)
        ]
        panel.add("cell", cells, CELL)
        best = [Point(max(range(layers), key=row.__getitem__), at) for at, (_, row) in known.items()]
        panel.add("point", best, Look("series-2", size=6, width=1))
        drawn.append(panel)
    return Figure(tuple(drawn), beside=True)


def depth_chart(result: ConceptResult) -> Chart:
    """Held-out AUROC of each layer's best neuron for each value, views side by side."""
    views, layers = result.views, result.layers
    panels: dict[str, dict[tuple[str, str], Sequence[float]]] = {
        name: {(c.property_name, c.value): c.layers for c in view.concepts} for name, view in views.items()
    }
    rows = _values_of(views.values())
    figure = heat_figure(panels, rows, layers, (0.5, 1.0))
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
