"""What figures are made of, as values: marks with their places and texts, axes, panels. Nothing here draws."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["line", "point", "span", "band", "bar", "cell", "label", "rule"]


class Look(NamedTuple):
    """How a mark looks.

    Attributes:
        colour: A name of the theme.
        shape: Of a point: "circle", "square", "diamond", "triangle-up" or "star".
        open: A point without filling.
        size: Of a point or a text, in pixels.
        dash: Lengths of a line's strokes and gaps, in pixels; none for a solid line.
        width: Of a line, in pixels.
        opacity: 1 hides what is behind.
    """

    colour: str
    shape: str = "circle"
    open: bool = False
    size: float = 8
    dash: tuple[int, ...] = ()
    width: float = 2
    opacity: float = 1


class Point(NamedTuple):
    """A place in a panel. Categories are numbered from 0.

    Attributes:
        x: None for a line across the panel.
        y: None for a line down the panel.
        x2: The other end of a horizontal span.
        y2: The other end of a vertical span or of a band.
        text: What it says when it is pointed at; the text itself of a label.
        fill: The colour of a cell, as `#rrggbb`.
    """

    x: float | None
    y: float | None
    x2: float | None = None
    y2: float | None = None
    text: str = ""
    fill: str = ""


@dataclass(frozen=True)
class Mark:
    """Points that are drawn alike.

    Attributes:
        kind: A line through them, points, spans between two places each, a band, bars from 0, cells, labels, or lines
            across the whole panel.
        points: In the order of the result.
        look: Of all of them.
        name: In the legend; empty for none.
    """

    kind: Kind
    points: tuple[Point, ...]
    look: Look
    name: str = ""


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes:
        title: With its unit.
        format: Of numbers, in d3's words.
        log: Logarithmic.
        names: Of categories; none for an axis of numbers.
        heads: Places of names that are headings of those below.
        ends: Of an axis of numbers; by its values where None.
        zero: An axis of numbers begins at 0.
        whole: Only whole numbers have ticks.
        top: The x axis is above the panel.
    """

    title: str = ""
    format: str = ""
    log: bool = False
    names: tuple[str, ...] = ()
    heads: frozenset[int] = frozenset()
    ends: tuple[float, float] | None = None
    zero: bool = False
    whole: bool = False
    top: bool = False


@dataclass
class Panel:
    """Marks on common axes, the first at the back.

    Attributes:
        x: The horizontal axis.
        y: The vertical axis; its categories are below each other.
        height: Of the plane, in pixels.
        marks: In the order in which they are drawn.
    """

    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    height: int = 320
    marks: list[Mark] = field(default_factory=list)

    def add(self, kind: Kind, points: list[Point], look: Look, name: str = "") -> None:
        """Draw points on top of what is there."""
        self.marks.append(Mark(kind, tuple(points), look, name))


@dataclass(frozen=True)
class Figure:
    """One panel or several.

    Attributes:
        panels: With a common y axis where they are beside each other, else with a common x axis.
        beside: They are beside each other.
    """

    panels: tuple[Panel, ...]
    beside: bool = False
