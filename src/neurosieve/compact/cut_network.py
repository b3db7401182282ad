"""The first blocks of a network as a network of their own: cut, saved, and loaded again."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer

from neurosieve.compact.compact_spec import CompactSpec, damaged
from neurosieve.errors import ModelError
from neurosieve.models.adapters import Adapter, adapter_for, block_modules, final_norm
from neurosieve.models.code_model import CodeModel
from neurosieve.models.config_sizes import with_positions
from neurosieve.models.inner_parts import fit_shapes
from neurosieve.models.loading import quiet, resolve_device
from neurosieve.models.trial import relative_distance
from neurosieve.typing import NeuronId, PathLike, Site

NETWORK = "network.safetensors"
_TOLERANCE = 1e-4  # of float32, relative to the largest value of a layer
# What a family that works otherwise may meet.
_OTHERWISE = (LookupError, ValueError, RuntimeError, TypeError, AttributeError, ZeroDivisionError, NameError)


def blocks_needed(neurons: Sequence[NeuronId], site: Site) -> int:
    """How many blocks give the neurons; none where all are embeddings."""
    return max((n.layer for n in neurons), default=0) + (site != "hidden")


def cut(model: CodeModel, blocks: int) -> CodeModel:
    """The same model with its first blocks alone, whose layers have the values that they had.

    A norm behind the last block goes with the blocks that are cut, as inner layers have not passed it.

    Args:
        model: Loaded; it stays as it is and shares its weights with what is returned.
        blocks: How many are kept; without any, the embeddings alone.

    Raises:
        ModelError: A family that cannot be cut so; it is tried on a few tokens.
    """
    whole = model.adapter.blocks(model.network.config)
    if blocks >= whole:
        return model
    try:
        with quiet():
            network = _blank(copy.deepcopy(model.network.config), model.adapter, blocks, normed=False, name=model.name)
        own = _root(network, model.adapter)
        there = _root(model.network, model.adapter).state_dict()
        own.load_state_dict({k: there[k] for k in own.state_dict()}, strict=True, assign=True)
        small = replace(model, network=network.eval().to(model.device))
        _check_same(model, small)
    except _OTHERWISE as e:
        raise _uncut(model, f"{type(e).__name__}: {(str(e).splitlines() or [''])[0][:120]}") from e
    return small


def cut_to(model: CodeModel, neurons: Sequence[NeuronId]) -> CodeModel:
    """The same model with the blocks that some neurons need; with one where a family gives no embeddings alone.

    Raises:
        ModelError: See `cut`.
    """
    blocks = blocks_needed(neurons, model.site)
    try:
        return cut(model, blocks)
    except ModelError:
        if blocks:
            raise
        return cut(model, 1)


def _blank(config: Any, adapter: Adapter, blocks: int, *, normed: bool, name: str) -> torch.nn.Module:
    """A network of some blocks with weights yet to be loaded."""
    built = max(1, blocks)  # some families divide by the number
    _set_blocks(config, adapter, built)
    with torch.random.fork_rng(devices=[]):
        network: torch.nn.Module = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    if getattr(network, "pooler", None) is not None:
        network.pooler = None  # type: ignore[assignment]
    stack = adapter.stack(network)
    last = block_modules(stack, adapter, built, name)[-1]
    norm = final_norm(stack, last)
    if norm is not None and adapter.final_norm and not normed:
        parent, leaf = _holder(stack, norm)
        setattr(parent, leaf, torch.nn.Identity())
    if not blocks:
        holder, place = _holder(stack, last)
        delattr(holder, place)
        _set_blocks(config, adapter, 0)
        stack.register_forward_hook(_tell_embeddings)
    return network


def _set_blocks(config: Any, adapter: Adapter, blocks: int) -> None:
    """Have a config say how many blocks there are; kinds of blocks are left as they are where there are none."""
    part = adapter.text_config(config)
    own_keys = (f"{adapter.kind}_layers", f"num_{adapter.kind}_layers") if adapter.paired else ()
    key = next(key for key in (*own_keys, "num_hidden_layers") if getattr(part, key, None) is not None)
    setattr(part, key, blocks)
    if blocks and isinstance(getattr(part, "layer_types", None), list):
        part.layer_types = part.layer_types[:blocks]


def _holder(stack: torch.nn.Module, module: torch.nn.Module) -> tuple[torch.nn.Module, str]:
    """What holds a module, and under what name."""
    path = next(path for path, other in stack.named_modules() if other is module)
    parent, _, leaf = path.rpartition(".")
    return stack.get_submodule(parent), leaf


def _tell_embeddings(_: torch.nn.Module, __: Any, output: Any) -> Any:
    """Layer 0, which transformers notes at the first block: where there is none, it is what the stack gives."""
    output.hidden_states = (output.last_hidden_state,)
    return output


def _root(network: Any, adapter: Adapter) -> torch.nn.Module:
    """What a forward pass calls: of an encoder its stack."""
    return adapter.stack(network) if adapter.kind == "encoder" else network


def _check_same(model: CodeModel, small: CodeModel) -> None:
    """See that the layers that were kept have the values that they had."""
    texts = sample_ids(model)
    for layer, (was, now) in enumerate(zip(model.states(texts, torch.ones_like(texts)), _states(small, texts))):  # noqa: B905 - the cut one has fewer
        far = relative_distance(was, now)
        if not far <= _TOLERANCE:
            raise _uncut(model, f"layer {layer} that differs by {far:.1e} of its largest value")


def sample_ids(model: CodeModel) -> Int[Tensor, "one tokens"]:
    """A few tokens to try a network on."""
    special = set(model.tokenizer.all_special_ids)
    return torch.tensor([[i for i in range(min(model.rows, 64)) if i not in special][: min(12, model.max_tokens)]])


def _states(small: CodeModel, ids: Tensor) -> tuple[Tensor, ...]:
    return small.states(ids, torch.ones_like(ids))


def _uncut(model: CodeModel, got: str) -> ModelError:
    return ModelError(
        f"network of {model.name}",
        expected="blocks that can be cut off behind one of them, with the layers before as they were",
        got=got,
        remedy=f"the family {model.adapter.family!r} works otherwise: choose another model",
    )


def save_network(model: CodeModel, folder: Path) -> None:
    """Write a network's weights and config; its tokenizer is not written here."""
    tensors = _root(model.network, model.adapter).state_dict()
    save_file({k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, folder / NETWORK)
    config: Any = copy.deepcopy(model.network.config)
    _set_blocks(config, model.adapter, max(1, model.adapter.blocks(config)))  # transformers reads none without blocks
    with quiet():
        config.save_pretrained(folder)


def load_network(folder: PathLike, spec: CompactSpec, *, device: str = "cpu") -> CodeModel:
    """The network of an exported folder.

    Args:
        folder: Of the model.
        spec: What its compact.json says.
        device: Where to.

    Raises:
        StoreError: Weights that do not fit the config.
    """
    place = Path(folder)
    where = resolve_device(device)
    try:
        with quiet():
            config = AutoConfig.from_pretrained(place)
            tokenizer = AutoTokenizer.from_pretrained(place, use_fast=True)
            config.return_dict = True
            adapter = adapter_for(config, str(place), spec.stack if config.is_encoder_decoder else None)
            network = _blank(config, adapter, spec.blocks, normed=spec.final_norm, name=str(place))
        root = _root(network, adapter)
        tensors = load_file(place / NETWORK)
        if spec.narrowed:
            fit_shapes(root, tensors)
        root.load_state_dict(tensors, strict=True, assign=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as e:
        raise damaged(folder, NETWORK, f"{type(e).__name__}: {(str(e).splitlines() or [''])[0][:120]}") from e
    return CodeModel(
        name=str(place),
        revision=None,
        network=network.eval().to(where),
        tokenizer=tokenizer,
        adapter=with_positions(adapter, network),
        device=where,
        max_tokens=spec.max_tokens,
        site=spec.site,
    )


@dataclass(frozen=True)
class ChosenNeurons:
    """A network that gives the values of chosen neurons for each token.

    Attributes:
        model: The network.
        columns: For each layer that has some, their indices.
        order: Places of the neurons in the layers' order, shape [neurons].
    """

    model: CodeModel
    columns: Mapping[int, Int[Tensor, " some"]]
    order: Int[Tensor, " neurons"]

    @staticmethod
    def of(model: CodeModel, neurons: Sequence[NeuronId]) -> "ChosenNeurons":
        """Of a model's neurons, in their order."""
        layers = sorted({n.layer for n in neurons})
        columns = {layer: torch.tensor([n.index for n in neurons if n.layer == layer]) for layer in layers}
        by_layer = [i for layer in layers for i, n in enumerate(neurons) if n.layer == layer]
        return ChosenNeurons(model, columns, torch.tensor(by_layer, dtype=torch.long).argsort())

    @property
    def outputs(self) -> int:
        """How many neurons."""
        return len(self.order)

    def __call__(
        self, ids: Int[Tensor, "batch tokens"], mask: Int[Tensor, "batch tokens"], types: Tensor | None
    ) -> Float[Tensor, "batch tokens neurons"]:
        """Their values."""
        return self.of_states(self.model.states(ids, mask, types))

    def traceable(
        self, ids: Int[Tensor, "batch tokens"], mask: Int[Tensor, "batch tokens"], types: Tensor | None
    ) -> Float[Tensor, "batch tokens neurons"]:
        """The same without checks, as an exporter traces it."""
        return self.of_states(self.model.unchecked_states(self.model.unchecked_inputs(ids, mask, types)))

    def of_states(self, states: Sequence[Float[Tensor, "batch tokens width"]]) -> Float[Tensor, "batch tokens neurons"]:
        """The same of values that the model gave."""
        chosen = [states[layer][..., index.to(states[layer].device)] for layer, index in self.columns.items()]
        return torch.cat(chosen, -1)[..., self.order.to(chosen[0].device)].float()
