"""How much of what neurons and clusters say survives other ways to write the same code: part of `concepts.json`."""

from collections.abc import Mapping
from dataclasses import dataclass

from neurosieve.results.measured import Interval
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import NeuronId

RENAMED = "renamed"  # the rewrite that changes the text of units


@dataclass(frozen=True, kw_only=True)
class Survival:
    """The share of units whose reading survives a rewrite.

    Attributes:
        n: Units.
        share: Of them whose reading is the same, 1 − the sensitivity index; None without units.
        interval: 95 %, by files; None where all are of one file.
    """

    n: int
    share: float | None
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class NeuronStability:
    """A value's neuron under rewrites: whether it still fires where it fired.

    Attributes:
        value: `property=value`.
        neuron: Its id.
        low: It is low where the value is.
        ap: Average precision on held-out files.
        claimed: It is called a neuron of the value; else it is the value's strongest on train.
        threshold: Beyond which it fires: of the best overlap with the value's rows on train.
        rewrites: Of units with the value at which it fires, by rewrite.
        renamed: Of those whose own text the rewrite `renamed` changed.
        follows_spelling: By the bounds, fewer than half of its readings survive `renamed` where the unit's own text
            changes, and more than half survive each other rewrite.
    """

    value: str
    neuron: NeuronId
    low: bool
    ap: float
    claimed: bool
    threshold: float
    rewrites: Mapping[str, Survival]
    renamed: Survival
    follows_spelling: bool


@dataclass(frozen=True, kw_only=True)
class SetStability:
    """A claimed set of few neurons under rewrites: whether they still tell the value together.

    Attributes:
        value: `property=value`.
        neurons: Of the set, the heaviest first.
        ap: Average precision on held-out files.
        threshold: Of the set's regression without its intercept, as `NeuronStability.threshold` of a neuron.
        rewrites: Of units with the value beyond the threshold, by rewrite.
        renamed: Of those whose own text the rewrite `renamed` changed.
        follows_spelling: As of neurons.
    """

    value: str
    neurons: NeuronSet
    ap: float
    threshold: float
    rewrites: Mapping[str, Survival]
    renamed: Survival
    follows_spelling: bool


@dataclass(frozen=True, kw_only=True)
class ClusterStability:
    """A latent cluster under rewrites: whether its units stay in it.

    Attributes:
        layer: Of the vectors.
        clusters: How many the layer was cut into.
        cluster: Its number; None for all together.
        rewrites: Of its held-out units, by rewrite.
        renamed: Of those whose own text the rewrite `renamed` changed.
        follows_spelling: As of neurons.
    """

    layer: int
    clusters: int
    cluster: int | None
    rewrites: Mapping[str, Survival]
    renamed: Survival
    follows_spelling: bool


@dataclass(frozen=True, kw_only=True)
class ConceptStability:
    """Held-out files written otherwise, and what of the findings survives.

    Attributes:
        tokens: Units read of the files as they are.
        files: How many files each rewrite changed.
        left_out: How many each rewrite does not fit, with the first reason.
        neurons: In the view `detect`: each claimed neuron; of a value without one its strongest, if its AP is 0.5 or
            more on held-out files.
        clusters: Each latent cluster with units, and each cut as a whole.
        sets: Each claimed set of several neurons in the view `detect`.
    """

    tokens: int
    files: Mapping[str, int]
    left_out: Mapping[str, str]
    neurons: tuple[NeuronStability, ...]
    clusters: tuple[ClusterStability, ...]
    sets: tuple[SetStability, ...] = ()
