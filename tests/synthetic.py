"""Small synthetic problems: rows with planted neurons, as the selection stages see them."""

from dataclasses import replace

import numpy as np
import torch

from neurosieve.activations.store import Activations
from neurosieve.probes import Oracle, SelectionData, selection_data
from neurosieve.rankings import MODEL_RANKINGS, RANKERS, Ranker, Ranking
from neurosieve.rankings.gradient_ranking import errors


def activations(
    values: np.ndarray, label: np.ndarray, *, layers: int = 1, classes: int = 0, groups: np.ndarray | None = None
) -> Activations:
    """Columns dealt to layers of equal width."""
    width = values.shape[1] // layers
    ids = np.array([(layer, i) for layer in range(layers) for i in range(width)], dtype=np.int64)
    group = groups if groups is not None else np.arange(len(label))
    count = classes or int(label.max()) + 1
    return Activations(
        torch.tensor(values, dtype=torch.float32),
        ids,
        label.astype(np.int64),
        tuple(f"class{i}" for i in range(count)),
        group.astype(str).astype(object),
        np.array([f"t{i}" for i in range(len(label))], dtype=object),
    )


def noise_and_signal(
    seed: int, rows: int, neurons: int, classes: int, carriers: int, strength: float = 1.5
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian noise in which the first `carriers` columns shift with the class."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, classes, rows)
    values = rng.normal(size=(rows, neurons))
    shifts = np.random.default_rng(99).normal(size=(classes, carriers)) * strength
    values[:, :carriers] += shifts[label]
    return values, label


def planted(
    seed: int = 0, *, rows: int = 400, neurons: int = 40, classes: int = 3, carriers: int = 4, strength: float = 1.5
) -> SelectionData:
    """Train and validation of one planted problem, neurons in two layers."""
    train = noise_and_signal(seed, rows, neurons, classes, carriers, strength)
    validation = noise_and_signal(seed + 1000, rows, neurons, classes, carriers, strength)
    return selection_data(
        activations(*train, layers=2, classes=classes), activations(*validation, layers=2, classes=classes)
    )


def _with_slopes(own: Ranker) -> Ranker:
    def rank(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:
        slopes = (data.x * (oracle.probe.weights @ errors(data, oracle))).abs()
        return own(replace(data, gradients=slopes), oracle, seed)

    return rank


# Every listed ranking; what reads the running model gets the gradients of the probe's loss in place of the model's.
GRID: dict[str, Ranker] = {n: _with_slopes(own) if n in MODEL_RANKINGS else own for n, own in RANKERS.items()}
