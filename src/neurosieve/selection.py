"""All that is chosen without the test split: oracle, baseline probes, rankings, smallest sets; saved whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from neurosieve.activations.store import Folder
from neurosieve.config import StudyConfig
from neurosieve.errors import RunFolderError, StoreError
from neurosieve.probes.features import Scaler, SelectionData
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.probe import Oracle, Probe, fit_oracle, fit_probe
from neurosieve.progress import track
from neurosieve.rankings import RANKERS, Ranking
from neurosieve.redundancy import MinimalSet, SetSearch, find_minimal_sets
from neurosieve.typing import NeuronId


@dataclass(frozen=True)
class Selection:
    """The outcome of the selection stage.

    Attributes:
        scaler: Train statistics of the live neurons.
        oracle: The probe on all of them, and its path.
        layer0: The probe on the embedding layer alone.
        rankings: One order for each method.
        sets: The smallest sets with their random controls.
    """

    scaler: Scaler
    oracle: Oracle
    layer0: Probe
    rankings: tuple[Ranking, ...]
    sets: tuple[MinimalSet, ...]

    def save(self, folder: Folder) -> None:
        """Write `selection.safetensors`, then `selection.json`, which shows that the stage is done."""
        tensors: dict[str, Tensor] = {
            "scaler.column": torch.from_numpy(self.scaler.column),
            "scaler.neurons": torch.from_numpy(self.scaler.neurons),
            "scaler.mean": self.scaler.mean,
            "scaler.scale": self.scaler.scale,
        }
        probes = {"oracle": self.oracle.probe, "layer0": self.layer0}
        for i, found in enumerate(self.sets):
            probes[f"set.{i}"] = found.probe
            probes |= {f"set.{i}.random.{j}": p for j, p in enumerate(found.random_probes)}
        for ranking in self.rankings:
            tensors[f"ranking.{ranking.name}.order"] = torch.from_numpy(ranking.order)
            tensors[f"ranking.{ranking.name}.score"] = torch.from_numpy(ranking.score)
        for name, probe in probes.items():
            tensors |= {f"{name}.{k}": v for k, v in _probe_tensors(probe).items()}
        record = {
            "dead": [list(n) for n in self.scaler.dead],
            "oracle": {"lam_max": self.oracle.lam_max, "path": self.oracle.path, "choice": self.oracle.choice},
            "rankings": [r.name for r in self.rankings],
            "sets": [
                {"ranking": s.ranking, "delta": s.delta, "select": s.select, "random_sizes": s.random_sizes}
                for s in self.sets
            ],
            "probes": {name: _probe_record(p) for name, p in probes.items()},
        }
        folder.write("selection.safetensors", save({k: v.cpu().clone().contiguous() for k, v in tensors.items()}))
        folder.write("selection.json", json.dumps(record, indent=1, allow_nan=False).encode())


def _probe_tensors(probe: Probe) -> dict[str, Tensor]:
    return {
        "feature": torch.from_numpy(probe.feature.astype(np.int64)),
        "weights": probe.weights,
        "intercept": probe.intercept,
    }


def _probe_record(probe: Probe) -> dict[str, Any]:
    keys = ("lam", "converged", "violation", "validation")
    return {k: getattr(probe, k) for k in keys}


def load_selection(folder: Folder) -> Selection:
    """Read what `Selection.save` wrote.

    Raises:
        RunFolderError: One of the two files is missing or damaged.
    """
    try:
        return _rebuilt(load(folder.read("selection.safetensors")), json.loads(folder.read("selection.json")))
    except (StoreError, SafetensorError, ValueError, LookupError, TypeError) as e:
        raise RunFolderError(
            f"{folder.url}/selection.safetensors and selection.json",
            expected="what the selection stage wrote",
            got=" ".join(str(e).split())[:200],
            remedy="delete selection.json and run again",
        ) from e


def _rebuilt(tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> Selection:
    def probe(name: str) -> Probe:
        feature = tensors[f"{name}.feature"].numpy()
        return Probe(feature, tensors[f"{name}.weights"], tensors[f"{name}.intercept"], **record["probes"][name])

    scaler = Scaler(
        tensors["scaler.column"].numpy(),
        tensors["scaler.neurons"].numpy(),
        tensors["scaler.mean"],
        tensors["scaler.scale"],
        tuple(NeuronId(*n) for n in record["dead"]),
    )
    path = tuple((float(a), float(b), int(c), bool(d)) for a, b, c, d in record["oracle"]["path"])
    rankings = []
    for name in record["rankings"]:
        order = tensors[f"ranking.{name}.order"].numpy()
        rankings.append(Ranking(name, order, scaler.neurons[order], tensors[f"ranking.{name}.score"].numpy()))
    sets = []
    for i, s in enumerate(record["sets"]):
        sizes = tuple(s["random_sizes"])
        controls = tuple(probe(f"set.{i}.random.{j}") for j in range(len(sizes)))
        sets.append(MinimalSet(s["ranking"], s["delta"], s["select"], probe(f"set.{i}"), sizes, controls))
    oracle = Oracle(probe("oracle"), record["oracle"]["lam_max"], path, record["oracle"]["choice"])
    return Selection(scaler, oracle, probe("layer0"), tuple(rankings), tuple(sets))


def select(data: SelectionData, config: StudyConfig) -> Selection:
    """Fit the oracle, rank, and search the smallest sets, on train and validation only."""
    steps = iter(track(range(2 + config.random_draws), "probes"))
    next(steps)
    oracle = fit_oracle(data, config.lambdas)
    next(steps)
    embeddings = np.flatnonzero(data.neurons[:, 0] == 0)
    layer0, _ = fit_probe(data, embeddings, oracle.lambdas)
    bootstrap = ClusterBootstrap(data.group_validation, draws=config.bootstrap, seed=config.seed)
    rankings = [RANKERS[name](data, oracle, config.seed) for name in config.rankings]
    searches = [SetSearch(data, oracle, r, bootstrap) for r in rankings]
    controls = []
    for i in range(config.random_draws):
        order = RANKERS["random"](data, oracle, config.seed + 1 + i)
        control = SetSearch(data, oracle, order, bootstrap)
        for delta in config.deltas:
            for rule in config.select:
                control.smallest(delta, rule)
        controls.append(control)
        next(steps, None)
    sets = find_minimal_sets(searches, controls, config.deltas, config.select)
    return Selection(data.scaler, oracle, layer0, tuple(rankings), tuple(sets))
