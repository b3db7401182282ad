"""Layer curves, correlation clusters, the smallest neuron sets, the pipeline LS + CC + LCA, and their controls."""

from neurosieve.redundancy.cluster_probes import ClusterProbe, GeneralRedundancy, fit_clusters
from neurosieve.redundancy.control_probes import Controls, fit_controls
from neurosieve.redundancy.layers import LayerCurves, fit_layers
from neurosieve.redundancy.minimal_set import MinimalSet, Select, SetSearch, find_minimal_sets, smallest
from neurosieve.redundancy.pareto import Point, pareto_front
from neurosieve.redundancy.pipeline import Candidate, Pipeline, run_pipeline
from neurosieve.redundancy.published import TestRows, published_protocol
from neurosieve.redundancy.size_range import SizeRange

__all__ = [
    "Candidate",
    "ClusterProbe",
    "Controls",
    "GeneralRedundancy",
    "LayerCurves",
    "MinimalSet",
    "Pipeline",
    "Point",
    "Select",
    "SetSearch",
    "SizeRange",
    "TestRows",
    "find_minimal_sets",
    "fit_clusters",
    "fit_controls",
    "fit_layers",
    "pareto_front",
    "published_protocol",
    "run_pipeline",
    "smallest",
]
