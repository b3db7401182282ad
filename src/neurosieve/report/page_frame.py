"""What all pages have around their parts: templates that escape texts, a style sheet, a script and their policy."""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report.drawing import Chart
from neurosieve.report.glossary import linked, place_of
from neurosieve.report.theme import theme

REPORT = "neurosieve.report"


def rendered(template: str, charts: Mapping[str, Chart], words: Mapping[str, str], **parts: Any) -> str:
    """A page, whole in itself.

    Args:
        template: Its name.
        charts: Its figures, by their keys.
        words: Their meanings; the first use in a text leads to the word's entry.
        **parts: What else the template shows.
    """
    return filled(
        template,
        parts,
        theme=Markup(theme()),  # noqa: S704 - our own files
        script=Markup(_text("page.js")),  # noqa: S704
        policy=page_policy(),
        charts=charts,
        linked=partial(linked, words=words),
    )


def filled(template: str, parts: Mapping[str, Any], package: str = REPORT, **more: Any) -> str:
    """A template with its parts, which are escaped where they are texts.

    Args:
        template: Its name.
        parts: What it shows.
        package: Whose it is; it may include those of the report.
        **more: Further parts.
    """
    page: str = _environment(package).get_template(template).render(parts, **more)
    return page


@cache
def page_policy() -> str:
    """A browser runs our script and applies our style sheet alone, asks nothing of the network, sends no form."""
    allowed = (b64encode(sha256(text.encode()).digest()).decode() for text in (_text("page.js"), theme()))
    names = (f"{kind}-src 'sha256-{digest}'" for kind, digest in zip(("script", "style"), allowed, strict=True))
    return f"default-src 'none'; {'; '.join(names)}; base-uri 'none'; form-action 'none'"


def _text(name: str, package: str = REPORT) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _template(name: str, package: str) -> str:
    own = files(package).joinpath(name)
    return _text(name, package if own.is_file() else REPORT)


def _shown(value: object) -> object:
    """Every text that the template shows, without control characters; markup and the rest as they are."""
    return visible(value) if type(value) is str else value


@cache
def _environment(package: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(partial(_template, package=package)),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["place"] = place_of
    return environment
