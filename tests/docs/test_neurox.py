"""What docs/neurox.md calls the same in NeuroX and here is the same on the same numbers; its functions exist."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.probes import fit_oracle, selection_data
from neurosieve.rankings import probeless
from neurosieve.statistics import CorrelationTree
from tests.docs import DOCS, read
from tests.synthetic import activations, noise_and_signal

SPEC = importlib.util.find_spec("neurox")
HOME = Path(SPEC.submodule_search_locations[0]) if SPEC and SPEC.submodule_search_locations else Path()
pytestmark = pytest.mark.skipif(SPEC is None, reason="NeuroX is not installed: pip install --no-deps NeuroX==1.0.9")
ROWS = [row.split("|")[1:3] for row in read(DOCS / "neurox.md").splitlines() if row.startswith("| `")]
NAMED = [name for row in ROWS for name in re.findall(r"`([a-z_.]+)`", row[0]) if "." in name]


def alone(path: str) -> ModuleType:
    """A module of NeuroX, without the packages that others of its modules ask for."""
    file = HOME / f"{path}.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMED)
def test_named_function_is_in_neurox(name: str) -> None:
    path = HOME / f"{name.replace('.', '/')}.py"
    if path.is_file():  # a whole module
        return
    module, _, function = name.rpartition(".")
    source = (HOME / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert re.search(rf"^def {function}\(", source, re.MULTILINE)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(3))
def test_clusters_are_the_same(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.normal(size=(300, 6)).repeat(4, axis=1) * rng.choice([-1, 1], 24)
    values = (groups + rng.uniform(0, 1.5, 24) * rng.normal(size=(300, 24))).astype(np.float32)
    theirs: Any = alone("interpretation/clustering").create_correlation_clusters(values, clustering_threshold=threshold)
    neurons = np.stack([np.zeros(24, dtype=int), np.arange(24)], 1)
    ours = CorrelationTree.from_rows(torch.tensor(values), neurons).cut(threshold).label
    np.testing.assert_array_equal(ours[:, None] == ours, theirs[:, None] == theirs)


@pytest.mark.parametrize("classes", [2, 5])
def test_probeless_orders_are_the_same(classes: int) -> None:
    values, label = noise_and_signal(3, 400, 30, classes, 5, 1.0)
    rows = activations(values, label, classes=classes)
    data = selection_data(rows, rows)
    theirs = alone("interpretation/probeless").get_neuron_ordering(data.x.T.double().numpy(), data.label.numpy())
    assert probeless(data, fit_oracle(data), 0).order.tolist() == theirs
