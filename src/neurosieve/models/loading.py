"""Loading: a hub name, a folder or a GGUF file → `CodeModel` (network, fast tokenizer, adapter)."""

import contextlib
import importlib.util
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from neurosieve.errors import ConfigError, ModelError, NeurosieveError, ResourceError
from neurosieve.models.adapters import Adapter, Kind, adapter_for, unit_modules
from neurosieve.models.code_model import CodeModel
from neurosieve.models.config_sizes import check_sizes, with_positions
from neurosieve.models.hub import source_of
from neurosieve.models.known import located
from neurosieve.models.model_folder import GGUF, check_adapter, check_family, check_place, check_weights
from neurosieve.models.trial import tried
from neurosieve.models.weights import check_all_there, not_computed, other_shapes, split_keys, unused_notes
from neurosieve.typing import PathLike, Precision, Site

Model = TypeVar("Model", bound=CodeModel)


@dataclass(frozen=True)
class ModelInfo:
    """What a model is before its weights are read.

    `place` is where it is loaded from, `revision` its commit on the hub, `blank` its network without weights.
    """

    name: str
    place: str
    revision: str | None
    config: PretrainedConfig
    tokenizer: PreTrainedTokenizerBase
    adapter: Adapter
    max_tokens: int
    notes: tuple[str, ...]
    blank: torch.nn.Module


def inspect_model(
    name: PathLike, *, trust_remote_code: bool = False, max_tokens: int | None = None, stack: Kind | None = None
) -> ModelInfo:
    """Read config and tokenizer only.

    Args:
        name: Hub name, local folder or `.gguf` file, or `neurosieve/encoder` and `neurosieve/decoder`, which come with
            the package.
        trust_remote_code: Run code that comes with the model.
        max_tokens: Shorter windows than the model allows.
        stack: Which half of an encoder–decoder; the encoder by default.

    Raises:
        ModelError: No such model, no config, no fast tokenizer, an unusable family, or sizes that make no network.
        ResourceError: A GGUF file without the packages that read it.
    """
    source = located(str(name))
    check_place(source)
    source, revision = source_of(source)
    options = _from(source) | {"trust_remote_code": trust_remote_code}
    config = _config(source, options)
    adapter = adapter_for(config, source, stack)
    blank = _blank(config, adapter, source, trust_remote_code=trust_remote_code)
    adapter = with_positions(adapter, blank)
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(**options, use_fast=True)
    except Exception as e:  # every tokenizer class fails in its own way
        raise _no_fast_tokenizer(source, f"{type(e).__name__}: {_first_line(e)}") from e
    if not tokenizer.is_fast:
        raise _no_fast_tokenizer(source, "a slow tokenizer only")
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # what transformers builds where the file is missing
        raise _no_fast_tokenizer(source, "a tokenizer without a vocabulary")
    longest = min(n for n in (adapter.max_tokens, tokenizer.model_max_length, max_tokens) if n is not None)
    length = _checked_length(longest, tokenizer, str(name), asked=longest == max_tokens)
    notes = (*_notes(tokenizer, adapter), *_stack_notes(adapter, stack if config.is_encoder_decoder else "encoder"))
    return ModelInfo(str(name), source, revision, config, tokenizer, adapter, length, notes, blank)


def _config(place: str, options: dict[str, Any]) -> PretrainedConfig:
    with loading(place):
        try:
            if not place.endswith(GGUF):
                check_adapter(place)
                check_family(place, trust_remote_code=options["trust_remote_code"])
            config: PretrainedConfig = AutoConfig.from_pretrained(**options)
        except (NeurosieveError, OSError, ValueError, KeyError, ImportError):
            raise
        except Exception as e:  # every class of configs fails in its own way
            raise _no_config(place, e) from e
    for part in (config, *(getattr(config, key, None) for key in config.sub_configs)):
        if isinstance(part, PretrainedConfig):
            part.return_dict = True  # outputs are taken by their names
    return config


def _no_config(name: str, error: Exception) -> ModelError:
    return ModelError(
        f"config of {name}",
        expected="a network that transformers can build",
        got=f"{type(error).__name__}: {_first_line(error)}",
        remedy="use the config.json that belongs to the weights, or choose another model",
    )


def _blank(config: PretrainedConfig, adapter: Adapter, name: str, *, trust_remote_code: bool) -> torch.nn.Module:
    """The network of a config without weights, which costs no memory; it gives sizes and positions.

    Raises:
        ModelError: The config makes none.
    """
    check_sizes(config, adapter, name)
    try:
        with quiet(), torch.device("meta"):
            network: torch.nn.Module = AutoModel.from_config(config, trust_remote_code=trust_remote_code)  # type: ignore[no-untyped-call]
    except Exception as e:  # every family fails in its own way
        raise _no_config(name, e) from e
    return network


def _from(place: str) -> dict[str, Any]:
    """Where transformers finds a model: a folder or hub name, and in it the GGUF file if it is one.

    Raises:
        ResourceError: A GGUF file without the packages that read it.
    """
    if not place.endswith(GGUF):
        return {"pretrained_model_name_or_path": place}
    if lacking := [package for package in ("gguf", "accelerate") if importlib.util.find_spec(package) is None]:
        raise ResourceError(
            f"model {place}",
            expected="the packages gguf and accelerate, which read GGUF files",
            got=f"no {' and no '.join(lacking)}",
            remedy='pip install "neurosieve[gguf]"',
        )
    return {"pretrained_model_name_or_path": str(Path(place).parent), "gguf_file": Path(place).name}


def load_model(
    name: PathLike,
    *,
    device: str = "auto",
    precision: Precision = "float32",
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    max_tokens: int | None = None,
    stack: Kind | None = None,
    site: Site = "hidden",
) -> CodeModel:
    """Load a model for reading activations.

    Examples:
        >>> model = ns.load_model("neurosieve/encoder", site="mlp")
        >>> model.adapter.kind
        'encoder'

    Args:
        name: As in `inspect_model`.
        device: `auto` takes a GPU where there is one.
        precision: Of the weights and the computation.
        trust_remote_code: Run code that comes with the model.
        allow_pickle: Read pickled weights where there are no safetensors (they can run code).
        max_tokens: Shorter windows than the model allows.
        stack: As in `inspect_model`.
        site: Where neurons are read: the blocks' outputs, or the units of their feed-forward part.

    Raises:
        ModelError: As `inspect_model`; no weights, pickled weights without leave, weights of another model or of an
            adapter; a network that does not read token ids; no feed-forward units found.
        ConfigError: No such device.
    """
    info = inspect_model(name, trust_remote_code=trust_remote_code, max_tokens=max_tokens, stack=stack)
    where = resolve_device(device)
    network, missing, notes = read_network(
        info, AutoModel, precision=precision, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle
    )
    if missing and not lacking(info, missing):
        network.pooler = None
    check_all_there(info.name, lacking(info, missing))
    again = partial(load_model, absolute(name), device=device, precision=precision, max_tokens=max_tokens, stack=stack)
    again = partial(again, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle, site=site)
    return ready(CodeModel, info, network, where, site, notes, source=again)


def read_network(
    info: ModelInfo,
    auto: Any,
    *,
    precision: Precision,
    trust_remote_code: bool,
    allow_pickle: bool,
    new_head: bool = False,
) -> tuple[Any, list[str], tuple[str, ...]]:
    """The network of one of transformers' auto classes.

    Args:
        info: Of the model; its config defines the network.
        auto: The class.
        precision: As in `load_model`.
        trust_remote_code: As in `load_model`.
        allow_pickle: As in `load_model`.
        new_head: Weights of the head may have other shapes than in the checkpoint; they are then random.

    Returns:
        The network, the names of the trained weights that its checkpoint lacks, and what is to be said of those that
        are not used.

    Raises:
        ModelError: No weights, or pickled ones without leave; weights of another model or of an adapter.
    """
    check_weights(info.place, info.config, allow_pickle=allow_pickle)
    with loading(info.place):
        network, report = auto.from_pretrained(
            **_from(info.place),
            config=info.config,
            dtype=getattr(torch, precision),
            trust_remote_code=trust_remote_code,
            use_safetensors=None if allow_pickle or info.place.endswith(GGUF) else True,
            ignore_mismatched_sizes=new_head,
            output_loading_info=True,
        )
    notes = unused_notes(info.name, network.base_model, report["unexpected_keys"])
    body, _ = split_keys(network, [str(key) for key, *_ in report["mismatched_keys"]])
    check_all_there(info.name, mismatched=body)
    return network, not_computed(network, report["missing_keys"]), notes


def ready(
    kind: type[Model],
    info: ModelInfo,
    network: Any,
    where: torch.device,
    site: Site,
    notes: tuple[str, ...] = (),
    **more: Any,
) -> Model:
    """The model of a network that was read, once it was tried; `more` is what its class has beyond a `CodeModel`.

    Raises:
        ModelError: It does not read token ids; no feed-forward units or heads found, where they are to be read.
    """
    model = kind(
        name=info.name,
        revision=info.revision,
        network=network.eval().to(where),
        tokenizer=info.tokenizer,
        adapter=info.adapter,
        device=where,
        max_tokens=info.max_tokens,
        notes=(*info.notes, *notes),
        site=site,
        **more,
    )
    if site != "hidden":
        unit_modules(model.network, info.adapter, site, info.name)
    return tried(model)


def absolute(name: PathLike) -> str:
    """A local place as other processes find it, wherever they are begun; other names as they are."""
    return str(Path(name).absolute()) if Path(name).exists() else str(name)


def lacking(info: ModelInfo, missing: Collection[str]) -> list[str]:
    """Of a base model's missing weights those that its states need: no pooler, no decoder that is not read."""
    alone = info.adapter.paired and info.adapter.kind == "encoder"
    return [key for key in missing if not key.startswith("pooler.") and not (alone and key.startswith("decoder."))]


def resolve_device(device: str) -> torch.device:
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps` → a device that works.

    Raises:
        ConfigError: It does not.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.zeros(1, device=where).item()
    except (RuntimeError, AssertionError) as e:
        raise ConfigError(
            f"device {device!r}", expected="a device of this machine", got=_first_line(e), remedy="use cpu or auto"
        ) from e
    return where


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' own bars and chatter."""
    logging = transformers.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def loading(name: str) -> Iterator[None]:
    """Turn transformers' many ways to fail into one line."""
    try:
        with quiet():
            yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError, UnpicklingError) as e:
        if "ignore_mismatched_sizes" in str(e):
            raise other_shapes(name) from e
        if Path(name).exists():
            raise ModelError(
                f"model {'folder' if Path(name).is_dir() else 'file'} {name}",
                expected="a config and weights that transformers can load",
                got=f"{type(e).__name__}: {_first_line(e)}",
                remedy="save or copy the model again",
            ) from e
        raise ModelError(
            f"model {name}",
            expected="a model folder here or a name on the model hub",
            got=f"neither a folder here nor reachable on the model hub (offline?): {_first_line(e)}",
            remedy="check the name, download it while online, or point at a local folder"
            " (pickled weights need --allow-pickle)",
        ) from e


def _notes(tokenizer: PreTrainedTokenizerBase, adapter: Adapter) -> tuple[str, ...]:
    notes = []
    if adapter.kind == "encoder" and tokenizer.padding_side != "right":
        notes.append("the tokenizer pads on the left; an encoder is padded on the right, so this was overridden")
    if tokenizer.pad_token_id is None:
        notes.append("the tokenizer has no pad token; padding is masked, so token 0 takes its place")
    if tokenizer("Ab")["input_ids"] == tokenizer("ab")["input_ids"]:
        notes.append("the tokenizer does not distinguish upper from lower case")
    return tuple(notes)


def _stack_notes(adapter: Adapter, stack: Kind | None) -> tuple[str, ...]:
    if not adapter.paired:
        return ()
    if adapter.kind == "decoder":
        return (
            "of the encoder–decoder the decoder is read: it reads the text after its start token, and the encoder too",
        )
    return () if stack else ("of the encoder–decoder the encoder is read; --stack decoder reads the other half",)


def _checked_length(longest: int, tokenizer: PreTrainedTokenizerBase, name: str, *, asked: bool) -> int:
    special = tokenizer.num_special_tokens_to_add()
    if longest >= special + 2:
        return longest
    least = f"at least {special + 2} ({special} of them special tokens)"
    if asked:
        raise ConfigError("--max-tokens", expected=least, got=str(longest), remedy="choose a longer window")
    raise ModelError(
        f"longest input of {name}",
        expected=f"{least}, by its config and tokenizer",
        got=str(longest),
        remedy="use the config and tokenizer that belong to the weights",
    )


def _no_fast_tokenizer(name: str, got: str) -> ModelError:
    return ModelError(
        f"tokenizer of {name}",
        expected="a fast tokenizer (tokenizer.json), whose offsets align labels",
        got=got,
        remedy="save the model with its fast tokenizer",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
