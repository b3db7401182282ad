"""Where memory runs out a command ends with one line; another error of that class keeps its traceback."""

import subprocess
import sys

import pytest

CODE = """
import sys
import neurosieve.cli as cli
def app(args):
    {act}
cli.app = app
cli.main([])
"""
ACTS = {
    "Python": ("bytearray(2**50)", "MemoryError"),
    "NumPy": ("import numpy; numpy.empty(2**46)", "Unable to allocate 512. TiB"),
    "torch": ("import torch; torch.empty(2**46)", "you tried to allocate 281474976710656 bytes"),
}


def ended(act: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", CODE.format(act=act)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ACTS)
def test_one_line(name: str) -> None:
    act, said = ACTS[name]
    done = ended(act)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: this process: expected enough memory, got ")
    assert said in line
    assert "use fewer --workers, fewer rows (--rows, --tokens) or a smaller --batch-tokens" in line


def test_another_error_is_a_bug() -> None:
    done = ended("raise RuntimeError('no memory of it')")
    assert "Traceback" in done.stderr
    assert "error: " not in done.stderr.splitlines()
