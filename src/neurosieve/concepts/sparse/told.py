"""What few neurons tell of a row: that it has a value of a property, or a number."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num

from neurosieve.concepts.neurons.passes import Values
from neurosieve.concepts.neurons.resampling import precision_of
from neurosieve.concepts.rows import ConceptStore
from neurosieve.typing import Split

Truth = Num[np.ndarray, "targets rows"]  # of booleans for values, of numbers in train deviations from the train mean


@dataclass(frozen=True)
class Numbers:
    """Numbers of rows, told on a logarithmic scale: log(1 + number), less its train mean, in its train deviation.

    What is counted in code has a long tail: without the logarithm few long texts would decide on R².

    Attributes:
        names: Of the properties that have them, each with a number in every row.
        centre: Train means of the logarithms, shape [numbers].
        scale: Their standard deviations on train, above 0, shape [numbers].
    """

    names: tuple[str, ...]
    centre: Float[np.ndarray, " numbers"]
    scale: Float[np.ndarray, " numbers"]

    @staticmethod
    def of(store: ConceptStore) -> tuple["Numbers", dict[str, str]]:
        """Those that a store's table has, and why others are left out, by property."""
        numbers, train, left_out = store.table.numbers, store.numbers("train"), dict[str, str]()
        names = list[str]()
        for name, column in numbers.items():
            lacking = int(np.isnan(column).sum())
            if lacking:
                left_out[name] = f"no number of {lacking:,} texts, to which it does not apply"
            elif len(np.unique(column[train])) < 2:
                left_out[name] = "one number only on train"
            else:
                names.append(name)
        logs = np.array([np.log1p(numbers[name][train]) for name in names]).reshape(len(names), len(train))
        return Numbers(tuple(names), logs.mean(1), logs.std(1)), left_out


Told = Values | Numbers


def truth_of(store: ConceptStore, split: Split, told: Told) -> Truth:
    """What each row of a split is, in the order of the store: one line for each value or number."""
    if isinstance(told, Numbers):
        logs = np.array([np.log1p(store.table.numbers[name][store.numbers(split)]) for name in told.names])
        truth: Truth = (logs - told.centre[:, None]) / told.scale[:, None]
        return truth
    return np.stack([store.codes(name, split) == v for name, kept in told.kept.items() for v in kept])


def is_number(truth: Num[np.ndarray, "*shape"]) -> bool:
    """Numbers are told, not values."""
    return truth.dtype != bool


def is_known(truth: Num[np.ndarray, " rows"]) -> bool:
    """The rows differ, so that a score can be measured on them."""
    return len(truth) > 0 and bool(truth.min() < truth.max())


def score_of(scores: Float[np.ndarray, " rows"], truth: Num[np.ndarray, " rows"]) -> float:
    """Average precision of a value; of a number R² against its train mean."""
    if is_number(truth):
        return 1 - float(((truth - scores) ** 2).sum() / (truth**2).sum())
    return precision_of(scores, truth)


def rare_of(truth: Truth) -> Bool[np.ndarray, "some rows"]:
    """Rows of which a sample needs its share: those with each value; of numbers all alike."""
    return np.ones((1, truth.shape[1]), dtype=bool) if is_number(truth) else truth
