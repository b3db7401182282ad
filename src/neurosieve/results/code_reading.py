"""Values of some neurons over a piece of code."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from neurosieve.results.neuron_set import NeuronSet


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CodeReading:
    """The values of chosen neurons at each token of a piece of code.

    Attributes:
        code: What was read.
        spans: First character of each token and the one behind its last; equal for a token without characters.
        neurons: Whose values these are.
        values: As the model computes them, shape [tokens, neurons].
    """

    code: str
    spans: tuple[tuple[int, int], ...]
    neurons: NeuronSet
    values: Float[np.ndarray, "tokens neurons"]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The text of each token."""
        return tuple(self.code[start:end] for start, end in self.spans)

    def to_frame(self) -> pl.DataFrame:
        """One row a token: its text, its first character and the one behind its last, a column for each neuron."""
        start, end = zip(*self.spans, strict=True)
        columns = {str(neuron): self.values[:, i] for i, neuron in enumerate(self.neurons)}
        return pl.DataFrame({"token": self.tokens, "start": start, "end": end} | columns)

    def __repr__(self) -> str:
        return f"CodeReading({len(self.spans)} tokens, {len(self.neurons)} neurons)"

    def __str__(self) -> str:
        from neurosieve.report.coloured_code import reading_text  # what writes sentences is loaded where it writes

        return reading_text(self)

    def _repr_html_(self) -> str:
        from neurosieve.report.coloured_code import reading_html

        return reading_html(self)
