"""A study of pairs: neurons keep their identity, and every part has a figure or a reason."""

import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.concepts.guess_language import languages_of
from neurosieve.results import RedundancyResult, to_json
from neurosieve.results.whole_texts import TextFindings
from neurosieve.studies.concepts import concept_steps
from neurosieve.studies.config import make_config
from neurosieve.studies.inputs import extract_stage, read_data, read_dataset
from neurosieve.studies.redundancy.run import run_study
from neurosieve.studies.run_folder import RunFolder
from neurosieve.typing import NeuronId
from tests.studies import SMALL, assert_file_holds_the_result
from tests.tiny import BLOCKS, WIDTH, tiny_model

COUNTS = {"train": 80, "valid": 30, "test": 40}


def write(folder: Path) -> None:
    """A pair is a clone when both bodies use the same operator; functions stand in several pairs."""
    rng = random.Random(5)
    for split, count in COUNTS.items():
        codes = {sign: [f"def f{split}{i}(a):\n    return a {sign} {i}\n" * 3 for i in range(12)] for sign in "+-"}
        rows = []
        for i in range(count):
            first = rng.choice("+-")
            second = first if i % 2 else "+-"[first == "+"]
            rows.append({"code1": rng.choice(codes[first]), "code2": rng.choice(codes[second]), "label": i % 2})
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


@pytest.fixture(scope="module", params=["roberta", "gpt2"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[RedundancyResult, Path]:
    data, run = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("run") / "run"
    write(data)
    values = {"model": str(tiny_model(request.param)), "data": str(data), "task": "clone-detection", "deltas": [0.1]}
    return run_study(make_config(options=values | SMALL | {"pooling": "mean", "keep_overlap": True}), run), run


def test_all_is_measured_or_has_a_reason(found: tuple[RedundancyResult, Path]) -> None:
    record = to_json(found[0])
    assert record["rows"] == {"train": 80, "validation": 30, "test": 40}
    assert record["neurons"] == (BLOCKS + 1) * WIDTH
    for part in (record["control"], record["unseen"]["disjoint"]):
        assert part["reason"] == "each example is a type of its own"
    metrics = record["oracle"]["metrics"]
    assert metrics["f1"]["positive"] == "1"
    assert all(m["interval"][0] <= m["value"] <= m["interval"][1] for k, m in metrics.items())
    assert record["baselines"]["untrained_model"]["seeds"] == [0]
    assert sum("|u - v|" in note for note in record["notes"]) == 1
    assert any("either side of a pair is read off the mean" in note for note in record["notes"])


def test_file_holds_the_result(found: tuple[RedundancyResult, Path]) -> None:
    assert_file_holds_the_result(found[1])


def test_sets_name_neurons_once(found: tuple[RedundancyResult, Path]) -> None:
    record = to_json(found[0])
    for best in record["minimal_sets"] or ():
        ids = [tuple(n) for n in best["neurons"]]
        assert len(ids) == len(set(ids)) == best["size"] == len(best["weights"])
        assert "metrics" in best


def test_report_shows_both_sides(found: tuple[RedundancyResult, Path]) -> None:
    page = (found[1] / "report.html").read_text(encoding="utf-8")
    assert "F1 of 1" in page
    assert " ⇄ " in page or not to_json(found[0])["mistakes"]
    assert "\x1e" not in page


def test_whole_texts_that_a_study_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neurons of a joint reading are explained by both texts, whose languages are given one by one."""
    monkeypatch.setitem(COUNTS, "test", 80)  # enough of either length
    (tmp_path / "data").mkdir()
    write(tmp_path / "data")
    for file in (tmp_path / "data").iterdir():  # of two lengths
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        longer = [row | {"code1": row["code1"] * (1 + 3 * (i // 3 % 2))} for i, row in enumerate(rows)]
        file.write_text("".join(json.dumps(row) + "\n" for row in longer))
    values = {"model": str(tiny_model("roberta")), "data": str(tmp_path / "data"), "task": "clone-detection"}
    config = make_config(options=values | {"pair_input": "joint", "pooling": "mean", "keep_overlap": True})
    folder = RunFolder(tmp_path / "run", config, read_data(config).hashes)
    extract_stage(config, read_data(config), folder)
    folder.save("selection.json", {})
    ranked = SimpleNamespace(rankings=[SimpleNamespace(top=lambda _: [NeuronId(1, 0), NeuronId(1, 1)])])
    monkeypatch.setattr(concept_steps, "saved_selection", lambda *_: ranked)
    dataset = read_dataset(config)
    found = concept_steps.examples_step(config, folder, dataset, languages_of(dataset, "python"))
    assert isinstance(found, TextFindings)
    assert any("both texts of a pair are one input" in note for note in found.notes)
