"""Whatever is edited, the network is afterwards what it was."""

import shutil
from pathlib import Path

import pytest
import torch

from neurosieve.models import LanguageModel
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import language_model_of
from neurosieve.studies.interventions import run as module
from neurosieve.studies.interventions.run import intervene
from tests.studies import finished_concepts, finished_quick
from tests.studies.interventions.edited import options


@pytest.mark.parametrize("edit", ["ablate", "steer", "erase"])
def test_network_is_left_as_it_was(edit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, kept = Path(shutil.copytree(finished_concepts(), tmp_path / "run")), list[LanguageModel]()

    def noted(config: StudyConfig) -> LanguageModel:
        kept.append(language_model_of(config))
        return kept[0]

    monkeypatch.setattr(module, "language_model_of", noted)
    fresh = language_model_of(finished_quick().config)
    intervene(run, options(edit))
    (model,) = kept
    for (name, own), other in zip(model.whole.state_dict().items(), fresh.whole.state_dict().values(), strict=True):
        assert torch.equal(own, other), name
    ids, mask = torch.tensor([[2, 9, 4, 12, 3]]), torch.ones(1, 5, dtype=torch.long)
    places = torch.tensor([[0, 2]])
    assert torch.equal(model.predict(ids, mask, places), fresh.predict(ids, mask, places))

    def hooks(one: LanguageModel) -> list[int]:
        return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in one.whole.modules()]

    fresh.states(ids, mask)  # transformers' own
    assert hooks(model) == hooks(fresh)
