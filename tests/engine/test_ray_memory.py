"""Ray's own memory monitor ends workers again and again: one line, after three of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import options

USED_UP = {"RAY_memory_usage_threshold": "0.0001", "RAY_memory_monitor_refresh_ms": "200"}  # whatever is used


@pytest.mark.slow
def test_workers_that_the_monitor_ends(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    line = [sys.executable, "-W", "ignore", "-m", "neurosieve", "run", *options(), "--out", str(tmp_path / "run")]
    command = [*line, "--engine", "ray", "--workers", "1"]
    done = subprocess.run(command, env=os.environ | USED_UP, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (said,) = [text for text in done.stderr.splitlines() if text]
    assert said.startswith("error: part 1 of the work: expected enough memory, got 3 workers that did not end it")
    assert "Ray ended it, as the memory of its machine was used up; use fewer --workers" in said
