"""How soon neurosieve is there: `import neurosieve` and `neurosieve --help` in new processes.

    python -m benchmarks.startup [--runs 9]

Both take turns with `python -c pass`, whose time is not taken off. The first round, in which files come from disk and
may be compiled, is not counted.
"""

import subprocess
import sys
from functools import partial

from benchmarks.measure import Figure, in_turn, parser, report, timed

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import neurosieve": ["-c", "import neurosieve"],
    "neurosieve --help": ["-m", "neurosieve", "--help"],
}
LIMITS = {"import neurosieve": 0.3, "neurosieve --help": 0.6}


def start(arguments: list[str]) -> None:
    """Run Python, and wait for its end."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    args = parser(__doc__, runs=9).parse_args()
    cases = {name: partial(timed, partial(start, line)) for name, line in COMMANDS.items()}
    in_turn(cases, 1)
    seconds = in_turn(cases, args.runs)
    figures = [Figure(f"{name}, wall seconds", seconds[name]["wall"][1], most=most) for name, most in LIMITS.items()]
    report(args, figures, seconds=seconds)


if __name__ == "__main__":
    main()
