"""The pipeline LS + CC + LCA: remove layers, then correlated neurons, then those that the task does not need.

After Dalvi et al. 2020 (arXiv 2004.04010) and the study arXiv 2305.00875; all choices on validation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from neurosieve.probes.archive import Archive
from neurosieve.probes.features import SelectionData
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.probe import Oracle, Probe, fit_probe
from neurosieve.rankings.lca_ranking import lca
from neurosieve.redundancy.cluster_probes import ClusterProbe
from neurosieve.redundancy.layers import LayerCurves
from neurosieve.redundancy.minimal_set import Select, SetSearch


@dataclass(frozen=True)
class Candidate:
    """One way through the pipeline.

    Attributes:
        layer_delta: Loss that the LayerSelector was allowed.
        delta: Loss that the whole is allowed, against the oracle.
        layers_kept: Highest layer kept (0 = embeddings).
        clustering_threshold: Of CC; None if that step was left out.
        kept: Neurons left before LCA.
        probe: On the smallest set; None if what was left is not within delta.
    """

    layer_delta: float
    delta: float
    layers_kept: int
    clustering_threshold: float | None
    kept: int
    probe: Probe | None

    @property
    def size(self) -> int | None:
        """Neurons of the smallest set."""
        return len(self.probe.feature) if self.probe else None


@dataclass(frozen=True)
class Pipeline:
    """All ways that were tried."""

    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate | None:
        """The fewest neurons within delta, ties by validation score; None if no way was within it."""
        fitted = [c for c in self.candidates if c.probe]
        return min(fitted, key=lambda c: (c.size, -c.probe.validation if c.probe else 0.0), default=None)

    def to_frame(self) -> pl.DataFrame:
        """One row a way."""
        keys = ("layer_delta", "delta", "layers_kept", "clustering_threshold", "kept", "size")
        return pl.DataFrame([{k: getattr(c, k) for k in keys} for c in self.candidates], infer_schema_length=None)

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        keys = ("layer_delta", "delta", "layers_kept", "clustering_threshold", "kept")
        record = [{k: getattr(c, k) for k in keys} for c in self.candidates]
        return Archive({"candidates": record}, {f"set.{i}": c.probe for i, c in enumerate(self.candidates) if c.probe})

    @staticmethod
    def from_archive(archive: Archive) -> "Pipeline":
        """What `archive` returned, as an object again."""
        records = archive.record["candidates"]
        return Pipeline(tuple(Candidate(**r, probe=archive.probes.get(f"set.{i}")) for i, r in enumerate(records)))


def run_pipeline(
    data: SelectionData,
    oracle: Oracle,
    layers: LayerCurves,
    clusters: Sequence[ClusterProbe],
    deltas: Sequence[tuple[float, float]],
    thresholds: Sequence[float | None],
    bootstrap: ClusterBootstrap,
    select: Select,
) -> Pipeline:
    """Try every pair of deltas with every clustering threshold.

    Args:
        data: Train and validation.
        oracle: All neurons: what every loss is measured against.
        layers: For the LayerSelector.
        clusters: Representatives by threshold.
        deltas: (allowed to LS, allowed to the whole).
        thresholds: Of CC; None leaves it out.
        bootstrap: Over validation clusters.
        select: How a size is held against delta.
    """
    representatives = {c.threshold: c.probe.feature for c in clusters}
    done: dict[tuple[int, float | None, float], Probe | None] = {}
    candidates = []
    for layer_delta, delta in deltas:
        highest = layers.selected(oracle.probe, layer_delta)
        below = np.flatnonzero(data.neurons[:, 0] <= highest)
        for threshold in thresholds:
            feature = below if threshold is None else np.intersect1d(below, representatives[threshold])
            key = (highest, threshold, delta)
            if key not in done:
                done[key] = _smallest(data, oracle, feature, delta, select, bootstrap)
            candidates.append(Candidate(layer_delta, delta, highest, threshold, len(feature), done[key]))
    return Pipeline(tuple(candidates))


def _smallest(
    data: SelectionData,
    oracle: Oracle,
    feature: np.ndarray,
    delta: float,
    select: Select,
    bootstrap: ClusterBootstrap,
) -> Probe | None:
    """Rank what is left by LCA and take the smallest set within delta of the oracle on all neurons."""
    left = data.columns(feature)
    all_left, _ = fit_probe(left, np.arange(len(feature)), oracle.lambdas)
    ranking = lca(left, replace(oracle, probe=all_left), seed=0)
    reference = oracle.probe.row_scores(data.x_validation, data.label_validation)
    search = SetSearch(left, replace(oracle, probe=all_left), ranking, bootstrap, reference)
    size = search.smallest(delta, select)
    if size is None:
        return None
    probe = search.probe(size)
    return replace(probe, feature=feature[probe.feature])
