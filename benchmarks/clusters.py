"""Correlation clusters of many neurons, drawn in planted groups: time, peak memory, and whether the groups are found.

    python benchmarks/clusters.py --neurons 131072 --rows 12000 --up-to 0.9
    python benchmarks/clusters.py --neurons 9984 --rows 12000 --full

Half of the neurons are noise; of the others eight each follow a signal of their own with |r| about 0.9. With `--full`
the tree of the full matrix is grown from moments for comparison, later in the same process, and all cuts are compared.
Results are printed as JSON. Peak memory is that of the process, rows included.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np
import torch

from neurosieve.statistics import CorrelationTree, MomentAccumulator

GROUP = 8
CUTS = (0.1, 0.3, 0.5, 0.7, 0.9)


def planted(neurons: int, rows: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Values in float16, shape [rows, neurons], and the group of each neuron; noise is a group of its own."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(neurons)
    group = np.empty(neurons, dtype=np.int64)
    half = neurons // 2 // GROUP * GROUP
    group[order] = np.concatenate([np.arange(half) // GROUP, half // GROUP + np.arange(neurons - half)])
    generator = torch.Generator().manual_seed(seed)
    values = torch.empty(rows, neurons, dtype=torch.float16)
    for begin in range(0, rows, 256):
        some = torch.randn(min(256, rows - begin), neurons, generator=generator)
        signal = torch.randn(len(some), half // GROUP, generator=generator)
        some[:, order[:half]] = 0.3 * some[:, order[:half]] + signal.repeat_interleave(GROUP, 1)
        values[begin : begin + len(some)] = some
    return values, group


def timed(make: Callable[[], CorrelationTree]) -> tuple[CorrelationTree, dict[str, float]]:
    """What was made, with its wall and processor seconds."""
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    made = make()
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return made, {"wall": round(time.perf_counter() - wall, 2), "processor": round(spent, 2)}


def full_tree(values: torch.Tensor, ids: np.ndarray) -> CorrelationTree:
    """By moments of all neurons, as in a study."""
    sums = MomentAccumulator(ids)
    for part in torch.split(values, 1024):
        sums.update(part)
    return CorrelationTree(sums.result())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=9984)
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--up-to", type=float, default=0.9)
    parser.add_argument("--full", action="store_true")
    args = parser.parse_args()
    values, group = planted(args.neurons, args.rows, seed=0)
    ids = np.stack([np.zeros(args.neurons, dtype=np.int64), np.arange(args.neurons)], 1)
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tree, seconds = timed(lambda: CorrelationTree.from_rows(values, ids, up_to=args.up_to))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cuts = [tree.cut(t) for t in CUTS if t <= args.up_to]
    # Planted neurons are some 0.08 apart: every cut but those below that gives the groups.
    right = [bool(np.unique(np.stack([c.label, group]), axis=1).shape[1] == c.kept == group.max() + 1) for c in cuts]
    result: dict[str, object] = {
        "neurons": args.neurons,
        "rows": args.rows,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "seconds": seconds,
        "peak_mb": round(peak),
        "peak_mb_before": round(begun),
        "groups_found": dict(zip([c.threshold for c in cuts], right, strict=True)),
    }
    if args.full:
        whole, result["seconds_full"] = timed(lambda: full_tree(values, ids))
        result["equal_to_full"] = all(np.array_equal(c.label, whole.cut(c.threshold).label) for c in cuts)
        result["peak_mb_full"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
