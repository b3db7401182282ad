"""Intersection over union (Mu & Andreas 2020, arXiv 2006.14032): how well a thresholded neuron picks out a class."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, blocks, ranked


def iou(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by the best IoU of the rows above or below a threshold with the rows of a class.

    The paper takes one threshold for all (the sign, or a high quantile) and one direction. Here every threshold and
    both directions are tried, since a probe's weight has no preferred sign. A mask of all rows has the IoU share(c), so
    the score is how far the best mask is above that: (IoU − share) / (1 − share), the most over classes and, for pairs,
    over a neuron's two features. 0 says that no mask is better than all rows, 1 that one is the class.

    Cost: a sort of each feature's rows, then one pass a class.
    """
    parts = []
    for x in blocks(data):
        score = _best(x.flatten(0, 1), data.label, data.classes)
        parts.append(score.view(-1, data.copies).amax(1))
    best = torch.cat(parts).cpu().numpy()
    return ranked("iou", data, [-best], best)


def _best(x: Float[Tensor, "features rows"], label: Int[Tensor, " rows"], classes: int) -> Float[Tensor, " features"]:
    values, order = x.sort(1)
    ordered, rows = label[order], x.shape[1]
    # A threshold is only between different values.
    edge = torch.cat([values[:, 1:] > values[:, :-1], values.new_ones(len(x), 1, dtype=torch.bool)], 1)
    best = x.new_zeros(len(x))
    for c in range(classes):
        hits = (ordered == c).cumsum(1, dtype=torch.float32)
        count = float((label == c).sum())
        if 0 < count < rows:
            most = torch.maximum(_over(hits, edge, count), _over_rest(hits, edge, count))
            best = torch.maximum(best, (most - count / rows) / (1 - count / rows))
    return best


def _over(hits: Float[Tensor, "features rows"], edge: Bool[Tensor, "features rows"], count: float) -> Tensor:
    """Best IoU of the first 1, 2 … rows with a class of `count` rows, of which they hold `hits`."""
    size = torch.arange(1, hits.shape[1] + 1, device=hits.device)
    return torch.where(edge, hits / (count + size - hits), 0.0).amax(1)


def _over_rest(hits: Float[Tensor, "features rows"], edge: Bool[Tensor, "features rows"], count: float) -> Tensor:
    """The same of what is left when the first rows are taken away."""
    size = torch.arange(1, hits.shape[1] + 1, device=hits.device)
    rest = count - hits
    return torch.where(edge, rest / (count + (hits.shape[1] - size) - rest), 0.0).amax(1)
