"""The frontier of an export as a figure: what each way costs, and what it scores on validation rows."""

from collections.abc import Mapping, Sequence

from neurosieve.report.drawing import Chart, intervals, look_of
from neurosieve.report.export import export_metric, frontier_table
from neurosieve.report.figure_marks import Axis, Figure, Look, Panel, Point
from neurosieve.report.numbers import count
from neurosieve.results.export import ExportResult, FrontierPoint
from neurosieve.results.measured import Score

_KINDS = ("table", "standard", "full", "cascade")


def frontier_charts(exports: Mapping[str, ExportResult]) -> dict[str, Chart]:
    """A figure for each export of a run, by `frontier-` and the export's name."""
    return {f"frontier-{name}": frontier_chart(result, name) for name, result in exports.items()}


def frontier_chart(result: ExportResult, name: str = "") -> Chart:
    """Cost against score of all ways; open marks lose more than delta, a ring marks the one that was exported.

    Args:
        result: Of the export.
        name: Of its folder, where a page shows several.
    """
    metric = export_metric(result)
    x = Axis("multiplications a token (logarithmic)", log=True, format="~s")
    panel = Panel(x, Axis(f"{metric.name} on validation rows", format=metric.ticks))
    for i, kind in enumerate(_KINDS):
        points = [point for point in result.frontier if _kind(point) == kind]
        if points:
            _add(panel, i, kind, points, result)
    chosen = result.exported
    panel.add("point", [Point(chosen.cost, chosen.validation)], Look("ink", open=True, size=20), "exported")
    caption = (
        f"Each way that the run knows to make the model smaller, with 95 % intervals. Filled marks stay within"
        f" {metric.allowed(result.delta)} of the probe on all neurons, by the rule {result.rule}; open marks do not."
        " The ring is the model that was exported."
    )
    table = frontier_table(result)
    return Chart(f"frontier-{name}", _title(result, name), caption, Figure((panel,)), table)


def _kind(point: FrontierPoint) -> str:
    return "cascade" if point.first else point.form


def _add(panel: Panel, i: int, kind: str, points: Sequence[FrontierPoint], result: ExportResult) -> None:
    """The ways of one kind."""
    scores = [Score(value=p.validation, n=result.test.n, interval=p.interval) for p in points]
    metric, look = export_metric(result), look_of(i)._replace(dash=())
    panel.add("span", intervals(scores, [p.cost for p in points]), Look("band", width=1))
    for filled in (False, True):
        shown = [
            Point(p.cost, p.validation, text=f"{p.name}, {kind}: {metric.scored(score)}")
            for p, score in zip(points, scores, strict=True)
            if p.within is filled
        ]
        panel.add("point", shown, look._replace(open=not filled), kind)


def _title(result: ExportResult, name: str) -> str:
    chosen, dearest = result.exported, max(point.cost for point in result.frontier)
    fewer = dearest / chosen.cost
    times = f"{fewer:,.0f}" if fewer >= 10 else f"{fewer:.1f}"
    way = f"{chosen.name} as {chosen.form}{f' (in {name})' if name else ''}"
    return f"{way} takes {count(round(chosen.cost))} multiplications a token, {times} × fewer than the costliest way"
