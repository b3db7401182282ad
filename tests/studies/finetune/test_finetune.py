"""Fine-tuning tiny models on a hundred rows: an ordinary folder comes out, and a stop loses nothing."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    Trainer,
)

from neurosieve.errors import ConfigError, DataError, ModelError, NeurosieveError, ResourceError, RunFolderError
from neurosieve.finetuning.training_rows import split_inputs
from neurosieve.models import inspect_model, load_model
from neurosieve.results import to_json
from neurosieve.results.finetuned import Epoch, FinetuneResult
from neurosieve.results.measured import Score
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.cost import plan_study
from neurosieve.studies.finetune.run import Finetuned, finetune
from neurosieve.studies.inputs import read_dataset
from neurosieve.studies.option_models import FinetuneOptions
from tests.studies import unmarked
from tests.studies.finetune.tuned import FAST, TASKS, config, examples, tokens
from tests.tiny import assert_one_line, quiet_transformers, tiny_model, tiny_tokenizer


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", ["roberta", "gpt2"])
def test_an_ordinary_folder(task: Callable[[Path], dict[str, Any]], model: str, tmp_path: Path) -> None:
    study = config(tmp_path, task, model)
    found = finetune(study, tmp_path / "tuned", FAST)
    record = to_json(found.result)
    kind = AutoModelForTokenClassification if task is tokens else AutoModelForSequenceClassification
    with quiet_transformers():
        network = kind.from_pretrained(tmp_path / "tuned")
    assert list(network.config.id2label.values()) == record["labels"]
    before = load_model(study.model, device="cpu").network.state_dict()
    after = load_model(tmp_path / "tuned", device="cpu").network.state_dict()
    assert any(not torch.equal(before[k], after[k]) for k in before)
    assert record["validation"] == max(e["validation"] for e in record["epochs"])
    assert record["interval"][0] <= record["test"] <= record["interval"][1]
    assert record["rows"]["test"] == record["n"]
    assert any("no pad token" in note for note in record["notes"]) == (model == "gpt2")
    assert not (tmp_path / "tuned" / "checkpoints").exists()
    assert len(found.to_frame()) == len(record["epochs"])


_UNTYPED: Any = transformers  # much of it has no annotations


def accuracy(folder: Path, texts: list[str], truth: list[int]) -> float:
    """As transformers alone scores a classifier."""
    with quiet_transformers():
        network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        inputs = [_UNTYPED.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt") for text in texts]
    with torch.inference_mode():
        found = [int(network(**i).logits.argmax()) for i in inputs]
    return sum(a == b for a, b in zip(found, truth, strict=True)) / len(truth)


# No longest input is in their configs, nor in the tokenizer.
UNBOUNDED: dict[str, tuple[str, dict[str, Any]]] = {
    "bloom": ("bare", {"hidden_size": 16, "n_layer": 2, "n_head": 2}),
    "xlnet": ("bytes", {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32}),
    "t5": (
        "bytes",
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0},
    ),
}


def unbounded(name: str, folder: Path) -> Path:
    kind, sizes = UNBOUNDED[name]
    tokenizer = tiny_tokenizer(kind)
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    with quiet_transformers():
        torch.manual_seed(3)
        made = _UNTYPED.CONFIG_MAPPING[name](vocab_size=len(tokenizer), **sizes, **ids)
        _UNTYPED.AutoModel.from_config(made).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    if name == "xlnet":  # its head reads the last token
        settings = folder / "tokenizer_config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"padding_side": "left"}))
    return folder


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", UNBOUNDED)
def test_models_without_a_longest_input(model: str, task: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    folder = unbounded(model, tmp_path / "model")
    assert inspect_model(folder).max_tokens > 10**9
    study = config(tmp_path, task).model_copy(update={"model": str(folder)})
    record = to_json(finetune(study, tmp_path / "tuned", FAST).result)
    assert not any("were cut" in note for note in record["notes"])
    assert load_model(tmp_path / "tuned", device="cpu").max_tokens > 10**9
    if task is examples:
        rows = [json.loads(line) for line in (tmp_path / "data" / "test.jsonl").read_text().splitlines()]
        expected = accuracy(tmp_path / "tuned", [r["func"] for r in rows], [r["target"] for r in rows])
        assert record["test"] == pytest.approx(expected)


@pytest.mark.parametrize("model", ["bart:encoder", "plbart:encoder"])
def test_heads_of_encoder_decoders(model: str, tmp_path: Path) -> None:
    """Their outputs hold more than logits."""
    record = to_json(finetune(config(tmp_path, examples, model), tmp_path / "tuned", FAST).result)
    rows = [json.loads(line) for line in (tmp_path / "data" / "test.jsonl").read_text().splitlines()]
    expected = accuracy(tmp_path / "tuned", [r["func"] for r in rows], [r["target"] for r in rows])
    assert record["test"] == pytest.approx(expected)


def test_it_learns(tmp_path: Path) -> None:
    """Labels follow from letters: a head on a tiny model learns them, and the majority class does not."""
    options = FinetuneOptions(epochs=6, rate=3e-3, batch=8)
    result = finetune(config(tmp_path, tokens, "modernbert"), tmp_path / "tuned", options).result
    assert result.test.value > result.majority + 0.2


def test_a_finished_one_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = config(tmp_path, examples)
    first = finetune(study, tmp_path / "tuned", FAST)
    monkeypatch.setattr(Trainer, "train", None)
    again = finetune(study, tmp_path / "tuned", FAST)
    assert again == first
    file = json.loads((tmp_path / "tuned" / "finetune.json").read_text(encoding="utf-8"))
    with pytest.warns(DeprecationWarning, match="goes with the next release"):
        assert unmarked(file) == to_json(first.result) == first.record


def test_stops_early(tmp_path: Path) -> None:
    study = config(tmp_path, examples)
    options = FinetuneOptions(epochs=9, rate=0.0, batch=8, patience=2)
    assert len(finetune(study, tmp_path / "tuned", options).result.epochs) == 3  # nothing changes after the first


def refused(kind: type[NeurosieveError], study: StudyConfig, out: Path, *parts: str) -> None:
    with pytest.raises(kind) as caught:
        finetune(study, out, FAST)
    assert_one_line(caught.value, *parts)


def test_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("precious")
    refused(RunFolderError, config(tmp_path, examples), tmp_path / "out", "thesis.tex", "--out")


def test_other_options(tmp_path: Path) -> None:
    finetune(config(tmp_path, examples), tmp_path / "out", FAST)
    refused(RunFolderError, config(tmp_path, examples, seed=1), tmp_path / "out", "others", "--out")


def test_a_label_missing_from_a_split(tmp_path: Path) -> None:
    study = config(tmp_path, examples)
    path = tmp_path / "data" / "valid.jsonl"
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines() if '"target": 1' not in line))
    refused(DataError, study, tmp_path / "out", "0 alone (1: no rows in validation", "two")


def test_without_accelerate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    refused(ResourceError, config(tmp_path, examples), tmp_path / "out", 'pip install "neurosieve[train]"')
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("model", "task", "part"),
    [("codegen", examples, "head for sequences"), ("plbart:encoder", tokens, "head for tokens")],
)
def test_a_family_without_such_a_head(
    model: str, task: Callable[[Path], dict[str, Any]], part: str, tmp_path: Path
) -> None:
    refused(ModelError, config(tmp_path, task, model), tmp_path / "out", model.partition(":")[0], part)


@pytest.mark.parametrize("task", TASKS)
def test_inputs_are_cut_and_counted(task: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    study = config(tmp_path, task)
    info, dataset = inspect_model(study.model, max_tokens=8), read_dataset(study)
    parts = split_inputs(info, dataset, ["NUM", "SIGN"] if task is tokens else ["0", "1"])
    for part in parts.values():
        assert all(len(row["input_ids"]) <= 8 for row in part.rows)
        assert part.count == len(part.group)
        assert (part.cut > 0) == (task is not tokens)  # tokens are read in windows, none is lost


def test_notebook_display(tmp_path: Path) -> None:
    epoch = Epoch(epoch=1.0, loss=0.1, validation=0.5)
    result = FinetuneResult(
        study={},
        options={},
        labels=("0", "1"),
        rows={"test": 4},
        epochs=(epoch,),
        validation=0.5,
        test=Score(value=0.5, n=4, interval=(0.1, 0.9)),
        majority=0.5,
        notes=(),
    )
    found = Finetuned(tmp_path, result)
    assert "0.500" in found._repr_html_()
    shutil.rmtree(tmp_path)


def prefixed(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({f"module.{key}": value for key, value in weights.items()}, folder / "model.safetensors")


def wider(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    for key in [key for key in weights if "intermediate" in key]:
        weights[key] = torch.cat([weights[key], weights[key]])
    save_file(weights, folder / "model.safetensors")


def index_of_pickles(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "part.bin")
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "part.bin")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "other names": (prefixed, "missing"),
    "other shapes": (wider, "the shapes that the config gives"),
    "pickles": (index_of_pickles, "--allow-pickle"),
}


@pytest.mark.parametrize("task", [examples, tokens])
@pytest.mark.parametrize("case", SPOILT)
def test_weights_that_do_not_fit(case: str, task: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    """Refused as in a run: nothing but a head, and the pooler before it, is drawn at random."""
    folder = Path(shutil.copytree(tiny_model("roberta"), tmp_path / "model"))
    spoil, part = SPOILT[case]
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        finetune(config(tmp_path, task).model_copy(update={"model": str(folder)}), tmp_path / "tuned", FAST)
    assert_one_line(caught.value, f"weights of {folder}", part)
    with pytest.raises(ModelError, match=part):
        load_model(folder, device="cpu")


def test_head_of_another_task_is_replaced(tmp_path: Path) -> None:
    """A classifier of three classes is tuned to two; the rest is taken over."""
    with quiet_transformers():
        three = AutoModelForSequenceClassification.from_pretrained(tiny_model("roberta"), num_labels=3)
        three.save_pretrained(tmp_path / "three")
    for file in tiny_model("roberta").glob("tokenizer*"):
        shutil.copy(file, tmp_path / "three")
    study = config(tmp_path, examples).model_copy(update={"model": str(tmp_path / "three")})
    assert finetune(study, tmp_path / "tuned", FAST).result.labels == ("0", "1")


def test_seed_that_trainer_does_not_take(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        finetune(config(tmp_path, examples, seed=2**32), tmp_path / "tuned", FAST)
    assert_one_line(caught.value, "seed", str(2**32))
    assert not (tmp_path / "tuned").exists()


def test_token_ids_behind_the_embeddings(tmp_path: Path) -> None:
    """Told before anything is trained, by `finetune` and by `plan`."""
    folder = Path(shutil.copytree(tiny_model("roberta"), tmp_path / "model"))
    weights = load_file(folder / "model.safetensors")
    key = "roberta.embeddings.word_embeddings.weight"
    weights[key] = weights[key][:50].clone()
    weights["lm_head.bias"] = weights["lm_head.bias"][:50].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    known = json.loads((folder / "config.json").read_text()) | {"vocab_size": 50}
    (folder / "config.json").write_text(json.dumps(known))
    study = config(tmp_path, examples).model_copy(update={"model": str(folder)})
    for call in (plan_study, lambda study: finetune(study, tmp_path / "tuned", FAST)):
        with pytest.raises(ModelError) as caught:
            call(study)
        assert_one_line(caught.value, f"tokenizer of {folder}", "below 50", "belongs to the weights")
