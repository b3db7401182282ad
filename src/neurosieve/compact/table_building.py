"""Layer 0 of a network and a head on it → `LookupTable`, where what a token's layer 0 depends on can be a table."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.compact.cut_network import cut
from neurosieve.compact.lookup_table import LookupTable
from neurosieve.compact.narrow_embeddings import kept_rows
from neurosieve.compact.vocabulary import Vocabulary
from neurosieve.errors import ModelError
from neurosieve.models.code_model import CodeModel

_TOLERANCE = 1e-5
_ROWS = 4096  # tokens in one call
_PRODUCT_BYTES = 600_000  # of the components of a norm's scale


def build_table(
    model: CodeModel,
    index: list[int],
    weight: Float[np.ndarray, "neurons outputs"],
    bias: Float[np.ndarray, " outputs"],
    vocabulary: Vocabulary | None = None,
) -> LookupTable:
    """The table of a head on neurons of layer 0.

    Args:
        model: Read at the site `hidden`.
        index: The neurons.
        weight: On their raw values.
        bias: Of the head.
        vocabulary: Tokens that have rows; all by default.

    Raises:
        ModelError: Layer 0 depends on more than a token and its position (says so).
    """
    small = cut(model, 1)
    head = _Head(torch.tensor(index), torch.from_numpy(weight).double(), torch.from_numpy(bias).double())
    vocabulary = vocabulary or Vocabulary(np.arange(model.rows), model.rows, 0)
    sample = _sample(small, vocabulary)
    for make in (_token_table, _sum_table, _norm_table):
        made = make(small, head, vocabulary)
        if made is not None and _fits(made, small, head, sample, vocabulary):
            return made
    raise ModelError(
        f"layer 0 of {model.name}",
        expected="values that a token alone, or with its position, decides on",
        got=f"others in the family {model.adapter.family!r}",
        remedy="pass --form full",
    )


class _Head:
    """The head in double precision, and what it makes of states."""

    def __init__(self, index: Tensor, weight: Tensor, bias: Tensor) -> None:
        self.index, self.weight, self.bias = index, weight, bias

    def __call__(self, states: Float[Tensor, "... width"]) -> Float[Tensor, "... outputs"]:
        return states[..., self.index.to(states.device)].cpu().double() @ self.weight

    def wide(self, width: int) -> Tensor:
        """The weights on all neurons of the layer."""
        wide = torch.zeros(width, self.weight.shape[1], dtype=torch.float64)
        wide[self.index] = self.weight
        return wide


def _layer_0(model: CodeModel, ids: Tensor) -> Tensor:
    return model.states(ids, torch.ones_like(ids))[0]


def _sample(model: CodeModel, vocabulary: Vocabulary) -> Tensor:
    """Some texts of random tokens, as long as the model reads them, or 64."""
    plain = np.setdiff1d(vocabulary.kept, model.tokenizer.all_special_ids)
    length = min(model.max_tokens, 64)
    return torch.from_numpy(np.random.default_rng(0).choice(plain, size=(8, length)))


def _of_single_tokens(model: CodeModel, head: _Head, vocabulary: Vocabulary) -> Tensor:
    """What the head makes of each token of the vocabulary where it comes first."""
    ids = torch.from_numpy(vocabulary.kept)[:, None]
    rows = torch.cat([head(_layer_0(model, part)[:, 0]) for part in torch.split(ids, _ROWS)])
    return torch.cat([rows, rows.mean(0, keepdim=True)]) if vocabulary.mean_row else rows


def _token_table(model: CodeModel, head: _Head, vocabulary: Vocabulary) -> LookupTable:
    return LookupTable(_single(_of_single_tokens(model, head, vocabulary)), _single(head.bias))


def _sum_table(model: CodeModel, head: _Head, vocabulary: Vocabulary) -> LookupTable:
    values = _of_single_tokens(model, head, vocabulary)
    plain = int(_sample(model, vocabulary)[0, 0])
    along = head(_layer_0(model, torch.full((1, model.max_tokens), plain))[0])
    return LookupTable(_single(values), _single(head.bias), _single(along - along[0]))


def _norm_table(model: CodeModel, head: _Head, vocabulary: Vocabulary) -> LookupTable | None:
    """BERT's kind: norm(word + position + type 0)."""
    parts: Any = getattr(model.stack, "embeddings", None)
    names = ("word_embeddings", "position_embeddings", "LayerNorm")
    if parts is None or any(getattr(parts, name, None) is None for name in names):
        return None
    word, position, norm = (getattr(parts, name) for name in names)
    first = 0 if position.padding_idx is None else position.padding_idx + 1
    types = getattr(parts, "token_type_embeddings", None)
    words = kept_rows(word.weight.detach().cpu().double(), vocabulary)
    words = words + (0 if types is None else types.weight[0].detach().cpu().double())
    places = position.weight.detach().cpu().double()[first : first + model.max_tokens]
    if words.shape[1] != places.shape[1]:
        return None
    words, places = (x - x.mean(1, keepdim=True) for x in (words, places))
    scaled = norm.weight.detach().cpu().double()[:, None] * head.wide(words.shape[1])
    bias = head.bias + norm.bias.detach().cpu().double() @ head.wide(words.shape[1])
    word_part, position_part = _product(words, places)
    return LookupTable(
        _single(words @ scaled),
        _single(bias),
        _single(places @ scaled),
        _single(words.square().mean(1) + norm.eps),
        _single(places.square().mean(1)),
        _single(2 * word_part / words.shape[1]),
        _single(position_part),
    )


def _product(words: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of words · placesᵀ: all components where they are small, else the largest (by singular values)."""
    count = max(1, _PRODUCT_BYTES // (4 * (len(words) + len(places))))
    if count >= words.shape[1]:
        return words, places
    values, vectors = torch.linalg.eigh(words.T @ words)
    root = values.clamp_min(1e-12 * float(values.max())).sqrt()
    # words · vectors / root has orthonormal columns, so that the singular values are those of what is behind it
    behind = places @ (vectors * root)
    _, _, directions = torch.linalg.svd(behind, full_matrices=False)
    chosen = directions[:count].T
    return words @ (vectors / root) @ chosen, behind @ chosen


def _fits(table: LookupTable, model: CodeModel, head: _Head, sample: Tensor, vocabulary: Vocabulary) -> bool:
    """Does the table give what the head makes of the network's layer 0?"""
    part = table.word_part
    exact = part is None or part.shape[1] == _layer_0(model, sample[:1]).shape[-1]
    wanted = head(_layer_0(model, sample)) + head.bias
    place = torch.arange(sample.shape[1]).expand_as(sample)
    found = _values(table, vocabulary.row[sample.numpy()], place.numpy())
    spread = float((wanted - head.bias).abs().max().clamp_min(1e-12))
    far = np.abs(found - wanted.numpy())
    return bool(far.max() <= _TOLERANCE * spread) if exact else bool(np.median(far) <= 0.1 * spread)


def _values(table: LookupTable, ids: np.ndarray, place: np.ndarray) -> np.ndarray:
    from neurosieve.compact.unit_reader import UnitTokens

    rows, length = ids.shape
    window = np.repeat(np.arange(rows), length)
    begin = np.arange(rows + 1) * length
    read = UnitTokens(ids.ravel(), begin, np.full(rows, -1), window, place.ravel(), window, rows)
    return table.token_values(read).reshape(rows, length, -1)


def _single(values: Tensor) -> np.ndarray:
    single: np.ndarray = values.detach().numpy().astype(np.float32)
    return single
