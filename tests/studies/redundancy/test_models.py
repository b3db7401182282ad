"""The whole way with models and sites beyond an encoder's hidden states."""

from pathlib import Path
from typing import Any

import pytest

from neurosieve.activations import ActivationStore
from neurosieve.errors import RunFolderError
from neurosieve.results import to_json
from neurosieve.results.redundancy_rankings import RankingAgreement
from neurosieve.studies.cost import plan_study
from neurosieve.studies.finished import load_summary
from neurosieve.studies.inputs import read_data
from neurosieve.studies.redundancy.run import run_study
from neurosieve.studies.run_folder import RunFolder
from tests.studies import quick
from tests.tiny import BLOCKS, UNITS, WIDTH, family, tiny_model

READ = {"hidden": (BLOCKS + 1, WIDTH), "mlp": (BLOCKS, UNITS)}


FEW = {("t5:encoder", "hidden"), ("bart:decoder", "mlp"), ("gpt_bigcode", "hidden"), ("deberta-v2", "mlp")}
WAYS = [
    pytest.param(name, site, marks=[] if (name, site) in FEW else pytest.mark.slow)
    for name in ("t5:encoder", "bart:decoder", "gpt_bigcode", "deberta-v2")
    for site in ("hidden", "mlp")
]


@pytest.mark.parametrize(("name", "site"), WAYS)
def test_whole_way(name: str, site: str, tmp_path: Path) -> None:
    """Plan and run agree; untrained copies, report and notes go with the half and the site."""
    few: dict[str, Any] = {"rankings": ["lca"], "thresholds": [0.3], "control_draws": 0, "disjoint_splits": 0}
    config = quick(model=str(tiny_model(name)), stack=family(name).stack, site=site, **few)
    record = to_json(run_study(config, tmp_path))
    layers, width = READ[site]
    cost = plan_study(config)
    assert (cost.layers, cost.width) == (layers, width) == (record["layers"], record["neurons"] // record["layers"])
    assert record["site"] == site == ActivationStore(tmp_path / "activations").manifest.site
    assert len(record["baselines"]["untrained_model"]["layers"]) == layers
    assert any("feed-forward units" in note for note in record["notes"]) == (site == "mlp")
    assert any("after its start token" in note for note in record["notes"]) == (family(name).stack == "decoder")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("first block&#39;s feed-forward" in page or "first block's feed-forward" in page) == (site == "mlp")


def test_both_halves_are_two_studies(tmp_path: Path) -> None:
    """The stack is part of the study: a run folder of one half does not serve the other."""
    options: dict[str, Any] = {"model": str(tiny_model("bart:encoder"))}
    begun = quick(**options, stack="encoder")
    RunFolder(tmp_path / "run", begun, read_data(begun).hashes)
    with pytest.raises(RunFolderError, match="stack 'encoder' → 'decoder'"):
        run_study(quick(**options, stack="decoder"), tmp_path / "run")


@pytest.mark.parametrize("name", ["bert", "bart:decoder"])
def test_rankings_beside_effects_in_the_running_model(name: str, tmp_path: Path) -> None:
    """A ranking that reads the model brings effects of single neurons; what the files say is read back the same."""
    few: dict[str, Any] = {"thresholds": [0.3], "control_draws": 0, "disjoint_splits": 0, "untrained_seeds": 0}
    config = quick(
        model=str(tiny_model(name)), stack=family(name).stack, rankings=["lca", "gradient", "token_gradient"], **few
    )
    agreement = run_study(config, tmp_path).agreement
    assert isinstance(agreement, RankingAgreement)
    causal = agreement.causal
    assert causal is not None
    assert causal.neurons == (BLOCKS + 1) * WIDTH  # all of so small a model
    assert [row.ranking for row in causal.rankings] == ["lca", "gradient", "token_gradient"]
    assert len({row.value for row in causal.rankings}) == 3
    assert all(row.interval and row.interval[0] < row.value < row.interval[1] for row in causal.rankings)
    again = load_summary(tmp_path).agreement
    assert again == agreement
    assert "the effect of single neurons" in (tmp_path / "report.html").read_text(encoding="utf-8")
