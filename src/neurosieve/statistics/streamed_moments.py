"""Sums over rows from which correlation and CKA follow, streamed in float64; memory does not depend on the rows.

All sums are of z = value − reference, with a reference near the mean of the first rows: CKA needs fourth powers of z,
and with those of the raw values a mean of 1,000 spreads would leave no digit of the answer.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.errors import DataError, not_finite
from neurosieve.statistics.live import live_neurons
from neurosieve.typing import NeuronId

_BLOCK = 512  # rows of a neurons × neurons matrix changed at once, so that no second matrix is held


def _layer_blocks(neurons: Int[np.ndarray, "neurons 2"]) -> tuple[Int[np.ndarray, " layers"], list[slice]]:
    """Layer numbers, and the columns of each."""
    layers, start = np.unique(neurons[:, 0], return_index=True)
    bounds = [*start.tolist(), len(neurons)]
    return layers, [slice(a, b) for a, b in pairwise(bounds)]


@dataclass(frozen=True)
class Moments:
    """Sums over rows of z = value − reference, of the layers' squared norms q = |z_layer|², and of their products.

    Attributes:
        neurons: (layer, index) of each column, shape [neurons, 2].
        count: Number of rows.
        layers: Layer numbers, ascending, shape [layers].
        reference: The point from which z is measured, shape [neurons].
        total: Σ z, shape [neurons].
        gram: Σ z zᵀ, shape [neurons, neurons].
        norm_total: Σ q, shape [layers].
        norm_gram: Σ q qᵀ, shape [layers, layers].
        weighted: Σ z qᵀ, shape [neurons, layers].
    """

    neurons: Int[np.ndarray, "neurons 2"]
    count: int
    layers: Int[np.ndarray, " layers"]
    reference: Float[np.ndarray, " neurons"]
    total: Float[np.ndarray, " neurons"]
    gram: Float[np.ndarray, "neurons neurons"]
    norm_total: Float[np.ndarray, " layers"]
    norm_gram: Float[np.ndarray, "layers layers"]
    weighted: Float[np.ndarray, "neurons layers"]

    @property
    def blocks(self) -> list[slice]:
        """The columns of each layer."""
        return _layer_blocks(self.neurons)[1]

    def neuron(self, column: int) -> NeuronId:
        """The global id of a column."""
        return NeuronId(*(int(v) for v in self.neurons[column]))

    def mean(self) -> Float[np.ndarray, " neurons"]:
        """Mean value of each neuron."""
        return self.reference + self.total / self.count

    def variance(self) -> Float[np.ndarray, " neurons"]:
        """Population variance of each neuron (divided by the number of rows)."""
        d = self.total / self.count
        # In the steps of `_shifted_gram`: to the last bit the diagonal of the covariance.
        half = self.total - self.count / 2 * d
        return np.maximum((np.diagonal(self.gram) - (half * d + d * half)) / self.count, 0.0)

    def dead(self) -> Bool[np.ndarray, " neurons"]:
        """Neurons that do not vary, see `live_neurons`."""
        return ~live_neurons(self.variance(), self.neurons)

    def covariance(self) -> Float[np.ndarray, "neurons neurons"]:
        """Population covariance; one new matrix."""
        matrix = _shifted_gram(self, self.total / self.count)
        matrix /= self.count
        return matrix

    def correlation(self) -> Float[np.ndarray, "neurons neurons"]:
        """Pearson correlation in [−1, 1]; all of a dead neuron's entries are 0, its own too; one new matrix."""
        matrix, alive = self.covariance(), ~self.dead()
        variance = np.diagonal(matrix)
        scale = np.zeros(len(variance))
        scale[alive] = 1 / np.sqrt(variance[alive])
        for begin in range(0, len(scale), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            matrix[rows] *= np.outer(scale[rows], scale)  # their product first: exactly symmetric
        np.clip(matrix, -1.0, 1.0, out=matrix)
        np.fill_diagonal(matrix, alive)
        return matrix

    def about(self, point: Float[np.ndarray, " neurons"]) -> "Moments":
        """The same moments measured from another point; by algebra, without the rows."""
        return self._moved(point - self.reference, point)

    def centred(self) -> "Moments":
        """The moments measured from the mean."""
        # The shift itself, not mean − reference: that would lose the digits that the reference saved.
        return self._moved(self.total / self.count, self.mean())

    def _moved(self, d: Float[np.ndarray, " neurons"], point: Float[np.ndarray, " neurons"]) -> "Moments":
        """Moments of z − d: a layer's squared norm becomes q − 2 s + c with s = d·z and c = |d|² over its neurons."""
        own = np.zeros((len(d), len(self.layers)))
        for k, block in enumerate(self.blocks):
            own[block, k] = d[block]
        c = d @ own
        z_s = self.gram @ own
        s_q, s_s, s = own.T @ self.weighted, own.T @ z_s, self.total @ own
        norm_total = self.norm_total - 2 * s + self.count * c
        cross = np.outer(self.norm_total - 2 * s, c) - 2 * s_q
        return Moments(
            neurons=self.neurons,
            count=self.count,
            layers=self.layers,
            reference=point,
            total=self.total - self.count * d,
            gram=_shifted_gram(self, d),
            norm_total=norm_total,
            norm_gram=self.norm_gram + (cross + cross.T) + 2 * (s_s + s_s.T) + self.count * np.outer(c, c),
            weighted=self.weighted - 2 * z_s + np.outer(self.total, c) - np.outer(d, norm_total),
        )


def _shifted_gram(moments: Moments, d: Float[np.ndarray, " neurons"]) -> Float[np.ndarray, "neurons neurons"]:
    """Σ (z − d)(z − d)ᵀ, exactly symmetric."""
    gram = moments.gram.copy()
    half = moments.total - moments.count / 2 * d
    for begin in range(0, len(d), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        gram[rows] -= np.outer(half[rows], d) + np.outer(d[rows], half)
    return gram


class MomentAccumulator:
    """Adds up moments batch by batch; two accumulators merged hold what one that saw all rows would hold.

    Time is rows × neurons² × (1 + 1/layers) float64 operations; memory is one float64 matrix neurons × neurons and
    chunks of 64 MiB.

    Args:
        neurons: (layer, index) of each column, layer by layer in ascending order, shape [neurons, 2].
        device: Where the sums are kept; batches are brought there.

    Raises:
        DataError: No neuron, or layers out of order.
    """

    chunk_values: ClassVar[int] = 1 << 23

    def __init__(self, neurons: Int[np.ndarray, "neurons 2"], device: str | torch.device = "cpu") -> None:
        if not len(neurons) or bool((np.diff(neurons[:, 0]) < 0).any()):
            got = "layers out of order" if len(neurons) else "none"
            raise DataError("neurons", expected="columns, layer by layer", got=got, remedy="sort the columns by layer")
        self.neurons = neurons.copy()
        self.device = torch.device(device)
        self.count = 0
        self._layers, self._blocks = _layer_blocks(neurons)
        n, k = len(neurons), len(self._layers)
        shapes = {"total": (n,), "gram": (n, n), "norm_total": (k,), "norm_gram": (k, k), "weighted": (n, k)}
        self._sums = {name: self._zeros(shape) for name, shape in shapes.items()}
        self._reference = self._zeros((n,))

    def _zeros(self, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=self.device)

    def update(self, values: Float[Tensor, "rows columns"]) -> None:
        """Add rows, which are not kept.

        Args:
            values: One column a neuron, shape [rows, neurons], any float type, any device.

        Raises:
            DataError: Another number of columns, or a value that is not finite; nothing was added then.
        """
        self._check(values)
        if not len(values):
            return
        chunks = torch.split(values, self._chunk_rows)
        if not self.count:
            first = self._there(chunks[0])
            # Measured from a row: the mean of a constant neuron is then its value to the last bit, its variance 0.
            self._reference = first[0] + (first - first[0]).mean(0)
        for chunk in chunks:
            self._add(self._there(chunk) - self._reference)
        self.count += len(values)

    @property
    def _chunk_rows(self) -> int:
        return max(1, self.chunk_values // len(self.neurons))

    def _there(self, chunk: Tensor) -> Tensor:
        return chunk.detach().to(self.device, torch.float64)

    def _check(self, values: Float[Tensor, "rows columns"]) -> None:
        if values.shape[1] != len(self.neurons):
            expected, got = (f"{n} columns" for n in (len(self.neurons), values.shape[1]))
            raise DataError("activations", expected=expected, got=got, remedy="pass one column a neuron")
        for chunk in torch.split(values, self._chunk_rows):
            finite = torch.isfinite(chunk).all(0)
            if not bool(finite.all()):
                bad = NeuronId(*(int(v) for v in self.neurons[int((~finite).nonzero()[0])]))
                raise not_finite(f"neuron {bad}")

    def _add(self, z: Float[Tensor, "rows neurons"]) -> None:
        norm = torch.stack([z[:, block].square().sum(1) for block in self._blocks], 1)
        sums = self._sums
        sums["total"] += z.sum(0)
        sums["norm_total"] += norm.sum(0)
        sums["norm_gram"].addmm_(norm.T, norm)
        sums["weighted"].addmm_(z.T, norm)
        # On and right of the diagonal only; `result` mirrors it.
        for block in self._blocks:
            sums["gram"][block, block.start :].addmm_(z[:, block].T, z[:, block.start :])

    def merge(self, other: "MomentAccumulator") -> None:
        """Add all rows that another accumulator has seen; it stays as it is.

        Raises:
            DataError: It is of other neurons.
        """
        if not np.array_equal(self.neurons, other.neurons):
            got = f"{len(other.neurons)}, not the same"
            remedy = "merge what was extracted from the same layers"
            raise DataError(
                "moments to merge", expected=f"the same {len(self.neurons)} neurons", got=got, remedy=remedy
            )
        if not other.count:
            return
        theirs = other.result()
        if not self.count:
            self._reference = torch.from_numpy(theirs.reference).to(self.device)
        theirs = theirs.about(self._reference.numpy(force=True))
        for name, kept in self._sums.items():
            kept += torch.from_numpy(getattr(theirs, name)).to(self.device)
        self.count += theirs.count

    def result(self) -> Moments:
        """The moments of all rows so far, as arrays of their own.

        Raises:
            DataError: No row yet.
        """
        if not self.count:
            raise DataError("moments", expected="at least 1 row", got="0", remedy="pass rows to update first")
        # Copies: on the CPU the arrays would share memory with sums that the next update changes.
        sums = {name: kept.numpy(force=True).copy() for name, kept in self._sums.items()}
        gram = sums["gram"]
        for block in self._blocks:
            gram[block, block] = (gram[block, block] + gram[block, block].T) / 2
            gram[block.stop :, block] = gram[block, block.stop :].T
        reference = self._reference.numpy(force=True).copy()
        return Moments(neurons=self.neurons, count=self.count, layers=self._layers, reference=reference, **sums)


def moments(
    values: Float[Tensor, "rows neurons"], neurons: Int[np.ndarray, "neurons 2"], device: str | torch.device = "cpu"
) -> Moments:
    """Moments of one matrix, shape [rows, neurons].

    Raises:
        DataError: No row, a value that is not finite, or layers out of order.
    """
    accumulator = MomentAccumulator(neurons, device)
    accumulator.update(values)
    return accumulator.result()
