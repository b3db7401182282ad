"""Probes on the activations of a run folder: drawn rows against all rows, and two kinds of waiting threads under load.

    python -m benchmarks.probes RUN [--runs 3] [--load 1]

RUN is a folder that `neurosieve run` or `neurosieve extract` wrote. What is compared runs in turns. With --load the
busy processes are made here.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.measure import Figure, Spent, Times, busy, in_turn, parser, ratio, report, timed
from benchmarks.run_data import run_data
from neurosieve.probes import SelectionData, curvature
from neurosieve.probes.probe import fit_path, lambda_max, lambda_path
from neurosieve.redundancy.control_probes import control_task

SIZES = (150, 140, 130)
WAITS = ("ACTIVE", "PASSIVE")


def oracle_path(data: SelectionData) -> None:
    everything = np.arange(len(data.neurons))
    fit_path(data, everything, lambda_path(lambda_max(data, everything)))


def control_path(data: SelectionData) -> None:
    """Of one draw, down to the ninth λ: later ones take as long as all before them."""
    draw, everything = control_task(data, 0), np.arange(len(data.neurons))
    fit_path(draw, everything, lambda_path(lambda_max(draw, everything))[:9])


def small_sets(data: SelectionData) -> None:
    """Three λ at three sizes of a random order, as a search fits them."""
    order = np.random.default_rng(1).permutation(len(data.neurons))[: SIZES[0]]
    lambdas = lambda_path(lambda_max(data, np.arange(len(data.neurons))))[9:12]
    for size in SIZES:
        fit_path(data, order[:size], lambdas)


WORK: dict[str, Callable[[SelectionData], None]] = {
    "oracle path": oracle_path,
    "control path": control_path,
    "sets of a random order": small_sets,
}


def with_rows(least: int, work: Callable[[SelectionData], None], data: SelectionData) -> Spent:
    """Seconds of some work whose Hessians are of at least so many rows."""
    before, curvature.LEAST_ROWS = curvature.LEAST_ROWS, least
    try:
        return timed(partial(work, data))
    finally:
        curvature.LEAST_ROWS = before


def compare_rows(data: SelectionData, runs: int) -> dict[str, Times]:
    """Hessians of drawn rows, and of all rows."""
    sides = {"drawn rows": curvature.LEAST_ROWS, "all rows": sys.maxsize}
    return {
        name: in_turn({side: partial(with_rows, least, work, data) for side, least in sides.items()}, runs)
        for name, work in WORK.items()
    }


def waiting(run: str, policy: str) -> Spent:
    """Seconds of small sets in a process of its own, without its start, by how its threads wait."""
    command = [sys.executable, "-m", "benchmarks.probes", run, "--once"]
    environment = os.environ | {"OMP_WAIT_POLICY": policy}
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Spent(*json.loads(output))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("run", metavar="RUN")
    arguments.add_argument("--load", type=int, default=1, help="busy processes next to waiting threads")
    arguments.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    args = arguments.parse_args()
    data = run_data(args.run)
    if args.once:
        print(json.dumps(timed(partial(small_sets, data))))
        return
    rows = compare_rows(data, args.runs)
    with busy(args.load):
        waits = in_turn({wait: partial(waiting, args.run, wait) for wait in WAITS}, args.runs)
    figures = [Figure(f"{k}, drawn / all rows", ratio(t, "drawn rows", "all rows")["wall"]) for k, t in rows.items()]
    figures.append(Figure("small sets under load, sleeping / spinning", ratio(waits, "PASSIVE", "ACTIVE")["wall"]))
    report(args, figures, rows=rows, waits=waits)


if __name__ == "__main__":
    main()
