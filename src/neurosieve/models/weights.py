"""What a checkpoint lacks of its network, and what it holds that the network has no place for."""

import re
from collections.abc import Collection
from typing import Any

from neurosieve.errors import ModelError

# Weights that are added to a network's own ones, by the names that libraries of adapters give them.
_ADAPTERS = re.compile(
    r"lora_|loha_|lokr_|hada_|vera_|ia3_|oft_|dora|(^|[._])adapters?([._]|$)|adapter_(up|down)|base_layer|"
    r"modules_to_save|prefix_encoder|prefix_tuning|prompt_(encoder|tuning|embeddings)",
    re.IGNORECASE,
)
# Tables that older versions wrote into the file and that are computed today.
_COMPUTED = re.compile(
    r"(position_ids|token_type_ids|inv_freq|masked_bias|causal_mask|attn\.bias|attention\.bias|num_batches_tracked"
    r"|embed_positions\.(weights?|_float_tensor)|cos_cached|sin_cached|\.version)$"
)


def split_keys(network: Any, keys: Collection[str]) -> tuple[list[str], list[str]]:
    """The names of weights of a network with a head: those of its base model, without its prefix, and the head's."""
    base = network.base_model
    prefix = f"{network.base_model_prefix}." if base is not network else ""
    body = {k for k in keys if (k.startswith(prefix) if prefix else not k.startswith("lm_head."))}
    return sorted(k.removeprefix(prefix) for k in body), sorted(set(keys) - body)


def not_computed(network: Any, missing: Collection[str]) -> list[str]:
    """Of a network's missing weights those that are trained; sines and cosines of positions are computed."""
    modules = dict(network.named_modules())
    owners = {key: type(modules.get(key.rpartition(".")[0])).__name__ for key in missing}
    return sorted(key for key, owner in owners.items() if "Sinusoid" not in owner)


def check_all_there(name: str, missing: Collection[str] = (), mismatched: Collection[str] = ()) -> None:
    """Refuse a network of which weights would be drawn at random.

    Args:
        name: Of the model.
        missing: Weights that the checkpoint lacks and the states need.
        mismatched: Weights that it has in another shape.

    Raises:
        ModelError: There are some.
    """
    if mismatched:
        raise other_shapes(name, f" ({min(mismatched)} …)")
    if missing:
        raise ModelError(
            f"weights of {name}",
            expected="all weights of the network",
            got=f"{len(missing)} missing ({min(missing)} …)",
            remedy="use the checkpoint that belongs to this config",
        )


def other_shapes(name: str, which: str = "") -> ModelError:
    """The error for weights whose shapes are not those of the config."""
    return ModelError(
        f"weights of {name}",
        expected="the shapes that the config gives",
        got=f"others{which}",
        remedy="use the checkpoint that belongs to this config",
    )


def unused_notes(name: str, base: Any, unexpected: Collection[str]) -> tuple[str, ...]:
    """What is to be said of a checkpoint's weights that the network has no place for.

    Heads, poolers and tables that are computed today go without a word.

    Raises:
        ModelError: Weights of an adapter: with them the model is another one than the one that would be read.
    """
    adapters = sorted(key for key in unexpected if _ADAPTERS.search(key))
    if adapters:
        raise ModelError(
            f"weights of {name}",
            expected="the weights of one network",
            got=f"{len(adapters)} of an adapter next to them, which is not applied ({adapters[0]} …)",
            remedy="merge it into its base model first (peft: merge_and_unload), and save that",
        )
    parts = {part for part, _ in base.named_children()}
    prefix = f"{base.base_model_prefix}."
    rest = sorted(k for k in unexpected if k.removeprefix(prefix).split(".")[0] in parts and not _COMPUTED.search(k))
    if not rest:
        return ()
    many = f"{len(rest)} weights of the checkpoint are" if len(rest) > 1 else "1 weight of the checkpoint is"
    return (f"{many} not used, as the config has no place for them ({rest[0]} …)",)
