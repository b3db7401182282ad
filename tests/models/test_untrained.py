"""Untrained copies of every family of the grid: all weights drawn anew by seed, everything else as it was."""

import dataclasses

import pytest
import torch

from neurosieve.models import CodeModel, load_model
from neurosieve.models.untrained import untrained_copy
from neurosieve.typing import Precision
from tests.tiny import BLOCKS, NAMES, WIDTH, tiny_loaded, tiny_model

GRID = pytest.mark.parametrize("name", NAMES)


def weights(model: CodeModel) -> dict[str, torch.Tensor]:
    return dict(model.network.named_parameters())


def states(model: CodeModel) -> tuple[torch.Tensor, ...]:
    ids = torch.tensor([[5, 9, 30, 7, 5, 11]])
    return model.states(ids, torch.ones_like(ids))


@GRID
def test_no_weight_is_kept(name: str) -> None:
    """Each single number of each tensor is another one: blocks, norms, biases, embeddings of words and positions."""
    trained, copy = weights(tiny_loaded(name)), weights(untrained_copy(tiny_loaded(name), 0))
    assert set(trained) <= set(copy)  # the copy may have the pooler that a checkpoint lacks
    for key, weight in trained.items():
        assert weight.shape == copy[key].shape
        assert (weight != copy[key]).all(), key
    vocabulary = len(tiny_loaded(name).tokenizer)
    assert any(len(w) == vocabulary for w in trained.values())


@GRID
def test_weights_are_the_family_s_own_draw(name: str) -> None:
    """As a model built from the config alone after the same seed."""
    model = tiny_loaded(name)
    copy = untrained_copy(model, 11)
    with torch.random.fork_rng():
        torch.manual_seed(11)
        plain = type(model.network)(model.network.config)
    expected = dict(plain.named_parameters())
    assert set(weights(copy)) == set(expected)
    for key, weight in weights(copy).items():
        assert torch.equal(weight, expected[key]), key
    matrices = [w for w in weights(copy).values() if w.ndim == 2]
    assert all(bool(w.isfinite().all()) and float(w.detach().std()) > 1e-3 for w in matrices)


@GRID
def test_seed_decides(name: str) -> None:
    model = tiny_loaded(name)
    first, again, other = (weights(untrained_copy(model, seed)) for seed in (3, 3, 4))
    for key, weight in first.items():
        assert torch.equal(weight, again[key]), key
        if weight.ndim > 1:  # biases start at 0 and norms at 1 whatever the seed
            assert (weight != other[key]).float().mean() > 0.9, key


@GRID
def test_torch_s_own_draws_are_left_alone(name: str) -> None:
    """The copy neither moves the generator nor hangs on it."""
    model = tiny_loaded(name)
    with torch.random.fork_rng():
        torch.manual_seed(77)
        before = torch.get_rng_state()
        first = weights(untrained_copy(model, 1))
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(78)
        second = weights(untrained_copy(model, 1))
    assert all(torch.equal(first[key], second[key]) for key in first)


@GRID
def test_trained_model_is_left_alone(name: str) -> None:
    model = tiny_loaded(name)
    before = {key: weight.detach().clone() for key, weight in weights(model).items()}
    copy = untrained_copy(model, 0)
    assert copy.network is not model.network
    shared = {w.data_ptr() for w in before.values()} & {w.data_ptr() for w in weights(copy).values()}
    assert not shared
    assert all(torch.equal(before[key], weight) for key, weight in weights(model).items())


@GRID
def test_everything_else_is_kept(name: str) -> None:
    model = tiny_loaded(name)
    copy = untrained_copy(model, 0)
    for field in dataclasses.fields(CodeModel):
        if field.name not in ("network", "source"):  # it is a network, and a call, of its own
            assert getattr(copy, field.name) is getattr(model, field.name), field.name
    assert type(copy.network) is type(model.network)
    assert not copy.network.training
    assert all(not m.training for m in copy.network.modules())
    assert {p.device for p in copy.network.parameters()} == {model.device}


@GRID
def test_copy_reads_as_many_layers_and_says_something_else(name: str) -> None:
    trained, copy = states(tiny_loaded(name)), states(untrained_copy(tiny_loaded(name), 0))
    assert len(copy) == len(trained) == BLOCKS + 1
    for ours, theirs in zip(trained, copy, strict=True):
        assert ours.shape == theirs.shape == (1, 6, WIDTH)
        assert theirs.isfinite().all()
        assert (ours - theirs).abs().max() > 0.05


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@GRID
def test_precision_is_kept(name: str, precision: Precision) -> None:
    """The same draw in fewer digits; buffers keep the digits that loading leaves them (rotary frequencies: all)."""
    full, model = tiny_loaded(name), load_model(tiny_model(name), device="cpu", precision=precision)
    copy = untrained_copy(model, 2)
    for key, weight in weights(untrained_copy(full, 2)).items():
        assert torch.equal(weights(copy)[key], weight.to(getattr(torch, precision))), key
    loaded, drawn = dict(model.network.named_buffers()), dict(copy.network.named_buffers())
    assert set(loaded) == set(drawn)
    for key, buffer in loaded.items():
        assert drawn[key].dtype == buffer.dtype, key
        assert torch.equal(drawn[key], buffer), key


@GRID
def test_copy_of_lower_precision_is_the_same_copy_rounded(name: str) -> None:
    """It computes in every family, and its states are those of the full copy but for rounding."""
    model = tiny_loaded(name)
    full, rounded = untrained_copy(model, 5), untrained_copy(model, 5, "bfloat16")
    for key, weight in weights(rounded).items():
        assert torch.equal(weight, weights(full)[key].bfloat16()), key
    for exact, near in zip(states(full), states(rounded), strict=True):
        assert near.dtype == torch.bfloat16
        assert float((near.float() - exact).abs().max()) <= 0.08 * float(exact.abs().max())
