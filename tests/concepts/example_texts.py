"""Functions whose loops and length are drawn apart, and a store of neurons that follow them."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from neurosieve.activations.row_table import ROW_SCHEMA, VALUE_SCHEMA
from neurosieve.activations.store import ActivationStore, Manifest
from neurosieve.data.dataset import Dataset, Example, Pair, Span
from neurosieve.typing import SPLITS, Split

TEXTS: dict[Split, int] = {"train": 150, "validation": 4, "test": 99}
WIDTH = 6
LOOPS, LONG, NOISE, DEAD, TASK = range(5)  # what the first neurons of layer 1 follow


def function(loops: int, lines: int, name: str) -> str:
    """A function of some loops among other lines."""
    body = ["    for c in a: b()"] * loops + [f"    c = {k}" for k in range(lines)]
    return "\n".join([f"def {name}(a, b):", *body, "    return b"])


def functions(seed: int = 0, *, numeric: bool = False) -> Dataset:
    """Functions with or without a loop, 1 to 24 other lines and a label that neither tells; three to a file."""
    rng = np.random.default_rng(seed)
    examples = []
    for split in SPLITS:
        for i in range(TEXTS[split]):
            text = function(int(rng.integers(2)), int(rng.integers(1, 25)), f"f{i}_{split}")
            label = f"{rng.normal():.3f}" if numeric else "ab"[rng.integers(2)]
            span = Span(0, len(text), label)
            examples.append(Example(f"{split}:{i}", text, (span,), split, f"{split} file {i // 3}"))
    return Dataset(tuple(examples), "functions", whole=True, numeric=numeric)


def values(examples: Sequence[Example], seed: int = 1, *, turned: bool = False) -> torch.Tensor:
    """Two layers, of which the second follows the texts, or turns from it on test; shape [layers, texts, width]."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, len(examples), WIDTH))
    x[1, :, LOOPS] = 3 * np.array(["for" in e.text for e in examples]) + 0.5 * x[1, :, LOOPS]
    x[1, :, LOOPS] *= [-1 if turned and e.split == "test" else 1 for e in examples]
    x[1, :, LONG] = 4 * np.log([len(e.text.split()) for e in examples]) + 0.5 * x[1, :, LONG]
    x[1, :, DEAD] = 0.1
    labels = [e.spans[0].label if e.spans else "" for e in examples]
    x[1, :, TASK] += [3.0 * (label == "b") for label in labels]
    return torch.tensor(x, dtype=torch.float32)


def store_of(dataset: Dataset, folder: Path, shard: int = 100, *, turned: bool = False) -> ActivationStore:
    """The examples, or the sides of the pairs, of all splits in shards."""
    labels = ["value"] if dataset.numeric else sorted(dataset.label_counts)
    manifest = Manifest("m", None, {}, "hidden", 2, WIDTH, labels, ["float32"] * 2, {}, 0, {}, [], {}, "r")
    manifest.sides = 2 if dataset.pairs else 1
    store = ActivationStore(folder, manifest)
    known = dict(zip((e.id for e in dataset.examples), values(dataset.examples, turned=turned).unbind(1), strict=True))
    for split in SPLITS:
        rows = _pair_rows(dataset, split) if dataset.pairs else _rows(dataset, split)
        for begin in range(0, len(rows), shard):
            part = rows[begin : begin + shard]
            schema = VALUE_SCHEMA if dataset.numeric else ROW_SCHEMA
            layers = list(torch.stack([known[str(r["example"])] for r in part], 1))
            store.append(split, layers, pa.Table.from_pylist(part, schema=schema))
    return store


def _row(number: int, side: int, e: Example, group: str, label: str, numeric: bool) -> dict[str, object]:
    of_label = {"label": "value", "value": float(label)} if numeric else {"label": label}
    return {
        "row": number, "side": side, "example": e.id, "group": group, "text": e.text, "start": 0, "end": len(e.text),
        "label_id": 0, "split": e.split, "window": 0, **of_label,
    }  # fmt: skip


def _rows(dataset: Dataset, split: Split) -> list[dict[str, object]]:
    chosen = enumerate(dataset.split(split))
    return [_row(n, 0, e, e.group, s.label, dataset.numeric) for n, e in chosen for s in e.spans]


def _pair_rows(dataset: Dataset, split: Split) -> list[dict[str, object]]:
    return [
        _row(n, side, dataset.examples[i], p.group, p.label, numeric=False)
        for n, p in enumerate(p for p in dataset.pairs if p.split == split)
        for side, i in enumerate((p.left, p.right))
    ]


def as_pairs(dataset: Dataset) -> Dataset:
    """Each example with the next one of its split, and with itself."""
    at = {e.id: i for i, e in enumerate(dataset.examples)}
    pairs = []
    for split in SPLITS:
        own = [at[e.id] for e in dataset.split(split)]
        for n, (a, b) in enumerate([*pairwise(own), *((i, i) for i in own)]):
            pairs.append(Pair(f"{split}:p{n}", a, b, "01"[n % 2], split, f"{split} pair {n}"))
    examples = tuple(Example(e.id, e.text, (), e.split, e.group) for e in dataset.examples)
    return Dataset(examples, "pairs", whole=True, pairs=tuple(pairs))
