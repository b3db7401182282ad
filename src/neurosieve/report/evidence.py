"""What there is to see of concept neurons: cards with their tokens in code, and their values by label."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report.code import marked, near
from neurosieve.report.numbers import NONE, count
from neurosieve.report.tables import Table, make_table
from neurosieve.results.column_evidence import ColumnEvidence
from neurosieve.results.concept_evidence import Densities, Evidence, Token

_WHOLE = 3  # tokens whose whole function is shown
_WIDE, _HIGH = 400, 90
_KINDS = {"top": "Strongest tokens on held-out files", "typical": "Typical tokens with the value",
          "other": "Typical tokens without it"}  # fmt: skip


def evidence_cards(view: str, evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """What the page shows of each neuron and value."""
    return [
        {
            "title": f"{e.neuron}: {'low' if e.low else 'high'} on {e.name}, view {view}",
            "text": e.description or "",
            "tokens": {name: [token_card(t, in_full=i < _WHOLE and kind == "top") for i, t in enumerate(e.tokens[kind])]
                       for kind, name in _KINDS.items() if e.tokens[kind]},
            "drawing": density_drawing(e.densities, e.name),
            "densities": density_table(e.densities, e.name),
            "alike": ", ".join(f"{a.neuron} (r {a.r:.2f})" for a in e.alike) or NONE,
        }
        for e in evidence
    ]  # fmt: skip


def token_card(token: Token, *, in_full: bool) -> dict[str, Any]:
    """A token in the lines around it, and in all that is known around it."""
    context = token.context
    text, start, end = context.text, context.start, context.end
    return {
        "head": f"{token.value:+.1f} sd · {token.label or NONE} · {context.example}, line {context.line}",
        "code": marked(*near(text, start, end)),
        "whole": marked(text[:start], text[start:end], text[end:]) if in_full else None,
    }


COLUMN_KINDS = {
    "highest": "Highest values, one a text",
    "lowest": "Lowest values, one a text",
    "typical": "Typical tokens with the label",
    "sampled": "Tokens at the quantiles 1, 10, 25, 50, 75, 90 and 99 %",
}


def column_table(evidence: ColumnEvidence) -> Table:
    """The tokens of a neuron with their values, a row each."""
    rows = [
        (
            COLUMN_KINDS[kind],
            f"{seen.token.value:+.2f}",
            seen.token.token,
            seen.token.label or NONE,
            f"{seen.token.context.example}, line {seen.token.context.line}",
        )
        for kind, tokens in evidence.tokens.items()
        for seen in tokens
    ]
    return make_table("Tokens on held-out rows", ("chosen as", "standard deviations", "token", "label", "place"), rows)


def column_facts(evidence: ColumnEvidence) -> Table:
    """A neuron's values in figures."""
    rows = [
        ("held-out rows", count(evidence.rows)),
        ("mean over train rows", f"{evidence.mean:.4g}"),
        ("standard deviation", "it never varies" if evidence.dead else f"{evidence.sd:.4g}"),
    ]
    return make_table("Values of the neuron", ("", ""), rows)


def alike_table(evidence: ColumnEvidence) -> Table:
    """The neurons that do much the same."""
    rows = [(str(a.neuron), f"{a.r:+.3f}") for a in evidence.alike]
    return make_table(f"Most correlated neurons of {evidence.alike_in}", ("neuron", "r on train rows"), rows)


def density_table(densities: Densities, name: str) -> Table:
    """The neuron's values: share of rows for each standard deviation, in steps."""
    rows = densities.rows
    named = {f"with {name} (n {count(rows['with'])})": densities.with_value}
    named[f"without (n {count(rows['without'])})"] = densities.without
    named |= {f"{k} (n {count(rows[k])})": v for k, v in densities.classes.items()}
    steps = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(densities.edges)]
    cells = [(step, *(f"{d[i]:.3f}" for d in named.values())) for i, step in enumerate(steps)]
    return make_table(f"Values of the neuron by {name}", ("standard deviations", *named), cells)


def density_drawing(densities: Densities, name: str) -> Markup:
    """Bars of the rows with the value, the outline of all others: two shapes, whatever their colours."""
    with_value, others = densities.with_value, densities.without
    most = max(*with_value, *others) or 1.0
    step = _WIDE / len(with_value)
    bars = Markup("").join(
        Markup("<rect x='{:.1f}' y='{:.1f}' width='{:.1f}' height='{:.1f}'/>").format(
            i * step, _HIGH * (1 - v / most), step * 0.8, _HIGH * v / most
        )
        for i, v in enumerate(with_value)
        if v
    )
    path = " ".join(f"L{i * step:.1f} {_HIGH * (1 - v / most):.1f} H{(i + 1) * step:.1f}" for i, v in enumerate(others))
    words = visible(f"Values of the neuron: bars with {name}, line without")
    frame = Markup("<svg class='density' viewBox='0 0 {} {}' preserveAspectRatio='none' role='img' aria-label='{}'>")
    outline = Markup("<path d='M0 {} {}'/></svg>")
    return frame.format(_WIDE, _HIGH, words) + bars + outline.format(_HIGH, path)
