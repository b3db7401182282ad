"""From characters to subwords: which tokens of which window belong to a labelled unit.

Labels sit on character ranges; the fast tokenizer's offsets say which subwords overlap them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from transformers import BatchEncoding, PreTrainedTokenizerBase

from neurosieve.data.dataset import Span

_IS_WHITE = np.zeros(sys.maxunicode + 1, dtype=bool)  # by code point: looked up much faster than sought in a set
_IS_WHITE[[c for c in range(sys.maxunicode + 1) if chr(c).isspace()]] = True


@dataclass(frozen=True)
class Encoding:
    """A tokenised text without a length limit.

    Attributes:
        ids: Content tokens, special ones left out, shape [tokens].
        start: First character of each token, leading white space left out, shape [tokens].
        end: Character after the last, shape [tokens]; equal to `start` if a token covers no character.
        prefix: Special tokens before the content.
        suffix: Special tokens after it.
        special: Which content tokens are special after all: those between the two texts of a pair, shape [tokens].
        second: Where token type 1 begins, counted with the prefix; None if the tokenizer has no types.
        cut: Tokens were left out, as a pair did not fit.
    """

    ids: Int[np.ndarray, " tokens"]
    start: Int[np.ndarray, " tokens"]
    end: Int[np.ndarray, " tokens"]
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    special: Bool[np.ndarray, " tokens"]
    second: int | None = None
    cut: bool = False


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[Encoding]:
    """Tokenise whole texts; code that spells a special token (`</s>`) stays ordinary text."""
    batch = _tokenised(tokenizer, list(texts))
    columns = zip(texts, batch["input_ids"], batch["offset_mapping"], batch["special_tokens_mask"], strict=True)
    return [_encoding(text, ids, offsets, special) for text, ids, offsets, special in columns]


def encode_pair(tokenizer: PreTrainedTokenizerBase, parts: Sequence[str], max_tokens: int) -> Encoding:
    """Tokenise two texts as one input; the longer one is cut until both fit.

    Where the tokenizer sets nothing between them, a line end does.
    """
    left, right = parts
    special = tokenizer.num_special_tokens_to_add
    if special(pair=True) <= special(pair=False):
        left += "\n"
    batch = _tokenised(tokenizer, left, right)
    cut = len(batch["input_ids"]) > max_tokens
    if cut:
        batch = _tokenised(tokenizer, left, right, truncation="longest_first", max_length=max_tokens)
    types = batch.get("token_type_ids")
    encoding = _encoding("", batch["input_ids"], batch["offset_mapping"], batch["special_tokens_mask"])
    return replace(encoding, second=types.index(1) if types and 1 in types else None, cut=cut)


def _tokenised(tokenizer: PreTrainedTokenizerBase, *texts: list[str] | str, **truncation: Any) -> BatchEncoding:
    batch: BatchEncoding = tokenizer(
        *texts,
        add_special_tokens=True,
        split_special_tokens=True,
        **({"truncation": False} | truncation),
        padding=False,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_attention_mask=False,
        verbose=False,
    )
    return batch


def _encoding(text: str, ids: list[int], offsets: list[tuple[int, int]], special: list[int]) -> Encoding:
    first = next((i for i, s in enumerate(special) if not s), len(ids))
    last = next((i for i in range(len(ids), first, -1) if not special[i - 1]), first)
    if first == last:  # no content: a lone run of special tokens is all prefix
        first = last = len(ids)
    spans = _trim(text, np.array(offsets[first:last], dtype=np.int64).reshape(-1, 2))
    content = np.array(ids[first:last], dtype=np.int64)
    inner = np.array(special[first:last], dtype=bool)
    return Encoding(content, spans[:, 0], spans[:, 1], tuple(ids[:first]), tuple(ids[last:]), inner)


def _trim(text: str, spans: Int[np.ndarray, "tokens 2"]) -> Int[np.ndarray, "tokens 2"]:
    """Offsets without leading white space, as byte-level tokenizers differ in counting it; all-white tokens stay."""
    if not text:
        return spans
    characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    places = np.arange(len(characters) + 1)
    places[:-1][_IS_WHITE[characters]] = len(characters)
    solid = np.minimum.accumulate(places[::-1])[::-1]  # from each character the next that is no white space
    start = solid[spans[:, 0]]
    return np.stack([np.where(start < spans[:, 1], start, spans[:, 0]), spans[:, 1]], axis=1)


def unit_tokens(encoding: Encoding, start: int, end: int) -> Int[np.ndarray, " some"]:
    """Indices of the content tokens that share a character with `start`:`end`, in order."""
    shares = (encoding.start < end) & (encoding.end > start) & (encoding.end > encoding.start) & (end > start)
    return np.flatnonzero(shares)


def shared_tokens(encoding: Encoding, spans: Sequence[Span]) -> Bool[np.ndarray, " tokens"]:
    """Which content tokens overlap more than one labelled unit (spans in order, not overlapping)."""
    solid = [s for s in spans if s.end > s.start]
    starts = np.array([s.start for s in solid], dtype=np.int64)
    ends = np.array([s.end for s in solid], dtype=np.int64)
    begun = np.searchsorted(starts, encoding.end, side="left")
    over = np.searchsorted(ends, encoding.start, side="right")
    shared: Bool[np.ndarray, " tokens"] = (begun - over > 1) & (encoding.end > encoding.start)
    return shared
