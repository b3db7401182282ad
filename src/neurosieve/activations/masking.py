"""Units read where the model cannot see them: under a mask in an encoder, one token before in a decoder.

The state that is read is the one the model predicts the unit's first subword from. Of an encoder's units a part is
masked at once, as in its training; the units of a window are dealt to such parts by seed, one input a part.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from neurosieve.activations.windows import ReadingPlan, Window
from neurosieve.defaults import MASKED_PARTS
from neurosieve.errors import ConfigError, ModelError
from neurosieve.models import CodeModel
from neurosieve.typing import Split


def hide_units(
    plan: ReadingPlan, model: CodeModel, *, parts: int = MASKED_PARTS, rounds: int = 3, seed: int = 0
) -> ReadingPlan:
    """The same units, each read where the model predicts it; `Window.targets` holds the true first subwords.

    Args:
        plan: Units of single texts, read at all of their subwords (pooling `mean`).
        model: Its kind decides how a unit is hidden.
        parts: An encoder's units are dealt to so many parts.
        rounds: How many of the parts are read, each an input of its own; units of the others are left out.
        seed: Of the dealing.

    A decoder's unit at the very beginning, with no token before it, is counted as skipped, and so are an encoder's
    units of parts that are not read.

    Raises:
        ConfigError: `rounds` above `parts`, or below 1.
        ModelError: An encoder whose tokenizer has no mask token.
    """
    if not 1 <= rounds <= parts:
        raise ConfigError("rounds of masking", expected=f"1 to {parts}", got=str(rounds), remedy="choose fewer")
    hidden: dict[Split, tuple[Window, ...]] = {}
    for split, windows in plan.windows.items():
        if model.adapter.kind == "decoder":
            hidden[split] = tuple(w for window in windows for w in _before(window))
        else:
            mask = _mask(model)
            hidden[split] = tuple(w for window in windows for w in _masked(window, mask, parts, rounds, seed))
    before, after = (sum(len(w.rows) for part in p.values() for w in part) for p in (plan.windows, hidden))
    counts = replace(plan.counts, kept=after, skipped=plan.counts.skipped + before - after)
    return replace(plan, windows=hidden, counts=counts)


def _mask(model: CodeModel) -> int:
    mask = model.tokenizer.mask_token_id
    if not isinstance(mask, int):
        raise ModelError(
            f"tokenizer of {model.name}",
            expected="a mask token, since an encoder predicts what is masked",
            got="none",
            remedy="read the view detect alone, or choose a masked language model",
        )
    return mask


def _before(window: Window) -> Iterator[Window]:
    """A decoder predicts a unit where it has read the token before."""
    seen = [(row, t[0]) for row, t in zip(window.rows, window.tokens, strict=True) if t[0] > 0]
    if seen:
        rows = tuple(row for row, _ in seen)
        places, targets = tuple((t - 1,) for _, t in seen), tuple(window.ids[t] for _, t in seen)
        yield replace(window, rows=rows, tokens=places, targets=targets)


def _masked(window: Window, mask: int, parts: int, rounds: int, seed: int) -> Iterator[Window]:
    """One input for each part that has units: all subwords of these masked, each read at its first."""
    order = list(range(len(window.rows)))
    random.Random(f"{seed} {window.example} {window.number}").shuffle(order)
    for part in range(rounds):
        chosen = sorted(order[part::parts])
        if chosen:
            yield _with_masks(window, chosen, mask)


def _with_masks(window: Window, chosen: Sequence[int], mask: int) -> Window:
    ids = list(window.ids)
    for unit in chosen:
        for place in window.tokens[unit]:
            ids[place] = mask
    first = [window.tokens[unit][0] for unit in chosen]
    return replace(
        window,
        ids=tuple(ids),
        rows=tuple(window.rows[unit] for unit in chosen),
        tokens=tuple((place,) for place in first),
        targets=tuple(window.ids[place] for place in first),
    )
