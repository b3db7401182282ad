"""A whole run on token-tagging data: what it finds and what it costs.

    python -m benchmarks.token_tagging [--model neurosieve/encoder] [--data FOLDER] [--run FOLDER]

The seconds of each stage tell where the time goes. `wall / forward` is the number to watch: probes of every stage,
whose cost falls and rises with the machine like that of the forward passes over the same lines, carry over to others.
"""

import json
import tempfile
from pathlib import Path

import torch

from benchmarks.measure import CLASSES, TAGGING, Figure, command, need_folder, parser, report, timed
from neurosieve.activations.windows import batches, pad, plan_reading
from neurosieve.models import load_model
from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import read_data
from neurosieve.typing import SPLITS

KEPT = ("headline", "rows", "neurons", "oracle", "baselines", "unseen", "minimal_sets")


def forward_seconds(model: str, data: Path, rows: str | None) -> float:
    """The price that cannot be avoided: the bare forward passes over the lines that hold rows."""
    options: dict[str, object] = {"model": model, "data": str(data), "classes": list(CLASSES)}
    if rows:
        options["rows"] = dict(zip(SPLITS, map(int, rows.split(",")), strict=True))
    config = make_config(options=options)
    read, loaded = read_data(config), load_model(model)
    plan = plan_reading(loaded.tokenizer, loaded.max_tokens, read.dataset, read.sample.rows)
    filled = [pad(b, loaded.pad_id, "right") for w in plan.windows.values() for b in batches(w, config.batch_tokens)]

    def passes() -> None:
        with torch.inference_mode():
            for ids, mask, *_ in filled:
                loaded.network(input_ids=ids, attention_mask=mask)

    return timed(passes).wall


def main() -> None:
    """Run, and print what a reader compares."""
    arguments = parser(__doc__, runs=1)
    arguments.add_argument("--model", default="neurosieve/encoder")
    arguments.add_argument("--data", type=Path, default=TAGGING)
    arguments.add_argument("--select", default="safe")
    arguments.add_argument("--rows", help="rows a class as TRAIN,VALIDATION,TEST")
    arguments.add_argument("--run", type=Path, help="a new folder, in which the last run stays")
    args = arguments.parse_args()
    need_folder(args.data)
    if args.run and args.run.exists():
        arguments.error(f"--run {args.run}: expected a new folder, as a run that is there would only be continued")
    line = ["run", "--model", args.model, "--data", str(args.data), "--classes", ",".join(CLASSES)]
    line += ["--select", args.select, *(["--rows", args.rows] if args.rows else []), "--json", "--out"]
    walls, outputs = [], list[str]()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(args.runs):
            out = args.run if args.run and i == args.runs - 1 else Path(folder) / str(i)
            walls.append(timed(lambda: outputs.append(command(*line, str(out)))).wall)  # noqa: B023 - called at once
    record = json.loads(outputs[-1])
    short = {key: record[key] for key in KEPT}
    for found in short["minimal_sets"] or []:
        found["neurons"] = found["neurons"][:5]
    wall, forward = sorted(walls)[len(walls) // 2], forward_seconds(args.model, args.data, args.rows)
    figures = [
        Figure("wall seconds", round(wall, 1)),
        Figure("wall / forward", round(wall / forward, 2)),
        Figure("peak MB", record["peak_rss_mb"]),
        *(Figure(f"{stage}, wall seconds", seconds) for stage, seconds in record["seconds"].items()),
    ]
    report(args, figures, wall=[round(w, 1) for w in walls], forward_seconds=round(forward, 1), **short)


if __name__ == "__main__":
    main()
