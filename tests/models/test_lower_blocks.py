"""Blocks that are computed once: the same values bit for bit as by whole calls, in every family, and fewer calls."""

import pytest
import torch

from neurosieve.errors import ConfigError
from neurosieve.interventions import Ablate, live
from neurosieve.interventions.live_model import shared_below
from neurosieve.models import CodeModel
from neurosieve.models.adapters import block_modules
from neurosieve.models.lower_blocks import blocks_kept, blocks_once
from tests.tiny import BLOCKS, NAMES, tiny_loaded

INPUTS = [
    (torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0]]), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])),
    (torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0]]), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])),  # other mask
    (torch.tensor([[7, 6, 5]]), torch.tensor([[1, 1, 1]])),
]
SHARES_BLOCKS = "albert"


def edited(model: CodeModel, layer: int, seed: int) -> list[tuple[torch.Tensor, ...]]:
    """States of all inputs under an edit of a layer; seed 0 edits nothing."""
    edit = Ablate(layer, (0, 2), torch.full((1, 2), float(seed)))
    if not seed:
        return [model.states(*given) for given in INPUTS]
    with live(model, [edit]):
        return [model.states(*given) for given in INPUTS]


def blocks_of(model: CodeModel) -> list[torch.nn.Module]:
    return block_modules(model.stack, model.adapter, BLOCKS, model.name)


@pytest.mark.parametrize("layer", [1, BLOCKS])
@pytest.mark.parametrize("name", NAMES)
def test_edits_give_what_they_give_alone(name: str, layer: int) -> None:
    model = tiny_loaded(name)
    alone = [edited(model, layer, seed) for seed in range(3)]
    assert not torch.equal(alone[1][0][layer], alone[2][0][layer])
    with shared_below(model, [Ablate.zero(layer, (0,))]):
        assert blocks_kept(model) == (0 if name.startswith(SHARES_BLOCKS) else layer)
        together = [edited(model, layer, seed) for seed in (0, 1, 2, 0)]
    for ours, plain in zip(together, (*alone, alone[0]), strict=True):
        for a, b in zip(ours, plain, strict=True):
            assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    assert blocks_kept(model) == 0
    assert all("forward" not in block.__dict__ for block in blocks_of(model)), "a block was not put back"
    assert not model.stack._forward_pre_hooks


@pytest.mark.parametrize(("most_bytes", "calls"), [(2**30, len(INPUTS)), (0, 4 * len(INPUTS))])
def test_a_block_below_is_computed_once_for_each_input(most_bytes: int, calls: int) -> None:
    model = tiny_loaded("bert")
    seen = [0, 0]
    inner = [next(block.children()) for block in blocks_of(model)]
    plain = edited(model, 1, 1)

    def counter(place: int) -> None:
        seen[place] += 1

    with blocks_once(model, 1, most_bytes=most_bytes):
        hooks = [m.register_forward_hook(lambda *_, i=i: counter(i)) for i, m in enumerate(inner[:2])]
        found = [edited(model, 1, seed) for seed in (0, 1, 2, 1)]
    for hook in hooks:
        hook.remove()
    assert seen == [calls, 4 * len(INPUTS)]
    assert torch.equal(found[1][0][-1], plain[0][-1])


def test_what_is_computed_once_is_not_edited() -> None:
    model = tiny_loaded("gpt2")
    with blocks_once(model, 2), pytest.raises(ConfigError, match=r"edit of layer 1 .* expected layer 2 or above"):
        edited(model, 1, 1)


def test_no_block_below() -> None:
    model = tiny_loaded("gpt2")
    with shared_below(model, []):  # what no edit does is said by `live`
        assert blocks_kept(model) == 0
    with shared_below(model, [Ablate.zero(0, (0,))]):
        assert blocks_kept(model) == 0
        found = edited(model, 0, 1)
    assert torch.equal(found[0][-1], edited(model, 0, 1)[0][-1])
