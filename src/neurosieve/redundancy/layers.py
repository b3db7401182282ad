"""Which layers a task needs: a probe on each layer alone, one on all layers up to it, and the LayerSelector."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int

from neurosieve.parts import map_parts, sharing
from neurosieve.probes.archive import Archive
from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle, Probe, fit_probe
from neurosieve.probes.solver import Solution


@dataclass(frozen=True)
class LayerCurves:
    """Probes by layer, embeddings first.

    Attributes:
        independent: On each layer alone.
        incremental: On all layers from the embeddings to this one; the last is the oracle.
    """

    independent: tuple[Probe, ...]
    incremental: tuple[Probe, ...]

    def selected(self, oracle: Probe, delta: float) -> int:
        """LayerSelector (Dalvi et al. 2020, arXiv 2004.04010): the highest layer that has to be kept.

        The least k whose incremental probe is within `delta` of the oracle on validation.
        """
        least = oracle.validation - delta - 1e-12
        return next(k for k, probe in enumerate(self.incremental) if probe.validation >= least)

    def to_frame(self) -> pl.DataFrame:
        """One row a layer: validation score alone and with all layers below."""
        return pl.DataFrame(
            {
                "layer": range(len(self.independent)),
                "independent": [p.validation for p in self.independent],
                "incremental": [p.validation for p in self.incremental],
            }
        )

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        probes = {f"independent.{k}": p for k, p in enumerate(self.independent)}
        probes |= {f"incremental.{k}": p for k, p in enumerate(self.incremental)}
        return Archive({"layers": len(self.independent)}, probes)

    @staticmethod
    def from_archive(archive: Archive) -> "LayerCurves":
        """What `archive` returned, as an object again."""
        layers = range(archive.record["layers"])
        if not layers:
            raise ValueError(f"{archive.record['layers']} layers")
        kinds = ([archive.probes[f"{kind}.{k}"] for k in layers] for kind in ("independent", "incremental"))
        return LayerCurves(*(tuple(probes) for probes in kinds))


def fit_features(data: SelectionData, oracle: Oracle, feature: Int[np.ndarray, " some"]) -> Probe:
    """The probe on some features, at the oracle's λ and its neighbours."""
    return fit_probe(data, feature, oracle.lambdas)[0]


def fit_layers(data: SelectionData, oracle: Oracle, layers: int, *, incremental: bool = True) -> LayerCurves:
    """Probes on each layer and on each stack of layers, at the oracle's λ and its neighbours.

    Args:
        data: Train and validation.
        oracle: All neurons.
        layers: Blocks + 1; a layer whose neurons are all dead gets the intercept alone.
        incremental: Fit the stacks too.
    """
    layer = data.neurons[:, 0]
    of_layers = [np.flatnonzero(layer == k) for k in range(layers)]
    alone = tuple(map_parts(sharing(fit_features, data, oracle), of_layers, small=True))
    stacks: list[Probe] = []
    solutions: Sequence[Solution] = ()
    for k in range(layers - 1 if incremental else 0):
        feature = np.flatnonzero(layer <= k)
        starts = [s.resized(len(feature) * data.copies) for s in solutions]
        probe, solutions = fit_probe(data, feature, oracle.lambdas, starts)
        stacks.append(probe)
    return LayerCurves(alone, (*stacks, oracle.probe))
