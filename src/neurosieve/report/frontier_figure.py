"""The frontier of an export as a figure: what each way costs, and what it scores on validation rows."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from neurosieve.report.drawing import SYMBOLS, Chart, axes, colour, errors, plain
from neurosieve.report.export import export_metric, frontier_table
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
    figure, metric = go.Figure(), export_metric(result)
    for i, kind in enumerate(_KINDS):
        points = [point for point in result.frontier if _kind(point) == kind]
        if points:
            _add(figure, i, kind, points, result)
    ring = {"symbol": "circle-open", "size": 22, "line": {"width": 2}, "color": colour("scale-high")}
    chosen = result.exported
    figure.add_scatter(
        x=[chosen.cost], y=[chosen.validation], name="exported", mode="markers", marker=ring, hoverinfo="skip"
    )
    axes(figure, "multiplications a token (logarithmic)", f"{metric.name} on validation rows", {"type": "log"})
    figure.update_yaxes(tickformat=metric.ticks)
    caption = (
        f"Each way that the run knows to make the model smaller, with 95 % intervals. Filled marks stay within"
        f" {metric.allowed(result.delta)} of the probe on all neurons, by the rule {result.rule}; open marks do not."
        " The ring is the model that was exported."
    )
    table = frontier_table(result)
    return Chart(f"frontier-{name}", _title(result, name), caption, figure, table)


def _kind(point: FrontierPoint) -> str:
    return "cascade" if point.first else point.form


def _add(figure: go.Figure, i: int, kind: str, points: Sequence[FrontierPoint], result: ExportResult) -> None:
    """The ways of one kind."""
    scores = [Score(value=p.validation, n=result.test.n, interval=p.interval) for p in points]
    shade = colour(f"series-{i + 1}")
    symbols = [SYMBOLS[i] if p.within else f"{SYMBOLS[i]}-open" for p in points]
    figure.add_scatter(
        x=[p.cost for p in points], y=[p.validation for p in points], name=kind, mode="markers",
        error_y=errors(scores) | {"color": colour("band")}, text=[plain(p.name) for p in points],
        marker={"symbol": symbols, "size": 9, "color": shade, "line": {"width": 1.5, "color": shade}},
    )  # fmt: skip


def _title(result: ExportResult, name: str) -> str:
    chosen, dearest = result.exported, max(point.cost for point in result.frontier)
    fewer = dearest / chosen.cost
    times = f"{fewer:,.0f}" if fewer >= 10 else f"{fewer:.1f}"
    way = f"{chosen.name} as {chosen.form}{f' (in {name})' if name else ''}"
    return f"{way} takes {count(round(chosen.cost))} multiplications a token, {times} × fewer than the costliest way"
