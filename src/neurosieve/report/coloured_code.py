"""Values of neurons over a piece of code: a table for a terminal, coloured code for a notebook."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float
from markupsafe import Markup, escape

from neurosieve.printing import visible
from neurosieve.report.code import code_lines
from neurosieve.report.numbers import count
from neurosieve.report.theme import colour
from neurosieve.results.code_reading import CodeReading
from neurosieve.typing import NeuronId

_TOKENS, _NEURONS = 20, 5  # of a terminal
_DRAWN = 10  # neurons of a notebook: one copy of the code for each


def reading_text(reading: CodeReading) -> str:
    """The first tokens and neurons as a table."""
    shown = reading.neurons[:_NEURONS]
    heads = ["token", *map(str, shown)]
    rows = [
        [visible(repr(token)), *(f"{value:+.2f}" for value in values)]
        for token, values in zip(reading.tokens[:_TOKENS], reading.values[:_TOKENS, : len(shown)], strict=True)
    ]
    wide = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in [heads, *rows]]
    return "\n".join([_title(reading), *lines])


def _title(reading: CodeReading) -> str:
    tokens, neurons = len(reading.spans), len(reading.neurons)
    return f"{count(tokens)} tokens, {count(neurons)} neurons (to_frame() has all)"


def reading_html(reading: CodeReading) -> Markup:
    """The code once for each neuron; a token's colour is its value, from the neuron's lowest here to its highest."""
    drawn = zip(reading.neurons[:_DRAWN], reading.values.T, strict=False)
    codes = Markup("").join(_coloured(reading, neuron, values) for neuron, values in drawn)
    return Markup("<p><b>{}</b></p>").format(_title(reading)) + codes


def _coloured(reading: CodeReading, neuron: NeuronId, values: Float[np.ndarray, " tokens"]) -> Markup:
    head = Markup("<p>{}: blue is its lowest value here ({:+.2f}), orange its highest ({:+.2f})</p>")
    return head.format(str(neuron), values.min(), values.max()) + Markup("<pre>{}</pre>").format(
        Markup("").join(_pieces(reading, values))
    )


def _pieces(reading: CodeReading, values: Float[np.ndarray, " tokens"]) -> list[Markup]:
    """The code in order: tokens with a colour, and what is between them without."""
    value_at = np.full(len(reading.code), np.nan)
    token_at = np.full(len(reading.code), -1)
    for number, ((start, end), value) in enumerate(zip(reading.spans, values, strict=True)):
        value_at[start:end], token_at[start:end] = value, number
    cuts = [0, *(np.flatnonzero(np.diff(token_at)) + 1).tolist(), len(reading.code)]
    low, high = float(values.min()), float(values.max())
    return [_piece(reading.code[a:b], value_at[a], low, high) for a, b in pairwise(cuts)]


def _piece(text: str, value: float, low: float, high: float) -> Markup:
    if np.isnan(value):
        return code_lines(text)
    place = 2 * (value - low) / (high - low or 1.0) - 1  # −1 lowest, 1 highest
    strength = round(127 * abs(place))  # half at most: dark text stays readable
    style = f"background:{colour('series-2' if place > 0 else 'series-1')}{strength:02x}"
    return Markup("<span style='{}' title='{:+.3f}'>{}</span>").format(escape(style), value, code_lines(text))
