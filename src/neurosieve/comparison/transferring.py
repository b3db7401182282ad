"""A neuron set on another task: probes refitted on that task's train rows, beside its own neurons and random sets."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from neurosieve.comparison.shares import draw_interval
from neurosieve.probes.features import SelectionData, feature_rows
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.metrics import lost, scored, spread
from neurosieve.probes.probe import Probe, fit_probe
from neurosieve.results.comparison_parts import Cell, Chance, cell
from neurosieve.results.measured import Difference, Score, Spread
from neurosieve.threads import map_threads
from neurosieve.typing import Scores

Chosen = Int[np.ndarray, " some"]  # numbers of live neurons


@dataclass(frozen=True)
class Task:
    """The rows of a run's task, and what probes are fitted with.

    Attributes:
        data: Train and validation.
        x: Test features, shape [features, rows].
        label: Test classes or standardised values, shape [rows].
        bootstrap: Over the clusters of test rows.
        lambdas: Values of λ that each probe chooses from, on validation.
        order: Live neurons by the run's ranking, the most important first.
        draws: Random sets of a kind.
        seed: Of the first of them.
    """

    data: SelectionData
    x: Float[Tensor, "features rows"]
    label: Num[np.ndarray, " rows"]
    bootstrap: ClusterBootstrap
    lambdas: Sequence[float]
    order: Int[np.ndarray, " neurons"]
    draws: int
    seed: int
    _scores: dict[tuple[int, ...], list[Scores]] = field(default_factory=dict, repr=False)

    def fit(self, chosen: Chosen) -> Scores:
        """Each test row's score by a probe on some neurons."""
        return self.row_scores(fit_probe(self.data, np.sort(chosen), self.lambdas)[0])

    def row_scores(self, probe: Probe) -> Scores:
        """Each test row's score."""
        return probe.row_scores(self.x, self.label)

    def own(self, size: int) -> Scores:
        """By the first neurons of the run's own ranking."""
        return self._once((0, size), [self.order[:size]])[0]

    def random(self, size: int) -> list[Scores]:
        """By random sets; those of one size are the same for all that ask."""
        return self._once((1, size), self.random_sets(size))

    def random_sets(self, size: int) -> list[Chosen]:
        """Drawn from all live neurons."""
        rng = np.random.default_rng([self.seed, size])
        return [rng.choice(len(self.order), size, replace=False) for _ in range(self.draws)]

    def by_layer(self, chosen: Chosen) -> list[Scores]:
        """By random sets with as many neurons in each layer as a given one."""
        return self._once((2, *self._counts(chosen).tolist()), self.layer_sets(chosen))

    def layer_sets(self, chosen: Chosen) -> list[Chosen]:
        """Drawn layer by layer."""
        counts, layer = self._counts(chosen), self.data.neurons[:, 0]
        rng = np.random.default_rng([self.seed, len(chosen)])
        places = [np.flatnonzero(layer == k) for k in range(len(counts))]
        return [
            np.concatenate([rng.choice(own, n, replace=False) for own, n in zip(places, counts, strict=True) if n])
            for _ in range(self.draws)
        ]

    def _counts(self, chosen: Chosen) -> Int[np.ndarray, " layers"]:
        layer = self.data.neurons[:, 0]
        return np.bincount(layer[chosen], minlength=int(layer.max()) + 1)

    def _once(self, key: tuple[int, ...], sets: Sequence[Chosen]) -> list[Scores]:
        """Fitted once, whoever asks."""
        if key not in self._scores:
            self._scores[key] = list(map_threads(self.fit, sets))
        return self._scores[key]


@dataclass(frozen=True)
class SetOnTask:
    """A set on a task, beside others of its size; see `results.comparison_parts.Transfer`."""

    score: Score
    own: Difference
    random: Spread
    by_layer: Spread
    above_random: Cell
    above_by_layer: Cell


def set_on_task(task: Task, chosen: Chosen) -> SetOnTask:
    """Score a set on a task, with its controls.

    Cost: two probes and `draws` for each kind of random sets, unless such were fitted before.
    """
    scores, size = task.fit(chosen), len(chosen)
    random, by_layer = task.random(size), task.by_layer(chosen)
    return SetOnTask(
        score=scored(scores, task.bootstrap),
        own=lost(task.own(size), scores, task.bootstrap),
        random=spread([float(d.mean()) for d in random]),
        by_layer=spread([float(d.mean()) for d in by_layer]),
        above_random=above(scores, random, task.bootstrap, Chance.LIVE),
        above_by_layer=above(scores, by_layer, task.bootstrap, Chance.LAYERS),
    )


def above(scores: Scores, draws: Sequence[Scores], bootstrap: ClusterBootstrap, by: Chance) -> Cell:
    """How much better rows are scored than by the mean of some draws; chance is how far single draws are from it."""
    gain = lost(scores, np.mean([d.astype(np.float64) for d in draws], 0), bootstrap)
    means = np.array([d.mean() for d in draws])
    return cell(gain.value, gain.interval, 0.0, draw_interval((means - means.mean()).tolist()), by)


def carried_scores(probe: Probe, task: Task, columns: Chosen, sign: Float[np.ndarray, " some"]) -> Scores:
    """Each test row's score by another model's probe, each of whose neurons is read at its match here.

    Features of both are standardised, so that a neuron and its match have one scale; a match of the other sign counts
    with that sign.
    """
    rows = torch.from_numpy(feature_rows(columns, probe.copies))
    x = task.x[rows] * torch.from_numpy(sign.repeat(probe.copies)).float()[:, None]
    here = Probe(
        np.arange(len(columns)), probe.weights, probe.intercept, probe.lam, probe.converged, probe.violation, 0.0
    )
    return here.row_scores(x, task.label)
