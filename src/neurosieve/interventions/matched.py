"""Random neuron sets that are similar to a given one: the control of every edit.

For each chosen neuron one is drawn from those of the same layer whose activation varies about as much, since an edit of
neurons that hardly move does little whatever they mean. A chosen neuron that has no such neighbour has no control: it
is left out of the chosen set as well.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from neurosieve.errors import DataError
from neurosieve.probes.archive import Archive
from neurosieve.results.interventions import Matching
from neurosieve.statistics.live import live_neurons
from neurosieve.typing import NeuronId

CALIPER = 2.0  # a drawn neuron's variance is at most so many times the chosen one's, and at least its inverse
NEAREST = 20


@dataclass(frozen=True, eq=False)
class MatchedSets:
    """Random sets as large as a chosen one in each layer.

    Attributes:
        chosen: (layer, index) of the set that they are matched to, shape [neurons, 2].
        sets: Those of each draw; row i replaces chosen neuron i, shape [draws, neurons, 2].
        distance: |log variance − that of the chosen neuron|, at most log 2, shape [draws, neurons].
        unmatched: (layer, index) of the neurons that were asked for and left out, shape [others, 2].
    """

    chosen: Int[np.ndarray, "neurons 2"]
    sets: Int[np.ndarray, "draws neurons 2"]
    distance: Float[np.ndarray, "draws neurons"]
    unmatched: Int[np.ndarray, "others 2"] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))

    @property
    def distinct(self) -> int:
        """How many of the sets differ, whatever the order of their neurons."""
        return len({frozenset(map(tuple, drawn)) for drawn in self.sets.tolist()})

    def matching(self) -> Matching:
        """How well they are matched: the worst and the median ratio of variances, the larger by the smaller."""
        ratio = np.exp(self.distance)
        return Matching(
            by="variance",
            caliper=CALIPER,
            worst=float(ratio.max()),
            median=float(np.median(ratio)),
            sets=len(self.sets),
            distinct_sets=self.distinct,
            unmatched=tuple(NeuronId(*pair) for pair in self.unmatched.tolist()),
        )

    def to_frame(self) -> pl.DataFrame:
        """One line a neuron and draw."""
        draws, count = self.distance.shape
        return pl.DataFrame(
            {
                "draw": np.repeat(np.arange(draws), count),
                "layer": self.sets[..., 0].ravel(),
                "index": self.sets[..., 1].ravel(),
                "stands_for": np.tile(self.chosen[:, 1], draws),
                "distance": self.distance.ravel(),
            }
        )

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        return Archive({key: getattr(self, key).tolist() for key in ("chosen", "sets", "distance", "unmatched")})

    @staticmethod
    def from_archive(archive: Archive) -> "MatchedSets":
        """What `archive` returned, as an object again."""
        chosen, sets, distance = (np.array(archive.record[key]) for key in ("chosen", "sets", "distance"))
        unmatched = np.array(archive.record.get("unmatched", []), dtype=np.int64).reshape(-1, 2)
        return MatchedSets(chosen, sets, distance, unmatched)


def matched_sets(
    chosen: Int[np.ndarray, "neurons 2"],
    neurons: Int[np.ndarray, "all 2"],
    variance: Float[np.ndarray, " all"],
    *,
    draws: int = 100,
    nearest: int = NEAREST,
    seed: int = 0,
) -> MatchedSets:
    """Draw sets matched to a chosen one in layer counts and in activation variance.

    A neuron's neighbours are the live neurons of its layer that are not chosen and whose variance is within a factor of
    2 of its own. Chosen neurons without one, or whose neighbours are all needed by chosen ones before them, are left
    out. In each draw the others come in random order; each gets one of its `nearest` neighbours in log variance that
    are not yet in the draw, and where none is left another neuron of the draw makes room.

    Args:
        chosen: (layer, index) of the set, each neuron once, the most wanted first.
        neurons: (layer, index) of all neurons of the site.
        variance: Of each on train rows.
        draws: How many sets.
        nearest: How many neurons each is drawn from; few match closer, many vary more.
        seed: Of the draws.

    Raises:
        DataError: A chosen neuron that is none, is dead or comes twice; none that has a neighbour.
    """
    place = {(int(layer), int(index)): i for i, (layer, index) in enumerate(neurons)}
    column = np.array([place.get((int(layer), int(index)), -1) for layer, index in chosen], dtype=np.int64)
    alive = live_neurons(variance, neurons)
    if not len(column) or (column < 0).any() or not alive[column].all() or len(set(column)) < len(column):
        raise DataError(
            "neurons to match",
            expected="some live neurons of the model, each once",
            got=f"{len(column)}, not all such",
            remedy="choose among the neurons whose variance is given",
        )
    level = np.log(np.where(alive, variance, 1.0))
    near = _neighbours(column, neurons[:, 0], alive, level)
    seats = _Seats(near)
    for one in range(len(column)):
        seats.make_room(one)
    kept = np.array(sorted(seats.of), dtype=np.int64)
    if not len(kept):
        raise DataError(
            f"random neurons for {len(column)} chosen ones",
            expected=f"others of their layers whose variance is within a factor of {CALIPER:g} of theirs",
            got="none, so that no effect can be matched",
            remedy="choose more neurons, or others",
        )
    mine, near, rng = column[kept], [near[i] for i in kept], np.random.default_rng(seed)
    drawn = np.stack([_draw(near, nearest, rng) for _ in range(draws)])
    left_out = np.setdiff1d(np.arange(len(column)), kept)
    return MatchedSets(chosen[kept], neurons[drawn], np.abs(level[drawn] - level[mine]), chosen[left_out])


def _neighbours(
    column: Int[np.ndarray, " neurons"],
    layer: Int[np.ndarray, " all"],
    alive: np.ndarray,
    level: Float[np.ndarray, " all"],
) -> list[list[int]]:
    """Of each chosen neuron the columns that may replace it, the nearest first."""
    free = alive.copy()
    free[column] = False
    neighbours = []
    for mine in column:
        distance = np.abs(level - level[mine])
        there = np.flatnonzero(free & (layer == layer[mine]) & (distance <= np.log(CALIPER)))
        neighbours.append(there[np.argsort(distance[there], kind="stable")].tolist())
    return neighbours


class _Seats:
    """Which neighbour replaces which chosen neuron, each one only: a matching that only grows."""

    def __init__(self, near: Sequence[Sequence[int]]) -> None:
        self._near = near
        self.of: dict[int, int] = {}  # chosen → neighbour
        self._taken: dict[int, int] = {}  # neighbour → chosen

    def free(self, one: int, most: int) -> list[int]:
        """The nearest neighbours of a chosen neuron that are not used yet."""
        return list(islice((neighbour for neighbour in self._near[one] if neighbour not in self._taken), most))

    def give(self, one: int, neighbour: int) -> None:
        """Assign a neighbour to a chosen neuron."""
        self.of[one], self._taken[neighbour] = neighbour, one

    def make_room(self, one: int) -> None:
        """Give a chosen neuron a neighbour if others can move to theirs for it: the shortest augmenting path."""
        came: dict[int, int] = {}  # the chosen neuron from which each neighbour was reached
        waiting = deque([one])
        while waiting:
            mine = waiting.popleft()
            for neighbour in self._near[mine]:
                if neighbour in came:
                    continue
                came[neighbour] = mine
                if neighbour not in self._taken:
                    self._move(neighbour, came)
                    return
                waiting.append(self._taken[neighbour])

    def _move(self, last: int, came: dict[int, int]) -> None:
        """Everyone on the path moves to the neighbour that it reached."""
        step: int | None = last
        while step is not None:
            mine = came[step]
            before = self.of.get(mine)
            self.give(mine, step)
            step = before


def _draw(near: Sequence[Sequence[int]], nearest: int, rng: np.random.Generator) -> Int[np.ndarray, " neurons"]:
    """One set: for each chosen neuron one of its neighbours, no one twice."""
    seats = _Seats(near)
    for one in rng.permutation(len(near)).tolist():
        if free := seats.free(one, nearest):
            seats.give(one, free[rng.integers(len(free))])
        else:
            seats.make_room(one)
    return np.array([seats.of[one] for one in range(len(near))], dtype=np.int64)
