"""The contract checks that users run: what is built in passes, and each broken law is named."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.concepts.properties import PROPERTIES, Property, Source, Spans, column_property, query_property
from neurosieve.models import CodeModel
from neurosieve.rankings import CLASS_RANKINGS, Ranker, Ranking, lca, probeless
from neurosieve.testing import check_family, check_property, check_ranking
from tests.synthetic import GRID
from tests.tiny import NAMES, family, tiny_model


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_of_the_package(name: str) -> None:
    check_property(PROPERTIES[name])


@pytest.mark.parametrize(
    "own",
    [
        column_property("stars", {"": 3}),
        query_property("called", {"python": "(call function: (identifier) @yes)"}, description="a called name"),
    ],
    ids=lambda own: own.name,
)
def test_properties_that_users_make(own: Property) -> None:
    check_property(own, ["f(x)\n", "", "g (\n"])


def drawn() -> Property:
    numbers = itertools.count()
    return Property("drawn", "token", "", lambda _, spans: [str(next(numbers)) for _ in spans])


def by_rank() -> Property:
    return Property("by-rank", "token", "", lambda _, spans: [str(i) for i, _ in enumerate(spans)])


def reads(read: Any, *values: str, scope: Any = "token") -> Property:
    return Property("own", scope, "", read, values)


BROKEN = {
    "too few": (reads(lambda _, spans: ["a"] * (len(spans) - 1)), "values, got"),
    "not listed": (reads(lambda _, spans: ["a"] * len(spans), "b"), "expected one of b, got 'a'"),
    "no text": (reads(lambda _, spans: [1] * len(spans)), "expected text or None, got 1"),
    "one for all": (reads(lambda _, __: "a"), "values, got 'a'"),
    "several for one": (reads(lambda _, spans: ["a"] * len(spans), scope="example"), "expected one value"),
    "another each time": (drawn(), "expected the same values for the same text"),
    "by the span's rank": (by_rank(), "expected values that do not depend on the order of spans"),
    "empty": (reads(lambda _, spans: [""] * len(spans)), "expected None, not an empty value"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_property_that_breaks_a_law(case: str) -> None:
    own, law = BROKEN[case]
    with pytest.raises(AssertionError, match=law):
        check_property(own)


def test_a_property_that_fails_is_no_broken_law() -> None:
    def read(source: Source, _: Spans) -> str:
        return source.text[1000]

    with pytest.raises(IndexError):
        check_property(reads(read, scope="example"))


@pytest.mark.parametrize("name", GRID)
def test_rankings_of_the_package(name: str) -> None:
    check_ranking(GRID[name], values=name not in CLASS_RANKINGS)


def changed(change: Any) -> Ranker:
    return lambda data, oracle, seed: change(lca(data, oracle, seed), data)


def cut(found: Ranking) -> Ranking:
    return Ranking(found.name, found.order[1:], found.neurons[1:], found.score[1:])


def spoiled(data: Any, oracle: Any, seed: int) -> Ranking:
    found = probeless(data, oracle, seed)
    data.x.zero_()
    return found


def peeking(data: Any, oracle: Any, seed: int) -> Ranking:
    return probeless(replace(data, x=torch.nan_to_num(data.x_validation)[:, : data.x.shape[1]]), oracle, seed)


def first_columns_first(found: Ranking, data: Any) -> Ranking:
    order = np.arange(len(data.neurons))
    return Ranking(found.name, order, data.neurons[order], found.score)


_DRAWS = np.random.default_rng(0)


def shuffled(found: Ranking, data: Any) -> Ranking:
    order = _DRAWS.permutation(len(data.neurons))
    return Ranking(found.name, order, data.neurons[order], found.score)


BROKEN_RANKINGS: dict[str, tuple[Ranker, str]] = {
    "one left out": (changed(lambda found, _: cut(found)), "expected each live neuron once"),
    "other ids": (changed(lambda found, _: replace(found, neurons=found.neurons[::-1])), "in the order of `order`"),
    "no score": (changed(lambda found, _: replace(found, score=found.score * np.nan)), "a score each"),
    "another each time": (changed(shuffled), "the same order for the same input and seed"),
    "sees validation": (peeking, "train rows alone"),
    "spoils its input": (spoiled, "left as it was|the same order"),
    "by columns": (changed(first_columns_first), "does not depend on that of the columns"),
}


@pytest.mark.parametrize("case", BROKEN_RANKINGS)
def test_a_ranking_that_breaks_a_law(case: str) -> None:
    ranker, law = BROKEN_RANKINGS[case]
    with pytest.raises(AssertionError, match=law):
        check_ranking(ranker)


@pytest.mark.parametrize("name", NAMES)
def test_families_that_are_known(name: str) -> None:
    check_family(tiny_model(name), stack=family(name).stack)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="site hidden: model"):
        check_family(tmp_path)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """A family whose batches are read wrongly."""
    right = CodeModel.states

    def states(self: CodeModel, *inputs: Any) -> tuple[torch.Tensor, ...]:
        return tuple(state + 0.01 for state in right(self, *inputs))

    monkeypatch.setattr(CodeModel, "states", states)


@pytest.mark.usefixtures("reading")
def test_a_family_that_reads_batches_otherwise() -> None:
    with pytest.raises(AssertionError, match="layer 0 read in a batch as alone"):
        check_family(tiny_model("bert"))
