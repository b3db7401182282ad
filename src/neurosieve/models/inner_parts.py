"""Where a block's feed-forward units and attention heads lie in its weights, so that some can be taken out.

`adapters` knows where units are read; here stands which layers make them. A family whose names are not listed keeps all
of them, and one that computes otherwise is found out by a trial (`compact.removal`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from neurosieve.models.adapters import block_modules
from neurosieve.models.code_model import CodeModel

Layer = nn.Linear | Conv1D


class _Names(NamedTuple):
    """A layer that reads units or heads, and those that make them, each with how many rows of a unit lie apart in it.

    A gated feed-forward layer that makes value and gate at once has two, a fused attention layer three.
    """

    reads: str
    makes: tuple[tuple[str, int], ...]


def _each(prefix: str, names: str, apart: int = 1) -> tuple[tuple[str, int], ...]:
    return tuple((f"{prefix}{name}", apart) for name in names.split())


_UNITS = (
    _Names("output.dense", _each("intermediate.", "dense")),  # BERT, RoBERTa, ELECTRA, DeBERTa-v2
    _Names("ffn.lin2", _each("ffn.", "lin1")),  # DistilBERT
    _Names("mlp.Wo", _each("mlp.", "Wi", 2)),  # ModernBERT
    _Names("mlp.down_proj", _each("mlp.", "gate_proj up_proj")),  # Llama, Qwen, Gemma
    _Names("mlp.down_proj", _each("mlp.", "gate_up_proj", 2)),  # Phi-3
    _Names("mlp.c_proj", _each("mlp.", "c_fc")),  # GPT-2, StarCoder
    _Names("mlp.dense_4h_to_h", _each("mlp.", "dense_h_to_4h")),  # NeoX
    _Names("mlp.fc_out", _each("mlp.", "fc_in")),  # CodeGen
    _Names("mlp.fc2", _each("mlp.", "fc1")),  # Phi
    _Names("fc2", _each("", "fc1")),  # OPT, BART
    *(
        _Names(f"layer.{i}.DenseReluDense.wo", _each(f"layer.{i}.DenseReluDense.", names))  # T5
        for i in (1, 2)
        for names in ("wi", "wi_0 wi_1")
    ),
)
_HEADS = (
    _Names("attention.output.dense", _each("attention.self.", "query key value")),
    _Names("attention.out_lin", _each("attention.", "q_lin k_lin v_lin")),
    _Names("attn.Wo", _each("attn.", "Wqkv", 3)),
    _Names("self_attn.o_proj", _each("self_attn.", "q_proj k_proj v_proj")),
    _Names("self_attn.dense", _each("self_attn.", "q_proj k_proj v_proj")),
    _Names("self_attn.out_proj", _each("self_attn.", "q_proj k_proj v_proj")),
    _Names("attention.dense", _each("attention.", "query_key_value")),  # NeoX: query, key and value of a head together
)

# What attention calls the size of a head, by which it divides whatever its layers give.
_HEAD_SIZE = ("head_dim", "attention_head_size", "head_size")


@dataclass(frozen=True, eq=False)
class Branch:
    """The feed-forward units of a block, or its attention heads.

    Attributes:
        count: How many. Heads that share keys and values count as one, as they can only go together.
        reads: The layer that reads them.
        makes: The layers that make them, each with how many rows of a unit lie apart in it.
    """

    count: int
    reads: Layer
    makes: tuple[tuple[Layer, int], ...]

    @property
    def weights(self) -> int:
        """Weights of one of them."""
        layers = (self.reads, *(layer for layer, _ in self.makes))
        return sum(layer.weight.numel() for layer in layers) // self.count

    def columns(self, some: Sequence[int]) -> Int[Tensor, " inputs"]:
        """Inputs of the layer that reads them which some of them give."""
        return _rows(some, _inputs(self.reads) // self.count, self.count, 1)

    def keep(self, some: Sequence[int]) -> None:
        """Take all others out of the weights, in place."""
        for layer, apart in self.makes:
            size = _outputs(layer) // (apart * self.count)
            _keep_outputs(layer, _rows(some, size, self.count, apart))
        _keep_inputs(self.reads, self.columns(some))


class Inner(NamedTuple):
    """What a block has inside that can be taken out; None where its names are not known."""

    units: Branch | None
    heads: Branch | None


def inner_parts(model: CodeModel, blocks: int) -> list[Inner]:
    """The units and heads of a model's first blocks.

    Args:
        model: Loaded.
        blocks: How many of its blocks are looked at.

    Raises:
        ModelError: The blocks are not found.
    """
    adapter = model.adapter
    config = adapter.text_config(model.network.config)
    modules = block_modules(model.stack, adapter, adapter.blocks(model.network.config), model.name)[:blocks]
    if len({id(module) for module in modules}) < len(modules):  # blocks that share their weights
        return [Inner(None, None)] * len(modules)
    heads = config.num_attention_heads
    together = heads // (getattr(config, "num_key_value_heads", None) or heads)
    return [Inner(_units(module), _heads(module, together)) for module in modules]


def _units(block: nn.Module) -> Branch | None:
    for reads, makes in _found(block, _UNITS):
        return _checked(Branch(_inputs(reads), reads, makes))
    return None


def _heads(block: nn.Module, together: int) -> Branch | None:
    """Counted by their size, as a block from which some were taken has fewer than the config says."""
    told = (getattr(module, key, None) for module in block.modules() for key in _HEAD_SIZE)
    size = next((int(size) for size in told if size), 0)
    for reads, makes in _found(block, _HEADS if size else ()):
        return _checked(Branch(_inputs(reads) // (size * together), reads, makes))
    return None


def _found(block: nn.Module, listed: Sequence[_Names]) -> Iterator[tuple[Layer, tuple[tuple[Layer, int], ...]]]:
    layers = {path: module for path, module in block.named_modules() if isinstance(module, nn.Linear | Conv1D)}
    for reads, makes in listed:
        if {reads, *(path for path, _ in makes)} <= layers.keys():
            yield layers[reads], tuple((layers[path], apart) for path, apart in makes)


def _checked(branch: Branch) -> Branch | None:
    """The branch, if its layers can be divided so."""
    n = branch.count
    whole = n > 0 and _inputs(branch.reads) % n == 0
    return branch if whole and all(_outputs(layer) % (apart * n) == 0 for layer, apart in branch.makes) else None


def _rows(some: Sequence[int], size: int, count: int, apart: int) -> Int[Tensor, " rows"]:
    """Rows of some units, each of `size` rows in each of so many stacks."""
    unit = torch.tensor(list(some), dtype=torch.long)
    rows = (unit[:, None] * size + torch.arange(size)).flatten()
    return (torch.arange(apart)[:, None] * count * size + rows).flatten()


def _inputs(layer: Layer) -> int:
    return int(layer.weight.shape[0 if isinstance(layer, Conv1D) else 1])


def _outputs(layer: Layer) -> int:
    return int(layer.weight.shape[1 if isinstance(layer, Conv1D) else 0])


def _keep_outputs(layer: Layer, rows: Int[Tensor, " rows"]) -> None:
    set_weights(layer, layer.weight.detach().index_select(1 if isinstance(layer, Conv1D) else 0, _at(rows, layer)))
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[_at(rows, layer)], requires_grad=False)


def _keep_inputs(layer: Layer, columns: Int[Tensor, " columns"]) -> None:
    set_weights(layer, layer.weight.detach().index_select(0 if isinstance(layer, Conv1D) else 1, _at(columns, layer)))


def _at(index: Tensor, layer: Layer) -> Tensor:
    return index.to(layer.weight.device)


def fit_shapes(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give the layers of a network the shapes of the weights that it is to be given."""
    for name, tensor in tensors.items():
        path, _, key = name.rpartition(".")
        layer: Any = network.get_submodule(path)
        if getattr(layer, key).shape == tensor.shape:
            continue
        if key == "weight":
            set_weights(layer, tensor)
        else:
            setattr(layer, key, nn.Parameter(tensor, requires_grad=False))


def set_weights(layer: Layer, weight: Tensor) -> None:
    """Give a layer another weight, and the sizes that go with it."""
    layer.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    if isinstance(layer, Conv1D):
        layer.nx, layer.nf = weight.shape
    else:
        layer.out_features, layer.in_features = weight.shape
