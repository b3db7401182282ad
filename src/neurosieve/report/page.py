"""One self-contained page from a study's summary: tables by jinja2, which escapes all texts; figures by plotly."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from neurosieve.report import tables
from neurosieve.report.drawing import theme
from neurosieve.report.figures import CHARTS, missing_reason
from neurosieve.report.glossary import glossary
from neurosieve.report.numbers import metric_of, visible
from neurosieve.report.tables import Record

# Heads of the parts that can be without values.
_NAMES = {
    "cka": "Likeness of layers (CKA)",
    "set": "The smallest set",
    "pareto": "Pareto front",
    "classes": "Scores of each class",
}


def render_page(record: Record, folder: str) -> str:
    """The report as HTML.

    Args:
        record: A summary's content.
        folder: The run folder's name, for the commands that rebuild it.
    """
    missing = {key: reason for key in CHARTS if (reason := missing_reason(record, key)) is not None}
    charts = {key: make(record) for key, make in CHARTS.items() if key not in missing}
    published = record.get("published")
    return _template().render(
        record=record,
        folder=folder,
        model=PurePath(record["model"]).name or record["model"],
        theme=Markup(theme()),  # noqa: S704 - our own files
        plotly=Markup(get_plotlyjs()),  # noqa: S704
        script=Markup(_text("page.js")),  # noqa: S704
        figures=_json({key: json.loads(chart.figure.to_json()) for key, chart in charts.items()}),
        charts=charts,
        missing=missing,
        names=_NAMES,
        trust=tables.trust_table(record),
        analysed=tables.analysed_table(record),
        scores=tables.score_table(record),
        metrics=tables.metric_table(record),
        sets=tables.set_table(record),
        neurons=tables.neuron_table(record) if record["minimal_sets"] else None,
        mistakes=tables.mistake_table(record),
        control=tables.control_table(record),
        control_title=_control_title(record),
        agreement=tables.agreement_table(record),
        cuts=tables.cut_table(record),
        choices=tables.choice_table(record) if published and published["choices"] else None,
        origin=tables.origin_table(record),
        glossary=glossary(of_classes=tables.of_classes(record)),
        version=record.get("versions", {}).get("neurosieve", ""),
    )


def _control_title(record: Record) -> str:
    control = record["control"]
    if control["selectivity"] is None:
        return f"Control task: {control['reason']}"
    metric = metric_of(record)
    selectivity = f"{metric.number(control['selectivity'])} {metric.points}"
    return f"Random labels of the same tokens reach {metric.score(control['control'])}: selectivity is {selectivity}"


def _json(value: Mapping[str, Any]) -> Markup:
    # Inside a script element only "</" and "<!" could end the data; both begin with "<".
    return Markup(json.dumps(value).replace("<", "\\u003c"))  # noqa: S704


def _text(name: str) -> str:
    return files("neurosieve.report").joinpath(name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Every text that the template shows, without control characters; markup and the rest as they are."""
    return visible(value) if type(value) is str else value


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(_text("page.html.j2"))
