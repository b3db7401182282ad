"""A study of whole functions: every part that has a meaning for them, and a reason where one has none."""

import json
import random
from pathlib import Path

import pytest

from neurosieve.results import RedundancyResult, to_json
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.cost import plan_study
from neurosieve.studies.redundancy import run as run_module
from neurosieve.studies.redundancy.run import run_study
from tests.studies import SMALL
from tests.tiny import tiny_model

COUNTS = {"train": 60, "valid": 30, "test": 40}


def config(folder: Path, model: str, **more: object) -> StudyConfig:
    rng = random.Random(5)
    for split, count in COUNTS.items():
        rows = []
        for i in range(count):
            sign = "+-"[i % 2]
            body = "".join(
                f"    {rng.choice('abc')}{i} = {rng.randint(0, 99)} {sign} {split}\n" for _ in range(1 + i % 9)
            )
            rows.append({"func": f"def f{i}(a):\n{body}", "target": i % 2})
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    values = {"model": str(tiny_model(model)), "data": str(folder), "task": "defect-detection", "deltas": [0.1]}
    return make_config(options=values | SMALL | more)


@pytest.fixture(scope="module", params=["roberta", "gpt2"])
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, RedundancyResult, Path]:
    data, run = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("run") / "run"
    return request.param, run_study(config(data, request.param), run), run


def test_all_is_measured_or_has_a_reason(found: tuple[str, RedundancyResult, Path]) -> None:
    record = to_json(found[1])
    assert record["rows"] == {"train": 60, "validation": 30, "test": 40}
    assert record["units"]["kept"] == 130
    assert record["long_examples"] > 0
    assert record["unseen"]["natural"]["n"] == 40
    assert record["unseen"]["natural"]["score"] == record["oracle"]["test"]
    for part in (record["control"], record["unseen"]["disjoint"]):
        assert part["reason"] == "each example is a type of its own"
    answers = {entry["key"]: entry["answer"] for entry in record["trust"]}
    assert answers["selectivity"] == "not measured"
    assert answers["untrained"] in ("yes", "no")


def test_the_text_baseline_is_a_logistic_regression(found: tuple[str, RedundancyResult, Path]) -> None:
    """The label is which of two signs is in the text, so counts tell it perfectly."""
    record = to_json(found[1])
    assert record["baselines"]["token_lookup"]["score"] == 1.0
    assert "logistic regression on token counts" in found[1].to_html()
    assert "token lookup</td>" not in found[1].to_html()


def test_pooling_follows_the_family(found: tuple[str, RedundancyResult, Path]) -> None:
    expected = "first" if found[0] == "roberta" else "last"
    assert f"an example is read off its {expected} token" in to_json(found[1])["notes"]


def test_report_lies_in_the_run(found: tuple[str, RedundancyResult, Path]) -> None:
    assert found[1].headline.split(";")[0].split(" ")[0] in (found[2] / "report.html").read_text(encoding="utf-8")


def test_data_are_checked_before_any_compute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the plan says of the data is printed before the model is read."""
    study = config(tmp_path, "roberta")
    long = (tmp_path / "train.jsonl").read_text().splitlines()[8]  # of nine lines
    with (tmp_path / "test.jsonl").open("a") as file:
        file.write(long.replace("def f8(a)", "def g(a)") + "\n")
    told: list[str] = []

    def stop(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(run_module, "print_notes", told.extend)
    monkeypatch.setattr(run_module, "extract_stage", stop)
    with pytest.raises(InterruptedError):
        run_study(study, tmp_path / "run")
    assert told == list(plan_study(study).notes)
    assert "labels in train: 0 50 %, 1 50 % of 60" in told
    assert any(note.startswith("1 test texts are near-copies") for note in told)
