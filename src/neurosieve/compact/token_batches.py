"""Windows of a reader → padded batches for a network. Needs no torch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from neurosieve.compact.compact_spec import CompactSpec
from neurosieve.compact.unit_reader import UnitTokens


@dataclass(frozen=True)
class TokenBatch:
    """Windows of about one length side by side.

    Attributes:
        ids: Shape [windows, tokens].
        mask: 1 where there is a token, shape [windows, tokens].
        types: 1 in the second text of a pair, shape [windows, tokens]; None where no window has two.
        tokens: Which of the reader's tokens stand in them, shape [some].
        row: Row of each of these, shape [some].
        place: Its place in the row, shape [some].
    """

    ids: Int[np.ndarray, "windows tokens"]
    mask: Int[np.ndarray, "windows tokens"]
    types: Int[np.ndarray, "windows tokens"] | None
    tokens: Int[np.ndarray, " some"]
    row: Int[np.ndarray, " some"]
    place: Int[np.ndarray, " some"]


def token_batches(read: UnitTokens, spec: CompactSpec, budget: int) -> Iterator[TokenBatch]:
    """Windows that hold units, shortest first, up to `budget` padded tokens a batch."""
    first = np.searchsorted(read.window, np.arange(len(read.second) + 1))
    in_order = bool((read.window[1:] >= read.window[:-1]).all())
    for windows in _parts(read, budget):
        ids, mask, types, offset = _padded(read, windows, spec)
        if in_order:
            tokens = np.concatenate([np.arange(first[w], first[w + 1]) for w in windows])
        else:
            tokens = np.flatnonzero(np.isin(read.window, windows))
        row = np.empty(len(read.second), dtype=np.int64)
        row[windows] = np.arange(len(windows))
        rows = row[read.window[tokens]]
        yield TokenBatch(ids, mask, types, tokens, rows, read.place[tokens] + offset[rows])


def _parts(read: UnitTokens, budget: int) -> Iterator[Int[np.ndarray, " windows"]]:
    """Windows that hold units, shortest first, up to `budget` padded tokens a batch."""
    lengths = np.diff(read.begin)
    wanted = np.unique(read.window)
    ordered = wanted[np.argsort(lengths[wanted], kind="stable")]
    begin = 0
    while begin < len(ordered):
        most = budget // max(int(lengths[ordered[begin]]), 1)  # as if all were as short as the first
        longest = lengths[ordered[begin : begin + max(1, most)]]
        padded = longest * np.arange(1, len(longest) + 1)
        size = max(1, int(np.searchsorted(padded, budget, side="right")))
        yield ordered[begin : begin + size]
        begin += size


def _padded(
    read: UnitTokens, windows: Int[np.ndarray, " windows"], spec: CompactSpec
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
    """Ids, mask, token types (None where no window has two texts), and where each window's first token is."""
    length = np.diff(read.begin)[windows]
    longest = int(length.max())
    place = np.arange(longest)[None, :]
    offset = longest - length if spec.padding_side == "left" else np.zeros(len(windows), dtype=np.int64)
    inner = place - offset[:, None]
    mask = (inner >= 0) & (inner < length[:, None])
    ids = np.where(mask, read.ids[np.where(mask, read.begin[windows][:, None] + inner, 0)], spec.pad_id)
    second = read.second[windows][:, None]
    types = mask & (second >= 0) & (inner >= second)
    return ids, mask.astype(np.int64), types.astype(np.int64) if spec.types and types.any() else None, offset
