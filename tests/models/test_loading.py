"""Loading: what is refused, in one line each, and what the shipped and the known models are."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from transformers import AutoModel, RobertaForSequenceClassification

from neurosieve.errors import ConfigError, ModelError, NeurosieveError
from neurosieve.models import KNOWN, KnownModel, inspect_model, load_model, resolve_device
from neurosieve.models import known as known_module
from neurosieve.models.known import located
from tests.minilm import minilm
from tests.tiny import BLOCKS, NAMES, assert_one_line, family, quiet_transformers, tiny_loaded, tiny_model

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
DEFECT = SHARED / "models" / "codebert-3mb-defect"


def change_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def remove(*names: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return spoil


def write(name: str, data: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return spoil


def cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def wider_config(folder: Path) -> None:
    change_json(folder / "config.json", hidden_size=32)


def more_blocks(folder: Path) -> None:
    change_json(folder / "config.json", num_hidden_layers=BLOCKS + 2)


def other_weights(folder: Path) -> None:
    shutil.copy(tiny_model("modernbert") / "model.safetensors", folder)


def pickled(folder: Path) -> None:
    with quiet_transformers():
        torch.save(
            AutoModel.from_pretrained(folder, add_pooling_layer=False).state_dict(), folder / "pytorch_model.bin"
        )
    (folder / "model.safetensors").unlink()


def remote_code(folder: Path) -> None:
    change_json(folder / "config.json", model_type="new", auto_map={"AutoConfig": "conf.C", "AutoModel": "conf.M"})


BAD: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no config": (remove("config.json"), ("config.json", "--model")),
    "broken config": (write("config.json", b"{"), ("config.json",)),
    "config of no family": (write("config.json", b"{}"), ("model_type",)),
    "config of an unknown family": (
        write("config.json", b'{"model_type": "no-such"}'),
        ("AutoModel.register", "register_family('no-such'"),
    ),
    "code of its own": (remote_code, ("'new'", "custom code", "--trust-remote-code")),
    "no weights": (remove("model.safetensors"), ("weights", "add the weights")),
    "cut weights": (cut_weights, ()),
    "garbage for weights": (write("model.safetensors", b"garbage"), ()),
    "pickled weights": (pickled, ("safetensors", "--allow-pickle")),
    "weights of another family": (other_weights, ("missing", "checkpoint")),
    "weights of too few blocks": (more_blocks, ("missing", "checkpoint")),
    "weights of another width": (wider_config, ()),
    "broken tokenizer": (write("tokenizer.json", b"{"), ("tokenizer",)),
}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def copy_of(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(tiny_model(name), folder / name))


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("case", BAD)
def test_bad_folder_is_refused(case: str, tmp_path: Path) -> None:
    spoil, parts = BAD[case]
    folder = copy_of("roberta", tmp_path)
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, str(folder), *parts)


@pytest.mark.parametrize("keep_class", [False, True])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("bert", "Bert"), ("roberta", "Roberta"), ("gpt2", "GPT2"), ("llama", "Llama"), ("qwen2", "Qwen2")],
)
def test_no_tokenizer_is_refused(name: str, kind: str, keep_class: bool, tmp_path: Path) -> None:
    """No `tokenizer.json` nor vocabulary: refused, also where transformers would make an empty tokenizer of it."""
    folder = copy_of(name, tmp_path)
    (folder / "tokenizer.json").unlink()
    if keep_class:
        change_json(folder / "tokenizer_config.json", tokenizer_class=f"{kind}Tokenizer")
    else:
        (folder / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu")
    assert_one_line(caught.value, f"tokenizer of {folder}", "tokenizer.json")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["no-such-org/no-such-model", "no-such-model"])
def test_hub_name_that_cannot_be_reached(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(name)
    assert_one_line(caught.value, f"model {name}", "no answer of the hub (offline? HF_HUB_OFFLINE is set)")


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(tmp_path / "none")
    assert_one_line(caught.value, str(tmp_path / "none"), "nothing there", "--model")
    for name in ("./none/of/these", "../none", "a/b/c"):
        with pytest.raises(ModelError, match="nothing there"):
            inspect_model(name)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", "meta", "vulkan", "mkldnn"])
@pytest.mark.filterwarnings("ignore:'mkldnn' is no longer:UserWarning")  # torch warns of the name before it fails
def test_unknown_device(device: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_model(tiny_model("bert"), device=device)
    assert_one_line(caught.value, repr(device), "use cpu or auto")
    assert caught.value.exit_code == 2


def test_devices_that_work() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("max_tokens", [-1, 0, 1, 3])
def test_windows_too_short(max_tokens: int) -> None:
    with pytest.raises(ConfigError) as caught:
        inspect_model(tiny_model("bert"), max_tokens=max_tokens)
    assert_one_line(caught.value, "--max-tokens", "at least 4", str(max_tokens))


@pytest.mark.parametrize(
    ("file", "key"), [("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length")]
)
def test_longest_input_of_a_config_is_no_option(file: str, key: str, tmp_path: Path) -> None:
    folder = copy_of("bert", tmp_path)
    change_json(folder / file, **{key: 1})
    with pytest.raises(ModelError) as caught:
        inspect_model(folder)
    assert_one_line(caught.value, f"longest input of {folder}", "at least 4", "got 1")


def test_shorter_windows_are_taken_and_longer_ones_bounded() -> None:
    assert inspect_model(tiny_model("bert"), max_tokens=4).max_tokens == 4
    assert inspect_model(tiny_model("gpt2"), max_tokens=2).max_tokens == 2
    assert inspect_model(tiny_model("bert"), max_tokens=10_000).max_tokens == family("bert").max_tokens


def test_tokenizer_may_be_shorter_than_the_network(tmp_path: Path) -> None:
    folder = copy_of("llama", tmp_path)
    change_json(folder / "tokenizer_config.json", model_max_length=17)
    assert load_model(folder, device="cpu").max_tokens == 17


def test_pickled_weights_load_with_leave(tmp_path: Path) -> None:
    folder = copy_of("roberta", tmp_path)
    pickled(folder)
    came, right = load_model(folder, device="cpu", allow_pickle=True), tiny_loaded("roberta")
    expected = right.network.state_dict()
    assert came.network.state_dict().keys() == expected.keys()
    assert all(torch.equal(v, expected[k]) for k, v in came.network.state_dict().items())


@pytest.mark.parametrize("content", [b"garbage", None])
def test_pickle_that_is_none_or_runs_code(content: bytes | None, tmp_path: Path) -> None:
    """Even with leave, a pickle that calls functions is refused in one line, and does not run."""
    folder = copy_of("roberta", tmp_path)
    (folder / "model.safetensors").unlink()
    if content is None:
        torch.save({"weight": _Calls(folder / "ran")}, folder / "pytorch_model.bin")
    else:
        (folder / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_model(folder, device="cpu", allow_pickle=True)
    assert_one_line(caught.value, str(folder))
    assert not (folder / "ran").exists()


class _Calls:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.path,)


def test_safetensors_are_preferred_to_a_pickle(tmp_path: Path) -> None:
    folder = copy_of("roberta", tmp_path)
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    load_model(folder, device="cpu")
    load_model(folder, device="cpu", allow_pickle=True)


@pytest.mark.parametrize("name", NAMES)
def test_notes_and_pad(name: str) -> None:
    """A missing pad token is said, lost upper case, and that a decoder has its encoder too; nothing else."""
    model = tiny_loaded(name)
    assert any("no pad token" in note for note in model.notes) == (not family(name).pad)
    assert any("after its start token" in note for note in model.notes) == (family(name).stack == "decoder")
    lowered = family(name).tokenizer == "wordpiece"
    assert any("lower case" in note for note in model.notes) == lowered
    assert len(model.notes) == (not family(name).pad) + (family(name).stack == "decoder") + lowered
    assert 0 <= model.pad_id < len(model.tokenizer)
    assert model.revision is None
    assert not model.network.training


@pytest.mark.parametrize("name", ["gpt2", "llama", "modernbert"])
def test_final_norm_is_noted(name: str) -> None:
    """The last entry is behind a norm exactly where the adapter says so."""
    assert tiny_loaded(name).adapter.final_norm
    assert not tiny_loaded("bert").adapter.final_norm


def test_checkpoint_with_another_head(tmp_path: Path) -> None:
    """A fine-tuned classifier gives the hidden states of its base model."""
    with quiet_transformers():
        network = RobertaForSequenceClassification.from_pretrained(tiny_model("roberta"))
        network.save_pretrained(tmp_path)
    for file in tiny_model("roberta").glob("tokenizer*"):
        shutil.copy(file, tmp_path)
    came, expected = (
        load_model(tmp_path, device="cpu").network.state_dict(),
        tiny_loaded("roberta").network.state_dict(),
    )
    assert came.keys() == expected.keys()
    assert all(torch.equal(came[k], expected[k]) for k in came)


def test_minilm() -> None:
    """Six blocks of 384."""
    model = load_model(minilm(), device="cpu")
    assert (model.adapter.kind, model.max_tokens, model.adapter.final_norm) == ("encoder", 512, False)
    ids = torch.tensor([[101, 2000, 102]])
    assert [tuple(s.shape) for s in model.states(ids, torch.ones_like(ids))] == [(1, 3, 384)] * 7
    assert len(model.states(torch.full((1, 512), 2000), torch.ones(1, 512, dtype=torch.long))) == 7


SHIPPED = [m for m in KNOWN if m.hub.startswith("neurosieve/")]


@pytest.mark.parametrize("known", SHIPPED, ids=[m.name for m in SHIPPED])
def test_shipped_model(known: KnownModel) -> None:
    """Loads by its name without a network, computes in single precision, and is small enough for a package."""
    model = load_model(known.hub, device="cpu")
    assert (model.name, model.adapter.kind, model.max_tokens) == (known.hub, known.kind, 512)
    assert {p.dtype for p in model.network.parameters()} == {torch.float32}
    ids = torch.tensor([model.tokenizer("def add(a, b):\n    return a + b")["input_ids"]])
    assert [tuple(s.shape) for s in model.states(ids, torch.ones_like(ids))] == [(1, ids.shape[1], 256)] * 5
    assert Path(located(known.hub), "model.safetensors").stat().st_size <= 12_000_000
    assert "top-1" in Path(located(known.hub), "MODEL_CARD.md").read_text(encoding="utf-8")


def test_name_that_is_not_shipped() -> None:
    with pytest.raises(ModelError) as caught:
        load_model("neurosieve/oracle")
    assert_one_line(caught.value, "neurosieve/oracle", "neurosieve/encoder, neurosieve/decoder", "--model")


def test_shipped_model_that_is_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(known_module, "_FOLDER", tmp_path)
    with pytest.raises(ModelError) as caught:
        load_model("neurosieve/encoder")
    assert_one_line(caught.value, "neurosieve/encoder", "install the package again")


def test_folder_of_the_user_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_model("bert"), tmp_path / "neurosieve" / "encoder")
    assert load_model("neurosieve/encoder", device="cpu").adapter.family == "bert"


@pytest.mark.skipif(not DEFECT.is_dir(), reason="the small CodeBERT is not here")
def test_small_codebert() -> None:
    model = load_model(DEFECT, device="cpu")
    assert (model.adapter.kind, model.adapter.family, model.max_tokens) == ("encoder", "roberta", 512)
    ids = torch.full((1, 512), 50)
    assert [tuple(s.shape) for s in model.states(ids, torch.ones_like(ids))] == [(1, 512, 96)] * 13


def test_known_models_are_named_once() -> None:
    assert len({m.name for m in KNOWN}) == len({m.hub for m in KNOWN}) == len(KNOWN)
    assert {m.kind for m in KNOWN} == {"encoder", "decoder"}


def test_errors_of_loading_share_a_base() -> None:
    assert issubclass(ModelError, NeurosieveError)
    assert ModelError.exit_code == 1
