"""What cannot be compared is refused in one line, or named where it stands."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from neurosieve.errors import ConfigError, DataError, RunFolderError
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.studies.compare.compared_run import ComparedRun, compared_runs
from neurosieve.studies.compare.run import compare, compare_opened, load_comparison
from neurosieve.studies.compare_options import CompareOptions, Part
from neurosieve.studies.run_folder import RunFolder
from tests.studies import data_folder, finished_quick, study
from tests.studies.compare import classes_of, planted_run, planted_values
from tests.studies.compare.test_planted import ORDER
from tests.tiny import assert_one_line


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[ComparedRun]:
    """Two runs over other units, with other labels."""
    home = tmp_path_factory.mktemp("unlike")
    found: list[ComparedRun] = []
    for name, labels in (("one", "abcd"), ("two", "wxyz")):
        label = classes_of(len(found))
        values = planted_values(0, label, ORDER[:50])
        found.append(planted_run(home, name, values, label, labels, CompareOptions()))
    return found


@pytest.mark.parametrize(("part", "words"), [("roles", "nothing in common"), ("drift", "neither model is the other")])
def test_a_part_that_was_asked_for_is_an_error(runs: list[ComparedRun], part: Part, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        compare_opened(runs, CompareOptions(parts=(part,)))
    assert_one_line(caught.value)
    assert f"{part} of one and two" in str(caught.value)


def test_labels_that_do_not_match_are_named(runs: list[ComparedRun]) -> None:
    options = CompareOptions(same_model=True, parts=("roles",))
    one, two = (ComparedRun(r.name, r.folder, r.config, r.result, r.selection, options) for r in runs)
    with pytest.raises(DataError, match="one has a, b, c, d; two has w, x, y, z"):
        compare_opened([one, two], options)


def test_other_units_are_named(runs: list[ComparedRun], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = runs
    moved = replace(two.train, key=two.train.key + 1)
    monkeypatch.setitem(vars(two), "train", moved)
    with pytest.raises(DataError, match="the two runs hold other units: 0 of train"):
        compare_opened([one, two], CompareOptions(parts=("likeness",)))


def test_one_run_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="each run once") as caught:
        compared_runs([tmp_path / "a", tmp_path / "b" / ".." / "a"], CompareOptions())
    assert_one_line(caught.value)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_runs(tmp_path: Path, count: int) -> None:
    with pytest.raises(ConfigError, match="two runs or more"):
        compare([tmp_path] * count)


def test_a_base_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of the runs"):
        compared_runs([tmp_path / "a", tmp_path / "b"], CompareOptions(base=str(tmp_path / "c")))


def test_a_run_without_a_ranking(tmp_path: Path) -> None:
    RunFolder(tmp_path / "begun", study(), {"a": "b"})
    out = tmp_path / "out"
    with pytest.raises(RunFolderError, match=r"a ranking of its neurons, got none; run `neurosieve redundancy"):
        compare([tmp_path / "begun", data_folder()], out)
    assert not out.exists()


def test_no_comparison_there(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"compare\.json"):
        load_comparison(tmp_path)


def test_finished_runs_are_compared_and_written(tmp_path: Path) -> None:
    """A run and a copy of its folder: the same neurons, the same set."""
    run = finished_quick().folder
    again = tmp_path / "again"
    shutil.copytree(run, again)
    result = compare([run, again], tmp_path / "out", CompareOptions())
    assert load_comparison(tmp_path / "out") == result
    assert (tmp_path / "out" / "compare.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    (pair,) = result.pairs
    assert isinstance(pair.likeness, NotMeasured)
    assert pair.likeness.reason is Reason.ONE_MODEL
    if not isinstance(pair.shared, NotMeasured):
        assert pair.shared.uniform.value == 1
