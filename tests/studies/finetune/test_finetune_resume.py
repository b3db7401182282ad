"""A fine-tuning that was stopped, wherever that was, ends as one that was not."""

import collections
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Trainer

from neurosieve.errors import ResourceError, RunFolderError
from neurosieve.finetuning.checkpoints import newest_whole
from neurosieve.models import load_model
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.finetune.run import Finetuned, finetune
from neurosieve.studies.option_models import FinetuneOptions
from tests.studies import contents, unmarked
from tests.studies.finetune.tuned import FAST, config, examples
from tests.tiny import assert_one_line

LONG = FinetuneOptions(epochs=6, rate=3e-3, batch=8, patience=2)
BEST_IS_SECOND = (0.5, 0.9, 0.4, 0.3, 0.95, 0.96)  # out of patience after the fourth epoch

Patch = pytest.MonkeyPatch
Stop = tuple[str, int]


def scripted(patch: Patch, stop: Stop | None = None) -> list[Stop]:
    """Validation accuracies are given, and training stops at a place and epoch; gives those that it came by."""
    passed = [("begin", 1)]
    evaluate, save, write = Trainer.evaluate, Trainer.save_model, Trainer._save_rng_state

    def at(place: str, trainer: Any) -> None:
        passed.append((place, round(trainer.state.epoch)))
        if passed[-1] == stop:
            raise KeyboardInterrupt

    def evaluated(self: Any, *args: Any, **kwargs: Any) -> Any:
        at("epoch", self)
        return evaluate(self, *args, **kwargs)

    def written(self: Any, *args: Any) -> None:
        at("checkpoint", self)
        write(self, *args)

    def saved(self: Any, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("_internal_call"):
            at("end", self)
        save(self, *args, **kwargs)

    patch.setattr(Trainer, "evaluate", evaluated)
    patch.setattr(Trainer, "_save_rng_state", written)
    patch.setattr(Trainer, "save_model", saved)
    patch.setattr(
        "neurosieve.studies.finetune.run._accuracy", lambda _: {"accuracy": BEST_IS_SECOND[passed[-1][1] - 1]}
    )
    return passed


def same(one: Finetuned, other: Finetuned) -> None:
    assert one.result == other.result
    states = [load_model(f.folder, device="cpu").network.state_dict() for f in (one, other)]
    assert all(torch.allclose(states[0][k], states[1][k], atol=1e-6) for k in states[0])
    assert not (one.folder / "checkpoints").exists()


def stopped(study: StudyConfig, out: Path, options: FinetuneOptions, stop: Stop) -> None:
    with Patch.context() as patch:
        scripted(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            finetune(study, out, options)
    assert not (out / "finetune.json").exists()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def study(home: Path) -> StudyConfig:
    return config(home, examples)


@pytest.fixture(scope="module")
def whole(study: StudyConfig, home: Path) -> Finetuned:
    """What was never stopped."""
    with Patch.context() as patch:
        scripted(patch)
        return finetune(study, home / "whole", LONG)


@pytest.fixture(scope="module")
def two_checkpoints(study: StudyConfig, home: Path) -> Path:
    """What a stop in the third epoch leaves: checkpoints of the first two."""
    stopped(study, home / "two", LONG, ("epoch", 3))
    return home / "two"


STOPS = (("epoch", 1), ("epoch", 2), ("epoch", 3), ("epoch", 4), ("checkpoint", 1), ("checkpoint", 3), ("end", 4))


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: " ".join(map(str, stop)))
def test_a_stop_loses_nothing(stop: Stop, study: StudyConfig, whole: Finetuned, tmp_path: Path) -> None:
    """Before an epoch's score, in its checkpoint, or before the model is saved; patience ends at the same epoch."""
    assert [e.epoch for e in whole.result.epochs] == [1, 2, 3, 4]
    stopped(study, tmp_path / "stopped", LONG, stop)
    with Patch.context() as patch:
        scripted(patch)
        same(finetune(study, tmp_path / "stopped", LONG), whole)


def test_stopped_in_each_epoch(study: StudyConfig, whole: Finetuned, tmp_path: Path) -> None:
    for stop in STOPS[1:4]:
        stopped(study, tmp_path / "stopped", LONG, stop)
    with Patch.context() as patch:
        scripted(patch)
        same(finetune(study, tmp_path / "stopped", LONG), whole)


def test_stopped_out_of_epochs(study: StudyConfig, tmp_path: Path) -> None:
    """Nothing is left but to save the best; the folder was moved, too."""
    short = FinetuneOptions(epochs=3, rate=3e-3, batch=8)
    with Patch.context() as patch:
        scripted(patch)
        whole = finetune(study, tmp_path / "whole", short)
    stopped(study, tmp_path / "stopped", short, ("end", 3))
    (tmp_path / "stopped").rename(tmp_path / "moved")
    with Patch.context() as patch:
        scripted(patch)
        patch.setattr(Trainer, "training_step", None)
        same(finetune(study, tmp_path / "moved", short), whole)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [Path.unlink, half, emptied])
@pytest.mark.parametrize(
    "name", ["trainer_state.json", "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"]
)
def test_a_broken_checkpoint_is_removed(
    name: str,
    spoil: Callable[[Path], None],
    two_checkpoints: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(shutil.copytree(two_checkpoints, tmp_path / "out"))
    first, second = (folder / "checkpoints" / f"checkpoint-{step}" for step in (8, 16))
    found = newest_whole(folder)
    assert found is not None
    assert found.folder == second
    spoil(second / name)
    found = newest_whole(folder)
    assert found is not None
    assert (found.folder, found.last_epoch, found.state["global_step"]) == (first, None, 8)
    assert not second.exists()
    spoil(first / name)
    assert newest_whole(folder) is None
    assert not first.exists()
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ", 1)[1] for line in said] == [
        "continues from checkpoint-16, epoch 2",
        "continues from checkpoint-8, epoch 1; not whole, so removed: checkpoint-16",
        "starts again; not whole, so removed: checkpoint-8",
    ]


def test_nothing_to_go_on_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert newest_whole(tmp_path) is None
    assert capsys.readouterr().err == ""


def test_the_best_is_needed(two_checkpoints: Path, tmp_path: Path) -> None:
    """Of a checkpoint whose best one is lost the best epoch could not be kept in the end."""
    folder = Path(shutil.copytree(two_checkpoints, tmp_path / "out"))
    first, second = (folder / "checkpoints" / f"checkpoint-{step}" for step in (8, 16))
    state = json.loads((second / "trainer_state.json").read_text())
    assert state["best_global_step"] == 16
    (second / "trainer_state.json").write_text(json.dumps(state | {"best_global_step": 8}))
    found = newest_whole(folder)
    assert found is not None
    assert found.folder == second
    half(first / "model.safetensors")
    assert newest_whole(folder) is None


def test_weights_in_several_files(two_checkpoints: Path, tmp_path: Path) -> None:
    """All that the index names have to be there."""
    folder = Path(shutil.copytree(two_checkpoints, tmp_path / "out"))
    second = folder / "checkpoints" / "checkpoint-16"
    (second / "model.safetensors").rename(second / "part-1.safetensors")
    index = second / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "part-1.safetensors"}}))
    found = newest_whole(folder)
    assert found is not None
    assert found.folder == second
    index.write_text(json.dumps({"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}))
    found = newest_whole(folder)
    assert found is not None
    assert found.folder != second


@pytest.mark.parametrize("spoil", [Path.unlink, half])
def test_goes_on_from_the_whole_one(
    spoil: Callable[[Path], None], study: StudyConfig, whole: Finetuned, two_checkpoints: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(two_checkpoints, tmp_path / "stopped"))
    spoil(folder / "checkpoints" / "checkpoint-16" / "optimizer.pt")
    with Patch.context() as patch:
        passed = scripted(patch)
        same(finetune(study, folder, LONG), whole)
    assert [epoch for place, epoch in passed if place == "epoch"] == [2, 3, 4]


Usage = collections.namedtuple("Usage", "total used free")


def test_out_of_disk(study: StudyConfig, tmp_path: Path) -> None:
    """One line, and the same call goes on when there is room again; any other failure stays as it is."""
    write = Trainer._save_optimizer_and_scheduler

    def full(self: Any, output_dir: str) -> None:
        write(self, output_dir)
        if self.state.epoch > 1:
            half(Path(output_dir) / "optimizer.pt")
            message = "[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"
            raise RuntimeError(message)

    with Patch.context() as patch:
        patch.setattr(Trainer, "_save_optimizer_and_scheduler", full)
        with pytest.raises(ResourceError) as quota:  # a quota: the disk itself has room
            finetune(study, tmp_path / "stopped", FAST)
        assert_one_line(quota.value, str(tmp_path / "stopped"), "unexpected pos", "free some space")
        patch.setattr(shutil, "disk_usage", lambda _: Usage(100, 100, 0))
        with pytest.raises(ResourceError) as caught:
            finetune(study, tmp_path / "stopped", FAST)
    assert_one_line(caught.value, str(tmp_path / "stopped"), "got 0 bytes", "free some space")
    same(finetune(study, tmp_path / "stopped", FAST), finetune(study, tmp_path / "whole", FAST))


def test_no_right_to_write(study: StudyConfig, tmp_path: Path, monkeypatch: Patch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Trainer, "save_model", refused)
    with pytest.raises(ResourceError) as caught:
        finetune(study, tmp_path / "out", FAST)
    assert_one_line(caught.value, "Permission denied", "--out")


@pytest.mark.parametrize("left", ["checkpoints/.options.json.part", "checkpoints/"])
def test_stopped_before_the_options_were_noted(left: str, study: StudyConfig, tmp_path: Path) -> None:
    place = tmp_path / "out" / left
    (place if left.endswith("/") else place.parent).mkdir(parents=True)
    if not left.endswith("/"):
        place.write_text('{"stu')
    assert finetune(study, tmp_path / "out", FAST).result.labels == ("0", "1")


def test_checkpoints_of_others(study: StudyConfig, tmp_path: Path) -> None:
    (tmp_path / "out" / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    with pytest.raises(RunFolderError) as caught:
        finetune(study, tmp_path / "out", FAST)
    assert_one_line(caught.value, "checkpoint-5 in it", "--out")


@pytest.mark.parametrize("text", ["[]", "{}", "null", '{"global_step": "x"}', '{"global_step": 16, "epoch": 2.0}'])
@pytest.mark.parametrize("name", ["trainer_state.json", "model.safetensors.index.json"])
def test_odd_records_of_a_checkpoint(name: str, text: str, two_checkpoints: Path, tmp_path: Path) -> None:
    """Whole as JSON, but not what Trainer writes: such a checkpoint is none."""
    folder = Path(shutil.copytree(two_checkpoints, tmp_path / "out"))
    (folder / "checkpoints" / "checkpoint-16" / name).write_text(text)
    found = newest_whole(folder)
    assert found is not None
    assert found.folder.name == "checkpoint-8"


CHANGES: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[: len(text) // 2],
    "a list": lambda _: "[]",
    "empty": lambda _: "",
    "another figure": lambda text: text.replace('"batch": 8', '"batch": 9'),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["finetune.json", "checkpoints/options.json"])
def test_damaged_records(
    name: str, change: str, study: StudyConfig, whole: Finetuned, two_checkpoints: Path, tmp_path: Path
) -> None:
    source = whole.folder if name == "finetune.json" else two_checkpoints
    folder = Path(shutil.copytree(source, tmp_path / "out"))
    text = (folder / name).read_text()
    (folder / name).write_text(CHANGES[change](text))
    before = contents(folder)
    with pytest.raises(RunFolderError) as caught:
        finetune(study, folder, LONG)
    assert_one_line(caught.value, f"{folder}/{name}", "--out")
    assert contents(folder) == before


def test_record_of_an_earlier_version(study: StudyConfig, whole: Finetuned, tmp_path: Path) -> None:
    """It has no hash, and is read as it is."""
    folder = Path(shutil.copytree(whole.folder, tmp_path / "out"))
    record = unmarked(json.loads((folder / "finetune.json").read_text()))
    (folder / "finetune.json").write_text(json.dumps(record))
    assert finetune(study, folder, LONG).result == whole.result
