"""Ranges of a neuron's activation that tell a value: part of `concepts.json` and of what an edit within ranges did."""

from dataclasses import dataclass
from typing import Annotated

from neurosieve.results.marks import Inline
from neurosieve.results.measured import Difference, Interval
from neurosieve.typing import NeuronId


@dataclass(frozen=True, kw_only=True)
class ActivationRange:
    """A range of one neuron's activation.

    Attributes:
        neuron: Its id.
        low: Where the range begins; None if it has no lower end.
        high: Where it ends; None if it has no upper end.
    """

    neuron: NeuronId
    low: float | None
    high: float | None

    def __str__(self) -> str:
        low = "" if self.low is None else f"{self.low:.3g}"
        return f"{self.neuron} in {low or '−∞'} … {'∞' if self.high is None else f'{self.high:.3g}'}"


@dataclass(frozen=True, kw_only=True)
class ValueRange:
    """The range of a neuron that tells a value best on train, and how well it does on held-out files.

    The score of a row is whether the neuron is inside: AP and AUROC are those of that rule.

    Attributes:
        range: The range.
        train_ap: Average precision on the files it was found on.
        ap: On held-out files.
        interval: Of `ap`, 95 %, by files; None where there is none.
        auroc: On held-out files.
        auroc_interval: As `interval`.
        ends_ap: Average precision of the same neuron by its ends, on held-out files.
        above_ends: `ap` − `ends_ap`, paired by files.
        claimed: It is called a range of the value.
        lacking: What it lacks for that, in words; empty where it is claimed.
    """

    range: Annotated[ActivationRange, Inline()]
    train_ap: float
    ap: float
    interval: Interval | None
    auroc: float
    auroc_interval: Interval | None
    ends_ap: float
    above_ends: Difference
    claimed: bool
    lacking: str
