"""Part of a tokenizer's vocabulary: the rows that a model keeps of its embeddings or table. Needs NumPy alone."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int
from safetensors.numpy import save_file

from neurosieve.compact.compact_spec import read_tensors
from neurosieve.typing import PathLike

VOCABULARY = "vocabulary.safetensors"
_FIRST = 100  # pad ids below this stay as they are: some families count positions from the pad id


@dataclass(frozen=True)
class Vocabulary:
    """Tokens that have a row of their own; all others share one.

    Attributes:
        kept: Their ids, ascending, shape [rows].
        size: Ids of the tokenizer.
        unknown: Row of all other tokens: the unknown token's, or one more behind the others, which is their mean.
    """

    kept: Int[np.ndarray, " rows"]
    size: int
    unknown: int

    @staticmethod
    def of(seen: Collection[int], special: Collection[int], unknown: int | None, pad: int, size: int) -> "Vocabulary":
        """Tokens that were seen, and special ones.

        Args:
            seen: Ids.
            special: Ids of special tokens.
            unknown: Id of the unknown token; None where the tokenizer has none.
            pad: Id of the pad token.
            size: Rows of the whole embeddings.
        """
        first = range(pad + 1) if pad < _FIRST else (pad,)
        named = {*seen, *special, *first} | ({unknown} if unknown is not None else set())
        kept = np.array(sorted(i for i in named if i < size), dtype=np.int64)
        row = len(kept) if unknown is None else int(np.searchsorted(kept, unknown))
        return Vocabulary(kept, size, row)

    @property
    def mean_row(self) -> bool:
        """There is a row more, the mean of the others."""
        return self.unknown == len(self.kept)

    @cached_property
    def row(self) -> Int[np.ndarray, " size"]:
        """The row of each id."""
        found = np.full(self.size, self.unknown, dtype=np.int64)
        found[self.kept] = np.arange(len(self.kept))
        return found

    def unseen(self, ids: Int[np.ndarray, " tokens"]) -> int:
        """How many of some tokens have no row of their own."""
        return int((~np.isin(ids, self.kept)).sum())

    def save(self, folder: Path) -> None:
        """Write the file."""
        known = np.array([self.size, self.unknown], dtype=np.int32)
        save_file({"kept": self.kept.astype(np.int32), "known": known}, folder / VOCABULARY)

    @staticmethod
    def load(folder: PathLike) -> "Vocabulary":
        """Read it.

        Raises:
            StoreError: It is damaged.
        """

        def made(*, kept: np.ndarray, known: np.ndarray) -> Vocabulary:
            return Vocabulary(kept.astype(np.int64), int(known[0]), int(known[1]))

        return read_tensors(folder, VOCABULARY, made)
