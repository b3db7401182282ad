"""A network whose embeddings are those of part of its vocabulary."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from neurosieve.compact.vocabulary import Vocabulary
from neurosieve.errors import ModelError
from neurosieve.models.code_model import CodeModel
from neurosieve.models.trial import relative_distance

_TOLERANCE = 1e-5  # of float32, relative to the largest value of a layer


def kept_rows(values: Float[Tensor, "ids width"], vocabulary: Vocabulary) -> Float[Tensor, "rows width"]:
    """Rows of a table over all ids that a vocabulary keeps, and their mean where it has a row of that."""
    rows = values[torch.from_numpy(vocabulary.kept).to(values.device)]
    return torch.cat([rows, rows.mean(0, keepdim=True)]) if vocabulary.mean_row else rows


def narrowed(model: CodeModel, vocabulary: Vocabulary) -> CodeModel:
    """The same model with the kept rows of its embeddings; it reads rows where it read ids.

    Args:
        model: Loaded; it stays as it is and shares all other weights with what is returned.
        vocabulary: What is kept.

    Raises:
        ModelError: A family whose states change by that.
    """
    whole: Any = model.network
    shared = {id(t): t for t in (*whole.parameters(), *whole.buffers())}
    network: Any = copy.deepcopy(whole, memo=shared)
    _renumber(network.config, vocabulary)
    for table in _tables(network):
        table.weight = nn.Parameter(kept_rows(table.weight.detach(), vocabulary), requires_grad=False)
        table.num_embeddings = len(table.weight)
        if table.padding_idx is not None:
            table.padding_idx = int(vocabulary.row[table.padding_idx])
    start = model.adapter.start
    adapter = replace(model.adapter, start=None if start is None else int(vocabulary.row[start]))
    small = replace(model, network=network.eval(), adapter=adapter)
    _check_same(model, small, vocabulary)
    return small


def _tables(network: Any) -> list[nn.Embedding]:
    """Embeddings of tokens; the halves of an encoder–decoder may have one each."""
    parts = [module for module in network.modules() if isinstance(module, PreTrainedModel)]
    tables = [table for part in parts if isinstance(table := part.get_input_embeddings(), nn.Embedding)]
    return list({id(table): table for table in tables}.values())


def _renumber(config: Any, vocabulary: Vocabulary) -> None:
    """Sizes and ids of special tokens in a config, and in those inside of it."""
    for key, value in list(vars(config).items()):
        if key == "vocab_size":
            config.vocab_size = len(vocabulary.kept) + vocabulary.mean_row
        elif key.endswith("_token_id") and isinstance(value, int) and 0 <= value < vocabulary.size:
            setattr(config, key, int(vocabulary.row[value]))
        elif hasattr(value, "model_type"):
            _renumber(value, vocabulary)


def _check_same(model: CodeModel, small: CodeModel, vocabulary: Vocabulary) -> None:
    """See that kept tokens have the states that they had."""
    kept = np.random.default_rng(0).choice(vocabulary.kept, size=(4, min(12, model.max_tokens)))
    kept[kept == model.pad_id] = vocabulary.kept[-1]
    ids, rows = torch.from_numpy(kept), torch.from_numpy(vocabulary.row[kept])
    before, after = (m.states(x, torch.ones_like(x)) for m, x in ((model, ids), (small, rows)))
    far = max(relative_distance(was, now) for was, now in zip(before, after, strict=True))
    if not far <= _TOLERANCE:
        raise ModelError(
            f"embeddings of {model.name}",
            expected="states that depend on a token's row alone, not on its number",
            got=f"others, by {far:.1e} of the largest",
            remedy="leave --vocabulary out",
        )
