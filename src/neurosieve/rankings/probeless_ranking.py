"""Probeless (Antverg & Belinkov 2022, arXiv 2110.07483): rank by the distance of the classes' means.

Values have no classes. Of two equally large ones the distance is twice the correlation with the label, so the absolute
correlation with the value is used.
"""

from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, ranked


def probeless(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by the sum over pairs of classes of |mean_c − mean_c'| of their standardised values.

    Where labels are values: by the absolute correlation with them.
    """
    far = _correlation(data) if data.label.is_floating_point() else _distance(data)
    score = far.view(len(data.neurons), data.copies).sum(1).cpu().numpy()
    return ranked("probeless", data, [-score], score)


def _distance(data: SelectionData) -> Float[Tensor, " features"]:
    present = [data.label == c for c in range(data.classes) if bool((data.label == c).any())]
    means = torch.stack([data.x[:, rows].double().mean(1) for rows in present])
    pairs = [(means[a] - means[b]).abs() for a, b in combinations(range(len(means)), 2)]
    return torch.stack(pairs).sum(0)


def _correlation(data: SelectionData) -> Float[Tensor, " features"]:
    """Both sides are standardised on these rows."""
    return (data.x.double() @ data.label.double()).abs() / len(data.label)
