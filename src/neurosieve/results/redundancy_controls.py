"""Parts of `summary.json`: texts that are absent from train, and control tasks."""

from dataclasses import dataclass
from typing import Annotated

from neurosieve.results.marks import Absent, Inline, Omitted, ReasonIfMissing
from neurosieve.results.measured import EARLIER, Difference, Interval, NotMeasured, Spread
from neurosieve.results.redundancy_parts import PerClass, Scored, TextScores


@dataclass(frozen=True, kw_only=True)
class SeenRows:
    """The oracle on test rows whose text occurs in train.

    Attributes:
        score: Of the oracle.
        per_class: Scores of each class.
    """

    score: Scored
    per_class: Annotated[PerClass | NotMeasured, ReasonIfMissing()] = EARLIER


@dataclass(frozen=True, kw_only=True)
class UntrainedGain:
    """Untrained copies on test rows whose text is absent from train.

    Attributes:
        score: Of the copies.
        gain: What the oracle has above their mean.
    """

    score: Annotated[Spread, Inline()]
    gain: Difference


@dataclass(frozen=True, kw_only=True)
class UnseenRows:
    """The oracle on test rows whose text is absent from train.

    Attributes:
        score: Of the oracle.
        token_lookup: What reads labels off the text alone, on the same rows.
        seen: The oracle on the other test rows; None if there are too few.
        untrained: Copies with random weights, on the same rows; None if there are none.
        per_class: Scores of each class.
    """

    score: Scored
    token_lookup: TextScores
    seen: SeenRows | None
    untrained: UntrainedGain | None
    per_class: Annotated[PerClass | NotMeasured, ReasonIfMissing()] = EARLIER


@dataclass(frozen=True, kw_only=True)
class FewUnseen(NotMeasured):
    """Too few test rows have a text that is absent from train.

    Attributes:
        n: How many.
    """

    n: int


@dataclass(frozen=True, kw_only=True)
class HeldOutTypes:
    """Probes on token types that they were not trained on, over splits of the types.

    Attributes:
        score: On test rows of held-out types.
        splits: How many.
        n: Test rows of held-out types.
        majority: Score of train's most frequent class there, of equals the best; None in files of earlier versions.
    """

    score: Annotated[Spread, Inline()]
    splits: int
    n: Spread
    majority: Annotated[Spread | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class FewHeldOut(NotMeasured):
    """No split of token types left enough test rows.

    Attributes:
        splits: How many left any.
    """

    splits: int


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """What is known of texts that are absent from train.

    Attributes:
        natural: Test rows that are so by chance.
        disjoint: Token types that were held out.
    """

    natural: Annotated[UnseenRows | FewUnseen, Absent(("score", "n", "reason"))]
    disjoint: Annotated[HeldOutTypes | FewHeldOut, Absent(("mean", "lo", "hi", "splits", "reason"))]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A test row that the oracle gets wrong, or whose value it misses by much.

    Attributes:
        text: The unit, or the begin of the example.
        label: The right one.
        predicted: By the oracle.
        unseen: The text is absent from train.
    """

    text: str
    label: str
    predicted: str
    unseen: bool


@dataclass(frozen=True, kw_only=True)
class Selectivity:
    """The task compared with random labels of the same tokens.

    Attributes:
        task: Score of the task.
        control: Mean score of the control tasks.
        control_range: From the least to the greatest.
        majority: Mean score of the best constant of each control task; None in files of earlier versions.
        selectivity: `task` − `control`.
        rows: Test rows.
    """

    task: float
    control: float
    control_range: Interval
    majority: Annotated[float | None, Omitted] = None
    selectivity: Annotated[Difference, Inline({"value": "selectivity", "interval": "interval"})]
    rows: int


@dataclass(frozen=True, kw_only=True)
class TypeSelectivity:
    """Selectivity where each token type counts once.

    Attributes:
        task: Score of the task.
        control: Mean score of the control tasks.
        selectivity: `task` − `control`.
        types: How many.
    """

    task: float
    control: float
    selectivity: Annotated[Difference, Inline({"value": "selectivity", "interval": "interval"})]
    types: int


@dataclass(frozen=True, kw_only=True)
class Control:
    """Control tasks: each token type has a label that was drawn at random (Hewitt & Liang 2019).

    Attributes:
        majority: `head.majority`; None if that was not measured.
        head: What the trust box goes by: `seen`.
        draws: Of labels.
        all: On all test rows.
        seen: On rows whose text occurs in train; None if there are too few.
        minimal_set: Of the first smallest set, on the same rows; None if there are too few, or if there is no set.
        by_type: On token types of the same rows.
    """

    majority: float | None
    head: Annotated[Selectivity | NotMeasured, Inline(), Absent(("task", "control", "selectivity", "reason"))]
    draws: int
    all: Selectivity | None
    seen: Selectivity | None
    minimal_set: Selectivity | None
    by_type: Annotated[TypeSelectivity | NotMeasured, ReasonIfMissing()] = EARLIER
