"""The smallest neuron set within delta of the oracle (METHOD.md, "Smallest set within delta").

Sizes are tested upwards on a geometric grid until three in a row are within delta; then every size inside the bracket
downwards until the first that is not (sizes below that cannot change the answer). The answer is the least tested size
such that every larger tested one is within delta.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool

from neurosieve.probes.features import SelectionData
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.probe import Oracle, Probe, fit_probe
from neurosieve.probes.solver import Solution
from neurosieve.rankings.base import Ranking

Select = Literal["point", "safe"]
RATIO = 1.1
IN_A_ROW = 3
WIDE = 200
NEIGHBOURS = 10


def geometric_sizes(total: int, ratio: float = RATIO) -> list[int]:
    """1, 2, 3 … 14, 15, 17, 19, 21 … total."""
    sizes, size = [], 1.0
    while round(size) < total:
        sizes.append(round(size))
        size = max(size * ratio, size + 1)
    return [*sizes, total]


def smallest(total: int, within: Callable[[int], bool]) -> int:
    """The least tested size such that every larger tested one is within delta; `total` itself always is."""
    tested: dict[int, bool] = {total: True}

    def test(size: int) -> bool:
        if size not in tested:
            tested[size] = within(size)
        return tested[size]

    grid = geometric_sizes(total)
    first = next(i for i in range(len(grid)) if all(test(s) for s in grid[i : i + IN_A_ROW]))
    low, high = (grid[first - 1] if first else 0), grid[first]
    if high - low > WIDE:
        low, high = _bisect(low, high, test)
    for size in range(high - 1, low, -1):
        if not test(size):
            break
    failed = max((s for s, ok in tested.items() if not ok), default=0)
    return min(s for s in tested if s > failed)


def _bisect(low: int, high: int, test: Callable[[int], bool]) -> tuple[int, int]:
    """Narrow a wide bracket to the neighbours of the edge; test those above it at once."""
    bottom, top = low, high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test(middle) else (middle, high)
    for size in range(high, min(high + NEIGHBOURS, top)):
        test(size)
    return max(bottom, low - NEIGHBOURS), high


@dataclass
class SetSearch:
    """Probes on the top m of one ranking, retrained for each m and remembered.

    Attributes:
        data: Train and validation.
        oracle: All neurons; its λ and the two neighbours are searched.
        ranking: Whose top m is taken.
        bootstrap: Over validation clusters, for `safe`.
    """

    data: SelectionData
    oracle: Oracle
    ranking: Ranking
    bootstrap: ClusterBootstrap
    probes: dict[int, Probe] = field(default_factory=dict)
    _last: list[Solution] = field(default_factory=list)

    def probe(self, size: int) -> Probe:
        """The probe on the top `size` neurons."""
        if size not in self.probes:
            if size == len(self.ranking.order):
                self.probes[size] = self.oracle.probe
            else:
                # Neighbouring sizes have near solutions and like Hessians.
                starts = [solution.resized(size) for solution in self._last]
                feature = self.ranking.order[:size]
                self.probes[size], self._last = fit_probe(self.data, feature, self.oracle.lambdas, starts)
        return self.probes[size]

    def smallest(self, delta: float, select: Select) -> int:
        """The smallest size within `delta` of the oracle on validation."""
        reference = self._correct(self.oracle.probe)

        def within(size: int) -> bool:
            loss = reference.astype(np.float64) - self._correct(self.probe(size))
            worst = float(loss.mean()) if select == "point" else self.bootstrap.upper(loss)
            return worst <= delta + 1e-12

        return smallest(len(self.ranking.order), within)

    def _correct(self, probe: Probe) -> Bool[np.ndarray, " rows"]:
        return probe.correct(self.data.x_validation, self.data.label_validation)


@dataclass(frozen=True)
class MinimalSet:
    """A smallest set with its control, before the test split is opened.

    Attributes:
        ranking: Method that ordered the neurons.
        delta: Loss allowed, as a share (0.01 = one point).
        select: `point` or `safe`.
        probe: Retrained on the set; its size is the answer.
        random_sizes: The smallest size that each random order needs.
        random_probes: For each random order the probe on its first `size` neurons.
    """

    ranking: str
    delta: float
    select: Select
    probe: Probe
    random_sizes: tuple[int, ...]
    random_probes: tuple[Probe, ...]

    @property
    def size(self) -> int:
        """Neurons in the set."""
        return len(self.probe.feature)


def find_minimal_sets(
    searches: Sequence[SetSearch], controls: Sequence[SetSearch], deltas: Sequence[float], selects: Sequence[Select]
) -> list[MinimalSet]:
    """The smallest set of each ranking for each delta and rule, beside random orders searched in the same way."""
    results = []
    for delta in deltas:
        for select in selects:
            sizes = tuple(c.smallest(delta, select) for c in controls)
            for search in searches:
                size = search.smallest(delta, select)
                same = tuple(c.probe(size) for c in controls)
                results.append(MinimalSet(search.ranking.name, delta, select, search.probe(size), sizes, same))
    return results
