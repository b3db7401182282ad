"""Modules of a run: what is found and kept, changes that leave the others alone, folders, and refusals."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.activations.store import ActivationStore
from neurosieve.compact import CodeText, compose_modules, load_compact
from neurosieve.errors import ConfigError, DataError, ModelError, NeurosieveError, RunFolderError
from neurosieve.results import from_json, to_json
from neurosieve.results.modules import ModuleChange, ModuleFolder, ModulesResult
from neurosieve.studies.inputs import extract_study
from neurosieve.studies.module_options import ModuleOptions
from neurosieve.studies.modules import changes
from neurosieve.studies.modules.changes import AskedChange
from neurosieve.studies.modules.run import find_modules
from neurosieve.studies.redundancy.run import run_study
from tests.studies import FASTEST, LABELS, contents, copy_run, finished_at_chance, quick, write_data
from tests.studies.modules import OPTIONS, found_modules, run_with_modules
from tests.tiny import assert_one_line


def new_data(folder: Path) -> Path:
    """The small data set with the label WORD in place of NAME; and longer words."""
    write_data(folder)
    for path in folder.glob("*.label"):
        path.write_text(path.read_text().replace("NAME", "WORD"))
    for path in folder.glob("*.in"):
        path.write_text("".join(f"zz{line}" for line in path.read_text().splitlines(keepends=True)))
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished extraction of the same model on data with a label more."""
    home = tmp_path_factory.mktemp("other")
    config = quick(data=str(new_data(home / "data")))
    extract_study(config, home / "run")
    return home / "run"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_with_modules(), tmp_path / "mine"))


def test_every_label_has_a_module_and_the_blocks_decide_as_the_probe() -> None:
    result = found_modules().result
    assert result.labels == LABELS == tuple(m.label for m in result.modules)
    assert (result.delta, result.select, result.draws) == tuple(OPTIONS.values())
    for module in result.modules:
        assert sum(module.counts) == module.size >= 1
        assert module.random.low <= module.random.mean <= module.random.high
        assert 0 < module.majority < 1
    margins, own = result.compositions[0], result.independent
    assert margins.other_decisions == 0
    assert margins.loss.value == 0
    assert margins.test.value == result.monolith.value
    assert margins.sizes == tuple(m.margin for m in result.modules)
    assert own.sizes == tuple(m.size for m in result.modules)
    assert (
        own.union == sum(result.shared.neurons[1:]) == sum(result.shared.one + result.shared.some + result.shared.all)
    )
    assert [(p.a, p.b) for p in own.pairs] == [("NAME", "NUM"), ("NAME", "SIGN"), ("NUM", "SIGN")]
    shared = result["NAME"].neurons & result["NUM"].neurons
    assert own.pairs[0].overlap.shared == len(shared)
    assert sum(result.shared.chance) == pytest.approx(sum(result.live), abs=0.01)


def test_the_file_holds_the_result_and_is_read_back(run: Path) -> None:
    record = json.loads((run / "modules.json").read_text())
    result = from_json(ModulesResult, record, "modules.json")
    assert json.loads(json.dumps(to_json(result))) == {k: v for k, v in record.items() if not k.endswith("sha256")}
    before = {k: v for k, v in contents(run).items() if k.startswith("modules")}
    study = ns.load(run)
    assert study.modules().headline == result.headline
    assert study.modules(delta=0.1).to_frame().height == 3
    assert {k: v for k, v in contents(run).items() if k.startswith("modules")} == before
    assert "Neurons that modules share" in (run / "report.html").read_text(encoding="utf-8")
    with pytest.raises(RunFolderError) as caught:
        study.modules(delta=0.2)
    assert_one_line(caught.value, "delta 0.1 → 0.2")


@pytest.mark.parametrize("label", LABELS[1:2])
def test_use_and_drop_leave_the_others_alone(run: Path, label: str) -> None:
    study = ns.load(run)
    used, dropped = study.change_module("use", label), study.change_module("drop", label)
    assert used.labels == (label,)
    assert dropped.labels == tuple(one for one in LABELS if one != label)
    assert used.untouched
    assert dropped.untouched
    assert dropped.moved_elsewhere == 0
    assert used.own is not None
    assert used.after == used.own.test == study.modules()[label].test
    assert dropped.own is None
    assert {c.kind for c in study.module_changes} == {"use", "drop"}
    assert all("equal in every bit" in str(c) for c in study.module_changes)
    assert study.modules().labels == LABELS  # the run's own stay


def test_replace_takes_the_other_run_s_neurons(run: Path) -> None:
    """A run of the same model: its own module, calibrated again on the same rows, decides as before."""
    study = ns.load(run)
    same = study.change_module("replace", "NUM", run_with_modules())
    assert same.untouched
    assert same.moved == same.moved_elsewhere == 0
    assert same.size == study.modules()["NUM"].size
    assert same.own == same.own_before
    assert same.source == str(run_with_modules())


def test_add_fits_a_new_label_without_touching_the_rest(run: Path, other: Path) -> None:
    found = find_modules(run, changes=[AskedChange("add", "WORD", other), AskedChange("drop", "SIGN")])
    added, dropped = found.changes
    assert added.labels == (*LABELS, "WORD")
    assert added.untouched
    assert added.moved_elsewhere == 0
    assert added.own is not None
    assert added.rows > added.after.n  # rows of the new label have no answer before
    assert dropped.labels == ("NAME", "NUM", "WORD")
    assert dropped.untouched


def test_what_is_not_untouched_is_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another module that is changed along is seen."""
    right = changes._MAKE["drop"]

    def also(work: Any, modules: Any, asked: Any, *more: Any) -> Any:
        first, *rest = right(work, modules, asked, *more)
        return (replace(first, bias=np.nextafter(first.bias, 9)), *rest)

    monkeypatch.setitem(changes._MAKE, "drop", also)
    found = ns.load(run).change_module("drop", "SIGN")
    assert not found.untouched
    assert "SCORES OF OTHER MODULES CHANGED" in found.headline


def test_modules_are_compact_models_that_decide_together(run: Path, tmp_path: Path) -> None:
    found = find_modules(run, out=tmp_path / "out")
    folder = found.folder
    assert folder is not None
    assert [p.label for p in folder.parts] == list(LABELS)
    assert folder.other_decisions == 0
    assert folder.test.value == pytest.approx(found.result.independent.test.value)
    whole = load_compact(tmp_path / "out")
    text = CodeText("abc 12 (", ((0, 3), (4, 6), (7, 8)))
    (labels,) = whole.predict([text])
    assert set(labels) <= set(LABELS)
    scores = whole.scores([text])
    for i, part in enumerate(folder.parts):
        alone = load_compact(tmp_path / "out" / part.folder)
        assert alone.spec.labels == (f"not {part.label}", part.label)
        assert alone.log_odds([text]).tobytes() == np.ascontiguousarray(scores[:, i]).tobytes()
        assert part.form == ("table" if all(n.layer == 0 for n in alone.spec.neurons) else "full")
        assert part.blocks <= max(n.layer for n in alone.spec.neurons)
    record = json.loads((tmp_path / "out" / "compact.json").read_text())["result"]
    assert from_json(ModuleFolder, record, "compact.json") == folder


def test_folders_of_modules_compose_anew(run: Path, tmp_path: Path) -> None:
    folder = find_modules(run, out=tmp_path / "out").folder
    assert folder is not None
    places = [tmp_path / "out" / p.folder for p in folder.parts]
    compose_modules(places[:2], tmp_path / "two")
    two, three = load_compact(tmp_path / "two"), load_compact(tmp_path / "out")
    text = [CodeText("abc 12 (", ((0, 3), (4, 6), (7, 8)))]
    assert two.spec.labels == LABELS[:2]
    assert two.scores(text).tobytes() == np.ascontiguousarray(three.scores(text)[:, :2]).tobytes()
    for parts, said in (
        (places[:1], "two or more"),
        ([places[0], places[0]], "each of another label"),
        ([places[0], tmp_path / "out"], "a module of one label"),
    ):
        with pytest.raises(ModelError) as caught:
            compose_modules(parts, tmp_path / "refused")
        assert_one_line(caught.value, said)
        assert not (tmp_path / "refused").exists()


BAD: dict[str, tuple[AskedChange, type[NeurosieveError], str]] = {
    "no such module": (AskedChange("drop", "NAMES"), ConfigError, "did you mean NAME?"),
    "use of none": (AskedChange("use", "WORD"), ConfigError, "expected one of NAME, NUM, SIGN"),
    "one that is there": (AskedChange("add", "NUM", Path("{other}")), ConfigError, "a label without one"),
    "no source": (AskedChange("add", "WORD"), ConfigError, "expected another run, got none"),
    "labels that do not match": (
        AskedChange("replace", "NAME", Path("{other}")),
        DataError,
        "NAME among them, got NUM",
    ),
    "a run without modules": (AskedChange("replace", "NUM", Path("{other}")), RunFolderError, "expected modules"),
    "no run": (AskedChange("add", "WORD", Path("nowhere")), RunFolderError, "expected a study.yaml"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_changes_are_refused_in_one_line(run: Path, other: Path, name: str) -> None:
    asked, kind, said = BAD[name]
    source = other if asked.source == Path("{other}") else asked.source
    before = contents(run)
    with pytest.raises(kind) as caught:
        ns.load(run).change_module(asked.kind, asked.label, source)
    assert_one_line(caught.value, said)
    assert contents(run) == before


def test_the_last_two_are_not_dropped_from(run: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_modules(run, changes=[AskedChange("drop", "NUM"), AskedChange("drop", "SIGN")])
    assert_one_line(caught.value, "expected three or more to drop one, got NAME and SIGN")


def test_modules_of_another_model_are_refused(run: Path, other: Path, tmp_path: Path) -> None:
    foreign = Path(shutil.copytree(other, tmp_path / "foreign"))
    manifest = json.loads((foreign / "activations" / "manifest.json").read_text())
    del manifest["sha256"]
    manifest["model"] = "another"
    (foreign / "activations" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunFolderError) as caught:
        ns.load(run).change_module("add", "WORD", foreign)
    assert_one_line(caught.value, "as neuron ids mean nothing in another model", "got the model another")


def test_a_run_without_a_ranking_is_refused(other: Path) -> None:
    with pytest.raises(RunFolderError) as caught:
        find_modules(other)
    assert_one_line(caught.value, "expected ranked neurons (selection.json), got none", "neurosieve redundancy")


def test_a_label_without_rows_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = ActivationStore.table

    def table(self: ActivationStore, split: Any) -> Any:
        found = right(self, split)
        return found.filter(found["label_id"].to_numpy() != 1) if split == "test" else found

    monkeypatch.setattr(ActivationStore, "table", table)
    with pytest.raises(DataError) as caught:
        find_modules(run)
    assert_one_line(caught.value, "module for 'NUM'", "rows with the label in test, got none")


def test_two_classes_have_no_modules(tmp_path: Path) -> None:
    run_study(quick(classes=["NAME", "NUM"], **FASTEST), tmp_path / "two")
    with pytest.raises(DataError) as caught:
        find_modules(tmp_path / "two")
    assert_one_line(caught.value, "each is the rest of the other", "got NAME and NUM")


def test_a_task_at_chance_has_modules_and_no_smallest_set(tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_at_chance().folder, tmp_path / "chance"))
    result = find_modules(run, ModuleOptions.model_validate(OPTIONS)).result
    assert result.independent.test.value < 0.6
    assert len(result.modules) == 3


def test_json_of_changes_is_whole(run: Path) -> None:
    ns.load(run).change_module("drop", "NUM")
    record = json.loads((run / "modules" / "changes" / "drop-NUM.json").read_text())
    change = from_json(ModuleChange, record, "drop-NUM.json")
    assert json.loads(json.dumps(to_json(change))) == {k: v for k, v in record.items() if not k.endswith("sha256")}


def test_a_fresh_run_gives_the_same(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    again = find_modules(run, ModuleOptions.model_validate(OPTIONS)).result
    was = found_modules().result
    assert again.modules == was.modules
    assert again.compositions == was.compositions
