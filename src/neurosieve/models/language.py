"""A code model with its language-model head: what it predicts at chosen positions."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from neurosieve.errors import DataError, ModelError
from neurosieve.models.adapters import Kind
from neurosieve.models.code_model import CodeModel
from neurosieve.models.loading import ModelInfo, absolute, inspect_model, lacking, read_network, ready, resolve_device
from neurosieve.models.weights import check_all_there, split_keys
from neurosieve.typing import PathLike, Precision, Site

# Where the embeddings are the head too, no weight of one is missing from a checkpoint that was trained without it.
_CLASSIFIERS = ("ForSequenceClassification", "ForTokenClassification")


@dataclass(frozen=True)
class LanguageModel(CodeModel):
    """A network ready to read code and to predict it. What is edited in its layers changes its predictions.

    Attributes:
        whole: The network with its head; `network` is its base model, or the same where the family has none apart.
    """

    whole: torch.nn.Module = field(kw_only=True)

    def __post_init__(self) -> None:
        if _base(self.whole) is not self.network:
            raise ModelError(
                f"language model {self.name}",
                expected="a head of the same network",
                got="another network",
                remedy="load it with load_language_model, or take the network alone",
            )

    @torch.inference_mode()
    def predict(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        mask: Int[Tensor, "batch tokens"],
        positions: Int[Tensor, "rows 2"],
    ) -> Float[Tensor, "rows vocabulary"]:
        """Logits at some positions of padded texts, in float32 on the model's device.

        Of an encoder they predict the token there (the caller masks it), of a decoder the next one. Only those
        positions come to the head, which for a large vocabulary costs more than the blocks: the last hidden states are
        taken apart where they leave the stack.

        Args:
            input_ids: As for `states`.
            mask: As for `states`.
            positions: (text, token) of each row, tokens counted in the padded text.

        Raises:
            DataError: A position outside of the texts.
            ModelError: A family whose head does not follow its stack.
        """
        inside = (positions >= 0) & (positions < torch.tensor(input_ids.shape))
        if not bool(inside.all()):
            raise DataError(
                "positions to predict",
                expected=f"(text, token) within {list(input_ids.shape)}",
                got="some outside",
                remedy="count tokens in the padded texts",
            )
        calls = 0
        text, token = (positions + torch.tensor([0, int(self.adapter.start is not None)])).to(self.device).T

        def only_chosen(_: torch.nn.Module, __: Any, output: Any) -> Any:
            nonlocal calls
            calls += 1
            output.last_hidden_state = output.last_hidden_state[text, token][None]
            return output

        hook = self.stack.register_forward_hook(only_chosen)
        try:
            logits: Tensor = self.whole(**self.inputs(input_ids, mask)).logits
        finally:
            hook.remove()
        if calls != 1:
            raise ModelError(
                f"language model {self.name}",
                expected="one call of the stack whose states it predicts from",
                got=f"{calls} in the family {self.adapter.family!r}",
                remedy="choose another model",
            )
        return logits[0].float()


def load_language_model(
    name: PathLike,
    *,
    device: str = "auto",
    precision: Precision = "float32",
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    max_tokens: int | None = None,
    stack: Kind | None = None,
    site: Site = "hidden",
) -> LanguageModel:
    """Load a model together with its language-model head: masked for encoders, causal for decoders.

    Args:
        name: As in `load_model`, and so are all others; of an encoder–decoder the stack must be `decoder`.
        device: See `load_model`.
        precision: See `load_model`.
        trust_remote_code: See `load_model`.
        allow_pickle: See `load_model`.
        max_tokens: See `load_model`.
        stack: See `load_model`.
        site: See `load_model`.

    Raises:
        ModelError: As `load_model`; the checkpoint has no weights of a head, or the stack has none.
        ConfigError: No such device.
    """
    info = inspect_model(name, trust_remote_code=trust_remote_code, max_tokens=max_tokens, stack=stack)
    auto, where = _auto(info), resolve_device(device)
    network, missing, notes = read_network(
        info, auto, precision=precision, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle
    )
    body, head = split_keys(network, missing)
    check_all_there(info.name, lacking(info, body))
    if head:
        raise _no_head(info.name, f"the weights of {type(network).__name__}", f"none ({head[0]} is missing)")
    again = partial(load_language_model, absolute(name), device=device, precision=precision, max_tokens=max_tokens)
    again = partial(again, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle, stack=stack, site=site)
    whole = network.eval().to(where)
    model = ready(LanguageModel, info, _base(network), where, site, notes, whole=whole, source=again)
    if model.adapter.kind != info.adapter.kind:
        raise _no_head(info.name, f"a {info.adapter.kind}, as its head is of one", "a network that sees later tokens")
    return model


def _base(network: Any) -> torch.nn.Module:
    base: torch.nn.Module = network.base_model
    return base


def _auto(info: ModelInfo) -> Any:
    """The auto class of the model's kind."""
    if info.adapter.paired and info.adapter.kind == "encoder":
        raise _no_head(
            info.name, "a stack that predicts tokens", "the encoder of an encoder–decoder", "--stack decoder"
        )
    if made := next((name for name in info.config.architectures or () if name.endswith(_CLASSIFIERS)), None):
        raise _no_head(info.name, "the checkpoint of a language model", made)
    auto: Any = AutoModelForMaskedLM if info.adapter.kind == "encoder" else AutoModelForCausalLM
    if info.adapter.paired:
        auto = AutoModelForSeq2SeqLM
    own_code = auto.__name__ in (getattr(info.config, "auto_map", None) or {})
    if not own_code and type(info.config) not in auto._model_mapping:
        raise _no_head(
            info.name, f"a family that {auto.__name__} knows", f"the {info.adapter.kind} {info.adapter.family!r}"
        )
    return auto


def _no_head(name: str, expected: str, got: str, remedy: str = "") -> ModelError:
    remedy = f"choose {remedy}" if remedy else "choose the checkpoint it was made from, or --no-predictions"
    return ModelError(f"language-model head of {name}", expected=expected, got=got, remedy=remedy)
