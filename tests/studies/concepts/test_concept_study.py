"""Concepts of a study: one record whatever was stopped on the way, and one line for what cannot be."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from neurosieve.activations.store import ActivationStore
from neurosieve.concepts.properties import annotate
from neurosieve.data.dataset import Dataset, Example, Span
from neurosieve.errors import ConfigError, DataError, ModelError, NeurosieveError, RunFolderError
from neurosieve.results import to_json
from neurosieve.results.concept_counts import TextCounts, TokenCounts
from neurosieve.results.concepts import ConceptResult
from neurosieve.studies import inputs as inputs_module
from neurosieve.studies.concepts import run as module
from neurosieve.studies.concepts.run import continue_concepts, label_property, load_concepts, run_concepts
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import read_dataset
from neurosieve.studies.redundancy.run import run_study
from neurosieve.studies.run_folder import RunFolder
from neurosieve.syntax import languages as languages_module
from tests.concepts.planted import code
from tests.data import put
from tests.shared import HOME, once
from tests.studies import finished_quick, lasting, quick
from tests.tiny import assert_one_line, tiny_model

ASKED: dict[str, Any] = {"language": "python", "properties": ["lexical", "label"], "tokens": [150, 20, 150]}
ASKED |= {"min_rows": 5, "rounds": 7}


def tagged(**options: Any) -> StudyConfig:
    """Lines of words with tags that people gave."""
    return quick(concepts=ASKED | options)


def sources(folder: Path, **options: Any) -> StudyConfig:
    """Files of Python, one of train broken."""
    files: dict[str, str | bytes] = {
        f"{s}/{i}.py": code((s, i))[:400] for s in ("train", "valid", "test") for i in (0, 1)
    }
    files["train/2.py"] = "def f(:\n    x = 1\n"
    asked = {"properties": ["lexical", "role"], "tokens": [10**6] * 3, "min_rows": 2, "views": ["detect"]}
    return quick(data=str(put(folder, files)), labels="lexical", concepts=asked | options)


@once
def folder() -> Path:
    """A folder in which concepts were looked for; not to be changed."""
    run_concepts(tagged(), HOME / "concepts")
    return HOME / "concepts"


def found() -> ConceptResult:
    loaded = load_concepts(folder())
    assert loaded is not None
    return loaded


def forbidden(*_: Any, **__: Any) -> Any:
    raise AssertionError("must not be called")


def contents(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def test_result() -> None:
    result, dataset = found(), read_dataset(tagged())
    assert set(result.views) == {"detect", "predict"}
    assert result.predict_reason is None
    assert result.options == tagged().concepts.model_dump(mode="json")
    assert result.data_hashes == dict(dataset.hashes)
    assert (result.layers, result.neurons, result.site, result.task) == (3, 48, "hidden", "token-tagging")
    assert {"label=NUM", "lexical=number"} <= {c.name for c in result.views["detect"].concepts}
    assert result.notes[0] == dataset.source
    assert "language: python, as asked for" in result.notes
    for what, count in dataset.notes.items():
        assert f"{count:,} {what}" in result.notes
    assert result.units is not None
    for view, part in result.views.items():
        store = ActivationStore(folder() / "concepts" / view)
        assert result.units[view] == store.manifest.counts
        assert part.rows == {split: store.manifest.rows[split] for split in ("train", "test")}
    assert result.tokens.read >= result.units["detect"]["kept"]
    assert sorted(p.name for p in folder().iterdir()) == [
        "concepts",
        "concepts.json",
        "report.html",
        "seconds.json",
        "study.yaml",
    ]


def test_what_is_shown() -> None:
    frame = found().to_frame()
    shown = sum(len(c.neurons) for view in found().views.values() for c in view.concepts)
    assert len(frame) == shown > 10
    assert set(frame["view"]) == {"detect", "predict"}
    assert found().headline in repr(found())
    assert "48" in found().headline
    assert "<p><b>" in found()._repr_html_()
    with pytest.warns(DeprecationWarning, match="results.to_json"):
        assert found().record == to_json(found())


def test_finished_is_shown_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As it was returned at first, without model or pass."""
    config = tagged(views=["detect"], untrained=False)
    first = run_concepts(config, tmp_path / "run")
    before, other = contents(tmp_path / "run"), finished_quick().folder
    monkeypatch.setattr(inputs_module, "load_model", forbidden)
    assert run_concepts(config, tmp_path / "run") == first
    assert continue_concepts(tmp_path / "run", {}) == first
    assert contents(tmp_path / "run") == before
    assert load_concepts(other) is None


class Killed(BaseException):
    """What no clause of the package catches."""


KILLS: dict[str, tuple[Any, str, int]] = {
    "before the model is loaded": (inputs_module, "load_model", 1),
    "before the second shard": (ActivationStore, "write", 2),
    "in the claims": (module, "find_concept_sets", 1),
    "in an untrained copy": (ActivationStore, "write", 5),
    "in the second view": (ActivationStore, "write", 8),
    "before the record is written": (RunFolder, "peak_rss_mb", 1),
}


FEW = ("before the second shard", "in the second view")


@pytest.mark.parametrize("moment", [pytest.param(m, marks=[] if m in FEW else pytest.mark.slow) for m in KILLS])
def test_a_killed_run_goes_on(moment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """To the same record; no shard that is whole is read again, and no step that ended is made again."""
    owner, name, call = KILLS[moment]
    right, calls = getattr(owner, name), 0

    def dying(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return right(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(Killed):
            run_concepts(tagged(), tmp_path)
    assert load_concepts(tmp_path) is None
    kept = [p for view in ("detect", "predict") for p in (tmp_path / "concepts" / view).rglob("*")]
    whole = {p: p.stat().st_mtime_ns for p in kept if p.suffix in (".safetensors", ".parquet")}
    steps = {view for view in ("detect", "predict") if (tmp_path / "concepts" / f"{view}.json").is_file()}
    made, right_find = list[str](), vars(module)["find_concept_sets"]

    def finding(store: Any, **options: Any) -> Any:
        made.append(store.view)
        return right_find(store, **options)

    monkeypatch.setattr(module, "find_concept_sets", finding)
    again = continue_concepts(tmp_path, {}) if (tmp_path / "concepts").exists() else run_concepts(tagged(), tmp_path)
    assert lasting(to_json(again)) == lasting(to_json(found()))
    assert set(made) == {"detect", "predict"} - steps
    assert all(p.stat().st_mtime_ns == when for p, when in whole.items())
    assert not list((tmp_path / "concepts").glob("untrained*"))


def test_other_options_are_refused(tmp_path: Path) -> None:
    run = shutil.copytree(folder(), tmp_path / "run")
    before = contents(run)
    other = {"min_rows": 7, "rounds": 2}
    for begin in (partial(run_concepts, tagged(**other), run), partial(continue_concepts, run, other)):
        with pytest.raises(RunFolderError) as caught:
            begin()
        assert_one_line(caught.value, "min_rows 5 → 7", "rounds 7 → 2", "concepts.json", "start again")
        assert "tokens" not in caught.value.got
    with pytest.raises(RunFolderError) as caught:
        run_concepts(quick(concepts=ASKED, seed=1), run)
    assert_one_line(caught.value, "seed 0 → 1")
    assert contents(run) == before
    shutil.rmtree(run / "concepts")
    (run / "concepts.json").unlink()
    assert continue_concepts(run, ASKED | {"views": ["detect"]}).options["views"] == ["detect"]


def test_in_the_folder_of_a_finished_study(tmp_path: Path) -> None:
    """The study stays as it was and is shown again; options given once hold for the next call."""
    run = shutil.copytree(finished_quick().folder, tmp_path / "run")
    summary = (run / "summary.json").read_bytes()
    again = continue_concepts(run, ASKED)
    assert again.views == found().views
    assert continue_concepts(run, {}) == again
    assert (run / "summary.json").read_bytes() == summary
    assert to_json(run_study(finished_quick().config, run)) == finished_quick().record


def test_a_study_may_follow(tmp_path: Path) -> None:
    """The folder is that of the same study, whatever concepts it is asked for."""
    run = shutil.copytree(folder(), tmp_path / "run")
    RunFolder(run, quick(), read_dataset(quick()).hashes)
    with pytest.raises(RunFolderError):
        RunFolder(run, quick(seed=1), read_dataset(quick()).hashes)


def test_options_of_a_study_file_hold_later(tmp_path: Path) -> None:
    """A study that names concepts, run first without them: what it says is what is looked for."""
    config = tagged(views=["detect"], untrained=False)
    RunFolder(tmp_path, config, read_dataset(config).hashes)
    saved = yaml.safe_load((tmp_path / "study.yaml").read_text())
    assert saved["study"]["concepts"] == config.concepts.model_dump(mode="json")
    options = continue_concepts(tmp_path, {"min_rows": 6}).options
    assert options == tagged(views=["detect"], untrained=False, min_rows=6).concepts.model_dump(mode="json")


REFUSED: dict[str, tuple[dict[str, Any], type[NeurosieveError], tuple[str, ...]]] = {
    "property": ({"properties": ["lexcal"]}, ConfigError, ("property 'lexcal'", "did you mean lexical?")),
    "twice": ({"properties": ["use", "use"]}, ConfigError, ("'use' twice",)),
    "no property": ({"properties": []}, DataError, ("at least one with two values",)),
    "language": ({"language": "pyton"}, ConfigError, ("language 'pyton'", "did you mean python?")),
    "one value": ({"properties": ["language"]}, DataError, ("language: one value only (python)",)),
}


def test_what_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    """The right options go on in the same folder, and so does another model."""
    for options, kind, parts in REFUSED.values():
        with pytest.raises(kind) as caught:
            run_concepts(tagged(**options), tmp_path)
        assert_one_line(caught.value, *parts)
    with pytest.raises(ModelError):
        run_concepts(quick(model=str(tmp_path / "none"), concepts=ASKED), tmp_path)
    right = tagged(views=["detect"], untrained=False)
    assert run_concepts(right, tmp_path).options["properties"] == ASKED["properties"]


def test_no_value_with_enough_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        run_concepts(tagged(min_rows=10**6), tmp_path)
    assert_one_line(caught.value, "view detect", "1000000 rows")
    assert load_concepts(tmp_path) is None


def test_activations_made_elsewhere(tmp_path: Path) -> None:
    config = StudyConfig.model_validate({"activations": "x.json"})
    with pytest.raises(ConfigError) as caught:
        run_concepts(config, tmp_path / "run")
    assert_one_line(caught.value, "concepts", "activations made elsewhere", "--model and --data")
    assert not (tmp_path / "run").exists()
    with pytest.raises(RunFolderError) as missing:
        continue_concepts(tmp_path / "run", {})
    assert_one_line(missing.value, "a study.yaml")


@pytest.fixture
def no_grammar(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def missing(name: str) -> Any:
        raise ImportError(name)

    languages_module.grammar.cache_clear()
    monkeypatch.setattr(languages_module, "import_module", missing)
    yield
    languages_module.grammar.cache_clear()


@pytest.mark.usefixtures("no_grammar")
def test_a_grammar_that_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        run_concepts(tagged(language="rust"), tmp_path)
    assert_one_line(caught.value, "grammar of rust", "pip install tree-sitter-rust")


def test_an_encoder_without_mask_token_predicts_nothing(tmp_path: Path) -> None:
    """The view is left out with its reason, and all else is there."""
    config = quick(model=str(tiny_model("deberta-v2")), concepts=ASKED | {"untrained": False})
    result = run_concepts(config, tmp_path)
    assert set(result.views) == set(result.units or ()) == {"detect"}
    assert result.predict_reason is not None
    assert "mask token" in result.predict_reason
    assert result.notes[-1] == f"no view predict: {result.predict_reason}"
    assert "\n" not in result.predict_reason
    assert result.options["views"] == ["detect", "predict"]
    assert continue_concepts(tmp_path, {}) == result
    assert result.headline
    assert set(result.to_frame()["view"]) == {"detect"}


def test_too_few_rows_to_predict(tmp_path: Path) -> None:
    """One part of seven is read masked, and no value has rows enough in it."""
    result = run_concepts(tagged(rounds=1, min_rows=40, untrained=False), tmp_path)
    assert set(result.views) == {"detect"}
    assert "view predict" in (result.predict_reason or "")


def test_a_decoder_predicts(tmp_path: Path) -> None:
    config = quick(model=str(tiny_model("gpt2")), concepts=ASKED | {"untrained": False})
    views = run_concepts(config, tmp_path).views
    assert set(views) == {"detect", "predict"}
    detect, predict = (view.rows["train"] for view in (views["detect"], views["predict"]))
    assert 0.5 * detect < predict < detect


def test_code_that_does_not_parse_is_counted(tmp_path: Path) -> None:
    result = run_concepts(sources(tmp_path / "data"), tmp_path / "run")
    dataset = read_dataset(sources(tmp_path / "data"))
    table = annotate([e.text for e in dataset.examples], "python", None, ["lexical"])
    assert result.texts == TextCounts(read=7, with_errors=table.with_errors, framed=table.framed)
    assert result.tokens == TokenCounts(read=len(table), in_error=table.rows_in_error)
    assert table.with_errors > 0
    assert any("does not parse" in note for note in result.notes)
    assert "language by the endings of the files: python" in result.notes


def test_a_property_with_one_value_is_left_out(tmp_path: Path) -> None:
    result = run_concepts(sources(tmp_path / "data", properties=["lexical", "language"]), tmp_path / "run")
    assert result.views["detect"].left_out["language"] == "one value only (python)"
    assert {c.property_name for c in result.views["detect"].concepts} == {"lexical"}


def test_files_that_were_not_needed(tmp_path: Path) -> None:
    result = run_concepts(sources(tmp_path / "data", tokens=[1, 1, 10**6]), tmp_path / "run")
    assert result.texts.read == 4
    assert "3 texts were not needed for the tokens asked for" in result.notes


def test_labels_are_a_property() -> None:
    """Of each token that begins in a labelled span, in any order of texts."""
    text = "ab cd(ef) + gh"
    dataset = Dataset(
        (
            Example("1", text, (Span(0, 5, "A"), Span(6, 8, "B"), Span(12, 14, "A")), "train", "1"),
            Example("2", "x y", (), "train", "2"),
            Example("3", "x y", (Span(2, 3, "C"),), "test", "3"),
        ),
        "made up",
    )
    texts = [e.text for e in dataset.examples][::-1]
    table = annotate(texts, "python", None, [label_property(dataset)], ids=["3", "2", "1"])
    labels = [None if c < 0 else table.values["label"][c] for c in table.codes["label"]]
    words = [texts[e][a:b] for e, a, b in zip(table.example, table.start, table.end, strict=True)]
    assert list(zip(words, labels, strict=True)) == [
        ("x", None),
        ("y", "C"),
        ("x", None),
        ("y", None),
        *(("ab", "A"), ("cd", "A"), ("(", None), ("ef", "B"), (")", None), ("+", None), ("gh", "A")),
    ]


def test_labels_of_lines_are_asked_for_by_default() -> None:
    """Where people gave them; what the syntax tree or a whole text says is no label of tokens."""
    dataset = read_dataset(tagged())
    every = module.properties_of(quick().concepts, dataset, None)
    assert every[-1].name == "label"
    derived = module.properties_of(quick().concepts, dataset, "lexical")
    assert {p.name for p in every} - {p.name for p in derived} == {"label"}
    for labels, got in (("lexical", "read from the syntax tree"), (None, "a label for each whole text")):
        whole = Dataset(dataset.examples, "made up", whole=labels is None)
        with pytest.raises(ConfigError) as caught:
            module.properties_of(tagged().concepts, whole, labels)
        assert_one_line(caught.value, "property 'label'", got, "leave it out")


def test_records_hold_plain_numbers() -> None:
    text = (folder() / "concepts.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert json.loads(text) == json.loads(json.dumps(to_json(found())))
