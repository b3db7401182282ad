"""One self-contained page from a run's results: tables by jinja2, which escapes all texts; figures by plotly.

The page is `page.html.j2`; each kind of result has a part of its own, which is left out where a run has none.
"""

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
from neurosieve.report.concept_figures import concept_charts
from neurosieve.report.concepts import (
    RULE,
    claim_table,
    concept_headline,
    left_out_table,
    studied_table,
    value_table,
)
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


def render_page(summary: Record | None, folder: str, concepts: Record | None = None) -> str:
    """The report as HTML: of a study, of concepts, or of both.

    Args:
        summary: A summary's content.
        folder: The run folder's name, for the commands that rebuild it.
        concepts: The content of `concepts.json`.
    """
    records = [r for r in (summary, concepts) if r is not None]
    missing = {key: reason for key in CHARTS if summary and (reason := missing_reason(summary, key)) is not None}
    charts = {key: make(summary) for key, make in CHARTS.items() if summary and key not in missing}
    charts |= concept_charts(concepts) if concepts else {}
    headlines = ([str(summary["headline"])] if summary else []) + ([concept_headline(concepts)] if concepts else [])
    parts = {"study": summary and _study(summary), "concepts": concepts and _concepts(concepts)}
    about = records[0]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            **parts,
            parts=[name for name, part in parts.items() if part],
            subject=(PurePath(about["model"]).name or about["model"], about["task"]),
            headline=headlines[0],
            folder=folder,
            theme=Markup(theme()),  # noqa: S704 - our own files
            plotly=Markup(get_plotlyjs()),  # noqa: S704
            script=Markup(_text("page.js")),  # noqa: S704
            figures=_json({key: json.loads(chart.figure.to_json()) for key, chart in charts.items()}),
            charts=charts,
            missing=missing,
            names=_NAMES,
            origin=tables.origin_table(*records),
            commands=_commands(folder, summary, concepts),
            glossary=glossary(summary, concepts),
            version=about.get("versions", {}).get("neurosieve", ""),
        )
    )


def _study(record: Record) -> dict[str, Any]:
    """What `study.html.j2` shows."""
    published = record.get("published")
    return {
        "published": record["protocol"] == "published",
        "trust": tables.trust_table(record),
        "analysed": tables.analysed_table(record),
        "scores": tables.score_table(record),
        "metrics": tables.metric_table(record),
        "sets": tables.set_table(record),
        "neurons": tables.neuron_table(record) if record["minimal_sets"] else None,
        "mistakes": tables.mistake_table(record),
        "control": tables.control_table(record),
        "control_title": _control_title(record),
        "agreement": tables.agreement_table(record),
        "cuts": tables.cut_table(record),
        "choices": tables.choice_table(record) if published and published["choices"] else None,
    }


def _concepts(record: Record) -> dict[str, Any]:
    """What `concepts.html.j2` shows."""
    views = record["views"]
    return {
        "headline": concept_headline(record),
        "rule": RULE,
        "claims": [claim_table(view) for view in views.values()],
        "studied": studied_table(record),
        "views": {name: value_table(view) for name, view in views.items()},
        "left_out": left_out_table(record),
    }


def _commands(folder: str, summary: Record | None, concepts: Record | None) -> list[str]:
    """Compute it again, rebuild the page."""
    lines = [f"neurosieve run {folder}/study.yaml --out NEW_FOLDER"] if summary else []
    if concepts:
        lines.append(f"neurosieve concepts {'NEW_FOLDER' if summary else f'{folder}/study.yaml --out NEW_FOLDER'}")
    return [*lines, f"neurosieve report {folder}"]


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
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
