"""Predictions before and after an edit, in their code: a few units for a reader to look at."""

import contextlib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool

from neurosieve.activations.windows import Window, pad
from neurosieve.concepts.rows import ConceptStore
from neurosieve.interventions.edits import Edit
from neurosieve.interventions.live_model import live
from neurosieve.interventions.predictions import Predictions
from neurosieve.models.language import LanguageModel
from neurosieve.results.interventions import Guess, ShownPrediction

SHOWN = 5  # units of either kind
TOP = 3  # tokens of a prediction
_AROUND = 60  # characters on either side


def prediction_examples(
    model: LanguageModel,
    store: ConceptStore,
    windows: Sequence[Window],
    base: Predictions,
    edited: Predictions,
    here: Bool[np.ndarray, " units"],
    edits: Sequence[Edit],
    *,
    only_predicted: bool,
) -> tuple[ShownPrediction, ...]:
    """The units whose true token lost most probability, of those that have the value and of the others.

    Only such that the model as it is got right are shown.
    """
    home = {row: w for w in windows for row in w.rows}
    examples = []
    for has in (True, False):
        pool = np.flatnonzero(base.exact & (here == has))
        lost = (edited.loss - base.loss)[pool]
        for unit in pool[np.argsort(-lost, kind="stable")[:SHOWN]].tolist():
            row = int(base.row[unit])
            before = _top(model, home[row], row, (), only_predicted=only_predicted)
            after = _top(model, home[row], row, edits, only_predicted=only_predicted)
            examples.append(_shown(store, row, has_value=has, base=before, edited=after))
    return tuple(examples)


def _top(
    model: LanguageModel, window: Window, row: int, edits: Sequence[Edit], *, only_predicted: bool
) -> tuple[Guess, ...]:
    """The likeliest tokens with their probabilities."""
    ids, mask, _, (offset,) = pad([window], model.pad_id, model.padding_side)
    where = mask.bool()
    if only_predicted:
        where = torch.zeros_like(where)
        where[0, [t[0] + offset for t in window.tokens]] = True
    place = window.tokens[window.rows.index(row)][0] + offset
    with live(model, edits, where) if edits else contextlib.nullcontext():
        shares = model.predict(ids, mask, torch.tensor([[0, place]])).softmax(1)[0]
    best = shares.topk(TOP)
    tokens = [str(model.tokenizer.decode([int(i)])) for i in best.indices]
    return tuple(Guess(token, float(p)) for token, p in zip(tokens, best.values.tolist(), strict=True))


def _shown(
    store: ConceptStore, row: int, *, has_value: bool, base: tuple[Guess, ...], edited: tuple[Guess, ...]
) -> ShownPrediction:
    """The unit in its code."""
    table = store.table
    example = store.rows.dataset.examples[int(table.example[row])]
    start, end = int(table.start[row]), int(table.end[row])
    return ShownPrediction(
        example=example.id,
        line=example.text.count("\n", 0, start) + 1,
        before_text=example.text[max(0, start - _AROUND) : start],
        token=example.text[start:end],
        after_text=example.text[end : end + _AROUND],
        has_value=has_value,
        base=base,
        edited=edited,
    )
