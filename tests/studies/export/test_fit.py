"""A new head on a compact model: what it is fitted on, what is told of it, and what is refused."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers

from neurosieve.cli import main
from neurosieve.compact import load_compact
from neurosieve.compact.building import write_record
from neurosieve.compact.refitting import up_to_head, with_head
from neurosieve.errors import NeurosieveError
from neurosieve.probes import fit_oracle, selection_data
from neurosieve.studies.export.fitting import fit
from neurosieve.studies.export.run import Exported
from neurosieve.studies.export.run_probes import RunProbes
from neurosieve.studies.export.unit_features import wide_head
from neurosieve.studies.export.unit_texts import places_in, unit_texts
from neurosieve.studies.export.verify import verify
from neurosieve.studies.inputs import read_data
from tests.compact.test_forms import head
from tests.studies import contents, data_folder, finished_quick, write_data
from tests.studies.export import exported, measured_little
from tests.studies.export.test_vocabulary_and_onnx import smaller
from tests.tiny import assert_one_line, quiet_transformers

_HOME = tempfile.TemporaryDirectory(prefix="fits-")
SOURCES = ("table", "standard", "full", "onnx", "run")


@functools.cache
def other_data() -> Path:
    """The words of the study, with labels of another name; names and numbers have one."""
    folder = write_data(Path(_HOME.name) / "data")
    for file in folder.glob("*.label"):
        file.write_text(file.read_text().replace("NAME", "word").replace("NUM", "word").replace("SIGN", "sign"))
    return folder


def source(kind: str) -> Path:
    if kind == "run":
        return finished_quick().folder
    return (smaller(form="full", onnx=True) if kind == "onnx" else exported(kind)).folder


@functools.cache
def fitted(kind: str) -> Exported:
    """A new head on the quick run's model; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        measured_little(patch)
        return fit(source(kind), other_data(), Path(_HOME.name) / kind)


@pytest.mark.parametrize("kind", SOURCES)
def test_the_model_gives_the_new_labels(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_little(monkeypatch)
    found, small = fitted(kind), load_compact(fitted(kind).folder)
    config = finished_quick().config.model_copy(update={"data": str(other_data())})
    units = unit_texts(read_data(config), "test")
    scores = small.scores(units.texts)
    assert small.spec.labels == ("sign", "word")
    assert scores.shape == (len(units.row), 2)
    assert found.result.test.value == pytest.approx((scores.argmax(1) == units.label).mean())
    assert found.result.source.endswith(", new head")
    assert found.result.fitted is not None
    assert found.result.fitted.compact.test == found.result.test
    assert {name for name, holds in verify(found.folder).holds.items() if holds} >= {"score", "outputs", "labels"}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_whole_model_stands_beside_a_run_alone(kind: str) -> None:
    result = fitted(kind).result
    card = (fitted(kind).folder / "README.md").read_text(encoding="utf-8")
    assert "**New head**" in card
    assert result.fitted is not None
    if kind == "run":
        whole = result.fitted.whole
        assert whole is not None
        assert whole.features == len(RunProbes.of(source(kind)).selection.scaler.neurons)
        assert result.oracle is not None
        assert result.oracle.value == pytest.approx(whole.test.value - result.test.value)
        assert result.speeds.whole is not None
        assert "speed" in verify_names(kind)
    else:
        assert result.fitted.whole is None
        assert result.oracle is None
        assert result.speeds.whole is None
        assert "nothing is compared with the whole model" in card
        assert "speed" not in verify_names(kind)


def verify_names(kind: str) -> set[str]:
    with pytest.MonkeyPatch.context() as patch:
        measured_little(patch)
        return set(verify(fitted(kind).folder).holds)


def test_the_head_is_that_of_the_stored_neurons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the study's own rows: a probe on the stored values of the same neurons gives the same logits."""
    measured_little(monkeypatch)
    found = fit(exported("full").folder, data_folder(), tmp_path / "small")
    run, small = RunProbes.of(finished_quick().folder), load_compact(found.folder)
    grid = run.store.read("train").neurons.tolist()
    columns = [grid.index([n.layer, n.index]) for n in small.spec.neurons]

    def of(split: Any) -> Any:
        rows = run.store.read(split)
        return type(rows)(
            rows.values[:, columns], rows.neurons[columns], rows.label, rows.labels, rows.group, rows.text
        )

    data = selection_data(of("train"), of("validation"))
    own = wide_head(fit_oracle(data).probe, data.scaler, len(columns))
    units = unit_texts(read_data(finished_quick().config), "test")
    place = places_in(run.store, "test", units.row)
    wanted = of("test").values.numpy()[place] @ own.weight + own.bias
    came = small.scores(units.texts)
    assert np.abs(came - wanted).max() <= 0.02 * np.abs(wanted).max()  # stored as float16


def test_a_fitted_folder_loads_in_transformers() -> None:
    folder = fitted("standard").folder
    auto: Any = transformers
    with quiet_transformers():
        label = auto.pipeline("token-classification", model=str(folder), tokenizer=str(folder), device="cpu")
    units = unit_texts(read_data(finished_quick().config), "test")
    text = units.texts[0]
    first = {t["start"]: t["entity"] for t in label(text.text)}
    assert text.spans is not None
    assert [first[start] for start, _ in text.spans] == load_compact(folder).predict([text])[0]


@pytest.mark.parametrize("kind", ["table", "full"])
def test_a_head_behind_gives_its_own_scores(kind: str, tmp_path: Path) -> None:
    reader, units = up_to_head(source(kind)), unit_texts(read_data(finished_quick().config), "test")
    values = reader.scores(units.texts)
    own = head(values.shape[1])
    spec = with_head(source(kind), tmp_path, own, ("a", "b", "c"), None)
    write_record(tmp_path, spec)
    wanted = values @ own.weight + own.bias
    assert np.abs(load_compact(tmp_path).scores(units.texts) - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_a_table_of_a_run_is_read_as_its_neurons() -> None:
    assert fitted("run").result.form == "table"
    from_run, from_table = (fitted(kind).result.fitted for kind in ("run", "table"))
    assert from_run is not None
    assert from_table is not None
    assert from_table.compact.features == len(load_compact(exported("table").folder).spec.labels)
    assert from_run.compact.features == len(load_compact(fitted("run").folder).spec.neurons)


def test_a_fitted_model_is_fitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_little(monkeypatch)
    again = fit(fitted("full").folder, data_folder(), tmp_path / "small", classes=["NAME", "NUM"])
    assert load_compact(again.folder).spec.labels == ("NAME", "NUM")
    assert again.result.source == fitted("full").result.source


def test_the_command_tells_both(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_little(monkeypatch)
    command = ["fit", "--from", str(source("full")), "--data", str(other_data()), "--out", str(tmp_path / "small")]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--rows", "20,10,10", "--json"])
    assert not ended.value.code
    record = json.loads(capsys.readouterr().out)
    assert record["study"]["rows"] == {"train": 20, "validation": 10, "test": 10}
    assert record["fitted"]["whole"] is None


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("empty", "expected a finished run (study.yaml) or an exported model (compact.json), got neither"),
        ("nowhere", "expected a finished run (study.yaml) or an exported model (compact.json), got no folder"),
        ("data", "classes"),
        ("taken", "expected a new or empty folder, got x in it"),
    ],
)
def test_what_cannot_be_fitted_is_said(place: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    start = tmp_path / place if place in ("empty", "nowhere") else source("full")
    out = tmp_path / ("taken" if place == "taken" else "out")
    changes = {"classes": ["word"]} if place == "data" else {}
    before = contents(tmp_path)
    with pytest.raises(NeurosieveError) as caught:
        fit(start, other_data(), out, **changes)
    assert_one_line(caught.value, said)
    assert contents(tmp_path) == before


def test_a_transformers_folder_holds_no_values(tmp_path: Path) -> None:
    with pytest.raises(NeurosieveError) as caught:
        with_head(source("standard"), tmp_path, head(16), ("value",), (0.0, 1.0))
    assert_one_line(caught.value, "expected classes, got values; export the run with --form full")
