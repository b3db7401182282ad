"""Reading, measured against what cannot be avoided: extraction, untrained copies, edits. Prints JSON.

    python benchmarks/reading.py extract --rows 400 --runs 3
    python benchmarks/reading.py untrained --rows 400
    python benchmarks/reading.py edits --sets 20

Each is a list of cases that are run in turn, `--runs` times; wall and processor seconds are given as least, middle and
largest. `extract` is compared with the bare forward passes of the same windows: sorted by length as they are read, and
in the order of the file in batches of 32. `edits` compares random sets of edits with and without the blocks below them
computed once.
"""

import argparse
import contextlib
import json
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import transformers

from neurosieve.activations.extraction import ExtractionOptions, extract
from neurosieve.activations.windows import ReadingPlan, Window, batches, pad
from neurosieve.interventions import Ablate
from neurosieve.interventions.live_model import shared_below
from neurosieve.interventions.predictions import predict_units
from neurosieve.models import CodeModel, load_language_model, load_model
from neurosieve.redundancy.untrained_copies import read_untrained
from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import StudyData, read_data
from neurosieve.typing import Precision

CLASSES = ["MODIFIER", "IDENT", "KEYWORD", "TYPE", "NUMBER", "STRING"]
DATA = Path(__file__).resolve().parents[2] / "shared/data/token-tagging-java"
Times = dict[str, dict[str, list[float]]]


def in_turn(cases: dict[str, Callable[[], object]], runs: int) -> Times:
    """Wall and processor seconds of each case, least, middle, largest; cases take turns."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(runs):
        for name, run in cases.items():
            before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            run()
            after = resource.getrusage(resource.RUSAGE_SELF)
            own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            spent[name].append((time.perf_counter() - wall, own))
    return {
        name: {
            kind: [round(f(values), 2) for f in (min, statistics.median, max)]
            for kind, values in zip(("wall", "processor"), zip(*all_runs, strict=True), strict=True)
        }
        for name, all_runs in spent.items()
    }


def ratio(times: Times, one: str, other: str) -> dict[str, float]:
    """Of the middle values."""
    return {kind: round(times[one][kind][1] / times[other][kind][1], 3) for kind in ("wall", "processor")}


def forward(model: CodeModel, filled: Sequence[Sequence[Window]]) -> None:
    """The bare passes; nothing is kept."""
    with torch.inference_mode():
        for batch in filled:
            ids, mask, *_ = pad(batch, model.pad_id, model.padding_side)
            model.network(input_ids=ids, attention_mask=mask)


def read(model: str, data: str, rows: int) -> tuple[CodeModel, StudyData]:
    """The model, and rows of the data."""
    counts = {"train": rows, "validation": max(1, rows // 7), "test": max(1, rows // 6)}
    return load_model(model), read_data(
        make_config(options={"model": model, "data": data, "classes": CLASSES, "rows": counts})
    )


def extraction(model: CodeModel, data: StudyData, runs: int) -> dict[str, object]:
    """All of it, from texts to checked files, and bare passes."""
    options = ExtractionOptions()
    plan: ReadingPlan = options.plan(model, data.dataset, data.sample.rows)
    by_length = [b for w in plan.windows.values() for b in batches(w, options.batch_tokens)]
    as_in_file = [sorted(w, key=lambda w: (w.example, w.number)) for w in plan.windows.values()]
    by_32 = [w[i : i + 32] for w in as_in_file for i in range(0, len(w), 32)]

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            extract(model, data.dataset, data.sample, f"{folder}/store", options)

    times = in_turn(
        {"sorted": lambda: forward(model, by_length), "file order": lambda: forward(model, by_32), "extract": whole},
        runs,
    )
    return {
        "windows": sum(map(len, plan.windows.values())),
        "tokens": plan.tokens,
        "padded": {
            name: sum(len(b) * max(len(w.ids) for w in b) for b in some)
            for name, some in (("sorted", by_length), ("file order", by_32))
        },
        "seconds": times,
        "extract/sorted": ratio(times, "extract", "sorted"),
        "extract/file order": ratio(times, "extract", "file order"),
    }


def untrained(model: CodeModel, data: StudyData, seeds: int) -> dict[str, object]:
    """Scores of copies read in float32 and in bfloat16."""
    found: dict[str, list[dict[str, object]]] = {}
    options = ExtractionOptions()
    for seed in range(seeds):
        kinds: tuple[Precision, ...] = ("float32", "bfloat16")
        for precision in kinds:
            begin = time.process_time()
            copy = read_untrained(model, data.dataset, data.sample, options, seed=seed, path=13, precision=precision)
            hits = copy.predicted == copy.label
            layers = (copy.layers == copy.label).mean(1).round(4).tolist()
            scores = {"test": round(float(hits.mean()), 4), "validation": round(copy.validation, 4), "layers": layers}
            found.setdefault(precision, []).append(scores | {"processor": round(time.process_time() - begin, 1)})
    return {"test_rows": len(copy.label), **found}


def edits(name: str, layers: Sequence[int], data: StudyData, sets: int, runs: int) -> dict[str, object]:
    """Random edits of some layers, one after the other."""
    model = load_language_model(name)
    plan = ExtractionOptions(view="predict").plan(model, data.dataset, data.sample.rows)
    windows, shares = plan.windows["test"], np.zeros(len(model.tokenizer))
    width = model.adapter.size(model.network, "hidden", name)[1]
    rng = np.random.default_rng(0)

    def all_sets(layer: int, *, once: bool) -> float:
        drawn = [tuple(int(i) for i in rng.choice(width, width // 20, replace=False)) for _ in range(sets)]
        own = [[Ablate.zero(layer, indices)] for indices in drawn]
        with shared_below(model, own[0]) if once else contextlib.nullcontext():
            return sum(float(predict_units(model, windows, shares, edit).loss.mean()) for edit in own)

    found: dict[str, object] = {"tokens": sum(len(w.ids) for w in windows)}
    for layer in layers:
        cases: dict[str, Callable[[], object]] = {
            "whole": partial(all_sets, layer, once=False),
            "once": partial(all_sets, layer, once=True),
        }
        times = in_turn(cases, runs)
        found[f"layer {layer}"] = {"seconds": times, "whole/once": ratio(times, "whole", "once")}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["extract", "untrained", "edits"])
    parser.add_argument("--model", default="neurosieve/encoder")
    parser.add_argument("--data", default=str(DATA))
    parser.add_argument("--rows", type=int, default=400, help="train rows a class")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--layers", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2, 4])
    args = parser.parse_args()
    model, data = read(args.model, args.data, args.rows)
    if args.what == "extract":
        result = extraction(model, data, args.runs)
    elif args.what == "untrained":
        result = untrained(model, data, args.seeds)
    else:
        result = edits(args.model, args.layers, data, args.sets, args.runs)
    machine = {"processor": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    print(json.dumps({"what": args.what, "model": args.model} | machine | versions | result, indent=1))


if __name__ == "__main__":
    main()
