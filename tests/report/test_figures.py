"""Each figure on each kind of record: a finding, named axes, the drawn values under it, no colour alone."""

import re
from html import escape
from importlib.resources import files
from pathlib import Path

import pytest

from neurosieve.errors import ConfigError, DataError, ResourceError
from neurosieve.report import CHARTS, Chart
from neurosieve.report.concept_figures import depth_chart
from neurosieve.report.figure_marks import Axis, Figure, Kind, Look, Panel, Point
from neurosieve.report.figures import missing_reason
from neurosieve.report.numbers import per_cent
from neurosieve.report.theme import colour, mixed, theme
from neurosieve.report.vega import NARROW, WIDE, inline_svg, spec_of, svg_of
from neurosieve.results.redundancy_sets import CurvePoint
from tests.report.concept_results import concepts_of
from tests.report.drawn import differ_without_colour, named, points_of
from tests.report.records import NAMES, result_of
from tests.tiny import assert_one_line

CASES = [(key, name) for key in CHARTS for name in NAMES if missing_reason(result_of(name), key) is None]
PAPERS = ("#ffffff", "#14181f")


def chart(key: str, name: str) -> Chart:
    return CHARTS[key](result_of(name))


@pytest.mark.parametrize(("key", "name"), CASES)
def test_states_its_finding_and_axes(key: str, name: str) -> None:
    made = chart(key, name)
    assert made.key == key
    assert len(made.title) > 15
    assert made.caption
    titles = [axis.title for panel in made.figure.panels for axis in (panel.x, panel.y)]
    assert sum(map(bool, titles)) >= len(titles) - (1 if key == "clusters" else 0)  # it shares an x axis


@pytest.mark.parametrize(("key", "name"), CASES)
def test_table_is_whole(key: str, name: str) -> None:
    made = chart(key, name)
    assert made.table.rows
    assert {len(row) for row in made.table.rows} == {len(made.table.columns)}
    assert "<tbody><tr><td>" in made.table.to_html()


@pytest.mark.parametrize(("key", "name"), CASES)
def test_series_differ_without_colour(key: str, name: str) -> None:
    assert differ_without_colour(chart(key, name))


@pytest.mark.parametrize("key", ["curve", "layers", "clusters", "pareto"])
def test_intervals_are_the_results(key: str) -> None:
    result = result_of("full")
    assert isinstance(result.pareto, tuple)
    scores = {
        "curve": [p.test for p in result.curves if isinstance(p, CurvePoint)],
        "layers": [p.test for p in (*result.layerwise.independent, *result.layerwise.incremental)],
        "clusters": [p.test for p in result.clusters],
        "pareto": [p.test for p in result.pareto],
    }[key]
    made = CHARTS[key](result)
    assert sorted((p.y, p.y2) for p in points_of(made, "span")) == sorted(s.interval for s in scores if s.interval)
    assert sorted(p.y for p in points_of(made, "point") if p.y is not None) == sorted(s.value for s in scores)
    cells = {cell for row in CHARTS[key](result).table.rows for cell in row}
    assert {per_cent(s.value, s.interval) for s in scores} <= cells


def test_selector_marks_and_random_band_are_drawn() -> None:
    assert [p.text for p in points_of(chart("layers", "full"), "label")] == ["LS 2, 3 points", "LS 1 point"]
    assert {"random orders, range", "random orders, mean", "lca", "probeless"} <= set(named(chart("curve", "full")))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", [*CHARTS, "other"])
def test_plot(key: str, name: str) -> None:
    summary = result_of(name)
    if key == "other":
        with pytest.raises(ConfigError) as unknown:
            summary.plot(key)
        assert_one_line(unknown.value, "curve")
    elif reason := missing_reason(summary, key):
        with pytest.raises(DataError) as caught:
            summary.plot(key)
        assert_one_line(caught.value, reason)
    else:
        assert len(summary.plot(key).title) > 15


def luminance(value: str) -> float:
    parts = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["series-1", "series-2", "series-3", "series-4", "band"])
def test_series_stand_out_on_both_papers(name: str, paper: str) -> None:
    assert contrast(colour(name), paper) >= 3


def test_texts_stand_out() -> None:
    blocks = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in theme().split("@media screen", 1)]
    assert [b["paper"] for b in blocks] == list(PAPERS)
    for block in blocks:
        for ink in ("ink", "soft", "accent", "yes", "no", "open"):
            assert contrast(block[ink], block["paper"]) >= 4.5, ink
            assert contrast(block[ink], block["panel"]) >= 4.5, ink


def test_colours_stand_in_one_file() -> None:
    folder = files("neurosieve.report")
    for place in folder.iterdir():
        if place.name.endswith((".py", ".js", ".j2")):
            text = place.read_text(encoding="utf-8")
            assert not re.search(r"""["':]\s*#[0-9a-fA-F]{3,8}\b|rgba?\(|hsl""", text), place.name


KINDS: tuple[Kind, ...] = ("line", "point", "span", "band", "bar", "cell", "label", "rule")
TEXT = "<b>&'\"\\ $x_1$ %{y} \u202e"


def drawn(kind: Kind, x: Axis, y: Axis, name: str = "") -> Figure:
    """One mark of a kind."""
    ends = {"span": {"y2": 2.0}, "band": {"y2": 2.0}}.get(kind, {})
    panel = Panel(x, y, 200)
    panel.add(kind, [Point(1, 1, text=TEXT, fill="#112233", **ends), Point(2, 1, text="b", fill="#445566", **ends)],
              Look("series-1"), name)  # fmt: skip
    return Figure((panel,))


AXES = {
    "numbers": Axis("number of things", format=",d"),
    "log": Axis("size (logarithmic)", log=True),
    "whole": Axis("layer", whole=True),
    "names": Axis("class", names=("a", TEXT, "c")),
    "heads": Axis(names=("a", "head", "c"), heads=frozenset({1})),
    "zero": Axis("from 0", zero=True),
    "top": Axis("above", ends=(0, 3), top=True),
}


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("x", AXES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_mark_on_each_axis(kind: Kind, x: str, width: int) -> None:
    """It is drawn, no wider than it was asked for, and what it says can be read; texts do nothing."""
    figure = drawn(kind, AXES[x], AXES["names" if kind == "cell" else "numbers"], "a name")
    svg = inline_svg(figure, "What it <is>", width)
    got = re.match(r'<svg[^>]* width="(\d+)"', svg)
    assert got
    assert int(got[1]) <= width
    assert 'role="img" aria-label="What it &lt;is&gt;"' in svg
    assert "a name" in svg
    assert ("<title>b</title>" in svg) is (width == WIDE and kind not in ("line", "band", "label"))
    assert "<b>" not in svg
    assert "\u202e" not in svg
    assert colour("ink") not in svg


WORDS = ("if", "data", "scale", "datum", "null", "true", "NaN", "split", "item", "0", "", "__proto__", "a\\n'b", '"')


@pytest.mark.parametrize("names", [WORDS, ("if",), ("else", "if")])
def test_names_are_no_expressions(names: tuple[str, ...]) -> None:
    """Words of Vega's own language, or of JSON, are names like others; each is drawn at its place."""
    svg = inline_svg(drawn("point", Axis("x"), Axis(names=names)), "names", WIDE)
    labels = re.findall(
        r"<text[^>]*>([^<]*)</text>", svg.partition("role-axis-label")[2].partition("role-axis-label")[2]
    )
    assert labels[: len(names)] == [escape(name, quote=False) for name in names if name]


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".SVG"])
def test_saves(suffix: str, tmp_path: Path) -> None:
    begins = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF"}[suffix.lower()]
    assert chart("curve", "full").save(tmp_path / f"curve{suffix}").read_bytes().startswith(begins)


@pytest.mark.parametrize("name", ["curve.jpg", "curve", "no/folder/curve.svg"])
def test_cannot_be_saved(name: str, tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught:
        chart("curve", "full").save(tmp_path / name)
    assert_one_line(caught.value, "figure", name)
    assert not [*tmp_path.iterdir()]


def test_a_page_of_one_figure(tmp_path: Path) -> None:
    made = chart("classes", "hostile")
    text = made.write_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 2  # wide and narrow
    assert made.table.to_html() in text
    assert "<script" not in text
    shown = made._repr_html_()
    assert shown.count("<svg") == 1
    assert "<script" not in shown


def test_texts_are_texts_in_files() -> None:
    """They can be selected and searched, and have the page's font."""
    svg = svg_of(chart("curve", "full").figure)
    assert ">neurons kept (logarithmic)</text>" in svg
    assert 'font-family="system-ui, sans-serif"' in svg


def test_spec_is_vega_lite() -> None:
    spec = spec_of(chart("clusters", "full").figure, 500)
    assert spec["$schema"].endswith("vega-lite/v6.json")
    assert len(spec["vconcat"]) == 2
    assert "hconcat" in spec_of(depth_chart(concepts_of("full")).figure)


@pytest.mark.parametrize(("share", "made"), [(0.0, "scale-low"), (1.0, "scale-high"), (-2.0, "scale-low")])
def test_mixed_colours(share: float, made: str) -> None:
    assert mixed("scale-low", "scale-high", share) == colour(made)


def test_no_bar_hangs_in_the_air() -> None:
    for key in ("set", "clusters"):
        panel = chart(key, "full").figure.panels[0]
        assert panel.y.zero
