"""Language models: predictions at chosen positions are those of the plain call; a head that is not there is said."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from neurosieve.errors import DataError, ModelError
from neurosieve.models import LanguageModel, load_language_model, load_model, untrained_copy
from tests.minilm import minilm
from tests.tiny import NAMES, POSITIONS, assert_one_line, family, quiet_transformers, tiny_loaded, tiny_model

PREDICTING = [name for name in NAMES if not name.endswith(":encoder")]
IDS = torch.tensor([[5, 6, 7, 8, 9], [9, 10, 11, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
ROWS = torch.tensor([[1, 2], [0, 0], [0, 4], [0, 4], [1, 0]])
_UNTYPED: Any = transformers


def loaded(name: str) -> LanguageModel:
    return load_language_model(tiny_model(name), device="cpu", stack=family(name).stack)


@pytest.mark.parametrize("name", PREDICTING)
def test_logits_are_those_of_the_plain_call(name: str) -> None:
    """One call for all positions, of transformers' own class loaded by hand; the start token is not counted."""
    model, start = loaded(name), family(name).stack == "decoder"
    kind = "Seq2SeqLM" if start else "CausalLM" if family(name).kind == "decoder" else "MaskedLM"
    with quiet_transformers():
        plain = getattr(_UNTYPED, f"AutoModelFor{kind}").from_pretrained(tiny_model(name)).eval()
    with torch.inference_mode():
        full = plain(**model.inputs(IDS, MASK)).logits
    came = model.predict(IDS, MASK, ROWS)
    assert came.shape == (len(ROWS), plain.config.vocab_size)
    torch.testing.assert_close(came, full[ROWS[:, 0], ROWS[:, 1] + start], rtol=1e-5, atol=1e-5)
    assert model.predict(IDS, MASK, ROWS[:0]).shape == (0, came.shape[1])


@pytest.mark.parametrize("name", PREDICTING)
def test_is_the_code_model_too(name: str) -> None:
    """The same states, tokenizer and notes; predicting leaves no trace."""
    model, alone = loaded(name), tiny_loaded(name)
    model.predict(IDS, MASK, ROWS)
    for one, other in zip(model.states(IDS, MASK), alone.states(IDS, MASK), strict=True):
        assert torch.equal(one, other)
    assert (model.notes, model.adapter, model.max_tokens) == (alone.notes, alone.adapter, alone.max_tokens)
    assert (model.pad_id, model.padding_side) == (alone.pad_id, alone.padding_side)
    assert not model.whole.training


def test_longest_input() -> None:
    model = loaded("roberta")
    ids = torch.full((1, model.max_tokens), 7)
    assert model.max_tokens == POSITIONS
    assert model.predict(ids, torch.ones_like(ids), torch.tensor([[0, POSITIONS - 1]])).isfinite().all()


def test_half_precision() -> None:
    model = load_language_model(tiny_model("gpt2"), device="cpu", precision="bfloat16")
    came, exact = model.predict(IDS, MASK, ROWS), loaded("gpt2").predict(IDS, MASK, ROWS)
    assert came.dtype == torch.float32
    assert float((came - exact).abs().max() / exact.abs().max()) < 0.1


@pytest.mark.parametrize("row", [[2, 0], [0, 5], [-1, 0], [0, -1]])
def test_position_outside(row: list[int]) -> None:
    with pytest.raises(DataError) as caught:
        loaded("bert").predict(IDS, MASK, torch.tensor([[0, 0], row]))
    assert_one_line(caught.value, "positions to predict", "[2, 5]")


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(":encoder")])
def test_encoder_half_predicts_nothing(name: str) -> None:
    for stack in ("encoder", None):
        with pytest.raises(ModelError) as caught:
            load_language_model(tiny_model(name), device="cpu", stack=stack)
        assert_one_line(caught.value, "language-model head", "encoder of an encoder–decoder", "--stack decoder")


@pytest.mark.parametrize("head", ["ForSequenceClassification", "ForTokenClassification"])
@pytest.mark.parametrize("name", ["roberta", "bert", "distilbert", "gpt2", "opt"])
def test_checkpoint_of_a_classifier(name: str, head: str, tmp_path: Path) -> None:
    """Also where the language model's head is the embeddings, so that no weight is missing."""
    if name == "opt" and head == "ForTokenClassification":
        pytest.skip("transformers has no such head")
    with quiet_transformers():
        getattr(_UNTYPED, f"AutoModel{head}").from_pretrained(tiny_model(name)).save_pretrained(tmp_path)
    for file in tiny_model(name).glob("tokenizer*"):
        shutil.copy(file, tmp_path)
    load_model(tmp_path, device="cpu")
    with pytest.raises(ModelError) as caught:
        load_language_model(tmp_path, device="cpu")
    assert_one_line(caught.value, f"language-model head of {tmp_path}", head, "--no-predictions")


def test_minilm_has_no_head() -> None:
    with pytest.raises(ModelError) as caught:
        load_language_model(minilm(), device="cpu")
    assert_one_line(caught.value, "language-model head", "BertForMaskedLM", "none (cls.predictions")


def without(key: str, name: str, folder: Path) -> Path:
    copy = Path(shutil.copytree(tiny_model(name), folder / "copy"))
    weights = load_file(copy / "model.safetensors")
    assert key in weights
    save_file({k: v for k, v in weights.items() if k != key}, copy / "model.safetensors", {"format": "pt"})
    return copy


def test_weights_that_are_tied_are_not_missing(tmp_path: Path) -> None:
    """No head in the file, since it is the embeddings; where it is not, its lack is reported, as is one in the base."""
    assert "lm_head.weight" not in load_file(tiny_model("gpt2") / "model.safetensors")
    assert isinstance(loaded("gpt2"), LanguageModel)
    with pytest.raises(ModelError) as caught:
        load_language_model(without("lm_head.weight", "llama", tmp_path / "1"), device="cpu")
    assert_one_line(caught.value, "language-model head", "LlamaForCausalLM", "lm_head.weight is missing")
    with pytest.raises(ModelError) as base:
        load_language_model(without("model.norm.weight", "llama", tmp_path / "2"), device="cpu")
    assert_one_line(base.value, "weights of", "1 missing (norm.weight")


def test_head_of_another_network() -> None:
    """What replaces the network alone would predict from the old one."""
    with pytest.raises(ModelError) as caught:
        untrained_copy(loaded("bert"), 0)
    assert_one_line(caught.value, "language model", "another network")
    model = loaded("bert")
    assert replace(model, site="mlp").whole is model.whole
