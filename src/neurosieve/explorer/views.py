"""What a page shows, before it is HTML, JSON or CSV."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neurosieve.errors import unknown_name
from neurosieve.printing import json_text
from neurosieve.report.page_frame import filled
from neurosieve.report.saved_files import to_csv
from neurosieve.report.tables import Table
from neurosieve.results.codec import to_json

PACKAGE = "neurosieve.explorer"


@dataclass(frozen=True, kw_only=True)
class View:
    """One page.

    Attributes:
        title: Its heading.
        template: That shows it as HTML.
        tables: By name; the first is the CSV where none is named.
        results: What the JSON holds besides the tables, by name.
        shown: What else the template shows.
        status: Of the answer.
    """

    title: str
    template: str
    tables: Mapping[str, Table] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200

    def html(self, around: Mapping[str, Any]) -> str:
        """The whole page; `around` is what all pages show."""
        own = {"title": self.title, "tables": self.tables, **self.shown}
        return filled(self.template, {**around, **own}, PACKAGE)

    def json(self) -> str:
        """Its tables, and the results that they are of."""
        tables = {n: {"columns": t.columns, "rows": t.rows} for n, t in self.tables.items()}
        results = {name: _plain(result) for name, result in self.results.items()}
        return json_text({"title": self.title, **results, "tables": tables})

    def csv(self, name: str | None) -> str:
        """One of its tables.

        Raises:
            ConfigError: No such table, or none at all.
        """
        wanted = next(iter(self.tables), "") if name is None else name
        if wanted not in self.tables:
            raise unknown_name("table", wanted, self.tables)
        return to_csv(self.tables[wanted])


def _plain(result: Any) -> Any:
    """A typed result as files hold it."""
    if isinstance(result, Sequence) and not isinstance(result, str):
        return [_plain(one) for one in result]
    return to_json(result) if hasattr(result, "__dataclass_fields__") else json.loads(json.dumps(result))


def message(title: str, text: str, status: int) -> View:
    """A page of one line: what was not found, or cannot be done."""
    return View(title=title, template="message.html.j2", results={"error": text}, shown={"text": text}, status=status)
