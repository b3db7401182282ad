"""Edits in the live model: ablate, clamp, scale, steer, patch and erase, beside random sets and erasers as controls."""

from neurosieve.interventions.edits import Ablate, Clamp, Edit, Erase, Patch, Scale, Steer
from neurosieve.interventions.leace import Eraser, EraserFitter, fit_eraser
from neurosieve.interventions.live_model import Positions, live
from neurosieve.interventions.matched import MatchedSets, matched_sets
from neurosieve.interventions.train_rows import TrainRows, by_layer
from neurosieve.results.interventions import Ablation

__all__ = [
    "Ablate",
    "Ablation",
    "Clamp",
    "Edit",
    "Erase",
    "Eraser",
    "EraserFitter",
    "MatchedSets",
    "Patch",
    "Positions",
    "Scale",
    "Steer",
    "TrainRows",
    "by_layer",
    "fit_eraser",
    "live",
    "matched_sets",
]
