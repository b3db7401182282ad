"""Families that the grid has not: which way attention looks, what a state belongs to, positions, sizes, weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from neurosieve.errors import ModelError
from neurosieve.models import CodeModel, adapters, check_places, inspect_model, load_language_model, load_model
from tests.tiny import (
    BLOCKS,
    POSITIONS,
    UNITS,
    WIDTH,
    assert_one_line,
    quiet_transformers,
    tiny_loaded,
    tiny_model,
    tiny_tokenizer,
)

_UNTYPED: Any = transformers
_SIZES: dict[str, Any] = {"hidden_size": WIDTH, "num_hidden_layers": BLOCKS, "num_attention_heads": 2}
_SIZES |= {"intermediate_size": UNITS, "max_position_embeddings": POSITIONS, "vocab_size": 320, "pad_token_id": 1}
_GEMMA = _SIZES | {"num_key_value_heads": 1, "head_dim": 8}
_BART: dict[str, Any] = {"vocab_size": 320, "d_model": WIDTH, "max_position_embeddings": POSITIONS, "pad_token_id": 1}
_BART |= {f"{half}_layers": BLOCKS for half in ("encoder", "decoder")}
_BART |= {f"{half}_attention_heads": 2 for half in ("encoder", "decoder")}
_BART |= {f"{half}_ffn_dim": UNITS for half in ("encoder", "decoder")}
_BART |= {"decoder_start_token_id": 1}


def written(folder: Path, family: str, head: str = "", /, **config: Any) -> Path:
    """A random model of a family."""
    torch.manual_seed(3)
    with quiet_transformers():
        made = _UNTYPED.CONFIG_MAPPING[family](**config)
        network = getattr(_UNTYPED, f"AutoModel{head}").from_config(made)
        for name, parameter in network.named_parameters():
            if "embed_positions" not in name:  # in some families they are computed
                parameter.data += 0.1 * torch.randn_like(parameter)
        network.save_pretrained(folder)
        tiny_tokenizer("bytes").save_pretrained(folder)
    return folder


def moved(model: CodeModel) -> bool:
    one, other = (model.plain_states(torch.tensor([[5, 6, 7, last]])) for last in (8, 9))
    return not all(torch.equal(a[:, :3], b[:, :3]) for a, b in zip(one, other, strict=True))


TWO_WAY: dict[str, tuple[str, dict[str, Any]]] = {
    "Gemma 3": ("gemma3_text", _GEMMA | {"use_bidirectional_attention": True}),
    "XLNet": ("xlnet", {"d_model": WIDTH, "n_layer": BLOCKS, "n_head": 2, "d_inner": UNITS, "vocab_size": 320}),
    "BertGeneration": ("bert-generation", _SIZES),
    "Llama": ("llama", _GEMMA | {"is_causal": False}),
    "Qwen 2": ("qwen2", _GEMMA | {"is_causal": False}),
}


@pytest.mark.parametrize("case", TWO_WAY)
def test_what_sees_later_tokens_is_an_encoder(case: str, tmp_path: Path) -> None:
    """By the config, so that a plan knows it too, and nothing has to be said."""
    folder = written(tmp_path, TWO_WAY[case][0], **TWO_WAY[case][1])
    assert inspect_model(folder).adapter.kind == "encoder"
    model = load_model(folder, device="cpu")
    assert (model.adapter.kind, moved(model)) == ("encoder", True)
    assert not any("later tokens" in note for note in model.notes)
    with pytest.raises(ModelError) as caught:
        load_language_model(folder, device="cpu")
    assert_one_line(caught.value, f"language-model head of {folder}")


_XLM: dict[str, Any] = {"emb_dim": WIDTH, "n_layers": BLOCKS, "n_heads": 2, "vocab_size": 320, "causal": True}
ONE_WAY: dict[str, dict[str, Any]] = {
    "gemma3_text": _GEMMA,
    "bert-generation": _SIZES | {"is_decoder": True},
    "xlm": _XLM,
}


@pytest.mark.parametrize("case", ONE_WAY)
def test_causal_ones_of_the_same_families(case: str, tmp_path: Path) -> None:
    model = load_model(written(tmp_path, case, **ONE_WAY[case]), device="cpu")
    assert (model.adapter.kind, moved(model)) == ("decoder", False)


@pytest.mark.parametrize("case", TWO_WAY)
def test_attention_is_measured(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing says it, or it is said wrongly, a first call shows it."""
    folder = written(tmp_path, TWO_WAY[case][0], **TWO_WAY[case][1])
    monkeypatch.setattr(adapters, "_kind", lambda *_: "decoder")
    model = load_model(folder, device="cpu")
    assert (model.adapter.kind, model.padding_side, model.adapter.position_ids) == ("encoder", "right", False)
    assert sum("later tokens" in note for note in model.notes) == 1


_FUNNEL: dict[str, Any] = {
    "d_model": WIDTH,
    "n_head": 2,
    "d_head": 8,
    "d_inner": UNITS,
    "block_sizes": [1, 1, 1],
    "vocab_size": 320,
}


def test_states_that_belong_to_no_token(tmp_path: Path) -> None:
    """Whatever is read of them, and in whatever batch."""
    with pytest.raises(ModelError) as caught:
        load_model(
            written(tmp_path, "funnel", num_decoder_layers=1, architectures=["FunnelModel"], **_FUNNEL), device="cpu"
        )
    assert_one_line(caught.value, f"states of {tmp_path}", "'funnel' do not belong to tokens")


def test_network_that_reads_no_tokens(tmp_path: Path) -> None:
    sizes: dict[str, Any] = {
        "d_model": WIDTH,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "vocab_size": 320,
        "encoder_ffn_dim": UNITS,
    }
    heads: dict[str, Any] = {
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "decoder_ffn_dim": UNITS,
        "pad_token_id": 1,
    }
    heads |= {"bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 0, "suppress_tokens": None}
    with pytest.raises(ModelError) as caught:
        load_model(written(tmp_path, "whisper", begin_suppress_tokens=None, **sizes, **heads), device="cpu")
    assert_one_line(caught.value, f"network of {tmp_path}", "hidden states for token ids", "'whisper'")


@pytest.mark.parametrize("family", ["ibert", "esm", "luke", "roberta", "mpnet", "camembert", "xlm-roberta"])
def test_positions_behind_the_pad_token(family: str, tmp_path: Path) -> None:
    """So many rows, less the pad token's number and one; a text of that length is read."""
    more: dict[str, Any] = {"entity_vocab_size": 10, "entity_emb_size": 8} if family == "luke" else {}
    folder = written(tmp_path, family, **_SIZES, **more)
    assert inspect_model(folder).max_tokens == POSITIONS - 2
    model = load_model(folder, device="cpu")
    assert model.plain_states(torch.full((1, POSITIONS - 2), 7))[0].shape[1] == POSITIONS - 2
    with pytest.raises((IndexError, RuntimeError), match="index"):
        model.plain_states(torch.full((1, POSITIONS - 1), 7))


@pytest.mark.parametrize(("stack", "longest"), [("encoder", POSITIONS), ("decoder", 29)])
def test_positions_that_no_known_key_tells(stack: Any, longest: int, tmp_path: Path) -> None:
    """LED names a length for each half; the start token takes one of the decoder's."""
    sizes = {k: v for k, v in _BART.items() if k != "max_position_embeddings"} | {"attention_window": 4}
    tables = {"max_encoder_position_embeddings": POSITIONS, "max_decoder_position_embeddings": 30}
    assert inspect_model(written(tmp_path, "led", **sizes, **tables), stack=stack).max_tokens == longest


@pytest.mark.parametrize("family", ["marian", "pegasus"])
@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_positions_that_are_computed(family: str, stack: Any, tmp_path: Path) -> None:
    """They may be missing, as transformers leaves them out or older versions did: the states are the same."""
    folder = written(tmp_path / "model", family, "ForSeq2SeqLM", **_BART)
    ids = torch.tensor([[5, 6, 7]])
    expected = load_model(folder, device="cpu", stack=stack).plain_states(ids)
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "embed_positions" not in key}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    model = load_model(folder, device="cpu", stack=stack)
    assert all(map(torch.equal, model.plain_states(ids), expected))
    assert all(float(state.std()) > 0 for state in expected)
    assert not any("not used" in note for note in model.notes)


def test_positions_that_are_trained(tmp_path: Path) -> None:
    folder = written(tmp_path / "model", "bart", "ForSeq2SeqLM", **_BART)
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "embed_positions" not in key}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, "missing", "embed_positions")


def with_weights(folder: Path, *names: str) -> Path:
    """The tiny RoBERTa with more weights in its file."""
    shutil.copytree(tiny_model("roberta"), folder)
    weights = load_file(folder / "model.safetensors") | {name: torch.zeros(2, 2) for name in names}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "attention.self.query.lora_A.weight",
        "attention.self.query.lora_B",
        "attention.self.query.base_layer.weight",
        "output.adapters.task.adapter_down.0.weight",
        "output.adapter.down_project.weight",
        "intermediate.dense.ia3_l",
    ],
)
def test_weights_of_an_adapter(name: str, tmp_path: Path) -> None:
    folder = with_weights(tmp_path / "model", f"roberta.encoder.layer.0.{name}")
    for load in (load_model, load_language_model):
        with pytest.raises(ModelError) as caught:
            load(folder, device="cpu")
        assert_one_line(caught.value, f"weights of {folder}", "adapter", name, "merge")


def test_weights_without_a_place(tmp_path: Path) -> None:
    """Blocks that the config lacks are reported, once."""
    name = f"roberta.encoder.layer.{BLOCKS}.output.dense.weight"
    model = load_model(with_weights(tmp_path / "model", name, name + "x"), device="cpu")
    assert [note for note in model.notes if "not used" in note] == [model.notes[-1]]
    assert "2 weights" in model.notes[-1]
    assert name in model.notes[-1]


@pytest.mark.parametrize(
    "name",
    ["cls.seq_relationship.weight", "classifier.weight", "roberta.embeddings.position_ids", "score.weight", "adapt.w"],
)
def test_weights_that_are_of_no_matter(name: str, tmp_path: Path) -> None:
    assert load_model(with_weights(tmp_path / "model", name), device="cpu").notes == tiny_loaded("roberta").notes


_PART = _GEMMA | {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8}
PARTS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "gemma3": (
        "gemma3",
        None,
        {
            "text_config": _PART,
            "vision_config": _SIZES | {"image_size": 28, "patch_size": 14},
            "mm_tokens_per_image": 4,
            "image_token_index": 300,
        },
    ),
    "t5gemma encoder": ("t5gemma", "encoder", {"encoder": _PART, "decoder": _PART, "vocab_size": 320}),
    "t5gemma decoder": ("t5gemma", "decoder", {"encoder": _PART, "decoder": _PART, "vocab_size": 320}),
}


@pytest.mark.parametrize("site", ["hidden", "mlp"])
@pytest.mark.parametrize("case", PARTS)
def test_sizes_in_a_part_of_the_config(case: str, site: Any, tmp_path: Path) -> None:
    """What is known before the weights are read is what is read, and what is edited."""
    family, stack, config = PARTS[case]
    folder = written(tmp_path, family, **config)
    info = inspect_model(folder, stack=stack)
    told = info.adapter.size(info.blank, site, "it")
    model = load_model(folder, device="cpu", stack=stack, site=site)
    states = model.plain_states(torch.tensor([[5, 6, 7]]))
    assert told == (len(states), states[0].shape[-1]) == ((BLOCKS + 1, WIDTH) if site == "hidden" else (BLOCKS, UNITS))
    assert info.max_tokens == POSITIONS - (stack == "decoder")
    check_places(model, site)


EXPERTS: dict[str, dict[str, Any]] = {
    "qwen2_moe": {"mlp_only_layers": [0], "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 8},
    "glm4_moe": {"first_k_dense_replace": 1, "n_routed_experts": 2, "num_experts_per_tok": 1, "n_group": 1},
    "mixtral": {"num_local_experts": 2},
}


@pytest.mark.parametrize("family", EXPERTS)
def test_blocks_of_experts_have_no_units(family: str, tmp_path: Path) -> None:
    """Some blocks or all: the site is refused, before weights are read and after."""
    folder = written(tmp_path, family, **_GEMMA, **EXPERTS[family])
    info = inspect_model(folder)
    with pytest.raises(ModelError) as told:
        info.adapter.size(info.blank, "mlp", str(folder))
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu", site="mlp")
    assert str(told.value) == str(caught.value)
    assert_one_line(caught.value, f"feed-forward units of {folder}", "--site hidden")
    assert ("blocks of experts" in str(caught.value)) == (family != "mixtral")
    assert len(load_model(folder, device="cpu").plain_states(torch.tensor([[5, 6]]))) == BLOCKS + 1


def test_token_ids_behind_the_embeddings(tmp_path: Path) -> None:
    """A tokenizer of another model: one line where such a token comes, and no word where none does."""
    model = load_model(written(tmp_path, "bert", **_SIZES | {"vocab_size": 50}), device="cpu")
    assert model.plain_states(torch.tensor([[49]]))[0].shape == (1, 1, WIDTH)
    with pytest.raises(ModelError) as caught:
        model.plain_states(torch.tensor([[3, 50]]))
    assert_one_line(caught.value, f"tokenizer of {tmp_path}", "below 50", "got 50", "belongs to the weights")


def test_a_decoder_alone_is_none_of_two_halves(tmp_path: Path) -> None:
    """Whatever its config says."""
    folder = Path(shutil.copytree(tiny_model("gpt2"), tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text()) | {"is_encoder_decoder": True}
    (folder / "config.json").write_text(json.dumps(config))
    model = load_model(folder, device="cpu")
    assert (model.adapter.kind, model.adapter.paired) == ("decoder", False)
