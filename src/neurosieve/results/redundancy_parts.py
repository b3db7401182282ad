"""Parts of `summary.json`: the trust box, the oracle, and the baselines that it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from neurosieve.choices import Precision
from neurosieve.results.marks import Inline, Key, Omitted, ReasonIfMissing
from neurosieve.results.measured import Interval, NotMeasured, Score, Spread

Test = Annotated[Score, Inline({"value": "test", "n": "n", "interval": "interval"})]
Scored = Annotated[Score, Inline({"value": "score", "n": "n", "interval": "interval"})]


class Question(Enum):
    """What a redundancy finding has to pass."""

    MAJORITY = "majority"
    LOOKUP = "lookup"
    UNTRAINED = "untrained"
    DISJOINT = "disjoint"
    SELECTIVITY = "selectivity"
    LOSS = "loss"
    RANDOM = "random"


class Answer(Enum):
    """To a question of the trust box."""

    YES = "yes"
    WEAKLY = "weakly"
    NO = "no"
    OPEN = "not measured"


@dataclass(frozen=True, kw_only=True)
class TrustEntry:
    """A question of the trust box with its answer.

    Attributes:
        key: Which question.
        question: For people.
        answer: To it.
        figures: What the answer rests on.
    """

    key: Question
    question: str
    answer: Answer
    figures: str


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A further measure of the same rows.

    Attributes:
        value: On test rows.
        interval: Of the value, 95 %, by files; None if the rows are in one file.
    """

    value: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class F1(Measure):
    """F1 of one class of two.

    Attributes:
        positive: The class.
    """

    positive: str


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """Measures of predicted classes.

    Attributes:
        macro_f1: Mean F1 of the classes.
        mcc: Matthews' correlation.
        f1: Of two classes the second's; None of more.
    """

    macro_f1: Measure
    mcc: Measure
    f1: Annotated[F1 | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class ValueMetrics:
    """Measures of predicted values.

    Attributes:
        pearson: Correlation.
        spearman: Correlation of ranks.
        mae: Mean absolute error, in the labels' own unit.
    """

    pearson: Measure
    spearman: Measure
    mae: Measure


Metrics = ClassMetrics | ValueMetrics


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How well rows of a class are recognised.

    Attributes:
        n: Its rows.
        recall: Share of them that is found; None if there are too few rows.
        precision: Share of rows said to be of the class that are; None likewise.
        f1: Their harmonic mean; None likewise.
        reason: Why there is no score; None if there is one.
    """

    n: int
    recall: float | None
    precision: float | None
    f1: float | None
    reason: Annotated[str | None, Omitted] = None


PerClass = Mapping[str, ClassScore]


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """A probe of the oracle's path.

    Attributes:
        penalty: Its λ.
        validation: Score on validation rows.
        nonzero: Weights that are not zero.
        converged: The solver got to the optimum.
    """

    penalty: Annotated[float, Key("lambda")]
    validation: float
    nonzero: int
    converged: bool


@dataclass(frozen=True, kw_only=True)
class OracleScores:
    """The probe on all neurons.

    Attributes:
        validation: Score on validation rows.
        test: Score on test rows.
        penalty: λ that was chosen.
        converged: The solver got to the optimum.
        path: All λ that were tried.
        per_class: Scores of each class.
        metrics: Further measures; None in files of earlier versions.
    """

    validation: float
    test: Test
    penalty: Annotated[float, Key("lambda")]
    converged: bool
    path: tuple[PathStep, ...]
    per_class: Annotated[PerClass | NotMeasured, ReasonIfMissing()]
    metrics: Annotated[Metrics | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class TextScores:
    """What reads labels off the text alone.

    Attributes:
        score: On test rows.
        metrics: Further measures; None in files of earlier versions.
    """

    score: Scored
    metrics: Annotated[Metrics | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class LayerZero:
    """A probe on layer 0 alone.

    Attributes:
        score: On test rows.
        validation: Score on validation rows.
    """

    score: Scored
    validation: float


@dataclass(frozen=True, kw_only=True)
class RandomNeurons:
    """Probes on random neurons, as many as the first smallest set has.

    Attributes:
        size: How many neurons.
        test: Scores of the draws on test rows.
    """

    size: int
    test: Annotated[Spread, Inline()]


@dataclass(frozen=True, kw_only=True)
class UntrainedScores:
    """Probes on copies of the model with random weights.

    Attributes:
        test: Scores on test rows.
        unseen: Scores on rows whose text is absent from train; None if there are too few.
        seeds: Of the copies.
        converged: All their probes got to the optimum.
        layers: Scores of each layer alone.
        precision: In which they were read; None for that of the model.
    """

    test: Spread
    unseen: Annotated[Spread | None, Key("unseen_natural")]
    seeds: tuple[int, ...]
    converged: bool
    layers: tuple[Spread, ...]
    precision: Annotated[Precision | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """What a score has to be compared with.

    Attributes:
        majority: Score of train's most frequent class, of equals the best; of values of their train mean, 0.
        token_lookup: The most frequent label of each text in train; of whole examples a regression on token counts.
        layer0: Embeddings, or the first layer that was read.
        random_neurons: As many as the first smallest set has; None if there is no set.
        untrained: Copies of the model with random weights.
    """

    majority: float
    token_lookup: TextScores
    layer0: LayerZero
    random_neurons: RandomNeurons | None
    untrained: Annotated[UntrainedScores | NotMeasured, Key("untrained_model"), ReasonIfMissing("untrained_reason")]
