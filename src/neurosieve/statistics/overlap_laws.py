"""How many neurons two sets share, exactly by chance: drawn from all live neurons, or layer by layer.

Of two sets that are drawn uniformly and independently the shared neurons are hypergeometric. Where each set keeps its
number of neurons in every layer, they are a sum of independent hypergeometric numbers, one a layer.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.stats import hypergeom

from neurosieve.errors import DataError
from neurosieve.results.overlaps import ChanceOverlap, SetOverlap
from neurosieve.typing import NeuronId

_OUTSIDE = 0.025  # of the draws at most on each side of an interval
_ROUNDING = 1e-12  # of a sum of probabilities


def set_overlap(a: Collection[NeuronId], b: Collection[NeuronId], live: Sequence[int]) -> SetOverlap:
    """How many neurons two sets share, beside chance.

    Args:
        a: Neurons of the one, each once.
        b: Of the other.
        live: Number of live neurons in each layer, which the sets are drawn from; all of a and b are among them.

    Raises:
        DataError: A set has more neurons in a layer than are alive there.
    """
    counts = [_by_layer(neurons, live) for neurons in (a, b)]
    shared, sizes = len(set(a) & set(b)), (len(a), len(b))
    return SetOverlap(
        shared=shared,
        jaccard=_jaccard(shared, *sizes),
        uniform=_chance(shared_law([sum(live)], [sizes[0]], [sizes[1]]), shared, *sizes),
        by_layer=_chance(shared_law(live, *counts), shared, *sizes),
    )


def shared_law(live: Sequence[int], a: Sequence[int], b: Sequence[int]) -> Float[np.ndarray, " shared"]:
    """Chances that two sets share no neuron, one, two and so on.

    Args:
        live: Number of live neurons in each layer; one number for a draw from all of them.
        a: Number of the one set's neurons in each layer.
        b: Of the other's.

    Returns:
        Shape [1 + most], most = sum of min(a, b) over layers.
    """
    law = np.ones(1)
    for sizes in zip(live, a, b, strict=True):
        law = np.convolve(law, _law_of_layer(*sizes))
    return law


def mean_jaccard(law: Float[np.ndarray, " shared"], a: int, b: int) -> float:
    """Mean Jaccard of two sets of so many neurons each, by the law of their shared neurons."""
    return float(law @ [_jaccard(shared, a, b) for shared in range(len(law))])


def as_many_or_more(law: Float[np.ndarray, " shared"], shared: int) -> float:
    """Chance of so many shared neurons or more."""
    return min(1.0, float(law[shared:].sum()))


def law_interval(law: Float[np.ndarray, " shared"]) -> tuple[int, int]:
    """Where 95 % of the draws are: the fewest and the most shared neurons."""
    below = np.cumsum(law)
    low = int(np.searchsorted(below, _OUTSIDE + _ROUNDING, side="right"))
    return low, int(np.searchsorted(below, 1 - _OUTSIDE - _ROUNDING))


def membership_law(live: int, sizes: Iterable[int]) -> Float[np.ndarray, " sets"]:
    """Chances that a neuron is in none of some sets, in one, two and so on, if each is drawn from all live neurons.

    Args:
        live: Neurons that the sets are drawn from.
        sizes: Neurons of each set.

    Returns:
        Shape [1 + sets].
    """
    law = np.ones(1)
    for size in sizes:
        law = np.convolve(law, [1 - size / live, size / live])
    return law


def _by_layer(neurons: Collection[NeuronId], live: Sequence[int]) -> tuple[int, ...]:
    """Number of a set's neurons in each layer."""
    counts = np.bincount([n.layer for n in neurons], minlength=len(live)).tolist()
    for layer, count in enumerate(counts):
        alive = live[layer] if layer < len(live) else 0
        if count > alive:
            raise DataError(
                f"neurons of a set in layer {layer}",
                expected=f"at most the {alive:,} that are alive there",
                got=f"{count:,}",
                remedy="compare sets of one model, and leave dead neurons out",
            )
    return tuple(counts)


@cache  # many pairs of sets have the same few sizes
def _law_of_layer(live: int, a: int, b: int) -> Float[np.ndarray, " shared"]:
    a, b = sorted((a, b))
    if not live:  # such as layer 0 of examples that are read off their first token
        return np.ones(1)
    return np.asarray(hypergeom.pmf(np.arange(a + 1), live, a, b))


def _chance(law: Float[np.ndarray, " shared"], shared: int, a: int, b: int) -> ChanceOverlap:
    low, high = law_interval(law)
    return ChanceOverlap(
        jaccard=mean_jaccard(law, a, b),
        interval=(_jaccard(low, a, b), _jaccard(high, a, b)),
        p=as_many_or_more(law, shared),
    )


def _jaccard(shared: int, a: int, b: int) -> float:
    return shared / (a + b - shared) if shared else 0.0
