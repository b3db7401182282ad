"""Probes of a run folder next to those of other packages: adelie's λ path, and NeuroX's linear probes.

    python -m benchmarks.rivals RUN [--rows 2000] [--neurons 300] [--only adelie]

adelie solves the same elastic net at the same values of λ. Its tolerance is made smaller until its largest violation
of the optimality conditions is no more than `--gap` of λ_max, to which ours is solved too; both violations are worked
out here in float64, and only the tolerance that sufficed is timed. NeuroX fits one pair of λ in 10 epochs, on all
neurons and on each layer, and ours searches 13 values of λ. Both packages are needed by this file alone.

Each side has a process of its own, which reads the rows before the clock starts: adelie binds the threads of its
process to processors when it is loaded. NeuroX's threads wait as they do without neurosieve.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.measure import (
    ROOT,
    Figure,
    Spent,
    Times,
    in_turn,
    lacking,
    need_folder,
    parser,
    positive,
    ratio,
    report,
    timed,
)
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
OWN_WAITING = {"GOMP_SPINCOUNT": "300000"}  # what GNU's OpenMP does where OMP_WAIT_POLICY is not set
Weights = tuple[np.ndarray, np.ndarray]
Measured = tuple[list[Figure], dict[str, Any]]


class Outcome(NamedTuple):
    """Seconds of one side; its largest violation as share of λ_max, or the validation scores of its probes."""

    spent: Spent
    found: list[float]


def in_new_process(line: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """What a new Python prints."""
    command, variables = [sys.executable, *line], os.environ | (environment or {})
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=variables).stdout


def missing(package: str) -> str:
    """What is not there, and how to install it; empty where all is there."""
    code = "import importlib, sys\ntry: importlib.import_module(sys.argv[1])\nexcept ImportError as e: print(e)"
    reason = in_new_process(["-c", code, MODULES[package]]).strip()
    return f"{package} cannot be loaded ({reason}): {HOW[package]}" if reason else ""


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
    (rows, features), classes, family = x.shape, y.shape[1], adelie.glm.multinomial(y)
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
        n_threads=torch.get_num_threads(),
        early_exit=False,
    ).solve(progress_bar=False)
    flat = state.betas.toarray().reshape(-1, features, classes)
    return list(zip(flat, state.intercepts, strict=True))


def solve_path(data: SelectionData, args: argparse.Namespace, solver: str) -> Outcome:
    """A λ path on all neurons, and its largest violation."""
    everything = np.arange(len(data.neurons))
    lam_max = lambda_max(data, everything)
    lambdas = lambda_path(lam_max, args.lambdas)
    x = np.asfortranarray(data.x.numpy().T, dtype=np.float64)
    y = data.target.numpy().T.astype(np.float64, order="C")
    path = list[Weights]()

    def ours() -> None:
        solved, _ = fit_path(data, everything, lambdas, closeness=args.gap)
        path.extend((p.weights.numpy(), p.intercept.numpy()) for p in solved)

    def theirs() -> None:
        path.extend(adelie_path(x, y, lambdas, args.tolerance))

    if solver == "adelie":
        importlib.import_module(MODULES["adelie"])
    spent = timed(theirs if solver == "adelie" else ours)
    missed = [violation(x, y, lam, weights) / lam_max for lam, weights in zip(lambdas, path, strict=False)]
    return Outcome(spent, [max(missed) if len(path) == len(lambdas) else float("inf")])


def parts_of(data: SelectionData, part: str) -> list[np.ndarray]:
    """All neurons, or those of each layer."""
    layer = data.neurons[:, 0]
    return [np.arange(len(layer))] if part == "all" else [np.flatnonzero(layer == k) for k in np.unique(layer)]


def search_probes(data: SelectionData, part: str) -> Outcome:
    """Ours: 13 λ, and one thread a probe where there are several."""
    scores, sets = list[float](), parts_of(data, part)

    def fitted() -> Iterator[float]:
        probes = map_threads(partial(fit_own_path, data), sets) if len(sets) > 1 else [fit_own_path(data, sets[0])]
        return (round(p.probe.validation, 4) for p in probes)

    return Outcome(timed(lambda: scores.extend(fitted())), scores)


def train_probes(data: SelectionData, args: argparse.Namespace, part: str) -> Outcome:
    """NeuroX's: one pair of λ, 10 epochs."""
    linear_probe = importlib.import_module(MODULES["neurox"])
    x, unseen, label = data.x.numpy().T.copy(), data.x_validation.numpy().T.copy(), data.label.numpy()
    kept = np.repeat(np.arange(len(data.neurons)), data.copies)
    columns = [np.flatnonzero(np.isin(kept, neurons)) for neurons in parts_of(data, part)]
    probes = list[Any]()

    def train() -> None:
        for some in columns:
            fit = linear_probe.train_logistic_regression_probe
            probes.append(fit(x[:, some], label, args.penalty, args.penalty, num_epochs=10))

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        spent = timed(train)
    predicted = [p(torch.from_numpy(unseen[:, c])).argmax(1).numpy() for p, c in zip(probes, columns, strict=True)]
    return Outcome(spent, [round(float((p == data.label_validation).mean()), 4) for p in predicted])


SIDES: dict[str, Callable[[SelectionData, argparse.Namespace], Outcome]] = {
    "path-neurosieve": partial(solve_path, solver="neurosieve"),
    "path-adelie": partial(solve_path, solver="adelie"),
    "all-neurosieve": lambda data, _: search_probes(data, "all"),
    "all-neurox": partial(train_probes, part="all"),
    "layers-neurosieve": lambda data, _: search_probes(data, "layers"),
    "layers-neurox": partial(train_probes, part="layers"),
}


def side(args: argparse.Namespace, name: str, tolerance: float) -> Outcome:
    """One side in a process of its own."""
    options = {k: getattr(args, k) for k in ("rows", "neurons", "lambdas", "gap", "penalty")} | {"tolerance": tolerance}
    line = [word for k, v in options.items() if v is not None for word in (f"--{k}", str(v))]
    environment = OWN_WAITING if name.endswith("neurox") else None
    spent, found = json.loads(in_new_process(["-m", "benchmarks.rivals", args.run, "--once", name, *line], environment))
    return Outcome(Spent(*spent), found)


def sides_in_turn(args: argparse.Namespace, names: Sequence[str], tolerance: float) -> tuple[Times, dict[str, Any]]:
    """Seconds of both sides, and what each found last."""
    found: dict[str, Any] = {}

    def case(name: str) -> Spent:
        spent, found[name] = side(args, name, tolerance)
        return spent

    return in_turn({name: partial(case, name) for name in names}, args.runs), found


def compare_adelie(args: argparse.Namespace) -> Measured:
    """A λ path on all neurons, ours and adelie's, solved to the same closeness."""
    tolerance, tried = args.tolerance, dict[str, float]()
    while True:
        tried[f"{tolerance:.0e}"] = missed = side(args, "path-adelie", tolerance).found[0]
        if missed <= args.gap or tolerance / 10 < SMALLEST:
            break
        tolerance /= 10
    times, found = sides_in_turn(args, ("path-neurosieve", "path-adelie"), tolerance)
    share = ratio(times, "path-neurosieve", "path-adelie")["wall"]
    figures = [Figure("λ path: ours / adelie, wall", share, most=round(1 / 3, 3))]
    figures += [Figure(f"largest violation / λ_max, {name}", missed, most=args.gap) for name, [missed] in found.items()]
    return figures, {"seconds": times, "tolerance": tolerance, "violation_by_tolerance": tried}


def compare_neurox(args: argparse.Namespace) -> Measured:
    """Probes on all neurons and on each layer."""
    figures, seconds, scores = list[Figure](), dict[str, Times](), dict[str, Any]()
    for part in ("all", "layers"):
        names = (f"{part}-neurosieve", f"{part}-neurox")
        seconds[part], found = sides_in_turn(args, names, args.tolerance)
        scores |= found
        figures.append(Figure(f"probes, {part}: ours / NeuroX, wall", ratio(seconds[part], *names)["wall"]))
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
    arguments.add_argument("--once", choices=list(SIDES), help=argparse.SUPPRESS)
    args = arguments.parse_args()
    if args.once:
        print(json.dumps(SIDES[args.once](run_data(args.run, args.rows, args.neurons), args)))
        return
    packages = [args.only] if args.only else list(HOW)
    absent = {name: line for name in packages if (line := missing(name))}
    if len(absent) == len(packages):
        lacking("; ".join(absent.values()))
    need_folder(f"{args.run}/activations")
    compare = {"adelie": compare_adelie, "neurox": compare_neurox}
    parts = {name: compare[name](args) for name in packages if name not in absent}
    figures = [figure for some, _ in parts.values() for figure in some]
    report(args, figures, absent=absent, **{name: details for name, (_, details) in parts.items()})


if __name__ == "__main__":
    main()
