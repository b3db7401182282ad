"""A study of values: R² in place of accuracy, correlations in place of F1, and no classes anywhere."""

import json
import random
from pathlib import Path

import pytest

from neurosieve.errors import ConfigError, DataError
from neurosieve.results import RedundancyResult, to_json
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.finished import load_summary
from neurosieve.studies.inputs import read_data
from neurosieve.studies.redundancy.run import continue_study, run_study
from tests.studies import SMALL, assert_file_holds_the_result
from tests.tiny import tiny_model

COUNTS = {"train": 80, "valid": 40, "test": 50}


def write(folder: Path, decimals: float = 0.25) -> None:
    """The label is how often `a` is added."""
    rng = random.Random(5)
    for split, count in COUNTS.items():
        rows = []
        for _ in range(count):
            times = rng.randint(1, 9)
            body = " ".join(["+ a"] * times + ["- b"] * rng.randint(1, 9))
            rows.append({"func": f"{body} # {rng.randint(0, 10**6)}", "target": times + decimals})
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


def config(folder: Path, **more: object) -> StudyConfig:
    values = {"model": str(tiny_model("bert")), "data": str(folder), "task": "defect-detection", "deltas": [0.1]}
    return make_config(options=values | SMALL | {"rows": {"train": 80, "validation": 40, "test": 50}} | more)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[RedundancyResult, Path]:
    data, run = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("run") / "run"
    write(data)
    return run_study(config(data, disjoint_splits=1, pooling="mean"), run), run


def test_the_score_is_r2(found: tuple[RedundancyResult, Path]) -> None:
    record = to_json(found[0])
    assert record["metric"] == "r2"
    assert record["labels"] == ["value"]
    assert record["rows"] == {"train": 80, "validation": 40, "test": 50}
    assert record["baselines"]["majority"] == 0.0
    assert record["baselines"]["token_lookup"]["score"] > 0.9  # the counts of words tell it all
    assert set(record["oracle"]["metrics"]) == {"pearson", "spearman", "mae"}
    assert record["oracle"]["test"] > 0.3
    low, high = record["oracle"]["interval"]
    assert low < record["oracle"]["test"] < high <= 1
    assert record["oracle"]["metrics"]["pearson"]["value"] ** 2 >= record["oracle"]["test"] - 0.01


def test_file_holds_the_result(found: tuple[RedundancyResult, Path]) -> None:
    assert_file_holds_the_result(found[1])


def test_what_needs_classes_has_a_reason(found: tuple[RedundancyResult, Path]) -> None:
    record = to_json(found[0])
    assert (record["oracle"]["per_class"], record["oracle"]["per_class_reason"]) == (None, "labels are values")
    for part in (record["control"], record["unseen"]["disjoint"]):
        assert part["reason"]
    assert all(float(row["label"]) % 1 == 0.25 for row in record["mistakes"])


def test_report_tells_r2_and_no_percentages_of_it(found: tuple[RedundancyResult, Path]) -> None:
    page = (found[1] / "report.html").read_text(encoding="utf-8")
    assert "R²" in page
    assert "Spearman" in page
    assert "majority class" not in page
    assert f"{to_json(found[0])['oracle']['test']:.3f}" in page


def test_the_run_opens_and_goes_on(found: tuple[RedundancyResult, Path]) -> None:
    assert to_json(load_summary(found[1])) == to_json(found[0])
    assert to_json(continue_study(found[1])) == to_json(found[0])


@pytest.mark.parametrize(("target", "decimals", "numeric"), [
    ("auto", 0.25, True), ("auto", 0, False), ("values", 0, True), ("classes", 0.25, False),
])  # fmt: skip
def test_target(target: str, decimals: float, numeric: bool, tmp_path: Path) -> None:
    write(tmp_path, decimals)
    data = read_data(config(tmp_path, target=target))
    assert data.dataset.numeric is numeric
    assert data.sample.rows.labels == (
        ("value",) if numeric else tuple(sorted({str(n + decimals) for n in range(1, 10)}))
    )


BAD: dict[str, tuple[dict[str, object], type[Exception], tuple[str, ...]]] = {
    "published": ({"protocol": "published"}, ConfigError, ("option protocol", "--protocol")),
    "rankings": (
        {"rankings": ["lca", "iou", "gaussian"]},
        ConfigError,
        ("option rankings", "iou, gaussian", "--target"),
    ),
    "classes": ({"classes": ["1.25"]}, ConfigError, ("option classes", "--target classes")),
    "tokens": ({"task": "token-tagging", "target": "values"}, ConfigError, ("option target",)),
    "corpus": ({"corpus": "wrong-operator", "target": "values"}, ConfigError, ("option corpus", "--target values")),
    "both": ({"classes": ["1.25"], "target": "values"}, ConfigError, ("option classes", "--target values")),
    "unknown": ({"target": "number"}, ConfigError, ("option target",)),
}


@pytest.mark.parametrize("case", BAD)
def test_values_do_not_go_with(case: str, tmp_path: Path) -> None:
    changes, kind, parts = BAD[case]
    write(tmp_path)
    with pytest.raises(kind) as caught:
        read_data(config(tmp_path, **changes))
    assert all(part in str(caught.value) for part in parts), caught.value


@pytest.mark.parametrize(("split", "value", "parts"), [
    ("train", "many", ("str (train:81)", "--target")),
    ("valid", float("nan"), ("finite", "nan (validation:41)")),
    ("test", 1e200, ("finite", "1e+200 (test:51)")),
    ("train", True, ("bool (train:81)",)),
])  # fmt: skip
def test_a_bad_value_is_named(split: str, value: object, parts: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path)
    with (tmp_path / f"{split}.jsonl").open("a") as file:
        file.write(json.dumps({"func": "def g(): pass", "target": value}) + "\n")
    with pytest.raises(DataError) as caught:
        read_data(config(tmp_path, target="values"))
    assert all(part in str(caught.value) for part in parts), caught.value


@pytest.mark.parametrize("split", COUNTS)
def test_a_split_of_one_value_is_refused(split: str, tmp_path: Path) -> None:
    write(tmp_path)
    rows = [json.dumps({"func": f"def c{i}(): pass", "target": 0.5}) for i in range(COUNTS[split])]
    (tmp_path / f"{split}.jsonl").write_text("\n".join(rows) + "\n")
    with pytest.raises(DataError, match=r"0\.5 alone"):
        read_data(config(tmp_path))
