"""The smallest neuron set within delta of the oracle (METHOD.md, "Smallest set within delta").

The answer is the least size m such that every size from m to 1.5 m (and at least m + 20), and every larger size of a
geometric grid up to 4 m, is within delta. No size is skipped that could undo the answer: a score that is by luck within
delta, below sizes that are not, is no answer. The search is exact: it gives what a test of all sizes would give.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Literal

import numpy as np
from jaxtyping import Int

from neurosieve.probes.features import SelectionData
from neurosieve.probes.intervals import ClusterBootstrap, loss_bound
from neurosieve.probes.probe import Oracle, Probe, best, fit_from
from neurosieve.probes.solver import Solution
from neurosieve.rankings.base import Ranking
from neurosieve.redundancy.size_range import Loss, SizeRange, size_range, smallest_in_draws
from neurosieve.threads import map_threads
from neurosieve.typing import Scores

Select = Literal["point", "safe"]
RATIO = 1.1
EVERY = 1.5
AT_LEAST = 20
FAR = 4


def geometric_sizes(total: int, ratio: float = RATIO) -> list[int]:
    """1, 2, 3 … 14, 15, 17, 19, 21 … total."""
    sizes, size = [], 1.0
    while round(size) < total:
        sizes.append(round(size))
        size = max(size * ratio, size + 1)
    return [*sizes, total]


def needed_sizes(size: int, total: int, *, every: bool = True) -> list[int]:
    """Sizes that have to be within delta for `size` to be the answer, largest first.

    Without `every` those of the grid up to 1.5 `size`, or the next three.
    """
    grid = geometric_sizes(total)
    if not every:
        above = [s for s in grid if s >= size]
        return [s for i, s in enumerate(above) if i <= 3 or s <= EVERY * above[0]][::-1]
    last = min(total, max(int(EVERY * size), size + AT_LEAST))
    far = [s for s in grid if last < s <= FAR * size]
    return [*reversed(far), *range(last, size - 1, -1)]


def smallest(total: int, within: Callable[[int], bool], *, every: bool = True) -> int:
    """The least size (without `every`: of the grid) whose needed sizes are all within delta; `total` itself always is.

    A size that fails is a needed one of each smaller candidate down to where the search is, so that the next
    candidate is the one above it: of an edge at m about 2 log4 m + m / 2 sizes are tested.
    """
    size = 1
    while size < total:
        needed = needed_sizes(size, total, every=every)
        failed = next((s for s in needed if s < total and not within(s)), None)
        if failed is None:
            return needed[-1]
        size = failed + 1
    return total


@dataclass
class FoundSizes:
    """What a search remembers.

    Attributes:
        fits: Probes by size, and by the number of their λ.
        solved: By the number of λ and by size, what the next fits begin with.
        likely: Number of the λ that reached most.
    """

    fits: dict[int, dict[int, Probe]] = field(default_factory=dict)
    solved: dict[int, dict[int, Solution]] = field(default_factory=dict)
    likely: int = 0


@dataclass
class SetSearch:
    """Probes on the top m of one ranking, retrained for each m and remembered.

    Attributes:
        data: Train and validation.
        oracle: All neurons; its λ and the two neighbours are searched.
        ranking: Whose top m is taken.
        bootstrap: Over validation clusters, for `safe`.
        reference: The oracle's scores of the validation rows; by default those of `oracle` itself.
        every: See `needed_sizes`. Random orders are searched without it: they need many more neurons, so that every
            size would cost minutes. A less strict rule can only make them look better, and a ranking worse.
        found: What an earlier search of the same order remembers.
        scores: Of the validation rows, by size.
    """

    data: SelectionData
    oracle: Oracle
    ranking: Ranking
    bootstrap: ClusterBootstrap
    reference: Scores | None = None
    every: bool = True
    found: FoundSizes = field(default_factory=FoundSizes)
    scores: dict[int, Scores] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def grid(self) -> list[int]:
        """The sizes of `geometric_sizes`."""
        return geometric_sizes(len(self.ranking.order))

    @property
    def tested(self) -> set[int]:
        """Sizes that were looked at."""
        return set(self.found.fits)

    def probe(self, size: int) -> Probe:
        """The probe on the top `size` neurons: the best λ on validation, ties to the larger."""
        if size == len(self.ranking.order):
            self.found.fits.setdefault(size, {})
            return self.oracle.probe
        probes = [self._fit(size, i) for i in range(len(self.oracle.lambdas))]
        return probes[best(probes)]

    def _fit(self, size: int, i: int) -> Probe:
        """The probe at the i-th λ; neighbouring sizes have similar solutions and Hessians."""
        fits = self.found.fits.setdefault(size, {})
        if i not in fits:
            starts = [start.resized(size * self.data.copies) for start in self._starts(size, i)]
            fits[i], found = fit_from(self.data, self.ranking.order[:size], self.oracle.lambdas[i], starts)
            solved = self.found.solved.setdefault(i, {})
            for other in solved:
                solved[other] = replace(solved[other], curvature=None)  # a Hessian is large: the last one is kept
            solved[size] = found
        return fits[i]

    def _starts(self, size: int, i: int) -> list[Solution]:
        """Solutions at the nearest sizes below and above; of the λ before, where there are none."""
        solved = self.found.solved.get(i) or self.found.solved.get(i - 1, {})
        below, above = [s for s in solved if s <= size], [s for s in solved if s > size]
        return [solved[s] for s in (max(below, default=0), min(above, default=0)) if s]

    def smallest(self, delta: float, select: Select) -> int | None:
        """The smallest size within `delta` of the reference on validation.

        Returns:
            None where not even all neurons are within, or there is none (the first token of layer 0 never varies).
        """
        total, within = len(self.ranking.order), self._rule(delta, select)
        if not total or not (self.reference is None or within(total)):
            return None
        return smallest(total, within, every=self.every)

    def _rule(self, delta: float, select: Select) -> Callable[[int], bool]:
        """Is a size within delta, by its point estimate or by the upper bound of its loss?"""
        reference = self._reference

        def safe(size: int) -> bool:
            bound = loss_bound(reference, self._scores_at(size), self.bootstrap)
            return bound is not None and bound <= delta + 1e-12

        def point(size: int) -> bool:
            return self._reaches(size, float(reference.mean()) - delta - 1e-12)

        return point if select == "point" else safe

    @cached_property
    def _reference(self) -> Scores:
        return self._row_scores(self.oracle.probe) if self.reference is None else self.reference

    def smallest_in_draws(self, size: int, delta: float, select: Select) -> Int[np.ndarray, " draws"]:
        """The smallest size in resamples of the validation clusters, where `size` is the answer on all of them.

        Looked for among all sizes that were tested and those of the grid, up to the last one that `size` needed: a size
        off the grid that failed, and so made the answer, has to count here too.
        """
        last = needed_sizes(size, len(self.ranking.order), every=self.every)[0]
        sizes = sorted(s for s in {size, *self.tested, *self.grid} if s <= last)
        return smallest_in_draws(sizes, lambda s: self._loss(s, select), delta, self.bootstrap)

    def _loss(self, size: int, select: Select) -> Loss:
        reference, scores = self._reference, self._scores_at(size)
        rows = reference.astype(np.float64) - scores
        if size == len(self.ranking.order):
            return Loss(rows, -np.inf)
        if select == "point":
            return Loss(rows, 0.0)
        bound = loss_bound(reference, scores, self.bootstrap)
        return Loss(rows, np.inf if bound is None else bound - float(rows.mean()))

    def curve(self) -> tuple[Probe, ...]:
        """The probes on all sizes of the grid up to the largest that was tested."""
        return tuple(self.probe(s) for s in self.grid if s <= max(self.tested))

    def _reaches(self, size: int, least: float) -> bool:
        """Is the best λ's score at least this? The first λ that reaches it will do, so the likeliest goes first."""
        if size == len(self.ranking.order):
            return self.probe(size).validation >= least
        for i in sorted(range(len(self.oracle.lambdas)), key=lambda i: i != self.found.likely):
            if self._fit(size, i).validation >= least:
                self.found.likely = i
                return True
        return False

    def _scores_at(self, size: int) -> Scores:
        """Scores of the validation rows; a size is asked for again for each rule, and in resamples."""
        if size not in self.scores:
            self.scores[size] = self._row_scores(self.probe(size))
        return self.scores[size]

    def _row_scores(self, probe: Probe) -> Scores:
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
        range: What resampled validation clusters make of both; None for one cluster.
    """

    ranking: str
    delta: float
    select: Select
    probe: Probe
    random_sizes: tuple[int, ...]
    random_probes: tuple[Probe, ...]
    range: SizeRange | None = None

    @property
    def size(self) -> int:
        """Neurons in the set."""
        return len(self.probe.feature)


def find_minimal_sets(
    searches: Sequence[SetSearch], controls: Sequence[SetSearch], deltas: Sequence[float], selects: Sequence[Select]
) -> list[MinimalSet]:
    """The smallest set of each ranking for each delta and rule, with random orders searched in the same way.

    One cluster of validation rows bounds no loss: then `safe` has no set.
    """
    results = []
    for delta in deltas:
        for select in selects:
            if select == "safe" and any(s.bootstrap.clusters < 2 for s in searches):
                continue
            ranged = all(s.bootstrap.clusters > 1 for s in searches)
            random = list(map_threads(partial(_searched, delta=delta, select=select, ranged=ranged), controls))
            sizes, others = tuple(size for size, _ in random), [draws for _, draws in random if draws is not None]
            for search in searches:
                size, draws = _searched(search, delta=delta, select=select, ranged=ranged)
                same = tuple(map_threads(lambda c: c.probe(size), controls))  # noqa: B023 - called at once
                spread = None if draws is None else size_range(draws, others)
                results.append(MinimalSet(search.ranking.name, delta, select, search.probe(size), sizes, same, spread))
    return results


def _searched(
    search: SetSearch, delta: float, select: Select, *, ranged: bool
) -> tuple[int, Int[np.ndarray, " draws"] | None]:
    """The smallest size, and those in resamples of the validation clusters."""
    size = smallest_size(search, delta, select)
    return size, search.smallest_in_draws(size, delta, select) if ranged else None


def smallest_size(search: SetSearch, delta: float, select: Select) -> int:
    """The smallest size against the search's own oracle, which all neurons are: there always is one."""
    size = search.smallest(delta, select)
    return len(search.ranking.order) if size is None else size
