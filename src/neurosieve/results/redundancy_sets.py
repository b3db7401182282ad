"""Parts of `summary.json`: layers, clusters, smallest sets, and the pipeline."""

from dataclasses import dataclass
from typing import Annotated, Literal

from neurosieve.results.marks import Absent, Inline, Key, Omitted, ReasonIfMissing
from neurosieve.results.measured import EARLIER, Difference, NotMeasured, RandomSizes, Spread
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.redundancy_parts import Metrics, Scored, Test

Select = Literal["safe", "point"]


@dataclass(frozen=True, kw_only=True)
class LayerPoint:
    """A probe on a layer, or on the layers up to it.

    Attributes:
        layer: Its number.
        validation: Score on validation rows.
        test: Score on test rows.
    """

    layer: int
    validation: float
    test: Test


@dataclass(frozen=True, kw_only=True)
class LayerCurve:
    """Probes by layer.

    Attributes:
        independent: On each layer alone.
        incremental: On the layers up to each.
    """

    independent: tuple[LayerPoint, ...]
    incremental: tuple[LayerPoint, ...]


@dataclass(frozen=True, kw_only=True)
class ClusterCut:
    """A probe on one neuron of each cluster.

    Attributes:
        threshold: Distance at which the tree is cut.
        kept: Neurons that represent clusters.
        dead: Neurons that never vary, in no cluster.
        validation: Score on validation rows.
        test: Score on test rows.
    """

    threshold: float
    kept: int
    dead: int
    validation: float
    test: Test


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A probe on the first neurons of a ranking.

    Attributes:
        ranking: Its name.
        size: How many neurons.
        validation: Score on validation rows.
        test: Score on test rows.
    """

    ranking: str
    size: int
    validation: float
    test: Test


@dataclass(frozen=True, kw_only=True)
class RandomPoint:
    """Probes on the first neurons of random orders.

    Attributes:
        ranking: `random`.
        size: How many neurons.
        draws: Orders that were tested at this size.
        test: Their scores on test rows.
    """

    ranking: Literal["random"]
    size: int
    draws: int
    test: Annotated[Spread, Inline()]


@dataclass(frozen=True, kw_only=True)
class UnseenLoss:
    """A set on test rows whose text is absent from train.

    Attributes:
        score: Of its probe.
        loss: Against the oracle.
    """

    score: Scored
    loss: Difference


@dataclass(frozen=True, kw_only=True)
class RandomSets:
    """Random neurons, as many as a set has.

    Attributes:
        test: Their scores on test rows.
        loss: Against the oracle; None in files of earlier versions.
    """

    test: Annotated[Spread, Inline()]
    loss: Annotated[Spread | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class NeededSizes(RandomSizes):
    """How many neurons random orders need.

    Attributes:
        ratio_range: Of the ratio, over resampled validation clusters; None where it was not drawn.
    """

    ratio_range: tuple[float, float] | NotMeasured | None = EARLIER


@dataclass(frozen=True, kw_only=True, repr=False)
class SmallestSet:
    """The smallest set of a ranking that stays within delta of the oracle on validation rows.

    Attributes:
        ranking: Its name.
        delta: Loss that is allowed.
        select: How the loss is held against it: by its bound, or as it is.
        size: How many neurons.
        size_range: Of the size, over resampled validation clusters; None where it was not drawn.
        validation: Score on validation rows.
        test: Score on test rows.
        loss: Against the oracle, on test rows.
        within: The loss is shown to be within delta; None where it has no interval.
        p_outside: Of a loss of delta or more, adjusted by Holm but for the first set; None likewise.
        unseen: The same on test rows whose text is absent from train.
        metrics: Further measures; None in files of earlier versions.
        converged: The solver got to the optimum.
        random_same_size: Random neurons, as many.
        random_size: How many neurons random orders need.
        neurons: Of the set, the ranking's first first.
        weights: Of each neuron for each class, or for the value.
    """

    ranking: str
    delta: float
    select: Select
    size: int
    size_range: tuple[int, int] | NotMeasured | None = EARLIER
    validation: float
    test: Test
    loss: Annotated[Difference, Key("test_loss")]
    within: bool | NotMeasured | None = EARLIER
    p_outside: float | NotMeasured | None = EARLIER
    unseen: Annotated[UnseenLoss | NotMeasured, Key("unseen_natural"), ReasonIfMissing()] = EARLIER
    metrics: Annotated[Metrics | None, Omitted] = None
    converged: bool
    random_same_size: RandomSets
    random_size: NeededSizes
    neurons: NeuronSet
    weights: tuple[tuple[float, ...], ...]

    def __repr__(self) -> str:
        rule = f"{self.ranking}, delta {self.delta:g}, {self.select}"
        return f"SmallestSet({rule}: {self.size:,} neurons, test {self.test}, loss {self.loss})"

    @property
    def times_as_many(self) -> tuple[float, float]:
        """How many times the neurons random orders need, from and to: over resamples, else over the orders."""
        need = self.random_size
        if isinstance(need.ratio_range, tuple):
            low, high = need.ratio_range
            return 1 / high, 1 / low
        return need.low / self.size, need.high / self.size


@dataclass(frozen=True, kw_only=True)
class ParetoPoint:
    """A way for which no other is smaller, less deep and better at once.

    Attributes:
        source: Which way.
        size: How many neurons.
        depth: Highest layer that it needs.
        validation: Score on validation rows.
        test: Score on test rows.
    """

    source: str
    size: int
    depth: int
    validation: float
    test: Test


@dataclass(frozen=True, kw_only=True)
class PipelineSet:
    """The best way through the pipeline on validation rows.

    Attributes:
        delta: Loss that the whole is allowed.
        layer_delta: Loss that the LayerSelector is allowed.
        layers_kept: Highest layer kept.
        clustering_threshold: Of clusters; None where that step was left out.
        ranking: Its name.
        size: How many neurons.
        reduction: Share of all neurons that can go.
        validation: Score on validation rows.
        test: Score on test rows.
        loss: Against the oracle, on test rows.
        within: The loss is shown to be within delta; None where it has no interval.
        p_outside: Of a loss of delta or more; None likewise.
        unseen: The same on test rows whose text is absent from train.
        neurons: Of the set.
    """

    delta: float
    layer_delta: float
    layers_kept: int
    clustering_threshold: float | None
    ranking: str
    size: int
    reduction: float
    validation: float
    test: Test
    loss: Annotated[Difference, Key("test_loss")]
    within: bool | NotMeasured | None = EARLIER
    p_outside: float | NotMeasured | None = EARLIER
    unseen: Annotated[UnseenLoss | NotMeasured, Key("unseen_natural"), ReasonIfMissing()] = EARLIER
    neurons: NeuronSet


@dataclass(frozen=True, kw_only=True)
class TriedWay:
    """One way through the pipeline.

    Attributes:
        layer_delta: Loss that the LayerSelector is allowed.
        delta: Loss that the whole is allowed.
        layers_kept: Highest layer kept.
        clustering_threshold: Of clusters; None where that step was left out.
        kept: Neurons left before the ranking.
        size: Of the smallest set; None where there is none.
        reason: Why there is none; else None.
        validation: Score on validation rows; None where there is no set.
        test: Score on test rows; None likewise.
    """

    layer_delta: float
    delta: float
    layers_kept: int
    clustering_threshold: float | None
    kept: int
    size: int | None
    reason: Annotated[str | None, Omitted] = None
    validation: Annotated[float | None, Omitted] = None
    test: Annotated[float | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class PipelineResult:
    """The pipeline: layers removed, then correlated neurons, then those that the task does not need.

    Attributes:
        best: The best way.
        tried: All ways.
    """

    best: Annotated[PipelineSet | NotMeasured, Inline(), Absent(("size", "reason"))]
    tried: tuple[TriedWay, ...]
