"""The smallest neuron set within delta of the oracle (METHOD.md, "Smallest set within delta").

Sizes are tested upwards on a geometric grid until three in a row are within delta; then every size inside the bracket
downwards until the first that is not (sizes below that cannot change the answer). The answer is the least tested size
such that every larger tested one is within delta. Where time counts the edge on the grid is first sought by bisection
(`jump`); what is told of a size stays true, but an early stroke of luck on the way up is not met.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from neurosieve.probes.features import SelectionData
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.probe import Oracle, Probe, best, fit_path
from neurosieve.probes.solver import Solution
from neurosieve.rankings.base import Ranking
from neurosieve.typing import Scores

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


def smallest(total: int, within: Callable[[int], bool], *, jump: bool = False) -> int:
    """The least tested size such that every larger tested one is within delta; `total` itself always is.

    With `jump` the way up the grid begins where bisection finds an edge, not at 1: a sixth of the sizes are tested.
    """
    tested: dict[int, bool] = {total: True}

    def test(size: int) -> bool:
        if size not in tested:
            tested[size] = within(size)
        return tested[size]

    grid = geometric_sizes(total)
    edge = bisect_left(grid, True, key=test) if jump else 0
    first = next(i for i in range(edge, len(grid)) if all(test(s) for s in grid[i : i + IN_A_ROW]))
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
        reference: The oracle's scores of the validation rows; by default those of `oracle` itself.
        jump: See `smallest`.
    """

    data: SelectionData
    oracle: Oracle
    ranking: Ranking
    bootstrap: ClusterBootstrap
    reference: Scores | None = None
    jump: bool = False
    _fits: dict[int, dict[int, Probe]] = field(default_factory=dict)
    _last: dict[int, Solution] = field(default_factory=dict)
    _likely: int = 0

    @property
    def tested(self) -> set[int]:
        """Sizes that were looked at."""
        return set(self._fits)

    def probe(self, size: int) -> Probe:
        """The probe on the top `size` neurons: the best λ on validation, ties to the larger."""
        if size == len(self.ranking.order):
            self._fits.setdefault(size, {})
            return self.oracle.probe
        probes = [self._fit(size, i) for i in range(len(self.oracle.lambdas))]
        return probes[best(probes)]

    def _fit(self, size: int, i: int) -> Probe:
        """The probe at the i-th λ; neighbouring sizes have near solutions and like Hessians."""
        fits = self._fits.setdefault(size, {})
        if i not in fits:
            lam, start = self.oracle.lambdas[i], self._last.get(i, self._last.get(i - 1))
            starts = [start.resized(size * self.data.copies)] if start else []
            (fits[i],), (self._last[i],) = fit_path(self.data, self.ranking.order[:size], [lam], starts)
        return fits[i]

    def smallest(self, delta: float, select: Select) -> int | None:
        """The smallest size within `delta` of the reference on validation; None where not even all neurons are.

        An order without neurons (the first token of layer 0 never varies) has no set.
        """
        reference = self._scores(self.oracle.probe) if self.reference is None else self.reference

        def safe(size: int) -> bool:
            loss = reference.astype(np.float64) - self._scores(self.probe(size))
            return self.bootstrap.upper(loss) <= delta + 1e-12

        def point(size: int) -> bool:
            return self._reaches(size, float(reference.mean()) - delta - 1e-12)

        total, within = len(self.ranking.order), point if select == "point" else safe
        return smallest(total, within, jump=self.jump) if total and within(total) else None

    def _reaches(self, size: int, least: float) -> bool:
        """Is the best λ's score at least this? The first λ that reaches it will do, so the likeliest goes first."""
        if size == len(self.ranking.order):
            return self.probe(size).validation >= least
        for i in sorted(range(len(self.oracle.lambdas)), key=lambda i: i != self._likely):
            if self._fit(size, i).validation >= least:
                self._likely = i
                return True
        return False

    def _scores(self, probe: Probe) -> Scores:
        return probe.row_scores(self.data.x_validation, self.data.label_validation)


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
            sizes = tuple(_size(c, delta, select) for c in controls)
            for search in searches:
                size = _size(search, delta, select)
                same = tuple(c.probe(size) for c in controls)
                results.append(MinimalSet(search.ranking.name, delta, select, search.probe(size), sizes, same))
    return results


def _size(search: SetSearch, delta: float, select: Select) -> int:
    size = search.smallest(delta, select)
    return len(search.ranking.order) if size is None else size  # never None: all neurons are the oracle itself
