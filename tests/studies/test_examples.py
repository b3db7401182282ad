"""The example scripts make data that a study reads."""

import runpy
import sys
from pathlib import Path

import pytest

from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import read_data
from tests.tiny import tiny_model

SCRIPT = Path(__file__).parents[2] / "examples" / "complexity.py"


def test_complexity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = tmp_path / "code"
    code.mkdir()
    for i in range(12):
        branches = "".join(f"    if x == {i}{k}:\n        x += 1\n" for k in range(1 + i % 4))
        (code / f"m{i}.py").write_text(f"def f{i}(x):\n{branches}    return x\n\ndef short():\n    pass\n")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path / "out"), str(code)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    values = {"model": str(tiny_model("bert")), "data": str(tmp_path / "out"), "task": "sequence-classification"}
    data = read_data(make_config(options=values | {"label_column": "complexity", "target": "values"}))
    found = sorted(v for split in ("train", "validation", "test") for v in data.dataset.values(split))
    assert found == sorted([2.0, 3.0, 4.0, 5.0] * 3)
