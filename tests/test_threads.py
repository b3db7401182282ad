"""The rule for threads: affinity, a container's quota, and what the user has said before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurosieve import threads


@pytest.mark.parametrize(
    ("quota", "processors"),
    [("max 100000", 64), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("9900000 100000", 64)],
)
def test_processors_are_those_of_the_quota_but_no_more_than_of_the_affinity(
    quota: str, processors: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert threads.usable_processors(tmp_path / "cpu.max") == processors
    assert threads.usable_processors(tmp_path / "absent") == 64


def test_what_the_user_has_set_stays() -> None:
    environment = {"OMP_NUM_THREADS": "7"}
    threads.limit_threads(environment)
    assert environment["OMP_NUM_THREADS"] == "7"
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_the_command_sets_the_rule_before_torch_is_loaded() -> None:
    code = (
        "import atexit, os, sys; from neurosieve.cli import main; print('torch' in sys.modules)\n"
        "atexit.register(lambda: print(os.environ['OMP_WAIT_POLICY'])); main(['tasks'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split()[0] == "False"
    assert ended.stdout.split()[-1] == "PASSIVE"
