"""Single bits flipped in what a run keeps: refused with the file's name, or found to change nothing; never believed."""

import random
import shutil
from pathlib import Path

from soak.children import command
from soak.jobs import JOBS, Job
from soak.outcome import Amount, Outcome


def flips(home: Path, amount: Amount) -> list[Outcome]:
    """Bits in the files that `concepts`, `export` and `predict` continue from."""
    rng = random.Random(21)
    jobs = {job.name: job for job in JOBS}
    made = _exported(jobs["export"], home / "whole")
    found = [_flipped_export(made, home / "flipped", rng, amount.times(120, 6))]
    return [*found, _flipped_run(jobs["export"], home / "runs", rng, amount.times(60, 0))] if amount else found


def _exported(job: Job, home: Path) -> Path:
    job.prepare(home)
    if (made := command(job.arguments(home))).code != 0:
        raise RuntimeError(f"export without any trouble: {made.text}")
    (home / "new.jsonl").write_text('{"text": "a = 1", "spans": [[0, 1], [4, 5]]}\n')
    return home


def _flip(path: Path, rng: random.Random) -> str:
    data = bytearray(path.read_bytes())
    place = rng.randrange(len(data) * 8)
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    return f"{path.name}, bit {place}"


def _flipped_export(made: Path, home: Path, rng: random.Random, times: int) -> Outcome:
    outcome = Outcome("flips", "one bit in a file of an exported model, then `predict`")
    for _ in range(times):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(made / "small", home)
        name = _flip(home / rng.choice(["compact.json", "table.safetensors", "tokenizer.json"]), rng)  # what is read
        ended = command(["predict", str(home), str(made / "new.jsonl")])
        outcome.add(name, ended.refusal if ended.code else "taken for whole")
    return outcome


def _flipped_run(job: Job, home: Path, rng: random.Random, times: int) -> Outcome:
    outcome = Outcome("flips", "one bit in a file of a finished run, then `export`")
    job.prepare(home / "whole")
    command(job.arguments(home / "whole"))
    wanted = job.outcome(home / "whole")
    for _ in range(times):
        folder = home / "flipped"
        job.prepare(folder)
        files = sorted(p for p in (folder / "run").rglob("*") if p.is_file() and p.suffix != ".html")
        name = _flip(rng.choice(files), rng)
        ended = command(job.arguments(folder))
        if ended.code:
            outcome.add(name, ended.refusal)
        else:
            outcome.add(name, None if job.outcome(folder) == wanted else "another outcome")
    return outcome
