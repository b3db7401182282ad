"""A cascade: a cheap model labels every unit, and a dearer one those that the first is unsure of.

How sure a model is of a unit is the distance of its two best logits. The dearer model reads the windows that hold such
units, from their tokens on: what the first has computed is not used again, as a table has nothing to go on from.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from neurosieve.compact.compact_spec import COMPACT
from neurosieve.compact.unit_reader import CodeText

FIRST = "first"  # the folder of the cheap model inside the other's
FIRST_RECORD = f"{FIRST}/{COMPACT}"


def margins(logits: Float[np.ndarray, "units classes"]) -> Float[np.ndarray, " units"]:
    """Distance of the two best; infinite where there is one class alone, nan for a unit without tokens."""
    if logits.shape[1] < 2:
        return np.full(len(logits), np.inf)
    best: np.ndarray = np.sort(logits, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0])


def asked_again(texts: Sequence[CodeText], unsure: Bool[np.ndarray, " units"]) -> list[CodeText]:
    """The texts with those of their units alone; a text without any is left out."""
    found, unit = [], 0
    for text in texts:
        own = unsure[unit : unit + text.units]
        unit += text.units
        if text.spans is not None and own.any():
            spans = tuple(span for span, again in zip(text.spans, own, strict=True) if again)
            found.append(CodeText(text.text, spans))
        elif text.spans is None and own.all():
            found.append(text)
    return found
