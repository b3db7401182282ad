"""The contract of a property: a name, what it is of, and a function from a text's spans to values.

A token property gives one value a span, an example property one a text; None where it does not apply. Values are
words; numbers are put into fixed bins, so that a value means the same in every text.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from neurosieve.concepts.properties.parsed import Source, Spans
from neurosieve.errors import ConfigError, DataError

Scope = Literal["token", "example"]
Values = Sequence[str | None]
YES_NO = YES, NO = "yes", "no"  # `no` is the other half of `yes`, and nothing of its own


@dataclass(frozen=True)
class Property:
    """What can be said of a token or of a whole text, by one of several words.

    Attributes:
        name: Without `=`, which parts it from a value: `lexical=number`.
        scope: `token` or `example`.
        description: One line.
        read: From a source and spans in characters (start, after the end) to a value for each span, or for scope
            `example` to the one value of the source. A built-in property gives a span that holds several words the
            value of the first.
        values: All values in their order, where they are known; empty where the grammar or the user decides.
        united: Names of the properties whose values this one takes together, if it is a union.
        number: Of a source the number that `read` puts into a bin, for scope `example`; None where it does not apply.

    Raises:
        ConfigError: A name that is empty, or holds `=` or white space.
    """

    name: str
    scope: Scope
    description: str
    read: Callable[[Source, Spans], Values | str | None]
    values: tuple[str, ...] = ()
    united: tuple[str, ...] = ()
    number: Callable[[Source], float | None] | None = None

    def __post_init__(self) -> None:
        if not self.name or "=" in self.name or self.name.split() != [self.name]:
            expected, remedy = "a name without = and white space", "give it another name"
            raise ConfigError("property", expected=expected, got=repr(self.name), remedy=remedy)

    def of(self, source: Source, spans: Spans) -> Values:
        """A value for each span; an example property repeats the source's.

        Raises:
            DataError: `read` gave another number of values, something that is no text, or one that is not in `values`.
        """
        found = self.read(source, spans)
        single = found is None or isinstance(found, str)
        if single != (self.scope == "example") or (not single and len(found or ()) != len(spans)):
            expected = f"{len(spans)} values" if self.scope == "token" else "one value"
            got = repr(found)[:40] if single else f"{len(found or ())} values"
            raise self._wrong(source, expected, got)
        values: Values = [found] * len(spans) if found is None or isinstance(found, str) else found
        known = set(self.values)
        for value in set(values):
            if value is not None and (not isinstance(value, str) or (known and value not in known)):
                raise self._wrong(source, f"one of {', '.join(self.values)}" if known else "text or None", repr(value))
        return values

    def _wrong(self, source: Source, expected: str, got: str) -> DataError:
        subject = f"property {self.name!r}" + (f" of {source.id}" if source.id else "")
        return DataError(subject, expected=expected, got=got, remedy="change its function")


@dataclass(frozen=True)
class Bins:
    """Whole numbers in bins.

    Attributes:
        edges: Least number of each bin, rising; the last bin has no end.
        unit: What follows the numbers in a bin's name, for example `%`.
    """

    edges: tuple[int, ...]
    unit: str = ""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the bins in order: `0`, `1`, `2-4`, `5+`."""
        ends = [f"{a}" if b == a + 1 else f"{a}-{b - 1}" for a, b in zip(self.edges, self.edges[1:], strict=False)]
        return tuple(f"{name}{self.unit}" for name in (*ends, f"{self.edges[-1]}+"))

    def of(self, number: int | float) -> str:
        """The name of a number's bin; what is below the first one counts to it."""
        return self.names[max(bisect_right(self.edges, number) - 1, 0)]


def column_property(
    name: str,
    values: Mapping[str, str | int | float | None],
    *,
    description: str = "",
    bins: Bins | None = None,
) -> Property:
    """An example property from the user's own data, for example a column of a table.

    Args:
        name: Of the property.
        values: By the example's id (`Source.id`); examples without a value, or with None, have none.
        description: One line.
        bins: For numbers; without them each number is a value.

    Raises:
        ConfigError: Bins for something that is no number, or a bad name.
    """
    for key, value in values.items():
        if bins and isinstance(value, str):
            raise ConfigError(
                f"property {name!r} of {key}", expected="a number", got=repr(value), remedy="leave bins out"
            )

    def word(value: str | int | float | None) -> str | None:
        return value if value is None or isinstance(value, str) else bins.of(value) if bins else str(value)

    words = {key: word(value) for key, value in values.items()}
    numbers = {key: float(value) for key, value in values.items() if bins and not isinstance(value, str | None)}
    order = bins.names if bins else tuple(dict.fromkeys(w for w in words.values() if w is not None))
    about = description or f"the column {name}"
    number = (lambda s: numbers.get(s.id)) if bins else None
    return Property(name, "example", about, lambda s, _: words.get(s.id), order, number=number)


def binned_property(name: str, description: str, number: Callable[[Source], float | None], bins: Bins) -> Property:
    """An example property whose values are bins of a number; None where it does not apply."""

    def read(source: Source, _: Spans) -> str | None:
        counted = number(source)
        return None if counted is None else bins.of(counted)

    return Property(name, "example", description, read, bins.names, number=number)
