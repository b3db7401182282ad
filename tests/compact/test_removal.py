"""What is left of a network gives what the whole one gives with the other units and heads at zero."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.compact import load_compact
from neurosieve.compact.building import write_full, write_record
from neurosieve.compact.cut_network import ChosenNeurons, cut
from neurosieve.compact.removal import Few, Removable, least_needed
from neurosieve.compact.token_batches import TokenBatch
from neurosieve.errors import ModelError
from neurosieve.models import CodeModel
from neurosieve.models.adapters import block_modules, unit_modules
from tests.compact.test_forms import UNIT, head, neurons, texts
from tests.tiny import BLOCKS, UNITS, WIDTH, assert_one_line, tiny_loaded, tiny_mlp

# Where a block's heads are read side by side, and how many there are that can go alone.
HEADS: dict[str, tuple[str, int]] = {
    "bert": ("attention.output.dense", 2),
    "roberta": ("attention.output.dense", 2),
    "electra": ("attention.output.dense", 2),
    "data2vec-text": ("attention.output.dense", 2),
    "distilbert": ("attention.out_lin", 2),
    "modernbert": ("attn.Wo", 2),
    "gpt_neox": ("attention.dense", 2),
    "phi": ("self_attn.dense", 2),
    "bart:encoder": ("self_attn.out_proj", 2),
    "llama": ("self_attn.o_proj", 1),  # two heads share keys and values
    "qwen2": ("self_attn.o_proj", 1),
    "starcoder2": ("self_attn.o_proj", 1),
}
WITHOUT_HEADS = ("deberta-v2", "gpt2", "codegen", "gpt_bigcode", "opt", "t5:encoder", "t5:decoder")


@contextlib.contextmanager
def zeros(model: CodeModel, heads: str, gone: dict[tuple[int, bool], list[int]], size: int) -> Iterator[None]:
    """The oracle: what goes into the layers that read units and heads, with zeros, by hooks of its own."""
    modules = block_modules(model.stack, model.adapter, BLOCKS, model.name)
    reads = unit_modules(model.network, model.adapter, "mlp", model.name)

    def hook(columns: Sequence[int]) -> Any:
        def act(_: torch.nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            given = args[0].clone()
            given[..., list(columns)] = 0
            return given, *args[1:]

        return act

    with contextlib.ExitStack() as closing:
        for (block, units), some in gone.items():
            module = reads[block] if units else modules[block].get_submodule(heads)
            columns = some if units else [h * size + i for h in some for i in range(size)]
            closing.callback(module.register_forward_pre_hook(hook(columns)).remove)
        yield


def batch_of() -> TokenBatch:
    ids = np.random.default_rng(1).integers(6, 240, (4, 12))
    row, place = (index.ravel() for index in np.indices(ids.shape))
    return TokenBatch(ids, np.ones_like(ids), None, np.arange(ids.size), row, place)


def tokens_of(batch: TokenBatch) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(batch.ids), torch.from_numpy(batch.mask)


def assert_oracle(parts: Removable, kept: Few, heads: str) -> None:
    model, gone = parts.model, {}
    for branch, block, units, some in zip(parts.branches, parts.block, parts.units, kept, strict=True):
        gone[block, units] = sorted({*range(branch.count)} - {*some})
    size = WIDTH // max([b.count for b, units in zip(parts.branches, parts.units, strict=True) if not units] or [1])
    ids, mask = tokens_of(batch_of())
    mask[1, 7:] = 0
    before = model.states(ids, mask)
    with zeros(model, heads, gone, size):
        wanted = model.states(ids, mask)
    came = parts.without(kept).states(ids, mask)
    for layer, (now, right) in enumerate(zip(came, wanted, strict=True)):
        there = mask.bool()
        assert (now[there] - right[there]).abs().max() <= 1e-5 * max(1.0, float(right.abs().max())), layer
    again = model.states(ids, mask)
    assert all(torch.equal(a, b) for a, b in zip(before, again, strict=True))
    assert not torch.allclose(wanted[-1], before[-1], atol=1e-4)


@pytest.mark.parametrize("name", [*HEADS, *WITHOUT_HEADS])
def test_what_is_left_gives_what_zeros_give(name: str) -> None:
    parts = Removable.of(tiny_loaded(name), BLOCKS)
    path, count = HEADS.get(name, ("", 0))
    found = [branch.count for branch, units in zip(parts.branches, parts.units, strict=True) if not units]
    assert found == [count] * (BLOCKS if count else 0)
    assert sum(parts.units) == BLOCKS
    rng = np.random.default_rng(0)
    for _ in range(3):  # uneven widths
        sizes = [int(rng.integers(1, branch.count + 1)) for branch in parts.branches]
        kept = tuple(
            tuple(sorted(rng.choice(branch.count, n, replace=False).tolist()))
            for branch, n in zip(parts.branches, sizes, strict=True)
        )
        assert_oracle(parts, kept, path)


@pytest.mark.parametrize("name", ["bert", "roberta", "modernbert", "llama", "gpt2"])
def test_a_narrowed_network_is_written_and_read(name: str, tmp_path: Path) -> None:
    model = cut(tiny_loaded(name), 1)
    parts = Removable.of(model, 1)
    kept = tuple((0, *range(2, branch.count, 3)) for branch in parts.branches)
    narrowed, chosen = parts.without(kept), neurons(1, 0)
    folders = (tmp_path / "in-memory", tmp_path / "zeros")
    own = head(len(chosen))
    folders[0].mkdir()
    write_record(folders[0], write_full(folders[0], tiny_loaded(name), chosen, own, UNIT, inside=narrowed))
    small = load_compact(folders[0])
    assert small.spec.narrowed
    folders[1].mkdir()
    write_record(folders[1], write_full(folders[1], tiny_loaded(name), chosen, own, UNIT))
    whole = load_compact(folders[1])
    assert _bytes(folders[0]) < _bytes(folders[1])
    network: Any = whole.network
    there = Removable.of(network.chosen.model, 1)
    given, _ = texts()
    with there.zeroed(kept):
        wanted = whole.scores(given)
    assert np.nanmax(np.abs(small.scores(given) - wanted)) <= 1e-4 * np.nanmax(np.abs(wanted))


def _bytes(folder: Path) -> int:
    return (folder / "network.safetensors").stat().st_size


@pytest.mark.parametrize("name", ["bert", "modernbert", "llama"])
def test_effects_are_those_of_small_changes(name: str) -> None:
    """A factor that is a little below one moves the chosen neurons as the effect says."""
    model = tiny_loaded(name)
    parts, chosen, batch = Removable.of(model, BLOCKS), ChosenNeurons.of(model, neurons(1, 2)), batch_of()
    found = parts.effects(chosen, [batch])
    deviation = _values(chosen, batch).std(0)
    step = 0.02
    for branch, effect in zip(parts.branches, found, strict=True):
        exact = []
        for unit in range(min(branch.count, 6)):
            columns = branch.columns([unit])

            def act(_: Any, args: tuple[Any, ...], columns: torch.Tensor = columns) -> tuple[Any, ...]:
                given = args[0].clone()
                given[..., columns] *= 1 - step
                return given, *args[1:]

            handle = branch.reads.register_forward_pre_hook(act)
            moved = (_values(chosen, batch) - _values_of(chosen, batch, handle)) / deviation / step
            exact.append(float(moved.square().sum()))
        # Few random signs: the order of magnitude, and who is far ahead.
        ratio = effect[: len(exact)] / np.array(exact)
        assert 0.3 < np.median(ratio) < 3
        assert ratio.min() > 0.05
        assert ratio.max() < 20


def _values(chosen: ChosenNeurons, batch: TokenBatch) -> torch.Tensor:
    return chosen(*tokens_of(batch), None)[batch.row, batch.place]


def _values_of(chosen: ChosenNeurons, batch: TokenBatch, handle: Any) -> torch.Tensor:
    handle.remove()
    return _values(chosen, batch)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("equal", [False, True])
def test_who_goes_has_the_least_effect(share: float, equal: bool) -> None:
    parts = Removable.of(tiny_loaded("bert"), BLOCKS, heads=not equal)
    rng = np.random.default_rng(0)
    effects = [rng.uniform(size=branch.count) for branch in parts.branches]
    kept = least_needed(parts, effects, share, equal=equal)
    assert all(some and list(some) == sorted(set(some)) for some in kept)
    left = sum(branch.weights * len(some) for branch, some in zip(parts.branches, kept, strict=True))
    largest = max(branch.weights for branch in parts.branches)
    assert left >= (1 - share) * parts.weights - 1
    assert share == 1 or left <= (1 - share) * parts.weights + largest * len(parts.branches)
    if equal:
        assert len({len(some) for some in kept}) == 1
    for effect, some in zip(effects, kept, strict=True):
        gone = np.delete(effect, list(some))
        assert not len(gone) or gone.max() <= effect[list(some)].min()


def test_equal_widths_are_in_the_config() -> None:
    parts = Removable.of(tiny_loaded("modernbert"), BLOCKS, heads=False)
    small: Any = parts.without(tuple((0, 5, 6) for _ in parts.branches)).network.config
    whole: Any = parts.model.network.config
    assert (small.intermediate_size, whole.intermediate_size) == (3, UNITS)


def test_units_that_are_neurons_stay() -> None:
    parts = Removable.of(tiny_mlp("bert"), BLOCKS)
    assert not any(parts.units)
    kept = tuple((1,) for _ in parts.branches)
    assert {state.shape[-1] for state in parts.without(kept).states(*tokens_of(batch_of()))} == {UNITS}


@pytest.mark.parametrize("name", ["albert"])
def test_a_family_that_keeps_all_is_said(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        Removable.of(tiny_loaded(name), BLOCKS)
    assert_one_line(caught.value, "units or heads that can be taken out", "leave --smaller out")
