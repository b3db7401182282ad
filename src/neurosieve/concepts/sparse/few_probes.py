"""Regressions on few neurons, all values (logistic ones) or numbers (linear ones) on the same neurons at once.

Newton's method with halved steps (Nocedal & Wright 2006, ch. 3). A Hessian has k + 1 rows only, and thousands of such
problems are solved for a curve with its random sets: one at a time, most of the time would go into their many calls.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from neurosieve.concepts.sparse.sample import TrainSample
from neurosieve.concepts.sparse.told import is_number

RIDGE = 1e-4  # times half the sum of squares: hardly any penalty
_CLOSE = 1e-4  # gradient at which a problem is solved
_STEPS, _HALVINGS = 50, 20
_CELLS = 2**24  # values × neurons × rows at once


class Fitted(NamedTuple):
    """A probe on few neurons.

    Attributes:
        live: Rows of the sample, the heaviest first, shape [k].
        weights: Of the standardised neurons, shape [k].
        intercept: What a number has besides; 0 for a value, whose rows are only put into an order.
    """

    live: Int[np.ndarray, " k"]
    weights: Float[np.ndarray, " k"]
    intercept: float = 0.0


def fit_few(sample: TrainSample, live: Int[np.ndarray, " k"], truth: Num[np.ndarray, "targets rows"]) -> list[Fitted]:
    """A probe of each value or number on the same few neurons.

    Minimises the mean cross-entropy, or half the mean square, + `RIDGE`/2 · |w|²; the intercept is free.
    """
    x = sample.x.index_select(0, torch.from_numpy(live))
    if is_number(truth):
        return [_linear(x, sample.mean[torch.from_numpy(live)], live, y) for y in truth]
    x = torch.cat([x, x.new_ones(1, x.shape[1])])
    y, size, result = torch.from_numpy(truth).to(x), max(1, _CELLS // x.numel()), list[Fitted]()
    parts = [_solved(x, y[begin : begin + size]) for begin in range(0, len(y), size)]
    for w in torch.cat(parts)[:, :-1].numpy():
        order = np.argsort(-np.abs(w), kind="stable")
        result.append(Fitted(live[order], w[order]))
    return result


def _linear(
    x: Float[Tensor, "k rows"], mean: Float[Tensor, " k"], live: Int[np.ndarray, " k"], y: Float[np.ndarray, " rows"]
) -> Fitted:
    """The linear one, in float64; the sample's neurons are centred."""
    inner, target = x.double(), torch.from_numpy(y - y.mean())
    rows = inner.shape[1]
    gram = inner @ inner.T / rows + RIDGE * torch.eye(len(inner), dtype=torch.float64)
    w = torch.linalg.solve(gram, inner @ target / rows)
    order = torch.argsort(-w.abs(), stable=True)
    return Fitted(live[order.numpy()], w[order].float().numpy(), float(y.mean() - w @ mean.double()))


def _solved(x: Float[Tensor, "inputs rows"], y: Float[Tensor, "values rows"]) -> Float[Tensor, "values inputs"]:
    """Weights at which no gradient is above `_CLOSE`; the last input is 1."""
    rows = x.shape[1]
    ridge = x.new_full((len(x),), RIDGE)
    ridge[-1] = 0
    w = x.new_zeros(len(y), len(x))
    w[:, -1] = y.mean(1).clamp(0.5 / rows, 1 - 0.5 / rows).logit()
    for _ in range(_STEPS):
        p = torch.sigmoid(w @ x)
        gradient = (p - y) @ x.T / rows + ridge * w
        if gradient.abs().max() <= _CLOSE:
            break
        hessian = (x * (p * (1 - p) / rows)[:, None]) @ x.T + torch.diag(ridge.clamp_min(1e-7))
        w = _nearer(x, y, ridge, w, torch.linalg.solve(hessian, gradient))
    return w


def _nearer(x: Tensor, y: Tensor, ridge: Tensor, w: Tensor, step: Tensor) -> Float[Tensor, "values inputs"]:
    """A step for each value, halved until it does not raise the loss beyond rounding."""

    def loss(at: Tensor) -> Tensor:
        z = at @ x
        return (torch.nn.functional.softplus(z) - y * z).mean(1) + (ridge * at**2).sum(1) / 2

    before, length = loss(w), w.new_ones(len(w), 1)
    for _ in range(_HALVINGS):
        worse = loss(w - length * step) > before + 1e-6
        if not worse.any():
            break
        length[worse] /= 2
    return w - length * step
