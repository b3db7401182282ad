"""A short version of each part of the soak: in a process of its own, which makes copies of itself."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studies import finished_quick

RAY = {"ray"} if importlib.util.find_spec("ray") else set()
ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied")
def test_nothing_is_lost(tmp_path: Path) -> None:
    finished_quick()  # made once for all tests
    command = [sys.executable, "-W", "ignore", "-m", "soak", "--short", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [outcome for path in tmp_path.iterdir() for outcome in json.loads(path.read_text())]
    assert {o["part"] for o in found} == {"kills", "races", "disks", "flips", "inputs", "alignments", "readers"} | RAY
    assert all(o["tried"] and not o["lost"] for o in found)
    assert done.stdout.count("\n| ") == len(found) + 1
