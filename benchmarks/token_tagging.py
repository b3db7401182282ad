"""The main job on real data, measured: time by stage, peak memory, scores with intervals.

python benchmarks/token_tagging.py [--model DIR] [--data DIR] [--select point,safe]

Runs `neurosieve run` in a process of its own, so that peak memory is the command's. Times are of this machine; the
share of each stage, and the ratio to a plain forward pass over the same lines, carry over to others.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from neurosieve.activations.windows import batches, pad, plan_reading
from neurosieve.models import load_model
from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import read_data

CLASSES = "MODIFIER,IDENT,KEYWORD,TYPE,NUMBER,STRING"
DATA = Path(__file__).resolve().parents[2] / "shared/data/token-tagging-java"


def forward_seconds(model: str, data: str) -> float:
    """The price that cannot be avoided: the bare forward passes over the lines that hold rows."""
    config = make_config(options={"model": model, "data": data, "classes": CLASSES.split(",")})
    read, loaded = read_data(config), load_model(model)
    plan = plan_reading(loaded.tokenizer, loaded.max_tokens, read.dataset, read.sample.rows)
    filled = [pad(b, loaded.pad_id, "right") for w in plan.windows.values() for b in batches(w, config.batch_tokens)]
    begin = time.perf_counter()
    with torch.inference_mode():
        for ids, mask, *_ in filled:
            loaded.network(input_ids=ids, attention_mask=mask)
    return time.perf_counter() - begin


def main() -> None:
    """Run, and print what a reader compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="neurosieve/encoder")
    parser.add_argument("--data", default=str(DATA))
    parser.add_argument("--select", default="safe")
    args = parser.parse_args()
    if not Path(args.data).is_dir():
        sys.exit(f"{args.data}: no such data folder; give one with --data")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "neurosieve", "run", "--model", args.model, "--data", args.data]
        command += ["--classes", CLASSES, "--select", args.select, "--out", f"{folder}/run", "--json"]
        begin = time.perf_counter()
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        wall = time.perf_counter() - begin
    record = json.loads(output)
    keys = ("rows", "neurons", "oracle", "baselines", "unseen", "minimal_sets", "seconds", "peak_rss_mb")
    short = {k: record[k] for k in keys}
    for found in short["minimal_sets"] or []:
        found["neurons"] = found["neurons"][:5]
    forward = forward_seconds(args.model, args.data)
    short |= {"wall_seconds": round(wall, 1), "forward_seconds": round(forward, 1), "wall/forward": wall / forward}
    print(json.dumps(short, indent=1))
    print(record["headline"])


if __name__ == "__main__":
    main()
