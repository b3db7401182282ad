"""Figures as Vega-Lite specifications, and their drawings: SVG, PNG and PDF by vl-convert, without a browser.

Vega-Lite is given every colour, place and text; it scales, lays out and draws.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil, floor, log10
from typing import Any
from xml.etree import ElementTree as ET

import vl_convert

from neurosieve.printing import visible
from neurosieve.report.figure_marks import Axis, Figure, Mark, Panel, Point
from neurosieve.report.theme import colour

Spec = dict[str, Any]
WIDE, NARROW = 1072, 358  # pixels: the page's column, and that of a phone
_FONT = "system-ui, sans-serif"
_NUMBERS, _EDGES = 46, 34  # pixels: of tick labels beside the plane; of title and margins
_SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", _SVG)


def spec_of(figure: Figure, width: int = WIDE) -> Spec:
    """A figure in Vega-Lite's words.

    Args:
        figure: Its panels.
        width: Of the whole drawing, in pixels.
    """
    panels = [*_panels(figure, width)]
    whole: Spec = {"hconcat" if figure.beside else "vconcat": panels, "spacing": 14} if len(panels) > 1 else panels[0]
    schema = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "config": _config()}
    return schema | {"padding": {"left": 2, "right": 14, "top": 6, "bottom": 4}} | whole


def _config() -> Spec:
    ink = colour("ink")
    words = {"labelColor": ink, "labelFontSize": 12, "titleColor": ink, "titleFontSize": 12}
    words |= {"titleFontWeight": "normal"}
    lines = {"gridColor": ink, "gridOpacity": 0.14, "domainColor": ink, "domainOpacity": 0.45}
    ticks = {"tickColor": ink, "tickOpacity": 0.45}
    return {
        "font": _FONT,
        "view": {"stroke": None},
        "axis": words | lines | ticks,
        "legend": words
        | {"orient": "top", "title": None, "symbolSize": 90, "symbolStrokeWidth": 2, "offset": 10, "columnPadding": 24},
        "aria": True,
    }


def _panels(figure: Figure, width: int) -> Iterator[Spec]:
    """Each panel; of some beside each other only the first names its rows."""
    longest = max(map(len, figure.panels[0].y.names), default=0)
    names = min(9 * longest + 12, width * 2 // 5, 220)
    left = names + bool(figure.panels[0].y.title) * _EDGES // 2 if longest else _NUMBERS + _EDGES // 2
    columns = len(figure.panels) if figure.beside else 1
    inner = (width - left - _EDGES - 14 * (columns - 1)) // columns
    for i, panel in enumerate(figure.panels):
        named = not (figure.beside and i)
        yield _panel(panel, inner, width, names if named else 0)


def _panel(panel: Panel, inner: int, width: int, names: int) -> Spec:
    layers = [_legend(panel, width)] if any(mark.name for mark in panel.marks) else []
    layers += [_layer(panel, mark) for mark in panel.marks if mark.points]
    points = [p for mark in panel.marks for p in mark.points]
    x = _scaled(panel.x, [v for p in points for v in (p.x, p.x2) if v is not None], inner // 50)
    y = _scaled(panel.y, [v for p in points for v in (p.y, p.y2) if v is not None], panel.height // 40)
    x["axis"] |= {"orient": "top" if panel.x.top else "bottom", "labelOverlap": True, "labelSeparation": 5}
    extent = names if panel.y.names else _NUMBERS
    limit = extent * 4 // 5  # a reader's font may be wider than the one that is measured
    y["axis"] |= {"labelLimit": limit, "minExtent": extent, "maxExtent": extent} if names else {"labels": False}
    if panel.y.names:
        y["axis"] |= {"grid": False, "ticks": False, "domain": False, "labelOverlap": False}
    return {"width": inner, "height": panel.height, "layer": layers, "encoding": {"x": x, "y": y}}


def _scaled(axis: Axis, values: Sequence[float], most: int) -> Spec:
    """Scale and ticks of one axis, without a field; so many ticks have room."""
    ticks: Spec = {"title": visible(axis.title) or None}
    if axis.names:
        # One text, since Vega takes a text that is a word of its language, as "if", for that word.
        texts = json.dumps("\n".join(["", *map(visible, axis.names)]))
        ticks |= {"labelExpr": f"split({texts}, '\\n')[datum.value + 1]", "labelAngle": 0}
        if axis.heads:
            ticks["labelFontWeight"] = {
                "condition": {"test": f"indexof({sorted(axis.heads)}, datum.value) >= 0", "value": "bold"},
                "value": "normal",
            }
        return {"type": "ordinal", "scale": {"domain": [*range(len(axis.names))]}, "axis": ticks}
    scale: Spec = {"type": "log" if axis.log else "linear", "zero": axis.zero, "nice": not axis.log}
    if axis.ends:
        scale |= {"domain": [*axis.ends], "nice": False}
    else:
        scale["padding"] = 8 if axis.log or (axis.whole and not axis.zero) else 0
    if values and (axis.log or axis.whole):
        low, high = 0.0 if axis.zero else min(values), max(values)
        ticks["values"] = _decades(low, high) if axis.log else _whole(low, high, most)
    else:
        ticks["tickCount"] = most
    ticks["format"] = axis.format or ",.10~g"
    return {"type": "quantitative", "scale": scale, "axis": ticks}


def _whole(low: float, high: float, most: int) -> list[int]:
    """Whole numbers at steps of 1, 2, 5, 10 and so on."""
    least = max(1.0, (high - low) / max(most, 1))
    step = next(s for k in range(16) for m in (1, 2, 5) if (s := m * 10**k) >= least)
    return [*range(ceil(low / step) * step, floor(high) + 1, step)]


def _decades(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, … within an axis; powers of ten alone where it is long."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    within = [m * 10.0**k for k in decades for m in ((1, 2, 5) if len(decades) <= 6 else (1,))]
    return [step for step in within if low <= step <= high]


def _layer(panel: Panel, mark: Mark) -> Spec:
    rows = [*map(_row, mark.points)]
    encoding: Spec = {}
    for name, axis in (("x", panel.x), ("y", panel.y)):
        if name in rows[0]:
            kind = {"type": "ordinal"} if axis.names else {"type": "quantitative"}
            encoding[name] = {"field": name} | kind
            encoding |= {f"{name}2": {"field": f"{name}2"}} if f"{name}2" in rows[0] else {}
    if mark.kind == "cell":
        encoding["fill"] = {"field": "fill", "type": "nominal", "scale": None}
    if mark.kind == "label":
        encoding["text"] = {"field": "text", "type": "nominal"}
    elif any(p.text for p in mark.points) and mark.kind not in ("line", "band"):
        encoding["description"] = {"field": "text", "type": "nominal"}
    return {"data": {"values": rows}, "mark": _shape(mark), "encoding": encoding}


def _row(point: Point) -> Spec:
    row = {name: value for name, value in point._asdict().items() if value not in (None, "")}
    return row | {"text": visible(point.text)}


def _shape(mark: Mark) -> Spec:
    look = mark.look
    paint = colour(look.colour)
    line = {"stroke": paint, "strokeWidth": look.width, "strokeDash": [*look.dash], "opacity": look.opacity}
    filled = {"fill": paint, "fillOpacity": look.opacity}
    point = {
        "type": "point",
        "opacity": 1,
        "shape": _STAR if look.shape == "star" else look.shape,
        "size": look.size**2,
    }
    kinds: dict[str, Spec] = {
        "line": {"type": "line"} | line,
        "span": {"type": "rule"} | line,
        "rule": {"type": "rule"} | line,
        "band": {"type": "area"} | filled,
        "bar": {"type": "bar", "binSpacing": 0} | filled,
        "cell": {"type": "rect"},
        "point": point | {"stroke": paint, "fill": None if look.open else paint, "strokeWidth": look.width},
        "label": {"type": "text", "fill": paint, "fontSize": look.size} | _SIDES.get(look.shape, {}),
    }
    return kinds[mark.kind] | {"clip": False}


# Where a label is next to its place; in the middle of it where none is named.
_SIDES: dict[str, Spec] = {
    "above": {"dy": -7},
    "right": {"dx": 4, "align": "left", "dy": -6},
    "left": {"dx": -4, "align": "right", "dy": -6},
}
_STAR = "M0,-1L.29,-.4L.95,-.31L.48,.15L.59,.81L0,.5L-.59,.81L-.48,.15L-.95,-.31L-.29,-.4Z"


def _legend(panel: Panel, width: int) -> Spec:
    """A layer without rows: what it has is the legend."""
    named = {mark.name: mark for mark in panel.marks if mark.name}
    shapes = [_SYMBOLS.get(m.kind, _STAR if m.look.shape == "star" else m.look.shape) for m in named.values()]
    paints = [colour(m.look.colour) for m in named.values()]
    fills = [paint if _filled(m) else "transparent" for m, paint in zip(named.values(), paints, strict=True)]
    shown = [visible(name) for name in named]
    longest = max(map(len, shown)) * 7 + 40
    key = {"columns": max(1, min(len(shown), (width - 40) // longest)), "labelLimit": width - 60, "symbolOpacity": 1}
    ranges = {"shape": shapes, "stroke": paints, "fill": fills, "strokeDash": [[*m.look.dash] for m in named.values()]}
    encoding = {
        channel: {"field": "name", "type": "nominal", "scale": {"domain": shown, "range": values}, "legend": key}
        for channel, values in ranges.items()
    }
    return {"data": {"values": []}, "mark": {"type": "point"}, "encoding": encoding}


_SYMBOLS = {"line": "stroke", "span": "stroke", "band": "square", "bar": "square"}


def _filled(mark: Mark) -> bool:
    return mark.kind in ("band", "bar") or (mark.kind == "point" and not mark.look.open)


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    return vl_convert.vegalite_to_svg(spec)


def svg_of(figure: Figure, width: int = WIDE) -> str:
    """A drawing as an SVG file, on white."""
    return _drawn(json.dumps(spec_of(figure, width)))


def png_of(figure: Figure, width: int = WIDE) -> bytes:
    """A drawing as a PNG file, three pixels for each one of the page."""
    return vl_convert.vegalite_to_png(spec_of(figure, width), scale=3)


def pdf_of(figure: Figure, width: int = WIDE) -> bytes:
    """A drawing as a PDF file; texts are texts."""
    return vl_convert.vegalite_to_pdf(spec_of(figure, width))


def inline_svg(figure: Figure, label: str, width: int = WIDE) -> str:
    """A drawing as part of a page: it has the page's ink, a name, and what each mark says when it is pointed at.

    Args:
        figure: Its panels.
        label: What it is called for those who do not see it.
        width: In pixels.
    """
    root = ET.fromstring(svg_of(figure, width))  # noqa: S314 - drawn a moment ago, from our own specification
    for element in [*root.iter()]:
        for child in [c for c in element if _nothing(c)]:
            element.remove(child)
    for element in root.iter():
        _tidy(element, says=width > NARROW)
    root.attrib |= _TEXT | {"role": "img", "aria-label": visible(label)}
    text = ET.tostring(root, encoding="unicode")
    return re.sub(rf'"{colour("ink")}"', '"currentColor"', text, flags=re.IGNORECASE)


def _nothing(element: ET.Element) -> bool:
    """The paper, and frames that draw nothing."""
    name, kind = element.tag.rpartition("}")[2], element.get("class", "")
    paper = name == "rect" and element.get("fill") == "white"
    return paper or (name == "path" and kind in ("background", "foreground"))


def _tidy(element: ET.Element, *, says: bool) -> None:
    """Without what only a program reads; what a mark says becomes its title, which needs a mouse."""
    text = element.get("aria-label")
    for name in [k for k in element.attrib if k.startswith("aria-") or k in _UNREAD]:
        del element.attrib[name]
    for name in _PLACES & element.attrib.keys():
        element.set(name, re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", element.attrib[name]))
    for name, value in _DEFAULTS.items():
        if element.get(name) == value:
            del element.attrib[name]
    if says and text and element.tag in (f"{{{_SVG}}}path", f"{{{_SVG}}}line"):
        title = ET.SubElement(element, f"{{{_SVG}}}title")
        title.text = text


_UNREAD = ("role", "pointer-events", "version")
_TEXT = {"font-family": _FONT, "font-size": "12px"}  # of the whole drawing, but where a text says otherwise
_PLACES = {"d", "transform", "x2", "y2"}
_DEFAULTS = _TEXT | {
    "transform": "translate(0,0)",
    "font-weight": "normal",
    "stroke-dasharray": "",
    "opacity": "1",
    "stroke-width": "1",
    "fill-opacity": "1",
    "stroke-miterlimit": "10",
}
