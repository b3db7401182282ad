"""Concept rows of made-up code, and stores in which chosen neurons carry chosen values."""

import random
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from neurosieve.activations import ActivationStore, Manifest
from neurosieve.activations.row_table import ROW_SCHEMA
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.typing import SPLITS, NeuronId, Split, View

FILES: dict[Split, int] = {"train": 12, "validation": 6, "test": 16}
PROPERTIES = ("lexical", "role", "use", "bracket-depth")
_WORDS = ("left", "right", "total", "item", "name", "count", "rows", "path", "key", "limit")


def code(seed: object) -> str:
    """Some short functions, with numbers, words, strings and comments."""
    rng = random.Random(str(seed))

    def part(depth: int = 0) -> str:
        kind = rng.randrange(4 if depth < 3 else 3)
        if kind == 0:
            return rng.choice(("1", "2.5", "10", "0xff", str(rng.randrange(1000))))
        if kind == 1:
            return rng.choice(("'a'", '"text"', "'-'", repr(rng.choice(_WORDS))))
        if kind == 2:
            return rng.choice(_WORDS)
        return f"{rng.choice(_WORDS)}({part(depth + 1)}, {part(depth + 1)})"

    lines = []
    for number in range(rng.randrange(2, 5)):
        lines += [f"def {rng.choice(_WORDS)}_{number}({rng.choice(_WORDS)}, {rng.choice(_WORDS)}_):"]
        for _ in range(rng.randrange(2, 6)):
            lines += [f"    {rng.choice(_WORDS)} = {part()} + {part()}", f"    if {part()}:  # {rng.choice(_WORDS)}"]
            lines += [f"        return {part()}"]
        lines += ["    return None", "", ""]
    return "\n".join(lines)


@cache
def planted_rows(files: int = 1) -> ConceptRows:
    """All tokens of made-up files; `files` multiplies their number."""
    examples = [
        Example(f"{split}/{i}.py", code((split, i)), (), split, f"{split}/{i}.py")
        for split in SPLITS
        for i in range(FILES[split] * files)
    ]
    dataset = Dataset(tuple(examples), "made up")
    return concept_rows(dataset, ["python"] * len(examples), properties=PROPERTIES)


def planted_store(
    url: Path,
    plants: Mapping[NeuronId, tuple[str, float]],
    *,
    rows: ConceptRows | None = None,
    layers: int = 3,
    width: int = 8,
    dead: Iterable[NeuronId] = (),
    seed: int = 0,
    shards: int = 3,
    view: View = "detect",
) -> ConceptStore:
    """Normal noise; each neuron of `plants` is shifted where the row has the value, `dead` ones are 1 everywhere.

    The rows of a split lie in an order of their own, in several shards.
    """
    rows = rows or planted_rows()
    values = np.random.default_rng(seed).normal(size=(len(rows.rows), layers * width)).astype(np.float32)
    for (layer, index), (name, shift) in plants.items():
        values[:, layer * width + index] += shift * rows.table.target(name).positive
    for layer, index in dead:
        values[:, layer * width + index] = 1
    store = ActivationStore(url, _manifest(rows, layers, width))
    splits = np.array([e.split for e in rows.dataset.examples], dtype=object)[rows.rows.example]
    for split in SPLITS:
        numbers = np.random.default_rng(seed + 1).permutation(np.flatnonzero(splits == split))
        for part in np.array_split(numbers, shards):
            own = torch.from_numpy(values[part].reshape(-1, layers, width)).unbind(1)
            store.append(split, [x.contiguous() for x in own], _table(rows, part, split))
    return ConceptStore(view, ActivationStore(url), rows)


def values_of(store: ConceptStore, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """All values of a split at once, and the numbers of the rows."""
    parts = list(store.batches(split))
    return torch.cat([x for x, _ in parts]).double().numpy(), np.concatenate([n for _, n in parts])


def _table(rows: ConceptRows, part: np.ndarray, split: Split) -> pa.Table:
    def record(row: int) -> dict[str, object]:
        example, start, end = (int(c[row]) for c in (rows.rows.example, rows.rows.start, rows.rows.end))
        e = rows.dataset.examples[example]
        about = {"row": row, "example": e.id, "group": e.group, "text": e.text[start:end], "start": start, "end": end}
        return about | {"label": "token", "label_id": 0, "split": split, "window": 0}

    return pa.Table.from_pylist([record(int(row)) for row in part], schema=ROW_SCHEMA)


def _manifest(rows: ConceptRows, layers: int, width: int) -> Manifest:
    return Manifest(
        model="made up",
        revision=None,
        adapter={"family": "bert"},
        site="hidden",
        layers=layers,
        width=width,
        labels=list(rows.rows.labels),
        dtypes=["float32"] * layers,
        counts={"kept": len(rows.rows)},
        long_examples=0,
        self_check={},
        notes=[],
        rows=dict.fromkeys(SPLITS, 0),
        reading="r",
    )
