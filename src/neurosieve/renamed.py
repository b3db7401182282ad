"""Modules that documentation of earlier releases named: found for one release, with a warning."""

import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

RENAMED = {
    "neurosieve.activations.extract": "neurosieve.activations.extraction",
    "neurosieve.concepts.annotation": "neurosieve.concepts.latent.sheets",
    "neurosieve.concepts.annotators": "neurosieve.concepts.latent.annotators",
    "neurosieve.concepts.options": "neurosieve.studies.option_models",
    "neurosieve.config": "neurosieve.studies.config",
    "neurosieve.data.controls": "neurosieve.data.control_labels",
    "neurosieve.data.functions": "neurosieve.syntax.functions",
    "neurosieve.data.source": "neurosieve.data.readers.source",
    "neurosieve.edited_task": "neurosieve.studies.interventions.edited_task",
    "neurosieve.intervention_study": "neurosieve.studies.option_models",
    "neurosieve.rankings.agreement": "neurosieve.rankings.comparing",
    "neurosieve.rankings.lca": "neurosieve.rankings.lca_ranking",
    "neurosieve.rankings.probeless": "neurosieve.rankings.probeless_ranking",
    "neurosieve.statistics.cka": "neurosieve.statistics.linear_cka",
}


class _Both(ModuleType):
    """An old module and the function of its name in one, since importing it puts it in the function's place."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return vars(self)[self.__name__.rpartition(".")[2]](*args, **options)


class _Renamed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, _: Sequence[str] | None, __: ModuleType | None = None) -> Any:
        return importlib.machinery.ModuleSpec(name, self) if name in RENAMED else None

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        text = f"{old} is {RENAMED[old]} now; the old name goes with the next release"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        new = import_module(RENAMED[old])
        if old.rpartition(".")[2] in vars(new):
            both = _Both(old)
            vars(both).update({name: value for name, value in vars(new).items() if not name.startswith("__")})
            new = both
        sys.modules[old] = new


def install() -> None:
    """Let the old names be found, behind all that really exist."""
    if not any(isinstance(finder, _Renamed) for finder in sys.meta_path):
        sys.meta_path.append(_Renamed())
