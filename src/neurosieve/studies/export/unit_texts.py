"""A study's rows of a split as texts that a compact model reads, with their labels in the same order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Num

from neurosieve.activations.store import ActivationStore
from neurosieve.compact.unit_reader import CodeText
from neurosieve.studies.inputs import StudyData
from neurosieve.typing import Split


@dataclass(frozen=True)
class UnitTexts:
    """Texts with units, and what is known of these.

    Attributes:
        texts: In the order of the rows.
        row: Number of each unit's row in the sample, shape [units].
        label: Class number, or value, shape [units].
        group: Cluster of each unit, shape [units].
    """

    texts: tuple[CodeText, ...]
    row: Int[np.ndarray, " units"]
    label: Num[np.ndarray, " units"]
    group: np.ndarray


def unit_texts(data: StudyData, split: Split) -> UnitTexts:
    """The rows of a split."""
    dataset, rows = data.dataset, data.sample.rows
    texts: list[CodeText] = []
    order: list[int] = []
    group: list[str] = []
    here = [i for i, example in enumerate(rows.example) if dataset.examples[example].split == split]
    by_example: dict[int, list[int]] = {}
    for row in here:
        by_example.setdefault(row if dataset.whole or rows.pair is not None else int(rows.example[row]), []).append(row)
    for members in by_example.values():
        example = dataset.examples[rows.example[members[0]]]
        if rows.pair is not None:
            pair = dataset.pairs[rows.pair[members[0]]]
            texts.append(CodeText((example.text, dataset.examples[pair.right].text)))
            group.append(pair.group)
        elif dataset.whole:
            parts = example.parts
            texts.append(CodeText((parts[0], parts[1]) if len(parts) == 2 else parts[0]))
            group.append(example.group)
        else:
            texts.append(CodeText(example.text, tuple((int(rows.start[r]), int(rows.end[r])) for r in members)))
            group += [example.group] * len(members)
        order += members
    units = np.array(order, dtype=np.int64)
    return UnitTexts(tuple(texts), units, rows.label[units], np.array(group, dtype=object))


def places_in(store: ActivationStore, split: Split, row: Int[np.ndarray, " units"]) -> Int[np.ndarray, " units"]:
    """Where the store has each unit; -1 where it was not read."""
    there = store.units(split).column("row").to_numpy()
    place = np.full(max(int(there.max(initial=-1)), int(row.max(initial=-1))) + 1, -1)
    place[there] = np.arange(len(there))
    return np.asarray(place[row])
