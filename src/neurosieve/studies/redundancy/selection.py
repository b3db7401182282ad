"""What is chosen without the test split: oracle, rankings, smallest sets with their random controls; saved whole."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from neurosieve.parts import map_parts, sharing
from neurosieve.probes.archive import Archive
from neurosieve.probes.features import Scaler, SelectionData
from neurosieve.probes.intervals import ClusterBootstrap
from neurosieve.probes.probe import Oracle, Probe, fit_oracle
from neurosieve.progress import track
from neurosieve.rankings import RANKERS, Ranking
from neurosieve.redundancy import MinimalSet, SetSearch, SizeRange, find_minimal_sets
from neurosieve.redundancy.minimal_set import FoundSizes
from neurosieve.storage.folder import Folder
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.steps import read_step
from neurosieve.typing import NeuronId

SELECTION = "selection"


@dataclass(frozen=True)
class Selection:
    """The outcome of the selection stage.

    Attributes:
        scaler: Train statistics of the live neurons.
        oracle: The probe on all of them, and its path.
        rankings: One order for each method.
        sets: The smallest sets with their random controls.
        curves: For each ranking, its probes on the grid of sizes; for each random order those on the sizes that all
            random orders were tested on.
    """

    scaler: Scaler
    oracle: Oracle
    rankings: tuple[Ranking, ...]
    sets: tuple[MinimalSet, ...]
    curves: Mapping[str, tuple[Probe, ...]]

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        tensors = {
            "scaler.column": torch.from_numpy(self.scaler.column),
            "scaler.neurons": torch.from_numpy(self.scaler.neurons),
            "scaler.mean": self.scaler.mean,
            "scaler.scale": self.scaler.scale,
        }
        probes = {"oracle": self.oracle.probe}
        for i, minimal in enumerate(self.sets):
            probes[f"set.{i}"] = minimal.probe
            probes |= {f"set.{i}.random.{j}": p for j, p in enumerate(minimal.random_probes)}
        for ranking in self.rankings:
            tensors[f"ranking.{ranking.name}.order"] = torch.from_numpy(ranking.order)
            tensors[f"ranking.{ranking.name}.score"] = torch.from_numpy(ranking.score)
        for name, curve in self.curves.items():
            probes |= {f"curve.{name}.{i}": p for i, p in enumerate(curve)}
        record = {
            "dead": [list(n) for n in self.scaler.dead],
            "target": self.scaler.target,
            "oracle": {"lam_max": self.oracle.lam_max, "path": self.oracle.path, "choice": self.oracle.choice},
            "rankings": [r.name for r in self.rankings],
            "sets": [
                {
                    "ranking": s.ranking,
                    "delta": s.delta,
                    "select": s.select,
                    "random_sizes": s.random_sizes,
                    "range": s.range and s.range._asdict(),
                }
                for s in self.sets
            ],
            "curves": {name: len(curve) for name, curve in self.curves.items()},
        }
        return Archive(record, probes, tensors)

    @staticmethod
    def from_archive(archive: Archive) -> "Selection":
        """What `archive` returned, as an object again."""
        record, probes, tensors = archive.record, archive.probes, archive.tensors
        target = record.get("target")  # an older run has none
        scaler = Scaler(
            tensors["scaler.column"].numpy(),
            tensors["scaler.neurons"].numpy(),
            tensors["scaler.mean"],
            tensors["scaler.scale"],
            tuple(NeuronId(*n) for n in record["dead"]),
            (float(target[0]), float(target[1])) if target else None,
        )
        path = tuple((float(a), float(b), int(c), bool(d)) for a, b, c, d in record["oracle"]["path"])
        rankings = []
        for name in record["rankings"]:
            order = tensors[f"ranking.{name}.order"].numpy()
            rankings.append(Ranking(name, order, scaler.neurons[order], tensors[f"ranking.{name}.score"].numpy()))
        sets = []
        for i, s in enumerate(record["sets"]):
            sizes = tuple(s["random_sizes"])
            controls = tuple(probes[f"set.{i}.random.{j}"] for j in range(len(sizes)))
            spread = s.get("range")  # an older run has none
            found = spread and SizeRange(tuple(spread["size"]), tuple(spread["ratio"]))
            sets.append(MinimalSet(s["ranking"], s["delta"], s["select"], probes[f"set.{i}"], sizes, controls, found))
        oracle = Oracle(probes["oracle"], record["oracle"]["lam_max"], path, record["oracle"]["choice"])
        curves = {n: tuple(probes[f"curve.{n}.{i}"] for i in range(count)) for n, count in record["curves"].items()}
        if lacking := [ranking.name for ranking in rankings if ranking.name not in curves]:
            raise LookupError(f"no curve of {lacking[0]}")
        return Selection(scaler, oracle, tuple(rankings), tuple(sets), curves)


def saved_selection(files: Folder) -> Selection | None:
    """What a run chose; None where its task was not studied.

    Raises:
        RunFolderError: Its files are damaged.
    """
    return read_step(files, SELECTION, Selection)


def is_studied(files: Folder) -> bool:
    """Whether a run's task was studied, so that it has a probe and ranked neurons."""
    return files.exists(f"{SELECTION}.json")


def _searched(data: SelectionData, oracle: Oracle, config: StudyConfig, asked: tuple[Ranking, bool]) -> FoundSizes:
    """What the search of an order finds; it is remembered, and asked for again where sets are compared."""
    bootstrap = ClusterBootstrap(data.group_validation, draws=config.bootstrap, seed=config.seed)
    order, every = asked
    search = SetSearch(data, oracle, order, bootstrap, every=every)
    for delta in config.deltas:
        for rule in config.select:
            search.smallest(delta, rule)
    return search.found


def select(data: SelectionData, config: StudyConfig) -> Selection:
    """Fit the oracle, rank, and search the smallest sets, on train and validation only."""
    steps = iter(track(range(1 + len(config.rankings) + config.random_draws), "probes"))
    next(steps)
    oracle = fit_oracle(data, config.lambdas)
    bootstrap = ClusterBootstrap(data.group_validation, draws=config.bootstrap, seed=config.seed)
    rankings = [RANKERS[name](data, oracle, config.seed) for name in config.rankings]
    orders = [RANKERS["random"](data, oracle, config.seed + 1 + i) for i in range(config.random_draws)]
    asked = [*((order, True) for order in rankings), *((order, False) for order in orders)]
    searches = list[SetSearch]()
    remembered = map_parts(sharing(_searched, data, oracle, config), asked, small=True)
    for (order, every), found in zip(asked, remembered, strict=True):
        searches.append(SetSearch(data, oracle, order, bootstrap, every=every, found=found))
        next(steps)
    ranked, controls = searches[: len(rankings)], searches[len(rankings) :]
    sets = find_minimal_sets(ranked, controls, config.deltas, config.select)
    shared = sorted(set[int].intersection(*(s.tested for s in controls)))
    curves = {s.ranking.name: s.curve() for s in ranked}
    curves |= {s.ranking.name: tuple(s.probe(m) for m in shared) for s in controls}
    return Selection(data.scaler, oracle, tuple(rankings), tuple(sets), curves)
