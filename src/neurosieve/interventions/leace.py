"""Least-squares concept erasure (LEACE): the least change of a layer after which no linear probe finds a concept.

Source: Belrose et al. 2023, arXiv 2306.03819, Theorem 4.2 and equation 1: with W a whitening such as (Σ_xx^½)⁺ and P
the orthogonal projection onto the columns of W Σ_xz, x becomes x − W⁺ P W (x − E x). Then x and the labels z have no
covariance left, which is just when the best linear predictor of z is a constant, and of all affine maps that do so it
moves x least, in the mean square of every inner product.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import logsumexp
from torch import Tensor

from neurosieve.errors import DataError
from neurosieve.probes.archive import Archive
from neurosieve.statistics import MomentAccumulator

# A correlation with the labels of less is rounding.
_CORRELATED = 1e-7
# So is a variance below that share of the largest, of neurons at unit variance: a layer norm's output would vary in one
# direction fewer than it has neurons, were it not for the rounding of float32.
_VARIES = 1e-9
# Of random directions that are to move rows as far as others: within this factor, in so many tries each; and the
# steepest that draws lean to directions of large or of small variance.
_NEAR, _TRIES, _STEEPEST = 1.5, 50, 20.0


@dataclass(frozen=True, eq=False)
class Eraser:
    """The map x − left · right · (x − mean) of a layer's rows.

    Attributes:
        mean: Train mean, shape [width].
        left: W⁺ U, shape [width, rank], where the columns of U are an orthonormal basis of what P keeps.
        right: Uᵀ W, shape [rank, width].
        rows: Train rows that it was fitted on.
    """

    mean: Float[Tensor, " width"]
    left: Float[Tensor, "width rank"]
    right: Float[Tensor, "rank width"]
    rows: int

    @property
    def rank(self) -> int:
        """How many directions are taken away; at most the classes less one."""
        return self.left.shape[1]

    @property
    def moved(self) -> float:
        """By how much train rows are moved: the mean square, since what `right` gives of them is white."""
        return float((self.left.double() ** 2).sum())

    def apply(self, values: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        """The rows without the concept, in their own dtype; computed in float32 at least, in 4 · width · rank steps."""
        dtype = torch.promote_types(values.dtype, torch.float32)
        x = values.to(dtype)
        part = (x - self.mean.to(dtype)) @ self.right.T.to(dtype)
        return (x - part @ self.left.T.to(dtype)).to(values.dtype)

    def to(self, device: torch.device) -> "Eraser":
        """The same on another device."""
        return replace(self, mean=self.mean.to(device), left=self.left.to(device), right=self.right.to(device))

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        return Archive({"rows": self.rows}, tensors={"mean": self.mean, "left": self.left, "right": self.right})

    @staticmethod
    def from_archive(archive: Archive) -> "Eraser":
        """What `archive` returned, as an object again."""
        tensors: dict[str, Any] = {key: archive.tensors[key] for key in ("mean", "left", "right")}
        return Eraser(**tensors, rows=archive.record["rows"])


class EraserFitter:
    """Sums over train rows from which erasers follow, streamed in float64; fitters `merge` to what one would hold.

    Time is 2 · rows · (width + classes)² operations and one eigendecomposition; memory one float64 matrix of that side.

    Args:
        width: Neurons of the layer.
        classes: How many classes there are.
        device: Where the sums are kept.
    """

    def __init__(self, width: int, classes: int, device: str | torch.device = "cpu") -> None:
        self.width, self.classes = width, classes
        # The labels as columns of one more layer: one pass gives Σ_xx and Σ_xz.
        columns = [(0, i) for i in range(width)] + [(1, c) for c in range(classes)]
        self._sums = MomentAccumulator(np.array(columns, dtype=np.int64), device)

    def update(self, values: Float[Tensor, "rows width"], label: Int[np.ndarray, " labels"]) -> None:
        """Add rows, which are not kept.

        Raises:
            DataError: Another width or number of labels, a class out of range, or values that are not finite; nothing
                was added then.
        """
        if len(label) != len(values) or (len(label) and not 0 <= label.min() <= label.max() < self.classes):
            raise DataError(
                "labels to erase",
                expected=f"one for each of {len(values)} rows, 0 to {self.classes - 1}",
                got=f"{len(label)}, {min(label, default=0)} to {max(label, default=0)}",
                remedy="pass the class numbers of the same rows",
            )
        one_hot = torch.nn.functional.one_hot(torch.from_numpy(label).to(values.device, torch.int64), self.classes)
        self._sums.update(torch.cat([values.detach().double(), one_hot.double()], 1))

    def merge(self, other: "EraserFitter") -> None:
        """Add all rows that another fitter has seen.

        Raises:
            DataError: Another width or other classes.
        """
        self._sums.merge(other._sums)

    def result(self) -> Eraser:
        """The eraser of the classes.

        Raises:
            DataError: Rows of fewer than two classes.
        """
        white, cross = self._solved()
        basis, size, _ = np.linalg.svd(cross, full_matrices=False)
        return white.eraser(basis[:, size > _CORRELATED], self._sums.count)

    def control(self, rank: int, seed: int, *, like: Eraser | None = None) -> Eraser:
        """An eraser of random directions, drawn evenly where the values are white: as many go, but not the concept.

        Args:
            rank: How many directions.
            seed: Of the draw.
            like: Another eraser of these rows. Directions are then drawn at right angles to its own, where the values
                are white, and such that rows are moved about as far (`Eraser.moved`), as closely as possible.

        Raises:
            DataError: As `result`; or the values vary in fewer directions.
        """
        return next(self.controls(rank, 1, seed, like=like))

    def controls(self, rank: int, draws: int, seed: int, *, like: Eraser | None = None) -> Iterator[Eraser]:
        """Such erasers of the seeds from `seed` on, with one eigendecomposition for all.

        Raises:
            DataError: As `control`.
        """
        white, cross = self._solved()
        most = len(cross) - (0 if like is None else like.rank)
        if not 0 < rank <= most:
            raise DataError("random eraser", expected=f"a rank of 1 to {most}", got=str(rank), remedy="choose another")
        wanted = None if like is None else like.moved
        axes = np.eye(most) if like is None else white.leaning(white.basis(like), like.moved / rank)
        for draw in range(draws):
            rng = np.random.default_rng(seed + draw)
            drawn = (axes @ rng.standard_normal((most, rank)) for _ in range(_TRIES if wanted else 1))
            yield _nearest((white.eraser(np.linalg.qr(some)[0], self._sums.count) for some in drawn), wanted)

    def _solved(self) -> "tuple[_Whitening, np.ndarray]":
        """The whitening of the values, and their covariance when white with all classes but the last.

        That one follows from the others. Neurons and classes are brought to unit variance first: the eraser is the same
        for every whitening, and what is rounding does not depend on a few neurons of large variance then.
        """
        moments = self._sums.result()
        correlation, width = moments.correlation(), self.width
        alive = ~moments.dead()
        if alive[width:].sum() < 2:
            raise DataError(
                "concept to erase", expected="rows of two classes at least", got="fewer", remedy="pass more rows"
            )
        variance, axes = np.linalg.eigh(correlation[:width, :width])
        real = variance > _VARIES * variance[-1]
        spread, axes, scale = np.sqrt(variance[real]), axes[:, real], np.sqrt(moments.variance()[:width])
        inverse = np.divide(1.0, scale, out=np.zeros(width), where=alive[:width])
        back = scale[:, None] * alive[:width, None] * axes * spread
        there = (axes / spread).T
        return _Whitening(moments.mean()[:width], there * inverse, back), there @ correlation[:width, width:-1]


@dataclass(frozen=True)
class _Whitening:
    """The mean, W, and what brings white values back, W⁺."""

    mean: np.ndarray
    there: np.ndarray
    back: np.ndarray

    def basis(self, eraser: Eraser) -> np.ndarray:
        """The directions of the white values that an eraser of these rows takes away, shape [directions, rank]."""
        directions: np.ndarray = (eraser.right.numpy() @ self.back).T
        return directions

    def leaning(self, taken: np.ndarray, moved: float) -> np.ndarray:
        """Axes at right angles to `taken`, so long that random sums of them move rows by about `moved`.

        A direction u moves rows by uᵀMu with M = W⁺ᵀW⁺. Of M's eigenvalues λ among the others, axes as long as λ^t move
        rows by Σλ^(1 + 2t) / Σλ^2t about, which grows with t.
        """
        others = np.linalg.qr(np.hstack([taken, np.eye(len(taken))]))[0][:, taken.shape[1] :]
        part = self.back @ others
        size, axes = np.linalg.eigh(part.T @ part)
        size = np.log(np.maximum(size, size[-1] * 1e-12))
        low, high = -_STEEPEST, _STEEPEST
        for _ in range(60):
            t = (low + high) / 2
            too_little = logsumexp((1 + 2 * t) * size) - logsumexp(2 * t * size) < np.log(moved)
            low, high = (t, high) if too_little else (low, t)
        directions: np.ndarray = others @ (axes * np.exp(t * size - (t * size).max()))
        return directions

    def eraser(self, basis: np.ndarray, rows: int) -> Eraser:
        """The eraser of some directions of the white values."""
        parts = (self.mean, self.back @ basis, basis.T @ self.there)
        mean, left, right = (torch.from_numpy(np.ascontiguousarray(part)) for part in parts)
        return Eraser(mean, left, right, rows)


def _nearest(tries: Iterator[Eraser], moved: float | None) -> Eraser:
    """The first that moves rows by within `_NEAR` of so much, else the one that comes nearest."""
    nearest = []
    for eraser in tries:
        off = abs(np.log(eraser.moved / moved)) if moved else 0.0
        nearest.append((off, eraser))
        if off <= np.log(_NEAR):
            break
    return min(nearest, key=lambda pair: pair[0])[1]


def fit_eraser(values: Float[Tensor, "rows width"], label: Int[np.ndarray, " labels"], classes: int) -> Eraser:
    """The eraser of one matrix of train rows.

    Raises:
        DataError: As `EraserFitter`.
    """
    fitter = EraserFitter(values.shape[1], classes)
    fitter.update(values, label)
    return fitter.result()
