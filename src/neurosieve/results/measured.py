"""The kinds of figures that results are made of, and what stands where there is none."""

import math
from dataclasses import dataclass
from enum import Enum

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A score of some units.

    Attributes:
        value: Their mean score.
        n: How many they are.
        interval: Of the value, 95 %, by files; None where the units lie in one file.
    """

    value: float
    n: int
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far two scores of the same units are apart.

    Attributes:
        value: The one less the other.
        interval: Of the value, 95 %, by files; None where the units lie in one file.
    """

    value: float
    interval: Interval | None

    @property
    def low(self) -> float:
        """The least that it may be: the lower end of the interval. Minus infinity where there is none."""
        return -math.inf if self.interval is None else self.interval[0]


class Reason(Enum):
    """Why something was not measured; files tell it as a text, which begins with the reason's value."""

    LEFT_OUT = "left out by "
    NO_PROBE = "the run has no probe: its task was not studied"
    NO_HEAD = "the model has no head for this task"
    NO_RANKING = "no neurons are ranked here: run the study first, then look for concepts again"
    OF_TOKENS = "labels are on tokens, not on whole texts"
    OTHER = ""  # in a file of another version; every text begins so, therefore it is the last


@dataclass(frozen=True, kw_only=True)
class NotMeasured:
    """Stands where a result would.

    Attributes:
        reason: For code.
        text: For people.
    """

    reason: Reason
    text: str

    @staticmethod
    def told(text: str) -> "NotMeasured":
        """From the text of a file; an empty one where it tells none."""
        return NotMeasured(reason=next(reason for reason in Reason if text.startswith(reason.value)), text=text)
