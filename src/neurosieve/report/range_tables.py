"""Ranges of activation that tell values, as a table."""

from collections.abc import Sequence

from neurosieve.report.numbers import ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concepts import Concept, ConceptFindings
from neurosieve.results.value_ranges import ValueRange

_SHOWN = 10  # that are not claimed


def range_table(view: ConceptFindings) -> Table:
    """The claimed ranges of one view, then the ten that are furthest above their neuron's ends on held-out files."""
    every = [(c, r) for c in view.concepts for r in c.ranges or ()]
    claimed = [pair for pair in every if pair[1].claimed]
    others = sorted((p for p in every if not p[1].claimed), key=lambda pair: -pair[1].above_ends.value)
    rows = [_row(*pair) for pair in (*claimed, *others[:_SHOWN])]
    heads = (
        "value",
        "range",
        "AP inside",
        "AUROC",
        "AP of its ends",
        "above them",
        "best rival's AP",
        "verdict",
    )
    return make_table(f"View {view.view}: {len(claimed)} of {len(every)} ranges of activation are claimed", heads, rows)


def _row(concept: Concept, own: ValueRange) -> Sequence[str]:
    rival, precision = concept.rival
    return (
        concept.name,
        str(own.range),
        ratio(own.ap, own.interval),
        ratio(own.auroc, own.auroc_interval),
        ratio(own.ends_ap),
        ratio(own.above_ends.value, own.above_ends.interval),
        f"{rival} {ratio(precision)}",
        "claimed" if own.claimed else f"not claimed: {own.lacking}",
    )
