"""A small tagging data set, a study of it with a tiny random model, and one finished run that tests share."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neurosieve.activations.store import Activations, ActivationStore
from neurosieve.errors import NeurosieveError
from neurosieve.results import RedundancyResult, from_json, to_json
from neurosieve.studies.concepts.run import continue_concepts
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.redundancy.run import run_study
from tests.shared import HOME, once
from tests.tiny import assert_one_line, tiny_model

LABELS = ("NAME", "NUM", "SIGN")
ROWS = {"train": 60, "validation": 30, "test": 30}
FEW = {"train": 40, "validation": 12, "test": 20}
LOOSE = {"bootstrap": 100, "deltas": [0.3], "lambdas": 12, "select": ["point"]}
SMALL = {"control_draws": 1, "disjoint_splits": 2, "untrained_seeds": 1, "thresholds": [0.3, 0.6]}
# For tests of what is around a study, not of what it finds.
FASTEST: dict[str, Any] = {"rankings": ["lca"], "thresholds": [0.3], "pipeline_thresholds": [0.3]}
FASTEST |= {"control_draws": 0, "disjoint_splits": 0, "untrained_seeds": 0}
LINES = {"train": 60, "valid": 30, "test": 30}
STAGES = ("extract", "selection", "layers", "clusters", "pipeline", "controls", "untrained", "test")
CONCEPTS: dict[str, Any] = {"language": "python", "properties": ["lexical"], "tokens": [2000, 1000, 1000]}
CONCEPTS |= {"rounds": 7, "min_rows": 5, "clusters": [], "evidence": 0}
VOLATILE = ("seconds", "peak_rss_mb", "sha256")
_HOME = HOME / "studies"


def _word(rng: random.Random, label: str) -> str:
    if label == "SIGN":
        return rng.choice("()[]{}=+-*/<>:;,.")
    alphabet = "0123456789" if label == "NUM" else "abcdefgh"
    return "".join(rng.choices(alphabet, k=rng.randint(1, 4)))


def write_data(folder: Path, *, chance: bool = False) -> Path:
    """Lines of words whose label is what their letters are; with `chance` a label drawn without a look at them."""
    rng = random.Random(3)
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in LINES.items():
        drawn = [rng.choices(LABELS, k=rng.randint(4, 8)) for _ in range(count)]
        words = [[_word(rng, label) for label in line] for line in drawn]
        tags = [rng.choices(LABELS, k=len(line)) for line in drawn] if chance else drawn
        (folder / f"{split}.in").write_text("".join(" ".join(line) + "\n" for line in words))
        (folder / f"{split}.label").write_text("".join(" ".join(line) + "\n" for line in tags))
    return folder


@once
def data_folder(*, chance: bool = False) -> Path:
    """The data set; not to be changed."""
    return write_data(_HOME / f"data-{chance}", chance=chance)


# The data has few lines: rows of one line would be much alike. A precision by the processor is not the same everywhere.
EACH = {"draw": "units", "untrained_precision": "model"}


def study(**options: Any) -> StudyConfig:
    """A study of the small data set."""
    values: dict[str, Any] = {"model": str(tiny_model("bert")), "data": str(data_folder()), "rows": ROWS}
    values |= EACH
    return make_config(options=values | {"device": "cpu", "bootstrap": 200, "deltas": [0.1]} | options)


def quick(**options: Any) -> StudyConfig:
    """A study of few rows and loose search, for tests that need many runs.

    So few rows bound no loss: by the safe rule each order would be searched up to all neurons.
    """
    return study(**{"rows": FEW} | LOOSE | SMALL | options)


def lasting(record: dict[str, Any]) -> dict[str, Any]:
    """What two runs of one study have in common."""
    return {k: v for k, v in record.items() if k not in VOLATILE}


def unmarked(record: dict[str, Any]) -> dict[str, Any]:
    """A record as earlier versions wrote it, with no hash: neither of itself, nor of the study, nor of its tensors."""
    old = {key: value for key, value in record.items() if not key.endswith("sha256")}
    assert len(old) < len(record)
    return old


@dataclass(frozen=True)
class Finished:
    """A run that ended; `reads` are the splits that were read, each with whether the selection was saved by then."""

    config: StudyConfig
    folder: Path
    summary: RedundancyResult
    reads: tuple[tuple[str, bool], ...]

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        return record

    @property
    def store(self) -> ActivationStore:
        return ActivationStore(self.folder / "activations")


def _finish(config: StudyConfig, name: str) -> Finished:
    folder, reads, right = _HOME / name, [], ActivationStore.read

    def read(self: ActivationStore, split: Any, *args: Any) -> Activations:
        reads.append((str(split), (folder / "selection.json").is_file()))
        return right(self, split, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ActivationStore, "read", read)
        summary = run_study(config, folder)
    return Finished(config, folder, summary, tuple(reads))


@once
def finished() -> Finished:
    """A finished run; not to be changed."""
    return _finish(study(lambdas=12, **SMALL | {"control_draws": 2, "untrained_seeds": 2}), "run")


@once
def finished_quick() -> Finished:
    """A finished run of the quick study; not to be changed."""
    return _finish(quick(), "quick")


@once
def finished_concepts() -> Path:
    """The folder of that run with its concepts; not to be changed."""
    folder = Path(shutil.copytree(finished_quick().folder, _HOME / "concepts"))
    continue_concepts(folder, CONCEPTS)
    return folder


@once
def finished_at_chance() -> Finished:
    """A finished run on labels without a cause; not to be changed."""
    return _finish(quick(data=str(data_folder(chance=True)), rows=ROWS), "chance")


@once
def finished_published() -> Finished:
    """A finished run of the quick study with the published study's choices too; not to be changed."""
    return _finish(quick(protocol="published"), "published")


def assert_file_holds_the_result(folder: Path) -> None:
    """What is read from a run's summary.json is written just as it is there."""
    record = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    result = from_json(RedundancyResult, record, "summary.json")
    assert json.dumps(to_json(result)) == json.dumps(record)


def copy_run(folder: Path) -> Path:
    """The finished run of the quick study, to be changed."""
    return Path(shutil.copytree(finished_quick().folder, folder / "run"))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(folder: Path, *parts: str, **options: Any) -> NeurosieveError:
    """The run is refused in one line, and nothing in the folder changes."""
    before = contents(folder)
    with pytest.raises(NeurosieveError) as caught:
        run_study(quick(**options), folder)
    assert_one_line(caught.value, *parts)
    assert contents(folder) == before
    return caught.value
