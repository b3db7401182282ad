"""Rows × neurons + labels → converged elastic-net softmax probes; metrics with intervals; baselines."""

from neurosieve.probes.features import Scaler, SelectionData, fit_scaler, selection_data
from neurosieve.probes.intervals import ClusterBootstrap, loss_interval, score_interval
from neurosieve.probes.probe import Oracle, Probe, fit_oracle, fit_path, fit_probe, lambda_path
from neurosieve.probes.solver import Solution, solve

__all__ = [
    "ClusterBootstrap",
    "Oracle",
    "Probe",
    "Scaler",
    "SelectionData",
    "Solution",
    "fit_oracle",
    "fit_path",
    "fit_probe",
    "fit_scaler",
    "lambda_path",
    "loss_interval",
    "score_interval",
    "selection_data",
    "solve",
]
