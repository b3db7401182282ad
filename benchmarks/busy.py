"""A command alone, and next to busy processes that are made and ended here.

    python -m benchmarks.busy [--runs 3]
    python -m benchmarks.busy --command "run --data DIR --model neurosieve/encoder --rows 50,50,50"

The command is one of neurosieve without its `--out`, which is a new folder each time. Runs alone and next to 1 and 2
busy processes take turns.
"""

import shlex
import tempfile
from functools import partial

from benchmarks.measure import Figure, Spent, busy, command, in_turn, numbers, parser, ratio, report, timed

LIMITS = {1: 2.0, 2: 3.0}


def beside(count: int, words: list[str]) -> Spent:
    """Seconds of the command next to so many busy processes; theirs are not counted."""
    with tempfile.TemporaryDirectory() as folder, busy(count):
        return timed(partial(command, *words, "--out", f"{folder}/out"))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--command", default="demo", help="default: demo")
    arguments.add_argument("--loads", type=numbers, default=[1, 2], help="busy processes (default 1,2)")
    args = arguments.parse_args()
    words = shlex.split(args.command)
    cases = {str(n): partial(beside, n, words) for n in (0, *args.loads)}
    times = in_turn(cases, args.runs)
    figures = [
        Figure(f"next to {n} busy / alone, wall", ratio(times, str(n), "0")["wall"], most=LIMITS.get(n))
        for n in args.loads
    ]
    report(args, [Figure("alone, wall seconds", times["0"]["wall"][1]), *figures], seconds_by_busy_processes=times)


if __name__ == "__main__":
    main()
