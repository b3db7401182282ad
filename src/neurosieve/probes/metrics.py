"""Scores by class."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Int

MIN_ROWS = 30


class ClassScore(TypedDict, total=False):
    """Recall, precision and F1 of a class; null with a reason below 30 rows."""

    n: int
    recall: float | None
    precision: float | None
    f1: float | None
    reason: str


def per_class(
    predicted: Int[np.ndarray, " rows"], label: Int[np.ndarray, " rows"], labels: Sequence[str]
) -> dict[str, ClassScore]:
    """Scores of each class on some rows."""
    scores: dict[str, ClassScore] = {}
    for number, name in enumerate(labels):
        truth, guess = label == number, predicted == number
        n, hits = int(truth.sum()), int((truth & guess).sum())
        if n < MIN_ROWS:
            reason = f"{n} rows; at least {MIN_ROWS} are needed"
            scores[name] = ClassScore(n=n, recall=None, precision=None, f1=None, reason=reason)
        else:
            claimed = int(guess.sum())
            precision = hits / claimed if claimed else 0.0
            scores[name] = ClassScore(n=n, recall=hits / n, precision=precision, f1=2 * hits / (n + claimed))
    return scores
