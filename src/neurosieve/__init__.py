"""Find the few neurons of a code language model that carry a task, and show how far that can be believed.

    model = load_model("DIR_OR_NAME")
    dataset = read_tagging("DIR")
    store = extract(model, dataset, sample_rows(dataset), "activations")
    data = selection_data(store.read("train"), store.read("validation"))
    oracle = fit_oracle(data)
    ranking = lca(data, oracle, seed=0)

or all of it with every control: `run_study(make_config(options={"model": …, "data": …}), "RUN")`.
"""

import warnings as _warnings
from typing import Any as _Any

from neurosieve import interrupts as _interrupts  # noqa: F401  # first, as it watches over all other imports
from neurosieve.activations import Activations, ActivationStore, ExtractionOptions, extract, import_activations
from neurosieve.data import (
    Dataset,
    Example,
    Rows,
    Sample,
    Span,
    read_corpus,
    read_examples,
    read_pairs,
    read_stdlib,
    read_tagging,
    sample_rows,
)
from neurosieve.errors import (
    ConfigError,
    DataError,
    ModelError,
    NeurosieveError,
    ResourceError,
    RunFolderError,
    SelfCheckError,
    StoreError,
)
from neurosieve.interventions import live
from neurosieve.models import CodeModel, load_language_model, load_model, register_family, untrained_copy
from neurosieve.probes import (
    ClusterBootstrap,
    Oracle,
    Probe,
    SelectionData,
    fit_oracle,
    fit_probe,
    selection_data,
)
from neurosieve.rankings import RANKERS, Ranking, agreement, lca, probeless, random_order, stability
from neurosieve.redundancy import (
    Controls,
    LayerCurves,
    MinimalSet,
    Pipeline,
    SetSearch,
    find_minimal_sets,
    fit_clusters,
    fit_controls,
    fit_layers,
    run_pipeline,
)
from neurosieve.results import InterventionResult, RedundancyResult
from neurosieve.statistics import Clusters, CorrelationTree, MomentAccumulator, Moments, cka
from neurosieve.studies.concepts.run import Concepts, continue_concepts, load_concepts, run_concepts
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.cost import Cost, plan_study
from neurosieve.studies.finished import load_summary, write_report
from neurosieve.studies.interventions.run import InterventionOptions, intervene
from neurosieve.studies.redundancy.run import continue_study, run_study
from neurosieve.typing import NeuronId

__version__ = "0.1.0"

__all__ = [
    "RANKERS",
    "ActivationStore",
    "Activations",
    "ClusterBootstrap",
    "Clusters",
    "CodeModel",
    "Concepts",
    "ConfigError",
    "Controls",
    "CorrelationTree",
    "Cost",
    "DataError",
    "Dataset",
    "Example",
    "ExtractionOptions",
    "InterventionOptions",
    "InterventionResult",
    "LayerCurves",
    "MinimalSet",
    "ModelError",
    "MomentAccumulator",
    "Moments",
    "NeuronId",
    "NeurosieveError",
    "Oracle",
    "Pipeline",
    "Probe",
    "Ranking",
    "RedundancyResult",
    "ResourceError",
    "Rows",
    "RunFolderError",
    "Sample",
    "SelectionData",
    "SelfCheckError",
    "SetSearch",
    "Span",
    "StoreError",
    "StudyConfig",
    "agreement",
    "cka",
    "continue_concepts",
    "continue_study",
    "extract",
    "find_minimal_sets",
    "fit_clusters",
    "fit_controls",
    "fit_layers",
    "fit_oracle",
    "fit_probe",
    "import_activations",
    "intervene",
    "lca",
    "live",
    "load_concepts",
    "load_language_model",
    "load_model",
    "load_summary",
    "make_config",
    "plan_study",
    "probeless",
    "random_order",
    "read_corpus",
    "read_examples",
    "read_pairs",
    "read_stdlib",
    "read_tagging",
    "register_family",
    "run_concepts",
    "run_pipeline",
    "run_study",
    "sample_rows",
    "selection_data",
    "stability",
    "untrained_copy",
    "write_report",
]


def __getattr__(name: str) -> _Any:
    """Names of earlier releases."""
    if name == "Summary":
        text = "neurosieve.Summary is neurosieve.RedundancyResult now; the old name goes with the next release"
        _warnings.warn(text, DeprecationWarning, stacklevel=2)
        return RedundancyResult
    raise AttributeError(f"module 'neurosieve' has no attribute {name!r}")
