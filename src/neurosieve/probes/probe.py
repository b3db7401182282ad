"""Probes: the lambda path of the oracle, and probes derived from it for chosen neurons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from neurosieve.defaults import PATH_LENGTH
from neurosieve.probes.features import Scaler, SelectionData, feature_rows
from neurosieve.probes.metrics import row_scores
from neurosieve.probes.solver import Solution, null_gradient, solve
from neurosieve.typing import Scores

PATH_END = 1e-3
KKT_TOLERANCE = 1e-4
# Solved ten times more closely than asked, which costs about one Newton step: at small λ the tolerance alone
# leaves errors above 1e-3 in the probabilities.
KKT_TARGET = 1e-5
# What rivals (controls, untrained copies) are compared at along their path: a third of the work of `KKT_TOLERANCE`.
KKT_SEARCH = 3e-4
# Below this a float32 gradient is rounding; only a problem without signal has so small a lambda_max.
_SMALLEST = 1e-7


@dataclass(frozen=True)
class Probe:
    """A fitted probe on some neurons.

    Attributes:
        feature: Numbers of the live neurons that it reads, shape [neurons].
        weights: On their standardised features, shape [features, classes]; see `SelectionData`. Of values one column.
        intercept: Shape [classes].
        lam: λ; l1 = l2 = λ/2.
        converged: Largest KKT violation ≤ 1e-4 · λ_max of this problem.
        violation: That violation divided by λ_max.
        validation: Accuracy on validation, or R².
    """

    feature: Int[np.ndarray, " neurons"]
    weights: Float[Tensor, "features classes"]
    intercept: Float[Tensor, " classes"]
    lam: float
    converged: bool
    violation: float
    validation: float

    @property
    def copies(self) -> int:
        """Features of a neuron."""
        return len(self.weights) // len(self.feature) if len(self.feature) else 1

    @property
    def mass(self) -> Float[Tensor, "neurons classes"]:
        """Absolute weights of each neuron, over all its features."""
        return self.weights.abs().view(len(self.feature), self.copies, len(self.intercept)).sum(1)

    def predict(self, x: Float[Tensor, "features rows"]) -> Num[np.ndarray, " rows"]:
        """Classes, or standardised values, from standardised features of all live neurons."""
        scores = self.outputs(x)
        return (scores[0].double() if len(scores) == 1 else scores.argmax(0)).cpu().numpy()

    def outputs(self, x: Float[Tensor, "features rows"]) -> Float[Tensor, "outputs rows"]:
        """Logits, or standardised values, from standardised features of all live neurons."""
        chosen = x[torch.from_numpy(feature_rows(self.feature, self.copies)).to(x.device)]
        return self.weights.to(x.device).T @ chosen + self.intercept.to(x.device)[:, None]

    def row_scores(self, x: Float[Tensor, "features rows"], label: Num[np.ndarray, " rows"]) -> Scores:
        """Which rows are predicted rightly, or how well their values are; the mean is the probe's score."""
        return row_scores(self.predict(x), label)

    def to_frame(self, scaler: Scaler, labels: Sequence[str]) -> pl.DataFrame:
        """One row a feature: layer, index and the weight for each class."""
        ids = scaler.neurons[self.feature].repeat(self.copies, 0)
        weights = self.weights.cpu().numpy()
        columns = {label: weights[:, i] for i, label in enumerate(labels)}
        return pl.DataFrame({"layer": ids[:, 0], "index": ids[:, 1], **columns})


@dataclass(frozen=True)
class Oracle:
    """The probe on all live neurons and the path it was chosen from.

    Attributes:
        probe: The chosen one.
        lam_max: Smallest λ at which all weights are zero.
        path: (λ, validation score, non-zero weights, converged) for each λ, largest first.
        choice: Index of the chosen λ.
    """

    probe: Probe
    lam_max: float
    path: tuple[tuple[float, float, int, bool], ...]
    choice: int

    @property
    def lambdas(self) -> tuple[float, ...]:
        """The chosen λ and its neighbours, largest first: what derived probes search."""
        return tuple(lam for lam, *_ in self.path[max(0, self.choice - 1) : self.choice + 2])

    def to_frame(self) -> pl.DataFrame:
        """The path, one row a λ."""
        return pl.DataFrame(list(self.path), schema=["lambda", "validation", "nonzero", "converged"], orient="row")


def lambda_path(lam_max: float, length: int = PATH_LENGTH) -> list[float]:
    """Geometric from λ_max down to 1e-3 λ_max."""
    return [float(v) for v in lam_max * np.geomspace(1.0, PATH_END, length)]


def fit_oracle(data: SelectionData, length: int = PATH_LENGTH) -> Oracle:
    """Search the λ path on all live neurons, warm-started from large to small λ.

    The best validation score wins, ties go to the larger λ: a weaker oracle would flatter every small set.

    Args:
        data: Train and validation.
        length: Values of λ (METHOD.md asks for at least 12).
    """
    feature = np.arange(len(data.neurons))
    lam_max = lambda_max(data, feature)
    probes, _ = fit_path(data, feature, lambda_path(lam_max, length))
    choice = best(probes)
    return Oracle(probes[choice], lam_max, _path(probes), choice)


def fit_probe(
    data: SelectionData,
    feature: Int[np.ndarray, " some"],
    lambdas: Sequence[float],
    starts: Sequence[Solution] = (),
) -> tuple[Probe, list[Solution]]:
    """A probe on chosen neurons: the best of some λ on validation, ties to the larger; and the solutions of all λ.

    Labels without sense need thousands of weights at small λ, where closeness is dear: all λ are solved to the
    tolerance of `converged`, and only the chosen probe ten times more closely.
    """
    probes, solutions = fit_path(data, feature, lambdas, starts, KKT_TOLERANCE)
    choice = best(probes)
    (probe,), (solutions[choice],) = fit_path(data, feature, [probes[choice].lam], [solutions[choice]])
    return probe, solutions


def fit_path(
    data: SelectionData,
    feature: Int[np.ndarray, " some"],
    lambdas: Sequence[float],
    starts: Sequence[Solution] = (),
    closeness: float = KKT_TARGET,
) -> tuple[list[Probe], list[Solution]]:
    """One probe for each λ (largest first), each started from the one before or from what is given, if that is better.

    Without any neuron (a layer that is all dead) it is the intercept alone.

    Args:
        data: Train and validation.
        feature: The neurons.
        lambdas: Values of λ.
        starts: A solution of a like problem for each λ.
        closeness: Solved until the largest KKT violation is at most this share of λ_max.
    """
    problem = _Problem.of(data, feature, closeness)
    probes: list[Probe] = []
    solutions: list[Solution] = []
    for i, lam in enumerate(lambdas):
        probe, solution = problem.fit(lam, *starts[i : i + 1], *solutions[-1:])
        probes.append(probe)
        solutions.append(solution)
    return probes, solutions


def fit_from(
    data: SelectionData, feature: Int[np.ndarray, " some"], lam: float, starts: Sequence[Solution]
) -> tuple[Probe, Solution]:
    """A probe at one λ, started from the best of some solutions of like problems."""
    return _Problem.of(data, feature, KKT_TARGET).fit(lam, *starts)


class _Problem(NamedTuple):
    data: SelectionData
    feature: Int[np.ndarray, " some"]
    x: Float[Tensor, "features rows"]
    lam_max: float
    target: float

    @staticmethod
    def of(data: SelectionData, feature: Int[np.ndarray, " some"], closeness: float) -> "_Problem":
        x = data.features(feature)
        lam_max = 2 * null_gradient(x, data.target)
        return _Problem(data, feature, x, lam_max, max(closeness * lam_max, _SMALLEST))

    def fit(self, lam: float, *starts: Solution) -> tuple[Probe, Solution]:
        solution = solve(self.x, self.data.target, lam / 2, lam / 2, self.target, *starts)
        return _probe(self.data, self.feature, lam, solution, self.lam_max), solution


def fit_own_path(data: SelectionData, feature: Int[np.ndarray, " some"], length: int = PATH_LENGTH) -> Oracle:
    """The best probe of some neurons on a λ path of their own: what controls and untrained copies search.

    All λ are compared at three times the tolerance of `converged`, and only the chosen one is solved to it.
    """
    lam_max = lambda_max(data, feature)
    probes, solutions = fit_path(data, feature, lambda_path(lam_max, length), closeness=KKT_SEARCH)
    choice = best(probes)
    (probe,), _ = fit_path(data, feature, [probes[choice].lam], [solutions[choice]], KKT_TOLERANCE)
    return Oracle(probe, lam_max, _path(probes), choice)


def _path(probes: Sequence[Probe]) -> tuple[tuple[float, float, int, bool], ...]:
    return tuple((p.lam, p.validation, int((p.weights != 0).sum()), p.converged) for p in probes)


def best(probes: Sequence[Probe]) -> int:
    """Index of the best validation score; ties to the larger λ, which comes first."""
    return max(range(len(probes)), key=lambda i: (probes[i].validation, -i))


def lambda_max(data: SelectionData, feature: Int[np.ndarray, " some"]) -> float:
    """Smallest λ at which all weights on some neurons are zero."""
    x = data.features(feature)
    return 2 * null_gradient(x, data.target)


def _probe(data: SelectionData, feature: np.ndarray, lam: float, solution: Solution, lam_max: float) -> Probe:
    unscored = Probe(
        feature,
        solution.weights,
        solution.intercept,
        lam,
        solution.violation <= max(KKT_TOLERANCE * lam_max, _SMALLEST),
        solution.violation / lam_max if lam_max else 0.0,
        0.0,
    )
    score = float(unscored.row_scores(data.x_validation, data.label_validation).mean())
    return replace(unscored, validation=score)
