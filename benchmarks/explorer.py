"""The explorer on a made-up store: seconds to build its files, milliseconds of a page, memory that pages take.

    python -m benchmarks.explorer [--neurons 50000] [--layers 10] [--rows 4000,2000] [--pages 300]

The store is normal noise as float16, with no code around its tokens. Files are built in this process; then
`neurosieve serve` runs in one of its own, and pages of drawn neurons and layers are asked for one after the other on
the loopback. Memory is what the server holds after all pages, next to after the first ones. A page may take 50 ms, from
500,000 neurons on 100 ms; building has a bound for fewer than these.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch

from benchmarks.measure import Figure, numbers, parser, peak_mb, positive, report, timed
from neurosieve.activations import ActivationStore, Manifest
from neurosieve.activations.row_table import ROW_SCHEMA
from neurosieve.studies.columns.column_building import build
from neurosieve.studies.config import make_config
from neurosieve.studies.run_folder import STORE, RunFolder
from neurosieve.typing import Split

SHARD, WORDS, FIRST, MANY = 200, 300, 30, 500_000


class Pages(NamedTuple):
    """Milliseconds of each page by its kind; MB that the server holds more after them; its processor ms of a page."""

    spent: dict[str, list[float]]
    more: float
    processor: float


def made_run(folder: Path, layers: int, width: int, rows: dict[Split, int]) -> None:
    """A run folder of activations alone."""
    config = make_config(options={"model": "made up", "data": str(folder / "nowhere"), "labels": None})
    RunFolder(folder, config, {})
    store = ActivationStore(folder / STORE, manifest(layers, width, rows))
    generator = torch.Generator().manual_seed(0)
    for split, count in rows.items():
        for begin in range(0, count, SHARD):
            some = range(begin, min(begin + SHARD, count))
            values = [torch.randn(len(some), width, generator=generator) for _ in range(layers)]
            store.append(split, values, table(some, split))
    store.manifest.complete = True
    store.save_manifest()


def manifest(layers: int, width: int, rows: dict[Split, int]) -> Manifest:
    """Of the store."""
    return Manifest(
        model="made up", revision=None, adapter={}, site="hidden", layers=layers, width=width, labels=["a", "b"],
        dtypes=["float16"] * layers, counts={}, long_examples=0, self_check={}, notes=[], reading="detect",
        rows={str(split): count for split, count in rows.items()},
    )  # fmt: skip


def table(rows: range, split: Split) -> pa.Table:
    """Words, every other one of each label."""
    records = [
        {"row": i, "example": f"{split}:{i}", "group": f"{split}:{i}", "text": f"word{i % WORDS}", "start": 0, "end": 8,
         "label": "ab"[i % 2], "label_id": i % 2, "split": split, "window": 0}
        for i in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(records, schema=ROW_SCHEMA)


@contextmanager
def serving(run: Path) -> Iterator[tuple[str, int]]:
    """The address and the process of a server of its own."""
    line = [sys.executable, "-m", "neurosieve", "serve", str(run), "--port", "0"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip().rstrip("/")
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


def resident_mb(process: int) -> float:
    """Memory of its own that a process holds now; pages of files that it has mapped are not counted."""
    text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return float(re.findall(r"RssAnon:\s+(\d+) kB", text)[0]) / 1024


def asked(address: str) -> float:
    """Milliseconds of a page, its last byte included."""
    begin = time.perf_counter()
    with urllib.request.urlopen(address) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - begin)


def processor_ms(process: int) -> float:
    """What a process has computed so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pages(address: str, process: int, layers: int, width: int, count: int) -> Pages:
    """Of drawn neurons and layers."""
    rng, at = random.Random(0), f"{address}/runs/run"
    spent: dict[str, list[float]] = {"neuron": [], "layer": []}
    before = computed = 0.0
    for i in range(FIRST + count):
        layer, neuron = rng.randrange(layers), rng.randrange(width)
        times = {"neuron": asked(f"{at}/neurons/{layer}/{neuron}"), "layer": asked(f"{at}/layers/{layer}")}
        if i < FIRST:
            before, computed = resident_mb(process), processor_ms(process)
            continue
        for kind, value in times.items():
            spent[kind].append(value)
    return Pages(spent, resident_mb(process) - before, (processor_ms(process) - computed) / (2 * count))


def measured(folder: Path, layers: int, width: int, train: int, test: int, count: int) -> list[Figure]:
    """All figures of a run that is made in a folder."""
    run, most = folder / "run", layers * width >= MANY
    made_run(run, layers, width, {"train": train, "validation": 10, "test": test})
    before = peak_mb()
    built = timed(lambda: build(run))
    figures = [
        Figure("seconds to build the files", round(built.wall, 2), most=None if most else 60),
        Figure("processor seconds to build them", round(built.processor, 2)),
        Figure("MB more than before, to build them", round(peak_mb() - before, 1)),
    ]
    with serving(run) as (address, process):
        asked_for = pages(address, process, layers, width, count)
    for kind, times in asked_for.spent.items():
        low, high = np.percentile(times, [50, 95]).tolist()
        figures.append(Figure(f"ms of a {kind} page, median", round(low, 1)))
        figures.append(Figure(f"ms of a {kind} page, 95 % of them", round(high, 1), most=100 if most else 50))
    figures.append(Figure("processor ms of a page, mean of both", round(asked_for.processor, 1)))
    return [*figures, Figure(f"MB more after {2 * count} pages", round(asked_for.more, 1), most=20)]


def main() -> None:
    args_of = parser(__doc__, runs=1)
    args_of.add_argument("--neurons", type=positive, default=50_000, help="of all layers (default 50000)")
    args_of.add_argument("--layers", type=positive, default=10)
    args_of.add_argument("--rows", type=numbers, default=[4000, 2000], help="of train and test (default 4000,2000)")
    args_of.add_argument("--pages", type=positive, default=300, help="of each kind (default 300)")
    args = args_of.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="explorer-"))
    try:
        train, test = args.rows
        figures = measured(folder, args.layers, args.neurons // args.layers, train, test, args.pages)
    finally:
        shutil.rmtree(folder)
    report(args, figures)


if __name__ == "__main__":
    main()
