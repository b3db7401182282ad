"""What `neurosieve plan` says of a run, and how long it takes to say it, next to the run itself.

    python -m benchmarks.plan [--data FOLDER_OF_DATA_SETS] [--rows 200,100,100]

Three studies with the shipped encoder: tokens of a data set, whole functions of another, and tokens of the code that
is installed here, which needs no data. Studies whose data are not there are left out, and named. The seconds of a run
are those of its stages; both sides of a study follow each other, as a run cannot take turns with its own plan.
"""

import json
import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import CLASSES, DATA, Figure, command, parser, report, timed

STUDIES = {
    "tokens": ("token-tagging-java", ["--classes", ",".join(CLASSES)]),
    "functions": ("defect-sven", ["--task", "defect-detection"]),
    "installed code": (None, ["--data", "stdlib", "--labels", "lexical"]),
}
OFF = 0.3  # a prediction may be off by this share


def study_options(name: str, folder: Path, rows: str) -> list[str]:
    """The options that `plan` and `run` share."""
    data, options = STUDIES[name]
    where = ["--data", str(folder / data)] if data else []
    return ["--model", "neurosieve/encoder", "--rows", rows, *where, *options]


def compare(options: list[str], runs: int) -> tuple[list[float], dict[str, float], dict[str, float]]:
    """Seconds that `plan` takes, and those of each stage: predicted, and taken by a run."""
    walls, texts = [], list[str]()
    for _ in range(runs):
        walls.append(timed(lambda: texts.append(command("plan", *options, "--json"))).wall)
    with tempfile.TemporaryDirectory() as folder:
        run = json.loads(command("run", *options, "--json", "--out", f"{folder}/run"))
    return walls, json.loads(texts[-1])["seconds"], run["seconds"]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, default=DATA, help="folder of token-tagging-java and defect-sven")
    arguments.add_argument("--rows", default="200,100,100", help="rows a class as TRAIN,VALIDATION,TEST")
    arguments.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any key of the studies")
    arguments.add_argument("--only", choices=list(STUDIES), action="append", help="some of the studies")
    args = arguments.parse_args()
    figures, studies, absent = list[Figure](), {}, []
    for name in args.only or STUDIES:
        data = STUDIES[name][0]
        if data and not (args.data / data).is_dir():
            absent.append(f"{name}: no folder {args.data / data}; give one with --data")
            continue
        options = study_options(name, args.data, args.rows) + [word for pair in args.set for word in ("--set", pair)]
        walls, predicted, taken = compare(options, args.runs)
        share = sum(predicted.values()) / sum(taken.values())
        figures += [
            Figure(f"{name}: plan, wall seconds", round(statistics.median(walls), 2), most=10),
            Figure(f"{name}: predicted / taken", round(share, 3), least=1 - OFF, most=1 + OFF),
        ]
        studies[name] = {"plan": [round(w, 2) for w in walls], "predicted": predicted, "taken": taken}
    report(args, figures, absent=absent, studies=studies)


if __name__ == "__main__":
    main()
