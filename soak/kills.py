"""Processes killed at seeded random moments: the folder stays readable, and the same command ends with the same."""

import json
import random
import signal
from pathlib import Path

from soak.children import command
from soak.jobs import JOBS, Job
from soak.outcome import Amount, Outcome

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_CODES = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}


def kills(home: Path, amount: Amount) -> list[Outcome]:
    """Some 12 kills a command, 4 in one folder one after the other; short: 2 of `finetune` alone."""
    rng = random.Random(20)
    jobs = JOBS if amount else [job for job in JOBS if job.name == "finetune"]
    folders, a_folder = amount.times(3, 1), 4 if amount else 2
    return [_killed(job, home / job.name, rng, folders=folders, a_folder=a_folder) for job in jobs]


def _killed(job: Job, home: Path, rng: random.Random, *, folders: int, a_folder: int) -> Outcome:
    outcome = Outcome("kills", f"`{job.name}` killed (SIGKILL, SIGTERM, SIGINT), then run again")
    job.prepare(home / "whole")
    whole = command(job.arguments(home / "whole"))
    if whole.code:
        raise RuntimeError(f"{job.name} without any trouble: {whole.text}")
    wanted = job.outcome(home / "whole")
    for number in range(folders):
        folder = home / f"killed-{number}"
        job.prepare(folder)
        faults = [_kill(job, folder, rng.uniform(0, whole.seconds), rng.choice(_SIGNALS)) for _ in range(a_folder)]
        ended = command(job.arguments(folder))
        done = ended.code == 0 or _is_there(ended.text)
        left = _difference(job, folder, wanted) if done else ended.text.strip()[-300:]
        for fault in faults:
            outcome.add(f"folder {number}", fault)
        if left:
            outcome.lost.append(f"folder {number}: {left}")
    return outcome


def _kill(job: Job, folder: Path, after: float, number: signal.Signals) -> str | None:
    ended = command(job.arguments(folder), kill=(after, number))
    if ended.code not in (0, 1, _CODES[number]) or "Traceback" in ended.text:
        return f"{number.name} after {after:.2f} s: code {ended.code}, {ended.text.strip()[-300:]}"
    if ended.code == 1 and not _is_there(ended.text):
        return f"{number.name} after {after:.2f} s: {ended.text.strip()[-300:]}"
    return _unreadable(folder)


def _is_there(text: str) -> bool:
    """An export that had ended before is not made again."""
    return "expected a new or empty folder" in text


def _unreadable(folder: Path) -> str | None:
    """Each JSON file outside of what shows itself as unfinished is whole."""
    for path in folder.rglob("*.json"):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") or part == "checkpoints" for part in parts):
            try:
                json.loads(path.read_bytes())
            except ValueError as e:
                return f"{path.name} is half-written: {e}"
    return None


def _difference(job: Job, folder: Path, wanted: dict[str, object]) -> str | None:
    try:
        found = job.outcome(folder)
    except (OSError, ValueError) as e:
        return f"no outcome: {e}"
    other = [name for name, value in wanted.items() if found[name] != value]
    return f"another outcome in {', '.join(other)}" if other else None
