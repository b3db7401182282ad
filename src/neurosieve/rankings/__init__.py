"""Orders of neurons by importance: one file a method behind one contract (`base`); `agreement` compares them."""

from neurosieve.rankings.base import Ranker, Ranking
from neurosieve.rankings.comparing import Agreement, Stability, agreement, stability
from neurosieve.rankings.gaussian_ranking import gaussian
from neurosieve.rankings.iou_ranking import iou
from neurosieve.rankings.lasso_ranking import lasso
from neurosieve.rankings.lca_ranking import lca
from neurosieve.rankings.mutual_information_ranking import mutual_information
from neurosieve.rankings.probeless_ranking import probeless
from neurosieve.rankings.random_ranking import random_order
from neurosieve.rankings.ridge_ranking import ridge

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
CLASS_RANKINGS = ("gaussian", "iou")  # what they measure has no meaning for labels that are values

__all__ = [
    "CLASS_RANKINGS",
    "RANKERS",
    "Agreement",
    "Ranker",
    "Ranking",
    "Stability",
    "agreement",
    "gaussian",
    "iou",
    "lasso",
    "lca",
    "mutual_information",
    "probeless",
    "random_order",
    "ridge",
    "stability",
]
