"""The Hessian of the softmax loss on a working set of coordinates, kept and extended from step to step.

For coordinates i = (neuron, class c) and j = (neuron', class d) it is the mean over rows of
x_neuron · p_c (δ_cd − p_d) · x_neuron'. Intercepts come first, as coordinates of a neuron −1 whose feature is one.
The price is a dense matrix of the working set's size squared (300 MB at most); beyond `dense_limit` its product is
applied instead, at the price of reading the set's features twice: with few rows that is soon the cheaper way.
Leaving out rows whose class is all but settled was tried: at p > 0.999 it saves a seventh of the time, at 0.99 the
steps become ten times as many.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

DENSE_LEAST, DENSE_MOST = 500, 8500
# Entries of a matrix that are worth one multiplication of the applied product. Reading one goes three times faster, but
# a formed matrix alone lets the support be solved at once.
ENTRIES = 1.2
CHUNK = 2048
STRIPES = 8  # of a symmetric matrix, each computed up to the diagonal
SMALL = 5e7  # multiplications in each of the two products

Matvec = Callable[[Tensor], Tensor]


def dense_limit(x: Float[Tensor, "neurons rows"], classes: int) -> int:
    """The largest working set on which a formed Hessian is the cheaper way."""
    return int(min(max((ENTRIES * x.numel() * classes) ** 0.5, DENSE_LEAST), DENSE_MOST))


@dataclass(frozen=True)
class Curvature:
    """The Hessian at some probabilities, on some coordinates.

    Attributes:
        code: (neuron + 1) · classes + class of each coordinate, ascending, intercepts first, shape [coords].
        p: Probabilities that it was formed at, shape [classes, rows].
        matrix: Shape [coords, coords]; None beyond `dense_limit`.
        apply: Its product with a vector in the order of `code`.
        largest: About its largest eigenvalue, from below.
    """

    code: Int[Tensor, " coords"]
    p: Float[Tensor, "classes rows"]
    matrix: Float[Tensor, "coords coords"] | None
    apply: Matvec
    largest: float

    @property
    def coords(self) -> tuple[Int[Tensor, " some"], Int[Tensor, " some"]]:
        """Neurons and classes, without the intercepts."""
        code = self.code[len(self.p) :]
        return code // len(self.p) - 1, code % len(self.p)


def curvature_at(
    x: Float[Tensor, "neurons rows"],
    coords: tuple[Int[Tensor, " some"], Int[Tensor, " some"]],
    p: Float[Tensor, "classes rows"],
    old: Curvature | None = None,
) -> Curvature:
    """The Hessian on `coords` (neurons and classes, ascending) and the intercepts.

    Args:
        x: Features.
        coords: The working set.
        p: Probabilities now; passed over where `old` is given.
        old: A Hessian of the same features in the same order: its entries and its probabilities are taken over, and
            only what is missing is computed.
    """
    classes = len(p)
    neuron, cls = coords
    code = torch.cat([torch.arange(classes, device=p.device), (neuron + 1) * classes + cls])
    if old is not None and torch.equal(old.code, code):
        return old
    if len(code) > dense_limit(x, classes):
        return _curvature(code, p, None, _applied(x, code, p))
    if old is None or old.matrix is None:
        matrix, missing, at = p.new_empty(len(code), len(code)), torch.arange(len(code), device=p.device), p
        known = missing[:0]
    else:
        place = torch.searchsorted(old.code, code).clamp_max(len(old.code) - 1)
        found = old.code[place] == code
        known, missing, at = found.nonzero()[:, 0], (~found).nonzero()[:, 0], old.p
        matrix = old.matrix.index_select(0, place).index_select(
            1, place
        )  # entries of missing coordinates are overwritten below
    _fill(matrix, x, code, known, missing, at)
    return _curvature(code, at, matrix, matrix.__matmul__)


def _curvature(code: Tensor, p: Tensor, matrix: Tensor | None, apply: Matvec) -> Curvature:
    # A fixed irregular start: adding one constant to all classes is in the Hessian's null space, so ones would not do.
    v = torch.cos(torch.arange(1, len(code) + 1, dtype=p.dtype, device=p.device) ** 2)
    largest = v.new_zeros(())
    for _ in range(20):
        v = apply(v)
        largest = torch.linalg.vector_norm(v)
        v = v / largest.clamp_min(1e-30)
    return Curvature(code, p, matrix, apply, float(largest))


def _fill(matrix: Tensor, x: Tensor, code: Tensor, known: Tensor, missing: Tensor, p: Tensor) -> None:
    """Compute the rows and columns of the missing coordinates.

    Both parts are sorted by class, and each class of the missing ones meets only what stands before it, so that
    symmetry saves half. Rows go in chunks that stay in the cache: moving the features costs more than multiplying them.
    """
    classes, rows = p.shape
    if len(missing) * len(code) * rows <= SMALL:
        _fill_small(matrix, x, code, missing, p)
        return
    if classes == 1 and not len(known):
        _fill_one(matrix, x, code, p)
        return
    known, missing = (part[(code[part] % classes).argsort(stable=True)] for part in (known, missing))
    order = torch.cat([known, missing])
    cls, neuron = code[order] % classes, code[order] // classes - 1
    old_ends = [len(known[cls[: len(known)] < c]) for c in range(classes + 1)]
    new_ends = [len(known) + int((cls[len(known) :] < c).sum()) for c in range(classes + 1)]
    blocks = [matrix.new_zeros(new_ends[c + 1] - new_ends[c], new_ends[c + 1]) for c in range(classes)]
    for begin in range(0, rows, CHUNK):
        part = slice(begin, begin + CHUNK)
        plain = x[:, part].index_select(0, neuron.clamp_min(0))
        plain[neuron < 0] = 1
        weighted = plain * p[:, part].index_select(0, cls)
        for c, block in enumerate(blocks):
            mine = weighted[new_ends[c] : new_ends[c + 1]]
            block.addmm_(mine, weighted[: new_ends[c + 1]].T, alpha=-1)
            for a, b in ((old_ends[c], old_ends[c + 1]), (new_ends[c], new_ends[c + 1])):
                block[:, a:b].addmm_(mine, plain[a:b].T)
    for c, block in enumerate(blocks):
        piece, before = order[new_ends[c] : new_ends[c + 1]], order[: new_ends[c + 1]]
        matrix[piece[:, None], before] = block / rows
        matrix[before[:, None], piece] = block.T / rows


def _fill_one(matrix: Tensor, x: Tensor, code: Tensor, p: Tensor) -> None:
    """All of it for one output: one product of features weighted by the root of p(1 − p), half of it by symmetry."""
    root = (p[0] * (1 - p[0]) / p.shape[1]).sqrt()
    matrix.zero_()
    bounds = [len(code) * i // STRIPES for i in range(STRIPES + 1)]
    for begin in range(0, p.shape[1], CHUNK):
        part = slice(begin, begin + CHUNK)
        weighted = x[:, part].index_select(0, (code - 1).clamp_min(0)) * root[part]
        weighted[code == 0] = root[part]
        for a, b in itertools.pairwise(bounds):
            matrix[a:b, :b].addmm_(weighted[a:b], weighted[:b].T)
    for a, b in itertools.pairwise(bounds):
        matrix[:a, a:b] = matrix[a:b, :a].T


def _fill_small(matrix: Tensor, x: Tensor, code: Tensor, missing: Tensor, p: Tensor) -> None:
    """The same in few calls: small problems spend their time on these, not on products that are then masked."""
    cls, neuron = code % len(p), code // len(p) - 1
    plain = x.index_select(0, neuron.clamp_min(0))
    plain[neuron < 0] = 1
    weighted = plain * p.index_select(0, cls)
    mine = weighted.index_select(0, missing)
    same = cls[missing][:, None] == cls
    block = (torch.where(same, mine @ plain.T, 0.0) - mine @ weighted.T) / p.shape[1]
    matrix[missing] = block
    matrix[:, missing] = block.T


def _applied(x: Tensor, code: Tensor, p: Tensor) -> Matvec:
    """The product by way of the rows; each neuron's features are held once, whatever its classes."""
    classes, rows = p.shape
    neuron, place = torch.unique(code // classes - 1, return_inverse=True)
    features = x.index_select(0, neuron.clamp_min(0))
    features[neuron < 0] = 1
    cell = place * classes + code % classes

    def product(v: Tensor) -> Tensor:
        weights = v.new_zeros(len(neuron) * classes).index_copy_(0, cell, v).view(-1, classes)
        u = weights.T @ features
        u = p * (u - (p * u).sum(0)) / rows
        return (features @ u.T).view(-1).index_select(0, cell)

    return product
