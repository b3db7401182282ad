"""Probes of a run folder next to those of other packages: adelie's λ path, and NeuroX's linear probes.

    python -m benchmarks.rivals RUN [--rows 2000] [--neurons 300] [--only adelie]

adelie solves the same elastic net at the same values of λ. Its tolerance is made smaller until its largest violation
of the optimality conditions is no more than `--gap` of λ_max, to which ours is solved too; both violations are worked
out here in float64, and only the tolerance that sufficed is timed. NeuroX fits one pair of λ in 10 epochs, on all
neurons and on each layer, and ours searches 13 values of λ. Both packages are needed by this file alone.
"""

import contextlib
import importlib
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import Figure, in_turn, lacking, parser, positive, ratio, report, timed
from benchmarks.run_data import run_data
from neurosieve.probes import SelectionData
from neurosieve.probes.probe import fit_own_path, fit_path, lambda_max, lambda_path
from neurosieve.threads import map_threads

HOW = {
    "adelie": "pip install adelie==1.1.52",
    "neurox": "pip install --no-deps neurox==1.0.9 imbalanced-learn==0.14.2 sklearn-compat==0.1.6",
}
MODULES = {"adelie": "adelie", "neurox": "neurox.interpretation.linear_probe"}
SMALLEST = 1e-13
Weights = tuple[np.ndarray, np.ndarray]
Measured = tuple[list[Figure], dict[str, Any]]


def missing(package: str) -> str:
    """What is not there, and how to install it; empty where all is there."""
    try:
        importlib.import_module(MODULES[package])
    except ImportError as error:
        return f"{package} cannot be loaded ({error}): {HOW[package]}"
    return ""


def violation(x: np.ndarray, y: np.ndarray, lam: float, weights: Weights) -> float:
    """Largest violation of an optimality condition at l1 = l2 = λ/2, in units of the gradient.

    Args:
        x: Features, shape [rows, features].
        y: Indicators of the classes, shape [rows, classes].
        lam: λ.
        weights: Shape [features, classes], and intercepts [classes].
    """
    w, b = (part.astype(np.float64) for part in weights)
    z = x @ w + b
    p = np.exp(z - z.max(1, keepdims=True))
    residual = (p / p.sum(1, keepdims=True) - y) / len(y)
    gradient = x.T @ residual + lam / 2 * w
    broken = np.where(w != 0, np.abs(gradient + lam / 2 * np.sign(w)), np.maximum(np.abs(gradient) - lam / 2, 0))
    return float(max(broken.max(), np.abs(residual.sum(0)).max()))


def adelie_path(x: np.ndarray, y: np.ndarray, lambdas: Sequence[float], tolerance: float) -> list[Weights]:
    """Solutions of adelie, largest λ first.

    `adelie.grpnet` puts all weights of a feature in one group, so that its solver's state is made here, as `grpnet`
    makes it, with a group for each weight. Its loss is divided by the number of classes, and so is λ.
    """
    adelie = importlib.import_module(MODULES["adelie"])
    (rows, features), classes = x.shape, y.shape[1]
    family, threads = adelie.glm.multinomial(y), torch.get_num_threads()
    free, count = np.arange(classes), classes * (features + 1)
    residual = np.empty_like(y)
    family.gradient(np.zeros_like(y), residual)
    gradient = np.concatenate([residual.sum(0), (x.T @ residual).ravel()])
    state = adelie.state.multiglm_naive(
        X=x,
        glm=family,
        constraints=None,
        groups=np.arange(count),
        group_sizes=np.ones(count, dtype=int),
        alpha=0.5,
        penalty=np.repeat([0.0, 1.0], [classes, count - classes]),
        offsets=np.zeros_like(y),
        screen_set=free,
        screen_beta=np.zeros(classes),
        screen_is_active=np.ones(classes, dtype=bool),
        active_set_size=classes,
        active_set=np.concatenate([free, np.zeros(count - classes, dtype=int)]),
        lmda=np.inf,
        grad=gradient,
        eta=np.zeros(rows * classes),
        resid=residual.ravel(),
        loss_full=family.loss_full(),
        lmda_path=np.array(lambdas) / classes,
        irls_tol=tolerance,
        tol=tolerance,
        n_threads=threads,
        early_exit=False,
    ).solve(progress_bar=False)
    flat = state.betas.toarray().reshape(-1, features, classes)
    return list(zip(flat, state.intercepts, strict=True))


def compare_adelie(data: SelectionData, runs: int, length: int, gap: float, tolerance: float) -> Measured:
    """A λ path on all neurons, ours and adelie's, solved to the same closeness."""
    everything = np.arange(len(data.neurons))
    lam_max = lambda_max(data, everything)
    lambdas = lambda_path(lam_max, length)
    x = np.asfortranarray(data.x.numpy().T, dtype=np.float64)
    y = data.target.numpy().T.astype(np.float64, order="C")

    def worst(path: Sequence[Weights]) -> float:
        return max(violation(x, y, lam, w) for lam, w in zip(lambdas, path, strict=True)) / lam_max

    found: dict[str, list[Weights]] = {}

    def ours() -> None:
        solved, _ = fit_path(data, everything, lambdas, closeness=gap)
        found["neurosieve"] = [(p.weights.numpy(), p.intercept.numpy()) for p in solved]

    def theirs(tolerance: float) -> None:
        found["adelie"] = adelie_path(x, y, lambdas, tolerance)

    tried: dict[str, dict[str, float]] = {}
    while True:
        wall = timed(partial(theirs, tolerance)).wall
        missed = worst(found["adelie"]) if len(found["adelie"]) == length else float("inf")
        tried[f"{tolerance:.0e}"] = {"violation": missed, "wall": round(wall, 2)}
        if missed <= gap or tolerance / 10 < SMALLEST:
            break
        tolerance /= 10
    times = in_turn({"neurosieve": partial(timed, ours), "adelie": partial(timed, partial(theirs, tolerance))}, runs)
    missed_by = {name: worst(path) for name, path in found.items()}
    figures = [
        Figure("λ path: ours / adelie, wall", ratio(times, "neurosieve", "adelie")["wall"], most=round(1 / 3, 3))
    ]
    figures += [Figure(f"largest violation / λ_max, {name}", v, most=gap) for name, v in missed_by.items()]
    return figures, {"seconds": times, "tolerance": tolerance, "tried": tried, "lambdas": length}


def compare_neurox(data: SelectionData, runs: int, penalty: float) -> Measured:
    """Probes on all neurons and on each layer: NeuroX with one λ pair and 10 epochs, ours with 13 λ."""
    linear_probe = importlib.import_module(MODULES["neurox"])
    x, layer = data.x.numpy().T.copy(), np.repeat(data.neurons[:, 0], data.copies)
    unseen, label = data.x_validation.numpy().T.copy(), data.label.numpy()
    scores: dict[str, list[float]] = {}

    def theirs(name: str, columns: Sequence[np.ndarray]) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            fitted = [
                linear_probe.train_logistic_regression_probe(x[:, c], label, penalty, penalty, num_epochs=10)
                for c in columns
            ]
        predicted = [p(torch.from_numpy(unseen[:, c])).argmax(1).numpy() for p, c in zip(fitted, columns, strict=True)]
        scores[f"NeuroX, {name}"] = [round(float((p == data.label_validation).mean()), 4) for p in predicted]

    def ours(name: str, sets: Sequence[np.ndarray]) -> None:
        probes = map_threads(partial(fit_own_path, data), sets) if len(sets) > 1 else [fit_own_path(data, sets[0])]
        scores[f"neurosieve, {name}"] = [round(p.validation, 4) for p in probes]

    layers = np.unique(layer)
    columns = {"all neurons": [np.arange(len(layer))], "each layer": [np.flatnonzero(layer == k) for k in layers]}
    sets = {
        "all neurons": [np.arange(len(data.neurons))],
        "each layer": [np.flatnonzero(data.neurons[:, 0] == k) for k in layers],
    }
    figures, seconds = list[Figure](), {}
    for name in columns:
        cases = {
            "neurosieve": partial(timed, partial(ours, name, sets[name])),
            "NeuroX": partial(timed, partial(theirs, name, columns[name])),
        }
        times = seconds[name] = in_turn(cases, runs)
        figures.append(Figure(f"probes of {name}: ours / NeuroX, wall", ratio(times, "neurosieve", "NeuroX")["wall"]))
    return figures, {"seconds": seconds, "validation": scores}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("run", metavar="RUN", help="folder that `neurosieve run` or `extract` wrote")
    arguments.add_argument("--rows", type=positive, help="train rows that are drawn; all by default")
    arguments.add_argument("--neurons", type=positive, help="live neurons that are drawn; all by default")
    arguments.add_argument("--lambdas", type=positive, default=20, help="values of λ on adelie's path")
    arguments.add_argument("--gap", type=float, default=1e-4, help="largest violation that is left, as share of λ_max")
    arguments.add_argument("--tolerance", type=float, default=1e-6, help="the first that adelie is given")
    arguments.add_argument("--penalty", type=float, default=1e-5, help="NeuroX's two λ")
    arguments.add_argument("--only", choices=list(HOW), help="one of the packages")
    args = arguments.parse_args()
    packages = [args.only] if args.only else list(HOW)
    absent = {name: line for name in packages if (line := missing(name))}
    if len(absent) == len(packages):
        lacking("; ".join(absent.values()))
    data = run_data(Path(args.run), args.rows, args.neurons)
    compare: dict[str, Callable[[], Measured]] = {
        "adelie": lambda: compare_adelie(data, args.runs, args.lambdas, args.gap, args.tolerance),
        "neurox": lambda: compare_neurox(data, args.runs, args.penalty),
    }
    parts = {name: compare[name]() for name in packages if name not in absent}
    figures = [figure for some, _ in parts.values() for figure in some]
    shape = {"rows": data.x.shape[1], "features": len(data.x), "classes": data.classes}
    report(args, figures, shape=shape, absent=absent, **{name: details for name, (_, details) in parts.items()})


if __name__ == "__main__":
    main()
