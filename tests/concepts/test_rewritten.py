"""Files written otherwise: which ones, which units are compared, and when a reading follows spelling only."""

from dataclasses import replace

import numpy as np
import pytest

from neurosieve.concepts.rewritten import follows_spelling, rewrite_files
from neurosieve.concepts.rows import ConceptRows, concept_rows
from neurosieve.data.dataset import Dataset, Example
from neurosieve.defaults import REWRITES
from neurosieve.errors import DataError
from neurosieve.results.concept_stability import RENAMED, Survival
from neurosieve.typing import SPLITS
from tests.concepts.planted import code, planted_rows
from tests.concepts.rewritten_readings import readings
from tests.tiny import assert_one_line

BROKEN = "def f(:\n    x = 1\n"


def broken(*numbers: int) -> ConceptRows:
    """Four files of each split; the given ones of test do not parse."""
    texts = [(s, i, BROKEN if s == "test" and i in numbers else code((s, i))) for s in SPLITS for i in range(4)]
    examples = tuple(Example(f"{s}/{i}.py", text, (), s, f"{s}/{i}.py") for s, i, text in texts)
    return concept_rows(Dataset(examples, "made up"), ["python"] * len(examples), properties=["lexical"])


@pytest.mark.parametrize("tokens", [1, 700, 10**6])
def test_test_files_are_taken_whole_until_there_are_enough(tokens: int) -> None:
    rows = planted_rows()
    files, counts = rewrite_files(rows, REWRITES, tokens=tokens), np.bincount(rows.table.example)
    test = [i for i, e in enumerate(rows.dataset.examples) if e.split == "test"]
    assert list(files.chosen) == test[: len(files.chosen)]
    assert all(counts[list(files.chosen[:-1])].sum() < min(tokens, counts[test].sum()) for _ in files.chosen[:1])
    assert counts[list(files.chosen)].sum() >= min(tokens, counts[test].sum())
    assert files.left_out == {}
    assert files.changed == {kind: sum(new.text != rows.dataset.examples[i].text for i, new in own.items())
                             for kind, own in files.made.items()}  # fmt: skip
    assert files.changed["layout"] == len(files.chosen)


def test_files_that_do_not_parse_are_counted_and_left_out() -> None:
    files = rewrite_files(broken(1, 2), ["layout", "comments"])
    assert set(files.left_out) == {"layout", "comments"}
    assert files.left_out["layout"].startswith("2 of 4 files: rewrite 'layout' of test/1.py: expected code that parses")
    assert len(files.made["layout"]) == 2


def test_no_file_that_parses_is_one_clear_line() -> None:
    with pytest.raises(DataError) as caught:
        rewrite_files(broken(0, 1, 2, 3), REWRITES)
    assert_one_line(caught.value, "rewrites: expected test files that parse", "4 of 4 files", "leave --rewrites out")


def test_units_are_compared_with_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that tells the number of a unit's row would say the same; of a unit that is gone nothing is said."""
    found = readings(monkeypatch)
    comment = found.files.rows.table.target("lexical=comment").positive
    assert (np.diff(found.base.rows) > 0).all()
    assert not found.base.changed.any()
    for kind, reading in found.readings.items():
        before, after = found.pairs(kind)
        assert (found.base.rows[before] == reading.rows[after]).all()
        assert reading.changed.any() == (kind == RENAMED)
        gone = np.setdiff1d(found.base.rows, reading.rows)
        assert (len(gone) > 0) == (kind == "comments")
        assert comment[gone].all()


def test_no_unit_gives_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    found = readings(monkeypatch, ("layout",))
    nothing = np.zeros(len(found.base.rows), dtype=bool)
    by_rewrite, renamed = found.survivals({"layout": nothing.astype(int)}, nothing.astype(int), nothing)
    assert by_rewrite == {"layout": Survival(n=0, share=None, interval=None)}
    assert renamed.n == 0


def survival(low: float, high: float, n: int = 50) -> Survival:
    return Survival(n=n, share=(low + high) / 2, interval=(low, high))


NONE, FEW, MANY, OPEN = (
    Survival(n=0, share=None, interval=None),
    survival(0.1, 0.4),
    survival(0.9, 1),
    survival(0.4, 0.6),
)
ONE_FILE = replace(FEW, interval=None)


@pytest.mark.parametrize(
    ("renamed", "layout", "follows"),
    [
        (FEW, MANY, True),
        (FEW, NONE, False),  # nothing tells spelling from any change
        (FEW, OPEN, False),
        (FEW, FEW, False),
        (FEW, replace(MANY, interval=None), False),
        (OPEN, MANY, False),
        (MANY, MANY, False),
        (NONE, MANY, False),
        (ONE_FILE, MANY, False),
        (survival(0.2, 0.5), MANY, False),  # the bound itself
    ],
)
def test_spelling_is_followed_by_the_bounds(renamed: Survival, layout: Survival, *, follows: bool) -> None:
    assert follows_spelling({"renamed": MANY, "layout": layout}, renamed) is follows


def test_spelling_is_told_from_other_changes_alone() -> None:
    lost, kept = Survival(n=40, share=0.0, interval=(0.0, 0.1)), Survival(n=40, share=1.0, interval=(0.9, 1.0))
    none = Survival(n=0, share=None, interval=None)
    assert follows_spelling({RENAMED: lost, "layout": kept}, lost)
    assert not follows_spelling({RENAMED: lost, "layout": lost}, lost)
    for alone in ({RENAMED: lost}, {RENAMED: lost, "layout": none}):
        assert not follows_spelling(alone, lost)
