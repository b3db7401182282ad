"""Time and peak memory of scoring all neurons against property values, with a growing number of tokens.

    python -m benchmarks.concept_scores --tokens 100000 --neurons 9984 --values 40

Tokens come in shards of 5,000 as from a store, so that memory should not depend on their number. For comparison
the plain way sorts one neuron after the other for each value (scikit-learn's average precision), on a few neurons.
"""

from functools import partial

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.measure import Figure, Spent, parser, peak_mb, positive, report, timed
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


def sorting(codes: np.ndarray, x: torch.Tensor, values: int) -> None:
    """The plain way, of the first property's values on a few neurons."""
    for neuron in range(FEW):
        for value in range(values):
            average_precision_score(codes[:, 0] == value, x[:, neuron].numpy())


def accumulator(neurons: int, sizes: list[int]) -> ConceptAccumulator:
    """For properties of so many values each."""
    names = {f"p{i}": [f"v{j}" for j in range(size)] for i, size in enumerate(sizes)}
    return ConceptAccumulator(names, torch.zeros(neurons), torch.ones(neurons), threads=torch.get_num_threads())


def sizes_of(values: int, properties: int) -> list[int]:
    """Values dealt to properties."""
    return [len(part) for part in np.array_split(np.arange(values), properties)]


def main() -> None:
    arguments = parser(__doc__, runs=1)
    for name, default in (("tokens", 100_000), ("neurons", 9984), ("values", 40), ("properties", 8)):
        arguments.add_argument(f"--{name}", type=positive, default=default)
    args = arguments.parse_args()
    sizes, before = sizes_of(args.values, args.properties), peak_mb()
    passes, scoring, plain = list[Spent](), list[Spent](), 0.0
    for _ in range(args.runs):
        sums = accumulator(args.neurons, sizes)
        for number, begin in enumerate(range(0, args.tokens, SHARD)):
            x, codes, bucket = shard(number, min(SHARD, args.tokens - begin), args.neurons, sizes)
            passes.append(timed(partial(sums.update, x, codes, bucket)))
            if not plain:
                cells = args.tokens * args.neurons * args.values / (FEW * sizes[0] * len(x))
                plain = timed(partial(sorting, codes, x, sizes[0])).wall * cells
        scoring.append(timed(lambda: concept_scores(sums.result())))  # noqa: B023 - called at once
    spent = Spent(*(sum(each) / args.runs for each in zip(*passes, *scoring, strict=True)))
    figures = [Figure("wall seconds", round(spent.wall, 2)), Figure("peak MB", round(peak_mb()))]
    ratio = {"by_sorting": round(plain), "by_sorting/ours": round(plain / spent.wall, 1)}
    scores = round(sum(s.wall for s in scoring) / args.runs, 2)
    report(args, figures, seconds=spent._asdict() | {"of it scores": scores} | ratio, peak_mb_before=round(before))


if __name__ == "__main__":
    main()
