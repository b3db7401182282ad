"""Proof on a sample, before anything is written, that our rows are transformers' own hidden states.

For a few windows of different length each row is read once through the batched path and once the plain way: the
sequence alone, unpadded, default positions, one token after the other.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.activations.windows import Window
from neurosieve.errors import SelfCheckError
from neurosieve.models import CodeModel

# Largest difference allowed, relative to the layer's largest value: the dtypes' own rounding, summed over blocks.
TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 8e-2}


def plain_rows(model: CodeModel, window: Window) -> list[Float[Tensor, "rows width"]]:
    """The rows of a window for each layer, by one plain unpadded call and explicit loops."""
    rows = []
    second = window.second
    types = None if second is None else torch.tensor([[int(i >= second) for i in range(len(window.ids))]])
    for layer in model.plain_states(torch.tensor([window.ids]), types):
        means = [sum(layer[0, t].float() for t in tokens) / len(tokens) for tokens in window.tokens]
        rows.append(torch.stack([torch.as_tensor(m) for m in means]).cpu())
    return rows


def check_rows(
    model: CodeModel, windows: Sequence[Window], batched: Sequence[Float[Tensor, "rows width"]]
) -> dict[str, float]:
    """Compare batched rows (in window order) with the plain ones.

    Returns:
        `rows` compared, the largest relative `difference`, and the `tolerance` of the dtype.

    Raises:
        SelfCheckError: A layer differs by more than the dtype's tolerance, or holds values that are not finite.
    """
    dtype = next(model.network.parameters()).dtype
    tolerance = TOLERANCE[dtype]
    plain = [plain_rows(model, w) for w in windows]
    worst = 0.0
    for layer, ours in enumerate(batched):
        theirs = torch.cat([p[layer] for p in plain])
        scale = float(theirs.abs().max().clamp_min(1e-6))
        difference = float((ours.float() - theirs).abs().max()) / scale
        if not difference <= tolerance:  # also catches nan
            raise SelfCheckError(
                f"layer {layer} of {model.name}",
                expected=f"batched rows equal to single ones within {tolerance:g} of the largest value",
                got=f"a difference of {difference:.2g}",
                remedy="nothing was written; use --precision float32, and report the model if that fails too",
            )
        worst = max(worst, difference)
    return {"rows": float(len(batched[0])), "difference": worst, "tolerance": tolerance}


def check_sample(windows: Sequence[Window], count: int = 8) -> list[Window]:
    """A few windows over the whole range of lengths, shortest and longest among them."""
    if len(windows) <= count:
        return list(windows)
    marks = [round(i * (len(windows) - 1) / (count - 1)) for i in range(count)]
    return [windows[i] for i in [marks[0], *(b for a, b in pairwise(marks) if a != b)]]
