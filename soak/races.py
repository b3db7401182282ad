"""The same command begun at once in one folder: one runs, the others are told who does, the outcome is one."""

import os
import tempfile
from functools import partial
from pathlib import Path

from neurosieve.cli import main
from soak.children import command, start
from soak.jobs import JOBS, Job
from soak.outcome import Amount, Outcome


def races(home: Path, amount: Amount) -> list[Outcome]:
    """Three at once, for each command; short: `finetune` alone."""
    jobs = JOBS if amount else [job for job in JOBS if job.name == "finetune"]
    return [_raced(job, home / job.name, 3 if amount else 2) for job in jobs]


def _raced(job: Job, home: Path, count: int) -> Outcome:
    outcome = Outcome("races", f"`{job.name}` begun {count} times at once in one folder")
    job.prepare(home / "alone")
    command(job.arguments(home / "alone"))
    folder = home / "together"
    job.prepare(folder)
    with tempfile.TemporaryFile() as errors:
        pids = [start(partial(main, job.arguments(folder)), errors.fileno()) for _ in range(count)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        errors.seek(0)
        text = errors.read().decode("utf-8", "replace")
    refusals = text.count("expected no other command that writes there") + text.count("expected a new or empty folder")
    same = 0 in codes and job.outcome(folder) == job.outcome(home / "alone")
    fine = same and "Traceback" not in text and codes.count(0) + refusals == count
    for _ in range(count):
        outcome.add("together", None)
    if not fine:
        outcome.lost.append(f"codes {codes}, {'same' if same else 'another'} outcome: {text[-400:]}")
    return outcome
