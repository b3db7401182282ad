"""Form `standard`: the first blocks and a head as an ordinary transformers folder for tokens or sequences.

A family's head may have layers of its own before its last, linear one. These are set to let values through: a square
layer to a small multiple of the identity, around a point where its activation is nearly linear. The last layer is then
fitted to what comes in, by the same convex solver as all probes, so that what a head cannot let through costs what it
costs, and is measured.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer

from neurosieve.compact.compact_spec import CompactSpec, damaged
from neurosieve.compact.linear_head import Head
from neurosieve.errors import ModelError
from neurosieve.models.adapters import adapter_for
from neurosieve.models.code_model import CodeModel
from neurosieve.models.loading import quiet
from neurosieve.typing import PathLike

_REACH = 0.05  # of the largest value seen, behind a square layer: so far from the point that it is set around
_POINT = 1.0


@dataclass(frozen=True)
class StandardNetwork:
    """A network with a task head, read at its last linear layer's input or output.

    Attributes:
        model: The base model as `CodeModel`, which makes the inputs.
        whole: The network with its head.
        last: Its last linear layer.
        inputs: What goes into that layer is given, not what comes out.
        sequences: One output a text, not one a token.
    """

    model: CodeModel
    whole: Any
    last: nn.Linear
    inputs: bool
    sequences: bool

    @property
    def outputs(self) -> int:
        """Values of a token."""
        return self.last.in_features if self.inputs else self.last.out_features

    @torch.inference_mode()
    def batch(self, ids: np.ndarray, mask: np.ndarray, types: np.ndarray | None) -> np.ndarray:
        """The values; of sequences at their first token alone."""
        given = [None if x is None else torch.from_numpy(x) for x in (ids, mask, types)]
        assert given[0] is not None  # noqa: S101 - for the type checker
        values: np.ndarray = self._values(**self.model.inputs(given[0], given[1], given[2])).cpu().numpy()
        return values

    def traceable(self, ids: Tensor, mask: Tensor, types: Tensor | None) -> Tensor:
        """The same of tensors and without checks, as an exporter traces it."""
        return self._values(**self.model.unchecked_inputs(ids, mask, types))

    def _values(self, **given: Any) -> Tensor:
        seen: list[Tensor] = []
        hook = self.last.register_forward_pre_hook(lambda _, came: seen.append(came[0]))
        try:
            logits = self.whole(**given).logits
        finally:
            hook.remove()
        values = (seen[0] if self.inputs else logits).float()
        return values[:, None] if self.sequences else values


def standard_network(model: CodeModel, blocks: int, labels: Sequence[str], *, sequences: bool) -> StandardNetwork:
    """The first blocks of a model with a head of its family, whose last layer is yet to be fitted.

    Raises:
        ModelError: The family has no such head, or one without a place for an intercept.
    """
    kind = "Sequence" if sequences else "Token"
    auto: Any = getattr(transformers, f"AutoModelFor{kind}Classification")
    config: Any = copy.deepcopy(model.network.config)
    if model.adapter.paired or type(config) not in auto._model_mapping:
        raise _no_head(model, kind, "none")
    config.num_hidden_layers = blocks
    if isinstance(getattr(config, "layer_types", None), list):
        config.layer_types = config.layer_types[:blocks]
    if hasattr(config, "classifier_activation"):
        config.classifier_activation = "linear"
    config.id2label, config.label2id = dict(enumerate(labels)), {name: i for i, name in enumerate(labels)}
    config.pad_token_id = model.pad_id
    with quiet(), torch.random.fork_rng(devices=[]):
        whole = auto.from_config(config).eval()
    base, there = whole.base_model, model.network.state_dict()
    own = {k: there[k] for k in base.state_dict() if not k.startswith("pooler.")}
    base.load_state_dict(own, strict=False)
    layers = [m for m in _head_modules(whole) if isinstance(m, nn.Linear)]
    last = _last(layers, len(labels))
    if last is None or last.bias is None or (sequences and model.adapter.kind == "decoder"):
        raise _no_head(model, kind, "one without a linear layer with an intercept behind the first token")
    network = StandardNetwork(replace(model, network=base), whole, last, inputs=True, sequences=sequences)
    for layer in layers:
        if layer is not last:
            _let_through(layer, network)
    return network


def _last(layers: Sequence[nn.Linear], labels: int) -> nn.Linear | None:
    """The layer whose outputs are the labels."""
    return next((layer for layer in reversed(layers) if layer.out_features == labels), None)


def _head_modules(whole: Any) -> list[nn.Module]:
    """The modules of a network that are not of its base model; a pooler is of the head."""
    pooler = getattr(whole.base_model, "pooler", None)
    base = {id(m) for m in whole.base_model.modules()} - {id(m) for m in (pooler.modules() if pooler else ())}
    first = list(pooler.modules()) if pooler else []
    return first + [m for m in whole.modules() if id(m) not in base and all(m is not f for f in first)]


def _let_through(layer: nn.Linear, network: StandardNetwork) -> None:
    """Set a square layer before the last one."""
    ids = torch.arange(min(network.model.rows, 64))[None, : min(24, network.model.max_tokens)]
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.batch(ids.numpy(), np.ones(ids.shape, dtype=np.int64), None)
    hook.remove()
    linear = getattr(network.whole.config, "classifier_activation", "") == "linear"
    with torch.no_grad():
        layer.weight.zero_().fill_diagonal_(1.0 if linear else _REACH / float(seen[0].abs().max()))
        if layer.bias is not None:
            layer.bias.fill_(0.0 if linear else _POINT)


def _no_head(model: CodeModel, kind: str, got: str) -> ModelError:
    return ModelError(
        f"form standard of {model.name}",
        expected=f"a head for {kind.lower()}s in transformers",
        got=f"{got} in the family {model.adapter.family!r}",
        remedy="pass --form full",
    )


def set_head(network: StandardNetwork, head: Head) -> None:
    """Give the last layer its weights."""
    with torch.no_grad():
        network.last.weight.copy_(torch.from_numpy(head.weight.T.copy()))
        network.last.bias.copy_(torch.from_numpy(head.bias))


def save_standard(network: StandardNetwork, folder: Path) -> None:
    """Write the folder as transformers has it; its tokenizer is not written here."""
    with quiet():
        network.whole.save_pretrained(folder)


def load_standard(folder: PathLike, spec: CompactSpec, *, inputs: bool = False) -> StandardNetwork:
    """Read it.

    Args:
        folder: Of the model.
        spec: What its compact.json says.
        inputs: See `StandardNetwork`.

    Raises:
        StoreError: It does not load.
    """
    kind = "Sequence" if spec.whole else "Token"
    auto: Any = getattr(transformers, f"AutoModelFor{kind}Classification")
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder)
            whole = auto.from_pretrained(folder, use_safetensors=True).eval()
            tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True)
    except (OSError, ValueError, RuntimeError) as e:
        raise damaged(folder, "model.safetensors", f"{type(e).__name__}: {str(e).splitlines()[0][:120]}") from e
    base = CodeModel(
        name=str(folder),
        revision=None,
        network=whole.base_model,
        tokenizer=tokenizer,
        adapter=adapter_for(config, str(folder)),
        device=torch.device("cpu"),
        max_tokens=spec.max_tokens,
    )
    last = _last([m for m in _head_modules(whole) if isinstance(m, nn.Linear)], len(spec.labels))
    if last is None:
        raise damaged(folder, "model.safetensors", "no layer with an output for each label")
    return StandardNetwork(base, whole, last, inputs=inputs, sequences=spec.whole)
