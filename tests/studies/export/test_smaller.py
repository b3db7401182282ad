"""Less inside the blocks that are kept, as far as validation allows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import transformers

from neurosieve.compact import load_compact
from neurosieve.studies.export import smaller_inside
from neurosieve.studies.export.first_holding import Asked, Built, first_holding
from neurosieve.studies.export.onnx_form import as_onnx
from neurosieve.studies.export.proof import OpenedSplit
from neurosieve.studies.export.run_probes import Costs, RunProbes, cheapest_first, ways
from neurosieve.studies.export.smaller_inside import SmallerInside
from neurosieve.studies.inputs import model_of, read_data
from tests.studies import finished_quick
from tests.studies.export import exported
from tests.tiny import UNITS, quiet_transformers


def searched(form: str, folder: Path, delta: float) -> tuple[SmallerInside, Built, Built]:
    """The search, and the way before and after it."""
    folder.mkdir()
    study = RunProbes.of(finished_quick().folder)
    asked = Asked(finished_quick().folder, form, delta, "point")
    found = [w for w in ways(study, Costs.of(study.config), delta, "point") if w.point.source == "layer 1"]
    data, model = read_data(study.config), model_of(study.config)
    validation = OpenedSplit.of(study, data, "validation")
    built = first_holding(study, data, model, found, asked, validation, folder)
    search = SmallerInside(study, data, model, asked, validation, folder)
    return search, built, search.search(built)


@pytest.mark.parametrize("form", ["standard", "full"])
def test_the_smallest_that_holds_is_kept(form: str, tmp_path: Path) -> None:
    search, before, after = searched(form, tmp_path / "small", 0.2)
    point = after.way.point
    assert point.kept < 1
    assert point.cost < before.way.point.cost
    assert point.within
    assert [p for p in after.frontier if p.exported] == [point]
    tried = after.frontier[len(before.frontier) :]
    assert point.kept == min(p.kept for p in tried if p.within)
    assert len(tried) <= smaller_inside.TRIES
    loaded = load_compact(tmp_path / "small")
    again = search.asked.measured(after.way, loaded, search.validation)
    assert replace(again, exported=True) == point  # the folder holds what was measured
    if form == "full":
        assert loaded.spec.narrowed


def test_a_narrower_folder_loads_with_transformers_alone(tmp_path: Path) -> None:
    searched("standard", tmp_path / "small", 0.3)
    with quiet_transformers():
        network: Any = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "small")
    assert network.config.intermediate_size < UNITS
    assert network.config.num_attention_heads == 2


@pytest.mark.parametrize("holds", [True, False])
def test_8_bit_weights_are_tried_with_more_inside(holds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "small"
    search, _, after = searched("full", folder, 0.2)
    assert after.larger
    first = Asked.measured
    calls = []

    def measured(*given: Any) -> Any:
        calls.append(given)
        return replace(first(*given), within=holds and len(calls) == 2, bound=0.5)

    monkeypatch.setattr(Asked, "measured", measured)
    made = as_onnx(search.with_larger(after), search.asked, search.validation, folder, int8=True)
    way = after.larger[0] if holds else after.way
    assert len(calls) == (2 if holds else 1 + len(after.larger))
    assert made.way.point.kept == way.point.kept
    assert [p.kept for p in made.frontier if p.exported] == [way.point.kept]
    loaded = load_compact(folder)
    assert loaded.spec.onnx is not None
    assert (loaded.spec.onnx.int8_cpu is not None) == holds
    assert [note for note in made.notes if "stay float32" in note] == list(made.notes[-1:] if not holds else ())


def test_a_table_has_nothing_inside(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    study = RunProbes.of(finished_quick().folder)
    asked = Asked(finished_quick().folder, "table", 0.5, "point")
    data, model = read_data(study.config), model_of(study.config)
    found = ways(study, Costs.of(study.config), 0.5, "point")
    validation = OpenedSplit.of(study, data, "validation")
    built = first_holding(study, data, model, found, asked, validation, tmp_path / "small")
    kept = SmallerInside(study, data, model, asked, validation, tmp_path / "small").search(built)
    assert kept.model is built.model
    assert "no blocks" in kept.notes[-1]


def test_the_frontier_is_in_order() -> None:
    points = exported("full").result.frontier
    assert list(points) == sorted(points, key=cheapest_first)
