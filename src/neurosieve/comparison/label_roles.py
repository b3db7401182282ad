"""Which label each neuron tells best, how surely, and which neurons tell another one in a second run.

A neuron's strength for a label is its mean on rows with the label less its mean on the others, in standard deviations.
Its role is the label of its largest |strength|, with the sign. A role is certain where 95 % of the resamples of
clusters give the same one.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import norm

from neurosieve.comparison.shares import draw_interval, share_interval
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.results.measured import Interval
from neurosieve.statistics.cross_layers import folds

CERTAIN = 0.95
DRAWS = 200
_SPLITS = 5


@dataclass(frozen=True)
class LabelledRows:
    """Values of some neurons of one run on rows whose labels the other runs have too.

    Attributes:
        x: Shape [neurons, rows].
        label: Number of each row's label among those in common, shape [rows].
        labels: How many labels are in common.
        group: Cluster of each row, shape [rows].
        seed: Of resamples.
    """

    x: Float[np.ndarray, "neurons rows"]
    label: Int[np.ndarray, " rows"]
    labels: int
    group: np.ndarray
    seed: int = 0

    def some(self, rows: Bool[np.ndarray, " rows"]) -> "LabelledRows":
        """Only some rows."""
        return LabelledRows(self.x[:, rows], self.label[rows], self.labels, self.group[rows], self.seed)

    def neurons(self, chosen: Int[np.ndarray, " some"]) -> "LabelledRows":
        """Only some neurons."""
        return LabelledRows(self.x[chosen], self.label, self.labels, self.group, self.seed)


@dataclass(frozen=True)
class Strengths:
    """Strengths of neurons for labels, of all rows and of resamples.

    Attributes:
        value: Shape [labels, neurons].
        draws: Shape [draws, labels, neurons].
    """

    value: Float[np.ndarray, "labels neurons"]
    draws: Float[np.ndarray, "draws labels neurons"]

    def roles(self) -> tuple[Int[np.ndarray, " neurons"], Bool[np.ndarray, " neurons"]]:
        """Each neuron's role (1 + its label, negative where it is low), and whether it is certain."""
        here, drawn = _role(self.value), _role(self.draws)
        return here, (drawn == here).mean(0) >= CERTAIN

    def best(self) -> tuple[Float[np.ndarray, " neurons"], Float[np.ndarray, " neurons"]]:
        """The largest |strength| of each neuron, and its standard error."""
        return np.abs(self.value).max(0), np.abs(self.draws).max(1).std(0, ddof=1)


def strengths(rows: LabelledRows, draws: int = DRAWS) -> Strengths:
    """Of each neuron for each label in common."""
    bootstrap = ClusterBootstrap(rows.group, draws=draws, seed=rows.seed)
    deviation = rows.x.std(1)
    scale = np.where(deviation > 0, deviation, 1.0)
    drawn = np.concatenate([_differences(rows, weight) for weight in bootstrap.weights()])
    here = _differences(rows, np.ones((1, len(rows.label))))[0]
    return Strengths(here / scale, drawn / scale)


def _differences(
    rows: LabelledRows, weight: Float[np.ndarray, "draws rows"]
) -> Float[np.ndarray, "draws labels neurons"]:
    """Mean with each label less mean without it, where row i counts `weight[:, i]` times."""
    sums, counts = [], []
    for label in range(rows.labels):
        own = rows.label == label
        part = weight[:, own].astype(np.float32)
        sums.append(part @ rows.x[:, own].T)
        counts.append(part.sum(1))
    total, count = np.stack(sums, 1).astype(np.float64), np.stack(counts, 1)[..., None].astype(np.float64)
    rest, others = total.sum(1, keepdims=True) - total, count.sum(1, keepdims=True) - count
    found: Float[np.ndarray, "draws labels neurons"] = total / np.maximum(count, 1) - rest / np.maximum(others, 1)
    return found


def _role(strength: Float[np.ndarray, "*draws labels neurons"]) -> Int[np.ndarray, "*draws neurons"]:
    label = np.abs(strength).argmax(-2)
    sign = np.sign(np.take_along_axis(strength, label[..., None, :], -2))[..., 0, :]
    role: Int[np.ndarray, "*draws neurons"] = (label + 1) * sign.astype(np.int64)
    return role


@dataclass(frozen=True)
class HalvedRoles:
    """Of one way to halve a run's rows: neurons that are certain in both halves, and those of them that change.

    Attributes:
        changed: How many have another role in the other half.
        certain: Of how many; at least 1.
    """

    changed: int
    certain: int


@dataclass(frozen=True)
class RolesOfTwo:
    """Roles of the same neurons in two runs.

    Attributes:
        a: In the first, shape [neurons]; 1 + the label, negative where the neuron is low.
        b: In the second.
        certain: In both.
        by_halves: Changes between two halves of one run's rows, for each way to halve them; empty where no neuron is
            certain in both halves.
    """

    a: Int[np.ndarray, " neurons"]
    b: Int[np.ndarray, " neurons"]
    certain: Bool[np.ndarray, " neurons"]
    by_halves: tuple[HalvedRoles, ...]

    @property
    def changed(self) -> Bool[np.ndarray, " neurons"]:
        """Certain in both, and another in the second."""
        changed: Bool[np.ndarray, " neurons"] = self.certain & (self.a != self.b)
        return changed

    @property
    def chance(self) -> tuple[float, Interval]:
        """The mean share that changes between halves, and where 95 % of such shares would be.

        That is the wider of two: by the spread of the halves, and Wilson's of the mean counts. Halves that all agree
        have no spread, but few neurons do not prove that none ever changes.
        """
        if not self.by_halves:
            return 0.0, (0.0, 1.0)
        shares = [half.changed / half.certain for half in self.by_halves]
        changed, certain = np.mean([(half.changed, half.certain) for half in self.by_halves], 0)
        drawn, counted = draw_interval(shares), share_interval(round(changed), round(certain)) or (0.0, 1.0)
        return float(np.mean(shares)), (max(0.0, min(drawn[0], counted[0])), min(1.0, max(drawn[1], counted[1])))


def roles_of_two(a: LabelledRows, b: LabelledRows) -> RolesOfTwo:
    """Roles in both runs, and how often they change between halves of one run's clusters."""
    (role_a, sure_a), (role_b, sure_b) = (strengths(rows).roles() for rows in (a, b))
    halves = [half for rows in (a, b) for half in _changed_by_halves(rows)]
    return RolesOfTwo(role_a, role_b, sure_a & sure_b, tuple(halves))


def _changed_by_halves(rows: LabelledRows) -> list[HalvedRoles]:
    halves = []
    fold = folds(rows.group, 2 * _SPLITS)
    if fold.max() < 1:
        return []
    rng = np.random.default_rng(rows.seed)
    for _ in range(_SPLITS):
        half = np.isin(fold, rng.permutation(int(fold.max()) + 1)[::2])
        (role, sure), (other, sure_too) = (strengths(rows.some(part)).roles() for part in (half, ~half))
        if (both := sure & sure_too).any():
            halves.append(HalvedRoles(int((role != other)[both].sum()), int(both.sum())))
    return halves


def stronger(own: Strengths, others: list[Strengths]) -> Float[np.ndarray, " neurons"]:
    """One-sided p, for each neuron, of being no stronger in one run than in the strongest of the others."""
    value, error = own.best()
    rest = [other.best() for other in others]
    p = [norm.sf((value - v) / np.maximum(np.hypot(error, e), 1e-12)) for v, e in rest]
    found: Float[np.ndarray, " neurons"] = np.max(p, 0)
    return found
