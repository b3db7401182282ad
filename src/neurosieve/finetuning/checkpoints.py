"""Checkpoints of a fine-tuning: what they are written with, and of one that was stopped the newest whole one."""

import contextlib
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import Trainer, TrainerCallback

from neurosieve.errors import ResourceError
from neurosieve.progress import print_notes
from neurosieve.storage.bounded_json import bounded_json
from neurosieve.storage.folder import GO_ON

CHECKPOINTS = "checkpoints"
_STATE, _INDEX, _WEIGHTS = "trainer_state.json", "model.safetensors.index.json", "model.safetensors"
_OF_WRITING = ("I/O error", "StreamWriter failed", "unexpected pos", "iostream error")  # safetensors', torch's
_PICKLED = ("optimizer.pt", "scheduler.pt", "rng_state.pth")


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint; `state` is the content of its `trainer_state.json`."""

    folder: Path
    state: dict[str, Any]

    @property
    def epoch(self) -> int:
        """The epoch after which it was written."""
        return round(float(self.state["epoch"]))

    @property
    def best(self) -> str | None:
        """The name of the best checkpoint until then, which is kept too, or its own."""
        step = self.state["best_global_step"]
        return f"checkpoint-{step}" if step else None

    def parts(self) -> tuple[int, int, str | None, int | None]:
        """All that is asked of the state; an error where it does not say."""
        return int(self.state["global_step"]), self.epoch, self.best, self.last_epoch

    @property
    def last_epoch(self) -> int | None:
        """The epoch after which training ended, by patience or the number of epochs; None if it continues."""
        ended = self.state["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"]
        return self.epoch if ended else None


def newest_whole(folder: Path) -> Checkpoint | None:
    """The checkpoint to continue from, with a line that names it; unusable checkpoints are removed.

    Args:
        folder: Of the model; its checkpoints are in `checkpoints`.
    """
    places = sorted((folder / CHECKPOINTS).glob("checkpoint-*"))
    readable = {p.name: Checkpoint(p, state) for p in places if (state := _whole_state(p)) is not None}
    whole = [c for c in readable.values() if c.best in {None, *readable}]
    usable = {c.folder for c in whole}
    for place in (broken := [p for p in places if p not in usable]):
        shutil.rmtree(place)
    newest = max(whole, key=lambda checkpoint: checkpoint.state["global_step"], default=None)
    if places:
        begin = f"continues from {newest.folder.name}, epoch {newest.epoch}" if newest else "starts again"
        left = f"; not whole, so removed: {', '.join(p.name for p in broken)}" if broken else ""
        print_notes([f"{folder}: {begin}{left}"], always=True)
    return newest


def _whole_state(place: Path) -> dict[str, Any] | None:
    """What Trainer writes last, if this and all before it can be read."""
    try:
        state: dict[str, Any] = bounded_json((place / _STATE).read_bytes())
        index = place / _INDEX
        weights = set(bounded_json(index.read_bytes())["weight_map"].values()) if index.exists() else {_WEIGHTS}
        for name in weights:
            with safe_open(place / name, framework="pt"):
                pass  # detects a file that is shorter than its header says
        Checkpoint(place, state).parts()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, SafetensorError):
        return None
    return state if all(zipfile.is_zipfile(place / name) for name in _PICKLED) else None


class BestHere(TrainerCallback):
    """Looks for the best checkpoint where the folder is now: a checkpoint knows the path that it had then."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called once the state of a checkpoint was read."""
        del control
        if state.best_global_step:
            state.best_model_checkpoint = str(Path(args.output_dir) / f"checkpoint-{state.best_global_step}")


class CarefulTrainer(Trainer):
    """transformers' Trainer; a checkpoint that finds no room is one line."""

    def _save_checkpoint(self, model: Any, *args: Any, **options: Any) -> None:
        with written(Path(str(self.args.output_dir)), model):
            super()._save_checkpoint(model, *args, **options)


@contextlib.contextmanager
def written(folder: Path, network: torch.nn.Module) -> Iterator[None]:
    """While a network is saved; without room each of the libraries that write fails in its own way.

    Raises:
        ResourceError: Full disk, or no right to write.
    """
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as e:
        size = 3 * sum(p.numel() * p.element_size() for p in network.parameters())  # with the optimizer's two moments
        free = shutil.disk_usage(folder).free
        said = " ".join(str(e).split())[:120]
        of_writing = isinstance(e, OSError) or any(sign in said for sign in _OF_WRITING)  # a quota leaves the disk free
        if not of_writing and free >= size:
            raise
        raise ResourceError(
            f"model in {folder}",
            expected=f"room for about {size:,} bytes and the right to write",
            got=(isinstance(e, OSError) and e.strerror) or (said if free >= size else f"{free:,} bytes"),
            remedy=GO_ON,
        ) from e
