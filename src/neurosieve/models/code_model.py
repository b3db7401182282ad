"""Loading: a hub name or a folder → `CodeModel` (network, fast tokenizer, adapter)."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
import transformers
from jaxtyping import Float, Int
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from neurosieve.errors import ConfigError, ModelError
from neurosieve.models.adapters import Adapter, adapter_for
from neurosieve.models.known import located
from neurosieve.typing import PathLike, Precision

_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_SAFE = ("model.safetensors", "model.safetensors.index.json")


@dataclass(frozen=True)
class CodeModel:
    """A network ready to read code.

    Attributes:
        name: As given by the user.
        revision: Hub commit, or None for a folder.
        network: The base model, in evaluation mode on `device`.
        tokenizer: A fast tokenizer.
        adapter: What is known of the family.
        device: Where the network lies.
        max_tokens: Longest input, special tokens included.
        notes: What was adjusted on loading, in words.
    """

    name: str
    revision: str | None
    network: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    adapter: Adapter
    device: torch.device
    max_tokens: int
    notes: tuple[str, ...] = ()

    @property
    def pad_id(self) -> int:
        """The pad token's id; any id where there is none, since padding is masked."""
        pad = self.tokenizer.pad_token_id
        return pad if isinstance(pad, int) else 0

    @property
    def padding_side(self) -> str:
        """`right` for encoders always; a decoder keeps its tokenizer's side."""
        return "right" if self.adapter.kind == "encoder" else self.tokenizer.padding_side

    @torch.inference_mode()
    def hidden_states(
        self, input_ids: Int[Tensor, "batch tokens"], mask: Int[Tensor, "batch tokens"]
    ) -> tuple[Float[Tensor, "batch tokens width"], ...]:
        """Transformers' `hidden_states`: embeddings first, then one entry a block."""
        inputs: dict[str, Any] = {"input_ids": input_ids.to(self.device), "attention_mask": mask.to(self.device)}
        if self.adapter.position_ids:
            inputs["position_ids"] = (inputs["attention_mask"].cumsum(-1) - 1).clamp_min(0)
        if self.adapter.kind == "decoder":
            inputs["use_cache"] = False
        states: tuple[Tensor, ...] = self.network(**inputs, output_hidden_states=True).hidden_states
        return states


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


def inspect_model(name: PathLike, *, trust_remote_code: bool = False, max_tokens: int | None = None) -> ModelInfo:
    """Read config and tokenizer only.

    Args:
        name: Hub name, local folder, or `neurosieve/encoder` and `neurosieve/decoder`, which come with the package.
        trust_remote_code: Run code that comes with the model.
        max_tokens: Shorter windows than the model allows.

    Raises:
        ModelError: No such model, no config, no fast tokenizer, or an unusable family.
    """
    source = located(str(name))
    _check_folder(source)
    with loading(source):
        config = AutoConfig.from_pretrained(source, trust_remote_code=trust_remote_code)
    adapter = adapter_for(config, source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code, use_fast=True)
    except Exception as e:  # every tokenizer class fails in its own way
        raise _no_fast_tokenizer(source, f"{type(e).__name__}: {_first_line(e)}") from e
    if not tokenizer.is_fast:
        raise _no_fast_tokenizer(source, "a slow tokenizer only")
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # what transformers builds where the file is missing
        raise _no_fast_tokenizer(source, "a tokenizer without a vocabulary")
    longest = min(n for n in (adapter.max_tokens, tokenizer.model_max_length, max_tokens) if n is not None)
    length = _checked_length(longest, tokenizer)
    return ModelInfo(str(name), source, config, tokenizer, adapter, length, _notes(tokenizer, adapter))


def load_model(
    name: PathLike,
    *,
    device: str = "auto",
    precision: Precision = "float32",
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    max_tokens: int | None = None,
) -> CodeModel:
    """Load a model for reading activations.

    Args:
        name: As in `inspect_model`.
        device: `auto` takes a GPU where there is one.
        precision: Of the weights and the computation.
        trust_remote_code: Run code that comes with the model.
        allow_pickle: Read pickled weights where there are no safetensors (they can run code).
        max_tokens: Shorter windows than the model allows.

    Raises:
        ModelError: As `inspect_model`; no weights, pickled weights without leave, weights of another model.
        ConfigError: No such device.
    """
    info = inspect_model(name, trust_remote_code=trust_remote_code, max_tokens=max_tokens)
    where = resolve_device(device)
    check_weights(info.place, allow_pickle=allow_pickle)
    with loading(info.place):
        network, report = AutoModel.from_pretrained(
            info.place,
            config=info.config,
            dtype=getattr(torch, precision),
            trust_remote_code=trust_remote_code,
            use_safetensors=None if allow_pickle else True,
            output_loading_info=True,
        )
    missing = sorted(report["missing_keys"])
    if missing and all(key.startswith("pooler.") for key in missing):
        network.pooler = None  # language model checkpoints have none, and hidden states do not pass it
        missing = []
    if missing:
        raise ModelError(
            f"weights of {info.name}",
            expected="all weights of the network",
            got=f"{len(missing)} missing ({missing[0]} …)",
            remedy="use the checkpoint that belongs to this config",
        )
    revision = getattr(info.config, "_commit_hash", None)
    return CodeModel(
        info.name, revision, network.eval().to(where), info.tokenizer, info.adapter, where, info.max_tokens, info.notes
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


def _check_folder(name: str) -> None:
    folder = Path(name)
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
        if Path(name).is_dir():
            raise ModelError(
                f"model folder {name}",
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
    return tuple(notes)


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
