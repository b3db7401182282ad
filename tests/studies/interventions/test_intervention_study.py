"""A run's concept changed in the live model: the record against slow computations, and what a run folder keeps."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from neurosieve.activations.windows import Window
from neurosieve.errors import RunFolderError
from neurosieve.interventions import Ablate, Edit
from neurosieve.interventions.editors import TrainConcept, editor
from neurosieve.interventions.predictions import Predictions
from neurosieve.results import InterventionResult, NotMeasured, Reason, to_json
from neurosieve.results.interventions import TaskEffect
from neurosieve.studies.finished import load_interventions, write_report
from neurosieve.studies.interventions import run as module
from neurosieve.studies.interventions.run import Measuring, change_of, intervene, open_run
from neurosieve.studies.option_models import InterventionOptions
from neurosieve.typing import Split
from tests.report.edit_results import measured
from tests.studies import finished_concepts, unmarked
from tests.studies.interventions.edited import CONCEPT, code_run, options
from tests.tiny import assert_one_line, quiet_transformers, tiny_model

_UNTYPED: Any = transformers
# Of each model the modules whose outputs are the layers, and its class.
PLACES = {
    "bert": ("MaskedLM", ("bert.embeddings", "bert.encoder.layer.0", "bert.encoder.layer.1")),
    "gpt2": ("CausalLM", ("transformer.drop", "transformer.h.0", "transformer.ln_f")),
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished study with concepts."""
    return Path(shutil.copytree(finished_concepts(), tmp_path / "run"))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> InterventionResult:
    """What the edit of `options()` did there."""
    return intervene(Path(shutil.copytree(finished_concepts(), tmp_path_factory.mktemp("once") / "run")), options())


@pytest.fixture(scope="module", params=["bert", "gpt2"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Slow":
    folder = tmp_path_factory.mktemp("slow")
    if request.param == "bert":
        where = Path(shutil.copytree(finished_concepts(), folder / "run"))
    else:
        where = code_run(request.param, folder)
    return Slow(request.param, where)


@dataclass(frozen=True)
class Slow:
    """A run, and its model called plainly: whole texts without padding, neurons set to zero by hand."""

    name: str
    folder: Path

    @cached_property
    def opened(self) -> Measuring:
        return open_run(self.folder, self.asked)

    @property
    def asked(self) -> InterventionOptions:
        return options(how="zero", tokens=20_000)

    @cached_property
    def network(self) -> Any:
        with quiet_transformers():
            auto = getattr(_UNTYPED, f"AutoModelFor{PLACES[self.name][0]}")
            return auto.from_pretrained(tiny_model(self.name)).eval()

    def predict(self, windows: Sequence[Window], neurons: Sequence[tuple[int, int]] = ()) -> dict[int, np.ndarray]:
        """Probabilities of all tokens by the number of the row."""
        handles = [self._zero(layer, [i for n, i in neurons if n == layer]) for layer in {n for n, _ in neurons}]
        found: dict[int, np.ndarray] = {}
        for _, same in groupby(sorted(windows, key=lambda w: len(w.ids)), key=lambda w: len(w.ids)):
            some = list(same)
            with torch.inference_mode():
                shares = self.network(input_ids=torch.tensor([w.ids for w in some])).logits.softmax(-1).numpy()
            for window, own in zip(some, shares, strict=True):
                found |= {row: own[place] for row, (place, *_) in zip(window.rows, window.tokens, strict=True)}
        for handle in handles:
            handle.remove()
        return found

    def _zero(self, layer: int, indices: list[int]) -> Any:
        def hook(_: Any, __: Any, output: Any) -> Any:
            values = (output[0] if isinstance(output, tuple) else output).clone()
            values[..., indices] = 0.0
            return (values, *output[1:]) if isinstance(output, tuple) else values

        return self.network.get_submodule(PLACES[self.name][1][layer]).register_forward_hook(hook)

    @cached_property
    def has(self) -> np.ndarray:
        table = self.opened.store.table
        value = table.values["lexical"].index("number")
        return np.asarray(table.codes["lexical"] == value)

    @cached_property
    def kinds(self) -> dict[int, float]:
        """By token the share of train units that begin with it and are numbers."""
        seen: dict[int, list[bool]] = {}
        for window in self.opened.plan.windows["train"]:
            for row, token in zip(window.rows, window.targets, strict=True):
                seen.setdefault(token, []).append(bool(self.has[row]))
        return {token: float(np.mean(own)) for token, own in seen.items()}

    def right(self, found: dict[int, np.ndarray], score: str = "property") -> dict[bool, np.ndarray]:
        """Hits where the truth is a number (True), and elsewhere."""
        truth = {r: t for w in self.opened.plan.windows["test"] for r, t in zip(w.rows, w.targets, strict=True)}
        hits: dict[bool, list[bool]] = {True: [], False: []}
        for row, shares in sorted(found.items()):
            token = int(shares.argmax())
            said = self.kinds.get(token, 0.0) >= 0.5
            hits[bool(self.has[row])].append(token == truth[row] if score == "exact" else said == self.has[row])
        return {side: np.array(own) for side, own in hits.items()}


def zeroed(edits: Sequence[Edit]) -> list[tuple[int, int]]:
    assert all(isinstance(edit, Ablate) for edit in edits)
    return [(edit.layer, index) for edit in edits if isinstance(edit, Ablate) for index in edit.indices]


def test_result_is_what_a_slow_computation_says(case: Slow) -> None:
    result, opened = intervene(case.folder, case.asked), case.opened
    told = measured(result)
    edits = editor(TrainConcept(opened.store, "lexical", opened.value, 0), change_of(case.asked))
    best = [[tuple(n) for n in c.tolist()] for c in edits.candidates].index([*result.neurons])
    windows = opened.plan.windows["test"]
    assert sum(len(w.ids) for w in windows) < case.asked.tokens  # all are read
    assert told.windows == len(windows)
    base, edited = case.predict(windows), case.predict(windows, [*result.neurons])
    randoms = [case.predict(windows, zeroed(some)) for some in edits.random(best, case.asked.sets)]
    for effect in told.effects:
        before, after = (case.right(found, effect.score) for found in (base, edited))
        others = [case.right(found, effect.score) for found in randoms]
        for side, own in ((effect.here, True), (effect.elsewhere, False)):
            drops = [before[own].mean() - other[own].mean() for other in others]
            expected = {"n": len(before[own]), "base": before[own].mean(), "edited": after[own].mean()}
            expected |= {"drop": before[own].mean() - after[own].mean(), "random": np.mean(drops)}
            expected |= {"random_95": np.quantile(drops, 0.95)}
            expected |= {"effect": expected["drop"] - np.mean(drops)}
            assert {k: to_json(side)[k] for k in expected} == pytest.approx(expected, abs=1e-9)
        assert effect.effect == effect.here.effect
    weight = np.array([case.kinds.get(token, 0.0) for token in range(len(next(iter(base.values()))))])
    truth = {r: t for w in windows for r, t in zip(w.rows, w.targets, strict=True)}
    for key, found in (("base", base), ("edited", edited)):
        losses = [-np.log(shares[truth[row]]) for row, shares in found.items()]
        assert getattr(told.loss, key) == pytest.approx(np.mean(losses), abs=1e-4)
        for share, own in ((told.mass.here, True), (told.mass.elsewhere, False)):
            mass = [float(shares @ weight) for row, shares in found.items() if case.has[row] == own]
            assert getattr(share, key) == pytest.approx(np.mean(mass), abs=1e-5)
    turned, elsewhere = told.turned, case.right(base)[False]
    assert turned.base == pytest.approx(1 - elsewhere.mean())
    assert turned.edited == pytest.approx(1 - case.right(edited)[False].mean())
    assert turned.random == pytest.approx(1 - np.mean([case.right(f)[False].mean() for f in randoms]))


def test_choice_is_that_of_validation(case: Slow) -> None:
    """The candidate that harms numbers most and the rest least; without test windows, and with others."""
    opened = case.opened
    edits = editor(TrainConcept(opened.store, "lexical", opened.value, 0), change_of(case.asked))
    windows = opened.windows("validation")

    def gain(neurons: np.ndarray) -> float:
        right: dict[bool, list[bool]] = {True: [], False: []}
        for row, shares in case.predict(windows, [(a, b) for a, b in neurons.tolist()]).items():
            said = case.kinds.get(int(shares.argmax()), 0.0) >= 0.5
            right[bool(case.has[row])].append(said == case.has[row])
        return float(np.mean(right[False]) - np.mean(right[True]))

    gains = [gain(candidate) for candidate in edits.candidates]
    assert len(gains) > 2
    untested: dict[Split, tuple[Window, ...]] = {s: own for s, own in opened.plan.windows.items() if s != "test"}
    blind = replace(opened, plan=replace(opened.plan, windows=untested))
    assert blind.choose(edits) == opened.choose(edits) == int(np.argmax(gains))


def test_steering_is_chosen_by_probability(case: Slow) -> None:
    """The layer at which the value gains most probability where the truth has it not."""
    asked = options("steer", alpha=4.0)
    opened = replace(case.opened, options=asked)
    edits = editor(TrainConcept(opened.store, "lexical", opened.value, 0), change_of(asked))
    windows = opened.windows("validation")
    found = [opened.predict(windows, edits.edits(n)) for n in range(len(edits.candidates))]
    best = int(np.argmax([p.mass[~case.has[p.row]].mean() for p in found]))
    assert opened.choose(edits) == best
    assert len({p.mass.mean() for p in found}) == len(found)


def test_steering_is_chosen_elsewhere(case: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Probability that is gained where the truth has the value plays no part."""

    def predict(_: Measuring, windows: Sequence[Window], edits: Sequence[Edit] = ()) -> Predictions:
        row = np.array([row for w in windows for row in w.rows])
        here, elsewhere = [(0.9, 0.1), (0.5, 0.3), (0.1, 0.2)][edits[0].layer if edits else 0]
        mass = np.where(case.has[row], here, elsewhere)
        return Predictions(row, np.zeros(len(row), dtype=np.int64), np.zeros(len(row), dtype=bool), mass, mass)

    asked = options("steer")
    edits = editor(TrainConcept(case.opened.store, "lexical", case.opened.value, 0), change_of(asked))
    monkeypatch.setattr(Measuring, "predict", predict)
    assert [c[0, 0] for c in edits.candidates][replace(case.opened, options=asked).choose(edits)] == 1


def test_windows_are_enough_and_no_more(case: Slow) -> None:
    """Those with the value until the tokens are read; then others until no more units have the value than have not."""
    every = case.opened.plan.windows["test"]
    for tokens in (100, 400):
        some = replace(case.opened, options=options(tokens=tokens)).windows("test")
        first = [w for w in some if case.has[list(w.rows)].any()]
        count = sum(len(w.ids) for w in first)
        assert tokens <= count < tokens + max(len(w.ids) for w in every)
        has = sum(int(case.has[list(w.rows)].sum()) for w in some)
        others = [len(w.rows) for w in some if w not in first]
        without = sum(len(w.rows) for w in some) - has
        assert not others or without - max(others) < has
        assert [len(w.ids) for w in some] == sorted(len(w.ids) for w in some)
        assert set(some) <= set(every)


KEYS = (
    *("format", "options", "concepts", "concept", "edit", "how", "at", "site", "model", "neurons", "share", "layers"),
    *("chosen_by", "random_sets", "matching", "effects", "effects_reason", "windows", "turned", "loss", "mass"),
    *("examples", "probe", "probe_reason", "head", "head_reason", "erasure", "versions", "study_sha256", "sha256"),
)


@pytest.mark.parametrize(
    ("edit", "more"),
    [("ablate", {}), ("ablate", {"how": "resample", "at": "predicted"}), ("clamp", {}), ("steer", {}), ("erase", {})],
)
def test_result(edit: str, more: dict[str, Any], run: Path) -> None:
    """Complete, the same from its file, shown on the page."""
    asked = options(edit, **more)
    result = intervene(run, asked)
    content = (run / "interventions" / asked.file).read_bytes()
    assert tuple(json.loads(content)) == KEYS
    assert json.dumps(to_json(result), indent=1, ensure_ascii=False).encode() == content
    assert load_interventions(run) == [result]
    assert InterventionOptions.model_validate(result.options) == asked
    assert result.at == ("predicted" if edit in ("steer", "erase") or "at" in more else "all")
    assert result.how == {"ablate": more.get("how", "mean")}.get(edit)
    assert sum(result.layers) == len(result.neurons) == pytest.approx(48 * result.share)
    assert [e.score for e in measured(result).effects] == ["property", "exact"]
    assert isinstance(result.probe, TaskEffect)
    assert (result.probe.base.n, result.probe.random_sets) == (60, 20)
    assert isinstance(result.head, NotMeasured)
    assert result.head.reason is Reason.NO_HEAD
    assert "BertForMaskedLM" in result.head.text
    assert (result.erasure is None) == (edit != "erase")
    if result.erasure:
        assert list(result.neurons) == [(result.erasure.layer, i) for i in range(16)]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert f"{edit} {CONCEPT}" in page or f"{edit} ({result.how}) {CONCEPT}" in page


def test_ranges_stand_beside_the_whole_neurons(case: Slow) -> None:
    """The same neurons twice: edited within ranges, and anywhere as a slow computation says; both are shown."""
    asked = options(how="zero", range=True, tokens=20_000)
    result, windows = intervene(case.folder, asked), case.opened.plan.windows["test"]
    assert asked.file == "lexical=number-ablate-zero-range.json"
    assert [r.neuron for r in result.ranges or ()] == [*result.neurons]
    assert result in load_interventions(case.folder)
    base, whole = case.predict(windows), case.predict(windows, [*result.neurons])
    assert result.whole is not None
    for effect in result.whole.effects:
        before, after = (case.right(found, effect.score) for found in (base, whole))
        assert effect.here.drop.value == pytest.approx(before[True].mean() - after[True].mean())
        assert effect.elsewhere.drop.value == pytest.approx(before[False].mean() - after[False].mean())
    within = measured(result)
    assert within.loss.base == result.whole.loss.base
    assert within.loss.edited != result.whole.loss.edited
    page = (case.folder / "report.html").read_text(encoding="utf-8")
    assert f"ablate (zero) within ranges {CONCEPT}" in page
    assert f"ablate (zero) {CONCEPT}" in page


def test_read_back(run: Path, result: InterventionResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same options measure nothing; others measure anew in the same file; a lost page is written again."""
    (run / "interventions").mkdir()
    (run / "interventions" / options().file).write_text(json.dumps(to_json(result)))
    (run / "report.html").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(module, "language_model_of", None)  # no model is loaded
        assert intervene(run, options()) == result
    assert CONCEPT in (run / "report.html").read_text(encoding="utf-8")
    second = intervene(run, options(share=0.05))
    assert second.options["share"] == 0.05
    assert second != result
    assert load_interventions(run) == [second]


UNSTUDIED = {"probe": None, "probe_reason": Reason.NO_PROBE.value}


@pytest.mark.parametrize("since", [{"concepts": {"min_rows": 6}}, UNSTUDIED])
def test_what_changed_since_is_measured_anew(since: dict[str, Any], run: Path, result: InterventionResult) -> None:
    """Concepts looked for anew with other options, or a study of the run's task after the edit."""
    (run / "interventions").mkdir()
    (run / "interventions" / options().file).write_text(json.dumps(unmarked(to_json(result)) | since))
    assert intervene(run, options()) == result


def test_edits_of_every_kind_share_a_page(run: Path) -> None:
    """The task alone, with predictions, of neurons and of layers: each command ends, and the page shows them all."""
    for asked in (options(predictions=False), options("erase"), options("clamp", predictions=False), options("steer")):
        intervene(run, asked)
    page = (run / "report.html").read_text(encoding="utf-8")
    for name in (f"ablate (mean) {CONCEPT}", f"erase {CONCEPT}", f"clamp {CONCEPT}", f"steer {CONCEPT}"):
        assert name in page
    assert Path(write_report(run)).is_file()


def test_random_edits_before_they_were_matched_are_measured_anew(run: Path, result: InterventionResult) -> None:
    (run / "interventions").mkdir()
    old = {key: value for key, value in unmarked(to_json(result)).items() if key != "matching"}
    (run / "interventions" / options().file).write_text(json.dumps(old))
    write_report(run)  # it still opens
    assert intervene(run, options()) == result


def test_files() -> None:
    """One for each concept and kind of edit, whatever signs the value has."""
    assert options().file == "lexical=number-ablate.json"
    concepts = ("node=+", "node=-", "node=/", "node=..", "node=a b", "node=a-b", "nodé=+")
    every = [options(concept=c, **k) for c in concepts for k in ({}, {"how": "zero"}, {"how": "resample"})]
    every += [options(edit, concept=c) for c in concepts for edit in ("clamp", "steer", "erase")]
    assert len({o.file.lower() for o in every}) == len(every)
    assert all(Path(o.file).name == o.file and not o.file.startswith(".") for o in every)


def test_damaged_outcome(run: Path, result: InterventionResult) -> None:
    """A file of another version is made anew; one that is no JSON object is refused."""
    file = run / "interventions" / options().file
    file.parent.mkdir()
    file.write_text(json.dumps(unmarked(to_json(result)) | {"format": 0, "neurons": []}))
    assert intervene(run, options()) == result
    file.write_text("{")
    for act in (lambda: intervene(run, options()), lambda: load_interventions(run), lambda: write_report(run)):
        with pytest.raises(RunFolderError) as caught:
            act()
        assert_one_line(caught.value, file.name, "delete the file")


@pytest.mark.parametrize("stop", ["prediction_examples", "probe_effect", "write_report"])
def test_stopped_half_way(stop: str, run: Path, result: InterventionResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """No half file; the same command measures it."""

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, stop, stopped)
        with pytest.raises(KeyboardInterrupt):
            intervene(run, options())
    assert len(load_interventions(run)) == (stop == "write_report")
    assert not list(run.rglob(".*.part"))
    assert intervene(run, options()) == result
    assert load_interventions(run) == [result]
    assert CONCEPT in (run / "report.html").read_text(encoding="utf-8")
