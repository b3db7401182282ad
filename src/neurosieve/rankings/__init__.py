"""Orders of neurons by importance: one file a method behind one contract (`base`)."""

from neurosieve.rankings.base import Ranker, Ranking
from neurosieve.rankings.gaussian import gaussian
from neurosieve.rankings.iou import iou
from neurosieve.rankings.lasso import lasso
from neurosieve.rankings.lca import lca
from neurosieve.rankings.mutual_information import mutual_information
from neurosieve.rankings.probeless import probeless
from neurosieve.rankings.random import random_order
from neurosieve.rankings.ridge import ridge

RANKERS: dict[str, Ranker] = {
    "lca": lca,
    "probeless": probeless,
    "gaussian": gaussian,
    "iou": iou,
    "mutual_information": mutual_information,
    "lasso": lasso,
    "ridge": ridge,
    "random": random_order,
}

__all__ = [
    "RANKERS",
    "Ranker",
    "Ranking",
    "gaussian",
    "iou",
    "lasso",
    "lca",
    "mutual_information",
    "probeless",
    "random_order",
    "ridge",
]
