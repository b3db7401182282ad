"""All knowledge of model families: what kind a model is, how long its input may be, what to ask of `transformers`.

Everything else in the package is generic. A family that transformers loads with `AutoModel` and that returns
`hidden_states` needs no entry here.
"""

from dataclasses import dataclass
from typing import Literal

from transformers import PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

from neurosieve.errors import ModelError

Kind = Literal["encoder", "decoder"]

# Position ids of these start behind the pad id, so that many positions are not usable.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "roberta-prelayernorm"}
_OFFSET_POSITIONS |= {"data2vec-text", "mpnet", "xmod"}
_POSITION_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
_TAKES_POSITION_IDS = {"gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "codegen", "llama", "mistral", "qwen2"}
_TAKES_POSITION_IDS |= {"qwen3", "gemma", "gemma2", "gemma3_text", "phi", "phi3", "starcoder2", "stablelm", "olmo2"}
# Families whose last entry of hidden_states is the output of a norm behind the last block.
_FINAL_NORM = _TAKES_POSITION_IDS | {"modernbert", "roberta-prelayernorm", "opt", "bloom", "falcon", "mpt"}


@dataclass(frozen=True)
class Adapter:
    """What has to be known of one model beyond its `hidden_states`.

    Attributes:
        family: transformers' `model_type`.
        kind: `encoder` (padded on the right always) or `decoder`.
        max_tokens: Longest input with special tokens; None where the family has no bound.
        final_norm: The last entry of `hidden_states` is behind a final norm that inner entries have not passed.
        position_ids: Positions are passed explicitly, so that padding on the left changes nothing.
    """

    family: str
    kind: Kind
    max_tokens: int | None
    final_norm: bool
    position_ids: bool


def adapter_for(config: PretrainedConfig, name: str) -> Adapter:
    """The adapter of a model by its config.

    Raises:
        ModelError: An encoder–decoder, or no text model at all.
    """
    family = config.model_type
    if config.is_encoder_decoder:
        raise ModelError(
            f"model {name}",
            expected="an encoder or a decoder",
            got=f"the encoder–decoder family {family!r}",
            remedy="choose an encoder or a decoder",
        )
    causal, masked = family in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, family in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if not causal and not masked:
        raise ModelError(
            f"model {name}",
            expected="a text encoder or decoder (a family with a masked or causal language model in transformers)",
            got=f"family {family!r}",
            remedy="choose another model",
        )
    decoder = bool(getattr(config, "is_decoder", False)) or (causal and not masked)
    return Adapter(
        family=family,
        kind="decoder" if decoder else "encoder",
        max_tokens=_max_tokens(config),
        final_norm=family in _FINAL_NORM,
        position_ids=decoder and family in _TAKES_POSITION_IDS,
    )


def _max_tokens(config: PretrainedConfig) -> int | None:
    for key in _POSITION_KEYS:
        value = getattr(config, key, None)
        if isinstance(value, int) and value > 0:
            offset = (config.pad_token_id or 0) + 1 if config.model_type in _OFFSET_POSITIONS else 0
            return value - offset
    return None
