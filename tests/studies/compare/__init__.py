"""Planted runs: activations whose labels some known neurons carry, studied and compared."""

from pathlib import Path

import numpy as np

from neurosieve.studies.config import make_config
from neurosieve.studies.redundancy.run import run_study

WIDTH, LAYERS, CLASSES = 100, 2, 4
ROWS = {"train": 900, "valid": 300, "test": 400}
Values = dict[str, np.ndarray]  # of each split, shape [rows, layers, width]
_OPTIONS = {"rows": {"train": 250, "validation": 90, "test": 110}, "deltas": [0.02], "select": ["point"]}
_OPTIONS |= {"rankings": ["lca"], "thresholds": [0.5], "pipeline_thresholds": [None], "bootstrap": 200, "lambdas": 12}
_OPTIONS |= {"control_draws": 0, "disjoint_splits": 0, "untrained_seeds": 0}


def classes_of(seed: int) -> dict[str, np.ndarray]:
    """Labels of each split."""
    rng = np.random.default_rng(seed)
    return {split: rng.integers(0, CLASSES, count) for split, count in ROWS.items()}


def planted_values(seed: int, label: dict[str, np.ndarray], carriers: np.ndarray, strength: float = 0.45) -> Values:
    """Noise in which some columns (layer · width + index) shift with the label, each by shifts of its own."""
    rng, shifts = np.random.default_rng(seed), np.random.default_rng(7).normal(size=(CLASSES, LAYERS * WIDTH))
    found = {}
    for split, own in label.items():
        values = rng.normal(size=(len(own), LAYERS * WIDTH))
        values[:, carriers] += strength * shifts[own][:, carriers]
        found[split] = values.reshape(-1, LAYERS, WIDTH)
    return found


def write_run(
    home: Path, name: str, values: Values, label: dict[str, np.ndarray], labels: str = "abcd", texts: bool = True
) -> Path:
    """A finished run of these activations."""
    data = home / f"{name}-data"
    data.mkdir(parents=True)
    for split, own in label.items():
        np.save(data / f"{split}.npy", values[split].astype(np.float32))
        (data / f"{split}.label").write_text("".join(f"{labels[c]}\n" for c in own))
        if texts:
            (data / f"{split}.in").write_text("".join(f"{split}{i}\n" for i in range(len(own))))
        (data / f"{split}.group").write_text("".join(f"g{split}{i // 3}\n" for i in range(len(own))))
    run_study(make_config(options={"activations": str(data), **_OPTIONS}), home / name)
    return home / name
