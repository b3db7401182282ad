"""Linguistic correlation analysis (Dalvi et al. 2019, arXiv 1812.09355): rank by the probe's weight mass."""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, ranked

STEPS = 1000  # p = 0 … 100 % in steps of 0.1


def lca(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by the share p of weight mass at which a class first takes them, then by total mass.

    For each p every class takes its heaviest |w| until p of its mass is covered. A neuron without weight is never
    taken and is at the end. The score is that p in per cent (infinite for those never taken).
    """
    return by_mass("lca", data, oracle.probe.mass)


def by_mass(name: str, data: SelectionData, mass: Float[Tensor, "neurons classes"]) -> Ranking:
    """LCA's order from any probe's absolute weights of each neuron."""
    entry = entries(mass).min(1)
    return ranked(name, data, [entry, -mass.double().cpu().numpy().sum(1)], entry)


def entries(mass: Float[Tensor, "neurons classes"]) -> Float[np.ndarray, "neurons classes"]:
    """The share p of its mass, in per cent, at which each class takes each neuron; infinite where it never does."""
    values = mass.double().cpu().numpy()
    entry = np.full(values.shape, np.inf)
    for entered, column in zip(entry.T, values.T, strict=True):
        total = column.sum()
        if total > 0:
            heaviest = np.argsort(-column, kind="stable")
            before = (np.cumsum(column[heaviest]) - column[heaviest]) / total
            # Taken at the least p above what the heavier ones cover; the slack undoes rounding in the sums.
            step = np.minimum(np.floor(before * STEPS + 1e-9) + 1, STEPS)
            step[column[heaviest] == 0] = np.inf
            entered[heaviest] = step * 100 / STEPS
    return entry
