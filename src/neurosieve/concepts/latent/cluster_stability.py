"""Do units stay in their latent cluster when held-out files are written otherwise?"""

from collections.abc import Sequence

import numpy as np
import torch

from neurosieve.concepts.latent.tree import LatentCut, assign
from neurosieve.concepts.rewritten import Reading, Rewritten, follows_spelling
from neurosieve.results.concept_stability import ClusterStability
from neurosieve.typing import Grid


def cluster_stability(cuts: Sequence[LatentCut], rewritten: Rewritten, grid: Grid) -> list[ClusterStability]:
    """Each cut of a layer as a whole, then each of its clusters that has units; they go to the nearest centroid.

    A unit survives if it is in the same cluster before and after.
    """

    def clusters(reading: Reading) -> list[np.ndarray]:
        vectors = torch.from_numpy(reading.values[:, grid.layer(cuts[0].layer)])
        return [own.cluster for own in assign(cuts, [vectors], held_out=True)]

    base = clusters(rewritten.base)
    readings = {kind: clusters(reading) for kind, reading in rewritten.readings.items()}
    found = []
    for number, cut in enumerate(cuts):
        own = {kind: parts[number] for kind, parts in readings.items()}
        for cluster in (None, *np.unique(base[number]).tolist()):
            counted = np.ones(len(base[number]), dtype=bool) if cluster is None else base[number] == cluster
            by_rewrite, renamed = rewritten.survivals(own, base[number], counted)
            found.append(
                ClusterStability(
                    layer=cut.layer,
                    clusters=len(cut.centroids),
                    cluster=cluster,
                    rewrites=by_rewrite,
                    renamed=renamed,
                    follows_spelling=follows_spelling(by_rewrite, renamed),
                )
            )
    return found
