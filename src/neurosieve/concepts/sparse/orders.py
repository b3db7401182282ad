"""Two ways to choose few neurons for a value or a number: a greedy search, and its own convex probe.

Greedy: forward selection by least squares. Each step takes the neuron that, together with those taken before, leaves
the smallest sum of squares to the number, or to 0 and 1 for a value. It is exact: the parts of all neurons that those
taken do not explain are kept up to date (modified Gram–Schmidt), so that no candidate has to be fitted.

Probe: the elastic net of `probes.solver`, on a value against the rest, as many rows of either. λ falls from the
smallest that leaves no neuron; the k neurons are the heaviest of the first probe that has k or more.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int, Num
from torch import Tensor

from neurosieve.concepts.sparse.sample import TrainSample
from neurosieve.concepts.sparse.told import is_number
from neurosieve.probes.probe import lambda_path
from neurosieve.probes.solver import Solution, null_gradient, one_hot, solve

SEARCH_ROWS = 1_000  # with the value, and as many without it, that a probe is fitted to
_ALIKE = 1e-3  # share of a neuron's variance below which the neurons taken before explain it
_CLOSE = 3e-3  # of λ_max: KKT violation at which the order of weights is read


class Orders(NamedTuple):
    """Rows of the sample's `live` for a value, by way and size."""

    greedy: dict[int, Int[np.ndarray, " k"]]
    probe: dict[int, Int[np.ndarray, " k"]]


def greedy_orders(sample: TrainSample, most: int) -> Int[np.ndarray, "values most"]:
    """The first neurons of each value in the order of the greedy search, all values at once.

    Cost: one product of neurons × rows × values for each neuron taken, and four bytes for each neuron and value twice.
    """
    x = sample.x
    y = torch.from_numpy(sample.truth).float().T.contiguous()  # rows × values
    y -= y.mean(0)
    values, taken, basis = y.shape[1], list[Tensor](), list[Tensor]()
    cross = x @ y
    norm = (x * x).sum(1, keepdim=True).expand(-1, values).clone()
    least, free = _ALIKE * norm, torch.zeros_like(norm)
    for _ in range(min(most, len(x))):
        gain = torch.where(norm > least, cross**2 / norm, -1.0)  # what the others explain comes after them
        best = (gain + free).argmax(0)
        free[best, torch.arange(values)] = -torch.inf
        q = x[best].T.contiguous()  # rows × values
        for before in basis:
            q -= before * (before * q).sum(0)
        q /= q.norm(dim=0).clamp_min(1e-12)
        shared = x @ q
        cross -= shared * (q * y).sum(0)
        y -= q * (q * y).sum(0)
        norm -= shared**2
        taken.append(best)
        basis.append(q)
    return torch.stack(taken, 1).numpy()


def probe_orders(
    sample: TrainSample, truth: Num[np.ndarray, " rows"], sizes: Sequence[int], seed: int = 0
) -> dict[int, Int[np.ndarray, " k"]]:
    """The heaviest neurons of a probe of a value or number for each size; a size that no λ reaches is left out."""
    rng = np.random.default_rng(seed)
    pools = [np.arange(len(truth))] if is_number(truth) else [np.flatnonzero(p) for p in (truth, ~truth)]
    most = 2 * SEARCH_ROWS // len(pools)
    rows = np.sort(np.concatenate([rng.permutation(pool)[:most] for pool in pools]))
    x = sample.x.index_select(1, torch.from_numpy(rows))
    y = torch.from_numpy(truth[rows])
    y = y.to(x)[None] if is_number(truth) else one_hot(y.long(), 2, x)
    lam_max = 2 * null_gradient(x, y)
    found, starts, left = dict[int, np.ndarray](), tuple[Solution, ...](), list(sizes)
    for lam in lambda_path(lam_max)[1:]:
        solution = solve(x, y, lam / 2, lam / 2, max(_CLOSE * lam_max, 1e-7), *starts)
        weight = solution.weights.abs().sum(1).numpy()
        order = np.argsort(-weight, kind="stable")[: int((weight > 0).sum())]
        while left and left[0] <= len(order):
            size = left.pop(0)
            found[size] = order[:size]
        if not left:
            break
        starts = (solution,)
    return found
