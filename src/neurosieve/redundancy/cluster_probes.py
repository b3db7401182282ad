"""How much of the task is left when only one of several correlated neurons is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from neurosieve.parts import map_parts, sharing
from neurosieve.probes.archive import Archive
from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle, Probe
from neurosieve.redundancy.layers import fit_features
from neurosieve.statistics import Clusters


@dataclass(frozen=True)
class ClusterProbe:
    """The probe on one neuron a cluster.

    Attributes:
        threshold: Clusters are cut at distance 1 − |r| ≤ threshold.
        probe: On the representatives.
    """

    threshold: float
    probe: Probe


@dataclass(frozen=True)
class GeneralRedundancy:
    """What neurons and layers have in common, without a look at labels, and what the task makes of it.

    Attributes:
        cka: Debiased linear CKA of each pair of layers, shape [layers, layers]; None if rows are too few.
        rows: Rows that correlations and CKA were measured on.
        clusters: Probes on the representatives, by threshold.
    """

    cka: Float[np.ndarray, "layers layers"] | None
    rows: int
    clusters: tuple[ClusterProbe, ...]

    def to_frame(self) -> pl.DataFrame:
        """One row a threshold: clusters kept and validation score."""
        rows = [(c.threshold, len(c.probe.feature), c.probe.validation) for c in self.clusters]
        return pl.DataFrame(rows, schema=["threshold", "kept", "validation"], orient="row")

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        record = {
            "cka": None if self.cka is None else self.cka.tolist(),
            "rows": self.rows,
            "thresholds": [c.threshold for c in self.clusters],
        }
        return Archive(record, {f"threshold.{i}": c.probe for i, c in enumerate(self.clusters)})

    @staticmethod
    def from_archive(archive: Archive) -> "GeneralRedundancy":
        """What `archive` returned, as an object again."""
        record = archive.record
        probes = [ClusterProbe(t, archive.probes[f"threshold.{i}"]) for i, t in enumerate(record["thresholds"])]
        cka = None if record["cka"] is None else np.array(record["cka"], dtype=np.float64)
        return GeneralRedundancy(cka, record["rows"], tuple(probes))


def fit_clusters(data: SelectionData, oracle: Oracle, cuts: Sequence[Clusters]) -> tuple[ClusterProbe, ...]:
    """The probe on the representatives of each cut, at the oracle's λ and its neighbours.

    Args:
        data: Train and validation.
        oracle: All neurons.
        cuts: Clusters of all neurons of the store; representatives that are dead in train are left out.
    """
    place = {tuple(n): i for i, n in enumerate(data.neurons.tolist())}

    def feature(cut: Clusters) -> Int[np.ndarray, " some"]:
        ids = cut.neurons[cut.representatives].tolist()
        return np.array(sorted(place[tuple(n)] for n in ids if tuple(n) in place), dtype=np.int64)

    probes = map_parts(sharing(fit_features, data, oracle), map(feature, cuts), small=True)
    return tuple(ClusterProbe(cut.threshold, probe) for cut, probe in zip(cuts, probes, strict=True))
