"""Probes on the activations of a run folder: drawn rows against all rows, and two kinds of waiting threads under load.

    python benchmarks/probes.py RUN [--repeats 3] [--load 1] [--out probes.json]

RUN is a folder that `neurosieve run` or `neurosieve extract` wrote. What is compared runs in turns; each line gives
min / median / max of processor seconds and of wall seconds. With --load the busy processes are made here.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurosieve.activations.store import ActivationStore
from neurosieve.probes import SelectionData, curvature, selection_data
from neurosieve.probes.probe import fit_path, lambda_max, lambda_path
from neurosieve.redundancy.control_probes import control_task

Times = dict[str, list[float]]
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


def timed(work: Callable[[], object], into: Times) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    into.setdefault("processor", []).append(time.process_time() - processor)
    into.setdefault("wall", []).append(time.perf_counter() - wall)


def spread(times: list[float]) -> dict[str, float]:
    return {"min": min(times), "median": statistics.median(times), "max": max(times)}


def compare_rows(data: SelectionData, repeats: int) -> dict[str, Any]:
    """Hessians of drawn rows, and of all rows as they were before."""
    least, found = curvature.LEAST_ROWS, dict[str, Any]()
    for name, work in WORK.items():
        sides: dict[str, Times] = {"drawn rows": {}, "all rows": {}}
        for _ in range(repeats):
            for side, times in sides.items():
                curvature.LEAST_ROWS = least if side == "drawn rows" else sys.maxsize
                timed(lambda: work(data), times)  # noqa: B023 - called at once
        found[name] = {side: {k: spread(v) for k, v in times.items()} for side, times in sides.items()}
        print(name, json.dumps(found[name], indent=1))
    curvature.LEAST_ROWS = least
    return found


def compare_waits(run: str, repeats: int, load: int) -> dict[str, Any]:
    """Small sets in processes of their own, alongside busy ones, by the policy of waiting threads."""
    busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(load)]
    for process in busy:
        process.start()
    sides: dict[str, Times] = {wait: {} for wait in WAITS}
    for _ in range(repeats):
        for wait, times in sides.items():
            environment = os.environ | {"OMP_WAIT_POLICY": wait}
            command = [sys.executable, __file__, run, "--once"]
            output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
            for kind, values in json.loads(output).items():
                times.setdefault(kind, []).extend(values)
    for process in busy:
        process.kill()
    found = {wait: {kind: spread(values) for kind, values in times.items()} for wait, times in sides.items()}
    print(f"alongside {load} busy processes", json.dumps(found, indent=1))
    return found


def spin() -> None:
    while True:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--load", type=int, default=1)
    parser.add_argument("--out", default="probes.json")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    store = ActivationStore(Path(args.run) / "activations")
    data = selection_data(store.read("train"), store.read("validation"))
    if args.once:
        times: Times = {}
        timed(lambda: small_sets(data), times)
        print(json.dumps(times))
        return
    machine = {"machine": platform.processor(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    record = machine | {"rows": compare_rows(data, args.repeats)}
    record |= {"waits": compare_waits(args.run, args.repeats, args.load)}
    Path(args.out).write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
