"""How like the layers of two networks are on the same units: debiased linear CKA from the units' inner products.

HSIC is the unbiased estimate of Song et al. 2012 (JMLR 13), as in `linear_cka`; here from the kernels K = XXᵀ and
L = YYᵀ themselves, since two networks share units and no neuron. CKA does not change when either side is rotated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import t as student
from torch import Tensor

from neurosieve.errors import DataError

FOLDS = 10
_MIN_ROWS = 4
_ROUNDING = 1e-6  # of float32 sums
_LEVEL = 0.975

Kernels = Float[Tensor, "layers rows rows"]


@dataclass(frozen=True)
class CrossCka:
    """CKA of each two layers of two networks.

    Attributes:
        value: Shape [layers a, layers b].
        low: Lower end of its 95 % interval; None for one cluster.
        high: Upper end.
        chance: What it is after each exchange of units, shape [draws, layers a, layers b].
    """

    value: Float[np.ndarray, "a b"]
    low: Float[np.ndarray, "a b"] | None
    high: Float[np.ndarray, "a b"] | None
    chance: Float[np.ndarray, "draws a b"]


def kernels(layers: Sequence[Float[Tensor, "rows columns"]]) -> Kernels:
    """Inner products of the units of each layer, about the layer's mean; the diagonal, which is not used, is 0."""
    made = []
    for values in layers:
        centred = values.float() - values.float().mean(0)
        kernel = centred @ centred.T
        made.append(kernel.fill_diagonal_(0))
    return torch.stack(made)


def cross_cka(
    a: Kernels,
    b: Kernels,
    group: np.ndarray,
    exchanges: Sequence[Int[np.ndarray, " rows"]] = (),
) -> CrossCka:
    """CKA of two networks' layers, its interval, and chance.

    The interval is that of the jackknife that leaves out one of 10 folds of clusters at a time (Student's t).

    Args:
        a: Kernels of the one.
        b: Of the other, on the same units.
        group: Cluster of each unit, shape [rows].
        exchanges: Orders of the other's units for the chance level.

    Raises:
        DataError: Fewer than 4 units.

    Cost: (folds + exchanges) × rows² × layers a × layers b.
    """
    if len(group) < _MIN_ROWS:
        remedy = "compare runs that hold more of the same units"
        raise DataError("CKA", expected=f"at least {_MIN_ROWS} units", got=str(len(group)), remedy=remedy)
    fold = folds(group)
    sides = _Sides.of(a, b, fold)
    value = sides.cka(None)
    left = [sides.cka(k) for k in range(int(fold.max()) + 1)]
    bounds = around(value, np.stack(left)) if len(left) > 1 else None
    scale = sides.scale(None)
    chance = [
        np.clip(_hsic(a, b[:, order][:, :, order]) * scale, -1.0, 1.0) for order in map(torch.from_numpy, exchanges)
    ]
    low, high = (None, None) if bounds is None else bounds
    return CrossCka(value, low, high, np.stack(chance) if chance else np.zeros((0, *value.shape)))


def around(value: np.ndarray, left: Float[np.ndarray, "folds ..."]) -> tuple[np.ndarray, np.ndarray]:
    """The jackknife's 95 % interval about a measure of all units, from those without one fold each."""
    count = len(left)
    half = float(student.ppf(_LEVEL, count - 1)) * np.sqrt((count - 1) * left.var(0))
    return value - half, value + half


def folds(group: np.ndarray, count: int = FOLDS) -> Int[np.ndarray, " rows"]:
    """Fold of each unit: clusters are dealt out one by one, the largest first, each to the smallest fold."""
    names, cluster = np.unique(group.astype(str), return_inverse=True)
    sizes = np.bincount(cluster)
    held, place = np.zeros(min(count, len(names)), dtype=np.int64), np.zeros(len(names), dtype=np.int64)
    for number in np.argsort(-sizes, kind="stable"):
        place[number] = int(held.argmin())
        held[place[number]] += sizes[number]
    return place[cluster]


def exchanged(text: np.ndarray, draws: int, seed: int, *, within: bool) -> list[Int[np.ndarray, " rows"]]:
    """Orders of units drawn by seed; `within` exchanges only units of the same text."""
    rng, count = np.random.default_rng(seed), len(text)
    if not within:
        return [rng.permutation(count) for _ in range(draws)]
    kind = np.unique([repr(one) for one in text], return_inverse=True)[1]
    sorted_rows = np.argsort(kind, kind="stable")
    orders = []
    for _ in range(draws):
        drawn = np.lexsort((rng.random(count), kind))
        order = np.empty(count, dtype=np.int64)
        order[sorted_rows] = drawn
        orders.append(order)
    return orders


@dataclass(frozen=True)
class _Sums:
    """What the HSIC of two networks' layers without any one fold of units is made of.

    Attributes:
        rows: Σ_j K_ij L_ij of each unit, shape [rows, layers, others].
        inside: Σ K_ij L_ij over the pairs of a fold, shape [folds, layers, others].
        a: Sums over each fold's units of the kernel's rows, shape [layers, rows, folds].
        b: Of the other's.
        fold: Of each unit, shape [rows].
    """

    rows: Float[np.ndarray, "rows a b"]
    inside: Float[np.ndarray, "folds a b"]
    a: Float[np.ndarray, "a rows folds"]
    b: Float[np.ndarray, "b rows folds"]
    fold: Int[np.ndarray, " rows"]

    @staticmethod
    def of(a: Kernels, b: Kernels, fold: Int[np.ndarray, " rows"]) -> "_Sums":
        held = torch.from_numpy(np.eye(int(fold.max()) + 1, dtype=np.float32)[fold])
        rows = torch.einsum("aij,bij->iab", a, b).double().numpy()
        inside = []
        for k in range(held.shape[1]):
            own = torch.from_numpy(np.flatnonzero(fold == k))
            block_a, block_b = (kernel[:, own][:, :, own].flatten(1) for kernel in (a, b))
            inside.append((block_a @ block_b.T).double().numpy())
        sums_a, sums_b = ((kernel @ held).double().numpy() for kernel in (a, b))
        return _Sums(rows, np.stack(inside), sums_a, sums_b, fold)

    def hsic(self, without: int | None) -> Float[np.ndarray, "a b"]:
        """n(n − 3) times the unbiased HSIC of each two layers, without a fold or of all units."""
        kept = np.ones(len(self.fold), dtype=bool) if without is None else self.fold != without
        product, sums_a, sums_b = self.rows.sum(0), self.a.sum(2), self.b.sum(2)
        if without is not None:
            product = product - 2 * self.rows[~kept].sum(0) + self.inside[without]
            sums_a, sums_b = sums_a - self.a[..., without], sums_b - self.b[..., without]
        return _unbiased(product, sums_a[:, kept], sums_b[:, kept])


@dataclass(frozen=True)
class _Sides:
    cross: _Sums
    a: "_Own"
    b: "_Own"

    @staticmethod
    def of(a: Kernels, b: Kernels, fold: Int[np.ndarray, " rows"]) -> "_Sides":
        return _Sides(_Sums.of(a, b, fold), _Own.of(a, fold), _Own.of(b, fold))

    def scale(self, without: int | None) -> Float[np.ndarray, "a b"]:
        """What makes a CKA of the HSIC of two layers."""
        return np.outer(_scale(self.a.own(without)), _scale(self.b.own(without)))

    def cka(self, without: int | None) -> Float[np.ndarray, "a b"]:
        value: Float[np.ndarray, "a b"] = np.clip(self.cross.hsic(without) * self.scale(without), -1.0, 1.0)
        return value


@dataclass(frozen=True)
class _Own:
    """Of each layer with itself."""

    layers: tuple[_Sums, ...]

    @staticmethod
    def of(kernel: Kernels, fold: Int[np.ndarray, " rows"]) -> "_Own":
        return _Own(tuple(_Sums.of(one[None], one[None], fold) for one in kernel))

    def own(self, without: int | None) -> Float[np.ndarray, " layers"]:
        """Where it is not above rounding, 0."""
        found = np.array([sums.hsic(without)[0, 0] for sums in self.layers])
        size = np.array([sums.rows.sum() for sums in self.layers])
        above: Float[np.ndarray, " layers"] = np.where(found > _ROUNDING * size, found, 0.0)
        return above


def _scale(own: Float[np.ndarray, " layers"]) -> Float[np.ndarray, " layers"]:
    """Of a layer whose own HSIC is 0, all CKA is 0."""
    scale: Float[np.ndarray, " layers"] = np.divide(1.0, np.sqrt(own), out=np.zeros_like(own), where=own > 0)
    return scale


def _hsic(a: Kernels, b: Kernels) -> Float[np.ndarray, "a b"]:
    product = (a.flatten(1) @ b.flatten(1).T).double().numpy()
    return _unbiased(product, *(kernel.sum(2).double().numpy() for kernel in (a, b)))


def _unbiased(
    product: Float[np.ndarray, "a b"], sums_a: Float[np.ndarray, "a rows"], sums_b: Float[np.ndarray, "b rows"]
) -> Float[np.ndarray, "a b"]:
    n = sums_a.shape[1]
    totals = np.outer(sums_a.sum(1), sums_b.sum(1)) / ((n - 1) * (n - 2))
    found: Float[np.ndarray, "a b"] = product + totals - 2 / (n - 2) * (sums_a @ sums_b.T)
    return found
