"""What all pages have around their parts: templates that escape texts, two scripts, and the policy for them."""

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from neurosieve.printing import visible
from neurosieve.report.drawing import Chart, theme


def frame(charts: Mapping[str, Chart]) -> dict[str, Any]:
    """What a template needs for its figures: theme, policy, scripts, and the figures as JSON."""
    return {
        "theme": Markup(theme()),  # noqa: S704 - our own files
        "policy": _policy(*_scripts()),
        "scripts": [Markup(script) for script in _scripts()],  # noqa: S704
        "figures": _json({key: json.loads(chart.figure.to_json()) for key, chart in charts.items()}),
        "charts": charts,
    }


def _scripts() -> tuple[str, str]:
    """What draws the figures, and our own."""
    return get_plotlyjs(), _text("page.js")


@cache
def _policy(*scripts: str) -> str:
    """A browser runs these scripts and no other, asks nothing of the network, and sends no form."""
    digests = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    # plotly sets style attributes, which no digest can allow.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:;"
        " base-uri 'none'; form-action 'none'"
    )


def _json(value: Mapping[str, Any]) -> Markup:
    # Inside a script element only "</" and "<!" could end the data; both begin with "<".
    return Markup(json.dumps(value).replace("<", "\\u003c"))  # noqa: S704


def _text(name: str) -> str:
    return files("neurosieve.report").joinpath(name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Every text that the template shows, without control characters; markup and the rest as they are."""
    return visible(value) if type(value) is str else value


@cache
def environment() -> jinja2.Environment:
    """The templates."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
