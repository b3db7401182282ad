"""A command in one process, and with several workers, one thread each; with Ray too where it is installed.

    python -m benchmarks.workers [--workers 2] [--runs 3]
    python -m benchmarks.workers --command "extract --data DIR --model neurosieve/encoder"

The command is one of neurosieve without its `--out`, which is a new folder each time. Seconds of workers, and
those that each needs to load, are in the figures.
"""

import importlib.util
import os
import shlex
import tempfile
from functools import partial

from benchmarks.measure import Figure, Spent, command, in_turn, parser, positive, ratio, report, timed

DEFAULT = "extract --data installed --labels lexical --model neurosieve/encoder --rows 4000,200,200"


def spent(words: list[str], engine: str) -> Spent:
    """Seconds of the command on an engine; those of workers count."""
    with tempfile.TemporaryDirectory() as folder:
        return timed(partial(command, *words, *engine.split(), "--out", f"{folder}/out"))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--command", default=DEFAULT, help=f"default: {DEFAULT}")
    arguments.add_argument("--workers", type=positive, default=2, help="at a time (default 2)")
    args = arguments.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    words = shlex.split(args.command)
    engines = {"one process": "", f"{args.workers} workers": f"--workers {args.workers}"}
    if importlib.util.find_spec("ray"):
        engines |= {f"ray, {n}": f"--engine ray --workers {n}" for n in (1, args.workers)}
    times = in_turn({name: partial(spent, words, engine) for name, engine in engines.items()}, args.runs)
    figures = [
        Figure(f"one process / {name}, wall", ratio(times, "one process", name)["wall"]) for name in list(engines)[1:]
    ]
    report(args, figures, seconds_by_engine=times)


if __name__ == "__main__":
    main()
