"""What a fine-tuning found: epochs, and how well the kept model does the task; the content of `finetune.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurosieve.results.redundancy_parts import Test


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """A pass over train.

    Attributes:
        epoch: From 1.
        loss: Mean training loss; None where none was reported.
        validation: Accuracy on validation after it.
    """

    epoch: float
    loss: float | None
    validation: float


@dataclass(frozen=True, kw_only=True)
class FinetuneResult:
    """All that a fine-tuning found.

    Attributes:
        study: Options of the study that it was begun with.
        options: How it was trained.
        labels: Of the head, in order.
        rows: Labelled units of each split.
        epochs: In order.
        validation: Accuracy of the kept epoch on validation.
        test: Its accuracy on test.
        majority: Share of train's commonest class in test.
        notes: What a reader has to know of data and model.
    """

    study: Mapping[str, Any]
    options: Mapping[str, Any]
    labels: tuple[str, ...]
    rows: Mapping[str, int]
    epochs: tuple[Epoch, ...]
    validation: float
    test: Test
    majority: float
    notes: tuple[str, ...]
