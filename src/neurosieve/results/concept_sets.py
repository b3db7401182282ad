"""Sets of few neurons that tell a value together: the curve over their size, and the smallest one that is claimed."""

from dataclasses import dataclass
from typing import Annotated, Literal

from neurosieve.results.marks import Inline
from neurosieve.results.measured import Difference, Interval, Spread
from neurosieve.results.neuron_set import NeuronSet


@dataclass(frozen=True, kw_only=True)
class FewChosen:
    """The best k neurons of what is told.

    Attributes:
        neurons: The heaviest first.
        weights: Of each, standardised, in the regression on train; below 0 where one is low for what is told.
        way: By which they were chosen on train, the better one on validation: `greedy` or its own `probe`.
    """

    neurons: NeuronSet
    weights: tuple[float, ...]
    way: Literal["greedy", "probe"]

    @property
    def size(self) -> int:
        """Its neurons."""
        return len(self.neurons)

    @property
    def layers(self) -> tuple[int, int]:
        """The lowest and the highest layer of its neurons."""
        layers = [n.layer for n in self.neurons]
        return min(layers), max(layers)


@dataclass(frozen=True, kw_only=True)
class ConceptSet(FewChosen):
    """The best k neurons of a value, with their scores on held-out files.

    Attributes:
        neurons: The heaviest first.
        weights: Of each, standardised, in the logistic regression on train; below 0 where one is low for the value.
        way: By which they were chosen on train, the better one on validation: `greedy` or the value's own `probe`.
        validation_ap: Average precision on validation.
        validation_auroc: AUROC there.
        ap: On held-out files.
        ap_interval: 95 %, by files; None where there is none.
        auroc: On held-out files.
        auroc_interval: 95 %, by files.
        unseen_ap: Average precision on rows whose text is absent from train; None with fewer than 30 of either kind.
        random: Average precision of as many random neurons, each draw fitted in the same way.
        untrained: Average precision of as many neurons of an untrained copy, chosen in the same way; None without one.
        rival: The best rival by average precision on test: a guess without the model, or `untrained`.
        rival_ap: Its average precision.
        difference: Average precision less the rival's, paired by files; without an interval where none was needed.
        lacking: What the set lacks to be claimed, in words; empty where it lacks nothing.
        note: How much a claim depends on texts that train does not have; empty if it does not.
    """

    validation_ap: float
    validation_auroc: float
    ap: float
    ap_interval: Interval | None
    auroc: float
    auroc_interval: Interval | None
    unseen_ap: float | None
    random: Annotated[
        Spread, Inline({"mean": "random_mean", "median": "random_median", "low": "random_lo", "high": "random_hi"})
    ]
    untrained: float | None
    rival: str
    rival_ap: float
    difference: Annotated[Difference, Inline({"value": "difference", "interval": "difference_interval"})]
    lacking: str
    note: str

    def row(self) -> dict[str, str | float | None]:
        """Its line of a table."""
        ends = {
            f"{name}_{end}": interval and interval[i]
            for name, interval in (("ap", self.ap_interval), ("auroc", self.auroc_interval))
            for i, end in enumerate(("low", "high"))
        }
        keys = ("way", "validation_ap", "ap", "auroc", "unseen_ap", "untrained", "rival", "rival_ap", "lacking", "note")
        own = {key: getattr(self, key) for key in keys}
        more = {"random": self.random.mean, "difference": self.difference.value, "neurons": str(self.neurons)}
        return {"size": self.size} | own | ends | more
