"""The whole texts of a store, each once: what a neuron holds of a single example, and excerpts to show.

A pair is two texts here. Probes on pairs read |u − v| and u · v of a neuron; what a text alone has is its value u.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.activations.store import ActivationStore
from neurosieve.data.dataset import VALUE, Dataset, Example
from neurosieve.data.readers.files import split_lines
from neurosieve.errors import DataError
from neurosieve.typing import NeuronId, Split

LINES, CHARACTERS = 12, 600  # of an excerpt


@dataclass(frozen=True)
class SingleTexts:
    """Examples of one split with the values of some neurons.

    Attributes:
        examples: Each once, in the order of the store.
        values: Of the neurons, shape [texts, neurons].
        label: The label of each: a class name, or a number; None where labels are of pairs.
    """

    examples: tuple[Example, ...]
    values: Float[Tensor, "texts neurons"]
    label: tuple[str | float, ...] | None

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def group(self) -> np.ndarray:
        """Cluster of each text."""
        return np.array([e.group for e in self.examples], dtype=object)

    def among(self, names: Mapping[str, object]) -> "SingleTexts":
        """Those whose id is one of the names."""
        keep = [i for i, e in enumerate(self.examples) if e.id in names]
        label = None if self.label is None else tuple(self.label[i] for i in keep)
        return SingleTexts(tuple(self.examples[i] for i in keep), self.values[keep], label)


def single_texts(store: ActivationStore, dataset: Dataset, split: Split, neurons: Sequence[NeuronId]) -> SingleTexts:
    """The examples of a split that the store holds, each side of a pair one of them.

    Args:
        store: Of a run on whole examples or on pairs.
        dataset: What the store was made from: it has the texts and their groups.
        split: Which examples.
        neurons: Whose values.

    Raises:
        DataError: Rows that are spans inside of examples; an example that the data set lacks; no such neuron.

    Cost: the store is read once, shard by shard.
    """
    column = _columns(store, neurons)
    known = {e.id: e for e in dataset.examples}
    _check(store, dataset, split, known)
    by_id: dict[str, tuple[Tensor, str | float]] = {}
    for values, table in store.batches(split):
        chosen = values[:, column]
        label = table[VALUE if VALUE in table.column_names else "label"].to_pylist()
        for i, name in enumerate(table["example"].to_pylist()):
            by_id.setdefault(name, (chosen[i], label[i]))
    values = torch.stack([v for v, _ in by_id.values()]) if by_id else torch.empty(0, len(neurons))
    labels = None if store.manifest.sides == 2 else tuple(label for _, label in by_id.values())
    return SingleTexts(tuple(known[name] for name in by_id), values, labels)


def _columns(store: ActivationStore, neurons: Sequence[NeuronId]) -> list[int]:
    grid = store.grid
    for neuron in neurons:
        if neuron not in grid:
            expected = f"layer 0 to {grid.layers - 1}, index 0 to {grid.width - 1}"
            remedy = "take neurons of the same run"
            raise DataError(f"neuron {neuron}", expected=expected, got=str(neuron), remedy=remedy)
    return [grid.column(neuron) for neuron in neurons]


def _check(store: ActivationStore, dataset: Dataset, split: Split, known: Mapping[str, Example]) -> None:
    where = f"{split} rows of {store.folder.url}"
    table = store.table(split)
    for name, start, end in zip(*(table[c].to_pylist() for c in ("example", "start", "end")), strict=True):
        if name not in known:
            remedy = "take the data set and the activations of one run"
            raise DataError(where, expected="examples of the data set", got=repr(name), remedy=remedy)
        if not dataset.whole or (start, end) != (0, len(known[name].text)):
            raise DataError(
                where,
                expected="whole examples, or pairs of them",
                got=f"characters {start} to {end} of {name}",
                remedy="look for properties of tokens instead: a span is no text to measure",
            )


def excerpt(text: str) -> tuple[str, str | None]:
    """The beginning of a text without blank lines, and what was cut of it, in words."""
    lines = [line for line in split_lines(text) if line.strip()]
    head = "\n".join(lines[:LINES])
    if len(head) > CHARACTERS:
        return head[:CHARACTERS], f"the first {CHARACTERS} of {len(text):,} characters"
    return head, f"the first {LINES} of {len(lines):,} lines" if len(lines) > LINES else None
