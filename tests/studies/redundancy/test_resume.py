"""A run that was killed anywhere goes on to the same summary; the folder of another study is refused."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from neurosieve.activations.store import ActivationStore
from neurosieve.errors import NeurosieveError, RunFolderError, StoreError
from neurosieve.models import CodeModel
from neurosieve.redundancy import cluster_probes as clusters_module
from neurosieve.redundancy import control_probes as controls_module
from neurosieve.redundancy import layers as layers_module
from neurosieve.redundancy import pipeline as pipeline_module
from neurosieve.redundancy import untrained_copies as untrained_module
from neurosieve.results import RedundancyResult, to_json
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import write_object
from neurosieve.studies import inputs as inputs_module
from neurosieve.studies.inputs import extract_stage, read_data
from neurosieve.studies.redundancy import choose as choose_module
from neurosieve.studies.redundancy import run as run_module
from neurosieve.studies.redundancy import selection as selection_module
from neurosieve.studies.redundancy.run import run_study
from neurosieve.studies.run_folder import RunFolder
from tests.studies import STAGES, contents, copy_run, data_folder, finished_quick, lasting, quick, refused
from tests.tiny import assert_one_line

STAGE_FILES = ("selection", "layers", "clusters", "pipeline", "controls", "untrained-0")
MAKERS = ("select", "fit_layers", "general_stage", "run_pipeline", "fit_controls", "read_untrained")


@pytest.fixture(autouse=True)
def whole_run() -> None:
    """The uninterrupted run to compare with is made before a test takes the work's parts away."""
    finished_quick()


class Kill(NamedTuple):
    """What is called just then, the call (or the file named in it) at which the run dies, and what is whole by then.

    `shards` is their number, -1 for all and the mark that they are all; `stages` that of the stage files.
    """

    owner: Any
    name: str
    call: int | str
    shards: int
    stages: int = 0


KILLS: dict[str, Kill] = {
    "before the model is loaded": Kill(inputs_module, "load_model", 1, 0),
    "in the first forward pass": Kill(CodeModel, "states", 1, 0),
    "before the first shard": Kill(ActivationStore, "write", 1, 0),
    "after the first shard": Kill(ActivationStore, "write", 2, 1),
    "before the extraction is called complete": Kill(ActivationStore, "save_manifest", 5, 3),
    "in the selection": Kill(selection_module, "SetSearch", 4, -1),
    "between the selection's files": Kill(Folder, "write", "selection.json", -1),
    "in the layers": Kill(layers_module, "fit_probe", 4, -1, 1),
    "between the layers' files": Kill(Folder, "write", "layers.json", -1, 1),
    "in the clusters": Kill(clusters_module, "fit_features", 2, -1, 2),
    "between the clusters' files": Kill(Folder, "write", "clusters.json", -1, 2),
    "in the pipeline": Kill(pipeline_module, "_smallest", 2, -1, 3),
    "between the pipeline's files": Kill(Folder, "write", "pipeline.json", -1, 3),
    "in the controls": Kill(controls_module, "fit_own_path", 2, -1, 4),
    "between the controls' files": Kill(Folder, "write", "controls.json", -1, 4),
    "in an untrained copy": Kill(untrained_module, "fit_own_path", 1, -1, 5),
    "before an untrained copy is written": Kill(untrained_module, "Untrained", 1, -1, 5),
    "when the test split is opened": Kill(run_module, "summarise", 1, -1, 6),
    "before the summary is written": Kill(RunFolder, "peak_rss_mb", 1, -1, 6),
}


@contextlib.contextmanager
def killed_at(moment: str) -> Iterator[None]:
    owner, name, call = KILLS[moment][:3]
    right, count = getattr(owner, name), itertools.count(1)

    def die(*args: Any, **kwargs: Any) -> Any:
        if next(count) == call or (isinstance(call, str) and call in args[1:2]):
            raise KeyboardInterrupt
        return right(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, die)
        yield


def forbid(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("work was done again")

    for name in names:
        owners = [m for m in (inputs_module, choose_module, run_module) if hasattr(m, name)]
        monkeypatch.setattr(owners[0], name, fail)


def shards(folder: Path) -> int:
    store = folder / "activations"
    manifest = ActivationStore(store).manifest if ActivationStore.started(store) else None
    return (-1 if manifest.complete else len(manifest.shards)) if manifest else 0


# Each alone; `test_run_killed_at_every_stage_in_turn` has all of them in every run of the tests.
FEW: tuple[str, ...] = (
    "after the first shard",
    "between the selection's files",
    "before the summary is written",
)


@pytest.mark.parametrize("moment", [pytest.param(m, marks=[] if m in FEW else pytest.mark.slow) for m in KILLS])
def test_killed_run_goes_on(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with killed_at(moment), pytest.raises(KeyboardInterrupt):
        run_study(quick(), tmp_path)
    kill = KILLS[moment]
    assert shards(tmp_path) == kill.shards
    there = tuple(name for name in STAGE_FILES if (tmp_path / f"{name}.json").exists())
    assert there == STAGE_FILES[: kill.stages]
    half = [p.stem for p in tmp_path.glob("*.safetensors") if not p.with_suffix(".json").exists()]
    assert half == ([STAGE_FILES[kill.stages]] if moment.endswith("files") else [])
    if kill.shards == -1:
        forbid(monkeypatch, "extract", *MAKERS[: kill.stages])
    if kill.stages == len(STAGE_FILES):
        forbid(monkeypatch, "load_model")
    assert not (tmp_path / "summary.json").exists()
    summary = run_study(quick(), tmp_path)
    assert lasting(to_json(summary)) == lasting(finished_quick().record)
    assert set(to_json(summary)["seconds"]) == set(STAGES)
    assert not list(tmp_path.rglob("*.part"))


def test_run_killed_at_every_stage_in_turn(tmp_path: Path) -> None:
    for moment in KILLS:
        with contextlib.suppress(KeyboardInterrupt), killed_at(moment):
            run_study(quick(), tmp_path)
    assert lasting(to_json(run_study(quick(), tmp_path))) == lasting(finished_quick().record)


def test_finished_run_is_read_and_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_run(tmp_path)
    before = contents(folder)
    forbid(monkeypatch, "load_model", "extract", "choose", "summarise")
    assert to_json(run_study(quick(), folder)) == finished_quick().record
    assert contents(folder) == before


def test_lost_summary_is_made_from_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_run(tmp_path)
    (folder / "summary.json").unlink()
    forbid(monkeypatch, "load_model", "extract", *MAKERS)
    assert lasting(to_json(run_study(quick(), folder))) == lasting(finished_quick().record)


def test_seed_moves_the_rows(tmp_path: Path) -> None:
    other = to_json(run_study(quick(seed=1), tmp_path))
    assert other["oracle"]["path"] != finished_quick().record["oracle"]["path"]
    assert other["rows"] == finished_quick().record["rows"]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"seed": 7}, ("seed 0 → 7",)),
        ({"deltas": [0.4]}, ("deltas [0.3] → [0.4]",)),
        ({"classes": ["NUM", "SIGN"], "bootstrap": 150}, ("classes None → ['NUM', 'SIGN']", "bootstrap 100 → 150")),
        ({"rows": {"train": 41, "validation": 12, "test": 20}}, ("rows", "'train': 40", "'train': 41")),
        ({"model": "elsewhere"}, ("model", "→ 'elsewhere'")),
    ],
)
def test_changed_option_is_named(options: dict[str, Any], parts: tuple[str, ...], tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    error = refused(folder, str(folder), *parts, "--out", **options)
    assert isinstance(error, RunFolderError)
    assert "lambdas" not in str(error)


def test_changed_data_is_named(tmp_path: Path) -> None:
    data = Path(shutil.copytree(data_folder(), tmp_path / "data"))
    out, options = tmp_path / "run", {"data": str(data), "classes": ["NUM", "SIGN"]}
    with killed_at("after the first shard"), pytest.raises(KeyboardInterrupt):
        run_study(quick(**options), out)
    (data / "test.in").write_text((data / "test.in").read_text().replace("1", "2"))
    error = refused(out, "content of test.in", **options)
    assert "train.in" not in str(error)


@pytest.mark.parametrize("change", [{"format": 99}, {"format": None}, {"format": "1.0"}])
def test_other_format_version(change: dict[str, Any], tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))
    refused(folder, "format version 1", f"version {change['format']}", "--out")


def test_other_store_format(tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    (folder / "summary.json").unlink()
    manifest = folder / "activations" / "manifest.json"
    write_object(Folder(manifest.parent), manifest.name, json.loads(manifest.read_text()) | {"format": 99})
    refused(folder, "format version 1", "version 99")


def test_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    assert isinstance(refused(tmp_path, "thesis.tex", "--out"), RunFolderError)


def assert_begins(folder: Path) -> None:
    """A study gets as far as the first forward pass there."""
    with killed_at("in the first forward pass"), pytest.raises(KeyboardInterrupt):
        run_study(quick(), folder)


def test_hidden_files_do_not_make_a_folder_foreign(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / ".study.yaml.part").write_text("form")
    assert_begins(tmp_path)


STUDIES: dict[str, bytes] = {
    "no YAML": b"format: [1\n  study: {",
    "no UTF-8": b"format: 1\nstudy: caf\xe9\n",
    "empty": b"",
    "a list": b"- format: 1\n",
    "no study": b"format: 1\n",
    "a study that is a word": b"format: 1\nstudy: java\ndata_hashes: {}\n",
    "no hashes": b"format: 1\nstudy: {}\n",
}


@pytest.mark.parametrize("case", STUDIES)
def test_broken_study_record(case: str, tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    (folder / "study.yaml").write_bytes(STUDIES[case])
    assert isinstance(refused(folder, str(folder)), RunFolderError)


@pytest.mark.parametrize(
    "wrong", [{"model": "/no/such/model"}, {"device": "cuda:99"}, {"max_tokens": 1}], ids=["model", "device", "tokens"]
)
def test_mended_option_after_a_start_that_wrote_nothing(wrong: dict[str, Any], tmp_path: Path) -> None:
    """A typing error that was refused does not keep the folder for itself."""
    with pytest.raises(NeurosieveError):
        run_study(quick(**wrong), tmp_path)
    assert_begins(tmp_path)


def test_extract_stage_then_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = read_data(quick())
    assert extract_stage(quick(), data, RunFolder(tmp_path, quick(), data.hashes)).manifest.complete
    forbid(monkeypatch, "extract")
    summary: RedundancyResult = run_study(quick(), tmp_path)
    assert lasting(to_json(summary)) == lasting(finished_quick().record)
    assert to_json(summary)["seconds"]["extract"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("awaited", ["study.yaml", "activations/manifest.json", "selection.safetensors"])
def test_real_kill(awaited: str, tmp_path: Path) -> None:
    """SIGKILL as soon as a file shows itself; the same command in a new process ends with the same summary."""
    options = yaml.safe_dump(quick().model_dump(mode="json"))
    (tmp_path / "quick.yaml").write_text(options)
    command = [sys.executable, "-m", "neurosieve", "run", str(tmp_path / "quick.yaml"), "--out", str(tmp_path / "run")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    while process.poll() is None and not (tmp_path / "run" / awaited).exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ended = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=True)
    assert lasting(json.loads(ended.stdout)) == lasting(finished_quick().record)


def test_the_study_of_another_process_is_not_written_over(tmp_path: Path) -> None:
    hashes = read_data(quick()).hashes
    refused = RunFolderError("it", expected="this", got="that", remedy="mend it")
    with pytest.raises(RunFolderError), RunFolder.begun(tmp_path, quick(), hashes):
        raise refused
    assert contents(tmp_path) == {}  # what it began itself and had nothing of
    RunFolder(tmp_path, quick(), hashes)
    before = contents(tmp_path)
    with pytest.raises(RunFolderError) as caught:
        RunFolder(tmp_path, quick(seed=1), hashes)
    assert_one_line(caught.value, "seed 0 → 1", "--out")
    with pytest.raises(RunFolderError), RunFolder.begun(tmp_path, quick(), hashes):
        raise refused
    assert contents(tmp_path) == before


def test_shard_damaged_before_the_extraction_went_on(tmp_path: Path) -> None:
    with killed_at("after the first shard"), pytest.raises(KeyboardInterrupt):
        run_study(quick(), tmp_path)
    path = tmp_path / "activations" / "shard-00000.safetensors"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(StoreError) as caught:
        run_study(quick(), tmp_path)
    assert_one_line(caught.value, "shard-00000.safetensors")
