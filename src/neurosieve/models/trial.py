"""A first call of a network that was just read: does it read token ids, and does a token see those after it?"""

from dataclasses import replace
from itertools import count, islice
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.errors import ModelError, is_out_of_memory
from neurosieve.models.code_model import CodeModel

Model = TypeVar("Model", bound=CodeModel)
_TOKENS = 8


def tried(model: Model) -> Model:
    """The model, once two short texts that differ in their last token have gone through its network.

    A config does not always say whether attention is causal. If the states before the last token of a decoder move
    with it, the model would see what it has to predict: such a model is an encoder, and a note says so.

    Raises:
        ModelError: The network cannot be called with token ids alone, or its states do not belong to tokens.
    """
    special = set(model.tokenizer.all_special_ids)
    ids = list(islice((i for i in count() if i not in special), _TOKENS + 1))
    texts = torch.tensor([ids[:-1], [*ids[:-2], ids[-1]]]) % model.rows
    hidden = replace(model, site="hidden")
    try:
        states = hidden.states(texts, torch.ones_like(texts))
    except (TypeError, ValueError, AttributeError, LookupError, NotImplementedError, RuntimeError) as e:
        if is_out_of_memory(e):
            raise
        raise ModelError(
            f"network of {model.name}",
            expected="hidden states for token ids",
            got=f"{type(e).__name__}: {(str(e).strip().splitlines() or [''])[0][:160]}",
            remedy=f"the family {model.adapter.family!r} works otherwise, or its config is wrong: choose another model",
        ) from e
    if model.adapter.kind == "encoder" or model.adapter.paired:
        return model
    moved = max(relative_distance(a, b) for a, b in (s[:, :-1].float() for s in states))
    if moved <= max(1e-5, 4 * torch.finfo(states[0].dtype).eps):
        return model
    note = "its states move with later tokens: it is read as an encoder, though its family has a causal language model"
    return replace(
        model, adapter=replace(model.adapter, kind="encoder", position_ids=False), notes=(*model.notes, note)
    )


def relative_distance(before: Float[Tensor, "..."], after: Float[Tensor, "..."]) -> float:
    """The largest difference of two layers' states, as a share of the largest value before."""
    return float((before - after).abs().max() / before.abs().max().clamp_min(1e-9))
