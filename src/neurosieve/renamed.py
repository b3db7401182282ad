"""Modules and names that documentation of earlier releases showed: found for one release, with a warning."""

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

# Names that were in `neurosieve` itself, by the package that has them now.
_PLACES = {
    "activations": ("ActivationStore Activations ExtractionOptions import_activations "),
    "data": (
        "Dataset Example Rows Sample Span read_corpus read_examples read_pairs read_stdlib read_tagging sample_rows "
    ),
    "models": ("CodeModel load_language_model untrained_copy "),
    "probes": ("ClusterBootstrap Oracle Probe SelectionData fit_oracle fit_probe selection_data "),
    "rankings": ("RANKERS Ranking agreement lca probeless random_order stability "),
    "redundancy": (
        "Controls LayerCurves MinimalSet Pipeline SetSearch find_minimal_sets fit_clusters fit_controls "
        "fit_layers run_pipeline "
    ),
    "results": "Cost",
    "statistics": ("Clusters CorrelationTree MomentAccumulator Moments cka "),
    "studies": (
        "FinetuneOptions InterventionOptions continue_concepts continue_study load_concepts "
        "load_summary make_config plan_study run_concepts run_study write_report "
    ),
}
NAMES = {name: f"neurosieve.{place}" for place, names in _PLACES.items() for name in names.split()}
# Names of results whose class is another one now, and what does the same by the names of today.
_CLASSES = {"Summary": "RedundancyResult", "Concepts": "ConceptResult"}
NAMES |= dict.fromkeys(_CLASSES, "neurosieve")
_INSTEAD = {
    "run_study": "neurosieve.run",
    "continue_study": "neurosieve.redundancy",
    "load_summary": "neurosieve.load",
    "plan_study": "neurosieve.plan",
    "write_report": "neurosieve.report",
    "run_concepts": "neurosieve.concepts",
    "continue_concepts": "neurosieve.concepts",
    "load_concepts": "neurosieve.load",
    "make_config": "neurosieve.StudyConfig",
}


def earlier_name(name: str) -> Any:
    """The object of a name in `NAMES`, with a warning that names its new place."""
    new = _CLASSES.get(name, name)
    verb = f", and {_INSTEAD[name]} does the same" if name in _INSTEAD else ""
    text = f"neurosieve.{name} is {NAMES[name]}.{new} now{verb}; the old name goes with the next release"
    warnings.warn(text, DeprecationWarning, stacklevel=3)
    return getattr(import_module(NAMES[name]), new)


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
    """Let the old names be found, after all that really exist."""
    if not any(isinstance(finder, _Renamed) for finder in sys.meta_path):
        sys.meta_path.append(_Renamed())
