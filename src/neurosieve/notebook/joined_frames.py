"""Tables of several results below each other: of all exports of a run, of all its edits."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from neurosieve.results.export import ExportResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.measured import NotMeasured


def export_frame(exports: Mapping[str, ExportResult]) -> pl.DataFrame:
    """The frontiers of some exports below each other."""
    frames = (result.to_frame().insert_column(0, pl.lit(name).alias("export")) for name, result in exports.items())
    return pl.concat(frames, how="vertical_relaxed")


def edit_frame(edits: Sequence[InterventionResult]) -> pl.DataFrame:
    """One row an edit: what it is, how many neurons, what was claimed, and the effect on the property."""
    rows = []
    for edit in edits:
        row: dict[str, Any] = {"concept": edit.concept, "edit": edit.edit, "how": edit.how}
        row |= {"neurons": len(edit.neurons), "claimed": edit.claimed}
        if not isinstance(edit.predictions, NotMeasured):
            effect = next(e.effect for e in edit.predictions.effects if e.score == "property")
            low, high = effect.interval or (None, None)
            row |= {"effect": effect.value, "low": low, "high": high}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)
