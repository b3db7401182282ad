"""How much of what neurons and clusters say survives other ways to write the same code: part of `concepts.json`."""

from collections.abc import Mapping
from dataclasses import dataclass

from neurosieve.results.measured import Interval
from neurosieve.typing import NeuronId


@dataclass(frozen=True, kw_only=True)
class Survival:
    """The share of units whose reading survives a rewrite.

    Attributes:
        n: Units.
        share: Of them whose reading is the same; None without units.
        interval: 95 %, by files; None where all are of one file.
    """

    n: int
    share: float | None
    interval: Interval | None

    @property
    def sensitivity(self) -> float | None:
        """Share of units whose reading the rewrite changes: the sensitivity index."""
        return None if self.share is None else 1 - self.share


@dataclass(frozen=True, kw_only=True)
class NeuronStability:
    """A claimed neuron under rewrites: whether it still fires where it fired.

    Attributes:
        value: `property=value` that it is claimed for.
        neuron: Its id.
        low: It is low where the value is.
        threshold: Beyond which it fires: of the best overlap with the value's rows on train.
        rewrites: Of units with the value at which it fires, by rewrite.
        renamed: Of those whose own text the rewrite `renamed` changed.
        follows_spelling: It stops firing at most units whose text changes, by the upper bound of the share.
    """

    value: str
    neuron: NeuronId
    low: bool
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
        neurons: Each claimed neuron, in the view `detect`.
        clusters: Each latent cluster with units, and each cut as a whole.
    """

    tokens: int
    files: Mapping[str, int]
    left_out: Mapping[str, str]
    neurons: tuple[NeuronStability, ...]
    clusters: tuple[ClusterStability, ...]
