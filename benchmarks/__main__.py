"""All measurements, one after the other, each in a process of its own; a JSON file for each, and a table.

    python -m benchmarks [--out bench-results] [--quick] [--only startup,batch]

The whole run comes early, as others read its activations; `--run RUN` takes those of a run that is there. What lacks
data or a package says so, and the next one follows. `--quick` tries everything at small sizes, for no figures of worth.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import DATA, LACKING, ROOT


@dataclass(frozen=True)
class Measurement:
    """One command.

    Attributes:
        name: Of its file.
        script: Module in this folder.
        arguments: `RUN` stands for the run folder, `TAGGING` and `DATA` for those of data.
        quick: More of them, for `--quick`.
    """

    name: str
    script: str
    arguments: str = ""
    quick: str = ""


SHORT = "plan --model neurosieve/encoder --data stdlib --labels lexical --rows 20,20,20"
MEASUREMENTS = (
    Measurement("startup", "startup", "", "--runs 3"),
    Measurement(
        "token_tagging", "token_tagging", "--model MODEL --data TAGGING --run RUN", "--rows 40,40,40 --model ENCODER"
    ),
    Measurement("rivals", "rivals", "RUN", "--rows 240 --neurons 60 --runs 1"),
    Measurement("probes", "probes", "RUN", "--runs 1"),
    Measurement("batch", "batch", "--run RUN", "--rows 240 --sets 1 --draws 1 --lambdas 2 --runs 1"),
    Measurement("batch_planted", "batch", "", "--rows 400 --width 16 --layers 2 --sets 1 --draws 1 --runs 1"),
    Measurement("extract", "reading", "extract --data TAGGING --model MODEL", "--rows 20 --runs 1 --model ENCODER"),
    Measurement(
        "untrained",
        "reading",
        "untrained --seeds 3 --rows 2000 --data TAGGING --model MODEL",
        "--rows 20 --seeds 1 --model ENCODER",
    ),
    Measurement("edits", "reading", "edits --sets 100 --data TAGGING", "--rows 20 --sets 2 --layers 2 --runs 1"),
    Measurement("clusters", "clusters", "--full", "--neurons 512 --rows 1000"),
    Measurement("clusters_many", "clusters", "--neurons 131072", "--neurons 1024 --rows 1000"),
    Measurement("cka_memory", "cka_memory", "", "--rows 4000"),
    Measurement("concept_scores", "concept_scores", "", "--tokens 6000 --neurons 128"),
    Measurement("concept_sets", "concept_sets", "", "--tokens 6000 --neurons 130 --values 6 --properties 2"),
    Measurement("growth", "growth", "", "--rows 2000,4000 --runs 1 --width 16 --only moments,extraction"),
    Measurement("plan", "plan", "--data DATA", "--rows 20,20,20 --runs 1 --only tokens --set untrained_seeds=0"),
    Measurement("workers", "workers", "", "--rows 20,40 --width 16"),
    Measurement("explorer", "explorer", "", "--neurons 2000 --layers 2 --rows 200,100 --pages 10"),
    Measurement(
        "explorer_many",
        "explorer",
        "--neurons 1000000 --layers 250 --rows 300,300",
        "--neurons 4000 --layers 2 --rows 200,100 --pages 10",
    ),
    Measurement("busy", "busy", "", f"--runs 1 --loads 1 --command '{SHORT}'"),
)


def line_of(measurement: Measurement, words: dict[str, str], *, quick: bool) -> list[str]:
    """Arguments of Python; of an option given twice the last one counts."""
    text = f"{measurement.arguments} {measurement.quick if quick else ''}"
    return ["-m", f"benchmarks.{measurement.script}", *(words.get(word, word) for word in shlex.split(text))]


def measured(measurement: Measurement, arguments: list[str], out: Path) -> dict[str, Any] | str:
    """Run one, its output into a log; the result, or why there is none."""
    path, log = out / f"{measurement.name}.json", out / f"{measurement.name}.log"
    path.unlink(missing_ok=True)
    with log.open("w", encoding="utf-8") as file:
        line = [sys.executable, *arguments, "--out", str(path)]
        code = subprocess.run(line, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    if code == 0:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return result
    last = (log.read_text(encoding="utf-8").strip().splitlines() or [""])[-1]
    return f"left out: {last}" if code == LACKING else f"failed, exit code {code}; see {log}: {last}"


def rows_of(name: str, result: dict[str, Any] | str, seconds: float) -> list[str]:
    """Lines of the table; bounds behind each figure."""
    if isinstance(result, str):
        return [f"{name:<16} {result}"]
    lines = [f"{name:<16} {seconds:.0f} s"]
    for figure in result["figures"]:
        bounds = [f"{sign} {figure[key]:.4g}" for key, sign in (("least", "≥"), ("most", "≤")) if key in figure]
        kept = {True: "kept", False: "MISSED", None: ""}[figure.get("kept")]
        lines.append(f"    {figure['what']:<58} {figure['value']:>10.4g}  {' '.join(bounds):<18} {kept}".rstrip())
    return lines


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "bench-results", help="folder for the JSON files and logs")
    parser.add_argument("--run", type=Path, help="run folder with activations; by default that of token_tagging")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of token-tagging-java and defect-sven")
    parser.add_argument("--model", default="neurosieve/encoder", help="of the whole run and its extraction")
    parser.add_argument("--only", help="names of measurements, comma-separated")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    args = parser.parse_args()
    names = [m.name for m in MEASUREMENTS]
    args.only = args.only.split(",") if args.only else names
    if unknown := set(args.only) - set(names):
        parser.error(f"--only {', '.join(sorted(unknown))}: expected some of {', '.join(names)}")
    return args


def main() -> None:
    """Measure, print the table line by line; exit code 1 where a measurement failed."""
    args = parsed()
    args.out.mkdir(parents=True, exist_ok=True)
    own = args.out / "run"  # token_tagging writes it anew
    if "token_tagging" in args.only:
        shutil.rmtree(own, ignore_errors=True)
    words = {"DATA": str(args.data.resolve()), "TAGGING": str(args.data.resolve() / "token-tagging-java")}
    words |= {"MODEL": args.model, "ENCODER": "neurosieve/encoder"}
    failed = False
    for measurement in MEASUREMENTS:
        if measurement.name in args.only:
            given = args.run if args.run and measurement.name != "token_tagging" else own
            begin = time.perf_counter()
            line = line_of(measurement, words | {"RUN": str(given.resolve())}, quick=args.quick)
            result = measured(measurement, line, args.out.resolve())
            failed |= isinstance(result, str) and result.startswith("failed")
            print("\n".join(rows_of(measurement.name, result, time.perf_counter() - begin)), flush=True)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
