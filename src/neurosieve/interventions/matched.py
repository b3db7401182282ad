"""Random neuron sets that are like a given one: the control beside every edit.

For each chosen neuron one is drawn from those of the same layer whose activation varies about as much, since an edit of
neurons that hardly move does little whatever they mean.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from neurosieve.errors import DataError
from neurosieve.probes.archive import Archive

_DEAD = 1e-8  # as in probes.features


@dataclass(frozen=True, eq=False)
class MatchedSets:
    """Random sets as large as a chosen one in each layer.

    Attributes:
        chosen: (layer, index) of the set that they are matched to, shape [neurons, 2].
        sets: Those of each draw; row i stands for chosen neuron i, shape [draws, neurons, 2].
        distance: |log variance − that of the chosen neuron|, shape [draws, neurons].
    """

    chosen: Int[np.ndarray, "neurons 2"]
    sets: Int[np.ndarray, "draws neurons 2"]
    distance: Float[np.ndarray, "draws neurons"]

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
        """In parts that files can hold."""
        record = {"chosen": self.chosen.tolist(), "sets": self.sets.tolist(), "distance": self.distance.tolist()}
        return Archive(record)

    @staticmethod
    def from_archive(archive: Archive) -> "MatchedSets":
        """What `archive` gave."""
        chosen, sets, distance = (np.array(archive.record[key]) for key in ("chosen", "sets", "distance"))
        return MatchedSets(chosen, sets, distance)


def matched_sets(
    chosen: Int[np.ndarray, "neurons 2"],
    neurons: Int[np.ndarray, "all 2"],
    variance: Float[np.ndarray, " all"],
    *,
    draws: int = 100,
    nearest: int = 20,
    seed: int = 0,
) -> MatchedSets:
    """Draw sets matched to a chosen one in layer counts and in activation variance.

    In each draw the chosen neurons come in random order; each gets one of the `nearest` neurons of its layer in log
    variance that are alive, not chosen and not yet in the draw. A layer that has fewer left than `nearest` gives what
    it has; one that has fewer than were chosen in it can match no set and is an error, since sets of other sizes or
    layers would be no control.

    Args:
        chosen: (layer, index) of the set, each neuron once.
        neurons: (layer, index) of all neurons of the site.
        variance: Of each on train rows; at most 1e-8 of its layer's median is dead.
        draws: How many sets.
        nearest: How many neurons each is drawn from; few match closer, many vary more.
        seed: Of the draws.

    Raises:
        DataError: A chosen neuron that is none, is dead or comes twice; a layer with too few others.
    """
    place = {(int(layer), int(index)): i for i, (layer, index) in enumerate(neurons)}
    column = np.array([place.get((int(layer), int(index)), -1) for layer, index in chosen], dtype=np.int64)
    alive = _alive(neurons[:, 0], variance)
    if not len(column) or (column < 0).any() or not alive[column].all() or len(set(column)) < len(column):
        raise DataError(
            "neurons to match",
            expected="some live neurons of the model, each once",
            got=f"{len(column)}, not all such",
            remedy="choose among the neurons whose variance is given",
        )
    free = alive.copy()
    free[column] = False
    _check_others(chosen, neurons[free])
    level = np.log(np.where(alive, variance, 1.0))
    others = [np.flatnonzero(free & (neurons[:, 0] == neurons[mine, 0])) for mine in column]
    others = [
        there[np.argsort(np.abs(level[there] - level[mine]), kind="stable")]
        for there, mine in zip(others, column, strict=True)
    ]
    rng = np.random.default_rng(seed)
    drawn = np.stack([_draw(others, free, nearest, rng) for _ in range(draws)])
    return MatchedSets(chosen, neurons[drawn], np.abs(level[drawn] - level[column]))


def _alive(layer: Int[np.ndarray, " all"], variance: Float[np.ndarray, " all"]) -> np.ndarray:
    middle = {number: np.median(variance[layer == number]) for number in np.unique(layer)}
    return variance > _DEAD * np.array([middle[number] for number in layer])


def _check_others(chosen: Int[np.ndarray, "neurons 2"], others: Int[np.ndarray, "others 2"]) -> None:
    for layer, wanted in zip(*np.unique(chosen[:, 0], return_counts=True), strict=True):
        if (there := int((others[:, 0] == layer).sum())) < wanted:
            raise DataError(
                f"random neurons of layer {layer}",
                expected=f"{wanted} live neurons that are not chosen",
                got=str(there),
                remedy="choose fewer neurons in this layer",
            )


def _draw(
    others: list[np.ndarray], free: np.ndarray, nearest: int, rng: np.random.Generator
) -> Int[np.ndarray, " neurons"]:
    """One set: for each chosen neuron a column of its `others`, which are ordered from the nearest on."""
    left, drawn = free.copy(), np.empty(len(others), dtype=np.int64)
    for i in rng.permutation(len(others)):
        drawn[i] = rng.choice(others[i][left[others[i]]][:nearest])
        left[drawn[i]] = False
    return drawn
