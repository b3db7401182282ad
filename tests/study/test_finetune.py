"""Fine-tuning tiny models on a hundred rows: an ordinary folder comes out, and a stop loses nothing."""

import importlib.util
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, Trainer

from neurosieve.config import StudyConfig, make_config
from neurosieve.errors import ConfigError, DataError, ModelError, NeurosieveError, ResourceError, RunFolderError
from neurosieve.finetune import Finetuned, FinetuneOptions, finetune
from neurosieve.finetune_rows import split_inputs
from neurosieve.models import inspect_model, load_model
from neurosieve.plan import plan_study
from neurosieve.study import read_dataset
from tests.study import write_data
from tests.tiny import assert_one_line, quiet_transformers, tiny_model

FAST = FinetuneOptions(epochs=2, rate=3e-3, batch=8)


def examples(folder: Path) -> dict[str, Any]:
    """A hundred functions; the label is the sign in them."""
    for split, count in (("train", 60), ("valid", 20), ("test", 20)):
        rows = [{"func": f"def f{split}{i}(a): return a {'+-'[i % 2]} {i}", "target": i % 2} for i in range(count)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return {"task": "defect-detection"}


def pairs(folder: Path) -> dict[str, Any]:
    rng = random.Random(0)
    for split, count in (("train", 60), ("valid", 20), ("test", 20)):
        rows = [
            {
                "doc": f"{split} {'plus' if i % 2 else 'minus'} {i}",
                "code": f"a {rng.choice('+-')} {i}{split}",
                "label": i % 2,
            }
            for i in range(count)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return {"task": "code-search"}


def tokens(folder: Path) -> dict[str, Any]:
    write_data(folder)
    return {"task": "token-tagging", "classes": ["NUM", "SIGN"]}


TASKS: tuple[Callable[[Path], dict[str, Any]], ...] = (examples, pairs, tokens)


def config(folder: Path, task: Callable[[Path], dict[str, Any]], model: str = "roberta", **more: Any) -> StudyConfig:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    values = {"model": str(tiny_model(model)), "data": str(data), "device": "cpu", "bootstrap": 100}
    return make_config(options=values | task(data) | more)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", ["roberta", "gpt2"])
def test_an_ordinary_folder(task: Callable[[Path], dict[str, Any]], model: str, tmp_path: Path) -> None:
    study = config(tmp_path, task, model)
    found = finetune(study, tmp_path / "tuned", FAST)
    record = found.record
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


def test_it_learns(tmp_path: Path) -> None:
    """Labels follow from letters: a head on a tiny model learns them, and the majority class does not."""
    record = finetune(config(tmp_path, tokens, "modernbert"), tmp_path / "tuned", FinetuneOptions(6, 3e-3, 8)).record
    assert record["test"] > record["majority"] + 0.2


def test_a_stop_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = config(tmp_path, examples)
    whole = finetune(study, tmp_path / "whole", FAST)
    right = Trainer.evaluate

    def die(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.epoch > 1.5:
            raise KeyboardInterrupt
        return right(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", die)
        with pytest.raises(KeyboardInterrupt):
            finetune(study, tmp_path / "stopped", FAST)
    assert not (tmp_path / "stopped" / "finetune.json").exists()
    again = finetune(study, tmp_path / "stopped", FAST)
    assert again.record["test"] == whole.record["test"]
    assert [e["epoch"] for e in again.record["epochs"]] == [1.0, 2.0]
    states = [load_model(f.folder, device="cpu").network.state_dict() for f in (whole, again)]
    assert all(torch.allclose(states[0][k], states[1][k], atol=1e-6) for k in states[0])


def test_a_finished_one_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = config(tmp_path, examples)
    first = finetune(study, tmp_path / "tuned", FAST)
    monkeypatch.setattr(Trainer, "train", None)
    assert finetune(study, tmp_path / "tuned", FAST).record == first.record


def test_stops_early(tmp_path: Path) -> None:
    study = config(tmp_path, examples)
    record = finetune(study, tmp_path / "tuned", FinetuneOptions(epochs=9, rate=0.0, batch=8, patience=2)).record
    assert len(record["epochs"]) == 3  # nothing changes after the first


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


def test_a_family_without_such_a_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = config(tmp_path, examples)
    message = "Unrecognized configuration class Foo for this kind of AutoModel"

    def none(*_: Any, **__: Any) -> None:
        raise ValueError(message)

    monkeypatch.setattr(AutoModelForSequenceClassification, "from_pretrained", none)
    refused(ModelError, study, tmp_path / "out", "roberta", "head for sequences")


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
    found = Finetuned(tmp_path, {"test": 0.5, "epochs": [{"epoch": 1.0, "loss": 0.1, "validation": 0.5}]})
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
    "other shapes": (wider, "the shapes that the config tells"),
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
    assert finetune(study, tmp_path / "tuned", FAST).record["labels"] == ["0", "1"]


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
