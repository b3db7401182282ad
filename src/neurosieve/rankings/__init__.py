"""Orders of neurons by importance: one file a method behind one contract (`base`)."""

from neurosieve.rankings.base import Ranker, Ranking
from neurosieve.rankings.lca import lca
from neurosieve.rankings.probeless import probeless
from neurosieve.rankings.random import random_order

RANKERS: dict[str, Ranker] = {"lca": lca, "probeless": probeless, "random": random_order}

__all__ = ["RANKERS", "Ranker", "Ranking", "lca", "probeless", "random_order"]
