"""A step is made once: saved whole, timed, read back by whoever goes on, and refused where it was made otherwise."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from jaxtyping import Num

from neurosieve.errors import RunFolderError
from neurosieve.probes.archive import Archive
from neurosieve.results.marks import Omitted
from neurosieve.storage.records import read_object
from neurosieve.studies.run_folder import RunFolder
from neurosieve.studies.steps import Steps
from tests.studies import contents, quick
from tests.tiny import assert_one_line


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A record of a type."""

    seed: int
    share: float
    names: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A record of numbers, of which each row has as many as there are labels."""

    label: Num[np.ndarray, " rows"]
    rows: Num[np.ndarray, "draws rows"]

    def __post_init__(self) -> None:
        if len(self.label) != self.rows.shape[1]:
            raise ValueError(f"{self.rows.shape[1]} rows for {len(self.label)} labels")


@dataclass(frozen=True, kw_only=True)
class Whole:
    """The result of a run, which knows the marks of its file."""

    value: float
    study_sha256: Annotated[str | None, Omitted] = None
    sha256: Annotated[str | None, Omitted] = None


@dataclass(frozen=True)
class Kept:
    """What goes to an archive."""

    order: tuple[int, ...]

    def archive(self) -> Archive:
        return Archive({"order": list(self.order)})

    @staticmethod
    def from_archive(archive: Archive) -> "Kept":
        return Kept(tuple(archive.record["order"]))


FOUND: dict[str, Any] = {
    "a record": Counted(seed=3, share=0.5),
    "numbers": Table(label=np.array([0, 1]), rows=np.array([[0.5, 1.0]])),
    "a result": Whole(value=1.0),
    "an archive": Kept((2, 0, 1)),
}


def opened(folder: Path) -> RunFolder:
    return RunFolder(folder, quick(model="m", data="d"), {})


def forbidden() -> Any:
    raise AssertionError("made again")


def plain(found: Any) -> Any:
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(found).items()}


@pytest.mark.parametrize("place", ["", "concepts"])
@pytest.mark.parametrize("case", FOUND)
def test_made_once(case: str, place: str, tmp_path: Path) -> None:
    """What is returned at first is what is read later; it is not read back where it was made."""
    found, kind = FOUND[case], type(FOUND[case])
    first = Steps(opened(tmp_path), place).once("step", kind, lambda: found)
    assert plain(first) == plain(found) or case == "a result"
    before = contents(tmp_path)
    assert (tmp_path / place / "step.json").is_file()
    again = Steps(opened(tmp_path), place).once("step", kind, forbidden)
    assert plain(again) == plain(first)
    assert contents(tmp_path) == before
    if case == "a result":
        record = json.loads((tmp_path / place / "step.json").read_text())
        assert (first.sha256, first.study_sha256) == (record["sha256"], record["study_sha256"])
    else:
        assert first is found


def test_what_was_stopped_leaves_nothing(tmp_path: Path) -> None:
    def stopped() -> Counted:
        raise KeyboardInterrupt

    steps = Steps(opened(tmp_path))
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        steps.once("step", Counted, stopped)
    assert contents(tmp_path) == before
    assert steps.read("step", Counted) is None


@pytest.mark.parametrize(("timed", "names"), [(None, {"step"}), ("copies", {"copies"}), ("", set())])
def test_seconds(timed: str | None, names: set[str], tmp_path: Path) -> None:
    """Under its name, another, or none; those of two steps of one name add up."""
    steps = Steps(opened(tmp_path))
    steps.once("step", Counted, lambda: FOUND["a record"], timed=timed)
    assert set(steps.folder.seconds) == set(read_object(steps.folder.files, "seconds.json") or {}) == names
    steps.folder.seconds |= dict.fromkeys(names, 5.0)
    steps.once("other", Counted, lambda: FOUND["a record"], timed=timed or ("" if timed == "" else "step"))
    assert all(5 <= seconds < 6 for seconds in steps.folder.seconds.values())


def test_made_with_other_options(tmp_path: Path) -> None:
    steps = Steps(opened(tmp_path))
    steps.once("step", Counted, lambda: FOUND["a record"], options={"seed": 3})
    assert steps.once("step", Counted, forbidden, options={"seed": 3, "names": ("a", "b")}).seed == 3
    with pytest.raises(RunFolderError) as caught:
        steps.once("step", Counted, forbidden, options={"seed": 4})
    assert_one_line(caught.value, "step.json", "seed 3 → 4", "delete the file")


def test_options_that_are_kept_beside_the_steps(tmp_path: Path) -> None:
    steps = Steps(opened(tmp_path), "concepts")
    steps.check_options({"seed": 3}, "concepts")
    assert not (tmp_path / "concepts").exists()
    steps.keep_options({"seed": 3})
    steps.check_options({"seed": 3, "new": 1}, "concepts")  # of a later version
    with pytest.raises(RunFolderError) as caught:
        steps.check_options({"seed": 4}, "concepts and concepts.json")
    assert_one_line(caught.value, f"concepts in {tmp_path}", "seed 3 → 4", "concepts and concepts.json to start again")


@pytest.mark.parametrize(
    "change",
    [
        {"label": [0]},
        {"label": None},
        {"label": ["a", "b"]},
        {"label": [0, float("inf")]},
        {"rows": [0.5, 1.0]},
        {"rows": [[0.5], [0.5, 1.0]]},
        {"rows": [[True, False]]},
    ],
)
def test_numbers_that_are_damaged(change: dict[str, Any], tmp_path: Path) -> None:
    steps = Steps(opened(tmp_path))
    steps.once("step", Table, lambda: FOUND["numbers"])
    (tmp_path / "step.json").write_text(json.dumps({"label": [0, 1], "rows": [[0.5, 1.0]]} | change))
    with pytest.raises(RunFolderError) as caught:
        steps.read("step", Table)
    assert_one_line(caught.value, "step.json", "delete the file")
