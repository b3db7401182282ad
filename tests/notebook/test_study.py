"""A run folder as an object: it holds what its files hold, and says in one way what is missing."""

import shutil
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosieve as ns
from neurosieve.activations.store import ActivationStore
from neurosieve.errors import ConfigError, RunFolderError
from neurosieve.notebook.profiles import profile_of
from neurosieve.probes.archive import load_outcome
from neurosieve.redundancy.cluster_probes import GeneralRedundancy
from neurosieve.report.drawing import Chart
from neurosieve.report.figures import CHARTS
from neurosieve.results.neuron_profile import NeuronProfile
from neurosieve.results.redundancy import FRAMES
from neurosieve.results.whole_texts import TextFindings
from neurosieve.storage.folder import Folder
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.studies.run_folder import export_name
from neurosieve.typing import NeuronId
from tests.report.concept_results import concepts_of
from tests.report.edit_results import interventions_of, measured
from tests.report.module_results import modules_of
from tests.report.records import result_of
from tests.report.test_set_tables import TEXT
from tests.report.test_set_tables import result as result_of_sets
from tests.studies import copy_run, finished_concepts, finished_quick
from tests.studies.export import measured_little
from tests.tiny import assert_one_line


@pytest.fixture(scope="module")
def study() -> ns.Study:
    return ns.load(finished_concepts())


def test_it_holds_what_the_files_hold(study: ns.Study) -> None:
    result = finished_quick().summary
    assert (study.headline, study.oracle, study.trust) == (result.headline, result.oracle, result.trust)
    assert study.minimal_sets == result.sets
    assert study.config == finished_quick().config
    assert study.result.to_frame().equals(study.to_frame())


def test_rankings_and_clusters_are_those_that_were_saved(study: ns.Study) -> None:
    """Read without torch, and compared with what the studies read."""
    files = Folder(study.folder)
    saved, clusters = load_outcome(files, "selection", Selection), load_outcome(files, "clusters", GeneralRedundancy)
    frame = study.to_frame("rankings")
    assert frame.select("layer", "index").rows() == [tuple(n) for n in saved.scaler.neurons.tolist()]
    for ranking in saved.rankings:
        for place in (0, 1, len(ranking.order) - 1):
            neuron = ranking.top(place + 1)[-1]
            assert study.neuron(*neuron).ranks[ranking.name] == place + 1
    for cut in clusters.clusters:
        kept = {tuple(n) for n in saved.scaler.neurons[cut.probe.feature].tolist()}
        for layer, index in saved.scaler.neurons.tolist():
            assert (cut.threshold in study.neuron(layer, index).represents) is ((layer, index) in kept)


def test_a_neuron_has_its_place_in_each_set(study: ns.Study) -> None:
    for found in study.minimal_sets:
        for place, neuron in enumerate(found.neurons, start=1):
            rule = (found.ranking, found.delta, found.select)
            own = [s for s in study.neuron(*neuron).sets if (s.ranking, s.delta, s.select) == rule]
            assert [(s.place, s.size) for s in own] == [(place, found.size)]
            assert list(own[0].weights.values()) == pytest.approx(found.weights[place - 1])
            assert list(own[0].weights) == list(study.result.labels)


def test_a_neuron_has_its_scores_claimed_first(study: ns.Study) -> None:
    found = study.concepts()
    scored = {(c.view, c.name, n.neuron): n for v in found.views.values() for c in v.concepts for n in c.neurons}
    for neuron in {key[2] for key in scored}:
        profile = study.neuron(*neuron)
        assert {(c.view, c.name) for c in profile.concepts} == {key[:2] for key in scored if key[2] == neuron}
        assert all(c.score == scored[c.view, c.name, neuron] for c in profile.concepts)
        claims = [c.score.claimed for c in profile.concepts]
        assert claims == sorted(claims, reverse=True)
        assert set(profile.claimed) == {c.name for c in profile.concepts if c.score.claimed}
        assert profile.to_frame().height == len(profile.concepts)


@pytest.mark.parametrize("neuron", [(-1, 0), (99, 0), (0, -1), (0, 999)])
def test_a_neuron_that_is_not_there(neuron: tuple[int, int], study: ns.Study) -> None:
    with pytest.raises(ConfigError) as caught:
        study.neuron(*neuron)
    assert_one_line(caught.value, f"neuron {neuron[0]}:{neuron[1]}", "a layer below 3", "an index below 16")


@pytest.mark.parametrize("name", [*FRAMES, "rankings", "concepts", "interventions"])
def test_tables(name: str, study: ns.Study) -> None:
    frame = study.to_frame(name)
    assert frame.height > 0 or name in ("pareto", "interventions")
    assert not any(dtype.is_nested() for dtype in frame.schema.values())


@pytest.mark.parametrize("name", [*CHARTS, "rivals-detect", "depth"])
def test_figures(name: str, study: ns.Study) -> None:
    try:
        figure = study.plot(name)
    except ConfigError as e:
        pytest.fail(str(e))
    assert isinstance(figure, Chart)
    assert figure.title


def test_first_screen(study: ns.Study) -> None:
    shown = study.show()
    assert shown.headline == study.headline
    assert "<svg" in shown._repr_html_()


def test_exports_are_kept_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is returned, what the run keeps and what the page shows are one."""
    measured_little(monkeypatch)
    run = ns.load(copy_run(tmp_path))
    assert run.exports == {}
    with pytest.raises(RunFolderError) as caught:
        run.to_frame("exports")
    assert_one_line(caught.value, "an exported model", "neurosieve export")
    made = run.export(tmp_path / "small", delta=0.5)
    assert made.delta == 0.5
    assert run.exports == {export_name(tmp_path / "small"): made}
    frame = run.to_frame("exports")
    assert frame["exported"].to_list() == [point == made.exported for point in made.frontier]
    assert frame["source"].to_list() == [point.source for point in made.frontier]
    assert made.plot().title.startswith(made.exported.name)
    page = (Path(run.folder) / "report.html").read_text(encoding="utf-8")
    assert f'data-figure="frontier-{export_name(tmp_path / "small")}"' in page
    other = run.export(tmp_path / "other" / "small", form="full", delta=0.5)  # a folder of the same name
    assert list(run.exports.values()) in ([made, other], [other, made])
    assert page.count(escape(made.headline)) == 1
    for shown in (str(made), repr(made), str(run), made._repr_html_(), run._repr_html_()):
        assert made.headline in unescape(shown)
    with pytest.raises(ConfigError):
        run.export(tmp_path / "other", format="onnx")


@pytest.mark.parametrize("ask", ["plot", "to_frame"])
def test_unknown_names_tell_which_there_are(ask: str, study: ns.Study) -> None:
    with pytest.raises(ConfigError) as caught:
        getattr(study, ask)("curvs")
    assert_one_line(caught.value, "'curvs'", "clusters", "pareto", "did you mean curve")


def test_it_shows_itself(study: ns.Study) -> None:
    assert repr(study) == f"Study({str(study.folder)!r})"
    assert str(study).startswith(study.headline)
    assert study.concepts().headline in str(study)
    for shown in (study, study.result, study.concepts(), study.neuron(0, 1), study.minimal_sets[0].neurons):
        assert "<table" in shown._repr_html_()
    assert str(study.result).count("\n") == len(study.trust)


def test_concepts_are_read_where_they_answer(study: ns.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosieve.studies.concepts.run.continue_concepts", lambda *asked: asked)
    found: Any = study.concepts()
    assert study.concepts(["lexical"]) == found
    assert study.concepts(min_rows=5, tokens=(2000, 1000, 1000)) == found
    others: list[Any] = [study.concepts(["role"]), ns.load(study.folder).concepts(min_rows=6)]
    assert others == [(study.folder, {"properties": ("role",)}), (study.folder, {"min_rows": 6})]


def test_rows_and_layers_are_those_of_the_store(study: ns.Study) -> None:
    store = ActivationStore(Path(study.folder) / "activations")
    rows = study.rows("train")
    assert np.array_equal(study.store["train", 2], rows.columns(2))
    assert np.array_equal(store.read("train", [1]).values, rows.columns(1))
    assert np.array_equal(rows.columns(1, (5, 3)), rows.columns(1)[:, [5, 3]])
    edits = ns.Ablate.mean([(1, 5), (0, 2), (1, 3)], rows)
    assert [(edit.layer, edit.indices) for edit in edits] == [(0, (2,)), (1, (5, 3))]
    np.testing.assert_allclose(edits[1].pool[0], rows.columns(1, (5, 3)).mean(0), rtol=1e-6)
    for asked in ((9, None), (1, (99,))):
        with pytest.raises(ConfigError, match=f"rows of layer {asked[0]}: expected neurons of the layers 0, 1, 2"):
            rows.columns(*asked)


def test_a_study_s_config_makes_it_again(tmp_path: Path) -> None:
    study = ns.load(finished_quick().folder)
    with pytest.raises(RunFolderError, match="other options: seed 0"):
        ns.run(study.config, out=copy_run(tmp_path), seed=1)
    again = ns.run(study.config, out=tmp_path / "run")
    assert again.headline == study.headline


MISSING: dict[str, tuple[Any, tuple[str, ...]]] = {
    "no folder": (shutil.rmtree, ("expected a study.yaml, got none",)),
    "no summary": (lambda run: (run / "summary.json").unlink(), ("results (summary.json)", "neurosieve redundancy")),
    "another format": (
        lambda run: (run / "summary.json").write_text('{"format": 99}'),
        ("format version 1", "version 99"),
    ),
    "half a file": (lambda run: (run / "summary.json").write_text('{"format": 1, "he'), ("a whole JSON object",)),
    "a damaged manifest": (
        lambda run: [(run / "summary.json").unlink(), (run / "activations" / "manifest.json").write_text("{")],
        ("manifest.json", "a whole JSON object"),
    ),
    "a study of another version": (
        lambda run: (run / "study.yaml").write_text("format: 99\n"),
        ("format version 1 in study.yaml",),
    ),
}


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing_is_one_kind_of_error(case: str, tmp_path: Path) -> None:
    change, parts = MISSING[case]
    run = copy_run(tmp_path)
    change(run)
    with pytest.raises(RunFolderError) as caught:
        ns.load(run)
    assert_one_line(caught.value, *parts)


def test_tensors_of_another_run(tmp_path: Path) -> None:
    run = copy_run(tmp_path)
    (run / "selection.safetensors").write_bytes((run / "clusters.safetensors").read_bytes())
    study = ns.load(run)
    with pytest.raises(RunFolderError) as caught:
        study.neuron(0, 1)
    assert_one_line(caught.value, "selection.json and selection.safetensors", "other tensors", "neurosieve redundancy")


def test_results_print_and_plot() -> None:
    """Those made by hand have claims, edits and whole texts, which the tiny run lacks."""
    found, result = concepts_of("full"), result_of("full")
    assert str(found).splitlines()[0] == found.headline
    assert "lexical=number" in str(found)
    assert repr(result) == f"RedundancyResult({result.headline!r})"
    assert isinstance(found.plot("depth"), Chart)
    for edit in interventions_of("full"):
        assert str(edit) == f"{edit.headline}\n  edited: {edit.neurons}"
        assert edit.claimed is any(e.claimed for e in measured(edit).effects if e.score == "property")
        assert edit.to_frame().height == 2 * len(measured(edit).effects)
        assert "<table" in edit._repr_html_()
        assert isinstance(edit.plot(), Chart)


def profile(variant: str) -> NeuronProfile:
    parts = result_of(variant), None, concepts_of(variant), interventions_of(variant)
    return profile_of(NeuronId(1, 0), ("model", "mlp"), *parts)


def test_a_neuron_names_sets_of_few_and_modules_that_have_it() -> None:
    found, modules = result_of_sets(TEXT), modules_of()
    own = profile_of(NeuronId(2, 0), ("model", "mlp"), None, None, found, (), modules)
    assert [(s.view, s.name, s.size) for s in own.value_sets] == [("detect", "text=natural", 8)]
    assert own.modules == ()
    assert "claimed sets: text=natural, 8 neurons (detect)" in str(own)
    shared = profile_of(NeuronId(0, 1), ("model", "mlp"), None, None, found, (), modules)
    assert (shared.value_sets, shared.modules) == ((), ("A", "B"))
    assert "modules: A, B" in str(shared)


def test_a_neuron_gathers_all_parts() -> None:
    own, found = profile("full"), concepts_of("full")
    assert own.claimed == ("naming=UPPER_CASE", "lexical=number")  # most above its rival first
    assert own.property_sets == ("lexical", "lexical=number")
    assert set(own.evidence) == {"detect"}
    assert len(own.edits) == len([e for e in interventions_of("full") if (1, 0) in e.neurons]) > 0
    assert isinstance(found.examples, TextFindings)
    explained = found.examples.neurons[0]
    texts = profile_of(explained.neuron, ("model", None), None, None, found, ()).texts
    assert texts == explained
    for part in ("lexical=number, view detect", "claimed for: naming=UPPER_CASE", "edits: ", "task: not studied"):
        assert part in str(own)


@pytest.mark.parametrize("variant", ["full", "hostile"])
def test_what_a_neuron_shows_is_escaped(variant: str) -> None:
    html = profile(variant)._repr_html_()
    assert "<table" in html
    assert "<script>" not in html
    assert "\x00" not in html


def test_snippet_has_the_values_of_the_model(study: ns.Study) -> None:
    code = "def f(x):\n    return x + 12\n"
    neurons = [(0, 1), (2, 5), (1, 0)]
    reading = study.read(code, neurons)
    model = study.model()
    states = model.plain_states(model.tokenizer(code, return_tensors="pt")["input_ids"])
    wanted = np.stack([states[layer][0, 1:-1, index].numpy() for layer, index in neurons], 1)  # [CLS] and [SEP] apart
    np.testing.assert_allclose(reading.values, wanted, atol=1e-6)
    assert list(reading.neurons) == neurons
    assert all(code[start:end] == token for token, (start, end) in zip(reading.tokens, reading.spans, strict=True))
    assert "".join(reading.tokens) == "".join(code.split())
    frame = reading.to_frame()
    assert frame.columns == ["token", "start", "end", "0:1", "2:5", "1:0"]
    assert frame.height == len(reading.tokens)
    assert "3 neurons" in str(reading)


def test_snippet_longer_than_the_model_is_read_in_windows(study: ns.Study) -> None:
    """Each token has a value, and those in the middle of the first window the value that it has there."""
    code = "x = 12 + y\n" * 200
    reading = study.read(code, [(1, 3)])
    model = study.model()
    assert len(reading.tokens) > model.max_tokens
    assert np.isfinite(reading.values).all()
    first = study.read(code[: reading.spans[model.max_tokens - 3][1]], [(1, 3)])
    np.testing.assert_allclose(reading.values[:5], first.values[:5], atol=1e-6)


def test_snippet_shows_itself_with_its_text_escaped(study: ns.Study) -> None:
    code = "<script>alert(1)</script>\t\x1b[31m\nx"
    page = study.read(code, [(0, 1), (1, 1)])._repr_html_()
    assert "<script>" not in page
    assert "\x1b" not in page
    assert page.count("<pre>") == 2
    assert page.count("background:#") > 4


def test_snippet_of_the_smallest_set_by_default(study: ns.Study) -> None:
    assert list(study.read("x = 1").neurons) == list(study.minimal_sets[0].neurons)


@pytest.mark.parametrize(
    ("code", "neurons", "said"),
    [("", [(0, 1)], "at least one token"), ("x", [(99, 1)], "neuron 99:1"), ("x", [], "at least one, got none")],
)
def test_snippet_that_cannot_be_read(study: ns.Study, code: str, neurons: list[Any], said: str) -> None:
    with pytest.raises(ns.NeurosieveError, match=said) as caught:
        study.read(code, neurons)
    assert_one_line(caught.value)
