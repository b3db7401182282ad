"""The commands that write into folders, on tiny data and a tiny model, and what they leave that has to be equal."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli import options
from tests.studies import data_folder, finished_concepts, finished_quick
from tests.tiny import tiny_model

_VOLATILE = {"seconds", "peak_rss_mb", "sha256", "speeds", "train_seconds"}
_CONCEPTS = "--language python --properties lexical --tokens 400,150,300 --set concepts.rounds=7"
_CONCEPTS += " --set concepts.min_rows=5 --set concepts.clusters=[] --set concepts.evidence=0"
_EDIT = "--concept lexical=number --edit ablate --sets 20 --tokens 600 --share 0.2"


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        name: Of the command.
        start: What its folder holds before; None: there is no folder.
        arguments: With the folder.
        results: Files of the folder that hold what it finds.
    """

    name: str
    start: Callable[[], Path] | None
    arguments: Callable[[Path], list[str]]
    results: tuple[str, ...]

    def prepare(self, folder: Path) -> None:
        """Make the folder's beginning."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if self.start is not None:
            shutil.copytree(self.start(), folder / "run")

    def outcome(self, folder: Path) -> dict[str, Any]:
        """What it found; times and memory left out."""
        return {name: _content(folder / name) for name in self.results}


def _content(path: Path) -> Any:
    if path.suffix != ".json":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return _lasting(json.loads(path.read_text(encoding="utf-8")))


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _lasting(v) for k, v in value.items() if k not in _VOLATILE and not k.startswith("intervene")}
    return [_lasting(v) for v in value] if isinstance(value, list) else value


def _in(folder: Path, name: str) -> str:
    return str(folder / name)


JOBS = (
    Job("run", None, lambda f: ["run", *options(), "--out", _in(f, "run")], ("run/summary.json",)),
    Job(
        "concepts",
        lambda: finished_quick().folder,
        lambda f: ["concepts", _in(f, "run"), *_CONCEPTS.split()],
        ("run/concepts.json",),
    ),
    Job(
        "intervene",
        finished_concepts,
        lambda f: ["intervene", _in(f, "run"), *_EDIT.split()],
        ("run/interventions/lexical=number-ablate.json",),
    ),
    Job(
        "finetune",
        None,
        lambda f: [
            *("finetune", "--model", str(tiny_model("bert")), "--data", str(data_folder()), "--out", _in(f, "tuned")),
            *("--epochs", "3", "--rate", "0.003", "--device", "cpu"),
        ],
        ("tuned/model.safetensors", "tuned/finetune.json"),
    ),
    Job(
        "export",
        lambda: finished_quick().folder,
        lambda f: ["export", _in(f, "run"), "--out", _in(f, "small"), "--brief", "--delta", "0.9"],
        ("small/outputs.safetensors",),
    ),
)
