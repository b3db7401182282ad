"""A study that is asked for it tells how far rankings and the smallest set depend on the train rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosieve.activations.store import ActivationStore
from neurosieve.probes import ClusterBootstrap, selection_data
from neurosieve.probes.probe import fit_oracle, fit_probe
from neurosieve.rankings import lca
from neurosieve.rankings.comparing import halved
from neurosieve.redundancy import SetSearch
from neurosieve.results import to_json
from neurosieve.studies.finished import write_report
from neurosieve.studies.redundancy.run import run_study
from tests.studies import quick


def test_sizes_on_halves_of_train(tmp_path: Path) -> None:
    config = quick(stability=1, rankings=["lca"], untrained_seeds=1, deltas=[0.01])
    record = to_json(run_study(config, tmp_path / "run"))
    (found,) = record["stability"]["sets"]
    store = ActivationStore(tmp_path / "run" / "activations")
    data = selection_data(store.read("train"), store.read("validation"), "cpu")
    oracle, first = fit_oracle(data, config.lambdas), halved(store.units("train")["group"].to_numpy(), config.seed + 1)
    bootstrap = ClusterBootstrap(data.group_validation, draws=config.bootstrap, seed=config.seed)
    sizes: list[int] = []
    for rows in (first, ~first):
        half = data.rows(rows, np.ones(data.x_validation.shape[1], dtype=bool))
        own = replace(oracle, probe=fit_probe(half, np.arange(len(data.neurons)), [oracle.probe.lam])[0])
        search = SetSearch(half, own, lca(half, own, config.seed + 1), bootstrap)
        sizes.append(search.smallest(config.deltas[0], config.select[0]) or 0)
    assert found == {
        "ranking": "lca",
        "delta": config.deltas[0],
        "select": config.select[0],
        "mean": np.mean(sizes),
        "median": np.median(sizes),
        "lo": min(sizes),
        "hi": max(sizes),
    }
    page = Path(write_report(tmp_path / "run")).read_text(encoding="utf-8")
    assert "Smallest sets on halves of train" in page
    assert f"{found['median']:g} ({found['lo']:.0f} – {found['hi']:.0f})" in page
