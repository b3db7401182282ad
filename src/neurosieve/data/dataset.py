"""Labelled code: examples with character spans, and the rows chosen from them.

A `Dataset` holds the code as it is; a `Rows` table names the units that are analysed. Both are frozen.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Num

from neurosieve.errors import DataError
from neurosieve.storage.folder import Folder
from neurosieve.typing import SPLITS, PathLike, Split

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

    @staticmethod
    def from_lists(splits: Mapping[str, tuple[Sequence[Any], Sequence[Any]]]) -> "Dataset":
        """A data set from lists in memory, for each split its texts and their labels.

        Tokens of a line are joined by single spaces. `save` writes it to a folder, which `run` takes.

        Examples:
            >>> from neurosieve.data import Dataset
            >>> tokens, tags = [["x", "=", "1"]], [["NAME", "SIGN", "NUM"]]
            >>> tagged = Dataset.from_lists({"train": (tokens, tags), "test": ([["y"]], [["NAME"]])})
            >>> tagged.split("train")[0].text, tagged.split("train")[0].spans[2]
            ('x = 1', Span(start=4, end=5, label='NUM'))
            >>> whole = Dataset.from_lists({"train": (["x = 1", "x += y"], ["plain", "augmented"])})
            >>> whole.label_counts["plain"]["train"]
            1

        Args:
            splits: `train`, `validation` (or `valid`, `val`, `dev`) and `test`. A text is a list of tokens with a list
                of labels, or one text with one label; labels are names of classes, or floats to predict.

        Raises:
            DataError: Another name of a split; texts and labels, or tokens and labels, that are not as many.
        """
        examples = [e for name, (texts, labels) in splits.items() for e in _listed(_split_name(name), texts, labels)]
        whole = all(not isinstance(texts, str) and _is_text(t) for texts, _ in splits.values() for t in texts)
        numeric = whole and any(isinstance(v, float) for _, labels in splits.values() for v in labels)
        return Dataset(tuple(examples), "lists in memory", whole=whole, numeric=numeric)

    @staticmethod
    def from_hf(splits: Mapping[str, Any], *, text: str, label: str) -> "Dataset":
        """A data set from a `DatasetDict` of Hugging Face's datasets in memory; class numbers become their names.

        Args:
            splits: As in `from_lists`; each has the two columns.
            text: Column of the texts, or of lists of tokens.
            label: Column of the labels, or of lists of labels.

        Raises:
            DataError: As `from_lists`; a split without such a column.
        """
        lists = {}
        for name, rows in splits.items():
            known = list(getattr(rows, "column_names", ()) or ())
            if known and not {text, label} <= set(known):
                came = ", ".join(known)
                remedy = "name columns that it has"
                raise DataError(f"split {name}", expected=f"columns {text} and {label}", got=came, remedy=remedy)
            names = _class_names(rows, label)
            lists[name] = list(rows[text]), [_named(value, names) for value in rows[label]]
        return Dataset.from_lists(lists)

    def save(self, folder: PathLike) -> Path:
        """Write the data set as JSON lines, a file a split, which a study reads; returns the folder.

        Whole texts have the columns `text` and `label` (`task="sequence-classification"`), pairs `code1`, `code2` and
        `label` (`task="clone-detection"`).

        Raises:
            ResourceError: It cannot be written.
        """
        for split in SPLITS:
            rows = [self._row(e) for e in self.split(split)] if not self.pairs else self._pair_rows(split)
            if rows:
                lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                Folder(folder).write(f"{split}.jsonl", lines.encode("utf-8", "surrogatepass"))
        return Path(folder)

    def _row(self, example: Example) -> dict[str, Any]:
        if not self.whole:
            return {"code": example.text, "spans": [list(span) for span in example.spans], "group": example.group}
        return {"text": example.text, "label": self._value(example.spans[0].label), "group": example.group}

    def _pair_rows(self, split: Split) -> list[dict[str, Any]]:
        text = [e.text for e in self.examples]
        own = [p for p in self.pairs if p.split == split]
        rows = ({"code1": text[p.left], "code2": text[p.right], "label": self._value(p.label)} for p in own)
        return [row | {"group": p.group} for row, p in zip(rows, own, strict=True)]

    def _value(self, label: str) -> str | float:
        return float(label) if self.numeric else label

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


def _split_name(name: str) -> Split:
    known: dict[str, Split] = {split: split for split in SPLITS}
    known |= dict.fromkeys(("valid", "val", "dev"), "validation")
    if name not in known:
        remedy = "name the splits so"
        raise DataError(f"split {name!r}", expected="train, validation or test", got=repr(name), remedy=remedy)
    return known[name]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _listed(split: Split, texts: Sequence[Any], labels: Sequence[Any]) -> Iterator[Example]:
    _as_many(f"{split} labels", len(texts), len(labels), "texts")
    for number, (text, label) in enumerate(zip(texts, labels, strict=True), start=1):
        where = f"{split}:{number}"
        spans: tuple[Span, ...] = (Span(0, len(text), str(label)),)
        if not _is_text(text):
            _as_many(f"labels of {where}", len(text), len(label), "tokens")
            text, spans = " ".join(text), _token_spans(text, label)
        group = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]  # as of lines in files
        yield Example(where, text, spans, split, group)


def _as_many(subject: str, expected: int, got: int, of: str) -> None:
    if expected != got:
        remedy = "give a label for each"
        raise DataError(subject, expected=f"{expected}, as there are {of}", got=str(got), remedy=remedy)


def _token_spans(tokens: Sequence[str], labels: Sequence[Any]) -> tuple[Span, ...]:
    spans, start = [], 0
    for token, label in zip(tokens, labels, strict=True):
        spans.append(Span(start, start + len(token), str(label)))
        start += len(token) + 1
    return tuple(spans)


def _class_names(rows: Any, label: str) -> Sequence[str] | None:
    """The names of class numbers: of a label, or of each of a list."""
    feature = (getattr(rows, "features", None) or {}).get(label)
    return getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)


def _named(value: Any, names: Sequence[str] | None) -> Any:
    if isinstance(value, list | tuple):
        return [_named(one, names) for one in value]
    return names[value] if names is not None and isinstance(value, int) else value


@dataclass(frozen=True)
class Rows:
    """The units that are analysed, in columns.

    Attributes:
        labels: Class names; `label` indexes them. Of values the one name `VALUE`.
        example: Index into `Dataset.examples`, shape [rows].
        start: First character, shape [rows].
        end: Character after the last, shape [rows].
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
