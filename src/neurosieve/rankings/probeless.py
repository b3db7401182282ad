"""Probeless (Antverg & Belinkov 2022, arXiv 2110.07483): rank by how far the classes' means lie apart."""

from itertools import combinations

import torch

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, ranked


def probeless(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by the sum over pairs of classes of |mean_c − mean_c'| of their standardised values."""
    present = [data.label == c for c in range(data.classes) if bool((data.label == c).any())]
    means = torch.stack([data.x[:, rows].double().mean(1) for rows in present])
    pairs = [(means[a] - means[b]).abs() for a, b in combinations(range(len(means)), 2)]
    score = torch.stack(pairs).sum(0).view(len(data.neurons), data.copies).sum(1).cpu().numpy()
    return ranked("probeless", data, [-score], score)
