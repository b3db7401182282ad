"""A network ready to read code: its states at a site, for padded batches and for one plain sequence."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from neurosieve.errors import ConfigError, ModelError
from neurosieve.models.adapters import Adapter, unit_modules
from neurosieve.typing import Site

Inputs = dict[str, Any]  # what networks of transformers are called with, by name


@dataclass(frozen=True)
class CodeModel:
    """A network ready to read code.

    Attributes:
        name: As given by the user.
        revision: Hub commit, or None for a folder.
        network: The base model, in evaluation mode on `device`.
        tokenizer: A fast tokenizer.
        adapter: What is known of the family.
        device: Where the network is.
        max_tokens: Longest input, special tokens included.
        notes: What was adjusted on loading, in words.
        site: Where neurons are read: `hidden`, blocks + 1 layers from the embeddings on, or `mlp` or `attention`, one
            layer a block.
        source: The call that gives the same model: it is sent to other processes, which load the model themselves.
    """

    name: str
    revision: str | None
    network: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    adapter: Adapter
    device: torch.device
    max_tokens: int
    notes: tuple[str, ...] = ()
    site: Site = "hidden"
    source: "Callable[[], CodeModel] | None" = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        if self.source is None:
            raise ConfigError(
                f"model {self.name}",
                expected="one that was loaded by its name, so that workers can load it too",
                got="one that was built here",
                remedy="save it to a folder and load that, or use one process",
            )
        return self.source, ()

    @property
    def pad_id(self) -> int:
        """The pad token's id; any id where the network has none, since padding is masked."""
        pad = self.tokenizer.pad_token_id
        return pad if isinstance(pad, int) and pad < self.rows else 0

    @property
    def rows(self) -> int:
        """Token ids that the network has an embedding of."""
        return embedding_rows(self.network)

    @property
    def padding_side(self) -> str:
        """`right` for encoders and encoder–decoders always; a decoder keeps its tokenizer's side."""
        free = self.adapter.kind == "decoder" and not self.adapter.paired
        return str(self.tokenizer.padding_side) if free else "right"

    @property
    def stack(self) -> torch.nn.Module:
        """The part of the network whose blocks are read."""
        return self.adapter.stack(self.network)

    def states(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        mask: Int[Tensor, "batch tokens"],
        types: Int[Tensor, "batch tokens"] | None = None,
    ) -> tuple[Float[Tensor, "batch tokens width"], ...]:
        """The site's values, one entry a layer; padding is masked.

        `types` separates the second text of a pair from the first; models without token types do not get it.
        At the site `hidden` transformers' `hidden_states`: embeddings first, then one entry a block. The decoder of an
        encoder–decoder reads the text after its start token, as in training, together with the encoder's output of it.
        """
        return self._forward(self.inputs(input_ids, mask, types))

    def tracked_states(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        mask: Int[Tensor, "batch tokens"],
        types: Int[Tensor, "batch tokens"] | None = None,
    ) -> tuple[Float[Tensor, "batch tokens width"], ...]:
        """`states` with what gradients are taken by, for whoever asks how values depend on parts of the network."""
        with torch.enable_grad():
            return self._forward(self.inputs(input_ids, mask, types), tracked=True)

    def plain_states(
        self, input_ids: Int[Tensor, "one tokens"], types: Int[Tensor, "one tokens"] | None = None
    ) -> tuple[Float[Tensor, "one tokens width"], ...]:
        """The same of one sequence, the plain way: no padding, no mask, default positions."""
        return self._forward(self.inputs(input_ids, None, types))

    def inputs(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        mask: Int[Tensor, "batch tokens"] | None,
        types: Int[Tensor, "batch tokens"] | None = None,
    ) -> Inputs:
        """What the network is called with, on its device; without a mask nothing is padded, positions are default.

        Raises:
            ModelError: A token id that the network has no embedding of.
        """
        check_ids(self.name, int(input_ids.max()), self.rows)
        return self.unchecked_inputs(input_ids, mask, types)

    def unchecked_inputs(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        mask: Int[Tensor, "batch tokens"] | None,
        types: Int[Tensor, "batch tokens"] | None = None,
    ) -> Inputs:
        """The same, whatever the ids are: an exporter traces it."""
        inputs: Inputs = {"input_ids": input_ids.to(self.device)} | self._typed(types)
        if mask is not None:
            inputs["attention_mask"] = mask.to(self.device)
            if self.adapter.position_ids:
                inputs["position_ids"] = (inputs["attention_mask"].cumsum(-1) - 1).clamp_min(0)
        if self.adapter.kind == "decoder":
            inputs["use_cache"] = False
        if self.adapter.start is not None:
            inputs |= _behind_start(inputs, self.adapter.start)
        return inputs

    def _typed(self, types: Int[Tensor, "batch tokens"] | None) -> dict[str, Tensor]:
        config: Any = self.network.config
        known = types is not None and getattr(config, "type_vocab_size", 0) > 1
        return {"token_type_ids": types.to(self.device)} if types is not None and known else {}

    def _forward(self, inputs: Inputs, *, tracked: bool = False) -> tuple[Tensor, ...]:
        with torch.inference_mode(not tracked):
            states = self.unchecked_states(inputs)
        self._check_states(states, inputs["input_ids"].shape)
        return states

    def unchecked_states(self, inputs: Inputs) -> tuple[Float[Tensor, "batch tokens width"], ...]:
        """The site's values of what the network is called with, whatever their shapes are: an exporter traces it."""
        adapter = self.adapter
        network = self.stack if adapter.kind == "encoder" else self.network
        if self.site == "hidden":
            key = "decoder_hidden_states" if adapter.start is not None else "hidden_states"
            states = getattr(network(**inputs, output_hidden_states=True), key)
        else:
            with self._units() as units:
                network(**inputs)
            states = tuple(x.reshape(*inputs["input_ids"].shape[:1], -1, x.shape[-1]) for x in units)
        return tuple(state[:, 1:] if adapter.start is not None else state for state in states)

    def _check_states(self, states: tuple[Tensor, ...], texts: torch.Size) -> None:
        """Families that pool tokens, or carry several streams, give states that are of no token."""
        shapes = {tuple(state.shape) for state in states}
        if len(shapes) != 1 or next(iter(shapes))[:-1] != tuple(texts):
            raise ModelError(
                f"states of {self.name}",
                expected=f"one vector of one width for each token in each layer, {[*texts]} of them",
                got=f"layers of {' and '.join(str([*shape]) for shape in sorted(shapes)) or 'no shape'}",
                remedy=f"states of the family {self.adapter.family!r} do not belong to tokens: choose another model",
            )

    @contextlib.contextmanager
    def _units(self) -> Iterator[list[Tensor]]:
        """What goes into each block's second feed-forward projection, or its output matrix, during a call."""
        units: list[Tensor] = []

        def note(_: torch.nn.Module, arguments: tuple[Any, ...]) -> None:
            units.append(arguments[0])

        modules = unit_modules(self.network, self.adapter, self.site, self.name)
        hooks = [module.register_forward_pre_hook(note) for module in modules]
        try:
            yield units
        finally:
            for hook in hooks:
                hook.remove()


def embedding_rows(network: Any) -> int:
    """Token ids that a network has an embedding of."""
    return int(network.get_input_embeddings().weight.shape[0])


def check_ids(name: str, largest: int, rows: int) -> None:
    """Make sure that a network knows the tokens.

    Args:
        name: Of the model.
        largest: The largest of the token ids.
        rows: Rows of its embeddings.

    Raises:
        ModelError: It does not.
    """
    if largest >= rows:
        raise ModelError(
            f"tokenizer of {name}",
            expected=f"token ids below {rows}, the rows of the embeddings",
            got=str(largest),
            remedy="use the tokenizer that belongs to the weights",
        )


def _behind_start(inputs: Inputs, start: int) -> dict[str, Tensor]:
    """The decoder's own inputs: the same text after the start token."""
    ids = inputs["input_ids"]
    first = ids.new_full((len(ids), 1), start)
    decoder_inputs = {"decoder_input_ids": torch.cat([first, ids], 1)}
    if "attention_mask" in inputs:
        decoder_inputs["decoder_attention_mask"] = torch.cat([torch.ones_like(first), inputs["attention_mask"]], 1)
    return decoder_inputs
