"""An untrained copy: the architecture with all weights drawn anew. What it can do owes nothing to training."""

from dataclasses import replace

import torch

from neurosieve.models.code_model import CodeModel


def untrained_copy(model: CodeModel, seed: int) -> CodeModel:
    """The same network with every weight, embeddings too, drawn by the family's own initialisation.

    Args:
        model: The trained one; tokenizer, device and precision are kept.
        seed: Of the draw; the state of torch's own generator is left as it was.
    """
    config = model.network.config
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # of the CPU, where it is drawn; a GPU's own is not touched
        network = type(model.network)(config)
    like = next(model.network.parameters())
    for weight in network.parameters():
        weight.data = weight.data.to(like.dtype)
    # Loading leaves some buffers, such as rotary frequencies, in float32 whatever the precision.
    loaded = dict(model.network.named_buffers())
    for name, buffer in network.named_buffers():
        buffer.data = buffer.data.to(loaded[name].dtype)
    return replace(model, network=network.eval().to(like.device))
