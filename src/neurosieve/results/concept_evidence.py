"""Examples of a neuron and a value: tokens in their code, values by label, similar neurons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import polars as pl

from neurosieve.results.marks import Inline, Omitted
from neurosieve.typing import NeuronId


@dataclass(frozen=True, kw_only=True)
class Context:
    """A token in its code.

    Attributes:
        example: Id of its text.
        line: Its line there, from 1.
        text: The function around it, or the lines around it.
        start: Its first character in `text`.
        end: The character after its last.
    """

    example: str
    line: int
    text: str
    start: int
    end: int

    @property
    def token(self) -> str:
        """Its characters; those of a very long token end with the context."""
        return self.text[self.start : self.end]


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token with a neuron's value.

    Attributes:
        value: In standard deviations from the train mean.
        label: Its value of the property; None if that does not apply.
        token: Its characters.
        context: Its code.
    """

    value: float
    label: str | None
    token: str
    context: Annotated[Context, Inline()]


@dataclass(frozen=True, kw_only=True)
class Densities:
    """The distribution of a neuron's values on test, by label: share of rows for each standard deviation.

    The first and the last bin also hold what is beyond them: a thousandth of all rows on either side.

    Attributes:
        rows: With the value (`with`), `without` it, and of each class.
        edges: In standard deviations from the train mean; one more than bins.
        with_value: Of rows with the value, a number a bin; zero everywhere without a row.
        without: Of all other rows.
        classes: Of each lexical class with at least 30 rows.
    """

    rows: Mapping[str, int]
    edges: tuple[float, ...]
    with_value: tuple[float, ...]
    without: tuple[float, ...]
    classes: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Alike:
    """A neuron that does much the same.

    Attributes:
        neuron: Its id.
        r: Pearson's, on train rows.
    """

    neuron: NeuronId
    r: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What there is to see of a neuron and a value.

    Attributes:
        description: One sentence on the neuron; None in files of earlier versions.
        neuron: Its id.
        name: `property=value`.
        low: It is low where the value is.
        top: Test tokens with the most extreme values in its direction, at most two with the same text.
        typical: Those nearest to the median of the rows with the value.
        other: Those nearest to the median of all others.
        densities: Values by label.
        alike: The neurons with the largest |r|.
    """

    description: Annotated[str | None, Omitted] = None
    neuron: NeuronId
    name: str
    low: bool
    top: tuple[Token, ...]
    typical: tuple[Token, ...]
    other: tuple[Token, ...]
    densities: Densities
    alike: tuple[Alike, ...]

    @property
    def tokens(self) -> Mapping[str, tuple[Token, ...]]:
        """By their kind: `top`, `typical` or `other`."""
        return {"top": self.top, "typical": self.typical, "other": self.other}

    def to_frame(self) -> pl.DataFrame:
        """One row a token: kind, value, token, label, example, line."""
        rows = [
            (kind, t.value, t.token, t.label, t.context.example, t.context.line)
            for kind, tokens in self.tokens.items()
            for t in tokens
        ]
        return pl.DataFrame(rows, schema=["kind", "value", "token", "label", "example", "line"], orient="row")

    def _repr_html_(self) -> str:
        return f"<p>Neuron {self.neuron} and {self.name}</p>{self.to_frame()._repr_html_()}"
