"""Places in the running network: they hold what the states say; what is found otherwise is refused in one line."""

import hashlib
import re
from typing import Any

import pytest
import torch
import transformers

from neurosieve.errors import ModelError, SelfCheckError
from neurosieve.interventions import Scale, live
from neurosieve.models import CodeModel, acting, adapter_for, adapters, check_places, find_places, load_model
from neurosieve.typing import Site
from tests.tiny import (
    BLOCKS,
    NAMES,
    POSITIONS,
    UNITS,
    WIDTH,
    assert_one_line,
    family,
    tiny_loaded,
    tiny_model,
    tiny_tokenizer,
)

SITES: tuple[Site, ...] = ("hidden", "mlp", "attention")
_UNTYPED: Any = transformers
# Shapes that the grid of families has not: where a first block is followed by more, blocks that are shared by groups,
# no final norm in a family that has one, and norms of other names.
ODD: dict[str, tuple[str, dict[str, Any]]] = {
    "convolution": ("deberta-v2", {"conv_kernel_size": 3, "conv_act": "gelu"}),
    "groups": ("albert", {"num_hidden_groups": 2, "num_hidden_layers": 4, "embedding_size": WIDTH}),
    "no norm": ("opt", {"ffn_dim": UNITS, "word_embed_proj_dim": WIDTH, "do_layer_norm_before": False}),
    "norm in the encoder": ("megatron-bert", {}),
    "two norms": ("mbart", dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), UNITS)),
    "embeddings alone": ("gptj", {"rotary_dim": 4}),
    "a norm of embeddings": ("bloom", {}),
    # Families that note embeddings before the first block is called, or whose blocks give lists (GPT-1).
    "lists": ("openai-gpt", {}),
    "a norm of another name": ("ctrl", {"dff": UNITS}),
    "embeddings mapped": ("rembert", {}),
    **{f"{name} notes first": (name, {}) for name in ("nystromformer", "fnet", "roformer", "ibert", "yoso", "mra")},
}
REFUSED = {"layers that start otherwise": ("squeezebert", {"embedding_size": WIDTH}), "no blocks": ("xlm", {})}


def built(kind: str, more: dict[str, Any]) -> CodeModel:
    """A random network of a family, without weights on disk or a tokenizer."""
    sizes = {"hidden_size": WIDTH, "num_hidden_layers": BLOCKS, "num_attention_heads": 2, "intermediate_size": UNITS}
    sizes |= {"max_position_embeddings": POSITIONS, "vocab_size": 60, "pad_token_id": 1}
    names: dict[str, str] = getattr(_UNTYPED.CONFIG_MAPPING[kind], "attribute_map", {})
    sizes = {names.get(key, key): value for key, value in sizes.items()} | more
    if kind == "mbart":
        sizes |= {f"{half}_{part}": BLOCKS for half in ("encoder", "decoder") for part in ("layers", "attention_heads")}
    config = _UNTYPED.CONFIG_MAPPING[kind](**sizes)
    torch.manual_seed(3)
    network = _UNTYPED.AutoModel.from_config(config).eval()
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    adapter, tokenizer = adapter_for(config, kind), tiny_tokenizer("bytes")
    return CodeModel(kind, None, network, tokenizer, adapter, torch.device("cpu"), POSITIONS)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("name", NAMES)
def test_places_hold_the_states(name: str, site: Site) -> None:
    model = tiny_loaded(name)
    check_places(model, site)
    places = find_places(model, site)
    assert len(places) == BLOCKS + (site == "hidden")
    assert len({(place.module, place.side, place.call) for place in places}) == len(places)


@pytest.mark.parametrize("name", NAMES)
def test_final_norm_is_where_the_adapter_says(name: str) -> None:
    """Two sources, the list of families and the network's own parts."""
    model = tiny_loaded(name)
    last = adapters.block_modules(model.stack, model.adapter, BLOCKS, name)[-1]
    assert (adapters.final_norm(model.stack, last) is not None) == model.adapter.final_norm


@pytest.mark.parametrize("case", ODD)
def test_odd_shapes(case: str) -> None:
    """Edits show in the layer itself and in all that follow, and in none before."""
    model, ids = built(*ODD[case]), torch.tensor([[5, 6, 7, 8]])
    check_places(model, "hidden")
    plain = model.plain_states(ids)
    for layer, state in enumerate(plain):
        with live(model, [Scale(layer, (1, 2), -2.0)]):
            came = model.plain_states(ids)
        expected = state.clone()
        expected[..., [1, 2]] *= -2
        assert torch.equal(came[layer], expected)
        assert [torch.equal(a, b) for a, b in zip(came, plain, strict=True)] == [k < layer for k in range(len(plain))]
    assert case == "no norm" or (find_places(model, "hidden")[-1].module is not None)


def test_adapters_of_known_families_stay_as_stores_have_them() -> None:
    """A store is refused where the adapter that it was read with says otherwise: none of these may change."""
    adapter = adapter_for(_UNTYPED.BertConfig(), "bert")
    assert hashlib.sha256(adapter.feed_forward.encode()).hexdigest()[:16] == "a8c13065816c0df1"


def test_units_of_a_family_with_a_pattern_of_its_own() -> None:
    for site in SITES:
        check_places(built("ctrl", {"dff": UNITS}), site)


@pytest.mark.parametrize("case", REFUSED)
def test_shapes_that_are_not_known(case: str) -> None:
    """Refused before anything is edited, also where a list of blocks is found."""
    model = built(*REFUSED[case])
    with pytest.raises((ModelError, SelfCheckError)) as caught:
        check_places(model, "hidden")
    assert_one_line(caught.value, model.name)


def test_states_that_are_noted_before_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first block's input is changed, and the states say what it was."""
    monkeypatch.setattr(adapters, "_EMBEDDINGS", {})
    with pytest.raises(SelfCheckError) as caught:
        check_places(built("openai-gpt", {}), "hidden")
    assert_one_line(caught.value, "layer 0", "got others")


def test_a_wrong_place_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A norm that is overlooked."""
    monkeypatch.setattr(adapters, "_NORM", re.compile("no such norm"))
    for name in ("gpt2", "llama", "t5:decoder"):
        with pytest.raises(SelfCheckError) as caught:
            check_places(tiny_loaded(name), "hidden")
        assert_one_line(caught.value, f"layer {BLOCKS}", "got others", repr(family(name).type))


def test_units_that_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "REGISTERED", {})
    adapters.register_family("gpt2", "decoder", feed_forward="none")
    model = load_model(tiny_model("gpt2"), device="cpu")
    check_places(model, "hidden")
    with pytest.raises(ModelError, match="feed-forward units"):
        find_places(model, "mlp")


def test_a_family_without_heads() -> None:
    """It mixes tokens by a Fourier transform: its other sites are read."""
    model = built("fnet", {})
    with pytest.raises(ModelError) as caught:
        find_places(model, "attention")
    assert_one_line(caught.value, "heads of fnet", "attention=", "--site hidden")
    assert len(find_places(model, "mlp")) == BLOCKS


def test_acts_within_each_other() -> None:
    """At inputs as at outputs the outer one comes first, and each is called once in a pass."""
    model = tiny_loaded("bert")
    ids = torch.tensor([[5, 6, 7]])
    plain = model.plain_states(ids)
    for layer in (0, 1):
        place = find_places(model, "hidden")[layer]
        with acting(model, [(place, lambda x: x + 1)]), acting(model, [(place, lambda x: x * 3)]):
            inner = model.plain_states(ids)[layer]
        assert torch.equal(inner, (plain[layer] + 1) * 3)
    assert all(torch.equal(a, b) for a, b in zip(plain, model.plain_states(ids), strict=True))
