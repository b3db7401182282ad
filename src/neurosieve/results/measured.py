"""The kinds of figures that results are made of, and what replaces a missing one."""

import math
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Self

from neurosieve.results.marks import Key, Omitted

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A score of some units.

    Examples:
        >>> print(ns.load("runs/java").oracle.test)
        0... [0..., 0...] (n ...)

    Attributes:
        value: Their mean score.
        n: How many they are.
        interval: Of the value, 95 %, by files; None if the units are in one file.
    """

    value: float
    n: int
    interval: Interval | None

    def __str__(self) -> str:
        return f"{_with_interval(self.value, self.interval)} (n {self.n:,})"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far two scores of the same units are apart.

    Attributes:
        value: The one less the other.
        interval: Of the value, 95 %, by files; None if the units are in one file.
    """

    value: float
    interval: Interval | None

    def __str__(self) -> str:
        return _with_interval(self.value, self.interval)

    @property
    def low(self) -> float:
        """The least that it may be: the lower end of the interval. Minus infinity where there is none."""
        return -math.inf if self.interval is None else self.interval[0]

    @property
    def high(self) -> float:
        """The most that it may be: the upper end of the interval. Infinity where there is none."""
        return math.inf if self.interval is None else self.interval[1]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Scores of some draws.

    Attributes:
        mean: Of the draws.
        median: Of the draws; None in files of earlier versions.
        low: The least.
        high: The greatest.
    """

    mean: float
    median: Annotated[float | None, Omitted] = None
    low: Annotated[float, Key("lo")]
    high: Annotated[float, Key("hi")]


@dataclass(frozen=True, kw_only=True)
class RandomSizes:
    """How many neurons random orders need for what a set does.

    Attributes:
        median: Of the orders.
        low: The fewest.
        high: The most.
        ratio: Size of the set by the median.
    """

    median: float
    low: Annotated[int, Key("lo")]
    high: Annotated[int, Key("hi")]
    ratio: float


def _with_interval(value: float, interval: Interval | None) -> str:
    return f"{value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


class Reason(Enum):
    """Why something was not measured; in files it is a text that begins with the reason's value."""

    LEFT_OUT = "left out by "
    NO_PROBE = "the run has no probe: its task was not studied"
    NO_HEAD = "the model has no head for this task"
    EARLIER = "not given by the version that wrote the file"
    NO_RANKING = "no neurons are ranked here: run the study first, then look for concepts again"
    OF_TOKENS = "labels are on tokens, not on whole texts"
    OF_VALUES = "labels are values"
    OF_WHOLE_EXAMPLES = "each example is a type of its own"
    NO_MODEL = "the activations were made elsewhere, without the model"
    NO_DRAW = "no draw was asked for"
    NO_SPLIT = "no split was asked for"
    NO_WAY = "no way through the pipeline stays within its delta"
    NOT_ABOVE_MAJORITY = "the oracle's lower bound "
    ONE_CLUSTER = "test rows are one cluster (file, group)"
    ONE_TRAIN_CLUSTER = "train is one cluster of rows"
    ONE_VALIDATION_CLUSTER = "validation rows are one cluster (file, group)"
    ONE_RANKING = "there is one ranking only"
    TOO_FEW = "fewer than "
    OTHER_UNITS = "the two runs hold other units: "
    OTHER_LABELS = "labels do not match: "
    OTHER_MODEL = "neurons of two models have nothing in common but their numbers"
    OTHER_RANKINGS = "no ranking is in both runs: "
    ONE_MODEL = "both runs are of one model"
    ONE_ORIGIN = "one model is the other, fine-tuned: neurons keep their numbers"
    NOT_TUNED = "neither model is the other, fine-tuned"
    NO_SET = "no smallest set is claimed in "
    NO_CONCEPTS = "concepts were not looked for in "
    OF_PAIRS = "a neuron of pairs has two values"
    OTHER = ""  # of figures that the text gives; every text begins so, therefore it is the last


@dataclass(frozen=True, kw_only=True)
class NotMeasured:
    """Takes the place of a result.

    Attributes:
        reason: For code.
        text: For people.
    """

    reason: Reason
    text: str

    @classmethod
    def because(cls, reason: Reason, more: str = "") -> Self:
        """For a reason, with more of the text after its own."""
        return cls(reason=reason, text=f"{reason.value}{more}")

    @classmethod
    def from_text(cls, text: str, **known: Any) -> Self:
        """From the text of a file, empty where it gives none; and what else a kind of it knows."""
        return cls(reason=next(reason for reason in Reason if text.startswith(reason.value)), text=text, **known)


# The default of a field that files of earlier versions lack, where null says something else. It is not written.
EARLIER = NotMeasured(reason=Reason.EARLIER, text=Reason.EARLIER.value)
