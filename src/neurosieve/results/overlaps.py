"""How many neurons two sets have in common, beside what sets of their sizes have by chance."""

from dataclasses import dataclass

from neurosieve.results.measured import Interval


@dataclass(frozen=True, kw_only=True)
class ChanceOverlap:
    """What two sets share if each is drawn anew, uniformly and independently.

    Attributes:
        jaccard: Mean of all draws.
        interval: At least 95 % of the draws are in it, and at most 2.5 % on each side of it.
        p: Share of the draws with as many shared neurons or more.
    """

    jaccard: float
    interval: Interval
    p: float


@dataclass(frozen=True, kw_only=True)
class SetOverlap:
    """Neurons that two sets share.

    Attributes:
        shared: Their number.
        jaccard: Those divided by the neurons in either; 0 of two empty sets.
        uniform: Chance where each set is drawn from all live neurons (hypergeometric).
        by_layer: Chance where each set keeps its number of neurons in every layer: what two sets share because both
            are in the same layers is chance here.
    """

    shared: int
    jaccard: float
    uniform: ChanceOverlap
    by_layer: ChanceOverlap

    @property
    def above_chance(self) -> bool:
        """More is shared than by both kinds of chance: above both intervals."""
        return self.jaccard > max(self.uniform.interval[1], self.by_layer.interval[1])

    @property
    def below_chance(self) -> bool:
        """Less is shared than by both kinds of chance: below both intervals."""
        return self.jaccard < min(self.uniform.interval[0], self.by_layer.interval[0])
