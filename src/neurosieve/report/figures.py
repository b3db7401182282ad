"""Figures of a study's results: one pure function a figure, from a study's result to a titled plotly figure.

Every title states the finding.
"""

from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from neurosieve.report.drawing import SYMBOLS, Chart, axes, colour, errors, plain, range_band, series, thin
from neurosieve.report.numbers import ACCURACY, count, counted, metric_of, per_cent
from neurosieve.report.tables import Table, class_scores, class_table, imported, set_layers
from neurosieve.results.measured import NotMeasured
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_parts import UntrainedScores
from neurosieve.results.redundancy_sets import CurvePoint, LayerPoint, RandomPoint


def curve_chart(result: RedundancyResult) -> Chart:
    """Accuracy against number of neurons: rankings with intervals, the band of random orders, the oracle."""
    figure, rows, metric = go.Figure(), [], metric_of(result)
    band = [p for p in result.curves if isinstance(p, RandomPoint)]
    points = [p for p in result.curves if isinstance(p, CurvePoint)]
    sizes = [p.size for p in band]
    if band:
        range_band(figure, sizes, [p.test.low for p in band], [p.test.high for p in band], "random orders, range")
        mean = [p.test.mean for p in band]
        figure.add_scatter(x=sizes, y=mean, name="random orders, mean", mode="lines", line=thin())
        rows += [("random", count(p.size), metric.ranged(p.test), f"{p.draws} draws") for p in band]
    for i, name in enumerate(dict.fromkeys(p.ranking for p in points)):
        mine = [p for p in points if p.ranking == name]
        series(figure, i, name, [p.size for p in mine], [p.test for p in mine])
        rows += [(name, count(p.size), metric.scored(p.test), f"n {count(p.test.n)}") for p in mine]
    figure.add_hline(y=result.oracle.test.value, line={"width": 1, "dash": "dot", "color": colour("band")})
    _score_axes(figure, "neurons kept (logarithmic)", result, x={"type": "log", "dtick": 1})
    table = Table(
        f"{metric.name.capitalize()} against number of neurons", ("ranking", "neurons", "test", "of"), tuple(rows)
    )
    caption = "Probes retrained on the first neurons of each order, with 95 % intervals; the dotted line is the oracle."
    return Chart("curve", _curve_title(result), caption, figure, table)


def _curve_title(result: RedundancyResult) -> str:
    if isinstance(result.minimal_sets, NotMeasured):
        return f"No set of neurons can be claimed: {result.minimal_sets.text}"
    best, metric = result.minimal_sets[0], metric_of(result)
    lose = f"lose{'s' if best.size == 1 else ''} {metric.gain(best.loss, f' {metric.points}')} on test"
    return f"{counted(best.size, 'neuron')} by {best.ranking} {lose}; random orders need {best.random_size.median:g}"


def _layers(result: RedundancyResult) -> str:
    if imported(result.model):
        return "layer"
    # Files of earlier versions name no site.
    return "layer (0 = first block's feed-forward units)" if result.site == "mlp" else "layer (0 = embeddings)"


def layer_chart(result: RedundancyResult) -> Chart:
    """Probes on each layer, on the layers up to it, and on each layer of untrained copies."""
    figure, rows, metric = go.Figure(), [], metric_of(result)
    named = {"this layer alone": result.layerwise.independent, "layers 0 up to this one": result.layerwise.incremental}
    for i, (name, curve) in enumerate(named.items()):
        series(figure, i, name, [p.layer for p in curve], [p.test for p in curve])
        rows += [(name, str(p.layer), metric.scored(p.test)) for p in curve]
    copies = result.baselines.untrained
    if isinstance(copies, UntrainedScores):
        spread = copies.layers
        depth = list(range(len(spread)))
        range_band(figure, depth, [p.low for p in spread], [p.high for p in spread], "untrained copies, range")
        figure.add_scatter(x=depth, y=[p.mean for p in spread], name="untrained, mean", mode="lines", line=thin())
        rows += [("untrained copies, this layer alone", str(k), metric.ranged(p)) for k, p in enumerate(spread)]
    rows += [("LayerSelector", str(layer), f"within {losses}") for layer, losses in _marks(figure, result)]
    _score_axes(figure, _layers(result), result, x={"dtick": 1})
    best: LayerPoint = max(result.layerwise.independent, key=lambda p: p.test.value)
    whole = metric.score(result.oracle.test.value)
    title = f"Layer {best.layer} alone reaches {metric.in_words(best.test.value)}; all layers together {whole}"
    caption = "95 % intervals; vertical lines mark the highest layer that the LayerSelector keeps for a loss allowed."
    table = Table("Layer curves", ("probe", "layer", "test"), tuple(rows))
    return Chart("layers", title, caption, figure, table)


def _marks(figure: go.Figure, result: RedundancyResult) -> list[tuple[int, str]]:
    """Draw the layers that the LayerSelector keeps; returns each with the losses allowed."""
    marks = {} if isinstance(result.layer_selector, NotMeasured) else result.layer_selector
    found = []
    for layer in sorted(set(marks.values())):
        losses = metric_of(result).allowed(*(float(d) for d, k in marks.items() if k == layer))
        figure.add_vline(x=layer, line={"width": 1, "dash": "dash", "color": colour("band")})
        figure.add_annotation(
            x=layer, y=0, yref="paper", yanchor="bottom", text=f"LS {losses}", showarrow=False, xanchor="left"
        )
        found.append((layer, losses))
    return found


def cka_chart(result: RedundancyResult) -> Chart:
    """Debiased linear CKA between layers."""
    values = () if isinstance(result.cka, NotMeasured) else result.cka
    names = [str(k) for k in range(len(values))]
    scale = [[0, colour("scale-low")], [1, colour("scale-high")]]
    heat = {"colorscale": scale, "zmin": 0, "zmax": 1, "showscale": False, "texttemplate": "%{z:.2f}"}
    figure = go.Figure(go.Heatmap(z=values, x=names, y=names, **heat))
    axes(figure, _layers(result), "layer", x={"type": "category"})
    figure.update_yaxes(type="category", autorange="reversed")
    pairs = [(values[i][i + 1], i) for i in range(len(values) - 1)]
    title = "There is one layer"
    if pairs:
        most, layer = max(pairs)
        title = (
            f"Neighbouring layers have a similarity of {sum(v for v, _ in pairs) / len(pairs):.2f} on average,"
            f" most of all layers {layer} and {layer + 1} ({most:.2f})"
        )
    rows = tuple((names[i], *(f"{v:.2f}" for v in row)) for i, row in enumerate(values))
    table = Table("CKA", ("layer", *names), rows)
    rows_used = count(result.general_rows)
    caption = f"Linear CKA, debiased, over {rows_used} train rows: 1 is the same up to rotation and scale."
    return Chart("cka", title, caption, figure, table)


def cluster_chart(result: RedundancyResult) -> Chart:
    """Neurons that remain at each clustering threshold, and under them the score of what remains."""
    cuts, metric = result.clusters, metric_of(result)
    names, kept = [f"{c.threshold:g}" for c in cuts], [c.kept for c in cuts]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    bars = {"text": [count(k) for k in kept], "marker_color": colour("series-1"), "showlegend": False}
    figure.add_bar(x=names, y=kept, row=1, col=1, **bars)
    axes(figure, "", "neurons kept", x={})
    series(figure, 1, f"{metric.name} of their probe", names, [c.test for c in cuts], row=2, col=1)
    figure.update_layout(showlegend=False, height=460)
    figure.update_yaxes(tickformat=",d", row=1, col=1)
    figure.update_yaxes(title=metric.name, tickformat=metric.ticks, fixedrange=True, automargin=True, row=2, col=1)
    figure.update_xaxes(type="category", fixedrange=True)
    figure.update_xaxes(title="clustering threshold (distance 1 − |r|)", row=2, col=1)
    enough = [c for c in cuts if c.test.interval and c.test.interval[1] >= result.oracle.test.value]
    title = f"Every clustering threshold loses {metric.name}"
    if enough:
        c = min(enough, key=lambda c: c.kept)
        title = (
            f"With one neuron for each group of similar ones, {count(c.kept)} of {count(result.neurons)} reach"
            f" {metric.in_words(c.test.value)}, no less than all within the interval"
        )
    rows = tuple((f"{c.threshold:g}", count(c.kept), metric.scored(c.test)) for c in cuts)
    dead = count(result.dead)
    caption = f"Average linkage over |Pearson r|; a medoid represents each cluster; {dead} dead neurons left out."
    return Chart("clusters", title, caption, figure, Table("Clusters", ("threshold", "neurons kept", "test"), rows))


def set_chart(result: RedundancyResult) -> Chart:
    """In which layers the neurons of the first smallest set are."""
    held = set_layers(result)
    size = sum(held)
    names = [str(k) for k in range(len(held))]
    figure = go.Figure(go.Bar(x=names, y=held, text=[str(n) for n in held], marker_color=colour("series-1")))
    axes(figure, _layers(result), "neurons of the smallest set", x={"type": "category"})
    figure.update_yaxes(tickformat=",d")
    most = max(range(len(held)), key=lambda k: held[k])
    title = f"{held[most]} of the {size} neurons of the smallest set are in layer {most}"
    rows = tuple((name, str(n)) for name, n in zip(names, held, strict=True))
    best, metric = result.sets[0], metric_of(result)
    caption = (
        f"Ranking {best.ranking}, loss allowed {metric.allowed(best.delta)}; {metric.scored(best.test)} on test rows."
    )
    return Chart("set", title, caption, figure, Table("Smallest set by layer", ("layer", "neurons"), rows))


def class_chart(result: RedundancyResult) -> Chart:
    """Recall of each class on rows seen and unseen in train."""
    kinds = ("all test rows", "seen in train", "unseen in train")
    parts = [(name, part) for name, part in zip(kinds, class_scores(result), strict=True) if part]
    figure = go.Figure()
    names = [plain(n) for n in result.labels]
    for i, (name, part) in enumerate(parts):
        # Open and of falling size, so that marks on one spot are all seen.
        marker = {"symbol": f"{SYMBOLS[i]}-open", "size": 15 - 4 * i, "color": colour(f"series-{i + 1}")}
        marker["line"] = {"width": 2}
        recalls = [part[label].recall for label in result.labels]
        figure.add_scatter(x=recalls, y=names, name=name, mode="markers", marker=marker)
    axes(figure, "recall (share of the class's rows found)", "class", x={"tickformat": ACCURACY.ticks})
    figure.update_yaxes(tickformat=None, type="category", autorange="reversed")
    figure.update_layout(height=max(380, 120 + 28 * len(names)))
    known = {label: p.recall for label, p in class_scores(result)[0].items() if p.recall is not None}
    hardest = min(known, key=lambda k: known[k], default=None)
    title = "No class has enough rows"
    if hardest:
        title = f"{hardest} is the hardest class: {per_cent(known[hardest])} of its rows are found"
    caption = "Classes with fewer than 30 rows of a kind have no mark there."
    return Chart("classes", title, caption, figure, class_table(result))


def pareto_chart(result: RedundancyResult) -> Chart:
    """The front of size, depth and score."""
    points = () if isinstance(result.pareto, NotMeasured) else result.pareto
    front = sorted(points, key=lambda p: p.size)
    depth, metric = [p.depth for p in front], metric_of(result)
    figure = go.Figure(
        go.Scatter(
            x=[p.size for p in front], y=[p.test.value for p in front], error_y=errors([p.test for p in front]),
            mode="markers+text", text=[str(d) for d in depth], textposition="middle center",
            hovertext=[plain(p.source) for p in front], marker={"size": 17, "color": colour("scale-high")},
            textfont={"size": 10, "color": colour("scale-low")},
        )
    )  # fmt: skip
    _score_axes(figure, "neurons kept (logarithmic)", result, x={"type": "log", "dtick": 1})
    title = (
        f"The front of size, depth and {metric.name}: {counted(len(front), 'combination')} of"
        f" {_span(front[0].size, front[-1].size)} neurons, highest layer {_span(min(depth), max(depth))}"
    )
    rows = tuple((p.source, count(p.size), str(p.depth), metric.scored(p.test)) for p in front)
    caption = "Chosen on validation, scored on test. The number in a point is the highest layer that it needs."
    table = Table("Pareto front", ("combination", "neurons", "highest layer", "test"), rows)
    return Chart("pareto", title, caption, figure, table)


def _span(low: int, high: int) -> str:
    """From one number to another: `2 to 62`."""
    return count(low) if low == high else f"{count(low)} to {count(high)}"


CHARTS: Mapping[str, Callable[[RedundancyResult], Chart]] = {
    "curve": curve_chart,
    "layers": layer_chart,
    "cka": cka_chart,
    "clusters": cluster_chart,
    "set": set_chart,
    "classes": class_chart,
    "pareto": pareto_chart,
}


def missing_reason(result: RedundancyResult, key: str) -> str | None:
    """Why a figure has no values; None where it has."""
    parts = {"set": result.minimal_sets, "pareto": result.pareto, "cka": result.cka, "classes": result.oracle.per_class}
    if key not in parts:
        return None
    part = parts[key]
    if isinstance(part, NotMeasured):
        return part.text
    return None if part else "nothing was found"


def _score_axes(figure: go.Figure, x_title: str, result: RedundancyResult, x: Mapping[str, Any]) -> None:
    metric = metric_of(result)
    axes(figure, x_title, f"{metric.name} on test rows", x)
    figure.update_yaxes(tickformat=metric.ticks)
