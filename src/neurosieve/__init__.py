"""Find the few neurons of a code language model that carry a task, and show how far that can be believed.

    model = load_model("DIR_OR_NAME")
    dataset = read_tagging("DIR")
    store = extract(model, dataset, sample_rows(dataset), "activations")
    data = selection_data(store.read("train"), store.read("validation"))
    oracle = fit_oracle(data)
    ranking = lca(data, oracle, seed=0)

or all of it with every control: `run_study(make_config(options={"model": …, "data": …}), "RUN")`.
"""

from neurosieve.activations import Activations, ActivationStore, ExtractionOptions, extract
from neurosieve.config import StudyConfig, make_config
from neurosieve.data import Dataset, Example, Rows, Sample, Span, read_stdlib, read_tagging, sample_rows
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
from neurosieve.models import CodeModel, load_model
from neurosieve.plan import Cost, plan_study
from neurosieve.probes import (
    ClusterBootstrap,
    Oracle,
    Probe,
    SelectionData,
    fit_oracle,
    fit_probe,
    selection_data,
)
from neurosieve.rankings import RANKERS, Ranking, lca, random_order
from neurosieve.redundancy import MinimalSet, SetSearch, find_minimal_sets
from neurosieve.study import run_study
from neurosieve.summary import Summary
from neurosieve.typing import NeuronId

__version__ = "0.1.0"

__all__ = [
    "RANKERS",
    "ActivationStore",
    "Activations",
    "ClusterBootstrap",
    "CodeModel",
    "ConfigError",
    "Cost",
    "DataError",
    "Dataset",
    "Example",
    "ExtractionOptions",
    "MinimalSet",
    "ModelError",
    "NeuronId",
    "NeurosieveError",
    "Oracle",
    "Probe",
    "Ranking",
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
    "Summary",
    "extract",
    "find_minimal_sets",
    "fit_oracle",
    "fit_probe",
    "lca",
    "load_model",
    "make_config",
    "plan_study",
    "random_order",
    "read_stdlib",
    "read_tagging",
    "run_study",
    "sample_rows",
    "selection_data",
]
