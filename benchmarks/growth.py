"""How time and memory grow with rows: moments, CKA, clusters, concepts and extraction on made-up data.

    python -m benchmarks.growth [--rows 10000,100000,1000000] [--only moments,extraction]

Each part at each size runs in a process of its own; sizes take turns. CKA and clusters are those of streamed moments,
whose time is in theirs. Activations come batch by batch from one that is made before, as from a store; extraction reads
generated lines with a small random BERT. The slope is that of the logarithm of processor seconds over the logarithm of
rows. A first small batch is worked off before the clock starts. Memory that the lines themselves take is not counted.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.concept_scores import accumulator, shard, sizes_of
from benchmarks.measure import ROOT, Figure, numbers, parser, peak_mb, positive, report, timed
from neurosieve.activations.extraction import extract
from neurosieve.concepts.neurons.scores import concept_scores
from neurosieve.data import Dataset
from neurosieve.data.sampling import sample_rows
from neurosieve.models import load_model
from neurosieve.statistics import CorrelationTree, MomentAccumulator, Moments, cka
from neurosieve.typing import Split

BATCH, LINE, FEW = 2000, 20, 200
LAYERS = 4
FLAT = 1.1  # memory that is no more than this many times that of the fewest rows
Work = Callable[[int], object]


def streamed(width: int) -> Callable[[int], Moments]:
    """Moments of so many rows of four layers."""
    ids = np.stack([np.repeat(np.arange(LAYERS), width), np.tile(np.arange(width), LAYERS)], 1)
    batch = torch.randn(BATCH, LAYERS * width, generator=torch.Generator().manual_seed(0))

    def work(rows: int) -> Moments:
        sums = MomentAccumulator(ids)
        for begin in range(0, rows, BATCH):
            sums.update(batch[: rows - begin])
        return sums.result()

    return work


def clusters(width: int) -> Work:
    """The tree of correlations and its cuts."""
    make = streamed(width)

    def work(rows: int) -> None:
        tree = CorrelationTree(make(rows))
        for threshold in (0.1, 0.3, 0.5, 0.7, 0.9):
            tree.cut(threshold)

    return work


def concepts(width: int) -> Work:
    """Histograms of eight properties with 40 values, and the scores."""
    sizes = sizes_of(40, 8)
    x, codes, bucket = shard(0, BATCH, width, sizes)

    def work(rows: int) -> None:
        sums = accumulator(width, sizes)
        for begin in range(0, rows, BATCH):
            some = slice(rows - begin)
            sums.update(x[some], codes[some], bucket[some])
        concept_scores(sums.result())

    return work


def lines(rows: int) -> Dataset:
    """Lines of 20 tokens, of which every one is a row; few for validation and test."""
    words, rng = [f"name{i}" for i in range(500)], np.random.default_rng(0)

    def split(count: int) -> tuple[list[list[str]], list[list[str]]]:
        drawn = rng.integers(0, len(words), (max(2, count // LINE), LINE))
        return [[words[i] for i in line] for line in drawn], [[f"class {i % 2}" for i in line] for line in drawn]

    return Dataset.from_lists({"train": split(rows), "validation": split(FEW), "test": split(FEW)})


def random_bert(width: int, folder: Path) -> Path:
    """The folder of a model of four layers, embeddings included, with the tokenizer of the package's own."""
    from transformers import BertConfig, BertModel  # takes seconds, which other parts need not wait

    torch.manual_seed(0)
    tokenizer = load_model("neurosieve/encoder").tokenizer
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=LAYERS - 1,
        num_attention_heads=2,
        intermediate_size=width,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def extraction(rows: int, width: int, folder: Path) -> Work:
    """A store of a small model's activations on lines that are made beforehand."""
    model = load_model(str(random_bert(width, folder / "model")))
    sets = {count: lines(count) for count in (FEW, rows)}

    def work(count: int) -> None:
        wanted: dict[Split, int] = {"train": count, "validation": FEW, "test": FEW}
        sample = sample_rows(sets[count], per_class=wanted, seed=0)
        extract(model, sets[count], sample, folder / f"store-{count}")

    return work


PARTS: dict[str, Callable[[int], Work]] = {
    "moments": streamed,
    "CKA": lambda width: lambda rows: cka(streamed(width)(rows)),
    "clusters": clusters,
    "concepts": concepts,
}
NAMES = (*PARTS, "extraction")


def once(part: str, rows: int, width: int) -> dict[str, float]:
    """Seconds and memory of one part at one size, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        work = extraction(rows, width, Path(folder)) if part == "extraction" else PARTS[part](width)
        work(FEW)
        before = peak_mb()
        spent = timed(partial(work, rows))
    return spent._asdict() | {"peak_mb": round(peak_mb(), 1), "peak_mb_before": round(before, 1)}


def in_own_process(part: str, rows: int, width: int) -> dict[str, float]:
    """The same in a new process."""
    line = [sys.executable, "-m", "benchmarks.growth", "--once", part, "--rows", str(rows), "--width", str(width)]
    output = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    found: dict[str, float] = json.loads(output)
    return found


def grown(part: str, sizes: list[int], width: int, runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """The slope of processor seconds in rows, and memory at most rows over that at fewest."""
    found: dict[int, list[dict[str, float]]] = {rows: [] for rows in sizes}
    for _ in range(runs):
        for rows in sizes:
            found[rows].append(in_own_process(part, rows, width))
    middle = [statistics.median(each["processor"] for each in found[rows]) for rows in sizes]
    figures = []
    if len(sizes) > 1:
        slope = float(np.polyfit(np.log(sizes), np.log(middle), 1)[0])
        figures.append(Figure(f"{part}: slope", round(slope, 3), least=0.95, most=1.05))
        base = found[sizes[0]][0]["peak_mb_before"]
        least, most = (
            statistics.median(e["peak_mb"] - e["peak_mb_before"] for e in found[rows]) + base
            for rows in (sizes[0], sizes[-1])
        )
        figures.append(Figure(f"{part}: memory, most rows / fewest", round(most / least, 3), most=FLAT))
    return figures, {str(rows): each for rows, each in found.items()}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rows", type=numbers, default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--width", type=positive, default=128, help="neurons of a layer (default 128)")
    arguments.add_argument("--only", default=",".join(NAMES), help=f"default: {','.join(NAMES)}")
    arguments.add_argument("--once", choices=NAMES, help=argparse.SUPPRESS)
    args = arguments.parse_args()
    if args.once:
        print(json.dumps(once(args.once, args.rows[0], args.width)))
        return
    parts = args.only.split(",")
    if unknown := set(parts) - set(NAMES):
        arguments.error(f"--only {', '.join(sorted(unknown))}: expected some of {', '.join(NAMES)}")
    figures, details = list[Figure](), {}
    for part in parts:
        some, details[part] = grown(part, sorted(args.rows), args.width, args.runs)
        figures += some
    report(args, figures, parts=details)


if __name__ == "__main__":
    main()
