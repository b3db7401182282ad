"""What neurons hold of one value of a property: their scores, their claims, and all values of one view."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import polars as pl
from markupsafe import escape

from neurosieve.printing import visible
from neurosieve.results.concept_sets import ConceptSet
from neurosieve.results.marks import Inline, Omitted
from neurosieve.results.measured import Difference, Interval, NotMeasured
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.results.value_ranges import ValueRange
from neurosieve.typing import NeuronId, View

GUESS = "a guess"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a claim requires in addition to the scores themselves.

    Attributes:
        auroc_interval: Of the AUROC on held-out files, 95 %, by files; None where there is none.
        difference: Average precision less the best rival's, paired by files; without an interval where none was needed.
        above_half: Lower bound of AP − (1 + rival's AP) / 2: not below 0 where it takes half of what the rival leaves.
        note: How much a claim depends on texts that train does not have; empty if it does not.
    """

    auroc_interval: Interval | None
    difference: Annotated[Difference, Inline({"value": "difference", "interval": "difference_interval"})]
    above_half: float | None
    note: str


@dataclass(frozen=True, kw_only=True)
class ConceptNeuron:
    """A neuron's scores for one value on held-out files, in the direction found on train.

    Attributes:
        neuron: Its id.
        low: It is low where the value is.
        train_auroc: On the files it was found on.
        train_ap: The same.
        auroc: On held-out files.
        ap: Average precision there.
        interval: Of `ap`, 95 %, by files; None where there is none.
        iou: With the rows beyond the best threshold.
        effect: Difference of means in standard deviations; None where the neuron does not vary.
        z: Difference of means over its standard error between files.
        q: Benjamini–Hochberg of z over all neurons and values.
        selectivity: AUROC among rows with some value of the property; None where these are all rows with the value.
        p: Of `auroc`, by shifting the value's rows in circles within each file.
        unseen_ap: Average precision on rows whose text is absent from train; None with fewer than 30 of either kind.
        claimed: It is called a neuron of the concept.
        lacking: What it lacks for that, in words; empty where it is claimed.
        bounds: None in files of earlier versions.
    """

    neuron: NeuronId
    low: bool
    train_auroc: float
    train_ap: float
    auroc: float
    ap: float
    interval: Interval | None
    iou: float
    effect: float | None
    z: float | None
    q: float | None
    selectivity: float | None
    p: float
    unseen_ap: float | None
    claimed: bool
    lacking: str
    bounds: Annotated[Bounds | None, Inline(), Omitted] = None

    @property
    def auroc_interval(self) -> Interval | None:
        """Of `auroc`, as `interval`."""
        return self.bounds.auroc_interval if self.bounds else None

    @property
    def difference_interval(self) -> Interval | None:
        """Of `ap` less the best rival's."""
        return self.bounds.difference.interval if self.bounds else None

    @property
    def note(self) -> str:
        """How much a claim depends on texts that train does not have; empty if it does not."""
        return self.bounds.note if self.bounds else ""


class UnseenRows(NamedTuple):
    """Test rows whose text is absent from train.

    Attributes:
        n: Those that have the value.
        base: Their share.
    """

    n: int
    base: float


@dataclass(frozen=True, kw_only=True)
class Concept:
    """What was found for one value of a property in one view.

    Attributes:
        view: `detect` or `predict`.
        property_name: Of the property.
        value: One of its values.
        train: Rows with the value on train.
        test: Rows with it on test.
        base: Their share of all test rows: the AP of a guess.
        rivals: Average precision of each rival on test; None where it has none.
        unseen: Rows whose text is new.
        neurons: The claimed ones, then the strongest others by train, ten in all unless more are claimed.
        layers: The highest AUROC of a layer's neurons on test among those with the highest on train, for each layer.
        ranges: The strongest ranges of activation by train; None in files of earlier versions.
        sets: The best k neurons together for each k, the smallest first; None where no size was asked for.
    """

    view: View
    property_name: str
    value: str
    train: int
    test: int
    base: float
    rivals: Mapping[str, float | None]
    unseen: UnseenRows
    neurons: tuple[ConceptNeuron, ...]
    layers: tuple[float, ...]
    ranges: Annotated[tuple[ValueRange, ...] | None, Omitted] = None
    sets: Annotated[tuple[ConceptSet, ...] | NotMeasured | None, Omitted] = None

    @property
    def name(self) -> str:
        """`property=value`."""
        return f"{self.property_name}={self.value}"

    @property
    def rival(self) -> tuple[str, float]:
        """What predicts the value best without training, and its average precision: a guess if no rival has one."""
        known = {name: ap for name, ap in self.rivals.items() if ap is not None}
        return max(known.items(), key=lambda pair: pair[1], default=(GUESS, self.base))

    @property
    def claimed(self) -> tuple[ConceptNeuron, ...]:
        """Neurons that are called neurons of this concept with their scores, the strongest on train first."""
        return tuple(n for n in self.neurons if n.claimed)

    @property
    def claimed_neurons(self) -> NeuronSet:
        """Their ids alone: what edits and set operations take."""
        return NeuronSet(n.neuron for n in self.claimed)

    @property
    def curve(self) -> tuple[ConceptSet, ...]:
        """The best k neurons together for each k; empty where that was not measured."""
        return self.sets if isinstance(self.sets, tuple) else ()

    @property
    def claimed_set(self) -> ConceptSet | None:
        """The smallest of them that is claimed as a set; None where none is."""
        return next((s for s in self.curve if not s.lacking), None)

    def to_frame(self) -> pl.DataFrame:
        """One row a neuron: its scores, the base rate and the best rival's."""
        return pl.DataFrame(self.rows(), infer_schema_length=None)

    def __str__(self) -> str:
        rival, precision = self.rival
        claimed = ", ".join(str(n.neuron) for n in self.claimed) or "no neuron"
        return f"{self.name}, view {self.view}: {claimed}; AP without training {precision:.2f} ({rival})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(visible(str(self)))}</p>{self.to_frame()._repr_html_()}"

    def rows(self) -> list[dict[str, Any]]:
        """One row a neuron."""
        about = {"view": self.view, "property": self.property_name, "value": self.value, "n": self.test}
        rival, ap = self.rival
        about |= {"base": self.base}
        return [
            about | {"layer": n.neuron.layer, "index": n.neuron.index, "rival": ap, "rival_name": rival} | _row(n)
            for n in self.neurons
        ]


def _row(n: ConceptNeuron) -> dict[str, Any]:
    """A neuron's scores, and the ends of their intervals."""
    own = {k: v for k, v in vars(n).items() if k not in ("neuron", "interval", "bounds")}
    own |= {"difference": n.bounds and n.bounds.difference.value, "above_half": n.bounds and n.bounds.above_half}
    intervals = {"ap": n.interval, "auroc": n.auroc_interval, "difference": n.difference_interval}
    ends = {
        f"{name}_{end}": interval and interval[i]
        for name, interval in intervals.items()
        for i, end in enumerate(("low", "high"))
    }
    return own | {"note": n.note} | ends


@dataclass(frozen=True, kw_only=True)
class ConceptFindings:
    """All values in one view.

    Attributes:
        view: `detect` or `predict`.
        rows: Of train and test.
        files: Clusters of rows in train and test.
        concepts: One for each value with enough rows, in the order of the properties.
        left_out: Values and properties that were not looked for, and why.
        untrained_reason: Why no untrained copy is among the rivals; empty where it is, None in files of earlier
            versions, which knew of none.
    """

    view: View
    rows: Mapping[str, int]
    files: Mapping[str, int]
    concepts: tuple[Concept, ...]
    left_out: Mapping[str, str]
    untrained_reason: Annotated[str | None, Omitted] = None

    def to_frame(self) -> pl.DataFrame:
        """One row per value and neuron shown: its scores with the base rate and the best rival's."""
        return pl.DataFrame([row for c in self.concepts for row in c.rows()], infer_schema_length=None)

    def sets_frame(self) -> pl.DataFrame:
        """One row per value and size of a set: its scores beside random, untrained and the best rival's."""
        rows = [
            {"view": c.view, "property": c.property_name, "value": c.value, **s.row()}
            for c in self.concepts
            for s in c.curve
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def _repr_html_(self) -> str:
        return f"<p>Concept neurons, view {self.view}</p>{self.to_frame().head(40)._repr_html_()}"
