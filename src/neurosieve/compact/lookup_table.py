"""Form `table`: layer 0 and a head on it as one table over the vocabulary. Running it needs NumPy alone.

    kind     what layer 0 of a token is              logits of a token
    token    its embedding, whatever is around it   values[id] + bias
    sum      word + position                         values[id] + position[place] + bias
    norm     norm(word + position)                   (values[id] + position[place]) / scale(id, place) + bias

The scale of a norm is that of word + position: the squares of both are tables, and so are the factors of their product,
which are as wide as the embeddings. Where that is small, all components are kept, and the table is exact as the other
kinds are; else the largest ones are, and what this changes is measured when it is exported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from neurosieve.compact.compact_spec import read_tensors, write_tensors
from neurosieve.compact.linear_head import Head
from neurosieve.compact.unit_reader import UnitTokens
from neurosieve.typing import PathLike

TABLE = "table.safetensors"
Array = Float[np.ndarray, "..."]


@dataclass(frozen=True)
class LookupTable:
    """A table and what goes with it; see above.

    Attributes:
        values: Shape [vocabulary, outputs].
        bias: Shape [outputs].
        position: Shape [positions, outputs]; None in the kind `token`.
        square: Mean square of each word, with the norm's epsilon, shape [vocabulary]; None in other kinds than `norm`.
        square_position: Of each position, shape [positions].
        word_part: Components of twice their mean product, of words, shape [vocabulary, components].
        position_part: Of positions, shape [positions, components].
    """

    values: Float[np.ndarray, "vocabulary outputs"]
    bias: Float[np.ndarray, " outputs"]
    position: Float[np.ndarray, "positions outputs"] | None = None
    square: Float[np.ndarray, " vocabulary"] | None = None
    square_position: Float[np.ndarray, " positions"] | None = None
    word_part: Float[np.ndarray, "vocabulary components"] | None = None
    position_part: Float[np.ndarray, "positions components"] | None = None

    def _arrays(self) -> Mapping[str, Array]:
        return {name: array for name, array in vars(self).items() if array is not None}

    def token_values(self, read: UnitTokens) -> Float[np.ndarray, "tokens outputs"]:
        """Logits of each token of a unit."""
        ids, place = read.ids[read.begin[read.window] + read.place], read.place
        found: np.ndarray = self.values[ids]
        if self.position is not None:
            found = found + self.position[place]
        if self.square is not None:
            assert self.square_position is not None and self.word_part is not None and self.position_part is not None  # noqa: S101, PT018
            square: np.ndarray = self.square[ids] + self.square_position[place]
            square = square + np.einsum("tc,tc->t", self.word_part[ids], self.position_part[place])
            found = found / np.sqrt(np.maximum(square, 1e-12))[:, None]
        return np.asarray(found + self.bias)

    def behind(self, head: Head) -> "LookupTable":
        """The table of another head that reads this one's logits."""
        weight = head.weight.astype(np.float64)
        position = None if self.position is None else (self.position @ weight).astype(np.float32)
        values, bias = (self.values @ weight).astype(np.float32), (self.bias @ weight + head.bias).astype(np.float32)
        return replace(self, values=values, bias=bias, position=position)

    def save(self, folder: Path) -> None:
        """Write the file."""
        write_tensors(folder, TABLE, self._arrays())

    @staticmethod
    def load(folder: PathLike) -> "LookupTable":
        """Read it.

        Raises:
            StoreError: It is damaged.
        """
        return read_tensors(folder, TABLE, LookupTable)
