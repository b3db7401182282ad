"""Time and peak memory of CKA and correlation over many rows, which are drawn batch by batch and never held.

python benchmarks/cka_memory.py [--rows 500000] [--layers 7] [--width 384] [--batch 2048]
"""

import argparse
import resource
import time

import numpy as np
import torch

from neurosieve.statistics import MomentAccumulator, cka


def peak_mb() -> float:
    """Peak resident memory of this process; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 500_000), ("layers", 7), ("width", 384), ("batch", 2048)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    start = peak_mb()
    begin = time.perf_counter()
    accumulator = stream(args.rows, args.layers, args.width, args.batch)
    streamed = time.perf_counter() - begin
    alike = cka(accumulator.result())
    total = time.perf_counter() - begin
    raw = args.rows * args.layers * args.width * 4 / 2**20
    print(f"{args.rows:,} rows × {args.layers} layers × {args.width} neurons ({raw:,.0f} MB as float32)")
    print(f"{total:.1f} s, {streamed:.1f} of them reading rows")
    print(f"peak RSS {peak_mb():,.0f} MB, {start:,.0f} of them after the imports")
    print("CKA of neighbours:", " ".join(f"{v:.3f}" for v in np.diagonal(alike, 1)))


if __name__ == "__main__":
    main()
