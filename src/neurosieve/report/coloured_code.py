"""Values of neurons over a piece of code: a table for a terminal, coloured code for a notebook."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

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


def reading_html(reading: CodeReading, paint: Callable[[float], Markup] | None = None) -> Markup:
    """The code once for each neuron; a token's colour is its value, from the neuron's lowest here to its highest.

    Args:
        reading: Of at most 10 neurons that are shown.
        paint: The attribute that colours a token, for a place from −1, the lowest, to 1; by default a style, and
            there is a title, as in notebooks.
    """
    drawn = zip(reading.neurons[:_DRAWN], reading.values.T, strict=False)
    codes = Markup("").join(_coloured(reading, neuron, values, paint or _style) for neuron, values in drawn)
    return codes if paint else Markup("<p><b>{}</b></p>").format(_title(reading)) + codes


def _coloured(
    reading: CodeReading, neuron: NeuronId, values: Float[np.ndarray, " tokens"], paint: Callable[[float], Markup]
) -> Markup:
    head = Markup("<p>{}: blue is its lowest value here ({:+.2f}), orange its highest ({:+.2f})</p>")
    return head.format(str(neuron), values.min(), values.max()) + Markup("<pre>{}</pre>").format(
        Markup("").join(_pieces(reading, values, paint))
    )


def _pieces(
    reading: CodeReading, values: Float[np.ndarray, " tokens"], paint: Callable[[float], Markup]
) -> list[Markup]:
    """The code in order: tokens with a colour, and what is between them without."""
    value_at = np.full(len(reading.code), np.nan)
    token_at = np.full(len(reading.code), -1)
    for number, ((start, end), value) in enumerate(zip(reading.spans, values, strict=True)):
        value_at[start:end], token_at[start:end] = value, number
    cuts = [0, *(np.flatnonzero(np.diff(token_at)) + 1).tolist(), len(reading.code)]
    low, wide = float(values.min()), float(values.max() - values.min()) or 1.0
    places = 2 * (value_at - low) / wide - 1
    return [_piece(reading.code[a:b], value_at[a], places[a], paint) for a, b in pairwise(cuts) if b > a]


def _piece(text: str, value: float, place: float, paint: Callable[[float], Markup]) -> Markup:
    if np.isnan(value):
        return code_lines(text)
    return Markup("<span {} title='{:+.3f}'>{}</span>").format(paint(place), value, code_lines(text))


def _style(place: float) -> Markup:
    strength = round(127 * abs(place))  # half at most: dark text stays readable
    style = f"background:{colour('series-2' if place > 0 else 'series-1')}{strength:02x}"
    return Markup("style='{}'").format(style)


_STEPS = 7


def heat_class(place: float) -> Markup:
    """The class of a colour, for pages whose style sheet has them: `low-1` … `low-7`, `high-1` … `high-7`."""
    return Markup("class='{}-{}'").format("high" if place > 0 else "low", max(1, round(_STEPS * abs(place))))
