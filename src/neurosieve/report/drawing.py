"""What all figures are drawn with: the theme's colours, axes, series with intervals, bands.

Series differ in marker and dash, not in colour alone; text and lines take their colour from the page's theme, so that
one drawing serves light, dark and print.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import plotly.graph_objects as go

from neurosieve.printing import visible
from neurosieve.report.tables import Table
from neurosieve.results.measured import Score

SYMBOLS = ("circle", "square", "diamond", "triangle-up")
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Chart:
    """A figure with its finding and its data.

    Attributes:
        key: Its name in pages and for `RedundancyResult.plot`.
        title: The finding in one sentence.
        caption: How to read it.
        figure: The drawing.
        table: The drawn values.
    """

    key: str
    title: str
    caption: str
    figure: go.Figure
    table: Table


@cache
def theme() -> str:
    """The style sheet: the one place of all colours."""
    return files("neurosieve.report").joinpath("theme.css").read_text(encoding="utf-8")


@cache
def colour(name: str) -> str:
    """A colour of the theme that is the same on both papers."""
    match = re.search(rf"--{name}: (#[0-9a-f]{{6}});", theme())
    assert match, name  # noqa: S101 - the theme is ours
    return match[1]


def plain(text: str) -> str:
    """A text that plotly shows as it is."""
    return html.escape(visible(text), quote=False)


def errors(scores: Sequence[Score]) -> dict[str, Any]:
    """Bars of the 95 % intervals; none if there is no interval."""
    ends = [score.interval or (score.value, score.value) for score in scores]
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - score.value) for score, (_, high) in zip(scores, ends, strict=True)],
        "arrayminus": [max(0.0, score.value - low) for score, (low, _) in zip(scores, ends, strict=True)],
        "thickness": 1,
        "width": 3,
    }


def series(figure: go.Figure, i: int, name: str, x: Sequence[Any], scores: Sequence[Score], **where: int) -> None:
    """Scores with their intervals, joined; `i` chooses marker, dash and colour."""
    figure.add_scatter(
        x=x, y=[score.value for score in scores], name=plain(name), mode="lines+markers", error_y=errors(scores),
        marker={"symbol": SYMBOLS[i % 4], "size": 7, "color": colour(f"series-{i % 4 + 1}")},
        line={"dash": DASHES[i % 4], "color": colour(f"series-{i % 4 + 1}")}, **where,
    )  # fmt: skip


def range_band(figure: go.Figure, x: Sequence[int], low: Sequence[float], high: Sequence[float], name: str) -> None:
    """The range of some draws."""
    edge = {"width": 0, "color": colour("band")}
    figure.add_scatter(x=x, y=high, mode="lines", line=edge, showlegend=False, hoverinfo="skip")
    fill = {"fill": "tonexty", "fillcolor": colour("band") + "40"}
    figure.add_scatter(x=x, y=low, mode="lines", line=edge, name=name, hoverinfo="skip", **fill)


def thin() -> dict[str, Any]:
    """The line of a mean of draws."""
    return {"color": colour("band"), "width": 1.5, "dash": "longdash"}


def axes(figure: go.Figure, x_title: str, y_title: str, x: Mapping[str, Any]) -> None:
    """Titles, and what all figures have in common."""
    figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 60, "r": 12, "t": 24, "b": 48},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        xaxis={"title": x_title, "automargin": True, "fixedrange": True, **x},
        yaxis={"title": y_title, "automargin": True, "fixedrange": True},
        autosize=True,
    )
