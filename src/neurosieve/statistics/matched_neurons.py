"""Which neurons of two networks go together on the same units, and how well they do by chance.

A match is sought on one sample of units (largest |r| over all of the other's neurons, in any layer) and correlated on
another, so that the choice does not flatter it. Numbers of neurons play no part. Chance is a copy of the other network
whose layers are rotated at random: it spans the same space and has none of its neurons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

_SMALLEST = 1e-12


@dataclass(frozen=True)
class Matches:
    """For each of a network's neurons the other's that goes with it best.

    Attributes:
        column: Of the other's neuron, shape [neurons].
        sign: Of their correlation on the units on which they were sought, shape [neurons].
    """

    column: Int[np.ndarray, " neurons"]
    sign: Float[np.ndarray, " neurons"]


def best_matches(a: Float[Tensor, "rows neurons"], b: Float[Tensor, "rows others"]) -> Matches:
    """The other's neuron with the largest |r|, of equal ones the first.

    Cost: rows × neurons × others.
    """
    r = standard(a).T @ standard(b)
    column = r.abs().argmax(1)
    sign = r.gather(1, column[:, None])[:, 0].sign()
    return Matches(column.numpy(), torch.where(sign == 0, 1.0, sign).double().numpy())


def standard(values: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Columns of mean 0 and length 1; what does not vary is 0."""
    centred = values.float() - values.float().mean(0)
    length = centred.square().sum(0).sqrt()
    return centred / torch.where(length > _SMALLEST, length, 1.0)


def correlated(
    a: Float[Tensor, "rows neurons"], b: Float[Tensor, "rows neurons"], rows: Int[np.ndarray, " some"] | None = None
) -> Float[np.ndarray, " neurons"]:
    """Correlation of each column with the other's column of the same place, on some rows or on all."""
    if rows is not None:
        chosen = torch.from_numpy(rows)
        a, b = a[chosen], b[chosen]
    found: Float[np.ndarray, " neurons"] = (standard(a) * standard(b)).sum(0).double().numpy()
    return found


def rotations(widths: Sequence[int], seed: int) -> list[Float[Tensor, "width width"]]:
    """An orthogonal matrix for each width, uniformly drawn (Haar) by seed."""
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for width in widths:
        q, r = torch.linalg.qr(torch.randn(width, width, generator=generator))
        drawn.append(q * torch.diagonal(r).sign())
    return drawn


def rotated(
    values: Float[Tensor, "rows columns"], blocks: Sequence[slice], matrices: Sequence[Float[Tensor, "width width"]]
) -> Float[Tensor, "rows columns"]:
    """Each layer's columns rotated by a matrix of its own."""
    return torch.cat([values[:, block] @ matrix for block, matrix in zip(blocks, matrices, strict=True)], 1)
