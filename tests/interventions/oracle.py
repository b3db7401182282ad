"""Edits the slow way: values overwritten as they enter a block, units multiplied behind their projection."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from neurosieve.models import CodeModel
from neurosieve.models.adapters import unit_modules
from neurosieve.typing import Site
from tests.tiny import BLOCKS, family

IDS = torch.tensor([[5, 6, 7, 8, 9, 10], [9, 8, 7, 11, 12, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])


def states(model: CodeModel) -> list[torch.Tensor]:
    """Of the two texts, the second padded."""
    return list(model.states(IDS, MASK))


def blocks(model: CodeModel, name: str) -> list[torch.nn.Module]:
    """By the paths of the family's feed-forward units; of ALBERT the one that all share."""
    before = family(name).units.partition("*")[0]
    if not family(name).units.count("*"):
        before = before.removesuffix("ffn_output")
        return [model.network.get_submodule(before.removesuffix("."))] * BLOCKS
    return [model.network.get_submodule(f"{before}{number}") for number in range(BLOCKS)]


@contextlib.contextmanager
def entering(model: CodeModel, name: str, layer: int, indices: list[int], values: torch.Tensor) -> Iterator[None]:
    """Overwrite neurons of a layer in place, as they enter the block behind it."""
    modules = blocks(model, name)
    calls, start = [0], int(model.adapter.start is not None)

    def hook(module: Any, args: tuple[torch.Tensor, ...]) -> None:
        mine = layer if modules.count(module) > 1 else 0
        if calls[0] == mine:
            args[0][:, start:, indices] = values
        calls[0] += 1

    handle = modules[layer].register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def multiplied(
    model: CodeModel, site: Site, name: str, layer: int, indices: list[int], factor: float
) -> Iterator[None]:
    """Multiply units of a layer: add to what their projection puts out what the weights make of the difference."""
    modules: list[Any] = unit_modules(model.network, model.adapter, site, name)
    module, shared, calls = modules[min(layer, len(modules) - 1)], len(modules) == 1, [0]
    turned = not hasattr(module, "in_features")  # GPT-2's
    weight = module.weight.data if turned else module.weight.data.T
    start = int(model.adapter.start is not None)

    def hook(_: Any, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        if shared and calls[0] != layer + 1:
            return output
        difference = (factor - 1) * args[0][..., indices] @ weight[indices]
        if start:
            difference[:, 0] = 0
        return torch.add(output, difference)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
