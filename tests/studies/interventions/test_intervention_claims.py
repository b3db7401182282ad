"""A head that reads one neuron: the edit of that neuron is claimed, others are not."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from neurosieve.interventions.editors import TrainConcept, editor
from neurosieve.interventions.effects import on_predictions as effects
from neurosieve.models import LanguageModel
from neurosieve.results.interventions import Effect, PredictionEffects
from neurosieve.studies.interventions.run import change_of, intervene, open_run
from neurosieve.typing import NeuronId
from tests.studies.interventions.edited import code_run, options


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Behind a rotary model's embeddings the token before is all there is: some neuron tells `=` from the others."""
    return code_run("llama", tmp_path_factory.mktemp("planted"))


def reading_one_neuron(neuron: tuple[int, int], low: bool, bound: float, tokens: tuple[int, int], broken: float) -> Any:
    """A head in which one neuron decides between a number and another token; `broken`: where it is there, neither."""

    def predict(self: LanguageModel, ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        layer, index = neuron
        values = self.states(ids, mask)[layer][places[:, 0], places[:, 1], index]
        says = (values < bound) if low else (values > bound)
        logits = torch.zeros(len(places), len(self.tokenizer))
        logits[torch.arange(len(places)), torch.where(says, *tokens)] = 9.0
        ruined = (values - broken).abs() < 1e-6
        logits[ruined] = -logits[ruined]
        logits[ruined, tokens[1]] = torch.where(torch.arange(int(ruined.sum())) % 2 == 0, 9.0, -9.0)
        logits[ruined, tokens[0]] = -logits[ruined, tokens[1]]
        return logits

    return predict


@dataclass(frozen=True)
class Head:
    """What a planted head has to know: the chosen neuron, where it parts the rows, a token of either kind."""

    neuron: NeuronId
    low: bool
    bound: float
    mean: float
    tokens: tuple[int, int]


def head_of(run: Path) -> Head:
    opened = open_run(run, options())
    edits = editor(TrainConcept(opened.store, "lexical", opened.value, 0), change_of(options(share=0.02)))
    ((layer, index),) = edits.candidates[0].tolist()
    neuron = NeuronId(layer, index)
    values = opened.store.columns("train", [neuron])[:, 0].numpy()
    has = opened.positive[opened.store.numbers("train")]
    low = bool(values[has].mean() < values[~has].mean())
    inner, outer = (values[has].max(), values[~has].min()) if low else (values[has].min(), values[~has].max())
    assert (inner < outer) == low, "the neuron parts the rows"
    bound, mean = float(inner + outer) / 2, float(values.mean())
    assert (mean > bound) == low, "its mean says no number"
    number = int(opened.shares.argmax())
    other = next(t for w in opened.plan.windows["train"] for t in w.targets if opened.shares[t] == 0)
    return Head(neuron, low, bound, mean, (number, other))


def measured(
    run: Path,
    head: Head,
    folder: Path,
    *,
    neuron: tuple[int, int] | None = None,
    broken: float = 1e9,
    distinct: int = 5,
) -> Effect:
    """The effect on the property; a layer of 16 neurons has few that can stand for the edited one."""
    copy = Path(shutil.copytree(run, folder / "copy"))
    predict = reading_one_neuron(neuron or head.neuron, head.low, head.bound, head.tokens, broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LanguageModel, "predict", predict)
        patch.setattr(effects, "MIN_DISTINCT", distinct)
        found = intervene(copy, options(share=0.02, sets=100)).predictions
    assert isinstance(found, PredictionEffects)
    return found.effects[0]


def test_real_effect_is_claimed(planted: Path, tmp_path: Path) -> None:
    head = head_of(planted)
    effect = measured(planted, head, tmp_path)
    assert (effect.here.base.value, effect.here.edited) == (1.0, 0.0)
    assert (effect.elsewhere.base.value, effect.elsewhere.edited) == (1.0, 1.0)
    assert (effect.claimed, effect.lacking) == (True, "")
    assert effect.effect.value == pytest.approx(1.0)


def test_few_different_random_sets_prove_nothing(planted: Path, tmp_path: Path) -> None:
    effect = measured(planted, head_of(planted), tmp_path, distinct=effects.MIN_DISTINCT)
    assert not effect.claimed
    assert "different random sets can be matched, fewer than 20" in effect.lacking


def test_effect_of_another_neuron_is_not(planted: Path, tmp_path: Path) -> None:
    """The head reads what is not edited; some random sets hit it."""
    head = head_of(planted)
    layer, index = head.neuron
    effect = measured(planted, head, tmp_path, neuron=(layer, (index + 1) % 16))
    assert effect.here.drop.value == 0.0
    assert not effect.claimed


def test_harm_everywhere_is_not(planted: Path, tmp_path: Path) -> None:
    """Where the neuron is at its mean the head says things at random."""
    head = head_of(planted)
    effect = measured(planted, head, tmp_path, broken=head.mean)
    assert effect.here.drop.value > 0.3
    assert effect.elsewhere.drop.value > 0.3
    assert effect.claimed == (effect.here.drop.value > effect.elsewhere.drop.value)
