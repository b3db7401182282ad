"""Clusters in rewritten files: units stay or go as planted."""

import numpy as np
import pytest

from neurosieve.concepts.latent.cluster_stability import cluster_stability
from neurosieve.concepts.latent.tree import LatentCut
from neurosieve.results.concept_stability import ClusterStability
from neurosieve.typing import Grid
from tests.concepts.rewritten_readings import SPELLING, STRUCTURE, planted, readings


def cuts(neuron: int) -> list[LatentCut]:
    """Three clusters by one neuron's value: 0, 1 and, where nothing is, 50."""
    centroids = np.zeros((3, 4))
    centroids[:, neuron] = 0, 1, 50
    nothing = np.empty(0, dtype=np.int64)
    return [LatentCut(0, centroids, nothing, nothing, 0.0)]


def found(neuron: int, patch: pytest.MonkeyPatch) -> dict[int | None, ClusterStability]:
    """By cluster, of a model in which the other neurons are silent."""

    def alone(*of: object) -> list[float]:
        return [x * (i == neuron) for i, x in enumerate(planted(*of))]  # type: ignore[arg-type]

    result = cluster_stability(cuts(neuron), readings(patch, values=alone), Grid(1, 4))
    assert all((c.layer, c.clusters) == (0, 3) for c in result)
    return {c.cluster: c for c in result}


def test_a_cluster_of_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    own = found(SPELLING, monkeypatch)
    assert list(own) == [None, 0, 1]  # no unit is in the third
    assert own[1].renamed.share == 0
    assert own[1].follows_spelling
    assert own[1].rewrites["layout"].share == 1
    assert own[0].renamed.share == 1  # of parameters: they are silent under any name
    assert not own[0].follows_spelling
    whole = own[None].rewrites["renamed"]
    assert whole.share == pytest.approx(1 - own[1].renamed.n / whole.n)


def test_a_cluster_of_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    for own in found(STRUCTURE, monkeypatch).values():
        assert all(s.share == 1 for s in own.rewrites.values())
        assert not own.follows_spelling
