"""Modules of all labels, fitted on train and validation; saved whole, so that another run can take one."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurosieve.modules.module_search import FittedModule, ModuleRule, fit_module, one_vs_rest, told_apart
from neurosieve.modules.one_label import Module
from neurosieve.probes.archive import Archive
from neurosieve.redundancy.minimal_set import Select
from neurosieve.studies.modules.module_work import ModuleWork
from neurosieve.threads import map_threads
from neurosieve.typing import NeuronId

FITTED = "fitted"


@dataclass(frozen=True)
class FittedModules:
    """The outcome of fitting.

    Attributes:
        delta: Of the search.
        select: Of the search.
        draws: Random modules of each label.
        modules: One a label, in the order of the labels.
    """

    delta: float
    select: Select
    draws: int
    modules: tuple[FittedModule, ...]

    def archive(self) -> Archive:
        """The object as JSON values, probes and tensors, which files can hold."""
        tensors: dict[str, Tensor] = {}
        for i, fitted in enumerate(self.modules):
            tensors |= _tensors(f"{i}", fitted.module)
            for j, drawn in enumerate(fitted.random):
                tensors |= _tensors(f"{i}.random.{j}", drawn)
        said = [
            {
                "label": fitted.module.label,
                "validation": fitted.validation,
                "within": fitted.within,
                "converged": fitted.converged,
                "random_sizes": fitted.random_sizes,
            }
            for fitted in self.modules
        ]
        return Archive({"delta": self.delta, "select": self.select, "draws": self.draws, "modules": said}, {}, tensors)

    @staticmethod
    def from_archive(archive: Archive) -> "FittedModules":
        """What `archive` returned, as an object again."""
        record, tensors = archive.record, dict(archive.tensors)
        modules = []
        for i, said in enumerate(record["modules"]):
            sizes, label = tuple(int(size) for size in said["random_sizes"]), str(said["label"])
            modules.append(
                FittedModule(
                    module=_module(f"{i}", label, tensors),
                    validation=float(said["validation"]),
                    within=bool(said["within"]),
                    converged=bool(said["converged"]),
                    random=tuple(_module(f"{i}.random.{j}", label, tensors) for j in range(len(sizes))),
                    random_sizes=sizes,
                )
            )
        select: Select = "safe" if record["select"] == "safe" else "point"
        return FittedModules(float(record["delta"]), select, int(record["draws"]), tuple(modules))


def _tensors(name: str, module: Module) -> dict[str, Tensor]:
    return {
        f"{name}.neurons": torch.tensor(module.neurons, dtype=torch.int64),
        f"{name}.weight": torch.from_numpy(module.weight),
        f"{name}.bias": torch.tensor([module.bias], dtype=torch.float64),
    }


def _module(name: str, label: str, tensors: dict[str, Any]) -> Module:
    neurons = tuple(NeuronId(*pair) for pair in tensors[f"{name}.neurons"].tolist())
    return Module(label, neurons, tensors[f"{name}.weight"].numpy(), float(tensors[f"{name}.bias"][0]))


def fit_modules(work: ModuleWork, rule: ModuleRule) -> FittedModules:
    """A module for each label, by itself: none sees what another one is."""
    data, validation = work.data, work.validation

    def fit(number: int) -> FittedModule:
        reference = told_apart(validation.monolith, validation.label, number)
        own = one_vs_rest(data, number)
        return fit_module(own, work.labels[number], validation.bootstrap, rule, reference)

    modules = tuple(map_threads(fit, range(len(work.labels))))
    return FittedModules(rule.delta, rule.select, rule.draws, modules)
