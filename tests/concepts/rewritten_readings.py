"""Readings of made-up files in which each planted neuron follows what it is said to follow."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations.extraction import ExtractionOptions
from neurosieve.concepts import rewritten as module
from neurosieve.concepts.rewritten import Rewritten, read_rewritten, rewrite_files
from neurosieve.data.dataset import Dataset
from neurosieve.data.sampling import Sample
from neurosieve.defaults import REWRITES
from tests.concepts.planted import planted_rows

LOCAL = "role=local"
SPELLING, STRUCTURE, LAYOUT, BOTH = range(4)  # neurons 0:0 to 0:3
Values = Callable[[bool, str, str, bool], list[float]]


def planted(has: bool, text: str, original: str, first: bool) -> list[float]:
    """Of one unit: whether it has the value, its text now and before, and whether its column is the old one."""
    same = text == original
    return [has and same, has, has and first, has and same and first]


def readings(patch: pytest.MonkeyPatch, kinds: tuple[str, ...] = REWRITES, values: Values = planted) -> Rewritten:
    """As `read_rewritten` gives them, from a model that computes `values`."""
    rows = planted_rows()
    table, positive = rows.table, rows.table.target(LOCAL).positive

    def read(_: Any, dataset: Dataset, sample: Sample, split: str, __: Any) -> Any:
        assert split == "test"
        shuffled, units = np.random.default_rng(0).permutation(len(sample.rows)), sample.rows
        found, label = [], []
        for i in shuffled:
            row, example = int(units.labels[units.label[i]]), int(units.example[i])
            texts = [d.examples[example].text for d in (dataset, rows.dataset)]
            start, old = int(units.start[i]), int(table.start[row])
            now, before = texts[0][start : int(units.end[i])], texts[1][old : int(table.end[row])]
            column = start - texts[0].rfind("\n", 0, start) == old - texts[1].rfind("\n", 0, old)
            found.append([float(x) for x in values(bool(positive[row]), now, before, column)])
            label.append(units.label[i])
        return SimpleNamespace(values=torch.tensor(found), label=np.array(label))

    patch.setattr(module, "read_activations", read)
    model: Any = None
    return read_rewritten(model, rewrite_files(rows, kinds), ExtractionOptions(), draws=200)
