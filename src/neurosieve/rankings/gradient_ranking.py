"""Gradient of the task's loss: rank by |activation| · |gradient| (as arXiv 2512.19980 does for a model's own loss)."""

import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, ranked


def gradient(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by the mean over train rows of |x| · |∂ loss / ∂x|, x being their standardised value.

    The loss is the oracle's on the row: cross-entropy, or half of the squared error where labels are values. So it is
    taken through the probe, which reads all layers side by side; what a neuron does through later layers is not in it
    (see `token_gradient`). Rows on which the probe errs count most, which LCA's weights do not know. The score is that
    mean, in nats; a pair's neuron has the sum of its features.

    Cost: rows × features × classes multiplications.
    """
    error = errors(data, oracle)
    weights = oracle.probe.weights.to(data.x)
    size = max(1, 2**24 // data.x.shape[1])
    parts = [
        (data.x[begin : begin + size] * (weights[begin : begin + size] @ error)).abs().double().mean(1)
        for begin in range(0, len(data.x), size)
    ]
    score = torch.cat(parts).view(len(data.neurons), data.copies).sum(1).cpu().numpy()
    # Equal columns may be summed in another order; the last digits would break ties.
    return ranked("gradient", data, [-score.round(9)], score)


def errors(data: SelectionData, oracle: Oracle) -> Float[Tensor, "outputs rows"]:
    """Gradient of each row's loss with respect to the probe's outputs."""
    outputs = oracle.probe.outputs(data.x)
    return (outputs if data.label.is_floating_point() else outputs.softmax(0)) - data.target
