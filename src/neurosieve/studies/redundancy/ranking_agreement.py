"""The parts of `summary.json` on rankings: how far they agree, and how stable each one is."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from neurosieve.rankings import Agreement, Ranking, Stability, agreement
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.redundancy.opened import spread


def agreement_parts(rankings: Sequence[Ranking], stable: Stability | str, config: StudyConfig) -> dict[str, Any]:
    """`agreement` and `stability`; null, with a reason beside, where there is one ranking or no draw was asked for."""
    parts: dict[str, Any] = {"agreement": None, "stability": None}
    if len(rankings) < 2:
        parts["agreement_reason"] = "there is one ranking only"
    else:
        parts["agreement"] = _agreed(agreement(rankings))
    if isinstance(stable, str):
        parts["stability_reason"] = stable
    else:
        parts["stability"] = {"draws": len(stable.seeds), "rankings": stable.to_frame().to_dicts()}
        if stable.sets is not None:
            rule = {"delta": config.deltas[0], "select": config.select[0]}
            sizes = stable.sets.reshape(-1, len(stable.names)).T.astype(np.float64).tolist()
            parts["stability"]["sets"] = [
                {"ranking": name, **rule, **spread(found)} for name, found in zip(stable.names, sizes, strict=True)
            ]
    return parts


def _agreed(found: Agreement) -> dict[str, Any]:
    pairs = [
        {"rankings": [found.names[a], found.names[b]], "size": k, "overlap": float(found.overlap[i, a, b])}
        for i, k in enumerate(found.sizes)
        for a, b in combinations(range(len(found.names)), 2)
    ]
    return {"neurons": found.neurons, "rankings": found.to_frame().to_dicts(), "pairs": pairs}
