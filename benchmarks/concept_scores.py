"""Time and peak memory of scoring all neurons against property values, with a growing number of tokens.

    python benchmarks/concept_scores.py --tokens 100000 --neurons 9984 --values 40

Tokens come in shards of 5,000 as from a store, so that memory should not depend on their number. For comparison
the plain way sorts one neuron after the other for each value (scikit-learn's average precision), on a few neurons.
"""

import argparse
import resource
import time

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from neurosieve.concepts.neurons.histograms import BUCKETS, ConceptAccumulator
from neurosieve.concepts.neurons.scores import concept_scores

SHARD, FEW = 5_000, 8


def shard(number: int, rows: int, neurons: int, sizes: list[int]) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Random activations, codes and buckets; some neurons follow the first property."""
    generator = torch.Generator().manual_seed(number)
    x = torch.randn(rows, neurons, generator=generator)
    rng = np.random.default_rng(number)
    codes = np.stack([rng.integers(-1, size, rows) for size in sizes], 1)
    x[:, : neurons // 50] += torch.from_numpy((codes[:, :1] == 0) * 2.0).float()
    return x, codes, np.full(rows, number % BUCKETS, dtype=np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--neurons", type=int, default=9984)
    parser.add_argument("--values", type=int, default=40)
    parser.add_argument("--properties", type=int, default=8)
    args = parser.parse_args()
    sizes = [len(part) for part in np.array_split(np.arange(args.values), args.properties)]
    names = {f"p{i}": [f"v{j}" for j in range(size)] for i, size in enumerate(sizes)}
    threads = torch.get_num_threads()
    sums = ConceptAccumulator(names, torch.zeros(args.neurons), torch.ones(args.neurons), threads=threads)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent, plain = 0.0, 0.0
    for number, begin in enumerate(range(0, args.tokens, SHARD)):
        x, codes, bucket = shard(number, min(SHARD, args.tokens - begin), args.neurons, sizes)
        start = time.perf_counter()
        sums.update(x, codes, bucket)
        spent += time.perf_counter() - start
        if number == 0:
            start = time.perf_counter()
            for neuron in range(FEW):
                for value in range(sizes[0]):
                    average_precision_score(codes[:, 0] == value, x[:, neuron].numpy())
            plain = (time.perf_counter() - start) / (FEW * sizes[0] * len(x)) * args.tokens * args.neurons * args.values
    start = time.perf_counter()
    scores = concept_scores(sums.result())
    scoring = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    best = float(np.nanmax(scores.auroc))
    total = spent + scoring
    print(f"{args.tokens:,} tokens × {args.neurons:,} neurons × {args.values} values, {threads} threads")
    print(f"{total:.1f} s: {spent:.1f} s for the pass, {scoring:.1f} s for the scores; best AUROC {best:.3f}")
    print(f"by sorting about {plain:,.0f} s, {plain / total:.0f} times as long")
    print(f"peak RSS {peak:,.0f} MB, {before:,.0f} MB of it before the first token")


if __name__ == "__main__":
    main()
