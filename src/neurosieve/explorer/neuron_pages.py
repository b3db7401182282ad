"""The page of a neuron, and of one of its tokens in code."""

from collections.abc import Sequence

from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.views import View
from neurosieve.report.coloured_code import heat_class, reading_html
from neurosieve.report.evidence import (
    COLUMN_KINDS,
    column_table,
    density_drawing,
    density_table,
    token_card,
)
from neurosieve.report.neuron import profile_tables, profile_title
from neurosieve.report.tables import make_table
from neurosieve.results.column_evidence import ColumnEvidence
from neurosieve.studies.columns.token_picks import heat_of, labels_of
from neurosieve.typing import NeuronId


def neuron_page(run: OpenRun, neuron: NeuronId, label: str | None) -> View:
    """All that is known of a neuron, and its tokens.

    Raises:
        ConfigError: No such neuron, or no such label.
    """
    profile = run.profile(neuron, label)
    tables, column = profile_tables(profile), None
    results: dict[str, object] = {"neuron": str(neuron), "claimed": profile.claimed, "ranks": dict(profile.ranks)}
    if run.built and (evidence := profile.column):
        tables = {"tokens": column_table(evidence)} | tables
        tables |= {"histogram": density_table(evidence.densities, evidence.label)} if evidence.label else {}
        column = _column_parts(evidence, labels_of(run.built))
        results["evidence"] = evidence
    shown = {"neuron": neuron, "column": column, "width": run.grid.width}
    return View(title=profile_title(profile), template="neuron.html.j2", tables=tables, results=results, shown=shown)


def _column_parts(evidence: ColumnEvidence, labels: Sequence[str]) -> dict[str, object]:
    """What the template shows besides tables."""
    tokens = {
        COLUMN_KINDS[kind]: [{"row": seen.row, **token_card(seen.token, in_full=False)} for seen in some]
        for kind, some in evidence.tokens.items()
    }
    drawing = density_drawing(evidence.densities, evidence.label or "all rows")
    edges = evidence.densities.edges
    ends = [f"{edge:+.1f}" for edge in (edges[0], edges[-1])]
    return {"tokens": tokens, "drawing": drawing, "ends": ends, "label": evidence.label, "labels": labels,
            "note": evidence.note}  # fmt: skip


def token_page(run: OpenRun, neuron: NeuronId, row: int) -> View:
    """A held-out token in all that is shown around it, coloured by the neuron's values.

    Raises:
        ConfigError: No such neuron or row; the run holds no activations.
    """
    context, reading = heat_of(run.columns(), run.check(neuron), row)
    rows = [(t, f"{v[0]:+.3f}") for t, v in zip(reading.tokens, reading.values.tolist(), strict=True)]
    table = make_table(f"Values of {neuron}", ("token", "standard deviations"), rows)
    return View(
        title=f"Neuron {neuron} over {context.example}, line {context.line}",
        template="code.html.j2",
        tables={"values": table},
        results={"context": context},
        shown={"code": reading_html(reading, heat_class), "neuron": neuron, "row": row},
    )
