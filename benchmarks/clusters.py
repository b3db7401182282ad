"""Correlation clusters of many neurons, drawn in planted groups: time, peak memory, and whether the groups are found.

    python -m benchmarks.clusters --neurons 131072 --rows 12000 --up-to 0.9
    python -m benchmarks.clusters --neurons 9984 --rows 12000 --full

Half of the neurons are noise; of the others eight each follow a signal of their own with |r| about 0.9. With `--full`
the tree of the full matrix is grown from moments for comparison, later in the same process, and all cuts are compared.
Peak memory is that of the process, rows included.
"""

from functools import partial

import numpy as np
import torch

from benchmarks.measure import Figure, in_turn, parser, peak_mb, positive, report, timed
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


def full_tree(values: torch.Tensor, ids: np.ndarray) -> CorrelationTree:
    """By moments of all neurons, as in a study."""
    sums = MomentAccumulator(ids)
    for part in torch.split(values, 1024):
        sums.update(part)
    return CorrelationTree(sums.result())


def main() -> None:
    arguments = parser(__doc__, runs=1)
    arguments.add_argument("--neurons", type=positive, default=9984)
    arguments.add_argument("--rows", type=positive, default=12_000)
    arguments.add_argument("--up-to", type=float, default=0.9, help="largest distance 1 - |r| of a cut")
    arguments.add_argument("--full", action="store_true", help="compare with the tree of the full matrix")
    args = arguments.parse_args()
    values, group = planted(args.neurons, args.rows, seed=0)
    ids = np.stack([np.zeros(args.neurons, dtype=np.int64), np.arange(args.neurons)], 1)
    before, trees = peak_mb(), dict[str, CorrelationTree]()

    def some() -> None:
        trees["tree"] = CorrelationTree.from_rows(values, ids, up_to=args.up_to)

    def full() -> None:
        trees["full"] = full_tree(values, ids)

    seconds, peak = in_turn({"tree": partial(timed, some)}, args.runs), peak_mb()
    cuts = [trees["tree"].cut(t) for t in CUTS if t <= args.up_to]
    # Planted neurons are some 0.08 apart: every cut but those below that gives the groups.
    right = [bool(np.unique(np.stack([c.label, group]), axis=1).shape[1] == c.kept == group.max() + 1) for c in cuts]
    details: dict[str, object] = {
        "peak_mb_before": round(before),
        "groups_found": dict(zip([c.threshold for c in cuts], right, strict=True)),
    }
    if args.full:
        seconds |= in_turn({"full": partial(timed, full)}, args.runs)
        details["equal_to_full"] = all(np.array_equal(c.label, trees["full"].cut(c.threshold).label) for c in cuts)
        details["peak_mb_full"] = round(peak_mb())
    figures = [Figure(f"{kind} seconds", seconds["tree"][kind][1]) for kind in ("wall", "processor")]
    report(args, [*figures, Figure("peak MB", round(peak))], seconds=seconds, **details)


if __name__ == "__main__":
    main()
