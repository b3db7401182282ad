"""Tables of the sets of few neurons that tell a property of whole texts."""

from collections.abc import Iterator

from neurosieve.report.numbers import NONE, count, counted, ratio
from neurosieve.report.set_tables import curve_table, layer_text, members, set_table, set_verdict
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concept_claims import Concept
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.text_sets import NumberSet, TextNumber, TextSets

WHERE = "whole texts"


def text_sets_of(result: ConceptResult) -> TextSets | None:
    """The sets for whole texts, where they were looked for and found."""
    return result.text_sets if isinstance(result.text_sets, TextSets) else None


def text_set_tables(result: ConceptResult) -> dict[str, Table]:
    """All tables of sets for whole texts that have rows, by name."""
    if (found := text_sets_of(result)) is None:
        return {}
    named = {
        "text-sets": set_table(found.values, WHERE),
        "text-number-sets": number_table(found),
        "text-set-curves": curve_table(found.values, WHERE),
        "text-number-curves": number_curve_table(found),
        "text-sets-left-out": make_table(
            "Properties of whole texts that were left out",
            ("property", "why"),
            list((dict(found.values.left_out) | {f"{k} (number)": why for k, why in found.left_out.items()}).items()),
        ),
    }
    return {name: table for name, table in named.items() if table.rows}


def text_set_line(result: ConceptResult) -> str:
    """How many values and numbers of whole texts are claimed as sets, and the clearest; empty if not looked for."""
    if (found := text_sets_of(result)) is None:
        return ""
    values, numbers = found.values.concepts, found.numbers
    looked = f"{counted(len(values), 'value')} and {counted(len(numbers), 'number')} of whole texts"
    claimed = [*_claimed(found)]
    if not claimed:
        return f"Of {looked}, none is claimed as a set of few neurons"
    return f"Of {looked}, {count(len(claimed))} claimed as sets of few neurons: {'; '.join(claimed)}"


def _claimed(found: TextSets) -> Iterator[str]:
    every: tuple[Concept | TextNumber, ...] = (*found.values.concepts, *found.numbers)
    for told in every:
        if few := told.claimed_set:
            score = f"R² {ratio(few.r2)}" if isinstance(few, NumberSet) else f"AP {ratio(few.ap)}"
            yield f"{told.name} ({counted(few.size, 'neuron')}, {score})"


def number_table(found: TextSets) -> Table:
    """The claimed sets of numbers: of each the smallest."""
    rows = [_line(n, few) for n in found.numbers if (few := n.claimed_set)]
    heads = ("number", "neurons", "layers", "which", "R²", "above the best rival", "best rival's R²",
             "random neurons' R²", "untrained copy's R²")  # fmt: skip
    return make_table(f"Numbers claimed as sets, {WHERE}", heads, rows)


def _line(told: TextNumber, few: NumberSet) -> tuple[str, ...]:
    return (
        told.name,
        count(few.size),
        layer_text(few.layers),
        members(few),
        ratio(few.r2, few.r2_interval),
        ratio(few.difference.value, few.difference.interval),
        f"{few.rival} {ratio(few.rival_r2)}",
        f"{ratio(few.random.mean)} ({ratio(few.random.low)} – {ratio(few.random.high)})",
        ratio(few.untrained),
    )


def number_curve_table(found: TextSets) -> Table:
    """R² of each number by the number of neurons, and what is claimed or how far it is."""
    sizes = sorted({s.size for n in found.numbers for s in n.curve})
    rows = []
    for told in found.numbers:
        by_size = {s.size: s for s in told.curve}
        cells = [ratio(by_size[k].r2, by_size[k].r2_interval) if k in by_size else NONE for k in sizes]
        last = max(told.curve, key=lambda s: s.rival_r2, default=None)
        rival, r2 = told.rival if last is None else (last.rival, last.rival_r2)
        rows.append((told.name, *cells, f"{rival} {ratio(r2)}", set_verdict(told)))
    heads = ("number", *(counted(k, "neuron") for k in sizes), "best rival's R²", "verdict")
    return make_table(f"R² by number of neurons, {WHERE}", heads, rows)
