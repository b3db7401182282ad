"""Sizes of a model by its config and its tables: whether they can be those of a network, and its longest input."""

import re
from dataclasses import replace
from typing import Any

import torch
from transformers import PretrainedConfig

from neurosieve.errors import ModelError
from neurosieve.models.adapters import Adapter

_MOST_BLOCKS = 1_000  # the deepest published models have some hundreds
# What a table of positions is called.
_POSITIONS = re.compile(r"position_embedding|embed_position|wpe")


def with_positions(adapter: Adapter, network: torch.nn.Module) -> Adapter:
    """The adapter with the longest input that the network's tables of positions have room for.

    A table with a row for padding is counted from after that row, as RoBERTa's, so that many of its rows are not
    usable. The length of other tables is in the config, or else that of the table itself.

    Args:
        adapter: By the config alone.
        network: Of its weights only the shapes are looked at.
    """
    lengths = []
    for path, module in adapter.stack(network).named_modules():
        table, padding = getattr(module, "weight", None), getattr(module, "padding_idx", None)
        if table is None or table.dim() != 2 or not _POSITIONS.search(path) or "Sinusoid" in type(module).__name__:
            continue
        if padding is not None:
            lengths.append(table.shape[0] - padding - 1)
        elif adapter.max_tokens is None and isinstance(module, torch.nn.Embedding):
            lengths.append(table.shape[0] - getattr(module, "offset", 0))
    one_less = adapter.start is not None
    known = [n - one_less for n in lengths] + ([] if adapter.max_tokens is None else [adapter.max_tokens])
    return replace(adapter, max_tokens=min(known)) if known else adapter


def check_sizes(config: PretrainedConfig, adapter: Adapter, name: str) -> None:
    """See that a config's sizes can be those of a network, before one is built from them.

    Raises:
        ModelError: They cannot.
    """
    blocks = adapter.given_blocks(config)
    if isinstance(blocks, int) and blocks > _MOST_BLOCKS:
        raise _no_size(name, "blocks", f"at most {_MOST_BLOCKS:,}", blocks)
    part = adapter.text_config(config)
    for key in ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size"):
        size = getattr(part, key, 1)
        if size is not None and (not isinstance(size, int) or size < 1):
            raise _no_size(name, key, "a whole number from 1 on", size)


def _no_size(name: str, what: str, expected: str, got: Any) -> ModelError:
    return ModelError(
        f"{what} in the config of {name}",
        expected=expected,
        got=repr(got),
        remedy="use the config.json that belongs to the weights",
    )
