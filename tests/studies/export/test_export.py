"""From a finished run to a compact model, and what is refused on the way."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.cli import main
from neurosieve.compact import load_compact
from neurosieve.compact.compact_spec import COMPACT, OUTPUTS
from neurosieve.errors import NeurosieveError
from neurosieve.studies.export.evidence_files import load_outputs, save_outputs
from neurosieve.studies.export.run import export
from neurosieve.studies.export.run_probes import RunProbes, no_way
from neurosieve.studies.export.unit_texts import places_in, unit_texts
from neurosieve.studies.export.verify import verify
from neurosieve.studies.export_options import ExportOptions
from neurosieve.studies.inputs import read_data
from tests.studies import contents, copy_run, finished_quick
from tests.studies.export import exported, measured_little
from tests.tiny import assert_one_line


def test_the_cheapest_way_is_exported() -> None:
    result = exported("auto").result
    blocks = [point.blocks for point in result.frontier]
    assert blocks == sorted(blocks)
    within = [point for point in result.frontier if point.within]
    assert (result.form, result.source) == (within[0].form, within[0].source)
    assert {point.form for point in result.frontier} == {"table", "standard", "full"}


@pytest.mark.parametrize("form", ["table", "standard", "full"])
def test_it_gives_what_the_study_gave(form: str) -> None:
    found, run = exported(form), RunProbes.of(finished_quick().folder)
    result, data = found.result, read_data(finished_quick().config)
    assert result.form == form
    units = unit_texts(data, "test")
    opened, scaler = run.store.read("test"), run.selection.scaler
    place = places_in(run.store, "test", units.row)
    assert (place >= 0).all()
    assert opened.label[place].tolist() == units.label.tolist()
    probe = next(probe for source, probe in run.sources if source == result.source)
    wanted = scaler.apply(opened.values)[:, place.tolist()]
    rows = [int(i) for i in probe.feature]
    logits = (probe.weights.T @ wanted[rows] + probe.intercept[:, None]).T.numpy()
    came = load_compact(found.folder).scores(units.texts)
    assert came.shape == logits.shape
    if form == "full":
        assert np.abs(came - logits).max() <= 1e-3 * np.abs(logits).max()  # stored as float16
        assert result.other_labels == 0
        assert result.whole is not None
        assert result.whole.value == 0
    assert result.test.n == len(units.label)
    assert result.test.value == pytest.approx((came.argmax(1) == units.label).mean())


def test_the_folder_tells_of_itself() -> None:
    folder = exported("full").folder
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: neurosieve\n")
    assert {"compact.json", "tokenizer.json", "network.safetensors", "head.safetensors"} <= {
        p.name for p in folder.iterdir()
    }
    assert not [p for p in folder.parent.iterdir() if p.name.startswith(".")]


def test_verify_holds_until_an_output_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(exported("table").folder, tmp_path / "small"))
    measured_little(monkeypatch)
    found = verify(folder)
    assert {name for name, holds in found.holds.items() if holds} >= {"score", "outputs", "labels"}
    outputs = load_outputs(folder)
    outputs[0] = -outputs[0]
    save_outputs(folder, outputs)
    with pytest.raises(SystemExit) as caught:
        main(["verify", str(folder)])
    assert caught.value.code == 1
    assert "labels that differ" in capsys.readouterr().out
    (folder / OUTPUTS).unlink()
    with pytest.raises(NeurosieveError) as refused:
        verify(folder)
    assert_one_line(refused.value, OUTPUTS, "export it again")


def test_predict_labels_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"text": "x = 12", "spans": [[0, 1], [4, 6], [3, 3]]}, {"text": "", "spans": []}]
    file = tmp_path / "new.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(exported("table").folder), str(file)])
    assert not ended.value.code
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert set(first["labels"][:2]) <= set(load_compact(exported("table").folder).spec.labels)
    assert first["labels"][2] is None
    assert second == {"labels": []}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "broken JSON"),
        ("[]", "a list"),
        ('{"code": "x"}', "no text"),
        ('{"text": "x", "span": []}', "the key 'span'"),
        ('{"text": "x", "spans": [[0, 2]]}', "the span [0, 2] in a text of 1 characters"),
        ('{"text": "x", "spans": 3}', "spans 3"),
        ('{"text": "x", "other": 3}', "an other text that is none"),
        ('{"text": "\\ud800", "spans": []}', "half of a surrogate pair"),
        ('{"text": "x"}', "made for the task token-tagging"),
    ],
)
def test_bad_lines_are_named(line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(SystemExit) as caught:
        main(["predict", str(exported("table").folder), str(file)])
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert said in " ".join(error.split())
    assert len(error.strip().splitlines()) == 1


def without_probes(run: Path) -> None:
    (run / "layers.json").unlink()


def in_use(run: Path) -> None:
    (run.parent / "out").mkdir()
    (run.parent / "out" / "x").touch()


@pytest.mark.parametrize(
    ("spoil", "options", "said"),
    [
        (without_probes, {}, "expected the probes of a finished study, got no layers.json"),
        (in_use, {}, "expected a new or empty folder, got x in it"),
        (lambda run: (run.parent / "out").touch(), {}, "expected a new or empty folder, got a file"),
        (lambda _: None, {"delta": 1e-6, "form": "standard"}, "--delta 1e-06: expected a loss that some set"),
        (lambda _: None, {"delta": 1e-6, "form": "standard"}, "as standard, may lose 0."),
        (shutil.rmtree, {}, "study.yaml"),
    ],
)
def test_what_cannot_be_exported_is_said(spoil: Any, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    spoil(run)
    before = contents(tmp_path)
    with pytest.raises(NeurosieveError) as caught:
        export(run, tmp_path / "out", ExportOptions.model_validate(options))
    assert_one_line(caught.value, said)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("form", ["table", "standard"])
def test_a_task_that_no_form_but_full_holds_is_said(form: str) -> None:
    """Of pairs that are read one by one, and of values, there is none among the ways."""
    error = no_way([], form, 0.01, "runs/pairs")
    assert_one_line(error, f"form {form} of runs/pairs: expected a set that it can hold", "pass --form full")


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    measured_little(monkeypatch)
    monkeypatch.setattr("neurosieve.studies.export.run.write_card", fail)
    with pytest.raises(NeurosieveError) as caught:
        export(finished_quick().folder, tmp_path / "out")
    assert_one_line(caught.value, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_the_record_is_typed_both_ways() -> None:
    record = json.loads((exported("table").folder / COMPACT).read_text(encoding="utf-8"))
    assert record["format"] == 1
    assert record["result"]["source"] == exported("table").result.source
