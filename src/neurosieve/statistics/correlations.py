"""|Pearson r| between chosen neurons, from moments or from rows, and groups of neurons that strong pairs connect."""

import time
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from neurosieve.statistics.live import live_neurons, mean_and_variance
from neurosieve.statistics.streamed_moments import Moments

_BLOCK = 4096  # neurons whose products with as many others are formed at once
_COLUMNS = 1024  # neurons that are standardised in float64 at once
# Most that a correlation of rows rounded to bfloat16 (half a unit: 2⁻⁸) is off: two factors, the result, the sum.
_MARGIN = 3 * 2**-8 + 2**-9


class Correlations(Protocol):
    """Where correlations come from.

    Attributes:
        alive: Neurons that vary, see `live_neurons`, shape [neurons].
    """

    alive: Bool[np.ndarray, " neurons"]

    def strength(
        self, rows: Int[np.ndarray, " some"], columns: Int[np.ndarray, " others"]
    ) -> Float[np.ndarray, "some others"]:
        """|r| of two sets of live neurons, in float64."""
        ...

    def groups(self, least: float) -> list[Int[np.ndarray, " members"]]:
        """The live neurons in groups, between which no |r| reaches `least`; columns ascend."""
        ...


class MomentCorrelations:
    """From moments, whose matrix is not copied; all live neurons are one group."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self.alive = ~moments.dead()
        self._mean = moments.total / moments.count
        # In the steps of `Moments.variance`: exact copies have |r| = 1 but for rounding.
        self._half = moments.total - moments.count / 2 * self._mean
        self._scale = np.zeros(len(self.alive))
        self._scale[self.alive] = 1 / np.sqrt(moments.variance()[self.alive])

    def strength(
        self, rows: Int[np.ndarray, " some"], columns: Int[np.ndarray, " others"]
    ) -> Float[np.ndarray, "some others"]:
        """See `Correlations`."""
        matrix: np.ndarray = self._moments.gram[np.ix_(rows, columns)]
        mean, half, scale = self._mean, self._half, self._scale
        matrix -= np.outer(half[rows], mean[columns]) + np.outer(mean[rows], half[columns])
        matrix /= self._moments.count
        matrix *= np.outer(scale[rows], scale[columns])
        np.abs(matrix, out=matrix)
        np.minimum(matrix, 1.0, out=matrix)
        return matrix

    def groups(self, least: float) -> list[Int[np.ndarray, " members"]]:
        """See `Correlations`."""
        del least
        return [np.flatnonzero(self.alive)]


class RowCorrelations:
    """From rows in memory, which are standardised a few neurons at a time.

    Args:
        values: One column a neuron, any float type.
        neurons: (layer, index) of each column.

    Raises:
        DataError: A value that is not finite; no row.
    """

    def __init__(self, values: Float[Tensor, "rows neurons"], neurons: Int[np.ndarray, "neurons 2"]) -> None:
        self._values = values
        parts = [mean_and_variance([part]) for part in torch.split(values, _COLUMNS, 1)]
        self._mean = torch.cat([mean for mean, _ in parts])
        variance = torch.cat([v for _, v in parts])
        self.alive = live_neurons(variance.numpy(force=True), neurons)
        self._scale = 1 / (variance * len(values)).sqrt()

    def _unit(self, columns: Int[np.ndarray, " some"]) -> Float[Tensor, "rows some"]:
        """Columns of mean 0 and length 1, in float64."""
        some = torch.from_numpy(columns).to(self._values.device)
        return (self._values.index_select(1, some).double() - self._mean[some]) * self._scale[some]

    def strength(
        self, rows: Int[np.ndarray, " some"], columns: Int[np.ndarray, " others"]
    ) -> Float[np.ndarray, "some others"]:
        """See `Correlations`."""
        left = self._unit(rows).T
        parts = [
            (left @ self._unit(columns[i : i + _COLUMNS])).abs_().clamp_max_(1.0)
            for i in range(0, len(columns), _COLUMNS)
        ]
        found: np.ndarray = torch.cat(parts, 1).numpy(force=True)
        return found

    def groups(self, least: float) -> list[Int[np.ndarray, " members"]]:
        """See `Correlations`."""
        live = np.flatnonzero(self.alive)
        if least <= _MARGIN or len(live) < 2:
            return [live]
        label = _connected(self._rounded(live), least - _MARGIN)
        order = live[np.argsort(label, kind="stable")]
        return np.split(order, np.cumsum(np.bincount(label))[:-1])

    def _rounded(self, live: Int[np.ndarray, " live"]) -> Float[Tensor, "live rows"]:
        """The columns of length 1 as rows, in the type whose products are fastest here."""
        device, count = self._values.device, len(self._values)
        rounded = torch.empty(len(live), count, dtype=_fastest(device), device=device)
        for begin in range(0, len(live), _COLUMNS):
            rounded[begin : begin + _COLUMNS] = self._unit(live[begin : begin + _COLUMNS]).T
        return rounded


def _connected(rows: Float[Tensor, "neurons rows"], least: float) -> Int[np.ndarray, " neurons"]:
    """Numbers of the groups that pairs with a product of at least `least` connect; such pairs are not kept."""
    label: Int[np.ndarray, " neurons"] = np.arange(len(rows))
    starts = range(0, len(rows), _BLOCK)
    # Neighbours first: of blocks that are one group already, no product says anything new.
    for a, b in sorted(((a, b) for a in starts for b in starts if a <= b), key=lambda pair: pair[1] - pair[0]):
        left, right = label[a : a + _BLOCK], label[b : b + _BLOCK]
        if (left == right[0]).all() and (right == right[0]).all():
            continue
        product = (rows[a : a + _BLOCK] @ rows[b : b + _BLOCK].T).abs_()
        if a == b:
            product.fill_diagonal_(0)
        i, j = ((product >= least).nonzero()).T.numpy(force=True)
        one, other = left[i], right[j]
        new = one != other
        if new.any():
            count = int(label.max()) + 1
            edges = (np.ones(int(new.sum()), dtype=bool), (one[new], other[new]))
            label = connected_components(coo_array(edges, shape=(count, count)), directed=False)[1][label]
    return label


def _fastest(device: torch.device) -> torch.dtype:
    """bfloat16 where its products are faster than float32's, measured by a product of a millisecond."""
    spent: dict[torch.dtype, float] = {}
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.ones(512, 512, dtype=dtype, device=device)
        for _ in range(3):
            begin = time.perf_counter()
            float((a @ a)[0, 0])
            spent[dtype] = min(spent.get(dtype, float("inf")), time.perf_counter() - begin)
    return min(spent, key=lambda dtype: spent[dtype])
