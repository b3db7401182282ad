"""Reading, measured against what cannot be avoided: extraction, untrained copies, edits.

    python -m benchmarks.reading extract --rows 400 --runs 3
    python -m benchmarks.reading untrained --rows 400
    python -m benchmarks.reading edits --sets 20

Each is a list of cases that are run in turn, `--runs` times; wall and processor seconds are given as least, middle and
largest. `extract` is compared with the bare forward passes of the same windows: sorted by length as they are read, and
in the order of the file in batches of 32. `edits` compares random sets of edits with and without the blocks below them
computed once.
"""

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import (
    CLASSES,
    TAGGING,
    Figure,
    Spent,
    in_turn,
    need_folder,
    numbers,
    parser,
    positive,
    ratio,
    report,
    timed,
)
from neurosieve.activations.extraction import ExtractionOptions, extract
from neurosieve.activations.windows import ReadingPlan, Window, batches, pad
from neurosieve.interventions import Ablate
from neurosieve.interventions.live_model import shared_below
from neurosieve.interventions.predictions import predict_units
from neurosieve.models import CodeModel, load_language_model, load_model
from neurosieve.redundancy.untrained_copies import Untrained, read_untrained
from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import StudyData, read_data
from neurosieve.typing import Precision

Measured = tuple[list[Figure], dict[str, Any]]


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
        make_config(options={"model": model, "data": data, "classes": list(CLASSES), "rows": counts})
    )


def extraction(model: CodeModel, data: StudyData, runs: int) -> Measured:
    """All of it, from texts to checked files, and bare passes."""
    options = ExtractionOptions()
    plan: ReadingPlan = options.plan(model, data.dataset, data.sample.rows)
    by_length = [b for w in plan.windows.values() for b in batches(w, options.batch_tokens)]
    as_in_file = [sorted(w, key=lambda w: (w.example, w.number)) for w in plan.windows.values()]
    by_32 = [w[i : i + 32] for w in as_in_file for i in range(0, len(w), 32)]

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            extract(model, data.dataset, data.sample, f"{folder}/store", options)

    bare = {"sorted": by_length, "file order": by_32}
    cases = {name: partial(timed, partial(forward, model, some)) for name, some in bare.items()}
    times = in_turn(cases | {"extract": partial(timed, whole)}, runs)
    figures = [
        Figure(f"extract / {name}", ratio(times, "extract", name)["wall"], most=most)
        for name, most in (("sorted", 1.03), ("file order", 0.75))
    ]
    return figures, {
        "windows": sum(map(len, plan.windows.values())),
        "tokens": plan.tokens,
        "padded": {name: sum(len(b) * max(len(w.ids) for w in b) for b in some) for name, some in bare.items()},
        "seconds": times,
    }


def untrained(model: CodeModel, data: StudyData, seeds: int) -> Measured:
    """Scores of copies read in float32 and in bfloat16."""
    found: dict[str, list[dict[str, object]]] = {}
    seconds: dict[str, float] = {}
    options = ExtractionOptions()
    for seed in range(seeds):
        kinds: tuple[Precision, ...] = ("float32", "bfloat16")
        for precision in kinds:
            read = partial(read_untrained, model, data.dataset, data.sample, options, seed=seed, path=13)
            copies: list[Untrained] = []
            spent = timed(lambda: copies.append(read(precision=precision)))  # noqa: B023 - called at once
            copy = copies[0]
            hits = copy.predicted == copy.label
            layers = (copy.layers == copy.label).mean(1).round(4).tolist()
            scores = {"test": round(float(hits.mean()), 4), "validation": round(copy.validation, 4), "layers": layers}
            found.setdefault(precision, []).append(scores | {"seconds": spent._asdict()})
            seconds[precision] = seconds.get(precision, 0.0) + spent.wall
    figures = [Figure(f"{seeds} copies in {p}, wall seconds", round(v, 1)) for p, v in seconds.items()]
    return figures, {"test_rows": len(copy.label), **found}


def edits(name: str, layers: Sequence[int], data: StudyData, sets: int, runs: int) -> Measured:
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

    figures: list[Figure] = []
    found: dict[str, object] = {"tokens": sum(len(w.ids) for w in windows)}
    for layer in layers:
        cases: dict[str, Callable[[], Spent]] = {
            name: partial(timed, partial(all_sets, layer, once=once))
            for name, once in (("whole", False), ("once", True))
        }
        times = found[f"layer {layer}"] = in_turn(cases, runs)
        figures.append(Figure(f"layer {layer}: whole / once", ratio(times, "whole", "once")["wall"]))
    return figures, found


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("what", choices=["extract", "untrained", "edits"])
    arguments.add_argument("--model", default="neurosieve/encoder")
    arguments.add_argument("--data", type=Path, default=TAGGING)
    arguments.add_argument("--rows", type=positive, default=400, help="train rows a class")
    arguments.add_argument("--seeds", type=positive, default=2)
    arguments.add_argument("--sets", type=positive, default=20)
    arguments.add_argument("--layers", type=numbers, default=[1, 2, 4])
    args = arguments.parse_args()
    model, data = read(args.model, str(need_folder(args.data)), args.rows)
    if args.what == "extract":
        figures, details = extraction(model, data, args.runs)
    elif args.what == "untrained":
        figures, details = untrained(model, data, args.seeds)
    else:
        figures, details = edits(args.model, args.layers, data, args.sets, args.runs)
    report(args, figures, **details)


if __name__ == "__main__":
    main()
