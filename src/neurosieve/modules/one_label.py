"""A module: the neurons of one label with a head on their raw values, and how its scores are made comparable."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from neurosieve.probes.features import Scaler, feature_rows
from neurosieve.probes.probe import Probe
from neurosieve.typing import Grid, NeuronId


@dataclass(frozen=True, eq=False)
class Module:
    """What tells one label from the rest.

    Attributes:
        label: Its name.
        neurons: That it reads.
        weight: On their raw values, shape [features]; of pairs a neuron has two features, side by side.
        bias: Added to the sum.
    """

    label: str
    neurons: tuple[NeuronId, ...]
    weight: Float[np.ndarray, " features"]
    bias: float

    def scores(self, values: Float[Tensor, "rows columns"], grid: Grid) -> Float[np.ndarray, " rows"]:
        """Log-odds of the label for each row, once the module is calibrated.

        A row's score depends on nothing but the row's own values of these neurons: each row is summed alone, in the
        order of the neurons.

        Args:
            values: Activations of all neurons.
            grid: Their columns.
        """
        ids = np.array(self.neurons, dtype=np.int64).reshape(-1, 2)
        columns = feature_rows(grid.columns(ids), len(self.weight) // max(1, len(ids)))
        chosen = values[:, torch.from_numpy(columns)].double().numpy()
        return np.asarray((chosen * self.weight).sum(1) + self.bias)

    def calibrated(self, scores: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> "Module":
        """The same with scores that are log-odds, by rows that it was not fitted on; see `fit_calibration`."""
        slope, offset = fit_calibration(scores, positive)
        return replace(self, weight=slope * self.weight, bias=slope * self.bias + offset)


def module_of(label: str, probe: Probe, scaler: Scaler, column: int, rest: int | None = None) -> Module:
    """A class of a probe as a module: the neurons that have a weight for it.

    Args:
        label: Its name.
        probe: Fitted.
        scaler: Whose standardised features the probe reads.
        column: Number of the class.
        rest: Number of the class of all other labels, whose logit is subtracted; None where there is none.
    """
    weights, bias = probe.weights[:, column].double(), float(probe.intercept[column])
    if rest is not None:
        weights, bias = weights - probe.weights[:, rest].double(), bias - float(probe.intercept[rest])
    own = np.flatnonzero(weights.abs().view(len(probe.feature), probe.copies).sum(1).numpy() > 0)
    own = own if len(own) else np.arange(min(1, len(probe.feature)))
    rows = torch.from_numpy(feature_rows(probe.feature[own], scaler.copies))
    weight = weights[torch.from_numpy(feature_rows(own, probe.copies))] / scaler.scale[rows].double()
    bias -= float(weight @ scaler.mean[rows].double())
    neurons = tuple(NeuronId(*pair) for pair in scaler.neurons[probe.feature[own]].tolist())
    return Module(label, neurons, weight.numpy(), bias)


def fit_calibration(scores: Float[np.ndarray, " rows"], positive: Bool[np.ndarray, " rows"]) -> tuple[float, float]:
    """Slope and offset that make scores log-odds (Platt 1999, Probabilistic Outputs for Support Vector Machines).

    The targets are a little inside 0 and 1, by the numbers of rows, so that both stay finite where the rows are told
    perfectly. Two numbers, of the module's own label alone: another module's calibration has no part in them.
    """
    there, elsewhere = int(positive.sum()), int((~positive).sum())
    target = np.where(positive, (there + 1) / (there + 2), 1 / (elsewhere + 2))
    unit = float(scores.std()) or 1.0

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        z = line[0] * scores / unit + line[1]
        left = expit(z) - target
        return float((np.logaddexp(0, z) - target * z).mean()), np.array([(left * scores / unit).mean(), left.mean()])

    found: Any = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", options={"gtol": 1e-8})
    return float(found.x[0]) / unit, float(found.x[1])


def compose(
    modules: Sequence[Module], values: Float[Tensor, "rows columns"], grid: Grid
) -> Float[np.ndarray, "rows modules"]:
    """Scores of all modules, each computed alone; the largest decides."""
    return np.stack([module.scores(values, grid) for module in modules], 1)


def same_bits(a: Float[np.ndarray, " rows"], b: Float[np.ndarray, " rows"]) -> bool:
    """Are two modules' scores equal in every bit?"""
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()
