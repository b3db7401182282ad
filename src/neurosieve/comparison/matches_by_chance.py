"""Neurons of two networks that go together, and how close such matches are by chance.

Two kinds of chance: the other network with its layers rotated at random (the same space, other neurons), and its units
exchanged among those of the same text (what the text alone makes alike).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.comparison.shares import draw_interval
from neurosieve.results.comparison_parts import Cell, Chance, cell
from neurosieve.statistics.cross_layers import around, folds
from neurosieve.statistics.matched_neurons import Matches, best_matches, correlated, rotated, rotations

_ROTATIONS = 4
_CLOSE = 0.99  # of the matches with a rotated network that a close one exceeds

Rows = Float[Tensor, "rows neurons"]


@dataclass(frozen=True)
class MatchChance:
    """Matches and their chance.

    Attributes:
        matches: The best of each neuron, by train units.
        r: |Correlation| on test units, 0 where its sign is another there, shape [neurons].
        left: The same without one fold of clusters each, shape [folds, neurons].
        rotated: The same of the best matches with rotated copies, shape [rotations, neurons].
        exchanged: The same with units exchanged, shape [draws, neurons].
        close: Which neurons' r exceeds 99 % of those of its layer with all rotated copies, shape [neurons].
        close_by_chance: Share that does, of each rotated copy beside the others.
    """

    matches: Matches
    r: Float[np.ndarray, " neurons"]
    left: Float[np.ndarray, "folds neurons"]
    rotated: Float[np.ndarray, "rotations neurons"]
    exchanged: Float[np.ndarray, "draws neurons"]
    close: Bool[np.ndarray, " neurons"]
    close_by_chance: tuple[float, ...]

    def mean(self, own: Bool[np.ndarray, " neurons"], draws: Float[np.ndarray, "draws neurons"], by: Chance) -> Cell:
        """The mean r of some neurons, beside some draws."""
        value, interval = float(self.r[own].mean()), None
        if len(self.left) > 1:
            low, high = around(np.array(value), self.left[:, own].mean(1))
            interval = (float(low), float(high))
        drawn = draws[:, own].mean(1)
        return cell(value, interval, float(drawn.mean()), draw_interval(drawn.tolist()), by)


def match_chance(
    a: Rows,
    b: Rows,
    a_test: Rows,
    b_test: Rows,
    layer: Int[np.ndarray, " neurons"],
    blocks: Sequence[slice],
    orders: Sequence[Sequence[Int[np.ndarray, " units"]]],
    copies: int,
    group: np.ndarray,
    seed: int,
) -> MatchChance:
    """The best match of each of a's neurons among b's, by train units, and its closeness on test units.

    Args:
        a: One network's standardised values on train units; of pairs both features, below each other.
        b: The other's on the same units.
        a_test: The first's on test units.
        b_test: The other's.
        layer: Of each of the first's neurons.
        blocks: The other's columns of each layer.
        orders: Orders of train and of test units for the second kind of chance.
        copies: How often the units stand below each other.
        group: Cluster of each test row.
        seed: Of the rotations.

    Cost: rows × neurons × others for each match: one, and one for each draw of chance.
    """
    found = best_matches(a, b)
    sides = (a_test, _signed(b_test, found))
    r = np.maximum(correlated(*sides), 0)
    fold = folds(group)
    left = [np.maximum(correlated(*sides, np.flatnonzero(fold != k)), 0) for k in range(int(fold.max()) + 1)]
    turned = []
    for i in range(_ROTATIONS):
        matrices = rotations([block.stop - block.start for block in blocks], seed + i)
        turned.append(_closeness(a, rotated(b, blocks, matrices), a_test, rotated(b_test, blocks, matrices)))
    mixed = []
    for train, test in zip(*orders, strict=True):
        rows, held = (torch.from_numpy(_stacked(order, copies)) for order in (train, test))
        mixed.append(_closeness(a, b[rows], a_test, b_test[held]))
    by_rotation = np.stack(turned)
    close = _closer(r, by_rotation, layer)
    # Each rotated copy is measured by the others, as the network itself is.
    chance = (_closer(by_rotation[i], np.delete(by_rotation, i, 0), layer) for i in range(_ROTATIONS))
    shares = tuple(float(one.mean()) for one in chance)
    return MatchChance(found, r, np.stack(left), by_rotation, np.stack(mixed), close, shares)


def _closer(
    r: Float[np.ndarray, " neurons"], draws: Float[np.ndarray, "draws neurons"], layer: Int[np.ndarray, " neurons"]
) -> Bool[np.ndarray, " neurons"]:
    """Which are above 99 % of what the draws give in their layer."""
    above = np.zeros(len(r), dtype=bool)
    for k in np.unique(layer):
        own = layer == k
        above[own] = r[own] > np.quantile(draws[:, own], _CLOSE)
    return above


def _stacked(order: Int[np.ndarray, " units"], copies: int) -> Int[np.ndarray, " rows"]:
    return np.concatenate([order + len(order) * i for i in range(copies)])


def _signed(values: Rows, found: Matches) -> Rows:
    """The matched columns, each with the sign of its match."""
    return values[:, torch.from_numpy(found.column)] * torch.from_numpy(found.sign).float()


def _closeness(a: Rows, b: Rows, a_test: Rows, b_test: Rows) -> Float[np.ndarray, " neurons"]:
    found = best_matches(a, b)
    r: Float[np.ndarray, " neurons"] = np.maximum(correlated(a_test, _signed(b_test, found)), 0)
    return r
