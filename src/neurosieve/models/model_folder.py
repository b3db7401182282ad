"""Checks of a model's folder before transformers opens it: config, weights, and misleading files."""

from pathlib import Path, PurePosixPath
from typing import Any

from transformers import PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils.hub import cached_file

from neurosieve.errors import ModelError
from neurosieve.storage.bounded_json import DEPTH, bounded_json, depth_of

GGUF = ".gguf"
_SAFE, _SAFE_INDEX = ".safetensors", ".safetensors.index.json"
# In the order in which transformers looks for them.
_WEIGHTS = (f"model{_SAFE}", f"model{_SAFE_INDEX}", "pytorch_model.bin", "pytorch_model.bin.index.json")
_ADAPTER = "adapter_config.json"
_ADAPTER_WEIGHTS = (f"adapter_model{_SAFE}", "adapter_model.bin")
_POINTER = b"version https://git-lfs.github.com/spec/"
_TEXTS = (".json", ".txt", ".model")
_READ = (*_TEXTS, _SAFE, ".bin")


def check_place(name: str) -> None:
    """Make sure that a folder or file has what a model needs; names on the hub are only looked at.

    Raises:
        ModelError: Nothing there, no config, an adapter without its model, or pointers in the place of files.
    """
    folder = Path(name)
    if name.endswith(GGUF):
        if not folder.is_file():
            raise ModelError(f"model file {name}", expected="a GGUF file", got="nothing there", remedy="check --model")
        _check_pointer(folder)
        return
    looks_local = folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1
    try:
        is_folder, files = folder.is_dir(), {f.name for f in folder.iterdir()} if folder.is_dir() else set()
    except OSError as e:
        raise ModelError(
            f"model folder {name[:200]}", expected="a readable folder", got=e.strerror or str(e), remedy="check --model"
        ) from e
    if looks_local and not is_folder:
        raise ModelError(
            f"model folder {name}", expected="an existing folder", got="nothing there", remedy="check --model"
        )
    if is_folder:
        for odd in (file for file in sorted(files) if file.endswith(_READ) and not (folder / file).is_file()):
            raise ModelError(
                f"file {folder / odd}",
                expected="an ordinary file",
                got="a folder, a pipe, a device or a broken link",
                remedy="copy or download the model again",
            )
        _check_files(name, folder, files)


def _check_files(name: str, folder: Path, files: set[str]) -> None:
    if adapters := [file for file in (_ADAPTER, *_ADAPTER_WEIGHTS) if file in files]:
        raise _adapter(name, adapters[0])
    if "config.json" not in files:
        weights = sorted(f for f in files if f.endswith((GGUF, _SAFE, ".bin", ".pt", ".ckpt")))
        inner = sorted(f.parent.name for f in folder.glob("*/config.json"))
        remedy = "point --model at a transformers folder"
        if inner:
            remedy = f"point --model at the folder in it, such as {folder / inner[0]}"
        elif weights and weights[0].endswith(GGUF):
            remedy = f"point --model at the file, {folder / weights[0]}"
        got = f"none next to {weights[0]}" if weights else "none" if files else "an empty folder"
        raise ModelError(f"model folder {name}", expected="a config.json", got=got, remedy=remedy)
    for file in sorted(files):
        if file.endswith(_TEXTS):
            _check_pointer(folder / file)
        if file.endswith(".json"):
            _check_depth(folder / file)
    chosen = next((file for file in _WEIGHTS if file in files), None)
    if chosen is not None:
        _check_pointer(folder / chosen)


def _check_depth(path: Path) -> None:
    """Transformers parses whatever is there; whether it is JSON is left to it."""
    try:
        depth = depth_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # what cannot be read is reported where it is needed
        return
    if depth > DEPTH:
        raise ModelError(
            f"file {path}",
            expected=f"at most {DEPTH} brackets in brackets",
            got=f"{depth:,}",
            remedy="copy or download the model again",
        )


def _check_pointer(path: Path) -> None:
    """A checkout of Git LFS without its files has a few lines of text in the place of each."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_POINTER))
    except OSError:  # what cannot be read is reported where it is needed
        return
    if begin == _POINTER:
        raise ModelError(
            f"file {path}", expected="its content", got="a pointer of Git LFS", remedy="run git lfs pull in its folder"
        )


def check_adapter(name: str) -> None:
    """A name on the hub that holds an adapter; a folder was looked through already.

    Raises:
        ModelError: It does.
        OSError: The hub's answer to a name that it does not have.
    """
    if name.endswith(GGUF) or Path(name).is_dir():
        return
    if _on_hub(name, _ADAPTER):
        raise _adapter(name, _ADAPTER)


def _on_hub(name: str, file: str) -> str | None:
    return cached_file(
        name,
        file,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )


def _adapter(name: str, file: str) -> ModelError:
    return ModelError(
        f"model {name}",
        expected="the weights of one network",
        got=f"an adapter ({file}), which is not applied",
        remedy="merge it into its base model first (peft: merge_and_unload), and save that",
    )


def check_family(name: str, *, trust_remote_code: bool) -> None:
    """Families that transformers does not know load from code of their own, or once their classes are registered.

    Raises:
        ModelError: A family of neither kind; a config that is none.
    """
    config: Any = PretrainedConfig.get_config_dict(name)[0]
    if not isinstance(config, dict):
        raise ModelError(
            f"config of {name}",
            expected="a JSON object",
            got=f"a {type(config).__name__}",
            remedy="use the config.json that belongs to the weights",
        )
    family, own_code = (
        str(config["model_type"]) if "model_type" in config else None,
        "AutoConfig" in (config.get("auto_map") or {}),
    )
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


def check_weights(name: str, config: PretrainedConfig, *, allow_pickle: bool) -> None:
    """Make sure that the weights that will be read are in the folder and may be read.

    An index of shards is a list of file names that anyone may have written: transformers would read any file that it
    names, pickled ones too.

    Raises:
        ModelError: None, or pickled ones without leave; an index that names files elsewhere or files that are missing.
    """
    folder = Path(name)
    if name.endswith(GGUF):
        return
    named = getattr(config, "transformers_weights", None)
    if not folder.is_dir():
        for index in (named or _WEIGHTS[1], *_WEIGHTS[3:] * allow_pickle):
            path = _on_hub(name, index) if index.endswith(".index.json") else None
            if path is not None:
                _shards(name, Path(path), allow_pickle=allow_pickle)
        return
    chosen = named or next((file for file in _WEIGHTS if (folder / file).is_file()), None)
    if chosen is None:
        raise ModelError(
            f"model folder {name}", expected=f"weights ({_WEIGHTS[0]})", got="none", remedy="add the weights file"
        )
    _check_name(name, "its config", chosen, (_SAFE, _SAFE_INDEX), allow_pickle=allow_pickle)
    files = [chosen]
    if chosen.endswith(".index.json"):
        files += _shards(name, folder / chosen, allow_pickle=allow_pickle)
    for file in files:
        if not (folder / file).is_file():
            raise ModelError(
                f"weights of {name}", expected=f"the file {file}", got="none", remedy="copy or download the model again"
            )
        _check_pointer(folder / file)


def _shards(name: str, index: Path, *, allow_pickle: bool) -> list[str]:
    """The files that an index names."""
    try:
        files = set(bounded_json(index.read_bytes())["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise ModelError(
            f"weights of {name}",
            expected=f"file names under weight_map in {index.name}",
            got="none that can be read",
            remedy="copy or download the model again",
        ) from e
    for file in files:
        _check_name(name, index.name, file, (_SAFE,), allow_pickle=allow_pickle)
    return sorted(files)


def _check_name(name: str, where: str, file: Any, safe: tuple[str, ...], *, allow_pickle: bool) -> None:
    """A file of weights that is named by another file; the end of its name decides how transformers reads it."""
    path = PurePosixPath(file.replace("\\", "/")) if isinstance(file, str) else None
    if path is None or not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ModelError(
            f"weights of {name}",
            expected="file names within its folder",
            got=f"{file!r} in {where}",
            remedy="use a copy from a source that you trust",
        )
    if not allow_pickle and not file.endswith(safe):
        raise ModelError(
            f"weights of {name}",
            expected="safetensors",
            got=f"pickled weights, which can run code ({file})",
            remedy="pass --allow-pickle if you trust their source",
        )
