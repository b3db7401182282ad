"""Data sets from lists and from Hugging Face's datasets in memory: what a study reads of them once they are saved."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.data import Dataset, read_examples, read_pairs, read_tagging
from neurosieve.errors import DataError
from tests.tiny import assert_one_line

WORDS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=4)
LINES = st.lists(
    st.lists(st.tuples(WORDS, st.sampled_from(["A", "B"])), min_size=1, max_size=4), min_size=1, max_size=3
)
SPLITS = ("train", "validation", "test")


@given(LINES)
def test_tagged_lines_are_those_that_are_read_again(lines: list[list[tuple[str, str]]]) -> None:
    tokens, tags = ([[pair[i] for pair in line] for line in lines] for i in (0, 1))
    made = Dataset.from_lists({"train": (tokens, tags)})
    for example, words, labels in zip(made.examples, tokens, tags, strict=True):
        assert example.text == " ".join(words)
        assert [(example.text[s.start : s.end], s.label) for s in example.spans] == list(
            zip(words, labels, strict=True)
        )


def tagged() -> dict[str, Any]:
    return {s: ([[f"x{i}", "=", "1"], ["ä🙂", s]], [["N", "S", "D"], ["N", "N"]]) for i, s in enumerate(SPLITS)}


def test_saved_lines(tmp_path: Path) -> None:
    made = Dataset.from_lists(tagged())
    again = read_tagging(made.save(tmp_path / "data"))
    assert again.examples == made.examples
    assert not made.whole


@pytest.mark.parametrize(("labels", "numeric"), [(("good", "bad"), False), ((0.5, 2.25), True)])
def test_saved_texts(labels: tuple[Any, Any], numeric: bool, tmp_path: Path) -> None:
    made = Dataset.from_lists({s: ([f"x = '{s}'\n\n", f"y_{s}"], list(labels)) for s in ("train", "dev", "test")})
    again = read_examples(made.save(tmp_path), text="text", label="label")
    assert (made.whole, made.numeric) == (again.whole, again.numeric) == (True, numeric)
    assert again.examples == made.examples


def test_saved_pairs(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for i, split in enumerate(SPLITS):
        rows = [f'{{"code1": "f{i}{j}", "code2": "g{i}{j}", "label": {j % 2}}}' for j in range(4)]
        (folder / f"{split}.jsonl").write_text("\n".join(rows))
    first = read_pairs(folder, columns=("code1", "code2", "label"))
    again = read_pairs(first.save(tmp_path / "again"), columns=("code1", "code2", "label"))
    assert again.to_frame().equals(first.to_frame())


@dataclass
class Feature:
    names: list[str] | None = None
    feature: Any = None


@dataclass
class Table:
    """As a split of Hugging Face's datasets: columns by name, and their types."""

    columns: dict[str, list[Any]]
    features: dict[str, Feature]

    @property
    def column_names(self) -> list[str]:
        return list(self.columns)

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]


@pytest.mark.parametrize("nested", [False, True])
def test_class_numbers_become_names(nested: bool) -> None:
    names = Feature(names=["NAME", "NUM"])
    label: list[Any] = [[0, 1], [1]] if nested else [1, 0]
    code: list[Any] = [["x", "1"], ["2"]] if nested else ["x", "y"]
    kind = Feature(feature=names) if nested else names
    made = Dataset.from_hf({"train": Table({"code": code, "y": label}, {"y": kind})}, text="code", label="y")
    found = [span.label for example in made.examples for span in example.spans]
    assert found == (["NAME", "NUM", "NUM"] if nested else ["NUM", "NAME"])


BROKEN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "another split": ({"all": ([], [])}, ("split 'all'", "train, validation or test")),
    "labels": ({"test": (["x"], ["a", "b"])}, ("test labels", "1, as there are texts", "2")),
    "tags": ({"train": ([["x"]], [["a", "b"]])}, ("labels of train:1", "1, as there are tokens", "2")),
}


@pytest.mark.parametrize("case", BROKEN)
def test_lists_that_do_not_fit(case: str) -> None:
    lists, parts = BROKEN[case]
    with pytest.raises(DataError) as caught:
        Dataset.from_lists(lists)
    assert_one_line(caught.value, *parts)


def test_columns_that_are_not_there() -> None:
    with pytest.raises(DataError) as caught:
        Dataset.from_hf({"train": Table({"func": []}, {})}, text="code", label="y")
    assert_one_line(caught.value, "split train", "columns code and y", "func")
