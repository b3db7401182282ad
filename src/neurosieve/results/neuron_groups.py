"""Groups of neurons: each property's smallest set, each value's neurons, what these share, and their layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import polars as pl

from neurosieve.results.marks import Inline, Omitted
from neurosieve.results.measured import Difference, RandomSizes, Score, Spread
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId, Split, View

_TEST = Inline({"value": "test", "n": "n", "interval": "interval"})


@dataclass(frozen=True, kw_only=True)
class OracleScore:
    """Accuracy of the probe on all neurons.

    Attributes:
        validation: On validation rows.
        converged: Of the probe.
        test: On test rows.
    """

    validation: float
    converged: bool
    test: Annotated[Score, _TEST]


@dataclass(frozen=True, kw_only=True)
class RandomScores:
    """Accuracies on test of random sets of one size.

    Attributes:
        test: Of all.
        draws: How many.
    """

    test: Annotated[Spread, Inline()]
    draws: int


@dataclass(frozen=True, kw_only=True)
class SearchedSizes(RandomSizes):
    """How many neurons random orders need.

    Attributes:
        draws: How many orders.
    """

    draws: int


@dataclass(frozen=True, kw_only=True)
class SmallestGroup:
    """The smallest set within delta of the oracle, opened on test.

    Attributes:
        size: Its neurons.
        validation: Accuracy on validation.
        test: Accuracy on test.
        converged: Of its probe, and of all random ones.
        test_loss: Against the oracle on test, paired.
        random_same_size: Random orders at its size.
        random_size: The smallest sets of random orders.
        neurons: In the order of LCA.
    """

    size: int
    validation: float
    test: Annotated[Score, _TEST]
    converged: bool
    test_loss: Difference
    random_same_size: RandomScores
    random_size: SearchedSizes
    neurons: NeuronSet


@dataclass(frozen=True, kw_only=True)
class ValueSet:
    """Neurons that carry a value.

    Attributes:
        name: `property=value`.
        neurons: Heaviest first.
    """

    name: str
    neurons: NeuronSet


@dataclass(frozen=True, kw_only=True)
class PropertyGroup:
    """A property's smallest set and its values' neurons.

    Attributes:
        property: Its name.
        values: The classes.
        rows: Of each split.
        live: Neurons that vary over train rows: what sets are taken from.
        majority: Accuracy of the class with most train rows, of equals of the best one.
        lookup: Accuracy of the class that each token's text has most often in train; None in the view `predict`, where
            the text is hidden.
        oracle: The probe on all neurons.
        smallest: None where the oracle is not above the majority.
        reason: Why there is none; empty where there is one.
        carriers: For each value its neurons; none without a smallest set. Of two values the neurons are the same,
            so only the first that is not `no` has them.
    """

    property: str
    values: tuple[str, ...]
    rows: Mapping[Split, int]
    live: int
    majority: float
    lookup: float | None
    oracle: OracleScore
    smallest: SmallestGroup | None
    reason: str
    carriers: tuple[ValueSet, ...]


@dataclass(frozen=True, kw_only=True)
class SharingPair:
    """Two sets of different properties.

    Attributes:
        a: The one.
        b: The other.
        shared: Neurons in both.
        jaccard: Those divided by the neurons in either.
        expected: What sets of these sizes would have by chance on average.
        p: Chance of as many shared neurons or more (hypergeometric).
        q: Benjamini–Hochberg of p over all pairs of different properties.
    """

    a: str
    b: str
    shared: int
    jaccard: float
    expected: float
    p: float
    q: float


@dataclass(frozen=True, kw_only=True)
class SharedNeurons:
    """Neurons that sets have in common.

    Attributes:
        names: Of the sets that are not empty: a property, or `property=value`.
        sizes: Their neurons.
        live: Neurons that they are taken from.
        jaccard: Shared neurons of two sets divided by the neurons in either, a row a set.
        expected: What two sets of these sizes would have by chance on average, likewise.
        tested: Pairs of different properties.
        above_chance: Of them, those with q of at most 0.05.
        pairs: The clearest of them.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    live: int
    jaccard: tuple[tuple[float, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    tested: int
    above_chance: int
    pairs: tuple[SharingPair, ...]


@dataclass(frozen=True, kw_only=True)
class ServingNeuron:
    """A neuron of several sets.

    Attributes:
        neuron: Its id.
        sets: Their names.
    """

    neuron: NeuronId
    sets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ServedProperties:
    """How many properties a neuron serves: in how many of their sets, or of the unions of their values' sets, it is.

    Attributes:
        neurons: Those that serve none, one, two and so on.
        chance: What sets of the same sizes would have by chance on average.
        most: The neurons that serve most properties.
    """

    neurons: tuple[int, ...]
    chance: tuple[float, ...]
    most: tuple[ServingNeuron, ...]


@dataclass(frozen=True, kw_only=True)
class SetLayers:
    """The layers of a set's neurons.

    Attributes:
        name: Of the set.
        mean: Its mean layer.
        expected_mean: Mean layer of all live neurons.
        entropy: Of the counts, in bits: 0 in one layer, log2 of the layers where evenly spread.
        expected_entropy: What as many live neurons have by chance on average.
        counts: Its neurons in each layer.
        share: Of its neurons in each layer.
        uniform: Share of each layer in all live neurons.
    """

    name: str
    mean: float
    expected_mean: float
    entropy: float
    expected_entropy: float
    counts: tuple[int, ...]
    share: tuple[float, ...]
    uniform: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SetSharing:
    """What some sets share, and in which layers they are.

    Attributes:
        overlaps: Of any two of them.
        polysemy: How many properties a neuron serves.
        spread: Of each over layers.
    """

    overlaps: SharedNeurons
    polysemy: ServedProperties
    spread: tuple[SetLayers, ...]


@dataclass(frozen=True, kw_only=True)
class NeuronGroups:
    """Groups of neurons in one view.

    Attributes:
        view: `detect` or `predict`.
        delta: Loss allowed, as a share.
        select: The rule by which sets were chosen.
        mass: A value's neurons take this share of its weight.
        sets: Of each property with two values or more.
        left_out: Properties and values without enough rows, and why.
        properties: What the smallest sets share.
        values: What the values' neurons share.
        claimed: What the sets of few neurons share that are claimed for values; None in files of earlier versions.
    """

    view: View
    delta: float
    select: Literal["point", "safe"]
    mass: float
    sets: tuple[PropertyGroup, ...]
    left_out: Mapping[str, str]
    properties: SetSharing
    values: SetSharing
    claimed: Annotated[SetSharing | None, Omitted] = None

    def to_frame(self) -> pl.DataFrame:
        """One row per property: its oracle with majority and lookup, its smallest set with random orders."""
        rows = [
            {
                "property": group.property,
                "values": len(group.values),
                "n": group.oracle.test.n,
                "oracle": group.oracle.test.value,
                "majority": group.majority,
                "lookup": group.lookup,
                "size": smallest and smallest.size,
                "test": smallest and smallest.test.value,
                "loss": smallest and smallest.test_loss.value,
                "random": smallest and smallest.random_same_size.test.mean,
                "random_size": smallest and smallest.random_size.median,
            }
            for group in self.sets
            for smallest in [group.smallest]
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def _repr_html_(self) -> str:
        return f"<p>Groups of neurons, view {self.view}</p>{self.to_frame()._repr_html_()}"
