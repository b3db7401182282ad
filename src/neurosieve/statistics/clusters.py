"""Neurons that say the same: correlation clusters (Dalvi et al. 2020, arXiv 2004.04010), one representative each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor

from neurosieve.errors import DataError, ResourceError
from neurosieve.statistics.correlations import Correlations, MomentCorrelations, RowCorrelations
from neurosieve.statistics.streamed_moments import Moments
from neurosieve.typing import NeuronId

_ROUNDING = 1e-9  # of a correlation
_BLOCK = 1024
_MOST_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Clusters:
    """Neurons in clusters, at one threshold.

    Attributes:
        threshold: Largest mean distance 1 − |r| at which clusters were joined.
        neurons: (layer, index) of each column, shape [neurons, 2].
        label: Cluster of each neuron, numbered by their first columns; −1 for the dead, shape [neurons].
        representatives: Column of each cluster's medoid, shape [clusters].
        dead: Ids of the neurons in no cluster.
    """

    threshold: float
    neurons: Int[np.ndarray, "neurons 2"]
    label: Int[np.ndarray, " neurons"]
    representatives: Int[np.ndarray, " clusters"]
    dead: tuple[NeuronId, ...]

    @property
    def kept(self) -> int:
        """Number of clusters, and so of representatives."""
        return len(self.representatives)

    def to_frame(self) -> pl.DataFrame:
        """One row a neuron: layer, index, cluster (−1: dead), and whether it represents its cluster."""
        chosen = np.zeros(len(self.label), dtype=bool)
        chosen[self.representatives] = True
        layer, index = self.neurons.T
        return pl.DataFrame({"layer": layer, "index": index, "cluster": self.label, "representative": chosen})

    def _repr_html_(self) -> str:
        title = f"{self.kept} clusters of {len(self.label)} neurons at threshold {self.threshold:g}"
        return f"<p>{title}</p>{self.to_frame().head(20)._repr_html_()}"


class CorrelationTree:
    """Average linkage of all live neurons by 1 − |Pearson r|, built once and cut at many thresholds.

    Every cut is of the tree of the full matrix, never of an earlier cut. Time and memory grow with neurons²: with the
    moments the distances of all pairs are held in float64, twice while the tree is built.

    Args:
        moments: Of the rows that the correlation is taken over.

    Raises:
        DataError: All neurons are dead.
    """

    def __init__(self, moments: Moments) -> None:
        self._grow(MomentCorrelations(moments), moments.neurons, 1.0, _MOST_BYTES)

    @classmethod
    def from_rows(
        cls,
        values: Float[Tensor, "rows neurons"],
        neurons: Int[np.ndarray, "neurons 2"],
        *,
        up_to: float = 1.0,
        most_bytes: int = _MOST_BYTES,
    ) -> "CorrelationTree":
        """The same tree from rows in memory, as far as cuts up to a threshold need it; no neurons × neurons matrix.

        A join at a mean distance of at most `up_to` has a pair with |r| ≥ 1 − up_to in it. So neurons are first dealt
        to groups that such pairs connect, found block by block in low precision with a margin for its rounding: a pair
        too many only makes a group larger. The tree of each group is that of the full matrix, in float64.

        Args:
            values: One column a neuron; float16 will do.
            neurons: (layer, index) of each column.
            up_to: Largest threshold that is asked for. Groups are small where few pairs reach 1 − up_to.
            most_bytes: That the distances of one group may take.

        Raises:
            DataError: All neurons are dead; an `up_to` outside 0 … 1; a value that is not finite.
            ResourceError: A group is too large.

        Cost: half of neurons² × rows products in bfloat16 where the processor has them, and one copy of the rows.
        """
        _check_threshold(up_to)
        tree = cls.__new__(cls)
        tree._grow(RowCorrelations(values, neurons), neurons, up_to, most_bytes)
        return tree

    def _grow(self, source: Correlations, neurons: Int[np.ndarray, "neurons 2"], up_to: float, most_bytes: int) -> None:
        self._source, self._neurons, self._up_to = source, neurons, up_to
        self._live = np.flatnonzero(source.alive)
        if not len(self._live):
            expected = "neurons that vary over the rows"
            raise DataError("activations", expected=expected, got="none", remedy="pass more rows, or check the model")
        self._dead = tuple(NeuronId(*(int(v) for v in neurons[i])) for i in np.flatnonzero(~source.alive))
        self._groups = source.groups(1 - up_to)
        largest = max(len(group) for group in self._groups)
        if 4 * largest**2 > most_bytes:
            raise ResourceError(
                f"clusters up to threshold {up_to:g}",
                expected=f"groups of neurons whose distances fit into {most_bytes / 2**30:.1f} GiB",
                got=f"{largest:,} neurons that pairs of |r| ≥ {1 - up_to:g} connect",
                remedy="ask for a smaller largest threshold, or for fewer neurons",
            )
        self._links = [linkage(self._distances(g), "average") if len(g) > 1 else None for g in self._groups]

    def _distances(self, group: Int[np.ndarray, " members"]) -> Float[np.ndarray, " pairs"]:
        """Of a group's neurons, in scipy's condensed order; by blocks, as a full matrix would be twice as large."""
        size = len(group)
        distances = np.empty(size * (size - 1) // 2)
        at = 0
        for begin in range(0, size, _BLOCK):
            strength = self._source.strength(group[begin : begin + _BLOCK], group[begin:])
            for place, row in enumerate(strength):
                part = distances[at : at + len(row) - place - 1]
                np.subtract(1, row[place + 1 :], out=part)
                at += len(part)
        distances[distances < _ROUNDING] = 0  # so that exact copies join at threshold 0
        return distances

    def cut(self, threshold: float) -> Clusters:
        """The clusters whose mean distance is at most the threshold.

        A cluster is represented by its medoid: the neuron with the largest mean |r| to the others; ties (1e-9) go to
        the lowest (layer, index).

        Args:
            threshold: From 0 (copies only) to 1 (one cluster).

        Raises:
            DataError: A threshold outside 0 … 1, or above what the tree was built for.
        """
        _check_threshold(threshold, self._up_to)
        number_of_column = np.empty(len(self._neurons), dtype=np.int64)
        count = 0
        for group, links in zip(self._groups, self._links, strict=True):
            own = np.ones(1, dtype=np.int64) if links is None else fcluster(links, threshold, criterion="distance")
            number_of_column[group] = own + count
            count += int(own.max())
        _, first, number = np.unique(number_of_column[self._live], return_index=True, return_inverse=True)
        label = np.full(len(self._neurons), -1)
        label[self._live] = np.argsort(np.argsort(first))[number]  # scipy numbers clusters by the tree's branches
        # A stable sort keeps the columns of each cluster in order.
        order = self._live[np.argsort(label[self._live], kind="stable")]
        members = np.split(order, np.cumsum(np.bincount(label[self._live]))[:-1])
        medoids = np.array([self._medoid(m) for m in members])
        return Clusters(float(threshold), self._neurons, label, medoids, self._dead)

    def _medoid(self, members: Int[np.ndarray, " members"]) -> int:
        best = members
        if len(members) > 2:  # two neurons are equally close to each other
            blocks: Sequence[np.ndarray] = np.split(members, range(_BLOCK, len(members), _BLOCK))
            mean = np.concatenate([self._source.strength(rows, members).sum(1) - 1 for rows in blocks])
            mean /= len(members) - 1
            best = members[mean >= mean.max() - _ROUNDING]
        layer, index = self._neurons[best].T
        return int(best[np.lexsort((index, layer))[0]])


def _check_threshold(threshold: float, up_to: float = 1.0) -> None:
    """See that a threshold is one.

    Raises:
        DataError: It is not between 0 and `up_to`.
    """
    if not 0 <= threshold <= up_to:
        remedy = "a threshold is a distance 1 − |r|" if up_to == 1 else "build the tree for a larger one"
        raise DataError("clustering threshold", expected=f"0 to {up_to:g}", got=f"{threshold:g}", remedy=remedy)
