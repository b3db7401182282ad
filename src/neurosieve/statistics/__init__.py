"""Rows × neurons, label-free: streamed moments → CKA between layers, correlation clusters, dead neurons."""

from neurosieve.statistics.cka import cka
from neurosieve.statistics.clusters import Clusters, CorrelationTree
from neurosieve.statistics.moments import MomentAccumulator, Moments, moments

__all__ = ["Clusters", "CorrelationTree", "MomentAccumulator", "Moments", "cka", "moments"]
