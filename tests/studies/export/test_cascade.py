"""A cheap model first, a dearer one where it is unsure: in one folder, by one way of loading and verifying."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.compact import CodeText, CompactModel, load_compact
from neurosieve.compact.cascade import FIRST, asked_again, margins
from neurosieve.compact.compact_spec import OUTPUTS
from neurosieve.compact.cut_network import NETWORK
from neurosieve.compact.linear_head import PROBE
from neurosieve.compact.onnx_building import write_onnx
from neurosieve.compact.refitting import up_to_head
from neurosieve.errors import ConfigError, NeurosieveError
from neurosieve.results.export import Form
from neurosieve.studies.export.cascades import cascade_use, with_cascades
from neurosieve.studies.export.first_holding import Asked, Built, build, first_holding
from neurosieve.studies.export.onnx_form import as_onnx, change_networks
from neurosieve.studies.export.proof import OpenedSplit
from neurosieve.studies.export.run import export
from neurosieve.studies.export.run_probes import Costs, RunProbes, Way, cheapest_first, ways
from neurosieve.studies.export.unit_texts import unit_texts
from neurosieve.studies.export.verify import verify
from neurosieve.studies.export_options import ExportOptions
from neurosieve.studies.inputs import model_of, read_data
from tests.studies import copy_run, finished_quick
from tests.studies.export import blocks_needed, measured_little
from tests.tiny import assert_one_line

RUN = finished_quick


def cascades(form: str, delta: float) -> tuple[RunProbes, list[Way], Asked]:
    study = RunProbes.of(RUN().folder)
    asked = Asked(RUN().folder, form, delta, "point")
    return study, with_cascades(study, ways(study, Costs.of(study.config), delta, "point"), asked), asked


def some_cascade(margin: float, folder: Path, form: Form = "table") -> tuple[Way, CompactModel]:
    """Layer 0 first, then layer 1 by blocks."""
    study, found, _ = cascades("full", 0.3)
    by_name = {(way.point.form, way.point.source): way for way in found if not way.point.first}
    first, second = by_name[form, "layer 0"], by_name["full", "layer 1"]
    way = Way(second.point, second.probe, second.neurons, first=first, margin=margin)
    folder.mkdir()
    return way, build(study, read_data(study.config), model_of(study.config), way, None, folder)


@pytest.mark.parametrize("quantile", [0.0, 0.3, 1.1])
def test_each_unit_has_the_scores_of_the_model_that_it_comes_to(quantile: float, tmp_path: Path) -> None:
    _, plain = some_cascade(0.0, tmp_path / "plain")
    units = unit_texts(read_data(RUN().config), "test")
    assert plain.first is not None
    cheap = plain.first.scores(units.texts)
    sure = margins(cheap)
    margin = float(np.quantile(sure, min(quantile, 1.0))) + (1.0 if quantile > 1 else 0.0)
    way, model = some_cascade(margin, tmp_path / "some")
    _, dear = some_cascade(float(sure.max()) + 1, tmp_path / "all")
    scores, every = model.scores(units.texts), dear.scores(units.texts)
    passed = sure < margin
    assert np.array_equal(scores[~passed], cheap[~passed])
    assert np.allclose(scores[passed], every[passed], atol=1e-4)
    use = cascade_use(Built(way, model, (), ()), units)
    assert use is not None
    assert use.units == pytest.approx(passed.mean())
    assert (use.tokens == 0) == (not passed.any())
    assert use.tokens == pytest.approx(1.0) or not passed.all()
    labels = model.predict(units.texts)
    assert [len(some) for some in labels] == [text.units for text in units.texts]
    assert [label for some in labels for label in some] == model.labels_of(scores)


def test_the_cheapest_that_holds_passes_fewest_on(tmp_path: Path) -> None:
    study, found, asked = cascades("full", 0.03)
    assert [way.point for way in found] == sorted((way.point for way in found), key=cheapest_first)
    joined = [way for way in found if way.first]
    assert joined
    for way in joined:
        assert way.point.within
        assert way.point.mean_blocks < way.point.blocks
        assert way.first is not None
        assert way.first.point.cost < way.point.cost < way.first.point.cost + way.point.blocks * 1e9
    folder = tmp_path / "small"
    folder.mkdir()
    data = read_data(study.config)
    validation = OpenedSplit.of(study, data, "validation")
    built = first_holding(study, data, model_of(study.config), joined, asked, validation, folder)
    point = asked.measured(built.way, load_compact(folder), validation)
    assert point.validation == built.way.point.validation
    assert point.within


@pytest.mark.parametrize("form", ["table", "full"])
def test_both_models_become_onnx_and_need_no_torch(form: Form, tmp_path: Path) -> None:
    _, plain = some_cascade(0.0, tmp_path / "plain", form)
    units = unit_texts(read_data(RUN().config), "test")
    assert plain.first is not None
    margin = float(np.quantile(margins(plain.first.scores(units.texts)), 0.5))
    folder = tmp_path / "small"
    _, by_torch = some_cascade(margin, folder, form)
    wanted = by_torch.scores(units.texts)
    change_networks(folder, write_onnx)
    small = load_compact(folder)
    assert small.first is not None
    assert (small.first.spec.onnx is None) == (form == "table")
    assert np.abs(small.scores(units.texts) - wanted).max() <= 1e-4 * np.abs(wanted).max()
    assert not [p for p in folder.rglob("*.safetensors") if p.name == NETWORK]
    script = (
        "import sys; from neurosieve.compact import CodeText, load_compact;"
        f"print(load_compact({str(folder)!r}).predict([CodeText('x = 12', ((0, 1), (4, 6)))]));"
        "print([m for m in ('torch', 'transformers', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    labels, loaded = done.stdout.splitlines()
    assert labels == str(small.predict([CodeText("x = 12", ((0, 1), (4, 6)))]))
    assert loaded == "[]"


@pytest.mark.parametrize("holds", [True, False])
def test_8_bit_weights_of_both_models_stay_or_go(holds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "small"
    way, model = some_cascade(1e9, folder, "full")
    study, _, asked = cascades("full", 0.9 if holds else 1e-9)
    monkeypatch.setattr(Asked, "measured", lambda *_: replace(way.point, within=holds, bound=0.5))
    rows = OpenedSplit.of(study, read_data(study.config), "validation")
    made = as_onnx(iter([Built(way, model, (way.point,), ())]), asked, rows, folder, int8=True)
    small = load_compact(folder)
    assert small.first is not None
    assert small.spec.onnx is not None
    assert small.first.spec.onnx is not None
    kinds = {small.spec.onnx.int8_cpu, small.first.spec.onnx.int8_cpu}
    assert (None not in kinds, bool(made.notes)) == (holds, not holds)
    assert np.isfinite(small.scores(unit_texts(read_data(study.config), "test").texts)).all()


@pytest.mark.parametrize("vocabulary", ["all", "seen"])
def test_verify_and_the_card_know_it(vocabulary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_little(monkeypatch)
    run = copy_run(tmp_path)
    blocks_needed(monkeypatch)  # else no cascade is cheaper
    options = ExportOptions.model_validate({"form": "full", "delta": 0.03, "cascade": True, "vocabulary": vocabulary})
    made = export(run, tmp_path / "small", options).result
    assert made.exported.first
    assert made.cascade is not None
    assert 0 <= made.cascade.units <= 1
    card = (tmp_path / "small" / "README.md").read_text(encoding="utf-8")
    assert "units passed on to the blocks" in card
    held = verify(tmp_path / "small").holds
    assert held["score"] and held["outputs"] and held["labels"]  # noqa: PT018 - the speed of a test says nothing
    loaded = load_compact(tmp_path / "small")
    assert loaded.first is not None
    assert (loaded.vocabulary is None, loaded.first.vocabulary is None) == (vocabulary == "all",) * 2
    files = [p for p in (tmp_path / "small").rglob("*.safetensors") if p.name not in (OUTPUTS, PROBE)]
    files += (tmp_path / "small").rglob("config.json")
    assert made.speeds.compact.bytes == sum(p.stat().st_size for p in files)
    with pytest.raises(NeurosieveError) as refused:
        up_to_head(tmp_path / "small")
    assert_one_line(refused.value, "expected a model with one head, got a cascade of two")
    shutil.rmtree(tmp_path / "small" / FIRST)
    with pytest.raises(NeurosieveError) as caught:
        load_compact(tmp_path / "small")
    assert_one_line(caught.value, "first/compact.json", "export it again")


def test_texts_are_asked_of_again_with_unsure_units_alone() -> None:
    texts = [CodeText("a b", ((0, 1), (2, 3))), CodeText("c", ((0, 1),)), CodeText("d", ())]
    assert asked_again(texts, np.array([False, True, False])) == [CodeText("a b", ((2, 3),))]
    wholes = [CodeText("a"), CodeText(("b", "c"))]
    assert asked_again(wholes, np.array([False, True])) == wholes[1:]


def test_margins() -> None:
    logits = np.array([[1.0, 3.0, 2.5], [0.0, 0.0, -1.0], [np.nan] * 3])
    assert np.array_equal(margins(logits), [0.5, 0.0, np.nan], equal_nan=True)
    assert np.isinf(margins(logits[:, :1])[:1]).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"smaller": True}, "option cascade: expected one of --cascade and --smaller, got True"),
        ({"form": "table"}, "none beside --form table"),
    ],
)
def test_what_does_not_go_together_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ExportOptions.model_validate({"cascade": True, **options})
    assert_one_line(caught.value, said)
