"""Neurons that say the same: correlation clusters (Dalvi et al. 2020, arXiv 2004.04010), one representative each."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage

from neurosieve.errors import DataError
from neurosieve.statistics.streamed_moments import Moments
from neurosieve.typing import NeuronId

_ROUNDING = 1e-9  # of a correlation
_BLOCK = 512


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

    Every cut is of the tree of the full matrix, never of an earlier cut. Time and memory go with neurons²: a float64
    matrix neurons × neurons is held; while building, two of half its size more.

    Args:
        moments: Of the rows that the correlation is taken over.

    Raises:
        DataError: All neurons are dead.
    """

    def __init__(self, moments: Moments) -> None:
        self._neurons = moments.neurons
        alive = ~moments.dead()
        self._live = np.flatnonzero(alive)
        if not len(self._live):
            expected = "neurons that vary over the rows"
            raise DataError("activations", expected=expected, got="none", remedy="pass more rows, or check the model")
        self._dead = tuple(moments.neuron(int(i)) for i in np.flatnonzero(~alive))
        self._strength = moments.correlation()
        np.abs(self._strength, out=self._strength)
        self._links = linkage(self._distances(), "average") if len(self._live) > 1 else None

    def _distances(self) -> Float[np.ndarray, " pairs"]:
        """Of the live neurons, in scipy's condensed order."""
        # Row by row: squareform would need a second full matrix.
        parts = (1 - self._strength[i, self._live[k + 1 :]] for k, i in enumerate(self._live))
        size = len(self._live)
        distances = np.empty(size * (size - 1) // 2)
        at = 0
        for part in parts:
            distances[at : at + len(part)] = part
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
            DataError: A threshold outside 0 … 1.
        """
        if not 0 <= threshold <= 1:
            remedy = "a threshold is a distance 1 − |r|"
            raise DataError("clustering threshold", expected="0 to 1", got=f"{threshold:g}", remedy=remedy)
        found = np.ones(1, dtype=int)
        if self._links is not None:
            found = np.asarray(fcluster(self._links, threshold, criterion="distance"))
        _, first, number = np.unique(found, return_index=True, return_inverse=True)
        label = np.full(len(self._neurons), -1)
        label[self._live] = np.argsort(np.argsort(first))[number]  # scipy numbers clusters by the tree's branches
        # A stable sort keeps the columns of each cluster in order.
        order = self._live[np.argsort(label[self._live], kind="stable")]
        members = np.split(order, np.cumsum(np.bincount(label[self._live]))[:-1])
        medoids = np.array([self._medoid(m) for m in members])
        return Clusters(float(threshold), self._neurons, label, medoids, self._dead)

    def _medoid(self, members: Int[np.ndarray, " members"]) -> int:
        best = members
        if len(members) > 2:  # each of two is as near to the other
            mean = np.empty(len(members))
            for begin in range(0, len(members), _BLOCK):
                rows = slice(begin, begin + _BLOCK)
                mean[rows] = self._strength[np.ix_(members[rows], members)].sum(1) - 1
            mean /= len(members) - 1
            best = members[mean >= mean.max() - _ROUNDING]
        layer, index = self._neurons[best].T
        return int(best[np.lexsort((index, layer))[0]])
