"""Ridge: LCA's order of a probe that is held by the l2 penalty alone (compared in Fan et al. 2023, 2301.12608)."""

from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import KKT_TOLERANCE, Oracle
from neurosieve.rankings.base import Ranking
from neurosieve.rankings.lca_ranking import by_mass

MAX_STEPS = 2000


def ridge(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons as LCA does, from the oracle's problem without its l1 part: l1 = 0, l2 = λ/2.

    Correlated neurons share their weight, so that none of them weighs much. All weights are non-zero, for which
    the probes' solver is not made; L-BFGS (SciPy) takes steps until no gradient is above 1e-4 λ_max.

    Cost: two products of the train matrix with weights a step, some hundred steps.
    """
    x, l2 = data.x, oracle.probe.lam / 2
    y = data.target

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        both = torch.from_numpy(values).to(x).view(len(x) + 1, -1)
        w, b = both[:-1], both[-1]
        z = w.T @ x + b[:, None]
        loss, slope = _squares(z, y) if len(y) == 1 else _cross_entropy(z, y)
        residual = slope / x.shape[1]
        value = loss.double().mean() + l2 / 2 * w.double().square().sum()
        gradient = torch.cat([x @ residual.T + l2 * w, residual.sum(1)[None]])
        return float(value), gradient.double().flatten().cpu().numpy()

    start = torch.cat([oracle.probe.weights, oracle.probe.intercept[None]]).double().flatten().cpu().numpy()
    options: Any = {"maxiter": MAX_STEPS, "gtol": KKT_TOLERANCE * oracle.lam_max, "ftol": 0.0, "maxcor": 20}
    solution = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    weights = torch.from_numpy(solution).view(len(x) + 1, -1)[:-1]
    return by_mass("ridge", data, weights.abs().view(len(data.neurons), data.copies, -1).sum(1))


def _cross_entropy(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's loss, and its derivative by the row's scores."""
    return torch.logsumexp(z, 0) - (z * y).sum(0), torch.softmax(z, 0) - y


def _squares(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return (z - y).square()[0] / 2, z - y
