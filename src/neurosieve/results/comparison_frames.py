"""A comparison as tables: one row a figure with its chance level, a transfer, a run, or a kind of neurons."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import polars as pl

from neurosieve.results.comparison_pairs import ComparedSide, NeuronKinds, PairComparison
from neurosieve.results.comparison_parts import Cell
from neurosieve.results.measured import NotMeasured


def cell_frame(pairs: Sequence[PairComparison]) -> pl.DataFrame:
    """One row a figure of a pair: its place in the pair, the figure, chance, and the verdict."""
    rows = [
        {"a": pair.a, "b": pair.b, "relation": pair.relation.value, "part": part, **_of_cell(cell)}
        for pair in pairs
        for part, cell in cells_of(pair)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def cells_of(part: Any, place: str = "") -> Iterator[tuple[str, Cell]]:
    """All figures of a part that have a chance level, each with its place: `likeness.layers.3.cka`."""
    if isinstance(part, Cell):
        yield place, part
    elif isinstance(part, tuple):
        for number, one in enumerate(part):
            yield from cells_of(one, f"{place}.{getattr(one, 'layer', number)}")
    elif is_dataclass(part) and not isinstance(part, NotMeasured):
        for field in fields(part):
            yield from cells_of(getattr(part, field.name), f"{place}.{field.name}" if place else field.name)


def _of_cell(cell: Cell) -> dict[str, Any]:
    low, high = cell.interval or (None, None)
    chance_low, chance_high = cell.chance_interval
    chance = {"chance": cell.chance, "chance_low": chance_low, "chance_high": chance_high, "by": cell.by.value}
    return {"value": cell.value, "low": low, "high": high, **chance, "verdict": cell.verdict.value}


def transfer_frame(pairs: Sequence[PairComparison]) -> pl.DataFrame:
    """One row a set on another run's task."""
    rows = []
    for pair in pairs:
        for transfer in () if isinstance(pair.transfers, NotMeasured) else pair.transfers:
            low, high = transfer.score.interval or (None, None)
            own_low, own_high = transfer.own.interval or (None, None)
            row = {"source": transfer.source, "target": transfer.target, "size": transfer.size}
            row |= {"score": transfer.score.value, "low": low, "high": high, "n": transfer.score.n}
            row |= {"own_gain": transfer.own.value, "own_low": own_low, "own_high": own_high}
            row |= {"random": transfer.random.mean, "by_layer": transfer.by_layer.mean}
            rows.append({**row, "verdict": transfer.verdict.value})
    return pl.DataFrame(rows, infer_schema_length=None)


def run_frame(runs: Sequence[ComparedSide]) -> pl.DataFrame:
    """One row a run."""
    return pl.DataFrame([{**vars(run), "labels": ", ".join(run.labels)} for run in runs], infer_schema_length=None)


def kind_frame(kinds: Sequence[NeuronKinds]) -> pl.DataFrame:
    """One row a kind of neurons of each group of runs of one model."""
    rows = [
        {"runs": ", ".join(group.runs), "kind": one.kind.value, "count": one.count, **_of_cell(one.share)}
        for group in kinds
        for one in group.kinds
    ]
    return pl.DataFrame(rows, infer_schema_length=None)
