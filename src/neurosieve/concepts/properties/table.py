"""The properties of the rows that are analysed, as numbers: one column a property, one row a unit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from neurosieve.concepts.properties.contract import NO, Property
from neurosieve.concepts.properties.parsed import Source, Spans, tokens
from neurosieve.concepts.properties.registry import PROPERTIES, find_property
from neurosieve.errors import ConfigError, DataError, unknown_name
from neurosieve.progress import track


class Target(NamedTuple):
    """A value of a property as a question that each row answers.

    Attributes:
        property_name: Of the property.
        value: One of its values.
        positive: The row has it, shape [rows].
        applies: The row has some value of the property, shape [rows]; the others are neither positive nor negative.
    """

    property_name: str
    value: str
    positive: Bool[np.ndarray, " rows"]
    applies: Bool[np.ndarray, " rows"]

    @property
    def name(self) -> str:
        """`property=value`."""
        return f"{self.property_name}={self.value}"


@dataclass(frozen=True)
class PropertyTable:
    """Values of properties on rows.

    Attributes:
        example: Index of each row's text, shape [rows].
        start: First character, shape [rows].
        end: Character after the last, shape [rows].
        codes: By property the number of each row's value, −1 where it does not apply, shape [rows].
        values: By property the values that occur: in the property's order, else most rows first.
        in_error: The row is in code that does not parse, shape [rows].
        sources: Texts read; those without a row are not.
        with_errors: Texts with code that does not parse; their rows are kept.
        framed: Texts that parse better with something around them.
        left_out: Properties without two values on these rows, and why.
        statement: First character of the innermost statement around each row, −1 outside of all, shape [rows]; empty
            where that was not read.
        numbers: By property of whole texts the number that its values are bins of, not a number where it does not
            apply, shape [rows]; only of properties that have one.
    """

    example: Int[np.ndarray, " rows"]
    start: Int[np.ndarray, " rows"]
    end: Int[np.ndarray, " rows"]
    codes: Mapping[str, Int[np.ndarray, " rows"]]
    values: Mapping[str, tuple[str, ...]]
    in_error: Bool[np.ndarray, " rows"]
    sources: int
    with_errors: int
    framed: int
    left_out: Mapping[str, str]
    statement: Int[np.ndarray, " known"] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    numbers: Mapping[str, Float[np.ndarray, " rows"]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.example)

    @property
    def rows_in_error(self) -> int:
        """Rows in code that does not parse."""
        return int(self.in_error.sum())

    def select(self, rows: Int[np.ndarray, " some"]) -> "PropertyTable":
        """Some of the rows, in that order; the notes on texts and properties stay that of all."""
        keys = ("example", "start", "end", "in_error", *(("statement",) if len(self.statement) else ()))
        columns = {key: getattr(self, key)[rows] for key in keys}
        codes, numbers = ({name: c[rows] for name, c in part.items()} for part in (self.codes, self.numbers))
        return replace(self, codes=codes, numbers=numbers, **columns)

    def target(self, name: str) -> Target:
        """The rows of one value, named `property=value`.

        Raises:
            ConfigError: No such property or value in this table (lists what there is).
            DataError: The property was left out (says why).
        """
        word = name.partition("=")[0]
        if word in self.left_out:
            raise DataError(
                f"property {word!r}",
                expected="at least two values on these rows",
                got=self.left_out[word],
                remedy="add data, or ask for another property",
            )
        property_name, value = parse_value(name, self.values)
        codes = self.codes[property_name]
        return Target(property_name, value, codes == self.values[property_name].index(value), codes >= 0)

    def binary(self, min_rows: int = 1) -> Iterator[Target]:
        """All values with at least `min_rows` rows, and as many rows of the property's other values.

        The value `no` is left out: it is all that `yes` is not.

        Raises:
            ConfigError: `min_rows` below 1.
        """
        if min_rows < 1:
            raise ConfigError("rows of a value", expected="at least 1", got=str(min_rows), remedy="ask for more")
        for name, codes in self.codes.items():
            counts = np.bincount(codes[codes >= 0], minlength=len(self.values[name]))
            for number, value in enumerate(self.values[name]):
                enough = min(counts[number], counts.sum() - counts[number]) >= min_rows
                if enough and value != NO:
                    yield Target(name, value, codes == number, codes >= 0)

    def counts(self) -> pl.DataFrame:
        """One row a value: property, value, rows with it, rows with another value of the property."""
        parts = []
        for name, codes in self.codes.items():
            rows = np.bincount(codes[codes >= 0], minlength=len(self.values[name]))
            columns = {"value": self.values[name], "rows": rows, "other": rows.sum() - rows}
            parts.append(pl.DataFrame({"property": [name] * len(rows)} | columns))
        schema = {"property": pl.String, "value": pl.String, "rows": pl.Int64, "other": pl.Int64}
        return pl.concat(parts) if parts else pl.DataFrame(schema=schema)

    def to_frame(self) -> pl.DataFrame:
        """One row a unit: example, start, end, in_error, and a column for each property, null where it does not apply.

        A property is named `property:start` where one of the first columns has its name.
        """
        columns: dict[str, object] = {k: getattr(self, k) for k in ("example", "start", "end", "in_error")}
        for name, codes in self.codes.items():
            words = pl.Series([*self.values[name], None], dtype=pl.Enum(self.values[name]))
            key = f"property:{name}" if name in columns else name
            columns[key] = words.gather(np.where(codes < 0, len(self.values[name]), codes))
        return pl.DataFrame(columns)

    def _repr_html_(self) -> str:
        title = f"{len(self)} rows of {self.sources} texts, {self.with_errors} of them with code that does not parse"
        return f"<p>{title}</p>{self.counts().head(40)._repr_html_()}"


def parse_value(name: str, values: Mapping[str, Sequence[str]] | None = None) -> tuple[str, str]:
    """Property and value of a name such as `lexical=number`.

    Args:
        name: The part before the first `=` is the property.
        values: Values by property; those that all registered properties declare by default, where a property that
            declares none takes any.

    Raises:
        ConfigError: No `=`, no such property, or no such value (lists what there is).
    """
    word, sign, value = name.partition("=")
    known = {p.name: p.values for p in PROPERTIES.values()} if values is None else values
    if not sign:
        example = next((f"{k}={v[0]}" for k, v in known.items() if v), "lexical=number")
        raise ConfigError("concept", expected="property=value", got=repr(name), remedy=f"write it as {example}")
    if word not in known:
        raise unknown_name("property", word, known)
    if value not in known[word] and (known[word] or values is not None or not value):
        raise unknown_name(f"value of {word}", value, known[word] or ("any word",))
    return word, value


def annotate(
    texts: Sequence[str],
    languages: str | Sequence[str],
    rows: Int[np.ndarray, "rows 3"] | None = None,
    properties: Iterable[str | Property] | None = None,
    *,
    ids: Sequence[str] = (),
) -> PropertyTable:
    """The properties of rows in code; each text is parsed once.

    Args:
        texts: Files, functions or fragments.
        languages: A name of `LANGUAGES` for all texts, or one for each.
        rows: Index of the text, first character, character after the last; by default all tokens of all texts, or
            whole texts where no token property is asked for.
        properties: Names, or properties themselves; by default all registered ones of tokens.
        ids: What `column_property` knows the texts by; their numbers by default.

    Raises:
        ConfigError: An unknown language or property, or two properties of one name.
        DataError: Languages or ids for another number of texts, a row outside of its text, a grammar that is not
            installed, or a property that breaks its contract.

    Cost: about 25 µs a token for all token properties on one core; memory 4 bytes a row and property.
    """
    asked = _chosen(properties)
    spoken = [languages] * len(texts) if isinstance(languages, str) else list(languages)
    names = list(ids) or [str(i) for i in range(len(texts))]
    for what, given in (("languages", spoken), ("ids", names)):
        if len(given) != len(texts):
            expected = f"one for each of {len(texts)} texts"
            raise DataError(what, expected=expected, got=str(len(given)), remedy="pass as many as texts")
    reading = _Reading(asked)
    wanted = list(enumerate(repeat(None, len(texts)))) if rows is None else _by_text(rows, texts)
    for i, numbers in track(wanted, "code properties"):
        spans = None if rows is None else [(a, b) for _, a, b in rows[numbers].tolist()]
        reading.add(i, Source(texts[i], spoken[i], names[i]), spans, numbers)
    return reading.table()


def _chosen(properties: Iterable[str | Property] | None) -> list[Property]:
    if properties is None:
        return [p for p in PROPERTIES.values() if p.scope == "token"]
    chosen = [find_property(p) if isinstance(p, str) else p for p in properties]
    for p in chosen:
        if [q.name for q in chosen].count(p.name) > 1:
            raise ConfigError("properties", expected="each name once", got=f"{p.name!r} twice", remedy="drop one")
    return chosen


def _by_text(
    rows: Int[np.ndarray, "rows 3"], texts: Sequence[str]
) -> list[tuple[int, Int[np.ndarray, " some"] | None]]:
    """Texts that have rows, and the numbers of those."""
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    example, start, end = rows.T
    known = (example >= 0) & (example < len(texts))
    size = sizes[np.where(known, example, 0)] if len(texts) else np.zeros(len(rows), dtype=np.int64)
    wrong = np.flatnonzero(~known | (start < 0) | (start > end) | (end > size))
    if len(wrong):
        i = int(wrong[0])
        inside = f"characters 0 to {size[i]} of text {example[i]}" if known[i] else f"one of {len(texts)} texts"
        got = f"text {example[i]}, {start[i]} to {end[i]}"
        raise DataError(f"row {i}", expected=inside, got=got, remedy="take rows and texts from one data set")
    order = np.argsort(example, kind="stable")
    numbers, first = np.unique(example[order], return_index=True)
    return [(int(n), part) for n, part in zip(numbers, np.split(order, first[1:]), strict=False)]


class _Reading:
    """Rows of text after text, and their values as numbers in the order of their first sight."""

    def __init__(self, properties: Sequence[Property]) -> None:
        self._properties = properties
        self._tokens = any(p.scope == "token" for p in properties)
        self._numbers: dict[str, dict[str | None, int]] = {p.name: {None: -1} for p in properties}
        self._codes: dict[str, list[np.ndarray]] = defaultdict(list)
        self._counted: dict[str, list[np.ndarray]] = defaultdict(list)
        self._places: list[np.ndarray] = []
        self._order: list[np.ndarray] = []
        self._sources = self._errors = self._framed = 0

    def add(self, example: int, source: Source, spans: Spans | None, order: np.ndarray | None) -> None:
        if spans is None:
            spans = tokens(source) if self._tokens else [(0, len(source.text))]
        self._sources += 1
        self._errors += source.parsed.errors > 0
        self._framed += source.parsed.framed
        units = [source.units[i] if i >= 0 else None for i in source.find(spans)]
        about = [(u.error, u.statement[0] if u.statement else -1) if u else (False, -1) for u in units]
        places = np.array([(example, *span, *a) for span, a in zip(spans, about, strict=True)], dtype=np.int64)
        self._places.append(places.reshape(-1, 5))
        if order is not None:
            self._order.append(order)
        for p in self._properties:
            numbers = self._numbers[p.name]
            codes = [numbers.setdefault(value, len(numbers) - 1) for value in p.of(source, spans)]
            self._codes[p.name].append(np.array(codes, dtype=np.int32))
            if p.number:
                counted = p.number(source)
                self._counted[p.name].append(np.full(len(spans), np.nan if counted is None else counted))

    def table(self) -> PropertyTable:
        places = np.concatenate([np.empty((0, 5), dtype=np.int64), *self._places])
        order = np.argsort(np.concatenate(self._order)) if self._order else np.arange(len(places))
        example, start, end, error, statement = places[order].T
        codes, values, left_out = {}, {}, {}
        for p in self._properties:
            found = np.concatenate([np.empty(0, dtype=np.int32), *self._codes[p.name]])[order]
            words, renumbered = self._sorted(p, found)
            if len(words) > 1:
                codes[p.name], values[p.name] = renumbered, words
            else:
                left_out[p.name] = f"one value only ({words[0]})" if words else "no row that it applies to"
        counts = (self._sources, self._errors, self._framed)
        error = error.astype(bool)
        numbers = {name: np.concatenate(parts)[order] for name, parts in self._counted.items()}
        return PropertyTable(example, start, end, codes, values, error, *counts, left_out, statement, numbers)

    def _sorted(self, p: Property, codes: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
        """Values in the property's order, else most rows first, and the codes in that numbering."""
        words = [word for word in self._numbers[p.name] if word is not None]
        counts = np.bincount(codes[codes >= 0], minlength=len(words))
        rank = {value: i for i, value in enumerate(p.values)}
        keys = [(rank.get(word, 0), 0 if rank else -counts[i], word) for i, word in enumerate(words)]
        order = sorted(range(len(words)), key=keys.__getitem__)
        new = np.full(len(words) + 1, -1, dtype=np.int32)  # the last one is for −1
        new[order] = np.arange(len(words))
        return tuple(words[i] for i in order), new[codes]
