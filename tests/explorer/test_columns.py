"""The explorer's own files against the store and the evidence of the report, and what a stop leaves."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.evidence.strongest import Asked, find_evidence
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import ConfigError, NeurosieveError, ResourceError, RunFolderError, StoreError
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.studies.columns.built_files import FOLDER, BuiltFiles
from neurosieve.studies.columns.column_building import build
from neurosieve.studies.columns.column_file import file_name
from neurosieve.studies.columns.token_picks import evidence_of, heat_of, labels_of
from neurosieve.studies.concepts.run import OPTIONS, ConceptWork
from neurosieve.studies.inputs import read_dataset
from neurosieve.studies.option_models import ConceptOptions
from neurosieve.studies.run_folder import RunFolder, config_of
from neurosieve.typing import NeuronId
from tests.tiny import assert_one_line

pytest.importorskip("fastapi", reason="the extra serve is not installed")
from neurosieve.explorer.server import open_all
from tests.explorer import explored_run
from tests.studies import copy_run, finished_quick


@pytest.fixture(scope="module")
def built() -> BuiltFiles:
    made = build(explored_run())
    assert made is not None
    return made


@pytest.fixture(scope="module")
def store() -> ActivationStore:
    return ActivationStore(explored_run() / "concepts" / "detect")


def test_a_column_is_the_stores(built: BuiltFiles, store: ActivationStore) -> None:
    train, test = store.read("train").values.double(), store.read("test").values.double()
    mean, sd = train.mean(0), train.std(0, correction=0)
    for column in range(0, len(store.grid), 7):
        own = built.columns.column(store.grid.neuron(column))
        assert own.mean == pytest.approx(float(mean[column]), abs=1e-6)
        assert own.sd == pytest.approx(float(sd[column]), rel=1e-5)
        np.testing.assert_allclose(own.values, (test[:, column].numpy() - own.mean) / own.sd, atol=1e-9)


def test_like_neurons_are_those_of_numpy(built: BuiltFiles, store: ActivationStore) -> None:
    r = np.corrcoef(store.read("train").values.double().numpy().T)  # fewer rows than are sampled
    for column in range(0, len(store.grid), 5):
        alike = built.columns.column(store.grid.neuron(column)).alike
        others = np.delete(np.abs(r[column]), column)
        assert [abs(a.r) for a in alike] == pytest.approx(np.sort(others)[::-1][: len(alike)], abs=1e-4)
        assert all(a.r == pytest.approx(r[column, store.grid.column(a.neuron)], abs=1e-4) for a in alike)


def test_tokens_are_the_reports(built: BuiltFiles) -> None:
    """The same values, code and figures as the evidence that the study of concepts makes of its few neurons."""
    run = explored_run()
    config = config_of(run)
    dataset = read_dataset(config)
    asked_with = config.model_copy(update={"concepts": _options(run)})
    work = ConceptWork(asked_with, RunFolder(run, config, dataset.hashes), dataset)
    concepts = ConceptStore("detect", ActivationStore(run / "concepts" / "detect"), work.rows)
    neuron, label = NeuronId(1, 3), "lexical=number"
    (theirs,) = find_evidence(concepts, [Asked(neuron, label, low=False)])
    ours = evidence_of(built, neuron, label)
    assert ours.tokens["highest"][0].token == theirs.top[0]
    assert ours.tokens["typical"][0].token == theirs.typical[0]
    assert ours.densities.with_value == theirs.densities.with_value
    assert ours.densities.edges == theirs.densities.edges


def _options(run: Path) -> ConceptOptions:
    return ConceptOptions.model_validate(read_object(Folder(run), OPTIONS))


def test_both_ends_are_sorted_and_of_different_texts(built: BuiltFiles) -> None:
    for column in range(0, len(built.grid), 11):
        evidence = evidence_of(built, built.grid.neuron(column))
        highest, lowest = ([s.token.value for s in evidence.tokens[kind]] for kind in ("highest", "lowest"))
        assert highest == sorted(highest, reverse=True)
        assert lowest == sorted(lowest)
        for kind in ("highest", "lowest", "typical"):
            texts = [s.token.context.example for s in evidence.tokens[kind]]
            assert len(set(texts)) == len(texts)
        z = built.columns.column(evidence.neuron).values
        assert (highest[0], lowest[0]) == (z.max(), z.min())
        assert all(z[s.row] == s.token.value for some in evidence.tokens.values() for s in some)


def test_code_is_coloured_where_its_tokens_are(built: BuiltFiles) -> None:
    neuron = NeuronId(1, 3)
    z = built.columns.column(neuron).values
    for row in range(0, len(built.rows), 17):
        context, reading = heat_of(built, neuron, row)
        assert context.token == built.rows.token(row)
        place = reading.spans.index((context.start, context.end))
        assert float(reading.values[place, 0]) == pytest.approx(z[row], abs=1e-5)


@pytest.mark.parametrize("label", ["lexical=nothing", "nothing", "role=number", "="])
def test_a_label_that_rows_do_not_have(built: BuiltFiles, label: str) -> None:
    with pytest.raises(ConfigError) as caught:
        evidence_of(built, NeuronId(0, 0), label)
    assert_one_line(caught.value)
    assert labels_of(built)[0] in caught.value.expected


def test_a_stopped_build_goes_on(tmp_path: Path) -> None:
    """Whole layers stay; what lacks, or is of another store, is made."""
    run = copy_run(tmp_path)
    assert build(run)
    files = run / FOLDER
    whole = {path.name: path.read_bytes() for path in files.iterdir()}
    (files / file_name(1)).unlink()
    before = (files / file_name(0)).stat().st_mtime_ns
    (files / f".{file_name(2)}.part").write_bytes(b"half")
    build(run)
    assert (files / file_name(0)).stat().st_mtime_ns == before
    assert {n: (files / n).read_bytes() for n in whole} == whole
    (files / file_name(1)).write_bytes(b"damaged")
    build(run)
    assert (files / file_name(1)).read_bytes() == whole[file_name(1)]


def test_a_run_of_another_machine_shows_tokens_without_code(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    text = (run / "study.yaml").read_text(encoding="utf-8")
    gone = text.replace(f"data: {finished_quick().config.data}", f"data: {tmp_path}/gone")
    assert gone != text
    for place in ("summary.json", "selection.json", "clusters.json"):
        (run / place).unlink()
    (run / "study.yaml").write_text(gone, encoding="utf-8")
    made = build(run)
    assert made is not None
    assert "gone" in made.rows.names.note
    evidence = evidence_of(made, NeuronId(0, 1))
    assert evidence.label is not None
    assert all(s.token.token == s.token.context.text for s in evidence.tokens["highest"])


@pytest.mark.parametrize("damage", ["rows.safetensors", "rows.json"])
def test_damaged_files_are_said(tmp_path: Path, damage: str) -> None:
    run = copy_run(tmp_path)
    build(run)
    (run / FOLDER / damage).write_bytes(b"{")
    with pytest.raises(NeurosieveError) as caught:
        build(run)
    assert_one_line(caught.value)
    assert "delete" in caught.value.remedy


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    (run / FOLDER).write_text("a file")
    with pytest.raises((ResourceError, StoreError)) as caught:
        build(run)
    assert_one_line(caught.value)


def test_a_run_without_activations_has_none(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    shutil.rmtree(run / "activations")
    assert build(run) is None


def test_results_are_shown_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run on a disk that is read-only: pages of results, and a line that says what is missing."""

    def refuse(*_: object) -> None:
        raise ResourceError(
            "file rows.json", expected="a folder that can be written", got="read-only", remedy="copy it"
        )

    run = copy_run(tmp_path)
    monkeypatch.setattr("neurosieve.studies.columns.column_building.write_rows", refuse)
    (opened,) = open_all([run]).runs.values()
    assert opened.built is None
    assert opened.found.summary is not None
    assert "pages show results alone" in capsys.readouterr().err
    (run / "summary.json").unlink()
    with pytest.raises(ResourceError):
        open_all([run])


def test_two_servers_do_not_write_at_once(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    with sole_writer(str(run / FOLDER)), pytest.raises(RunFolderError) as caught:
        build(run)
    assert_one_line(caught.value)
    assert build(run) is not None
    with sole_writer(str(run / FOLDER)):  # nothing lacks
        assert build(run) is not None
