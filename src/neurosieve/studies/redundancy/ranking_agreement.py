"""The parts of a study's result on rankings: how far they agree, and how stable each one is."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from neurosieve.probes.metrics import spread
from neurosieve.rankings import Ranking, Stability, agreement
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.redundancy_rankings import (
    AgreementRow,
    CausalAgreement,
    HalfSets,
    RankingAgreement,
    RankingPair,
    RankingStability,
    StabilityRow,
)
from neurosieve.studies.config import StudyConfig


def agreement_part(
    rankings: Sequence[Ranking], causal: CausalAgreement | None = None
) -> RankingAgreement | NotMeasured:
    """How far the rankings agree; not measured where there is one."""
    if len(rankings) < 2:
        return NotMeasured.because(Reason.ONE_RANKING)
    found = agreement(rankings)
    pairs = tuple(
        RankingPair(rankings=(found.names[a], found.names[b]), size=k, overlap=float(found.overlap[i, a, b]))
        for i, k in enumerate(found.sizes)
        for a, b in combinations(range(len(found.names)), 2)
    )
    rows = tuple(AgreementRow(**row) for row in found.to_frame().to_dicts())
    return RankingAgreement(neurons=found.neurons, rankings=rows, pairs=pairs, causal=causal)


def stability_part(stable: Stability | NotMeasured, config: StudyConfig) -> RankingStability | NotMeasured:
    """How stable each ranking is; or why that is not known."""
    if isinstance(stable, NotMeasured):
        return stable
    rows = tuple(StabilityRow(**row) for row in stable.to_frame().to_dicts())
    return RankingStability(draws=len(stable.seeds), rankings=rows, sets=_half_sets(stable, config))


def _half_sets(stable: Stability, config: StudyConfig) -> tuple[HalfSets, ...] | None:
    if stable.sets is None:
        return None
    sizes = stable.sets.reshape(-1, len(stable.names)).T.astype(np.float64).tolist()
    return tuple(
        HalfSets(ranking=name, delta=config.deltas[0], select=config.select[0], size=spread(sizes_of_halves))
        for name, sizes_of_halves in zip(stable.names, sizes, strict=True)
    )
