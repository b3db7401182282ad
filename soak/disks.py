"""No room: a small file system that fills up, files that may not grow, a folder that cannot be written."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soak.children import command
from soak.jobs import JOBS, Job
from soak.outcome import Amount, Outcome

_SIZES = (1_000, 10_000, 30_000, 100_000)  # bytes that a file may have
_PAGE = 4096  # bytes of the least room that a file takes


def disks(home: Path, amount: Amount) -> list[Outcome]:
    """Each command with files bounded at four sizes, and in file systems of three sizes where one can be mounted."""
    if not amount:
        return [_bounded(JOBS[-1], home, _SIZES[:1])]
    found = [_bounded(job, home / job.name, _SIZES) for job in JOBS]
    return found + [_small(job, home / job.name) for job in JOBS if os.geteuid() == 0]


def _bounded(job: Job, home: Path, sizes: tuple[int, ...]) -> Outcome:
    outcome = Outcome("disks", f"`{job.name}` where files may not grow beyond {sizes[0]:,} to {sizes[-1]:,} bytes")
    for size in sizes:
        folder = home / f"bounded-{size}"
        job.prepare(folder)
        ended = command(job.arguments(folder), file_bytes=size)
        fault = None if ended.code == 0 else ended.refusal
        outcome.add(f"{size:,} bytes", fault or _goes_on(job, folder))
    return outcome


def _small(job: Job, home: Path) -> Outcome:
    outcome = Outcome("disks", f"`{job.name}` on a file system that fills up")
    job.prepare(home / "start")
    begun = sum(-(-path.stat().st_size // _PAGE) for path in (home / "start").rglob("*") if path.is_file())
    for pages in (8, 40, 120):  # of room beside what the command begins with
        with _file_system(home / f"small-{pages}", (begun + pages) * _PAGE) as folder:
            job.prepare(folder / "work")
            ended = command(job.arguments(folder / "work"))
            fault = None if ended.code == 0 else ended.refusal
            if fault is None and ended.code:
                subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
                fault = _goes_on(job, folder / "work")
            outcome.add(f"{pages * _PAGE:,} bytes", fault)
    return outcome


@contextmanager
def _file_system(place: Path, size: int) -> Iterator[Path]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _goes_on(job: Job, folder: Path) -> str | None:
    """With room again the same command ends."""
    ended = command(job.arguments(folder))
    there = "expected a new or empty folder" in ended.text
    return None if ended.code == 0 or there else f"does not go on: {ended.text.strip()[-300:]}"
