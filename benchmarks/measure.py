"""What the measurements share: a clock, cases in turn, the machine, and results as JSON."""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from neurosieve.threads import usable_processors

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
TAGGING = DATA / "token-tagging-java"
CLASSES = ("MODIFIER", "IDENT", "KEYWORD", "TYPE", "NUMBER", "STRING")
PACKAGES = ("neurosieve", "torch", "numpy", "scipy", "scikit-learn", "transformers")
LACKING = 77  # exit code of a measurement that lacks data or a package; that of skipped tests elsewhere
_SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(10**6))"


class Spent(NamedTuple):
    """Seconds by the clock on the wall, and those of all processors; child processes that ended are counted."""

    wall: float
    processor: float


Kinds = dict[str, list[float]]
Times = dict[str, Kinds]


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def timed(work: Callable[[], object]) -> Spent:
    """What a call takes."""
    processor, wall = _processor_seconds(), time.perf_counter()
    work()
    return Spent(time.perf_counter() - wall, _processor_seconds() - processor)


def in_turn(cases: Mapping[str, Callable[[], Spent]], runs: int) -> Times:
    """Seconds of each case as least, middle, largest; cases take turns, so that a slow minute meets all of them."""
    spent: dict[str, list[Spent]] = {name: [] for name in cases}
    for _ in range(runs):
        for name, case in cases.items():
            spent[name].append(case())
    return {
        name: {
            kind: [round(f(values), 4) for f in (min, statistics.median, max)]
            for kind, values in zip(Spent._fields, zip(*all_runs, strict=True), strict=True)
        }
        for name, all_runs in spent.items()
    }


def ratio(times: Times, one: str, other: str) -> dict[str, float]:
    """Of the middle values."""
    return {kind: round(times[one][kind][1] / times[other][kind][1], 4) for kind in Spent._fields}


def peak_mb() -> float:
    """Peak resident memory of this process; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Within the context so many processes compute without rest; they end with it, or with this process."""
    processes = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def command(*arguments: str) -> str:
    """Run `neurosieve` in a process of its own, and return what it prints."""
    line = [sys.executable, "-m", "neurosieve", *arguments]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout


def machine() -> dict[str, object]:
    """Processor, how many may be used, threads, versions, and how busy the machine was over the last minute."""
    names = []
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "processors": usable_processors(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "waiting threads": os.environ.get("OMP_WAIT_POLICY"),
        "load": round(os.getloadavg()[0], 2),
        "versions": versions,
    }


@dataclass(frozen=True)
class Figure:
    """A measured number, and the bounds that it should keep, where there are some."""

    what: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether it is within its bounds; None without any."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)


def parser(doc: str | None, runs: int = 3) -> argparse.ArgumentParser:
    """Arguments of a measurement: `--runs` and `--out`; others are added to it."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--runs", type=positive, default=runs, help=f"of each case (default {runs})")
    made.add_argument("--out", type=Path, help="file for the JSON, which is printed in any case")
    return made


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected at least 1")
    return number


def numbers(text: str) -> list[int]:
    """Whole numbers, comma-separated."""
    return [positive(part) for part in text.split(",")]


def report(args: argparse.Namespace, figures: Sequence[Figure], **details: Any) -> None:
    """Print the result as JSON, and write it where `--out` says."""
    options = {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items() if k != "out"}
    listed = [{k: v for k, v in (asdict(f) | {"kept": f.kept}).items() if v is not None} for f in figures]
    text = json.dumps({"options": options, "machine": machine(), "figures": listed, **details}, indent=1)
    print(text)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + "\n", encoding="utf-8")


def lacking(line: str) -> NoReturn:
    """End: data or a package that this measurement needs are not there."""
    print(line, file=sys.stderr)
    raise SystemExit(LACKING)


def need_folder(folder: Path | str) -> Path:
    """The folder, if it is there."""
    if not Path(folder).is_dir():
        lacking(f"{folder}: expected a folder, found none; give another one")
    return Path(folder)
