"""Labelled code: examples with character spans, and the rows chosen from them.

A `Dataset` holds the code as it is; a `Rows` table names the units that are analysed. Both are frozen.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Num

from neurosieve.typing import SPLITS, Split

VALUE = "value"  # the one label of rows that have numbers in place of classes


Text = str | tuple[str, str]  # of a unit: its own characters, or the two texts of a pair


def parts_of(text: Text) -> tuple[str, ...]:
    """One text, or two."""
    return (text,) if isinstance(text, str) else text


def are_values(label: Num[np.ndarray, " rows"]) -> bool:
    """Labels are values, not class numbers: floats, not integers."""
    return label.dtype.kind == "f"


class Origin(Enum):
    """What is known of where data come from, for code."""

    OTHER = "nothing"
    BIG_CLONE_BENCH = "pairs of BigCloneBench, or in its layout"


class Span(NamedTuple):
    """A label on the characters `start` (included) to `end` (excluded) of an example's text."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Example:
    """One piece of code.

    Attributes:
        id: Unique name, for example `train:12` (line) or a file's path.
        text: The code, exactly as in the source.
        spans: Labelled units in order, not overlapping.
        split: `train`, `validation` or `test`.
        group: What is drawn as a whole in splits and bootstraps: the file, else the line or function text.
        joint: The two texts of a pair that is read as one input; `text` has them one below the other. None for a single
            text.
    """

    id: str
    text: str
    spans: tuple[Span, ...]
    split: Split
    group: str
    joint: tuple[str, str] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The text, or the two texts of a pair."""
        return self.joint or (self.text,)


class Pair(NamedTuple):
    """A label on two examples of one split.

    Attributes:
        id: Unique name, for example `train:12`.
        left: Index of the first example, for instance a query.
        right: Index of the second.
        label: Of the two together.
        split: `train`, `validation` or `test`.
        group: As `Example.group`.
    """

    id: str
    left: int
    right: int
    label: str
    split: Split
    group: str


@dataclass(frozen=True)
class Dataset:
    """Examples of all splits, with notes on what was left out while reading.

    Attributes:
        examples: All examples.
        source: Where they came from, in words.
        notes: Counts of what was dropped or adjusted, by reason.
        hashes: sha256 of each file read, by name.
        whole: Each example is one unit, its one span the whole text.
        pairs: Units of two examples each; where there are any, they are the units and examples have no spans.
        numeric: Labels are numbers to predict, written as texts, and not names of classes.
        origin: What is known of the data.
    """

    examples: tuple[Example, ...]
    source: str
    notes: Mapping[str, int] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    pairs: tuple[Pair, ...] = ()
    numeric: bool = False
    origin: Origin = Origin.OTHER

    def split(self, name: Split) -> list[Example]:
        """The examples of one split, in order."""
        return [e for e in self.examples if e.split == name]

    @cached_property
    def label_counts(self) -> Mapping[str, Mapping[Split, int]]:
        """Units by label and split, most frequent label first."""
        counts: dict[Split, Counter[str]] = {s: Counter() for s in SPLITS}
        for e in self.examples:
            counts[e.split].update(span.label for span in e.spans)
        for p in self.pairs:
            counts[p.split][p.label] += 1
        total = sum(counts.values(), Counter[str]())
        return {label: {s: counts[s][label] for s in SPLITS} for label, _ in total.most_common()}

    def values(self, split: Split) -> Float[np.ndarray, " units"]:
        """The labels of a split's units as numbers, where they are numeric."""
        labels = [s.label for e in self.split(split) for s in e.spans]
        labels += [p.label for p in self.pairs if p.split == split]
        return np.array(labels, dtype=np.float64)

    def joined(self) -> "Dataset":
        """The pairs as whole examples of two parts."""

        def example(pair: Pair) -> Example:
            both = self.examples[pair.left].text, self.examples[pair.right].text
            text = "\n".join(both)
            return Example(pair.id, text, (Span(0, len(text), pair.label),), pair.split, pair.group, both)

        return replace(self, examples=tuple(example(p) for p in self.pairs), pairs=())

    def to_frame(self) -> pl.DataFrame:
        """One row a unit: example, split, group, start, end, label, text; a pair has two texts and no characters."""
        if self.pairs:
            texts = {k: [self.examples[getattr(p, k)].text for p in self.pairs] for k in ("left", "right")}
            keys = ("id", "split", "group", "label")
            return pl.DataFrame({k: [getattr(p, k) for p in self.pairs] for k in keys} | texts)
        units = [(e, s) for e in self.examples for s in e.spans]
        return pl.DataFrame(
            {
                "example": [e.id for e, _ in units],
                "split": [e.split for e, _ in units],
                "group": [e.group for e, _ in units],
                "start": [s.start for _, s in units],
                "end": [s.end for _, s in units],
                "label": [s.label for _, s in units],
                "text": [e.text[s.start : s.end] for e, s in units],
            }
        )

    def _repr_html_(self) -> str:
        frame = pl.DataFrame([{"label": label, **counts} for label, counts in self.label_counts.items()])
        return f"<p>{self.source}</p>{frame._repr_html_()}"


@dataclass(frozen=True)
class Rows:
    """The units that are analysed, in columns.

    Attributes:
        labels: Class names; `label` indexes them. Of values the one name `VALUE`.
        example: Index into `Dataset.examples`, shape [rows].
        start: First character, shape [rows].
        end: Character behind the last, shape [rows].
        label: Class number, or value, shape [rows].
        pair: Index into `Dataset.pairs`, shape [rows]; `example` is its left one then. None where units are no pairs.
    """

    labels: tuple[str, ...]
    example: Int[np.ndarray, " rows"]
    start: Int[np.ndarray, " rows"]
    end: Int[np.ndarray, " rows"]
    label: Num[np.ndarray, " rows"]
    pair: Int[np.ndarray, " rows"] | None = None

    def __len__(self) -> int:
        return len(self.example)

    @property
    def sides(self) -> int:
        """Examples that a unit is made of: two for pairs."""
        return 1 if self.pair is None else 2

    def select(self, index: Int[np.ndarray, " some"]) -> "Rows":
        """The rows at `index`, in that order."""
        example, start, end, label = (c[index] for c in (self.example, self.start, self.end, self.label))
        return Rows(self.labels, example, start, end, label, None if self.pair is None else self.pair[index])

    @staticmethod
    def from_units(labels: Sequence[str], units: Sequence[tuple[int, int, int, int]]) -> "Rows":
        """Rows from (example, start, end, label number) tuples."""
        table = np.array(units, dtype=np.int64).reshape(-1, 4)
        return Rows(tuple(labels), table[:, 0], table[:, 1], table[:, 2], table[:, 3])
