"""Time and peak memory of CKA and correlation over many rows, which are drawn batch by batch and never held.

python -m benchmarks.cka_memory [--rows 500000] [--layers 7] [--width 384] [--batch 2048]
"""

from functools import partial

import numpy as np
import torch

from benchmarks.measure import Figure, in_turn, parser, peak_mb, positive, report, timed
from neurosieve.statistics import MomentAccumulator, cka


def stream(rows: int, layers: int, width: int, batch: int) -> MomentAccumulator:
    """Moments of random activations, each layer close to the one below."""
    neurons = np.stack([np.repeat(np.arange(layers), width), np.tile(np.arange(width), layers)], 1)
    accumulator = MomentAccumulator(neurons)
    generator = torch.Generator().manual_seed(0)
    for begin in range(0, rows, batch):
        values = torch.randn(min(batch, rows - begin), layers, width, generator=generator).cumsum(1)
        accumulator.update(values.flatten(1))
    return accumulator


def main() -> None:
    arguments = parser(__doc__, runs=1)
    for name, default in (("rows", 500_000), ("layers", 7), ("width", 384), ("batch", 2048)):
        arguments.add_argument(f"--{name}", type=positive, default=default)
    args = arguments.parse_args()
    before, alike = peak_mb(), list[float]()

    def whole() -> None:
        sums = stream(args.rows, args.layers, args.width, args.batch)
        alike[:] = np.diagonal(cka(sums.result()), 1).round(3).tolist()

    seconds = in_turn({"stream and CKA": partial(timed, whole)}, args.runs)
    figures = [Figure("wall seconds", seconds["stream and CKA"]["wall"][1]), Figure("peak MB", round(peak_mb()))]
    matrix = round(args.rows * args.layers * args.width * 4 / 2**20)
    report(args, figures, seconds=seconds, peak_mb_before=round(before), rows_mb=matrix, cka_of_neighbours=alike)


if __name__ == "__main__":
    main()
