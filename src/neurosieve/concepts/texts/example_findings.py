"""What was found about neurons by properties of whole texts: the rules of a claim; as a record and as a frame."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool

from neurosieve.concepts.neurons.scores import ConceptScores
from neurosieve.concepts.texts.variance import Share
from neurosieve.results.measured import Difference, Interval
from neurosieve.results.whole_texts import (
    Explained,
    ExplainingLabel,
    ExplainingProperty,
    ExplainingValue,
    Snippet,
    TextFindings,
    TextNeuron,
    ValueScores,
)
from neurosieve.typing import NeuronId

LABEL, LENGTH = "label", "length"
LEAST_R2 = 0.1  # of a property alone, on test
ERROR_RATE = 0.05  # Benjamini–Hochberg
SHOWN = 10  # values of a neuron in a record
_SCORES = ("auroc", "ap", "effect", "z", "q")


@dataclass(frozen=True)
class ExampleFindings:
    """Neurons, in the order of their rank, and what explains them.

    Shares are R² on test texts of regressions fitted on train, with 95 % intervals by clusters; shapes [neurons].

    Attributes:
        neurons: Those that vary between texts.
        rank: Place of each in the order that was given, from 1.
        dead: Those that do not vary; left out everywhere.
        train: Scores of each neuron for each property value on train texts; the task's label is the property `label`.
        test: On test texts, in the directions found on train.
        length: What length alone explains: a curve of words and signs, and the property `length`.
        together: What all properties and length explain together, the label not among them.
        alone: What each property explains alone.
        gain: What each adds to length; `length` itself adds nothing and is not there.
        highest: For each neuron the test texts of its highest values, each of another group.
        lowest: Those of its lowest values.
        groups: Clusters of texts in each split.
        with_errors: Texts with code that does not parse; they are kept.
        left_out: Properties without two values, and why.
        rare: Values (`property=value`) with too few texts for scores, and why; regressions have them.
        notes: What a user has to know.
    """

    neurons: tuple[NeuronId, ...]
    rank: tuple[int, ...]
    dead: tuple[NeuronId, ...]
    train: ConceptScores
    test: ConceptScores
    length: Share
    together: Share
    alone: Mapping[str, Share]
    gain: Mapping[str, Share]
    highest: tuple[tuple[Snippet, ...], ...]
    lowest: tuple[tuple[Snippet, ...], ...]
    groups: Mapping[str, int]
    with_errors: int
    left_out: Mapping[str, str]
    rare: Mapping[str, str]
    notes: tuple[str, ...]

    @cached_property
    def confirmed(self) -> Bool[np.ndarray, "neurons values"]:
        """Found on train and again on test in the same direction, both with q below `ERROR_RATE`."""
        same = (self.test.auroc > 0.5) & (np.sign(self.test.z) == np.sign(self.train.z))
        confirmed: Bool[np.ndarray, "neurons values"] = (self.train.q < ERROR_RATE) & (self.test.q < ERROR_RATE) & same
        return confirmed

    def explained_by(self, neuron: int) -> tuple[str, ...]:
        """Properties that explain the neuron of this place, the largest gain over length first.

        Alone a held-out R² of at least `LEAST_R2`, above length by an interval above 0, and a confirmed value. The
        task's label is none of them.
        """
        known = {self.train.values[v][0] for v in np.flatnonzero(self.confirmed[neuron])}
        fit = [name for name in self.gain if name in known - {LABEL} and self._adds(name, neuron)]
        return tuple(sorted(fit, key=lambda name: -self.gain[name].value[neuron]))

    def _adds(self, name: str, neuron: int) -> bool:
        return bool(self.alone[name].value[neuron] >= LEAST_R2 and self.gain[name].interval[neuron, 0] > 0)

    def by_length(self, neuron: int) -> bool:
        """Length alone explains at least `LEAST_R2` of the neuron of this place, with an interval above 0."""
        return bool(self.length.value[neuron] >= LEAST_R2 and self.length.interval[neuron, 0] > 0)

    def verdict(self, neuron: int) -> str:
        """In words; a property that alone explains less than length does is said to add to it."""
        length, explaining, added = float(self.length.value[neuron]), list[str](), list[str]()
        for name in self.explained_by(neuron):
            alone, gain = float(self.alone[name].value[neuron]), float(self.gain[name].value[neuron])
            if alone > length:
                explaining.append(f"by {name} (R² {alone:.2f}, {gain:.2f} above length)")
            else:
                added.append(f"{name} adds {gain:.2f}")
        by_length = [f"by length (R² {length:.2f})"] if self.by_length(neuron) else []
        return ", ".join([*explaining, *by_length, *added]) or "not explained"

    def result(self) -> TextFindings:
        """The part of the run's result; None if there is no number, with a reason."""
        return TextFindings(
            rule=f"explained by a property: R² alone >= {LEAST_R2}, gain over length with an interval above 0, "
            f"a value confirmed at q < {ERROR_RATE}, all on test",
            texts={"train": self.train.rows, "test": self.test.rows},
            groups=dict(self.groups),
            with_errors=self.with_errors,
            left_out=dict(self.left_out),
            rare=dict(self.rare),
            dead=self.dead,
            notes=self.notes,
            neurons=tuple(self._neuron(i) for i in range(len(self.neurons))),
        )

    def _neuron(self, i: int) -> TextNeuron:
        neuron, explains = self.neurons[i], self.explained_by(i)
        names = sorted(self.gain.keys() - {LABEL}, key=lambda name: -self.gain[name].value[i])
        return TextNeuron(
            layer=neuron.layer,
            index=neuron.index,
            rank=self.rank[i],
            verdict=self.verdict(i),
            explained_by=explains,
            length=_explained(self.length, i),
            together=_explained(self.together, i),
            label=self._label(i),
            properties=tuple(self._property(i, name, explains=name in explains) for name in names),
            values=tuple(self._value(i, v) for v in self._strongest(i)),
            highest=self.highest[i],
            lowest=self.lowest[i],
        )

    def _property(self, i: int, name: str, *, explains: bool) -> ExplainingProperty:
        r2, gain = _explained(self.alone[name], i), _gain(self.gain[name], i)
        return ExplainingProperty(property=name, r2=r2, gain=gain, explains=explains)

    def _label(self, i: int) -> ExplainingLabel:
        """The task's label as one more property, with all its values."""
        if LABEL not in self.gain:
            return ExplainingLabel(r2=None, gain=None, values=(), reason=self.left_out[LABEL])
        values = [v for v, (name, _) in enumerate(self.train.values) if name == LABEL]
        return ExplainingLabel(
            r2=_explained(self.alone[LABEL], i),
            gain=_gain(self.gain[LABEL], i),
            values=tuple(self._value(i, v) for v in values),
        )

    def _strongest(self, i: int) -> list[int]:
        """Property values by what they explain on train, without the label's."""
        order = np.argsort(-self.train.auroc[i], kind="stable").tolist()
        return [v for v in order if self.train.values[v][0] != LABEL][:SHOWN]

    def _value(self, i: int, v: int) -> ExplainingValue:
        name, value = self.train.values[v]
        return ExplainingValue(
            property=name,
            value=value,
            low=bool(self.train.low[i, v]),
            train=_scores(self.train, i, v),
            test=_scores(self.test, i, v),
            confirmed=bool(self.confirmed[i, v]),
        )

    def to_frame(self) -> pl.DataFrame:
        """One row a neuron and property value, with what the property explains."""
        rows = [self._row(i, v) for i in range(len(self.neurons)) for v in range(len(self.train.values))]
        return pl.DataFrame(rows)

    def _row(self, i: int, v: int) -> dict[str, Any]:
        neuron, (name, value) = self.neurons[i], self.train.values[v]
        gain = self.gain.get(name)
        return {
            "rank": self.rank[i],
            "layer": neuron.layer,
            "index": neuron.index,
            "property": name,
            "value": value,
            "low": bool(self.train.low[i, v]),
            **{f"train_{k}": float(getattr(self.train, k)[i, v]) for k in ("auroc", "q")},
            "n": int(self.test.n[v]),
            "base_rate": float(self.test.n[v] / self.test.rows),
            **{k: float(getattr(self.test, k)[i, v]) for k in _SCORES},
            "confirmed": bool(self.confirmed[i, v]),
            "r2": float(self.alone[name].value[i]),
            "gain": None if gain is None else float(gain.value[i]),
            "gain_low": None if gain is None else (_interval(gain, i) or (None,))[0],
            "explains": name in self.explained_by(i),
        }

    def _repr_html_(self) -> str:
        verdicts = [(str(n), self.verdict(i)) for i, n in enumerate(self.neurons)]
        shares = {"length": self.length.value, "together": self.together.value}
        frame = pl.DataFrame(verdicts, schema=["neuron", "verdict"], orient="row").with_columns(**shares)
        return f"<p>{self.test.rows} test texts</p>{frame._repr_html_()}"


def _interval(share: Share, i: int) -> Interval | None:
    low, high = (float(end) for end in share.interval[i])
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _explained(share: Share, i: int) -> Explained:
    return Explained(value=float(share.value[i]), interval=_interval(share, i))


def _gain(share: Share, i: int) -> Difference:
    return Difference(value=float(share.value[i]), interval=_interval(share, i))


def _scores(scores: ConceptScores, i: int, v: int) -> ValueScores:
    """Numbers of a value on a split; None if they are no numbers."""
    numbers = {k: float(getattr(scores, k)[i, v]) for k in _SCORES}
    finite = {k: x if math.isfinite(x) else None for k, x in numbers.items()}
    reason = "texts of one bucket of groups have the value" if None in finite.values() else None
    return ValueScores(n=int(scores.n[v]), base_rate=float(scores.n[v] / scores.rows), **finite, reason=reason)
