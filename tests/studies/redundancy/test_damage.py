"""Files of a run that were damaged, changed or put in another's place: one line names them, and none is used."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import RunFolderError, StoreError
from neurosieve.results import to_json
from neurosieve.studies.finished import load_interventions
from neurosieve.studies.redundancy.run import run_study
from neurosieve.studies.run_folder import config_of
from tests.studies import copy_run, finished, finished_quick, lasting, quick, refused, unmarked
from tests.tiny import assert_one_line


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 0xFF
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("spoil", [cut, flip, Path.unlink])
@pytest.mark.parametrize("name", ["shard-00001.safetensors", "rows-00002.parquet"])
def test_damaged_shard_is_named(name: str, spoil: Callable[[Path], None], tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    (folder / "summary.json").unlink()
    spoil(folder / "activations" / name)
    assert isinstance(refused(folder, name, "delete", "the same command"), StoreError)


def test_damaged_store_is_written_anew_when_deleted(tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    (folder / "summary.json").unlink()
    flip(folder / "activations" / "shard-00001.safetensors")
    refused(folder, "delete the store's folder")
    shutil.rmtree(folder / "activations")  # as the message says
    assert lasting(to_json(run_study(quick(), folder))) == lasting(finished_quick().record)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("selection.json", cut),
        ("selection.safetensors", cut),
        ("selection.safetensors", Path.unlink),
        ("layers.json", cut),
        ("clusters.safetensors", cut),
        ("pipeline.json", cut),
        ("controls.safetensors", Path.unlink),
        ("untrained-0.json", cut),
        ("seconds.json", cut),
        ("summary.json", cut),
    ],
)
def test_damaged_stage_file_is_named(name: str, spoil: Callable[[Path], None], tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    if name != "summary.json":
        (folder / "summary.json").unlink()
    spoil(folder / name)
    error = refused(folder, name, "delete")
    assert "store's folder" not in error.remedy  # the activations are whole


def test_results_of_another_study_are_refused(tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    (folder / "summary.json").write_bytes((finished().folder / "summary.json").read_bytes())
    refused(folder, "summary.json", "those of another study", "delete the file")


@pytest.mark.parametrize("name", ["selection", "untrained-0"])
def test_stage_of_another_study_is_named(name: str, tmp_path: Path) -> None:
    """Whole in itself, and not of this run."""
    folder = copy_run(tmp_path)
    (folder / "summary.json").unlink()
    for path in finished().folder.glob(f"{name}.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    refused(folder, f"{name}.json", "those of another study", "delete")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("selection.safetensors", "layers.safetensors"),
        ("layers.json", "clusters.json"),
        ("untrained-0.json", "seconds.json"),
    ],
)
def test_file_in_the_place_of_another_is_named(name: str, other: str, tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    (folder / "summary.json").unlink()
    (folder / name).write_bytes((folder / other).read_bytes())
    refused(folder, name, "sha256", "delete")


@pytest.mark.parametrize("name", ["summary.json", "selection.json", "untrained-0.json", "activations/manifest.json"])
def test_records_of_earlier_versions_are_read(name: str, tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    if name != "summary.json":
        (folder / "summary.json").unlink()
    (folder / name).write_text(json.dumps(unmarked(json.loads((folder / name).read_text()))))
    found = to_json(run_study(quick(), folder)) | {"study_sha256": finished_quick().record["study_sha256"]}
    assert lasting(found) == lasting(finished_quick().record)


STAGES = ("selection.json", "layers.json", "clusters.json", "pipeline.json", "controls.json", "untrained-0.json")
RECORDS = (*STAGES, "seconds.json", "summary.json", "activations/manifest.json")
ODD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda record: [record],
    "a null": lambda record: record | {next(iter(record)): None},
    "a text": lambda record: record | {next(iter(record)): "x"},
    "not a number": lambda record: record | {next(iter(record)): float("nan")},
    "less": lambda record: dict(list(record.items())[1:]),
    "more": lambda record: record | {"more": 1},
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("change", ODD)
def test_changed_record_is_named(name: str, change: str, tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    if name != "summary.json":
        (folder / "summary.json").unlink()
    (folder / name).write_text(json.dumps(ODD[change](json.loads((folder / name).read_text()))))
    refused(folder, name, "delete")


@pytest.mark.parametrize("name", RECORDS)
def test_order_of_keys_and_white_space_do_not_count(name: str, tmp_path: Path) -> None:
    folder = copy_run(tmp_path)
    if name != "summary.json":
        (folder / "summary.json").unlink()
    (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()), sort_keys=True))
    assert lasting(to_json(run_study(quick(), folder))) == lasting(finished_quick().record)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("selection.json", {"probes": {}}),
        ("selection.json", {"probes": None}),
        ("selection.json", {"record": []}),
        ("layers.json", {"record": {"layers": None}}),
        ("layers.json", {"record": {"layers": -1}}),
        ("untrained-0.json", {"seed": 4}),
        ("untrained-0.json", {"predicted": [0]}),
        ("untrained-0.json", {"layers": None}),
        ("seconds.json", {"layers": "long"}),
        ("activations/manifest.json", {"shards": None}),
        ("activations/manifest.json", {"shards": [{}]}),
        ("activations/manifest.json", {"width": "16"}),
        ("activations/manifest.json", {"width": -1}),
        ("activations/manifest.json", {"layers": -1}),
        ("activations/manifest.json", {"sides": 3}),
        ("activations/manifest.json", {"shards": []}),
    ],
)
def test_odd_record_of_an_earlier_version_is_named(name: str, change: dict[str, Any], tmp_path: Path) -> None:
    """No hash tells of it; the types and the parts that belong together do."""
    folder = copy_run(tmp_path)
    (folder / "summary.json").unlink()
    (folder / name).write_text(json.dumps(unmarked(json.loads((folder / name).read_text())) | change))
    refused(folder, name, "delete")


def test_intervention_under_another_name_is_refused(tmp_path: Path) -> None:
    """A record is one of its place too."""
    folder = copy_run(tmp_path) / "interventions"
    folder.mkdir()
    shutil.copy(folder.parent / "summary.json", folder / "lexical=number-ablate.json")
    with pytest.raises(RunFolderError) as caught:
        load_interventions(folder.parent)
    assert_one_line(caught.value, "interventions/lexical=number-ablate.json", "sha256", "delete the file")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format: 1\nstudy: {model: m, nosuch: 3}\ndata_hashes: {}\n", ("option 'nosuch'", "put the file back")),
        ("format: 1\nstudy: {model: m, seed: x}\ndata_hashes: {}\n", ("option seed", "put the file back")),
        ("format: 1\nstudy: [", ("readable study.yaml", "another --out or run folder")),
        ("format: 2\n", ("format version 1", "version 2", "another --out or run folder")),
        ("format: 1\nstudy: 3\n", ("the key study", "another --out or run folder")),
    ],
)
def test_odd_study_is_named(text: str, says: tuple[str, ...], tmp_path: Path) -> None:
    """Not as an option that somebody gave, and not as a store."""
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(RunFolderError) as caught:
        config_of(tmp_path)
    assert_one_line(caught.value, "study.yaml", *says)
    assert "store" not in caught.value.remedy
