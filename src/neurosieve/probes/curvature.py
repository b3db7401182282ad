"""The Hessian of the softmax loss on a working set of coordinates, kept and extended from step to step.

For coordinates i = (neuron, class c) and j = (neuron', class d) it is the mean over rows of
x_neuron · p_c (δ_cd − p_d) · x_neuron'. Intercepts come first, as coordinates of a neuron −1 whose feature is one.

A step needs a good direction, not an exact one, so that a sample of the rows will do (Byrd, Chin, Neveitt & Nocedal
2011, "On the use of stochastic Hessian information"). A row whose class is all but settled adds next to nothing: rows
are drawn in proportion to what they add, and weigh the more the seldomer they are drawn, so that the sum is that of all
rows on average.

The price is a dense matrix of the working set's size squared (300 MB at most); beyond `dense_limit` its product is
applied instead, at the price of reading the set's features twice.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

DENSE_LEAST, DENSE_MOST = 500, 8500
# Entries of a matrix that are worth one multiplication of the applied product: reading one goes three times faster.
ENTRIES = 1.2
CHUNK = 2048
STRIPES = 8  # of a symmetric matrix, each computed up to the diagonal
SMALL = 5e7  # multiplications in each of the two products
LEAST_ROWS = 2000
ROWS = 16.0  # drawn for each coordinate of a class


def dense_limit(x: Float[Tensor, "neurons rows"], classes: int) -> int:
    """The largest working set on which a formed Hessian is the cheaper way."""
    return int(min(max((ENTRIES * x.numel() * classes) ** 0.5, DENSE_LEAST), DENSE_MOST))


@dataclass(frozen=True)
class Rows:
    """Rows that stand for all.

    Attributes:
        index: Their numbers, shape [drawn]; None for all rows.
        root: Root of the number of rows that each stands for, shape [drawn].
    """

    index: Int[Tensor, " drawn"] | None
    root: Float[Tensor, " drawn"]

    def columns(self, x: Float[Tensor, "any rows"]) -> Float[Tensor, "any drawn"]:
        """The columns of these rows; without a copy where they are all."""
        return x if self.index is None else x.index_select(1, self.index)


def draw_rows(p: Float[Tensor, "classes rows"], count: float) -> Rows:
    """About `count` rows, in proportion to Σ p_c (1 − p_c); all of them where there are no more than that.

    Systematic sampling: rows stand side by side on a line, each as long as its share, and every full unit draws one. It
    needs no seed. A row whose share is one or more is drawn surely.
    """
    if count >= p.shape[1]:
        return Rows(None, p.new_ones(p.shape[1]))
    openness = (p * (1 - p)).sum(0).double() + 1e-9
    falling = openness.sort(descending=True).values
    others = falling.flip(0).cumsum(0).flip(0)  # of a row and those below it
    scale = (count - torch.arange(len(falling), device=p.device)) / others
    # The first row that is not sure, when all before it are, sets the scale.
    share = (openness * scale[(scale * falling < 1).nonzero()[0, 0]]).clamp_max(1.0)
    end = (share.cumsum(0) + 0.5).floor()
    index = torch.diff(end, prepend=end.new_zeros(1)).nonzero()[:, 0]
    return Rows(index, share[index].rsqrt().to(p))


class Features(NamedTuple):
    """Weighted features of the neurons of some coordinates.

    Attributes:
        values: Shape [some, drawn].
        place: Row of each coordinate in `values`, shape [coords].
    """

    values: Float[Tensor, "some drawn"]
    place: Int[Tensor, " coords"]

    @staticmethod
    def of(x: Tensor, code: Tensor, classes: int, rows: Rows) -> "Features":
        """Of the neurons of some coordinates; the intercept's are ones."""
        neuron, place = torch.unique(code // classes - 1, return_inverse=True)
        values = rows.columns(x.index_select(0, neuron.clamp_min(0)))
        values[neuron < 0] = 1
        return Features(values.mul_(rows.root), place)

    def at(self, coords: Tensor, part: slice = slice(None)) -> Tensor:
        """Those of some coordinates, one each."""
        return self.values[:, part].index_select(0, self.place[coords])


@dataclass(frozen=True)
class Curvature:
    """The Hessian at some probabilities, on some coordinates.

    Attributes:
        code: (neuron + 1) · classes + class of each coordinate, ascending, intercepts first, shape [coords].
        rows: What it was formed on.
        p: Probabilities of these rows that it was formed at, shape [classes, drawn].
        total: How many rows these stand for.
        matrix: Shape [coords, coords]; None beyond `dense_limit`.
        features: What takes its place there.
    """

    code: Int[Tensor, " coords"]
    rows: Rows
    p: Float[Tensor, "classes drawn"]
    total: int
    matrix: Float[Tensor, "coords coords"] | None
    features: Features | None
    serves = 0.2  # up to this share of the violation left by a step it serves again
    enter = 0.1  # coordinates enter whose violation is at least this share of the largest

    @property
    def classes(self) -> int:
        """How many classes there are; one stands for two."""
        return len(self.p)

    @property
    def whole(self) -> bool:
        """Whether it was formed on all rows."""
        return self.rows.index is None

    @property
    def coords(self) -> tuple[Int[Tensor, " some"], Int[Tensor, " some"]]:
        """Neurons and classes, without the intercepts."""
        code = self.code[len(self.p) :]
        return code // len(self.p) - 1, code % len(self.p)

    @property
    def cls(self) -> Int[Tensor, " coords"]:
        """Class of each coordinate."""
        return self.code % len(self.p)

    def apply(self, v: Float[Tensor, " coords"]) -> Float[Tensor, " coords"]:
        """Its product with a vector in the order of `code`."""
        if self.matrix is not None:
            return self.matrix @ v
        x, cell = self._features.values, self._features.place * len(self.p) + self.cls
        weights = v.new_zeros(len(x) * len(self.p)).index_copy_(0, cell, v).view(-1, len(self.p))
        u = weights.T @ x
        u = self.p * (u - (self.p * u).sum(0)) / self.total
        return (x @ u.T).view(-1).index_select(0, cell)

    def block(self, some: Int[Tensor, " some"]) -> Float[Tensor, "some some"]:
        """The Hessian among some coordinates of one class."""
        if self.matrix is not None:
            return self.matrix.index_select(0, some).index_select(1, some)
        p = self.p[int(self.cls[some[0]])]
        weighted = self._features.at(some).mul_((p * (1 - p) / self.total).sqrt())
        return weighted @ weighted.T

    @property
    def _features(self) -> Features:
        assert self.features is not None  # noqa: S101 - for the type checker
        return self.features

    @cached_property
    def largest(self) -> float:
        """About its largest eigenvalue, from below."""
        # A fixed irregular start: adding one constant to all classes is in its null space, so ones would not do.
        v = torch.cos(torch.arange(1, len(self.code) + 1, dtype=self.p.dtype, device=self.p.device) ** 2)
        norm = v.new_zeros(())
        for _ in range(20):
            v = self.apply(v)
            norm = torch.linalg.vector_norm(v)
            v = v / norm.clamp_min(1e-30)
        return float(norm)


def curvature_at(
    x: Float[Tensor, "neurons rows"],
    coords: tuple[Int[Tensor, " some"], Int[Tensor, " some"]],
    p: Float[Tensor, "classes rows"],
    old: Curvature | None = None,
    count: float = float("inf"),
) -> Curvature:
    """The Hessian on `coords` (neurons and classes, ascending) and the intercepts.

    Args:
        x: Features.
        coords: The working set.
        p: Probabilities now; passed over where `old` is given.
        old: A Hessian of the same features in the same order: its entries, its rows and its probabilities are taken
            over, and only what is missing is computed.
        count: About so many rows are drawn.
    """
    classes = len(p)
    neuron, cls = coords
    code = torch.cat([torch.arange(classes, device=p.device), (neuron + 1) * classes + cls])
    if old is not None and torch.equal(old.code, code):
        return old
    dense = len(code) <= dense_limit(x, classes)
    if old is None or not dense or old.matrix is None:
        rows = draw_rows(p, count)
        old, at = None, rows.columns(p)
    else:
        rows, at = old.rows, old.p
    features = Features.of(x, code, classes, rows)
    if not dense:
        return Curvature(code, rows, at, x.shape[1], None, features)
    every = torch.arange(len(code), device=p.device)
    if old is None or old.matrix is None:
        matrix, known, missing = p.new_empty(len(code), len(code)), every[:0], every
    else:
        place = torch.searchsorted(old.code, code).clamp_max(len(old.code) - 1)
        found = old.code[place] == code
        known, missing = every[found], every[~found]
        # Entries of missing coordinates are overwritten below.
        matrix = old.matrix.index_select(0, place).index_select(1, place)
    _fill(matrix, features, code % classes, known, missing, at, x.shape[1])
    return Curvature(code, rows, at, x.shape[1], matrix, None)


def _fill(
    matrix: Tensor, features: Features, cls: Tensor, known: Tensor, missing: Tensor, p: Tensor, total: int
) -> None:
    """Compute the rows and columns of the missing coordinates.

    Both parts are sorted by class, and each class of the missing ones meets only what comes before it, so that
    symmetry saves half. Rows go in chunks that stay in the cache: moving the features costs more than multiplying them.
    """
    classes, rows = p.shape
    if len(missing) * len(cls) * rows <= SMALL:
        _fill_small(matrix, features, cls, missing, p, total)
        return
    if classes == 1 and not len(known):
        _fill_one(matrix, features, p, total)
        return
    known, missing = (part[cls[part].argsort(stable=True)] for part in (known, missing))
    order = torch.cat([known, missing])
    cls = cls[order]
    old_ends = [int((cls[: len(known)] < c).sum()) for c in range(classes + 1)]
    new_ends = [len(known) + int((cls[len(known) :] < c).sum()) for c in range(classes + 1)]
    blocks = [matrix.new_zeros(new_ends[c + 1] - new_ends[c], new_ends[c + 1]) for c in range(classes)]
    for begin in range(0, rows, CHUNK):
        part = slice(begin, begin + CHUNK)
        plain = features.at(order, part)
        weighted = plain * p[:, part].index_select(0, cls)
        for c, block in enumerate(blocks):
            mine = weighted[new_ends[c] : new_ends[c + 1]]
            block.addmm_(mine, weighted[: new_ends[c + 1]].T, alpha=-1)
            for a, b in ((old_ends[c], old_ends[c + 1]), (new_ends[c], new_ends[c + 1])):
                block[:, a:b].addmm_(mine, plain[a:b].T)
    for c, block in enumerate(blocks):
        piece, before = order[new_ends[c] : new_ends[c + 1]], order[: new_ends[c + 1]]
        matrix[piece[:, None], before] = block / total
        matrix[before[:, None], piece] = block.T / total


def _fill_one(matrix: Tensor, features: Features, p: Tensor, total: int) -> None:
    """All of it for one output: one product of features weighted by the root of p(1 − p), half of it by symmetry."""
    root = (p[0] * (1 - p[0]) / total).sqrt()
    matrix.zero_()
    bounds = [len(matrix) * i // STRIPES for i in range(STRIPES + 1)]
    for begin in range(0, p.shape[1], CHUNK):
        part = slice(begin, begin + CHUNK)
        weighted = features.values[:, part] * root[part]  # of one output each neuron is one coordinate
        for a, b in itertools.pairwise(bounds):
            matrix[a:b, :b].addmm_(weighted[a:b], weighted[:b].T)
    for a, b in itertools.pairwise(bounds):
        matrix[:a, a:b] = matrix[a:b, :a].T


def _fill_small(matrix: Tensor, features: Features, cls: Tensor, missing: Tensor, p: Tensor, total: int) -> None:
    """The same in few calls: small problems spend their time on these, not on products that are then masked."""
    if len(p) == 1:  # of one output each neuron is one coordinate
        block = (features.at(missing) * (p[0] * (1 - p[0]) / total)) @ features.values.T
        matrix[missing], matrix[:, missing] = block, block.T
        return
    plain = features.at(torch.arange(len(cls), device=cls.device))
    weighted = plain * p.index_select(0, cls)
    mine = weighted.index_select(0, missing)
    same = cls[missing][:, None] == cls
    block = (torch.where(same, mine @ plain.T, 0.0) - mine @ weighted.T) / total
    matrix[missing] = block
    matrix[:, missing] = block.T
