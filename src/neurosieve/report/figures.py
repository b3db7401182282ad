"""Figures of a study's results: one pure function a figure, from a study's result to a figure with its finding.

Every title states the finding.
"""

from collections.abc import Callable, Mapping

from neurosieve.report.drawing import (
    SHAPES,
    Chart,
    bars,
    intervals,
    likeness_panel,
    line_at,
    mean_line,
    range_band,
    series,
)
from neurosieve.report.figure_marks import Axis, Figure, Look, Panel, Point
from neurosieve.report.numbers import ACCURACY, count, counted, metric_of, per_cent
from neurosieve.report.tables import Table, class_scores, class_table, imported, set_layers
from neurosieve.results.measured import NotMeasured
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_parts import UntrainedScores
from neurosieve.results.redundancy_sets import CurvePoint, LayerPoint, RandomPoint

_LINE = 0.03  # of the score: labels of neighbouring layers are at different heights


def curve_chart(result: RedundancyResult) -> Chart:
    """Accuracy against number of neurons: rankings with intervals, the band of random orders, the oracle."""
    rows, metric = [], metric_of(result)
    panel = Panel(Axis("neurons kept (logarithmic)", log=True), _scores(result))
    band = [p for p in result.curves if isinstance(p, RandomPoint)]
    points = [p for p in result.curves if isinstance(p, CurvePoint)]
    sizes = [p.size for p in band]
    if band:
        range_band(panel, sizes, [p.test.low for p in band], [p.test.high for p in band], "random orders, range")
        mean_line(panel, sizes, [p.test.mean for p in band], "random orders, mean")
        rows += [("random", count(p.size), metric.ranged(p.test), f"{p.draws} draws") for p in band]
    for i, name in enumerate(dict.fromkeys(p.ranking for p in points)):
        mine = [p for p in points if p.ranking == name]
        series(panel, i, name, [p.size for p in mine], [p.test for p in mine], metric.scored)
        rows += [(name, count(p.size), metric.scored(p.test), f"n {count(p.test.n)}") for p in mine]
    line_at(panel, y=result.oracle.test.value, text=f"all neurons: {metric.scored(result.oracle.test)}")
    table = Table(
        f"{metric.name.capitalize()} against number of neurons", ("ranking", "neurons", "test", "of"), tuple(rows)
    )
    caption = "Probes retrained on the first neurons of each order, with 95 % intervals; the dotted line is the oracle."
    return Chart("curve", _curve_title(result), caption, Figure((panel,)), table)


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
    first = {"mlp": "first block's feed-forward units", "attention": "first block's attention heads"}
    return f"layer (0 = {first.get(result.site or '', 'embeddings')})"


def layer_chart(result: RedundancyResult) -> Chart:
    """Probes on each layer, on the layers up to it, and on each layer of untrained copies."""
    rows, metric = [], metric_of(result)
    panel = Panel(Axis(_layers(result), whole=True), _scores(result))
    named = {"this layer alone": result.layerwise.independent, "layers 0 up to this one": result.layerwise.incremental}
    for i, (name, curve) in enumerate(named.items()):
        series(panel, i, name, [p.layer for p in curve], [p.test for p in curve], metric.scored)
        rows += [(name, str(p.layer), metric.scored(p.test)) for p in curve]
    copies = result.baselines.untrained
    if isinstance(copies, UntrainedScores):
        spread = copies.layers
        depth = list(range(len(spread)))
        range_band(panel, depth, [p.low for p in spread], [p.high for p in spread], "untrained copies, range")
        mean_line(panel, depth, [p.mean for p in spread], "untrained, mean")
        rows += [("untrained copies, this layer alone", str(k), metric.ranged(p)) for k, p in enumerate(spread)]
    rows += [("LayerSelector", str(layer), f"within {losses}") for layer, losses in _marks(panel, result)]
    best: LayerPoint = max(result.layerwise.independent, key=lambda p: p.test.value)
    whole = metric.score(result.oracle.test.value)
    title = f"Layer {best.layer} alone reaches {metric.in_words(best.test.value)}; all layers together {whole}"
    caption = "95 % intervals; vertical lines mark the highest layer that the LayerSelector keeps for a loss allowed."
    table = Table("Layer curves", ("probe", "layer", "test"), tuple(rows))
    return Chart("layers", title, caption, Figure((panel,)), table)


def _marks(panel: Panel, result: RedundancyResult) -> list[tuple[int, str]]:
    """Draw the layers that the LayerSelector keeps; returns each with the losses allowed."""
    marks = {} if isinstance(result.layer_selector, NotMeasured) else result.layer_selector
    lowest = min(p.y for mark in panel.marks for p in mark.points if p.y is not None)
    found = []
    for i, layer in enumerate(sorted(set(marks.values()))):
        losses = metric_of(result).allowed(*(float(d) for d, k in marks.items() if k == layer))
        side = "left" if layer > result.layers // 2 else "right"
        line_at(panel, x=layer, text=f"the LayerSelector keeps layers up to {layer} within {losses}")
        panel.add("label", [Point(layer, lowest + i % 3 * _LINE, text=f"LS {losses}")], Look("ink", side, size=11))
        found.append((layer, losses))
    return found


def cka_chart(result: RedundancyResult) -> Chart:
    """Debiased linear CKA between layers."""
    values = () if isinstance(result.cka, NotMeasured) else result.cka
    names = tuple(str(k) for k in range(len(values)))
    panel = likeness_panel(values, Axis(_layers(result), names=names), Axis("layer", names=names))
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
    return Chart("cka", title, caption, Figure((panel,)), table)


def cluster_chart(result: RedundancyResult) -> Chart:
    """Neurons that remain at each clustering threshold, and under them the score of what remains."""
    cuts, metric = result.clusters, metric_of(result)
    names = tuple(f"{c.threshold:g}" for c in cuts)
    held = Panel(Axis(names=names), Axis("neurons kept", whole=True, zero=True), 150)
    bars(held, [c.kept for c in cuts], [f"{count(c.kept)} neurons kept at {c.threshold:g}" for c in cuts])
    scores = Panel(Axis("clustering threshold (distance 1 − |r|)", names=names), _scores(result, metric.name), 170)
    series(scores, 1, "", [*range(len(cuts))], [c.test for c in cuts], metric.scored)
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
    table = Table("Clusters", ("threshold", "neurons kept", "test"), rows)
    return Chart("clusters", title, caption, Figure((held, scores)), table)


def set_chart(result: RedundancyResult) -> Chart:
    """In which layers the neurons of the first smallest set are."""
    held = set_layers(result)
    size = sum(held)
    names = tuple(str(k) for k in range(len(held)))
    panel = Panel(Axis(_layers(result), names=names), Axis("neurons of the smallest set", whole=True, zero=True))
    bars(panel, held, [f"layer {k}: {counted(n, 'neuron')}" for k, n in enumerate(held)])
    most = max(range(len(held)), key=lambda k: held[k])
    title = f"{held[most]} of the {size} neurons of the smallest set are in layer {most}"
    rows = tuple((name, str(n)) for name, n in zip(names, held, strict=True))
    best, metric = result.sets[0], metric_of(result)
    caption = (
        f"Ranking {best.ranking}, loss allowed {metric.allowed(best.delta)}; {metric.scored(best.test)} on test rows."
    )
    table = Table("Smallest set by layer", ("layer", "neurons"), rows)
    return Chart("set", title, caption, Figure((panel,)), table)


def class_chart(result: RedundancyResult) -> Chart:
    """Recall of each class on rows seen and unseen in train."""
    kinds = ("all test rows", "seen in train", "unseen in train")
    parts = [(name, part) for name, part in zip(kinds, class_scores(result), strict=True) if part]
    names = tuple(result.labels)
    x = Axis("recall (share of the class's rows found)", format=ACCURACY.ticks)
    panel = Panel(x, Axis("class", names=names), 28 * len(names) + 20)
    for i, (name, part) in enumerate(parts):
        # Open and of falling size, so that marks on one spot are all seen.
        recalls = [(at, label, part[label].recall) for at, label in enumerate(names)]
        points = [Point(v, at, text=f"{label}, {name}: {per_cent(v)}") for at, label, v in recalls if v is not None]
        panel.add("point", points, Look(f"series-{i + 1}", SHAPES[i], open=True, size=15 - 4 * i), name)
    known = {label: p.recall for label, p in class_scores(result)[0].items() if p.recall is not None}
    hardest = min(known, key=lambda k: known[k], default=None)
    title = "No class has enough rows"
    if hardest:
        title = f"{hardest} is the hardest class: {per_cent(known[hardest])} of its rows are found"
    caption = "Classes with fewer than 30 rows of a kind have no mark there."
    return Chart("classes", title, caption, Figure((panel,)), class_table(result))


def pareto_chart(result: RedundancyResult) -> Chart:
    """The front of size, depth and score."""
    points = () if isinstance(result.pareto, NotMeasured) else result.pareto
    front = sorted(points, key=lambda p: p.size)
    depth, metric = [p.depth for p in front], metric_of(result)
    panel = Panel(Axis("neurons kept (logarithmic)", log=True), _scores(result))
    sizes, look = [p.size for p in front], Look("scale-high", size=17)
    panel.add("span", intervals([p.test for p in front], sizes), look._replace(width=1))
    places = [Point(p.size, p.test.value, text=f"{p.source}: {metric.scored(p.test)}") for p in front]
    panel.add("point", places, look)
    numbers = [Point(p.size, p.test.value, text=str(p.depth)) for p in front]
    panel.add("label", numbers, Look("scale-low", size=10))
    title = (
        f"The front of size, depth and {metric.name}: {counted(len(front), 'combination')} of"
        f" {_span(front[0].size, front[-1].size)} neurons, highest layer {_span(min(depth), max(depth))}"
    )
    rows = tuple((p.source, count(p.size), str(p.depth), metric.scored(p.test)) for p in front)
    caption = "Chosen on validation, scored on test. The number in a point is the highest layer that it needs."
    table = Table("Pareto front", ("combination", "neurons", "highest layer", "test"), rows)
    return Chart("pareto", title, caption, Figure((panel,)), table)


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


def _scores(result: RedundancyResult, title: str = "") -> Axis:
    """The axis of scores."""
    metric = metric_of(result)
    return Axis(title or f"{metric.name} on test rows", format=metric.ticks)
