"""Kinds of neurons over several runs of one model: in all sets, in some, in one, in none; and what chance gives."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from neurosieve.comparison.label_roles import Strengths, stronger
from neurosieve.comparison.shares import share_interval
from neurosieve.results.comparison_pairs import Kind, KindShare, SpecificNeurons
from neurosieve.results.comparison_parts import Chance, Verdict, cell
from neurosieve.results.neuron_set import NeuronSet

_DRAWS = 1000
_LEVEL = 0.05
_ENDS = (0.025, 0.975)

Members = Bool[np.ndarray, "runs neurons"]


def kind_shares(members: Members, layer: Int[np.ndarray, " neurons"], seed: int = 0) -> tuple[KindShare, ...]:
    """How many neurons are of each kind, beside sets drawn anew in each layer.

    Args:
        members: Whether each live neuron is in each run's set.
        layer: Of each neuron.
        seed: Of the draws.
    """
    count = kind_counts(members)
    rng = np.random.default_rng(seed)
    drawn = np.stack([kind_counts(_drawn(members, layer, rng)) for _ in range(_DRAWS)])
    whole, of_draw = _wholes(count), np.stack([_wholes(one) for one in drawn])
    shares = []
    for i, kind in enumerate(Kind):
        if kind is Kind.SOME and len(members) == 2:  # of two runs all are both
            continue
        chance = drawn[:, i] / np.maximum(of_draw[:, i], 1)
        low, high = (float(v) for v in np.quantile(chance, _ENDS))
        n = int(whole[i])
        share = int(count[i]) / n if n else 0.0
        interval = share_interval(int(count[i]), n)
        found = cell(share, interval, float(chance.mean()), (low, high), Chance.LAYERS)
        shares.append(KindShare(kind=kind, count=int(count[i]), share=found))
    return tuple(shares)


def kind_counts(members: Members) -> Int[np.ndarray, " kinds"]:
    """Neurons of each kind, in the order of `Kind`; with two runs none is shared by some."""
    held, runs = members.sum(0), len(members)
    counts = [(held == runs).sum(), ((held > 1) & (held < runs)).sum(), (held == 1).sum(), (held == 0).sum()]
    return np.array(counts, dtype=np.int64)


def _wholes(counts: Int[np.ndarray, " kinds"]) -> Int[np.ndarray, " kinds"]:
    """What each kind is a share of: neurons in some set; of those in none all neurons."""
    in_some = counts[:-1].sum()
    return np.array([in_some, in_some, in_some, counts.sum()])


def _drawn(members: Members, layer: Int[np.ndarray, " neurons"], rng: np.random.Generator) -> Members:
    """Each set drawn anew, with as many neurons in each layer."""
    order = np.lexsort((rng.random(members.shape), np.broadcast_to(layer, members.shape)))
    by_layer = np.argsort(layer, kind="stable")
    anew = np.zeros_like(members)
    for own, drawn, row in zip(members, order, anew, strict=True):
        row[drawn] = own[by_layer]
    return anew


def specific_neurons(
    run: int,
    name: str,
    members: Members,
    neurons: Int[np.ndarray, "neurons 2"],
    found: Sequence[Strengths],
    seed: int = 0,
) -> SpecificNeurons:
    """Which neurons in one run's set alone also tell its labels better there than in every other run.

    Beside them, as chance, neurons of the same layers that are in no run's set and pass the same test.
    """
    alone = np.flatnonzero(members[run] & (members.sum(0) == 1))
    p = stronger(found[run], [one for i, one in enumerate(found) if i != run])
    passed = p * max(len(alone), 1) <= _LEVEL
    hits = int(passed[alone].sum())
    chance = _silent(alone, members, neurons[:, 0], passed, np.random.default_rng(seed))
    low, high = (float(v) for v in np.quantile(chance, _ENDS))
    share = hits / len(alone) if len(alone) else 0.0
    figure = cell(share, share_interval(hits, len(alone)), float(chance.mean()), (low, high), Chance.SILENT)
    kept = alone[passed[alone]] if figure.verdict is Verdict.ABOVE else alone[:0]
    return SpecificNeurons(run=name, candidates=len(alone), neurons=NeuronSet(neurons[kept]), share=figure)


def _silent(
    alone: Int[np.ndarray, " some"],
    members: Members,
    layer: Int[np.ndarray, " neurons"],
    passed: Bool[np.ndarray, " neurons"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " draws"]:
    """The share that passes among neurons in no set, drawn with the layers of some others."""
    if not len(alone):
        return np.zeros(_DRAWS)
    hits = np.zeros(_DRAWS)
    silent = ~members.any(0)
    for k, count in zip(*np.unique(layer[alone], return_counts=True), strict=True):
        own = silent & (layer == k)
        good, whole = int(passed[own].sum()), int(own.sum())
        taken = min(int(count), whole)
        hits += rng.hypergeometric(good, whole - good, taken, _DRAWS) if taken else 0
    shares: Float[np.ndarray, " draws"] = hits / len(alone)
    return shares
