"""An untrained copy: the architecture with random weights. Its scores are not due to training."""

from dataclasses import replace
from functools import partial

import torch

from neurosieve.models.code_model import CodeModel
from neurosieve.typing import Precision


def untrained_copy(model: CodeModel, seed: int, precision: Precision | None = None) -> CodeModel:
    """The same network with every weight, embeddings too, drawn by the family's own initialisation.

    Args:
        model: The trained one; tokenizer and device are kept.
        seed: Of the draw; the state of torch's own generator is left as it was.
        precision: Of weights and computation; the trained one's by default. The same weights are drawn, then rounded.
    """
    config = model.network.config
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # of the CPU, where it is drawn; a GPU's own is not touched
        network = type(model.network)(config)
    like = next(model.network.parameters())
    dtype = like.dtype if precision is None else getattr(torch, precision)
    for weight in network.parameters():
        weight.data = weight.data.to(dtype)
    # Loading leaves some buffers, such as rotary frequencies, in float32 whatever the precision.
    loaded = dict(model.network.named_buffers())
    for name, buffer in network.named_buffers():
        buffer.data = buffer.data.to(loaded[name].dtype)
    again = partial(untrained_copy, model, seed, precision)
    return replace(model, network=network.eval().to(like.device), source=again)
