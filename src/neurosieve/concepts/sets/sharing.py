"""What sets of neurons have in common, how many of them contain a neuron, and in which layers they are; with chance.

Chance is that each set is as many neurons drawn from all live ones, uniformly and independently. All figures of it
is exact: shared neurons of two sets are hypergeometric, the sets that a neuron is in are a sum of independent draws.
Values of one property are no such draws: their weights sum to about zero, so that a neuron of one is often a neuron of
another. They are not tested against each other, and a neuron serves a property once, by however many values.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.stats import false_discovery_control, hypergeom

from neurosieve.results.neuron_groups import ServedProperties, ServingNeuron, SetLayers, SharedNeurons, SharingPair
from neurosieve.statistics.overlap_laws import as_many_or_more, mean_jaccard, membership_law, shared_law
from neurosieve.typing import NeuronId

Q = 0.05
MOST = 20  # neurons and pairs written down
Sets = Mapping[str, Collection[NeuronId]]


@dataclass(frozen=True)
class Overlaps:
    """Neurons that sets share.

    Attributes:
        names: Of the sets: a property, or `property=value`.
        sizes: Their neurons, shape [sets].
        live: Neurons that they are taken from.
        shared: Neurons that two sets share, shape [sets, sets].
        jaccard: Those divided by the neurons in either, shape [sets, sets].
        expected: What two sets of these sizes would have by chance on average, shape [sets, sets].
        p: Chance of as many shared neurons or more (hypergeometric), shape [sets, sets].
        q: Benjamini–Hochberg of p over pairs of different properties; nan for others, shape [sets, sets].
    """

    names: tuple[str, ...]
    sizes: Int[np.ndarray, " sets"]
    live: int
    shared: Int[np.ndarray, "sets sets"]
    jaccard: Float[np.ndarray, "sets sets"]
    expected: Float[np.ndarray, "sets sets"]
    p: Float[np.ndarray, "sets sets"]
    q: Float[np.ndarray, "sets sets"]

    def to_frame(self) -> pl.DataFrame:
        """One row a pair, the clearest first: a, b, shared, jaccard, expected, p, q (null within a property)."""
        i, j = np.triu_indices(len(self.names), 1)
        names = np.array(self.names, dtype=object)
        columns = {k: getattr(self, k)[i, j] for k in ("shared", "jaccard", "expected", "p", "q")}
        frame = pl.DataFrame({"a": names[i].tolist(), "b": names[j].tolist()} | columns, nan_to_null=True)
        return frame.sort("p", "a", "b")

    def result(self) -> SharedNeurons:
        """The part of the run's result: matrices for a figure, and the clearest pairs of different properties."""
        tested = self.to_frame().drop_nulls("q")
        return SharedNeurons(
            names=self.names,
            sizes=tuple(self.sizes.tolist()),
            live=self.live,
            jaccard=tuple(map(tuple, self.jaccard.round(4).tolist())),
            expected=tuple(map(tuple, self.expected.round(4).tolist())),
            tested=len(tested),
            above_chance=len(tested.filter(pl.col("q") <= Q)),
            pairs=tuple(SharingPair(**pair) for pair in tested.head(MOST).to_dicts()),
        )


def find_overlaps(sets: Sets, live: int) -> Overlaps:
    """Overlaps of all pairs of sets that are not empty, each taken from so many live neurons."""
    names = tuple(name for name, neurons in sets.items() if neurons)
    members = [set(sets[name]) for name in names]
    sizes = np.array([len(m) for m in members], dtype=np.int64)
    shared = np.array([[len(a & b) for b in members] for a in members], dtype=np.int64)
    shared = shared.reshape(len(names), len(names))
    jaccard = shared / (sizes[:, None] + sizes - shared)
    expected, p = np.zeros(shared.shape), np.zeros(shared.shape)
    for i, j in np.ndindex(*shared.shape):
        a, b = int(sizes[i]), int(sizes[j])
        law = shared_law([live], [a], [b])
        expected[i, j], p[i, j] = mean_jaccard(law, a, b), as_many_or_more(law, int(shared[i, j]))
    q = np.full_like(p, np.nan)
    owner = [name.partition("=")[0] for name in names]
    i, j = np.triu_indices(len(names), 1)
    other = np.array([owner[a] != owner[b] for a, b in zip(i, j, strict=True)], dtype=bool)
    i, j = i[other], j[other]
    if len(i):
        q[i, j] = q[j, i] = false_discovery_control(np.clip(p[i, j], 0, 1))
    return Overlaps(names, sizes, live, shared, jaccard, expected, p, q)


def find_polysemy(sets: Sets, live: int) -> ServedProperties:
    """How many properties each live neuron serves."""
    served: dict[NeuronId, list[str]] = {}
    unions: dict[str, set[NeuronId]] = {}
    for name, neurons in sets.items():
        unions.setdefault(name.partition("=")[0], set()).update(neurons)
        for neuron in neurons:
            served.setdefault(neuron, []).append(name)
    counts = {neuron: sum(neuron in union for union in unions.values()) for neuron in served}
    serving = np.bincount(list(counts.values()), minlength=len(unions) + 1)
    serving[0] = live - len(counts)
    chance = membership_law(live, map(len, unions.values()))
    order = sorted(counts, key=lambda n: (-counts[n], -len(served[n]), n))
    return ServedProperties(
        neurons=tuple(serving.tolist()),
        chance=tuple((live * chance).round(3).tolist()),
        most=tuple(ServingNeuron(neuron=n, sets=tuple(served[n])) for n in order[:MOST]),
    )


def find_spread(name: str, neurons: Collection[NeuronId], live: Int[np.ndarray, " layers"]) -> SetLayers:
    """The layers of the neurons of a set that is not empty; `live` counts the live neurons of each layer."""
    counts, layers = np.bincount([n.layer for n in neurons], minlength=len(live)), np.arange(len(live))
    share, uniform = counts / counts.sum(), live / live.sum()
    return SetLayers(
        name=name,
        mean=float(counts @ layers / counts.sum()),
        expected_mean=float(uniform @ layers),
        entropy=float(_entropy_terms(share).sum()),
        expected_entropy=sum(_expected_term(int(live.sum()), layer, len(neurons)) for layer in live.tolist()),
        counts=tuple(counts.tolist()),
        share=tuple(share.round(4).tolist()),
        uniform=tuple(uniform.round(4).tolist()),
    )


@cache
def _expected_term(live: int, layer: int, size: int) -> float:
    """A layer's mean part of the entropy of so many neurons drawn from all live ones."""
    k = np.arange(size + 1)
    return float(hypergeom.pmf(k, live, layer, size) @ _entropy_terms(k / size))


def _entropy_terms(share: Float[np.ndarray, " some"]) -> Float[np.ndarray, " some"]:
    terms: Float[np.ndarray, " some"] = -share * np.log2(np.where(share > 0, share, 1.0))
    return terms
