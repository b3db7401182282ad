"""Each figure on each kind of record: a finding, named axes, the drawn values under it, no colour alone."""

import json
import re
from importlib.resources import files
from itertools import combinations

import pytest

from neurosieve.errors import ConfigError, DataError
from neurosieve.report import CHARTS, Chart
from neurosieve.report.drawing import colour, theme
from neurosieve.report.figures import missing_reason
from neurosieve.report.numbers import per_cent
from neurosieve.results.redundancy_sets import CurvePoint
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
    layout = json.loads(made.figure.to_json())["layout"]
    axes = {k: v for k, v in layout.items() if re.fullmatch(r"[xy]axis\d*", k)}
    titles = [(v.get("title") or {}).get("text") for v in axes.values()]
    assert sum(bool(t) for t in titles) >= len(axes) - (1 if key == "clusters" else 0)  # it shares an x axis


@pytest.mark.parametrize(("key", "name"), CASES)
def test_table_is_whole(key: str, name: str) -> None:
    made = chart(key, name)
    assert made.table.rows
    assert {len(row) for row in made.table.rows} == {len(made.table.columns)}
    assert "<tbody><tr><td>" in made.table.to_html()


@pytest.mark.parametrize(("key", "name"), CASES)
def test_series_differ_without_colour(key: str, name: str) -> None:
    data = json.loads(chart(key, name).figure.to_json())["data"]
    named = [t for t in data if t.get("name") and t["type"] == "scatter"]
    looks = [(t.get("mode"), t.get("fill"), (t.get("marker") or {}).get("symbol"), (t.get("line") or {}).get("dash"))
             for t in named]  # fmt: skip
    assert all(a != b for a, b in combinations(looks, 2))


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
    data = json.loads(CHARTS[key](result).figure.to_json())["data"]
    drawn = [
        (y, round(y - low, 9), round(y + high, 9))
        for t in data
        if "error_y" in t
        for y, low, high in zip(t["y"], t["error_y"]["arrayminus"], t["error_y"]["array"], strict=True)
    ]
    assert sorted(drawn) == sorted((s.value, *(round(v, 9) for v in s.interval or ())) for s in scores)
    cells = {cell for row in CHARTS[key](result).table.rows for cell in row}
    assert {per_cent(s.value, s.interval) for s in scores} <= cells


def test_selector_marks_and_random_band_are_drawn() -> None:
    texts = [a["text"] for a in json.loads(chart("layers", "full").figure.to_json())["layout"]["annotations"]]
    assert texts == ["LS 2, 3 points", "LS 1 point"]
    names = [t.get("name") for t in json.loads(chart("curve", "full").figure.to_json())["data"]]
    assert {"random orders, range", "random orders, mean", "lca", "probeless"} <= set(names)


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
        assert len(summary.plot(key).layout.title.text) > 15


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
            text = place.read_text(encoding="utf-8").replace("rgba(0,0,0,0)", "")
            assert not re.search(r"""["':]\s*#[0-9a-fA-F]{3,8}\b|rgba?\(|hsl""", text), place.name
