"""Planted runs: activations whose labels some known neurons carry, with their probe, ranking and set."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosieve.activations.foreign.importing import import_activations
from neurosieve.activations.store import ActivationStore
from neurosieve.probes import selection_data
from neurosieve.probes.probe import fit_oracle, fit_probe
from neurosieve.rankings import RANKERS
from neurosieve.redundancy import MinimalSet
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.studies.compare.compared_run import ComparedRun
from neurosieve.studies.compare_options import CompareOptions
from neurosieve.studies.config import make_config
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.typing import Split
from tests.report.records import result_of

WIDTH, LAYERS, CLASSES, SIZE = 100, 2, 4, 50
ROWS = {"train": 800, "valid": 300, "test": 400}
Values = dict[str, np.ndarray]  # of each split, shape [rows, layers, width]
OPTIONS = CompareOptions(same_model=True)


def classes_of(seed: int) -> dict[str, np.ndarray]:
    """Labels of each split."""
    rng = np.random.default_rng(seed)
    return {split: rng.integers(0, CLASSES, count) for split, count in ROWS.items()}


def planted_values(seed: int, label: dict[str, np.ndarray], carriers: np.ndarray, strength: float = 0.4) -> Values:
    """Noise in which some columns (layer · width + index) shift with the label, each by shifts of its own."""
    rng, shifts = np.random.default_rng(seed), np.random.default_rng(7).normal(size=(CLASSES, LAYERS * WIDTH))
    found = {}
    for split, own in label.items():
        values = rng.normal(size=(len(own), LAYERS * WIDTH))
        values[:, carriers] += strength * shifts[own][:, carriers]
        found[split] = values.reshape(-1, LAYERS, WIDTH)
    return found


def planted_run(
    home: Path,
    name: str,
    values: Values,
    label: dict[str, np.ndarray],
    labels: str = "abcd",
    options: CompareOptions = OPTIONS,
) -> ComparedRun:
    """A run whose set is the first 50 neurons of its ranking; its texts are the same in every run."""
    data = home / f"{name}-data"
    data.mkdir(parents=True)
    for split, own in label.items():
        np.save(data / f"{split}.npy", values[split].astype(np.float32))
        (data / f"{split}.label").write_text("".join(f"{labels[c]}\n" for c in own))
        (data / f"{split}.in").write_text("".join(f"{split}{i}\n" for i in range(len(own))))
        (data / f"{split}.group").write_text("".join(f"{split}{i // 3}\n" for i in range(len(own))))
    counts: dict[Split, int] = {"train": 800, "validation": 300, "test": 400}
    store = import_activations(data, home / name / "activations", per_class=counts)
    selection = _selected(store)
    found = result_of("full")
    (first,) = (replace(one, neurons=NeuronSet(_ids(selection)), size=SIZE) for one in found.sets[:1])
    result = replace(
        found, layers=LAYERS, neurons=LAYERS * WIDTH, labels=tuple(sorted(set(labels))), minimal_sets=(first,), model=""
    )
    config = make_config(options={"activations": str(data), "bootstrap": 200})
    return ComparedRun(name, home / name, config, result, selection, options)


def _selected(store: ActivationStore) -> Selection:
    data = selection_data(store.read("train"), store.read("validation"))
    oracle = fit_oracle(data, 12)
    ranking = RANKERS["lca"](data, oracle, 0)
    probe, _ = fit_probe(data, np.sort(ranking.order[:SIZE]), oracle.lambdas)
    chosen = MinimalSet("lca", 0.01, "safe", probe, (SIZE,), (probe,), None)
    return Selection(data.scaler, oracle, (ranking,), (chosen,), {"lca": (probe,)})


def _ids(selection: Selection) -> np.ndarray:
    found: np.ndarray = selection.scaler.neurons[np.sort(selection.rankings[0].order[:SIZE])]
    return found
