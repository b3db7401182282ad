"""Many probes on one matrix as a study fits them, next to each of them fitted alone from zero.

    python -m benchmarks.batch [--run RUN] [--sets 8] [--draws 2]

The probes: every layer alone, sets of a random order, and control labels on one set, each at every value of a λ path.
As a study: one thread a problem, as many at once as there are processors, each λ started from the one before. Alone:
one after the other, every λ from zero. Without RUN the rows are planted.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.measure import Figure, in_turn, parser, positive, ratio, report, timed
from benchmarks.run_data import planted_data, run_data
from neurosieve.probes import SelectionData
from neurosieve.probes.probe import KKT_TOLERANCE, Probe, fit_path, lambda_max, lambda_path
from neurosieve.redundancy.control_probes import control_task
from neurosieve.threads import map_threads


class Problem(NamedTuple):
    """Some neurons, labels, and values of λ."""

    data: SelectionData
    feature: np.ndarray
    lambdas: list[float]


def problems(data: SelectionData, sets: int, draws: int, length: int) -> list[Problem]:
    """Layers, sets of half to all of a random order's first neurons, and control labels."""
    order = np.random.default_rng(1).permutation(len(data.neurons))
    sizes = np.linspace(min(100, len(order)), min(200, len(order)), sets).astype(int)
    features = [np.flatnonzero(data.neurons[:, 0] == k) for k in np.unique(data.neurons[:, 0])]
    features += [order[:size] for size in sizes]
    pairs = [(data, f) for f in features] + [(control_task(data, seed), order[: sizes[-1]]) for seed in range(draws)]
    return [Problem(d, f, lambda_path(lambda_max(d, f), length)) for d, f in pairs]


def as_study(parts: list[Problem]) -> Iterator[Probe]:
    """Paths from large to small λ, in threads."""
    for probes, _ in map_threads(lambda p: fit_path(*p, closeness=KKT_TOLERANCE), parts):
        yield from probes


def alone(parts: list[Problem]) -> Iterator[Probe]:
    """Each probe from zero."""
    for data, feature, lambdas in parts:
        for lam in lambdas:
            yield from fit_path(data, feature, [lam], closeness=KKT_TOLERANCE)[0]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", type=Path, help="folder that `neurosieve run` or `extract` wrote")
    for name, default in (("rows", 4000), ("layers", 7), ("width", 128), ("sets", 11), ("draws", 2), ("lambdas", 5)):
        arguments.add_argument(f"--{name}", type=positive, default=default)
    args = arguments.parse_args()
    data = run_data(args.run, args.rows) if args.run else planted_data(args.rows, args.layers, args.width)
    parts = problems(data, args.sets, args.draws, args.lambdas)
    found: dict[str, list[Probe]] = {}
    ways = {"as a study": as_study, "one by one": alone}

    def fit(way: str) -> None:
        found[way] = list(ways[way](parts))

    times = in_turn({way: partial(timed, partial(fit, way)) for way in ways}, args.runs)
    both = list(zip(*found.values(), strict=True))
    apart = max(abs(a.validation - b.validation) for a, b in both)
    figures = [
        Figure("as a study / one by one, wall", ratio(times, *ways)["wall"], most=1 / 8),
        Figure("not converged", sum(not p.converged for pair in both for p in pair), most=0),
        Figure("largest difference of validation scores", apart),
    ]
    shape = {"probes": len(both), "problems": len(parts), "rows": data.x.shape[1], "neurons": len(data.neurons)}
    report(args, figures, shape=shape, seconds=times)


if __name__ == "__main__":
    main()
