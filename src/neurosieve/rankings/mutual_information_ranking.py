"""Mutual information of a neuron's binned value and the label: needs no probe, and no straight line."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, blocks, ranked

CELLS = 16


def mutual_information(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by the mutual information (in nats) of their cell and the label, counted on train rows.

    A neuron's values fall into 16 bins with as many rows each; equal values share a bin. The two features of a pair's
    neuron fall into 4 bins each, whose 16 combinations are its cells. As many cells for each neuron means about the
    same upward bias, (cells − 1)(classes − 1) / 2 rows, so it hardly moves the order. Labels that are values fall
    into 16 bins likewise.

    Cost: a sort of each feature's rows.
    """
    label, classes = data.label, data.classes
    if label.is_floating_point():
        label, classes = _bins(label[None], CELLS)[0], CELLS
    parts = []
    for x in blocks(data):
        cells = _cells(x)
        place = torch.arange(len(cells), device=x.device)[:, None] * CELLS + cells
        counts = torch.bincount((place * classes + label).flatten(), minlength=len(x) * CELLS * classes)
        parts.append(information(counts.view(len(x), CELLS, classes)))
    score = torch.cat(parts).cpu().numpy()
    # Sums of the same counts in another order differ in the last digits, and would break ties.
    return ranked("mutual_information", data, [-score.round(12)], score)


def information(counts: Int[Tensor, "neurons cells classes"]) -> Float[Tensor, " neurons"]:
    """Mutual information in nats of two variables with these common counts."""
    joint = counts.double() / counts[0].sum()
    apart = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
    ratio = torch.where(joint > 0, joint / apart, 1.0)
    return (joint * ratio.log()).sum((1, 2))


def _cells(x: Float[Tensor, "neurons copies rows"]) -> Int[Tensor, "neurons rows"]:
    bins = round(CELLS ** (1 / x.shape[1]))
    cells = torch.zeros_like(x[:, 0], dtype=torch.int64)
    for feature in x.unbind(1):
        cells = cells * bins + _bins(feature.contiguous(), bins)
    return cells


def _bins(feature: Float[Tensor, "neurons rows"], bins: int) -> Int[Tensor, "neurons rows"]:
    """The middle of the ranks that a value shares decides on its bin, so that a turned sign only turns the bins."""
    ordered = feature.sort(1).values
    below = torch.searchsorted(ordered, feature)
    upto = torch.searchsorted(ordered, feature, right=True)
    return (below + upto) * bins // (2 * feature.shape[1])
