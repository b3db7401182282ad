"""What properties of whole texts explain of a run's neurons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from neurosieve.results.marks import Omitted
from neurosieve.results.measured import Difference, Interval
from neurosieve.typing import NeuronId


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """A test text on which a neuron is very high or very low.

    Attributes:
        id: Of the example.
        label: Of the task; None if labels are of pairs.
        value: The neuron's, in standard deviations from the train mean.
        text: The beginning of the text.
        cut: How much that is, in words; None if it is all.
    """

    id: str
    label: str | None
    value: float
    text: str
    cut: str | None


@dataclass(frozen=True, kw_only=True)
class Explained:
    """How much of a neuron's values on test texts is explained.

    Attributes:
        value: R² of a regression fitted on train.
        interval: Of the value, 95 %, by clusters of texts; None if there is only one cluster.
    """

    value: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class ValueScores:
    """A neuron's scores for one property value on the texts of a split.

    Attributes:
        n: Texts with the value.
        base_rate: Their share.
        auroc: None if it is not a number, as are the next four.
        ap: Average precision.
        effect: Difference of means in standard deviations.
        z: Difference of means over its standard error between groups.
        q: Benjamini–Hochberg of z over all neurons and values.
        reason: Why one of them is not a number; None if all are.
    """

    n: int
    base_rate: float
    auroc: float | None
    ap: float | None
    effect: float | None
    z: float | None
    q: float | None
    reason: Annotated[str | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class ExplainingValue:
    """A property value compared with a neuron.

    Attributes:
        property: Name of the property.
        value: One of its values.
        low: The neuron is low where the value is.
        train: On the texts where that was found.
        test: On held-out texts.
        confirmed: Found on train and again on test in the same direction.
    """

    property: str
    value: str
    low: bool
    train: ValueScores
    test: ValueScores
    confirmed: bool


@dataclass(frozen=True, kw_only=True)
class ExplainingProperty:
    """A property compared with a neuron.

    Attributes:
        property: Its name.
        r2: What it explains alone.
        gain: What it adds to length.
        explains: By the rule it explains the neuron.
    """

    property: str
    r2: Explained
    gain: Difference
    explains: bool


@dataclass(frozen=True, kw_only=True)
class ExplainingLabel:
    """The task's label as one more property.

    Attributes:
        r2: What it explains alone; None if labels are no property of single texts.
        gain: What it adds to length, likewise.
        values: All of them.
        reason: Why there are none; None if there are.
    """

    r2: Explained | None
    gain: Difference | None
    values: tuple[ExplainingValue, ...]
    reason: Annotated[str | None, Omitted] = None


@dataclass(frozen=True, kw_only=True)
class TextNeuron:
    """A neuron, and what explains it.

    Attributes:
        layer: Of its id.
        index: Of its id.
        rank: Its place in the run's ranking, from 1.
        verdict: What explains it, in words.
        explained_by: Properties that explain it, the largest gain first.
        length: What length alone explains.
        together: What all properties and length explain together.
        label: The same for the task's label.
        properties: Each of them, the largest gain first.
        values: Those that explain most on train.
        highest: Test texts of its highest values.
        lowest: Those of its lowest values.
    """

    layer: int
    index: int
    rank: int
    verdict: str
    explained_by: tuple[str, ...]
    length: Explained
    together: Explained
    label: ExplainingLabel
    properties: tuple[ExplainingProperty, ...]
    values: tuple[ExplainingValue, ...]
    highest: tuple[Snippet, ...]
    lowest: tuple[Snippet, ...]

    @property
    def neuron(self) -> NeuronId:
        """Its id."""
        return NeuronId(self.layer, self.index)


@dataclass(frozen=True, kw_only=True)
class TextFindings:
    """What explains the run's neurons.

    Attributes:
        rule: When a property explains a neuron, in words.
        texts: Of train and test.
        groups: Clusters of texts in each.
        with_errors: Texts with code that does not parse; they are kept.
        left_out: Properties without two values, and why.
        rare: Values with too few texts for scores, and why.
        dead: Neurons that do not vary between texts.
        notes: What a user has to know.
        neurons: The others, in the order of their rank.
    """

    rule: str
    texts: Mapping[str, int]
    groups: Mapping[str, int]
    with_errors: int
    left_out: Mapping[str, str]
    rare: Mapping[str, str]
    dead: tuple[NeuronId, ...]
    notes: tuple[str, ...]
    neurons: tuple[TextNeuron, ...]
