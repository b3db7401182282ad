"""What a language model predicts for hidden units: the token, whether it is the true one, and what kind it is.

The kind of a predicted token is a table's: the share of train rows that begin with this token and have the property's
value. A token counts as having the value where that share is at least one half; one that train does not have has none.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from neurosieve.activations.windows import Window, batches, pad, read_positions
from neurosieve.interventions.edits import Edit
from neurosieve.interventions.live_model import live, shared_below
from neurosieve.models.language import LanguageModel

HALF = 0.5


@dataclass(frozen=True)
class Predictions:
    """Predictions of hidden units.

    Attributes:
        row: Number of each unit's row, shape [rows].
        token: The likeliest first subword, shape [rows].
        exact: It is the true one, shape [rows].
        loss: Cross-entropy of the true one, in nats, shape [rows].
        mass: Probability of all tokens that have the value, each by its share, shape [rows].
    """

    row: Int[np.ndarray, " rows"]
    token: Int[np.ndarray, " rows"]
    exact: Bool[np.ndarray, " rows"]
    loss: Float[np.ndarray, " rows"]
    mass: Float[np.ndarray, " rows"]


def token_shares(
    windows: Sequence[Window], positive: Bool[np.ndarray, " units"], vocabulary: int
) -> Float[np.ndarray, " vocabulary"]:
    """For each token the share of units that begin with it and have the value; `positive` goes by row number."""
    target = np.array([t for w in windows for t in w.targets], dtype=np.int64)
    has = positive[np.array([row for w in windows for row in w.rows], dtype=np.int64)]
    every, with_value = (np.bincount(t, minlength=vocabulary) for t in (target, target[has]))
    shares: Float[np.ndarray, " vocabulary"] = with_value / np.maximum(every, 1)
    return shares


class EditedUnits:
    """Predicts the same units under one edit after the other.

    Args:
        predict: `predict_units` of a model and windows, with all but the edits.
        model: That one.
        below: Blocks below these edits are read once for all, where that is not done around this already.
    """

    def __init__(self, predict: Callable[..., Predictions], model: LanguageModel, below: Sequence[Edit] = ()) -> None:
        self._predict, self._shared = predict, contextlib.ExitStack()
        if below:
            self._shared.enter_context(shared_below(model, below))

    def __call__(self, edits: Sequence[Edit]) -> Predictions:
        """Predictions under some edits."""
        return self._predict(edits=edits)


def predict_units(
    model: LanguageModel,
    windows: Sequence[Window],
    shares: Float[np.ndarray, " vocabulary"],
    edits: Sequence[Edit] = (),
    *,
    only_predicted: bool = False,
    batch_tokens: int = 4096,
) -> Predictions:
    """Predict all units of some windows of the view `predict`.

    Args:
        model: With its head.
        windows: Sorted by length, see `hide_units`.
        shares: See `token_shares`; tokens of the head beyond them have no value.
        edits: Done while the model runs.
        only_predicted: Edit where units are predicted, not at all tokens.
        batch_tokens: Padded tokens in one forward pass.
    """
    weight = torch.from_numpy(shares).float().to(model.device)
    parts: list[tuple[torch.Tensor, ...]] = []
    for batch in batches(windows, batch_tokens):
        ids, mask, _, offsets = pad(batch, model.pad_id, model.padding_side)
        places = torch.tensor(
            [[i, t[0] + o] for i, (w, o) in enumerate(zip(batch, offsets, strict=True)) for t in w.tokens]
        )
        where = read_positions(batch, mask, offsets) if only_predicted else mask.bool()
        with live(model, edits, where) if edits else contextlib.nullcontext():
            logits = model.predict(ids, mask, places).log_softmax(1)
        target = torch.tensor([t for w in batch for t in w.targets], device=logits.device)
        token = logits.argmax(1)
        loss = -logits.gather(1, target[:, None])[:, 0]
        fitting = torch.nn.functional.pad(weight, (0, logits.shape[1] - len(weight)))  # heads may be wider, or cut
        parts.append((token, token == target, loss, logits.exp() @ fitting))
    columns: list[np.ndarray] = [torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)]
    row = np.array([row for w in windows for row in w.rows], dtype=np.int64)
    return Predictions(row, columns[0], columns[1], columns[2].astype(np.float64), columns[3].astype(np.float64))
