"""Parts of a result as tables for further work: one row a part, a column a figure, intervals as `_low` and `_high`."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from neurosieve.results.codec import to_json
from neurosieve.results.measured import NotMeasured
from neurosieve.results.redundancy_sets import LayerCurve, SmallestSet

_INTERVALS = ("interval", "size_range")


def frame_of(parts: Iterable[Any]) -> pl.DataFrame:
    """One row a part: its figures under the names of their keys in the run folder's files.

    Args:
        parts: Results of one kind or of several; what only some of them have is null for the others.
    """
    rows = [row_of(to_json(part)) for part in parts]
    return pl.DataFrame(rows, infer_schema_length=None)


def row_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a record; the two ends of an interval have columns of their own."""
    row: dict[str, Any] = {}
    for key, value in record.items():
        if key in _INTERVALS:
            name = "" if key == "interval" else f"{key}_"
            row |= {f"{name}{end}": value and value[i] for i, end in enumerate(("low", "high"))}
        elif not isinstance(value, list | Mapping):
            row[key] = value
    return row


def set_frame(sets: Iterable[SmallestSet]) -> pl.DataFrame:
    """One row a smallest set."""
    return pl.DataFrame(
        [
            {
                "ranking": smallest.ranking,
                "delta": smallest.delta,
                "select": smallest.select,
                "size": smallest.size,
                "test": smallest.test.value,
                "loss": smallest.loss.value,
                "loss_low": smallest.loss.interval and smallest.loss.interval[0],
                "loss_high": smallest.loss.interval and smallest.loss.interval[1],
                "within": smallest.within if isinstance(smallest.within, bool) else None,  # an older file has none
                "random_size": smallest.random_size.median,
            }
            for smallest in sets
        ]
    )


def weight_frame(smallest: SmallestSet | None, labels: tuple[str, ...]) -> pl.DataFrame:
    """One row a neuron of a smallest set: rank, layer, index, and its weight for each label."""
    if smallest is None:
        return pl.DataFrame(schema={"rank": pl.Int64, "layer": pl.Int64, "index": pl.Int64})
    weights = pl.DataFrame(smallest.weights, schema=list(labels), orient="row")
    return smallest.neurons.to_frame().hstack(weights)


def layer_frame(curve: LayerCurve) -> pl.DataFrame:
    """One row a probe on a layer alone, or on all layers up to it."""
    kinds = {"alone": curve.independent, "up to it": curve.incremental}
    frames = [frame_of(points).insert_column(0, pl.lit(kind).alias("layers")) for kind, points in kinds.items()]
    return pl.concat(frames)


def class_frame(scores: Mapping[str, Any] | NotMeasured) -> pl.DataFrame:
    """One row a class; none where labels are values."""
    if isinstance(scores, NotMeasured):
        return pl.DataFrame()
    return pl.DataFrame([{"label": label, **row_of(to_json(score))} for label, score in scores.items()])
