"""The random order: the control that every other ranking has to beat."""

import numpy as np

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, ranked


def random_order(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """A uniformly random order of the neurons, by seed."""
    draw = np.random.default_rng(seed).random(len(data.neurons))
    return ranked(f"random[{seed}]", data, [draw], draw)
