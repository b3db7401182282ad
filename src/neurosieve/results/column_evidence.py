"""What one neuron does on held-out rows, read from its own column: tokens in code, values by label, like neurons."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from neurosieve.results.concept_evidence import Alike, Densities, Token
from neurosieve.typing import NeuronId


@dataclass(frozen=True, kw_only=True)
class SeenToken:
    """A token in its code.

    Attributes:
        row: Its number among the held-out rows.
        token: With its code.
    """

    row: int
    token: Token


@dataclass(frozen=True, kw_only=True)
class ColumnEvidence:
    """What there is to see of one neuron.

    Attributes:
        neuron: Its id.
        rows: Held-out rows that it was read on.
        mean: Of its values on train rows.
        sd: Their standard deviation.
        dead: It never varies over train rows.
        tokens: By how they were chosen; `highest` and `lowest`, one a text, `typical`, and some by quantile.
        label: `property=value` that the values are drawn by; None where rows have no labels.
        densities: Values by that label.
        alike: The neurons with the largest |r| on a sample of train rows.
        alike_in: Where those were sought: `all layers` or `its layer`.
        note: Why there is no code, where there is none; else empty.
    """

    neuron: NeuronId
    rows: int
    mean: float
    sd: float
    dead: bool
    tokens: Mapping[str, tuple[SeenToken, ...]]
    label: str | None
    densities: Densities
    alike: tuple[Alike, ...]
    alike_in: str
    note: str

    def to_frame(self) -> pl.DataFrame:
        """One row a token: how it was chosen, value, token, label, example, line."""
        rows = [
            (kind, t.token.value, t.token.token, t.token.label, t.token.context.example, t.token.context.line)
            for kind, tokens in self.tokens.items()
            for t in tokens
        ]
        return pl.DataFrame(rows, schema=["kind", "value", "token", "label", "example", "line"], orient="row")
