"""The lasso: LCA's order of a probe that is held by the l1 penalty alone (compared in Fan et al. 2023, 2301.12608)."""

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import KKT_TARGET, Oracle
from neurosieve.probes.solver import Solution, solve
from neurosieve.rankings.base import Ranking
from neurosieve.rankings.lca_ranking import by_mass


def lasso(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons as LCA does, from the oracle's problem without its l2 part: l1 = λ/2, l2 = 0.

    Of correlated neurons it takes one where the elastic net takes both.
    """
    start = Solution(oracle.probe.weights, oracle.probe.intercept)
    solution = solve(data.x, data.target, oracle.probe.lam / 2, 0.0, KKT_TARGET * oracle.lam_max, start)
    mass = solution.weights.abs().view(len(data.neurons), data.copies, data.classes).sum(1)
    return by_mass("lasso", data, mass)
