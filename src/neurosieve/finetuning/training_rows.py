"""Labelled code as the inputs of a model with a task head: tokens, whole texts, or two texts in one input."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from neurosieve.activations.windows import plan_reading
from neurosieve.data import Dataset, Rows, sample_rows
from neurosieve.data.sampling import usable_classes
from neurosieve.errors import DataError
from neurosieve.models import ModelInfo
from neurosieve.models.code_model import check_ids, embedding_rows
from neurosieve.typing import SPLITS, Split

IGNORED = -100  # what transformers' losses leave out


@dataclass(frozen=True)
class Inputs:
    """The inputs of one split.

    Attributes:
        rows: `input_ids`, `attention_mask` and `labels` of each input.
        label: Class of each unit, in the order of the inputs, shape [units].
        group: Cluster of each unit, shape [units].
        whole: An input has one label, not one for each token.
        cut: Inputs that were cut to the model's length.
    """

    rows: list[dict[str, Any]]
    label: Int[np.ndarray, " units"]
    group: np.ndarray
    whole: bool
    cut: int = 0

    @property
    def count(self) -> int:
        """Labelled units."""
        return len(self.label)


def label_names(dataset: Dataset, classes: Sequence[str] | None) -> list[str]:
    """The classes in order; unless some are chosen, all labels of the data that have rows in each split.

    Raises:
        DataError: Labels are values; see also `sample_rows`.
    """
    if dataset.numeric:
        raise DataError(
            "labels", expected="names of classes to fine-tune on", got="values", remedy="pass --target classes"
        )
    return usable_classes(dataset, classes)[0]


def split_inputs(
    info: ModelInfo, dataset: Dataset, labels: Sequence[str], splits: Sequence[Split] = SPLITS
) -> dict[Split, Inputs]:
    """All units of the classes, by split.

    Raises:
        DataError: A class without a row in a split, read or not.
        ModelError: A token id that the network has no embedding of.
    """
    everything = dict.fromkeys(SPLITS, max(1, *(sum(c.values()) for c in dataset.label_counts.values())))
    rows = sample_rows(dataset, classes=labels, per_class=everything).rows
    place = np.array([dataset.examples[i].split for i in rows.example], dtype=object)
    read = _whole if dataset.whole else _tokens
    inputs = {split: read(info, dataset, rows.select(np.flatnonzero(place == split)), split) for split in splits}
    ids = [max(row["input_ids"], default=0) for part in inputs.values() for row in part.rows]
    check_ids(info.name, max(ids, default=0), embedding_rows(info.blank))
    return inputs


def _tokens(info: ModelInfo, dataset: Dataset, rows: Rows, split: Split) -> Inputs:
    """Windows as they are read for activations; a unit's first subword bears its label."""
    plan = plan_reading(info.tokenizer, info.max_tokens, dataset, rows, pooling="first")
    inputs, label, group = [], [], []
    for window in plan.windows[split]:
        truth = [IGNORED] * len(window.ids)
        for row, tokens in zip(window.rows, window.tokens, strict=True):
            truth[tokens[0]] = int(rows.label[row])
        kept = [t for t in truth if t != IGNORED]  # of two units that share a subword the later one stays
        label += kept
        group += [dataset.examples[window.example].group] * len(kept)
        inputs.append({"input_ids": list(window.ids), "attention_mask": [1] * len(window.ids), "labels": truth})
    return Inputs(inputs, np.array(label, dtype=np.int64), np.array(group, dtype=object), whole=False)


def _whole(info: ModelInfo, dataset: Dataset, chosen: Rows, _: Split) -> Inputs:
    """Texts, or the two texts of a pair in one input, cut to the model's length."""
    texts = [[dataset.examples[i].text for i in chosen.example]]
    group = [dataset.examples[i].group for i in chosen.example]
    if chosen.pair is not None:
        pairs = [dataset.pairs[i] for i in chosen.pair]
        texts.append([dataset.examples[p.right].text for p in pairs])
        group = [p.group for p in pairs]
    longest = min(info.max_tokens, sys.maxsize)  # a tokenizer counts in 64 bits; "no limit" is 1e30
    options = {"truncation": True, "max_length": longest, "split_special_tokens": True}
    read = info.tokenizer(*texts, **options, return_overflowing_tokens=False, return_length=False)
    uncut = info.tokenizer(*texts, split_special_tokens=True, verbose=False)
    cut = sum(len(a) < len(b) for a, b in zip(read["input_ids"], uncut["input_ids"], strict=True))
    keys = [key for key in ("input_ids", "attention_mask", "token_type_ids") if key in read]
    inputs = [{key: read[key][i] for key in keys} | {"labels": int(label)} for i, label in enumerate(chosen.label)]
    return Inputs(inputs, chosen.label, np.array(group, dtype=object), whole=True, cut=cut)
