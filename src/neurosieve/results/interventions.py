"""What an edit of a concept in the live model did: `interventions/*.json` of a run folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import polars as pl

from neurosieve.choices import Ablation as Ablation
from neurosieve.choices import EditKind as EditKind
from neurosieve.results.marks import Inline, Omitted
from neurosieve.results.measured import Difference, Interval, NotMeasured, Score
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.value_ranges import ActivationRange
from neurosieve.typing import NeuronId, Site

FORMAT: Literal[1] = 1
EffectScore = Literal["property", "exact"]


@dataclass(frozen=True, kw_only=True)
class Matching:
    """How similar random edits are to the edit that they are compared with.

    Attributes:
        by: What they are matched in: a neuron's variance, what an eraser takes away, the length of a step.
        caliper: Matched are those within this factor.
        worst: Ratio of the two in the worst case, the larger by the smaller.
        median: The same in the median.
        sets: How many random edits.
        distinct_sets: How many of them differ.
        unmatched: Neurons that were asked for and left out, since none is like them.
    """

    by: str
    caliper: float
    worst: float
    median: float
    sets: int
    distinct_sets: int
    unmatched: tuple[NeuronId, ...]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One score on the units that have the value, or on the others.

    Attributes:
        base: Of the model as it is.
        edited: Under the edit.
        drop: `base` − `edited`; without an interval in files of earlier versions.
        random: Mean drop of the random edits.
        random_95: The drop that 95 % of them stay below.
        effect: `drop` − `random`.
    """

    base: Annotated[Score, Inline({"n": "n", "value": "base", "interval": "base_interval"})]
    edited: float
    drop: Annotated[Difference, Inline({"value": "drop", "interval": "drop_interval"}, lacked=("interval",))]
    random: float
    random_95: float
    effect: Annotated[Difference, Inline({"value": "effect", "interval": "interval"})]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The effect on one score.

    Attributes:
        score: `property`: the predicted token has the value just where the truth has it; `exact`: it is the very token.
        here: Units that have the value.
        elsewhere: The others.
        effect: `here.effect`.
        claimed: The edit changes what the model predicts of the property.
        lacking: What it lacks for that; empty where it is claimed.
    """

    score: EffectScore
    here: Side
    elsewhere: Side
    effect: Annotated[Difference, Inline({"value": "effect", "interval": "interval"})]
    claimed: bool
    lacking: str = ""


@dataclass(frozen=True, kw_only=True)
class Turned:
    """Units without the value at which a token of the value is predicted: what steering is to reach.

    Attributes:
        n: Units without the value.
        base: Share of them that is turned by the model as it is.
        edited: Under the edit.
        random: Mean of the random edits.
        effect: `edited` − `random`.
        claimed: The edit turns units.
        lacking: What it lacks for that; empty where it is claimed.
    """

    n: int
    base: float
    edited: float
    random: float
    effect: Annotated[Difference, Inline({"value": "effect", "interval": "interval"})]
    claimed: bool
    lacking: str = ""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Mean cross-entropy of the true tokens, in nats.

    Attributes:
        n: All units, with the value and without.
        base: Of the model as it is.
        edited: Under the edit.
        random: Mean of the random edits.
        random_95: What 95 % of them stay below.
    """

    n: int
    base: float
    edited: float
    random: float
    random_95: float


@dataclass(frozen=True, kw_only=True)
class Probability:
    """Mean probability of all tokens that have the value.

    Attributes:
        base: Of the model as it is.
        edited: Under the edit.
        random: Mean of the random edits.
    """

    base: float
    edited: float
    random: float


@dataclass(frozen=True, kw_only=True)
class Mass:
    """Where the probability of the value is.

    Attributes:
        here: At units that have it.
        elsewhere: At the others.
    """

    here: Probability
    elsewhere: Probability


class Guess(NamedTuple):
    """A token, and the probability that it is predicted with."""

    token: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class ShownPrediction:
    """A unit in its code, with its likeliest tokens.

    Attributes:
        example: Id of the text.
        line: From 1.
        before_text: Code before the unit.
        token: The unit.
        after_text: Code after it.
        has_value: Whether it has the value.
        base: By the model as it is, the likeliest first.
        edited: Under the edit.
    """

    example: str
    line: int
    before_text: str
    token: str
    after_text: str
    has_value: bool
    base: tuple[Guess, ...]
    edited: tuple[Guess, ...]


@dataclass(frozen=True, kw_only=True)
class PredictionEffects:
    """What the edit does to the model's own predictions on held-out code.

    Attributes:
        effects: On each score.
        windows: Texts or parts of texts that were read.
        turned: What steering is to reach.
        loss: Of all units.
        mass: Of the tokens that have the value.
        examples: Units that lost most.
    """

    effects: tuple[Effect, ...]
    windows: int
    turned: Turned
    loss: Loss
    mass: Mass
    examples: tuple[ShownPrediction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TaskEffect:
    """What the edit does to the task of the study: to its probe, or to a fine-tuned head.

    Attributes:
        score: `accuracy`, or `r2` where labels are values.
        base: Of the model as it is.
        edited: Under the edit.
        drop: `base` − `edited`.
        random_sets: How many random edits.
        random: Their mean drop.
        random_95: The drop that 95 % of them stay below.
        effect: `drop` − `random`.
        rows_note: Which rows.
    """

    score: Literal["accuracy", "r2"]
    base: Annotated[Score, Inline({"n": "n", "value": "base", "interval": "base_interval"})]
    edited: float
    drop: Annotated[Difference, Inline({"value": "drop", "interval": "interval"})]
    random_sets: int
    random: float
    random_95: float
    effect: Annotated[Difference, Inline({"value": "effect", "interval": "effect_interval"})]
    rows_note: str


@dataclass(frozen=True, kw_only=True)
class ProbeScore:
    """Accuracy of a newly trained probe for the value.

    Attributes:
        score: On test rows.
        interval: Of the score, 95 %, by files; None if the rows are in one file.
    """

    score: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """Whether what was erased is gone.

    Attributes:
        layer: Of which it was erased.
        rank: Directions that were taken away.
        n: Test rows.
        majority: Accuracy of a guess.
        before: On the rows as they are.
        after: On what the eraser leaves.
        control: On what an eraser of random directions leaves.
    """

    layer: int
    rank: int
    n: int
    majority: float
    before: ProbeScore
    after: ProbeScore
    control: ProbeScore


@dataclass(frozen=True, kw_only=True, repr=False)
class InterventionResult:
    """A concept changed in the live model of a run, and the effect compared with random edits.

    Examples:
        >>> effect = ns.load("runs/java").interventions[0]
        >>> isinstance(effect.claimed, bool), len(effect.neurons) > 0
        (True, True)

    Attributes:
        format: Of the file.
        options: Of `intervene`.
        concepts: Options that concepts were looked for with; None in files of earlier versions.
        concept: `property=value`.
        edit: The kind of edit.
        how: Of ablation, else None.
        at: Edited at all tokens, or where tokens are predicted.
        site: Of the neurons.
        model: Name or folder.
        neurons: Those that were edited.
        share: Of all neurons.
        layers: How many in each layer.
        chosen_by: On what they were chosen, of how many candidates.
        random_sets: How many random edits it is compared with.
        matching: How similar these are; None in files of earlier versions.
        ranges: Where each neuron is edited; None where its activation does not matter.
        predictions: What the edit does to predictions.
        whole: What the same neurons do edited whatever their activation is; None where that is the edit.
        probe: What it does to the run's probe.
        head: What it does to the model's fine-tuned head.
        erasure: Whether the value is gone; None of edits that erase nothing.
        versions: Of the packages that can move a result.
        study_sha256: Of the study, as the file is marked; None in files of earlier versions.
        sha256: Of the file's name and content, likewise.
    """

    format: Literal[1]
    options: Mapping[str, Any]
    concepts: Annotated[Mapping[str, Any] | None, Omitted] = None
    concept: str
    edit: EditKind
    how: Ablation | None
    at: Literal["all", "predicted"]
    site: Site
    model: str
    neurons: NeuronSet
    share: float
    layers: tuple[int, ...]
    chosen_by: str
    random_sets: int
    matching: Annotated[Matching | None, Omitted] = None
    ranges: Annotated[tuple[ActivationRange, ...] | None, Omitted] = None
    predictions: Annotated[PredictionEffects | NotMeasured, Inline()]
    whole: Annotated[PredictionEffects | None, Omitted] = None
    probe: TaskEffect | NotMeasured
    head: TaskEffect | NotMeasured
    erasure: Erasure | None
    versions: Mapping[str, str]
    study_sha256: Annotated[str | None, Omitted] = None
    sha256: Annotated[str | None, Omitted] = None

    @property
    def claimed(self) -> bool:
        """The edit moves what the model predicts of the value beyond random edits; or steering turns others to it."""
        if isinstance(self.predictions, NotMeasured):
            return False
        moved = any(e.claimed for e in self.predictions.effects if e.score == "property")
        return moved or (self.edit == "steer" and self.predictions.turned.claimed)

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        from neurosieve.report.interventions import intervention_headline  # loaded where it writes

        return intervention_headline([self])

    def to_frame(self) -> pl.DataFrame:
        """One row a score and side (units that have the value, the others): before, after, drop, random edits' drop."""
        if isinstance(self.predictions, NotMeasured):
            return pl.DataFrame()
        sides = [(e, side, getattr(e, side)) for e in self.predictions.effects for side in ("here", "elsewhere")]
        return pl.DataFrame([{"score": e.score, "units": side, **_row(found)} for e, side, found in sides])

    def plot(self) -> Any:
        """The drops of the edit here and elsewhere, and those of random edits.

        Raises:
            DataError: Predictions were not measured.
        """
        from neurosieve.report.plots import plot_effects

        return plot_effects([self])

    def __repr__(self) -> str:
        return f"InterventionResult({self.headline!r})"

    def __str__(self) -> str:
        return f"{self.headline}\n  edited: {self.neurons}"

    def _repr_html_(self) -> str:
        from neurosieve.report.interventions import effect_html

        return effect_html(self)


def _row(side: Side) -> dict[str, Any]:
    low, high = side.effect.interval or (None, None)
    row = {"n": side.base.n, "before": side.base.value, "after": side.edited, "drop": side.drop.value}
    return row | {"random": side.random, "effect": side.effect.value, "low": low, "high": high}
