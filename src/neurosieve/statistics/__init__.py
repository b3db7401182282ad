"""Rows × neurons, label-free: streamed moments → CKA between layers, correlation clusters; which neurons are alive."""

from neurosieve.statistics.clusters import Clusters, CorrelationTree
from neurosieve.statistics.linear_cka import cka
from neurosieve.statistics.live import live_neurons, mean_and_variance
from neurosieve.statistics.moments import MomentAccumulator, Moments, moments

__all__ = [
    "Clusters",
    "CorrelationTree",
    "MomentAccumulator",
    "Moments",
    "cka",
    "live_neurons",
    "mean_and_variance",
    "moments",
]
