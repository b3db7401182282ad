"""Exports that keep part of the vocabulary, and exports as ONNX with 8-bit weights."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.compact import load_compact
from neurosieve.compact.compact_spec import read_spec
from neurosieve.compact.vocabulary import VOCABULARY, Vocabulary
from neurosieve.errors import NeurosieveError
from neurosieve.studies.export.first_holding import Asked
from neurosieve.studies.export.run import Exported, export
from neurosieve.studies.export.unit_texts import unit_texts
from neurosieve.studies.export.verify import verify
from neurosieve.studies.export_options import ExportOptions
from neurosieve.studies.inputs import read_data
from tests.studies import finished_quick
from tests.studies.export import blocks_needed, exported, exported_run, measured_little
from tests.tiny import assert_one_line

_HOME = tempfile.TemporaryDirectory(prefix="smaller-")


@functools.cache
def smaller(**options: Any) -> Exported:
    """The quick run's model; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        measured_little(patch)
        if options.get("smaller"):
            blocks_needed(patch)
        place = Path(_HOME.name) / "-".join(f"{key}-{value}" for key, value in options.items())
        return export(exported_run(), place, ExportOptions.model_validate(options))


def test_onnx_gives_what_torch_gives() -> None:
    found = smaller(form="full", onnx=True)
    units = unit_texts(read_data(finished_quick().config), "test").texts
    ours, theirs = (load_compact(e.folder).scores(units) for e in (found, exported("full")))
    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()
    assert found.result.test == exported("full").result.test
    card = (found.folder / "README.md").read_text(encoding="utf-8")
    assert "It runs with onnxruntime (ONNX, opset 18, float32)." in card
    assert found.result.speeds.compact.bytes == sum(
        (found.folder / n).stat().st_size for n in ("model.onnx", "head.safetensors")
    )
    # the same numbers, but for constants of the graph and positions that are no parameters
    assert found.result.speeds.compact.parameters == pytest.approx(
        exported("full").result.speeds.compact.parameters, rel=0.1
    )


def test_a_table_needs_no_onnx() -> None:
    found = smaller(form="table", onnx=True)
    assert found.result.notes == ("a table needs no ONNX: NumPy runs it",)
    assert read_spec(found.folder).onnx is None


@pytest.mark.parametrize("holds", [True, False])
def test_8_bit_weights_are_kept_only_within_delta(holds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_little(monkeypatch)
    first, plain = Asked.measured, exported("full").result
    calls = []

    def measured(*given: Any) -> Any:
        calls.append(given)
        point = first(*given)
        return type(point)(**{**vars(point), "within": holds or len(calls) == 1, "bound": 0.5})

    monkeypatch.setattr(Asked, "measured", measured)
    options = ExportOptions.model_validate({"form": "full", "onnx": True, "int8": True})
    found = export(exported_run(), tmp_path / "small", options)
    graph = read_spec(found.folder).onnx
    assert graph is not None
    assert len(calls) == 2
    if holds:
        assert graph.int8_cpu == found.result.speeds.cpu
        assert not found.result.notes
        assert f"8-bit weights, measured on {graph.int8_cpu}" in (found.folder / "README.md").read_text()
    else:
        assert graph.int8_cpu is None
        assert found.result.notes == (
            "weights stay float32: with 8 bits the loss on validation may be 0.5000, more than 0.3",
        )
        assert found.result.test == plain.test


@pytest.mark.parametrize("form", ["table", "full"])
def test_the_seen_vocabulary_is_kept(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_little(monkeypatch)
    found, data = smaller(form=form, vocabulary="seen"), read_data(finished_quick().config)
    kept = found.result.vocabulary
    assert kept is not None
    vocabulary, small = Vocabulary.load(found.folder), load_compact(found.folder)
    assert VOCABULARY in small.spec.files
    assert (kept.kept, kept.of) == (len(vocabulary.kept), vocabulary.size)
    train, test = (small.reader.read(unit_texts(data, split).texts).ids for split in ("train", "test"))
    assert np.isin(train, vocabulary.kept).all()
    assert kept.tokens == len(test)
    assert kept.unseen == sum(int(i) not in set(vocabulary.kept.tolist()) for i in test)
    assert found.result.speeds.compact.bytes < exported(form).result.speeds.compact.bytes
    assert f"It knows {kept.kept:,} of {kept.of:,} tokens" in (found.folder / "README.md").read_text()
    assert {name for name, holds in verify(found.folder).holds.items() if holds} >= {"score", "outputs", "labels"}


def test_less_inside_goes_with_onnx_and_the_seen_vocabulary() -> None:
    made = smaller(form="full", smaller=True, delta=0.5, vocabulary="seen", onnx=True)
    plain = smaller(form="full", smaller=True, delta=0.5, vocabulary="seen")
    assert made.result.exported.kept == plain.result.exported.kept < 1
    assert read_spec(made.folder).onnx is not None
    units = unit_texts(read_data(finished_quick().config), "test")
    ours, theirs = (load_compact(e.folder).scores(units.texts) for e in (made, plain))
    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()
    assert {name for name, holds in verify(made.folder).holds.items() if holds} >= {"score", "outputs", "labels"}


def test_what_does_not_go_together_is_said(tmp_path: Path) -> None:
    with pytest.raises(NeurosieveError) as caught:
        ExportOptions(int8=True)
    assert_one_line(caught.value, "option int8: expected --onnx beside it")
    options = ExportOptions(form="standard", vocabulary="seen")
    with pytest.raises(NeurosieveError) as refused:
        export(exported_run(), tmp_path / "small", options)
    assert_one_line(refused.value, "got --vocabulary seen; pass --form full")
    assert not list(tmp_path.iterdir())
