"""Which units are analysed: classes to keep, rows a class and split, drawn by seed."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from neurosieve.data.dataset import VALUE, Dataset, Rows
from neurosieve.data.line_draw import Unit, are_lines, draw_by_line
from neurosieve.defaults import DEFAULT_ROWS as DEFAULT_ROWS
from neurosieve.errors import ConfigError, DataError
from neurosieve.typing import SPLITS, Draw, Split


@dataclass(frozen=True)
class Sample:
    """Chosen rows and what was passed over.

    Attributes:
        rows: The chosen units, by split, then example, then place.
        empty: Units without text (empty or white space only), in the chosen classes.
        short: (class, split) pairs with fewer units than asked for, and how many there were. All values are one class.
        left_out: Units in each split of the classes that were left out, as some split has none of theirs.
    """

    rows: Rows
    empty: int
    short: Mapping[tuple[str, Split], int]
    left_out: Mapping[str, Mapping[Split, int]] = field(default_factory=dict)

    def notes(self, wanted: Mapping[Split, int]) -> list[str]:
        """What was passed over, in words.

        Args:
            wanted: Rows a class that were asked for.
        """
        result = left_out_notes(self.left_out)
        for split in SPLITS:
            if few := {name: count for (name, of), count in self.short.items() if of == split}:
                result.append(f"{split}: fewer than the {wanted[split]:,} rows asked for of {_counts(few)}")
        return result


def sample_rows(
    dataset: Dataset,
    *,
    classes: Sequence[str] | None = None,
    per_class: Mapping[Split, int] | None = None,
    seed: int = 0,
    draw: Draw = "units",
) -> Sample:
    """Draw the same number of rows from each class (all where there are fewer), or of values so many rows in all.

    Rows of validation and test are drawn uniformly, each by itself.

    Args:
        dataset: The labelled code.
        classes: Labels to keep; by default all that have rows in each split, the others are left out.
        per_class: Rows a class for each split.
        seed: Same seed, same rows.
        draw: Train rows: each by itself (units), or from few lines (see `line_draw`). Whole examples, pairs and rows of
            files are always drawn each by itself.

    Raises:
        ConfigError: Fewer than one row asked for, or classes where labels are values.
        DataError: A split without rows, fewer than two classes that have rows in each, or one of `classes` that has
            none in some; values that are all the same.
    """
    limits = dict(DEFAULT_ROWS) | dict(per_class or {})
    for split, limit in limits.items():
        if limit < 1:
            raise ConfigError(f"rows a class in {split}", expected="at least 1", got=str(limit), remedy="check --rows")
    labels, left_out = usable_classes(dataset, classes)
    units, empty = _units(dataset, dict.fromkeys(dataset.label_counts, 0) if dataset.numeric else _numbers(labels))
    rng = random.Random(seed)
    drawn: dict[Split, list[Unit]] = {split: [] for split in SPLITS}
    short: dict[tuple[str, Split], int] = {}
    for split in SPLITS:
        for i, label in enumerate(labels):
            pool = units[split, i]
            if len(pool) < limits[split]:
                short[label, split] = len(pool)
            drawn[split] += rng.sample(pool, min(limits[split], len(pool)))
    if draw == "lines" and _of_lines(dataset):
        pools = [units["train", i] for i in range(len(labels))]
        drawn["train"] = draw_by_line(pools, lambda i: len(dataset.examples[i].text), limits["train"], seed)
    chosen = [unit for split in SPLITS for unit in drawn[split]]
    rows = _pair_rows(dataset, labels, chosen) if dataset.pairs else _example_rows(dataset, labels, chosen)
    return Sample(_with_values(dataset, rows) if dataset.numeric else rows, empty, short, left_out)


_NAMED = 4  # classes that a note on few rows names one by one


def _counts(few: Mapping[str, int]) -> str:
    """Classes with their rows; of many classes the ends alone."""
    by_count = [f"{name} ({count:,})" for name, count in sorted(few.items(), key=lambda item: item[1])]
    if len(by_count) <= _NAMED:
        return ", ".join(by_count)
    return f"{len(by_count)} classes, from {by_count[0]} to {by_count[-1]}"


def left_out_notes(left_out: Mapping[str, Mapping[Split, int]]) -> list[str]:
    """The note on classes that were left out, if there are any."""
    if not left_out:
        return []
    what = "class" if len(left_out) == 1 else f"{len(left_out)} classes"
    places = "; ".join(f"{name}: {_where(counts)}" for name, counts in left_out.items())
    return [f"{what} left out: {places}"]


def usable_classes(
    dataset: Dataset, classes: Sequence[str] | None = None
) -> tuple[list[str], dict[str, dict[Split, int]]]:
    """Names of the classes that are kept, and the units of those that are not; values all fall into one class.

    Raises:
        ConfigError, DataError: As `sample_rows`.
    """
    if dataset.numeric:
        _check_values(dataset, classes)
        return [VALUE], {}
    units = _solid_units(dataset)
    for split in SPLITS:
        if not any(counts[split] for counts in units.values()):
            raise _empty_split(dataset, split)
    if classes is not None:
        return _named(dataset, sorted(set(classes)), units), {}
    kept = sorted(label for label, counts in units.items() if all(counts.values()))
    left_out = {label: counts for label, counts in units.items() if not all(counts.values())}
    if len(kept) < 2:
        listed = [f"{label}: {_where(counts)}" for label, counts in list(left_out.items())[:4]]
        raise DataError(
            "classes",
            expected="at least two with rows in each split",
            got=" ".join([_alone(kept), *([f"({'; '.join(listed)})"] if listed else [])]),
            remedy="add rows of another class, or mend its labels",
        )
    return kept, left_out


def _numbers(labels: Sequence[str]) -> dict[str, int]:
    return {label: i for i, label in enumerate(labels)}


def _alone(labels: Sequence[str]) -> str:
    return f"{labels[0]} alone" if labels else "none"


def _where(counts: Mapping[Split, int]) -> str:
    """In which splits a class has units, and in which it has none."""
    lacking = " and ".join(split for split, n in counts.items() if not n)
    there = ", ".join(f"{n:,} in {split}" for split, n in counts.items() if n)
    return f"no rows in {lacking}" + (f" ({there})" if there else "")


def _of_lines(dataset: Dataset) -> bool:
    """Whether its units are parts of texts which are lines."""
    return not (dataset.whole or dataset.pairs) and are_lines(len(e.text) for e in dataset.examples)


def _with_values(dataset: Dataset, rows: Rows) -> Rows:
    """The rows with their values as labels."""
    if rows.pair is None:
        texts = [dataset.examples[i].spans[0].label for i in rows.example]
    else:
        texts = [dataset.pairs[i].label for i in rows.pair]
    return replace(rows, label=np.array(texts, dtype=np.float64))


def _example_rows(dataset: Dataset, labels: Sequence[str], chosen: Sequence[Unit]) -> Rows:
    """Rows of units in examples, by split, then place."""
    rank = {split: i for i, split in enumerate(SPLITS)}
    return Rows.from_units(labels, sorted(chosen, key=lambda u: (rank[dataset.examples[u[0]].split], u)))


def _pair_rows(dataset: Dataset, labels: Sequence[str], chosen: Sequence[Unit]) -> Rows:
    """Rows of pairs, by split, then place."""
    rank = {split: i for i, split in enumerate(SPLITS)}
    order = sorted(chosen, key=lambda u: (rank[dataset.pairs[u[0]].split], u[0]))
    left = [(dataset.pairs[pair].left, start, end, label) for pair, start, end, label in order]
    return replace(Rows.from_units(labels, left), pair=np.array([u[0] for u in order], dtype=np.int64))


def _units(dataset: Dataset, number: Mapping[str, int]) -> tuple[dict[tuple[Split, int], list[Unit]], int]:
    """(example or pair, start, end, class number) by split and class number; texts of pairs are never empty."""
    units: dict[tuple[Split, int], list[Unit]] = defaultdict(list)
    empty = 0
    for index, p in enumerate(dataset.pairs):
        if p.label in number:
            units[p.split, number[p.label]].append((index, 0, len(dataset.examples[p.left].text), number[p.label]))
    for index, e in enumerate(dataset.examples):
        for start, end, label in e.spans:
            if label not in number:
                continue
            if e.text[start:end].strip():
                units[e.split, number[label]].append((index, start, end, number[label]))
            else:
                empty += 1
    return units, empty


def _solid_units(dataset: Dataset) -> dict[str, dict[Split, int]]:
    """Units that are not blank, by label and split, most frequent label first."""
    counts = {label: dict.fromkeys(SPLITS, 0) for label in dataset.label_counts}
    for p in dataset.pairs:
        counts[p.label][p.split] += 1
    for e in dataset.examples:
        for start, end, label in e.spans:
            counts[label][e.split] += bool(e.text[start:end].strip())
    return counts


def _empty_split(dataset: Dataset, split: Split) -> DataError:
    """No unit is left in a split; the notes say where they went."""
    lost = "; ".join(f"{count:,} {what}" for what, count in dataset.notes.items() if what.startswith(split))
    return DataError(
        f"{split} split",
        expected="at least one row",
        got="none" + (f": {lost}" if lost else ""),
        remedy="add data, or continue with --keep-overlap" if lost else "add data",
    )


def _named(dataset: Dataset, labels: list[str], units: Mapping[str, Mapping[Split, int]]) -> list[str]:
    """The classes that the user named, where all of them can be used."""
    if len(labels) < 2:
        raise DataError("classes", expected="at least two", got=_alone(labels), remedy="name more with --classes")
    for label in labels:
        counts = units.get(label)
        if counts is None:
            known = ", ".join(list(dataset.label_counts)[:12])
            raise DataError(
                f"class {label!r}", expected=f"a label of the data ({known} …)", got="no unit", remedy="check --classes"
            )
        for split in SPLITS:
            if not counts[split]:
                raise _no_rows(dataset, label, split)
    return labels


def _check_values(dataset: Dataset, classes: Sequence[str] | None) -> None:
    if classes is not None:
        remedy = "leave --classes out, or pass --target classes"
        raise ConfigError("option classes", expected="none where labels are values", got="some", remedy=remedy)
    for split in SPLITS:
        different = np.unique(dataset.values(split))
        if len(different) < 2:
            raise DataError(
                f"values in the {split} split",
                expected="at least two different ones",
                got=f"{different[0]:g} alone" if len(different) else "none",
                remedy="check --label-column, or add data",
            )


def _no_rows(dataset: Dataset, label: str, split: Split) -> DataError:
    """The place where the label does occur is named too: it may be a mistake."""
    count = sum(dataset.label_counts[label].values())
    names = [p.id for p in dataset.pairs if p.label == label]
    names += [e.id for e in dataset.examples if any(span.label == label for span in e.spans)]
    return DataError(
        f"class {label!r} in the {split} split",
        expected="at least one row",
        got=f"none of {count:,} in all, the first of which is in {names[0]}",
        remedy="mend the label, add data, or leave the class out with --classes",
    )


def groups_of(dataset: Dataset, rows: Rows) -> np.ndarray:
    """The group name of each row, shape [rows]."""
    return np.array([dataset.examples[i].group for i in rows.example])
