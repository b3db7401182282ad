"""A figure with its finding and its values, and what figures have in common: series with intervals, bands, axes.

Series differ in shape and dash, not in colour alone. Text and lines take the ink of the page, so that one drawing
serves light, dark and print; it is drawn for two widths, so that it can be read on a phone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from neurosieve.errors import ResourceError
from neurosieve.report.figure_marks import Axis, Figure, Look, Panel, Point
from neurosieve.report.numbers import count
from neurosieve.report.tables import Table
from neurosieve.report.theme import mixed, theme
from neurosieve.report.vega import NARROW, WIDE, inline_svg, pdf_of, png_of, svg_of
from neurosieve.results.measured import Score
from neurosieve.typing import PathLike

SHAPES = ("circle", "square", "diamond", "triangle-up")
DASHES: tuple[tuple[int, ...], ...] = ((), (7, 4), (2, 3), (8, 3, 2, 3))
_CELL, _READ = 34, 16  # pixels of a cell; layers up to which its number can be read
CELL = Look("scale-low")  # each cell has a colour of its own
_FORMATS: dict[str, Callable[[Figure], bytes]] = {
    ".svg": lambda figure: svg_of(figure).encode(),
    ".png": png_of,
    ".pdf": pdf_of,
}


@dataclass(frozen=True)
class Chart:
    """A figure with its finding and its data; a notebook shows it.

    Examples:
        >>> chart = ns.load("runs/java").plot("curve")
        >>> chart.save("curve.pdf")
        >>> chart.table.columns
        ('ranking', 'neurons', 'test', 'of')

    Attributes:
        key: Its name in pages and for `plot`.
        title: The finding in one sentence.
        caption: How to read it.
        figure: What is drawn.
        table: The drawn values.
    """

    key: str
    title: str
    caption: str
    figure: Figure
    table: Table

    def save(self, path: PathLike) -> Path:
        """Write the drawing, without its title, as SVG, PNG or PDF by the ending of the file's name; returns where.

        Raises:
            ResourceError: Another ending, or it cannot be written there.
        """
        target = Path(path)
        draw = _FORMATS.get(target.suffix.lower())
        if draw is None:
            raise ResourceError(
                f"figure {target}",
                expected="a file that ends in .svg, .png or .pdf",
                got=target.suffix or "no ending",
                remedy="name another file, or use write_html for a page",
            )
        return _written(target, draw(self.figure))

    def write_html(self, path: PathLike) -> Path:
        """Write a page of the figure with its title, caption and values; returns where.

        Raises:
            ResourceError: It cannot be written there.
        """
        page = Markup(
            "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'><title>{}</title>"
            "<style>{}</style></head><body><main>{}<details class='data'><summary>Show the values</summary>"
            "<div class='scroll'>{}</div></details></main></body></html>\n"
        )
        style = Markup(theme())  # noqa: S704 - our own file
        shown = Markup("<h2>{}</h2>{}<p class='soft'>{}</p>").format(self.title, self.drawings(), self.caption)
        return _written(Path(path), page.format(self.title, style, shown, self.table.to_html()).encode())

    def drawings(self) -> Markup:
        """The drawing for a wide page and for a phone, of which a page's style shows one."""
        pair = Markup("<div class='plot wide'>{}</div><div class='plot narrow'>{}</div>")
        return pair.format(*(Markup(inline_svg(self.figure, self.title, width)) for width in (WIDE, NARROW)))  # noqa: S704

    def _repr_html_(self) -> str:
        drawing = Markup(inline_svg(self.figure, self.title))  # noqa: S704 - escaped where it is drawn
        return Markup("<p><b>{}</b></p>{}<p><small>{}</small></p>").format(self.title, drawing, self.caption)


def _written(target: Path, content: bytes) -> Path:
    try:
        target.write_bytes(content)
    except OSError as e:
        reason = e.strerror or str(e)
        raise ResourceError(
            f"figure {target}", expected="a file to write", got=reason, remedy="name another file"
        ) from e
    return target


def shade(value: float, low: float = 0.0, high: float = 1.0) -> str:
    """The colour of a cell of a heat map, whose pale end is `low` and whose dark end is `high`."""
    return mixed("scale-low", "scale-high", (value - low) / (high - low))


def likeness_panel(values: Sequence[Sequence[float]], x: Axis, y: Axis) -> Panel:
    """Likeness of layers from 0 to 1, a cell for each two; few layers have the number in the cell."""
    panel = Panel(x, y, min(max(_CELL * len(values), 280), 520))
    places = [(i, j, v) for i, row in enumerate(values) for j, v in enumerate(row)]
    panel.add(
        "cell",
        [Point(j, i, text=f"layers {y.names[i]} and {x.names[j]}: {v:.2f}", fill=shade(v)) for i, j, v in places],
        CELL,
    )
    if max(len(x.names), len(y.names)) <= _READ:
        for ink, dark in (("scale-low", True), ("scale-ink", False)):
            labels = [Point(j, i, text=f"{v:.2f}") for i, j, v in places if (v > 0.5) is dark]
            panel.add("label", labels, Look(ink, size=11))
    return panel


def look_of(i: int, size: float = 8) -> Look:
    """The look of the i-th series: colour, shape and dash differ for the first four."""
    return Look(f"series-{i % 4 + 1}", SHAPES[i % 4], size=size, dash=DASHES[i % 4])


def intervals(scores: Sequence[Score], x: Sequence[float], *, sideways: bool = False) -> list[Point]:
    """The spans of the 95 % intervals at some places; none of a score without one."""
    spans = [(at, score.interval) for at, score in zip(x, scores, strict=True) if score.interval]
    if sideways:
        return [Point(low, at, x2=high) for at, (low, high) in spans]
    return [Point(at, low, y2=high) for at, (low, high) in spans]


def series(
    panel: Panel, i: int, name: str, x: Sequence[float], scores: Sequence[Score], shown: Callable[[Score], str]
) -> None:
    """Scores with their intervals, joined; `i` chooses shape, dash and colour, `shown` writes a score."""
    look = look_of(i)
    points = [
        Point(at, score.value, text=f"{name}, {_place(panel, at)}: {shown(score)}")
        for at, score in zip(x, scores, strict=True)
    ]
    panel.add("span", intervals(scores, x), look._replace(width=1, dash=()))
    panel.add("line", points, look)
    panel.add("point", points, look._replace(dash=()), name)


def _place(panel: Panel, at: float) -> str:
    if panel.x.names:
        return panel.x.names[int(at)]
    word = panel.x.title.partition(" (")[0]
    return f"{word} {at:,g}"


def range_band(panel: Panel, x: Sequence[float], low: Sequence[float], high: Sequence[float], name: str) -> None:
    """The range of some draws."""
    points = [Point(at, a, y2=b) for at, a, b in zip(x, low, high, strict=True)]
    panel.add("band", points, Look("band", opacity=0.3), name)


def mean_line(panel: Panel, x: Sequence[float], mean: Sequence[float], name: str) -> None:
    """The line of a mean of draws."""
    points = [Point(at, value) for at, value in zip(x, mean, strict=True)]
    panel.add("line", points, Look("band", width=1.5, dash=(10, 4)), name)


def line_at(panel: Panel, *, x: float | None = None, y: float | None = None, text: str = "") -> None:
    """A thin line across or down the whole panel, with what it is."""
    panel.add("rule", [Point(x, y, text=text)], Look("band", width=1.5, dash=(2, 3)))


def bars(panel: Panel, heights: Sequence[int], texts: Sequence[str], name: str = "") -> None:
    """Bars of the categories, with their numbers above them."""
    points = [Point(i, n, text=text) for i, (n, text) in enumerate(zip(heights, texts, strict=True))]
    panel.add("bar", points, Look("series-1"), name)
    panel.add("label", [Point(i, n, text=count(n)) for i, n in enumerate(heights)], Look("ink", "above", size=11))
