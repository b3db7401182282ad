"""Folders that mislead: an index that names other files, adapters, Git LFS pointers, configs that make no network."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from neurosieve.errors import ModelError
from neurosieve.models import inspect_model, load_model
from tests.tiny import NAMES, assert_one_line, family, tiny_loaded, tiny_model

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 498813948\n"


def copy_of(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(tiny_model(name), folder / "model"))


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def shard(folder: Path, file: Any, index: str = "model.safetensors.index.json") -> None:
    """The weights behind an index that names one file, which is there where it is a plain name."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    target = folder / file if isinstance(file, str) and file else folder / "unnamed"
    if target.suffix == ".safetensors":
        save_file(weights, target, metadata={"format": "pt"})
    else:
        torch.save(weights, target)
    (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(weights, file)}))


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "tokenizer.json"])
def test_deep_json_is_refused(file: str, tmp_path: Path) -> None:
    folder = copy_of("roberta", tmp_path)
    (folder / file).write_text('{"a": ' * 101 + "1" + "}" * 101)
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, f"file {folder / file}", "at most 100 brackets in brackets", "got 101")


@pytest.mark.parametrize("name", ["roberta", "gpt2"])
def test_shards_are_read(name: str, tmp_path: Path) -> None:
    folder = copy_of(name, tmp_path)
    shard(folder, "model-00001-of-00001.safetensors")
    came, right = load_model(folder, device="cpu").network.state_dict(), tiny_loaded(name).network.state_dict()
    assert all(torch.equal(came[key], right[key]) for key in right)


@pytest.mark.parametrize("file", ["part.bin", "part.pt", "part.safetensors.index.json", "part"])
def test_index_that_names_pickles(file: str, tmp_path: Path) -> None:
    """By whatever name: what does not end in .safetensors would be unpickled."""
    folder = copy_of("roberta", tmp_path)
    shard(folder, file)
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, f"weights of {folder}", "which can run code", repr(file)[1:-1], "--allow-pickle")


@pytest.mark.parametrize("pickle", [False, True])
@pytest.mark.parametrize("file", ["../o.safetensors", "a/../../o.safetensors", "..\\o.safetensors", "", 3])
def test_index_that_names_files_elsewhere(file: Any, pickle: bool, tmp_path: Path) -> None:
    """Refused with leave to unpickle too; so are absolute names."""
    folder = copy_of("roberta", tmp_path)
    (folder / "a").mkdir()
    index = "pytorch_model.bin.index.json" if pickle else "model.safetensors.index.json"
    for named in (file, str(tmp_path / "other.safetensors")):
        shutil.copy(tiny_model("roberta") / "model.safetensors", folder)
        shard(folder, named, index)
        with pytest.raises(ModelError) as caught:
            load_model(folder, device="cpu", allow_pickle=pickle)
        assert_one_line(caught.value, f"weights of {folder}", "within its folder", index)


@pytest.mark.parametrize(
    ("named", "part"), [("adapter_model.bin", "--allow-pickle"), ("../x.safetensors", "within"), (3, "within")]
)
def test_config_that_names_the_weights(named: Any, part: str, tmp_path: Path) -> None:
    folder = copy_of("roberta", tmp_path)
    change_config(folder, transformers_weights=named)
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, f"weights of {folder}", part)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": "gone.safetensors"}}'])
def test_index_of_nothing(content: str, tmp_path: Path) -> None:
    folder = copy_of("roberta", tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, f"weights of {folder}", "copy or download the model again")
    assert ("gone.safetensors" in str(caught.value)) == ("gone" in content)


def test_index_that_is_not_needed(tmp_path: Path) -> None:
    """Whole weights go before it."""
    folder = copy_of("roberta", tmp_path)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../x.bin"}}')
    assert load_model(folder, device="cpu").network is not None


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"])
@pytest.mark.parametrize("alone", [False, True])
def test_adapter_beside_or_without_its_model(alone: bool, file: str, tmp_path: Path) -> None:
    folder = copy_of("llama", tmp_path)
    (folder / file).write_text('{"base_model_name_or_path": "elsewhere"}')
    if alone:
        (folder / "config.json").unlink()
    for load in (inspect_model, load_model):
        with pytest.raises(ModelError) as caught:
            load(folder)
        assert_one_line(caught.value, str(folder), file, "merge")


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_pointer_of_git_lfs(file: str, tmp_path: Path) -> None:
    """Told before weights are read, so that `plan` tells it too."""
    folder = copy_of("roberta", tmp_path)
    (folder / file).write_bytes(POINTER)
    with pytest.raises(ModelError) as caught:
        inspect_model(folder)
    assert_one_line(caught.value, str(folder / file), "Git LFS", "git lfs pull")


def test_pointers_elsewhere(tmp_path: Path) -> None:
    """In a shard and in a GGUF file; one that is not read stays without a word."""
    folder = copy_of("roberta", tmp_path)
    (folder / "pytorch_model.bin").write_bytes(POINTER)
    load_model(folder, device="cpu")
    shard(folder, "one.safetensors")
    (folder / "one.safetensors").write_bytes(POINTER)
    (folder / "x.gguf").write_bytes(POINTER)
    for place in (folder, folder / "x.gguf"):
        with pytest.raises(ModelError, match="git lfs pull"):
            load_model(place)


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def within(folder: Path) -> None:
    (folder / "checkpoint-3").mkdir()
    shutil.move(folder / "config.json", folder / "checkpoint-3")


def gguf(folder: Path) -> None:
    empty(folder)
    (folder / "q.gguf").write_bytes(b"GGUF")


PLACES: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "weights alone": (lambda f: (f / "config.json").unlink(), ("none next to model.safetensors",)),
    "empty": (empty, ("an empty folder",)),
    "a folder in it": (within, ("checkpoint-3",)),
    "a GGUF file": (gguf, ("q.gguf", "point --model at the file")),
}


@pytest.mark.parametrize("case", PLACES)
def test_no_config(case: str, tmp_path: Path) -> None:
    """What is there instead is named."""
    folder = copy_of("roberta", tmp_path)
    spoil, parts = PLACES[case]
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        inspect_model(folder)
    assert_one_line(caught.value, f"model folder {folder}: expected a config.json", *parts)


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "no heads": ({"num_attention_heads": 0}, "config of"),
    "heads below zero": ({"num_attention_heads": -2}, "num_attention_heads"),
    "no blocks": ({"num_hidden_layers": 0}, "num_hidden_layers"),
    "blocks below zero": ({"num_hidden_layers": -1}, "num_hidden_layers"),
    "a million blocks": ({"num_hidden_layers": 10**6}, "at most 1,000"),
    "width below zero": ({"hidden_size": -16}, "hidden_size"),
    "no width": ({"hidden_size": None}, "config of"),
    "a great width": ({"hidden_size": 2 * 10**9}, "belongs to"),
    "a great vocabulary": ({"vocab_size": 10**12}, "the shapes that the config gives"),
    "units below zero": ({"intermediate_size": -1}, "config of"),
    "no code": ({"auto_map": None}, "config of"),
    "an activation that is none": ({"hidden_act": "none such"}, "config of"),
    "no family": ({"model_type": ["roberta"]}, "family"),
    "a number type that is none": ({"dtype": "none such"}, "config of"),
    "a pad token outside": ({"pad_token_id": 10**6}, "config of"),
}


@pytest.mark.parametrize("name", ["roberta", "llama"])
@pytest.mark.parametrize("case", ODD)
def test_config_that_makes_no_network(case: str, name: str, tmp_path: Path) -> None:
    """One line each, at no cost in memory."""
    folder = copy_of(name, tmp_path)
    changes, part = ODD[case]
    change_config(folder, **changes)
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, str(folder), part)


@pytest.mark.parametrize("content", ["[1]", "3", "null", '"roberta"'])
def test_config_that_is_no_object(content: str, tmp_path: Path) -> None:
    folder = copy_of("roberta", tmp_path)
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        inspect_model(folder)
    assert_one_line(caught.value, f"config of {folder}")


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_taken_by_name(name: str, tmp_path: Path) -> None:
    """Whatever the config says of how they come."""
    folder = copy_of(name, tmp_path)
    change_config(folder, return_dict=False, output_hidden_states=True)
    model, ids = load_model(folder, device="cpu", stack=family(name).stack), torch.tensor([[5, 6, 7]])
    assert all(map(torch.equal, model.plain_states(ids), tiny_loaded(name).plain_states(ids)))
