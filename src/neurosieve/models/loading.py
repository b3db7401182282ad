"""Loading: a hub name, a folder or a GGUF file → `CodeModel` (network, fast tokenizer, adapter)."""

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from neurosieve.errors import ConfigError, ModelError, ResourceError
from neurosieve.models.adapters import Adapter, Kind, adapter_for, feed_forward_modules
from neurosieve.models.code_model import CodeModel
from neurosieve.models.known import located
from neurosieve.typing import PathLike, Precision, Site

GGUF = ".gguf"
Model = TypeVar("Model", bound=CodeModel)
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_SAFE = ("model.safetensors", "model.safetensors.index.json")


@dataclass(frozen=True)
class ModelInfo:
    """What a model is before its weights are read; `place` is where it is loaded from."""

    name: str
    place: str
    config: PretrainedConfig
    tokenizer: PreTrainedTokenizerBase
    adapter: Adapter
    max_tokens: int
    notes: tuple[str, ...]


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
        ModelError: No such model, no config, no fast tokenizer, or an unusable family.
        ResourceError: A GGUF file without the packages that read it.
    """
    source = located(str(name))
    _check_place(source)
    options = _from(source) | {"trust_remote_code": trust_remote_code}
    with loading(source):
        if not source.endswith(GGUF):
            _check_family(source, trust_remote_code=trust_remote_code)
        config = AutoConfig.from_pretrained(**options)
    adapter = adapter_for(config, source, stack)
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
    length = _checked_length(longest, tokenizer)
    notes = (*_notes(tokenizer, adapter), *_stack_notes(adapter, stack))
    return ModelInfo(str(name), source, config, tokenizer, adapter, length, notes)


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
        ModelError: As `inspect_model`; no weights, pickled weights without leave, weights of another model; no
            feed-forward units found.
        ConfigError: No such device.
    """
    info = inspect_model(name, trust_remote_code=trust_remote_code, max_tokens=max_tokens, stack=stack)
    where = resolve_device(device)
    network, missing = read_network(
        info, AutoModel, precision=precision, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle
    )
    check_missing(info, network, missing)
    return ready(CodeModel, info, network, where, site)


def read_network(
    info: ModelInfo, auto: Any, *, precision: Precision, trust_remote_code: bool, allow_pickle: bool
) -> tuple[Any, list[str]]:
    """The network of one of transformers' auto classes, and the names of the weights that its checkpoint lacks.

    Raises:
        ModelError: No weights, or pickled ones without leave; weights of another model.
    """
    check_weights(info.place, allow_pickle=allow_pickle)
    with loading(info.place):
        network, report = auto.from_pretrained(
            **_from(info.place),
            config=info.config,
            dtype=getattr(torch, precision),
            trust_remote_code=trust_remote_code,
            use_safetensors=None if allow_pickle or info.place.endswith(GGUF) else True,
            output_loading_info=True,
        )
    return network, sorted(report["missing_keys"])


def ready(kind: type[Model], info: ModelInfo, network: Any, where: torch.device, site: Site, **more: Any) -> Model:
    """The model of a network that was read; `more` is what its class has beyond a `CodeModel`.

    Raises:
        ModelError: No feed-forward units found, where they are to be read.
    """
    model = kind(
        name=info.name,
        revision=getattr(info.config, "_commit_hash", None),
        network=network.eval().to(where),
        tokenizer=info.tokenizer,
        adapter=info.adapter,
        device=where,
        max_tokens=info.max_tokens,
        notes=info.notes,
        site=site,
        **more,
    )
    if site == "mlp":
        feed_forward_modules(model.stack, info.adapter, info.name)
    return model


def check_missing(info: ModelInfo, network: Any, missing: list[str]) -> None:
    """Weights that a checkpoint may lack: a pooler, since hidden states do not pass it; a decoder that is not read.

    Raises:
        ModelError: It lacks others.
    """
    if missing and all(key.startswith("pooler.") for key in missing):
        network.pooler = None
        return
    if info.adapter.paired and info.adapter.kind == "encoder":
        missing = [key for key in missing if not key.startswith("decoder.")]
    if missing:
        raise ModelError(
            f"weights of {info.name}",
            expected="all weights of the network",
            got=f"{len(missing)} missing ({missing[0]} …)",
            remedy="use the checkpoint that belongs to this config",
        )


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


def _check_place(name: str) -> None:
    folder = Path(name)
    if name.endswith(GGUF):
        if not folder.is_file():
            raise ModelError(f"model file {name}", expected="a GGUF file", got="nothing there", remedy="check --model")
        return
    looks_local = folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1
    try:
        is_folder, has_config = folder.is_dir(), (folder / "config.json").is_file()
    except OSError as e:
        raise ModelError(
            f"model folder {name[:200]}", expected="a readable folder", got=e.strerror or str(e), remedy="check --model"
        ) from e
    if is_folder and not has_config:
        raise ModelError(
            f"model folder {name}",
            expected="a config.json",
            got="none",
            remedy="point --model at a transformers folder",
        )
    if looks_local and not is_folder:
        raise ModelError(
            f"model folder {name}", expected="an existing folder", got="nothing there", remedy="check --model"
        )


def _check_family(name: str, *, trust_remote_code: bool) -> None:
    """Families that transformers does not know load from code of their own, or once their classes are registered."""
    config, _ = PretrainedConfig.get_config_dict(name)
    family, own_code = config.get("model_type"), "AutoConfig" in config.get("auto_map", {})
    if family is None or family in CONFIG_MAPPING or (own_code and trust_remote_code):
        return
    register = "register its classes in Python with AutoConfig.register and AutoModel.register, and its kind with"
    raise ModelError(
        f"model {name}",
        expected="a family that transformers knows or that was registered there",
        got=f"family {family!r}{', which brings custom code' if own_code else ''}",
        remedy="pass --trust-remote-code if you trust its source"
        if own_code
        else f"upgrade transformers, or {register} neurosieve.register_family({family!r}, kind='encoder')",
    )


def check_weights(name: str, *, allow_pickle: bool) -> None:
    """See to it that a folder holds weights that may be read; the hub checks its own.

    Raises:
        ModelError: None, or pickled ones without leave.
    """
    folder = Path(name)
    if not folder.is_dir() or any((folder / f).is_file() for f in _SAFE):
        return
    if not any((folder / f).is_file() for f in _PICKLED):
        raise ModelError(
            f"model folder {name}", expected=f"weights ({_SAFE[0]})", got="none", remedy="add the weights file"
        )
    if not allow_pickle:
        raise ModelError(
            f"weights of {name}",
            expected="safetensors",
            got="pickled weights, which can run code",
            remedy="pass --allow-pickle if you trust their source",
        )


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
        notes.append("the tokenizer has no pad token; padding is masked, so token 0 stands in for it")
    if tokenizer("Ab")["input_ids"] == tokenizer("ab")["input_ids"]:
        notes.append("the tokenizer does not tell upper from lower case")
    return tuple(notes)


def _stack_notes(adapter: Adapter, stack: Kind | None) -> tuple[str, ...]:
    if not adapter.paired:
        return ()
    if adapter.kind == "decoder":
        return (
            "of the encoder–decoder the decoder is read: it takes the text behind its start token, beside the encoder",
        )
    return () if stack else ("of the encoder–decoder the encoder is read; --stack decoder reads the other half",)


def _checked_length(longest: int, tokenizer: PreTrainedTokenizerBase) -> int:
    special = tokenizer.num_special_tokens_to_add()
    if longest < special + 2:
        raise ConfigError(
            "--max-tokens",
            expected=f"at least {special + 2} ({special} of them special tokens)",
            got=str(longest),
            remedy="choose a longer window",
        )
    return longest


def _no_fast_tokenizer(name: str, got: str) -> ModelError:
    return ModelError(
        f"tokenizer of {name}",
        expected="a fast tokenizer (tokenizer.json), whose offsets align labels",
        got=got,
        remedy="save the model with its fast tokenizer",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
