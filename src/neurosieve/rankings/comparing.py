"""Do rankings agree, with each other (Fan et al. 2023, arXiv 2301.12608) and with themselves on other rows?

Overlap of two rankings at k: the neurons that are among the first k of both, divided by k. Two random orders of N
neurons share k / N of them on average, which is the value that an overlap has to be compared with.

    AvgOverlap   of a ranking: the mean of its overlaps with each of the others.
    NeuronVote   of a ranking: its overlap with what the others elect together. The neuron in place i of a ranking's
                 first k gets k − i + 1 votes from it (Borda); the k neurons with most votes are elected.

The paper's code lets a ranking vote for itself too and divides by the union. Here it has no vote on itself, so that
both measures have the same value by chance, and with two rankings they are the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float, Int

from neurosieve.errors import DataError
from neurosieve.probes.archive import Archive
from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle, fit_probe
from neurosieve.probes.solver import Solution
from neurosieve.progress import track
from neurosieve.rankings.base import Ranker, Ranking

SIZES = (10, 50, 100, 500)
Smallest = Callable[[SelectionData, Oracle, Ranking], int]


@dataclass(frozen=True)
class Agreement:
    """How far rankings of the same neurons agree.

    Attributes:
        names: The rankings.
        neurons: How many neurons they order.
        sizes: The values of k.
        overlap: Share of common neurons among the first k of two rankings, shape [sizes, rankings, rankings].
        vote: NeuronVote, shape [sizes, rankings].
    """

    names: tuple[str, ...]
    neurons: int
    sizes: tuple[int, ...]
    overlap: Float[np.ndarray, "sizes rankings rankings"]
    vote: Float[np.ndarray, "sizes rankings"]

    @property
    def average(self) -> Float[np.ndarray, "sizes rankings"]:
        """AvgOverlap: the mean over the other rankings."""
        result: Float[np.ndarray, "sizes rankings"] = (self.overlap.sum(2) - 1) / (len(self.names) - 1)
        return result

    @property
    def chance(self) -> Float[np.ndarray, " sizes"]:
        """What random orders would have on average, by either measure."""
        return np.array(self.sizes) / self.neurons

    def to_frame(self) -> pl.DataFrame:
        """One row a ranking and size: average_overlap, neuron_vote, chance."""
        rows = [
            (name, k, float(self.average[i, j]), float(self.vote[i, j]), float(self.chance[i]))
            for i, k in enumerate(self.sizes)
            for j, name in enumerate(self.names)
        ]
        return pl.DataFrame(rows, schema=["ranking", "size", "average_overlap", "neuron_vote", "chance"], orient="row")

    def _repr_html_(self) -> str:
        return f"<p>Agreement of {len(self.names)} rankings</p>{self.to_frame()._repr_html_()}"


def sizes_for(neurons: int) -> tuple[int, ...]:
    """The sizes 10, 50, 100 and 500 below the number of neurons; half of them where they are ten or fewer."""
    return tuple(k for k in SIZES if k < neurons) or (max(1, neurons // 2),)


def agreement(rankings: Sequence[Ranking], sizes: Sequence[int] | None = None) -> Agreement:
    """AvgOverlap and NeuronVote of rankings of the same neurons.

    Args:
        rankings: At least two.
        sizes: Values of k; by default `sizes_for` their neurons.

    Raises:
        DataError: Fewer than two rankings, other neurons, or a size that no ranking has.
    """
    if len(rankings) < 2:
        raise DataError(
            "agreement", expected="two rankings or more", got=str(len(rankings)), remedy="name further --rankings"
        )
    order = np.stack([_same_neurons(rankings[0], r) for r in rankings])
    neurons = order.shape[1]
    chosen = tuple(sizes_for(neurons) if sizes is None else sizes)
    for k in chosen:
        if not 1 <= k <= neurons:
            raise DataError(f"size {k}", expected=f"1 to {neurons} neurons", got=str(k), remedy="choose other sizes")
    return Agreement(
        tuple(r.name for r in rankings),
        neurons,
        chosen,
        np.stack([_overlaps(order, k) for k in chosen]),
        np.stack([_votes(order, k, rankings[0].neurons[np.argsort(rankings[0].order)]) for k in chosen]),
    )


def _same_neurons(first: Ranking, other: Ranking) -> Int[np.ndarray, " neurons"]:
    """The other's order, once it is sure that it numbers the neurons as the first does."""
    mine, theirs = (r.neurons[np.argsort(r.order)] for r in (first, other))
    if not np.array_equal(mine, theirs):
        raise DataError(
            f"ranking {other.name}",
            expected=f"the {len(mine)} neurons of ranking {first.name}",
            got=f"{len(theirs)} neurons, not the same",
            remedy="rank the same rows",
        )
    return other.order


def _tops(order: Int[np.ndarray, "rankings neurons"], k: int) -> Float[np.ndarray, "rankings neurons"]:
    """1 for each ranking's first k."""
    tops = np.zeros(order.shape)
    np.put_along_axis(tops, order[:, :k], 1.0, 1)
    return tops


def _overlaps(order: Int[np.ndarray, "rankings neurons"], k: int) -> Float[np.ndarray, "rankings rankings"]:
    tops = _tops(order, k)
    shared: Float[np.ndarray, "rankings rankings"] = tops @ tops.T / k
    return shared


def _votes(
    order: Int[np.ndarray, "rankings neurons"], k: int, ids: Int[np.ndarray, "neurons 2"]
) -> Float[np.ndarray, " rankings"]:
    given = np.zeros(order.shape)
    np.put_along_axis(given, order[:, :k], np.arange(k, 0, -1.0)[None], 1)
    others = given.sum(0) - given
    tops = _tops(order, k)
    # Ties by (layer, index), as in rankings.
    elected = [np.lexsort([ids[:, 1], ids[:, 0], -votes])[:k] for votes in others]
    return np.array([top[chosen].mean() for top, chosen in zip(tops, elected, strict=True)])


@dataclass(frozen=True)
class Stability:
    """How far a method's ranking depends on its seed and on the rows it was made from.

    Attributes:
        names: The methods.
        neurons: How many neurons they order.
        sizes: The values of k.
        seeds: Overlap of the rankings of all rows under two seeds, shape [draws, sizes, methods].
        halves: Overlap of the rankings of two halves of the rows, shape [draws, sizes, methods].
        sets: Size of the smallest set of each half, shape [draws, halves, methods]; None if it was not sought.
    """

    names: tuple[str, ...]
    neurons: int
    sizes: tuple[int, ...]
    seeds: Float[np.ndarray, "draws sizes methods"]
    halves: Float[np.ndarray, "draws sizes methods"]
    sets: Int[np.ndarray, "draws halves methods"] | None = None

    @property
    def chance(self) -> Float[np.ndarray, " sizes"]:
        """What random orders would have on average."""
        return np.array(self.sizes) / self.neurons

    def to_frame(self) -> pl.DataFrame:
        """One row a method and size: seeds, halves (means over draws), halves_low, halves_high, chance."""
        rows = []
        for i, k in enumerate(self.sizes):
            for j, name in enumerate(self.names):
                seeds, halves = self.seeds[:, i, j], self.halves[:, i, j]
                spread = (float(seeds.mean()), float(halves.mean()), float(halves.min()), float(halves.max()))
                rows.append((name, k, *spread, float(self.chance[i])))
        columns = ["ranking", "size", "seeds", "halves", "halves_low", "halves_high", "chance"]
        return pl.DataFrame(rows, schema=columns, orient="row")

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        arrays = {"seeds": self.seeds, "halves": self.halves} | ({} if self.sets is None else {"sets": self.sets})
        tensors = {key: torch.from_numpy(values) for key, values in arrays.items()}
        return Archive({key: getattr(self, key) for key in ("names", "neurons", "sizes")}, tensors=tensors)

    @staticmethod
    def from_archive(archive: Archive) -> "Stability":
        """What `archive` returned, as an object again."""
        record, tensors = archive.record, {key: values.numpy() for key, values in archive.tensors.items()}
        return Stability(tuple(record["names"]), record["neurons"], tuple(record["sizes"]), **tensors)

    def _repr_html_(self) -> str:
        return f"<p>Stability of {len(self.names)} rankings</p>{self.to_frame()._repr_html_()}"


def stability(
    rankers: Mapping[str, Ranker],
    data: SelectionData,
    oracle: Oracle,
    group: np.ndarray,
    *,
    draws: int,
    seed: int = 0,
    sizes: Sequence[int] | None = None,
    smallest: Smallest | None = None,
) -> Stability:
    """Rank under other seeds, and on two halves of the train rows, `draws` times.

    Rows of one cluster (file, line, function, pair) stay in one half, else copies would make them agree. Each half gets
    an oracle of its own, at the λ of the whole; features keep the scale of all train rows.

    Args:
        rankers: Methods by name.
        data: Train and validation.
        oracle: Fitted on all rows.
        group: Cluster of each train row, shape [rows].
        draws: Pairs of seeds, and ways to halve the rows.
        seed: Of the first draw; the others follow.
        sizes: Values of k; by default `sizes_for` the neurons.
        smallest: The size of the smallest set of a half: from its data, its oracle and a ranking of it.

    Raises:
        DataError: No draw, or a single cluster, which has no halves.

    Cost: for each draw one ranking of all rows, two of half of them and two probes at one λ, and what `smallest` takes.
    """
    if draws < 1:
        raise DataError("stability", expected="one draw or more", got=str(draws), remedy="give draws")
    chosen = tuple(sizes_for(len(data.neurons)) if sizes is None else sizes)
    all_rows = {name: ranker(data, oracle, seed) for name, ranker in rankers.items()}
    seeds, halves, sets = [], [], []
    for s in track(range(seed + 1, seed + 1 + draws), "stability"):
        again = {name: ranker(data, oracle, s) for name, ranker in rankers.items()}
        first = halved(group, s)
        both = [_Half.of(rankers, data, oracle, rows, s) for rows in (first, ~first)]
        seeds.append(_pairwise(all_rows, again, chosen))
        halves.append(_pairwise(both[0].rankings, both[1].rankings, chosen))
        if smallest:
            sets.append([[smallest(h.data, h.oracle, r) for r in h.rankings.values()] for h in both])
    sizes_of_sets = np.array(sets) if smallest else None
    return Stability(tuple(rankers), len(data.neurons), chosen, np.stack(seeds), np.stack(halves), sizes_of_sets)


def halved(group: np.ndarray, seed: int) -> Bool[np.ndarray, " rows"]:
    """Rows of one half: whole clusters in an order drawn by seed, up to the end that is nearest to half of the rows.

    Raises:
        DataError: A single cluster.
    """
    names, cluster = np.unique(group.astype(str), return_inverse=True)
    if len(names) < 2:
        raise DataError("clusters of train", expected="two or more", got=str(len(names)), remedy="use more files")
    drawn = np.random.default_rng(seed).permutation(len(names))
    ends = np.bincount(cluster)[drawn].cumsum()
    last = int(np.abs(ends[:-1] - len(group) / 2).argmin())
    return np.isin(cluster, drawn[: last + 1])


class _Half(NamedTuple):
    data: SelectionData
    oracle: Oracle
    rankings: dict[str, Ranking]

    @staticmethod
    def of(
        rankers: Mapping[str, Ranker], data: SelectionData, oracle: Oracle, rows: Bool[np.ndarray, " rows"], seed: int
    ) -> "_Half":
        part = data.rows(rows, np.ones(len(data.label_validation), dtype=bool))
        start = Solution(oracle.probe.weights, oracle.probe.intercept)
        probe, _ = fit_probe(part, np.arange(len(data.neurons)), [oracle.probe.lam], [start])
        half_oracle = replace(oracle, probe=probe)
        return _Half(part, half_oracle, {name: ranker(part, half_oracle, seed) for name, ranker in rankers.items()})


def _pairwise(
    first: Mapping[str, Ranking], second: Mapping[str, Ranking], sizes: Sequence[int]
) -> Float[np.ndarray, "sizes methods"]:
    both = [agreement([first[name], second[name]], sizes).overlap[:, 0, 1] for name in first]
    return np.stack(both, 1)
