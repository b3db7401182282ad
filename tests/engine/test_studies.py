"""Studies on every engine: what is written is the same, byte for byte, times aside."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neurosieve.activations import ActivationStore, ExtractionOptions, extract
from neurosieve.engine.engine_choice import OnWorkers
from neurosieve.parts import running_on
from neurosieve.studies import intervene, run_concepts, run_study
from neurosieve.studies.option_models import InterventionOptions
from tests.shared import HOME, once
from tests.studies import CONCEPTS, contents, finished_concepts, quick
from tests.tiny import tiny_dataset, tiny_loaded, tiny_sample

MANY_SHARDS = ExtractionOptions(dtype="float32", batch_tokens=64, shard_bytes=6000)
TIMED = {"seconds", "peak_rss_mb", "sha256"}


def lasting(value: Any) -> Any:
    """Without times, memory, and hashes of what has those."""
    if isinstance(value, dict):
        return {k: lasting(v) for k, v in value.items() if k not in TIMED}
    return [lasting(v) for v in value] if isinstance(value, list) else value


def written(folder: Path, leave_out: str = "") -> dict[str, Any]:
    """All files: JSON without times, others as bytes; no page and no times."""
    files = {k: v for k, v in contents(folder).items() if k not in ("report.html", "seconds.json")}
    kept = {k: v for k, v in files.items() if not (leave_out and k.startswith(leave_out)) and "/." not in f"/{k}"}
    return {k: lasting(json.loads(v)) if k.endswith(".json") else v for k, v in kept.items()}


@pytest.fixture(autouse=True)
def many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small stores have many shards, and sums many parts."""
    monkeypatch.setattr("neurosieve.activations.store.PARTS", 3)
    monkeypatch.setattr("neurosieve.studies.inputs.ExtractionOptions", partial(ExtractionOptions, shard_bytes=20_000))


def assert_equal(here: dict[str, Any], there: dict[str, Any]) -> None:
    """The same files with the same content."""
    assert here.keys() == there.keys()
    assert not [name for name in here if here[name] != there[name]]


def test_stores_are_equal(crew: Any, tmp_path: Path) -> None:
    def run(folder: Path) -> ActivationStore:
        return extract(tiny_loaded("roberta"), tiny_dataset(), tiny_sample(), folder, MANY_SHARDS)

    here = run(tmp_path / "here")
    with running_on(OnWorkers(crew)):
        run(tmp_path / "there")
    assert len(here.manifest.shards) > 3
    assert_equal(written(tmp_path / "here"), written(tmp_path / "there"))


def test_runs_are_equal(crew: Any, tmp_path: Path) -> None:
    config = quick(untrained_seeds=2, control_draws=2, disjoint_splits=2)
    run_study(config, tmp_path / "here")
    with running_on(OnWorkers(crew)):
        run_study(config, tmp_path / "there")
    here = written(tmp_path / "here")
    assert "untrained-1.json" in here
    assert_equal(here, written(tmp_path / "there"))


def concepts(folder: Path, **how: Any) -> dict[str, Any]:
    """What is found and written in one folder; without activations, whose shards differ."""
    run_concepts(quick(concepts=CONCEPTS | {"evidence": 2}, untrained_seeds=1, batch_tokens=256), folder, **how)
    found = written(folder, leave_out="concepts/detect/")
    if not how:
        assert len(ActivationStore(folder / "concepts" / "predict").parts("train")) > 1  # something is merged
    return found


@once
def concepts_here() -> dict[str, Any]:
    """Those of one process with a store."""
    return concepts(HOME / "engine-concepts")


def test_concepts_are_equal(crew: Any, tmp_path: Path) -> None:
    with running_on(OnWorkers(crew)):
        assert_equal(concepts_here(), concepts(tmp_path / "there"))


def test_concepts_without_a_store_are_equal(tmp_path: Path, processes: Any) -> None:
    with running_on(OnWorkers(processes)):
        found = concepts(tmp_path / "run", no_store=True)
    here = {k: v for k, v in concepts_here().items() if not k.startswith("concepts/predict/")}
    assert_equal(here, found)
    assert not list((tmp_path / "run").rglob("*.parquet"))


def test_runs_without_a_store_are_equal(tmp_path: Path) -> None:
    run_study(quick(), tmp_path / "stored")
    run_study(quick(), tmp_path / "run", no_store=True)
    assert_equal(written(tmp_path / "stored", leave_out="activations/"), written(tmp_path / "run"))


def test_interventions_are_equal(crew: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the run that is continued has shards of another size
    options = InterventionOptions(concept="lexical=number", edit="ablate", sets=20, tokens=600, share=0.2)

    def effect(folder: Path) -> dict[str, Any]:
        shutil.copytree(finished_concepts(), folder)
        intervene(folder, options)
        found: dict[str, Any] = lasting(json.loads((folder / "interventions" / options.file).read_text()))
        return found

    here = effect(tmp_path / "here")
    with running_on(OnWorkers(crew)):
        assert effect(tmp_path / "there") == here
    assert here["random_sets"] == 20
