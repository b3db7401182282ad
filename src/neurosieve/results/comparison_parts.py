"""Parts of `compare.json`: figures beside what chance gives, and what two runs have in common."""

from dataclasses import dataclass
from enum import Enum

from neurosieve.results.measured import Difference, Interval, NotMeasured, Score, Spread
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId


class Relation(Enum):
    """Whose neurons two runs are of."""

    SAME = "same model"
    TUNED = "fine-tuned and base"
    OTHER = "other models"


class Verdict(Enum):
    """How a figure stands to chance."""

    ABOVE = "above chance"
    CHANCE = "as by chance"
    BELOW = "below chance"
    OPEN = "cannot tell"


class Chance(Enum):
    """What chance keeps of the runs that are compared."""

    LIVE = "sets drawn from all live neurons"
    LAYERS = "sets or orders drawn anew in each layer"
    SIDES = "the two sets' neurons dealt anew to the two"
    TEXTS = "units exchanged among those of the same text"
    UNITS = "units exchanged"
    ROTATED = "the other model's layers rotated at random"
    STRANGERS = "each neuron beside another one of its layer"
    HALVES = "two halves of one run's test rows"
    SILENT = "neurons of the same layers that are in no set"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure beside chance.

    Attributes:
        value: The figure.
        interval: Of it, 95 %; None where none can be given.
        chance: Its mean by chance.
        chance_interval: 95 % of what chance gives.
        by: What chance keeps.
        verdict: Above chance where the figure is above 95 % of what chance gives and its interval above the mean of
            that; below likewise; as by chance where the figure is within the one and the mean within the other; else
            it cannot be told.
    """

    value: float
    interval: Interval | None
    chance: float
    chance_interval: Interval
    by: Chance
    verdict: Verdict


def cell(value: float, interval: Interval | None, chance: float, chance_interval: Interval, by: Chance) -> Cell:
    """A figure with the verdict that follows, see `Cell`."""
    low, high = chance_interval
    if interval is None:
        verdict = Verdict.OPEN
    elif value > high and interval[0] > chance:
        verdict = Verdict.ABOVE
    elif value < low and interval[1] < chance:
        verdict = Verdict.BELOW
    else:
        alike = low <= value <= high and interval[0] <= chance <= interval[1]
        verdict = Verdict.CHANCE if alike else Verdict.OPEN
    return Cell(value=value, interval=interval, chance=chance, chance_interval=chance_interval, by=by, verdict=verdict)


@dataclass(frozen=True, kw_only=True)
class SharedNeurons:
    """Neurons that are in the smallest sets of both runs.

    Attributes:
        size_a: Of the first run's set.
        size_b: Of the second's.
        neurons: In both.
        uniform: Share of all their neurons that is in both (Jaccard), beside sets drawn from all live neurons.
        by_layer: The same beside sets that keep their number of neurons in each layer.
    """

    size_a: int
    size_b: int
    neurons: NeuronSet
    uniform: Cell
    by_layer: Cell

    @property
    def verdict(self) -> Verdict:
        """Against both kinds of chance: the same of both, or it cannot be told."""
        both = {self.uniform.verdict, self.by_layer.verdict}
        return both.pop() if len(both) == 1 else Verdict.OPEN


@dataclass(frozen=True, kw_only=True)
class DepthShift:
    """How far the two sets lie apart in depth, 0 the first layer and 1 the last.

    Attributes:
        mean_a: Mean depth of the first run's set.
        mean_b: Of the second's.
        distance: Wasserstein distance of the two.
    """

    mean_a: float
    mean_b: float
    distance: Cell


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A run's set on the other run's task: probes refitted on that task's train rows, scored on its test rows.

    Attributes:
        source: Whose set it is.
        target: Whose task and neurons.
        size: Neurons in it; all others below have as many.
        neurons: The target's: those of the set, or of another model those that match them.
        score: With those.
        own: How much better the first neurons of the target's own ranking are.
        random: Scores of random sets.
        by_layer: Scores of random sets with the same number of neurons in each layer.
        above_random: How much better than the mean of the random sets; chance is how far single ones are from it.
        above_by_layer: The same of those by layer.
        carried: The source's own probe read through the matched neurons, not refitted.
        above_carried: How much better that is than through neurons that are matched at random.
    """

    source: str
    target: str
    size: int
    neurons: NeuronSet
    score: Score
    own: Difference
    random: Spread
    by_layer: Spread
    above_random: Cell
    above_by_layer: Cell
    carried: Score | NotMeasured
    above_carried: Cell | NotMeasured

    @property
    def verdict(self) -> Verdict:
        """Against both kinds of random sets: the same of both, or it cannot be told."""
        both = {self.above_random.verdict, self.above_by_layer.verdict}
        return both.pop() if len(both) == 1 else Verdict.OPEN


@dataclass(frozen=True, kw_only=True)
class RoleChange:
    """A neuron that tells another label in the second run.

    Attributes:
        neuron: Its id.
        a: The label that it tells best in the first run, with `+` where it is high and `−` where it is low.
        b: In the second.
    """

    neuron: NeuronId
    a: str
    b: str


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which label each neuron of either set tells best, in both runs.

    Attributes:
        labels: That both runs have.
        other_labels: That only one of them has; they are left out.
        neurons: In either set.
        certain: Those whose label is sure in both runs (the same in 95 % of resamples).
        changed: Share of the certain ones whose label or sign is another, beside halves of one run.
        changes: Those neurons.
    """

    labels: tuple[str, ...]
    other_labels: tuple[str, ...]
    neurons: int
    certain: int
    changed: Cell
    changes: tuple[RoleChange, ...]


@dataclass(frozen=True, kw_only=True)
class LayerLikeness:
    """A layer of the first run and the second's layer that is most like it.

    Attributes:
        layer: Of the first.
        nearest: Of the second.
        cka: Of the two.
    """

    layer: int
    nearest: int
    cka: Cell


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How like the layers of two runs are on the same units: debiased linear CKA.

    Attributes:
        units: Train units that both runs hold and that were compared.
        cka: Of each two layers, shape [layers of the first, layers of the second].
        layers: Of the first run.
    """

    units: int
    cka: tuple[tuple[float, ...], ...]
    layers: tuple[LayerLikeness, ...]


@dataclass(frozen=True, kw_only=True)
class Match:
    """A neuron and that neuron of the other model which goes with it best on train units.

    Attributes:
        a: Of the first run.
        b: Of the second.
        r: Their correlation on test units.
    """

    a: NeuronId
    b: NeuronId
    r: float


@dataclass(frozen=True, kw_only=True)
class LayerMatches:
    """The best matches of a layer's neurons.

    Attributes:
        layer: Of the first run.
        nearest: The second's layer that holds most of them.
        r: Mean |correlation| on test units.
    """

    layer: int
    nearest: int
    r: Cell


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Neurons of two models that go together on the same units, never by their numbers.

    Attributes:
        units: Train units on which matches were sought.
        held_out: Test units on which they were correlated.
        layers: Of the first run.
        matched: Share of its neurons whose match is closer than 99 % of those with the rotated model.
        by_text: Mean |correlation| of all matches, beside units exchanged among those of the same text.
        of_set: Matches of the first run's set.
    """

    units: int
    held_out: int
    layers: tuple[LayerMatches, ...]
    matched: Cell
    by_text: Cell
    of_set: tuple[Match, ...]


@dataclass(frozen=True, kw_only=True)
class LayerDrift:
    """How far a layer of a fine-tuned model went from its base on the same units.

    Attributes:
        layer: Its number.
        cka: With the same layer of the base.
        drift: Mean of 1 − correlation of each neuron with itself.
    """

    layer: int
    cka: float
    drift: Cell


@dataclass(frozen=True, kw_only=True)
class NeuronDrift:
    """How far one neuron went.

    Attributes:
        neuron: Its id.
        drift: 1 − its correlation with itself.
    """

    neuron: NeuronId
    drift: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What fine-tuning moved.

    Attributes:
        units: Test units.
        layers: From the first.
        most: The neurons that went farthest.
    """

    units: int
    layers: tuple[LayerDrift, ...]
    most: tuple[NeuronDrift, ...]


@dataclass(frozen=True, kw_only=True)
class KeptValue:
    """Neurons that are claimed for a value in either run.

    Attributes:
        name: View and value, such as `detect lexical=number`.
        a: Claimed in the first.
        b: In the second.
        kept: In both.
    """

    name: str
    a: int
    b: int
    kept: NeuronSet


@dataclass(frozen=True, kw_only=True)
class KeptConcepts:
    """Concept neurons that stayed.

    Attributes:
        values: Each value with a claimed neuron in the first run.
        kept: Share of the first run's claims that the second has too.
    """

    values: tuple[KeptValue, ...]
    kept: Cell
