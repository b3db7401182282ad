"""All knowledge of model families: what kind a model is, how long its input may be, where its neurons are found.

Everything else in the package is generic. A family that transformers loads with `AutoModel`, that returns
`hidden_states` and has a language model there needs no entry here; any other is registered by `register_family`.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from transformers import PretrainedConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from neurosieve.errors import ModelError
from neurosieve.typing import Site

Kind = Literal["encoder", "decoder"]

# Of these every token sees the ones after it, though transformers knows a causal language model of them alone.
_TWO_WAY = {"xlnet", "cpmant"}
_POSITION_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
_TAKES_POSITION_IDS = {"gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "codegen", "llama", "mistral", "qwen2"}
_TAKES_POSITION_IDS |= {"qwen3", "gemma", "gemma2", "gemma3_text", "phi", "phi3", "starcoder2", "stablelm", "olmo2"}
# Families whose last entry of hidden_states is the output of a norm after the last block.
_FINAL_NORM = _TAKES_POSITION_IDS | {"modernbert", "roberta-prelayernorm", "opt", "bloom", "falcon", "mpt"}
_FINAL_NORM |= {"t5", "mt5", "umt5", "longt5", "switch_transformers", "mbart", "pegasus", "bigbird_pegasus", "m2m_100"}
_FINAL_NORM |= {"granite", "cohere", "mixtral", "qwen2_moe", "smollm3", "xglm", "eurobert", "esm", "megatron-bert"}
_FINAL_NORM |= {"modernbert-decoder", "gemma3", "t5gemma"}
# What a block's second feed-forward projection is called; its input is what the units give after their activation.
_FEED_FORWARD = "|".join(
    (
        r"layer\.\d+\.output\.dense",  # BERT, RoBERTa, ELECTRA, DeBERTa-v2
        r"ffn\.lin2",  # DistilBERT
        r"ffn_output",  # ALBERT, whose blocks share one
        r"mlp\.(Wo|c_proj|fc_out|dense_4h_to_h|down_proj|fc2)",  # ModernBERT, GPTs, CodeGen, NeoX, Llama …, Phi
        r"layers\.\d+\.fc2",  # OPT, BART
        r"DenseReluDense\.wo",  # T5
    )
)
# Of families that came later: a store keeps the adapter that it was read with, so the pattern above stays as it is.
_OWN_FEED_FORWARD = {"ctrl": r"h\.\d+\.ffn\.2"}
# What attention's output matrix is called; its input is what the heads give, side by side.
_ATTENTION = "|".join(
    (
        r"attention\.output\.dense",  # BERT, RoBERTa, ELECTRA, DeBERTa-v2
        r"attention\.out_lin",  # DistilBERT
        r"attn\.Wo",  # ModernBERT
        r"attn\.c_proj",  # GPT-2, StarCoder
        r"attn\.attention\.out_proj",  # GPT-Neo
        r"(self_)?attn\.out_proj",  # CodeGen, GPT-J, MPT, OPT, BART
        r"self_attn\.(o_proj|dense)",  # Llama …, Phi
        r"self_attention\.dense",  # BLOOM, Falcon
        r"SelfAttention\.o",  # T5
    )
)
# Of families whose name for it means something else in others.
_OWN_ATTENTION = {
    "albert": r"attention\.dense",
    "gpt_neox": r"attention\.dense",
    "ctrl": r"multi_head_attention\.dense",
}
# Decoders inside of a base model, which the language model passes by.
_WRAPPED = {"opt"}
# Families that record their embeddings before the first block is called: the module that gives them. Of all others the
# first block's input is what `hidden_states` begins with.
_ALIKE = ("deberta", "deberta-v2", "nystromformer", "fnet", "roformer", "ibert", "yoso", "mra", "megatron-bert")
_EMBEDDINGS = dict.fromkeys(_ALIKE, "embeddings") | dict.fromkeys(("codegen", "gptj", "gpt_neo"), "drop")
_EMBEDDINGS |= {"bloom": "word_embeddings_layernorm", "falcon": "word_embeddings", "mpt": "wte"}
_EMBEDDINGS |= {"openai-gpt": "drop", "ctrl": "dropout", "rembert": "encoder.embedding_hidden_mapping_in"}
# What is between a first block and the second, if there is such a thing.
_BEHIND_FIRST = {"deberta-v2": "encoder.conv"}
# Blocks that are called more than once each.
_SHARED_BLOCKS = {"albert": r"encoder\.albert_layer_groups\.\d+\.albert_layers\.\d+"}
# What a norm after the last block is called.
_NORM = re.compile(r"ln|ln_f|norm_f|norm|final_norm|final_layer_?norm|layer_?norm|LayerNorm|emb_layer_norm_after")
# Encoder–decoders whose decoder starts with the end token where their config does not say with what.
_STARTS_WITH_END = {"bart", "plbart", "mbart", "pegasus", "bigbird_pegasus"}


@dataclass(frozen=True)
class Adapter:
    """What has to be known of one model beyond its `hidden_states`.

    Attributes:
        family: transformers' `model_type`.
        kind: `encoder` (padded on the right always) or `decoder`.
        max_tokens: Longest input with special tokens; None where the family has no bound.
        final_norm: The last entry of `hidden_states` is after a final norm that inner entries have not passed.
        position_ids: Positions are passed explicitly, so that padding on the left changes nothing.
        feed_forward: Regular expression for the end of the names of the modules that take the feed-forward units.
        paired: One stack of an encoder–decoder, the one that `kind` says.
        start: The token that such a decoder's input starts with.
    """

    family: str
    kind: Kind
    max_tokens: int | None
    final_norm: bool
    position_ids: bool
    feed_forward: str = _FEED_FORWARD
    paired: bool = False
    start: int | None = None

    def stack(self, network: Any) -> torch.nn.Module:
        """The part of a network whose blocks are read; a forward pass calls it once, that of a language model too."""
        if self.paired:
            return cast(torch.nn.Module, network.get_encoder() if self.kind == "encoder" else network.get_decoder())
        if self.family in _WRAPPED:
            return cast(torch.nn.Module, network.decoder)
        within = self.text_config(network.config) is not network.config  # next to towers for images or sound
        return cast(torch.nn.Module, network.get_decoder() if within else network)

    def text_config(self, config: Any) -> Any:
        """The part of a config with the sizes of the stack."""
        return _text_config(config, self.kind if self.paired else None)

    @property
    def embeddings(self) -> str | None:
        """The module of a stack whose output is layer 0; None where that is the first block's input."""
        return _EMBEDDINGS.get(self.family)

    @property
    def attention(self) -> str:
        """Regular expression for the end of the names of the modules that take what the attention heads give."""
        # Not a field: a store keeps the fields that it was read with.
        known = REGISTERED.get(self.family)
        return (known and known.attention) or _OWN_ATTENTION.get(self.family, _ATTENTION)

    @property
    def behind_first(self) -> str | None:
        """A module of a stack that may follow the first block, and whose output is layer 1 then."""
        return _BEHIND_FIRST.get(self.family)

    def given_blocks(self, config: Any) -> Any:
        """The number of blocks of the stack by the config, None if it does not say."""
        keys = (f"{self.kind}_layers", f"num_{self.kind}_layers") if self.paired else ()
        given = (getattr(self.text_config(config), key, None) for key in (*keys, "num_hidden_layers"))
        return next((n for n in given if n is not None), None)

    def blocks(self, config: Any) -> int:
        """Blocks of the stack.

        Raises:
            ModelError: The config does not say.
        """
        given = self.given_blocks(config)
        if given is None:
            raise ModelError(
                f"config of the family {self.family!r}",
                expected="num_hidden_layers",
                got="none",
                remedy="let the config of the family map its own name to that (attribute_map)",
            )
        return int(given)

    def size(self, network: Any, site: Site, name: str) -> tuple[int, int]:
        """Layers and neurons of a layer at a site; of the weights only the shapes are looked at.

        Raises:
            ModelError: See `blocks` and `unit_modules`.
        """
        blocks = self.blocks(network.config)
        if site == "hidden":
            return blocks + 1, self.text_config(network.config).hidden_size
        module: Any = unit_modules(network, self, site, name)[0]
        return blocks, getattr(module, "in_features", module.weight.shape[0])  # GPT-2's is turned round


@dataclass(frozen=True)
class _Registered:
    kind: Kind
    final_norm: bool
    position_ids: bool
    feed_forward: str
    attention: str | None


REGISTERED: dict[str, _Registered] = {}


def register_family(
    family: str,
    kind: Kind,
    *,
    final_norm: bool = False,
    position_ids: bool = False,
    feed_forward: str | None = None,
    attention: str | None = None,
) -> None:
    r"""Tell of a family that is not known, or differently of one that is.

    Its models must load with `AutoModel` and return `hidden_states`, embeddings first;
    `neurosieve.testing.check_family` tries one.

    Examples:
        >>> ns.register_family("my-family", "encoder", feed_forward=r"mlp\.down")

    Args:
        family: `model_type` in its config.
        kind: Whether a token sees the ones after it (encoder) or not.
        final_norm: The last hidden state is after a norm that inner ones have not passed.
        position_ids: A decoder that takes `position_ids`; without them it must not be padded on the left.
        feed_forward: End of the names of each block's second feed-forward projection; for the site `mlp` alone.
        attention: End of the names of each block's output matrix of self-attention; for the site `attention` alone.
    """
    REGISTERED[family] = _Registered(kind, final_norm, position_ids, feed_forward or _FEED_FORWARD, attention)


def adapter_for(config: PretrainedConfig, name: str, stack: Kind | None = None) -> Adapter:
    """The adapter of a model by its config.

    Args:
        config: Of the model.
        name: For the messages.
        stack: Which half of an encoder–decoder; the encoder by default.

    Raises:
        ModelError: No family that is known or registered; a stack that the model has not.
    """
    family = config.model_type
    alone = family in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or family in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    pairs = family in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
    paired = (pairs or not alone) if config.is_encoder_decoder else (pairs and not alone)  # else T5's encoder alone
    kind = (stack or "encoder") if paired else _kind(config, name)
    if stack not in (None, kind):
        raise ModelError(
            f"model {name}",
            expected=f"an encoder–decoder, as --stack {stack} asks for a half of one",
            got=f"the {kind} family {family!r}",
            remedy="leave --stack out",
        )
    known = REGISTERED.get(family)
    return Adapter(
        family=family,
        kind=kind,
        max_tokens=_max_tokens(_text_config(config, kind if paired else None), one_less=paired and kind == "decoder"),
        final_norm=known.final_norm if known else family in _FINAL_NORM,
        position_ids=kind == "decoder"
        and not paired
        and (known.position_ids if known else family in _TAKES_POSITION_IDS),
        feed_forward=known.feed_forward if known else _OWN_FEED_FORWARD.get(family, _FEED_FORWARD),
        paired=paired,
        start=_start(config) if paired and kind == "decoder" else None,
    )


def _kind(config: PretrainedConfig, name: str) -> Kind:
    family = config.model_type
    if family in REGISTERED:
        return REGISTERED[family].kind
    causal, masked = family in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, family in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if not causal and not masked and family not in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        raise ModelError(
            f"model {name}",
            expected="a family with a masked, causal or sequence-to-sequence language model in transformers, or one"
            f" that was registered ({', '.join(sorted(REGISTERED)) or 'none was'})",
            got=f"family {family!r}",
            remedy=f"for a text model of its own call neurosieve.register_family({family!r}, kind='encoder') first;"
            " otherwise choose another model",
        )
    if family in _TWO_WAY or _sees_all(_text_config(config, None)):
        return "encoder"
    masked = masked or family == "bert-generation"  # BERT's blocks, whose attention is causal on demand
    causal = any(bool(getattr(config, key, False)) for key in ("is_decoder", "causal"))  # XLM calls it so
    return "decoder" if causal or not masked else "encoder"


def _sees_all(config: Any) -> bool:
    """Whether a config takes the causal mask away; families say so in one of two ways."""
    two_way = getattr(config, "use_bidirectional_attention", None)  # of pictures alone: "vision"
    return getattr(config, "is_causal", None) is False or two_way is True or two_way == "all"


def _text_config(config: Any, half: Kind | None) -> Any:
    """The part of a config with the sizes of its text model, or of one half of an encoder–decoder."""
    part = getattr(config, half, None) if half else config
    if not isinstance(part, PretrainedConfig):
        return config
    try:
        return part.get_text_config()
    except ValueError as e:
        raise ModelError(
            f"config of the family {config.model_type!r}",
            expected="one text model",
            got="several",
            remedy="choose another model",
        ) from e


def _start(config: PretrainedConfig) -> int:
    """The token before a decoder's text: as the config says, else as the family has it."""
    part = _text_config(config, "decoder")
    begin = "eos_token_id" if config.model_type in _STARTS_WITH_END else "pad_token_id"
    own = (
        getattr(config, "decoder_start_token_id", None),
        getattr(part, "bos_token_id" if part is not config else begin),
    )
    return next((int(token) for token in own if isinstance(token, int)), 0)


def _max_tokens(config: Any, *, one_less: bool) -> int | None:
    for key in _POSITION_KEYS:
        value = getattr(config, key, None)
        if isinstance(value, int) and value > 0:
            return value - one_less
    return None


def unit_modules(network: Any, adapter: Adapter, site: Site, name: str) -> list[torch.nn.Module]:
    """The modules whose inputs are a block's feed-forward units or its attention heads, in the order of the blocks.

    At the site `mlp` they are the second feed-forward projections, at `attention` the output matrices.

    Raises:
        ModelError: None is found, or in some of the blocks only.
    """
    ending, what = (adapter.feed_forward, "feed-forward units") if site == "mlp" else (adapter.attention, "heads")
    option = "feed_forward" if site == "mlp" else "attention"
    pattern = re.compile(rf"(^|\.)({ending})$")
    named = adapter.stack(network).named_modules()
    modules = [m for path, m in named if pattern.search(path) and (site != "mlp" or ".attention." not in path)]
    blocks = adapter.given_blocks(network.config)
    if not modules:
        raise ModelError(
            f"{what} of {name}",
            expected=f"modules whose names end in {ending}",
            got=f"none in the family {adapter.family!r}",
            remedy=f"name them with neurosieve.register_family(…, {option}=…), or read --site hidden",
        )
    if blocks not in (None, len(modules)) and adapter.family not in _SHARED_BLOCKS:
        few = "blocks of experts have none" if site == "mlp" else "blocks without attention have none"
        raise ModelError(
            f"{what} of {name}",
            expected=f"those of all {blocks} blocks",
            got=f"those of {len(modules)}; {few}",
            remedy="read --site hidden",
        )
    return modules


def block_modules(stack: torch.nn.Module, adapter: Adapter, blocks: int, name: str) -> list[torch.nn.Module]:
    """The blocks of a stack, in the order of their calls.

    They are the members of the one outermost `ModuleList` that has as many, or what the family shares between them.

    Raises:
        ModelError: No such list, or several.
    """
    if shared := _SHARED_BLOCKS.get(adapter.family):
        return spread([m for path, m in stack.named_modules() if re.fullmatch(shared, path)], blocks)
    lists = {f"{path}.": m for path, m in stack.named_modules() if isinstance(m, torch.nn.ModuleList)}
    outer = {path: m for path, m in lists.items() if not any(path.startswith(o) for o in lists if o != path)}
    found = [list(m) for m in outer.values() if len(m) == blocks]
    if len(found) != 1:
        raise ModelError(
            f"blocks of {name}",
            expected=f"one list of {blocks} modules in the network",
            got=f"{len(found)} in the family {adapter.family!r}",
            remedy="edit the site mlp, or choose another model",
        )
    return found[0]


def spread(modules: list[torch.nn.Module], blocks: int) -> list[torch.nn.Module]:
    """One module a block; fewer modules than blocks are shared by as many neighbours each."""
    return [modules[i * len(modules) // blocks] for i in range(blocks)]


def final_norm(stack: torch.nn.Module, block: torch.nn.Module) -> torch.nn.Module | None:
    """The norm after the last block, by its name and because it is next to the blocks or directly in the stack.

    The network itself is asked and not `Adapter.final_norm`: some of OPT's sizes have none.
    """
    holders = [stack] + [
        m for m in stack.modules() for part in m.children() if any(b is block for b in part.children())
    ]
    norms = [m for holder in holders for key, m in holder.named_children() if _NORM.fullmatch(key)]
    return norms[0] if norms else None
