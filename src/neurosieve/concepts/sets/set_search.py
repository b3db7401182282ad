"""How a property's smallest set is searched and which neurons carry its values: on train and validation alone.

Nothing here can read rows: what is chosen is chosen before the test split is opened, in `property_sets`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from neurosieve.concepts.properties.contract import NO
from neurosieve.defaults import PATH_LENGTH, SET_ROWS
from neurosieve.errors import ConfigError
from neurosieve.probes.features import SelectionData
from neurosieve.probes.intervals import DRAWS, ClusterBootstrap
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.lca_ranking import entries, lca
from neurosieve.rankings.random_ranking import random_order
from neurosieve.redundancy import MinimalSet, Select, SetSearch, find_minimal_sets
from neurosieve.results.neuron_groups import ValueSet
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.typing import Split

_SHORTEST_PATH = 12  # METHOD.md


@dataclass(frozen=True)
class SetOptions:
    """How the smallest sets are searched.

    Attributes:
        rows: Of each value and split, at most.
        values: Of a property, at most: those with most train rows.
        delta: Loss allowed, as a share.
        select: `point` or `safe`.
        lambdas: Values on the λ path.
        draws: Random orders, scored at the set's size.
        searched: How many of them are searched for the size that they need themselves: what costs most.
        mass: A value's neurons take this share of its weight.
        bootstrap: Resamples of files.
        seed: Of rows, orders and resamples.

    Raises:
        ConfigError: A path of fewer than 12 values, or not 1 ≤ searched ≤ draws.
    """

    rows: Mapping[Split, int] = field(default_factory=lambda: dict(SET_ROWS))
    values: int = 12
    delta: float = 0.01
    select: Select = "safe"
    lambdas: int = PATH_LENGTH
    draws: int = 10
    searched: int = 3
    mass: float = 0.5
    bootstrap: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.lambdas < _SHORTEST_PATH:
            expected = f"{_SHORTEST_PATH} values of λ or more"
            raise ConfigError("λ path", expected=expected, got=str(self.lambdas), remedy="make it longer")
        if not 1 <= self.searched <= self.draws:
            expected = f"1 to {self.draws} that are searched"
            raise ConfigError("random orders", expected=expected, got=str(self.searched), remedy="change searched")


def search_set(data: SelectionData, oracle: Oracle, options: SetOptions) -> MinimalSet:
    """The set, with some random orders searched for a size of their own and all scored at its size."""
    bootstrap = ClusterBootstrap(data.group_validation, draws=options.bootstrap, seed=options.seed)
    search = partial(SetSearch, data, oracle, bootstrap=bootstrap)
    orders = [search(random_order(data, oracle, options.seed + 1 + i), every=False) for i in range(options.draws)]
    first, rest = orders[: options.searched], orders[options.searched :]
    (minimal,) = find_minimal_sets([search(lca(data, oracle, options.seed))], first, [options.delta], [options.select])
    return replace(minimal, random_probes=(*minimal.random_probes, *(o.probe(minimal.size) for o in rest)))


def carriers(
    name: str, values: tuple[str, ...], data: SelectionData, oracle: Oracle, mass: float
) -> tuple[ValueSet, ...]:
    """For each value the neurons that take a share of its weight in the oracle, heaviest first.

    Of two values the neurons are the same, so only the first that is not `no` has them.
    """
    entry, weights = entries(oracle.probe.mass), oracle.probe.mass.cpu().numpy()
    shown = range(len(values)) if len(values) > 2 else [int(values[0] == NO)]
    sets = []
    for v in shown:
        order = np.argsort(-weights[:, v], kind="stable")
        taken = order[entry[order, v] <= 100 * mass]
        sets.append(ValueSet(name=f"{name}={values[v]}", neurons=NeuronSet(data.neurons[taken])))
    return tuple(sets)
