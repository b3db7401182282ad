"""The table of properties against plain reading, row by row."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.concepts.properties import (
    PROPERTIES,
    Bins,
    Property,
    Source,
    annotate,
    column_property,
    find_property,
    parse_value,
    register_property,
    tokens,
)
from neurosieve.errors import ConfigError, DataError
from tests.concepts.properties import SMALL

TEXTS, LANGUAGES = list(SMALL.values()), list(SMALL)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "properties.md"


@pytest.fixture
def registered() -> Iterator[None]:
    before = dict(PROPERTIES)
    yield
    PROPERTIES.clear()
    PROPERTIES.update(before)


def fixed(name: str, values: Any, scope: Any = "token", known: tuple[str, ...] = ()) -> Property:
    return Property(name, scope, "fixed", lambda *_: values, known)


def rows(*places: tuple[int, int, int]) -> np.ndarray:
    return np.array(places, dtype=np.int64).reshape(-1, 3)


def test_all_tokens_of_all_texts_are_the_default() -> None:
    table = annotate(TEXTS, LANGUAGES)
    places = [(i, *s) for i, (k, text) in enumerate(SMALL.items()) for s in tokens(Source(text, k))]
    assert list(zip(table.example, table.start, table.end, strict=True)) == places
    assert {*table.codes, *table.left_out} == {p.name for p in PROPERTIES.values() if p.scope == "token"}
    assert (table.sources, table.with_errors, table.framed, table.rows_in_error) == (7, 0, 0, 0)
    assert not table.left_out


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 60), st.integers(0, 8)), max_size=30))
def test_rows_in_any_order_are_read_as_one_by_one(places: list[tuple[int, int, int]]) -> None:
    wanted = rows(*((i, a, a + n) for i, a, n in places))
    table = annotate(TEXTS, LANGUAGES, wanted, ["lexical", "line-position", "loops"])
    assert np.array_equal(np.stack([table.example, table.start, table.end], 1), wanted)
    assert table.sources == len(set(wanted[:, 0]))
    for name in ("lexical", "line-position", "loops"):
        expected = [PROPERTIES[name].of(Source(TEXTS[i], LANGUAGES[i]), [(a, b)])[0] for i, a, b in wanted.tolist()]
        if name in table.left_out:
            assert len({v for v in expected if v is not None}) < 2
        else:
            assert table.to_frame()[name].to_list() == expected
            assert [table.values[name][c] if c >= 0 else None for c in table.codes[name]] == expected


def test_counts_and_targets_agree() -> None:
    table = annotate(TEXTS, LANGUAGES)
    counts = table.counts()
    targets = {t.name: t for t in table.binary(min_rows=3)}
    assert set(targets) == {
        f"{r['property']}={r['value']}" for r in counts.to_dicts() if min(r["rows"], r["other"]) >= 3
    }
    for row in counts.to_dicts():
        target = table.target(f"{row['property']}={row['value']}")
        assert (target.positive.sum(), (target.applies & ~target.positive).sum()) == (row["rows"], row["other"])
        assert not (target.positive & ~target.applies).any()
    assert len(targets) > 40


def test_values_stand_in_their_order() -> None:
    table = annotate(TEXTS, LANGUAGES, properties=["naming", "node", "value"])
    assert table.values["naming"] == tuple(v for v in PROPERTIES["naming"].values if v in table.values["naming"])
    assert table.values["value"] == ("zero", "10-99")
    frequency = [int((table.codes["node"] == i).sum()) for i in range(len(table.values["node"]))]
    assert frequency == sorted(frequency, reverse=True)


def test_whole_texts_where_only_examples_are_asked_for() -> None:
    table = annotate(["def f(): f()", "def f(): g()", "x"], "python", properties=["recursion", "loops"])
    assert list(zip(table.example, table.start, table.end, strict=True)) == [(0, 0, 12), (1, 0, 12), (2, 0, 1)]
    assert table.to_frame()["recursion"].to_list() == ["yes", "no", None]
    assert [t.name for t in table.binary()] == ["recursion=yes"]  # no is all that yes is not
    assert table.left_out == {"loops": "one value only (0)"}


def test_properties_without_two_values_are_left_out_with_the_reason() -> None:
    table = annotate(["x = y"], "python", properties=["language", "number", "lexical"])
    assert table.left_out == {"language": "one value only (python)", "number": "no row that it applies to"}
    with pytest.raises(DataError, match=r"property 'number': expected at least two values on these rows, got no row"):
        table.target("number=hex")
    assert list(table.codes) == ["lexical"]


def test_errors_are_counted_and_marked() -> None:
    table = annotate(["x = 1", "y = $ 2", "else: z"], "python", properties=["lexical"])
    assert (table.sources, table.with_errors, table.framed) == (3, 1, 1)
    assert 0 < table.rows_in_error == table.in_error.sum() < 5
    assert set(table.example[table.in_error]) == {1}
    assert table.to_frame()["in_error"].to_list() == table.in_error.tolist()


def test_no_rows_is_a_table_too() -> None:
    table = annotate([], "python")
    assert len(table) == len(table.to_frame()) == len(table.counts()) == 0
    assert list(table.binary()) == []
    assert set(table.left_out.values()) == {"no row that it applies to"}


def test_it_shows_itself() -> None:
    assert "7 texts" in annotate(TEXTS, LANGUAGES)._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"languages": ["python"]}, "languages: expected one for each of 2 texts, got 1"),
        ({"languages": "python", "ids": ["a"]}, "ids: expected one for each of 2 texts, got 1"),
        ({"languages": "python", "rows": rows((0, 0, 1), (2, 0, 1))}, "row 1: expected one of 2 texts, got text 2"),
        (
            {"languages": "python", "rows": rows((0, 0, 2))},
            "row 0: expected characters 0 to 1 of text 0, got .* 0 to 2",
        ),
        ({"languages": "python", "rows": rows((0, 1, 0))}, "row 0: expected characters"),
        ({"languages": "python", "rows": rows((-1, 0, 0))}, "row 0: expected one of 2 texts"),
        ({"languages": "python", "properties": ["lexica"]}, "property 'lexica': expected one of .*mean lexical"),
        (
            {"languages": "python", "properties": ["node", "node"]},
            "properties: expected each name once, got 'node' twice",
        ),
        ({"languages": "pyton"}, "language 'pyton'"),
        (
            {"languages": "python", "properties": [fixed("x", ["a"])]},
            r"property 'x' of 1: expected 0 values, got 1 val",
        ),
        ({"languages": "python", "properties": [fixed("x", "a")]}, r"property 'x' of 0: expected 1 values, got 'a'"),
        ({"languages": "python", "properties": [fixed("x", [1], "example")]}, "expected one value, got 1 values"),
        ({"languages": "python", "properties": [fixed("x", [1])]}, "property 'x' of 0: expected text or None, got 1"),
        ({"languages": "python", "properties": [fixed("x", ["c"], known=("a", "b"))]}, "expected one of a, b, got 'c'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        annotate(["x", ""], **arguments)


def test_at_least_one_row_a_value() -> None:
    with pytest.raises(ConfigError, match="rows of a value: expected at least 1, got 0"):
        list(annotate(["x = 1"], "python").binary(0))


@pytest.mark.usefixtures("registered")
def test_a_user_adds_a_property_with_one_function() -> None:
    def loud(source: Source, spans: Any) -> list[str | None]:
        return ["yes" if source.text[a:b].isupper() else "no" for a, b in spans]

    added = register_property(Property("loud", "token", "in capitals", loud))
    assert find_property("loud") is register_property(added) is added
    table = annotate(["X = y"], "python", properties=["loud"])
    assert table.to_frame()["loud"].to_list() == ["yes", "no", "no"]
    another = register_property(Property("loud", "token", "another", loud))  # a notebook's cell is run again
    assert find_property("loud") is another
    with pytest.raises(ConfigError, match="property 'lexical': expected a name of its own, got one of the package's"):
        register_property(Property("lexical", "token", "another", loud))


def test_a_column_of_the_user() -> None:
    p = column_property("stars", {"a": 0, "b": 7, "c": None}, bins=Bins((0, 5, 10)))
    table = annotate(["x", "y", "z", "w"], "python", properties=[p], ids=list("abcd"))
    assert table.to_frame()["stars"].to_list() == ["0-4", "5-9", None, None]
    assert p.values == ("0-4", "5-9", "10+")
    plain = column_property("author", {"0": "me", "1": "you", "2": 3}, description="who")
    tokens_too = annotate(["x = 1", "y", "z"], "python", properties=[plain, "lexical"])
    assert tokens_too.to_frame()["author"].to_list() == ["me"] * 3 + ["you", "3"]
    assert (plain.values, plain.description) == (("me", "you", "3"), "who")
    with pytest.raises(ConfigError, match="property 'x' of a: expected a number, got 'b'"):
        column_property("x", {"a": "b"}, bins=Bins((0,)))


def test_a_property_may_be_called_as_a_column() -> None:
    table = annotate(["x", "y"], "python", properties=[column_property("start", {"0": "a", "1": "b"})])
    assert table.to_frame()["property:start"].to_list() == ["a", "b"]
    assert table.to_frame().schema["start"] == pl.Int64


@given(st.lists(st.integers(-5, 60), min_size=1, max_size=8, unique=True).map(sorted), st.integers(-9, 70))
def test_bins_hold_every_number_once(edges: list[int], number: int) -> None:
    bins = Bins(tuple(edges))
    assert len(set(bins.names)) == len(edges)
    least = [e for e in edges if e <= number]
    assert bins.of(number) == bins.names[max(len(least) - 1, 0)]
    assert Counter(bins.of(e) for e in edges) == Counter(bins.names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("lexical=number", ("lexical", "number")), ("node==", ("node", "=")), ("parent=a=b", ("parent", "a=b"))],
)
def test_names_of_values(name: str, expected: tuple[str, str]) -> None:
    assert parse_value(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lexical", "concept: expected property=value, got 'lexical'; write it as lexical=keyword"),
        ("lexial=number", "property 'lexial': expected one of .*did you mean lexical"),
        ("lexical=numbr", "value of lexical 'numbr': expected one of .*keyword.*did you mean number"),
        ("node=", "value of node ''"),
    ],
)
def test_unknown_names_list_what_there_is(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_value(name)


def test_a_table_knows_its_own_values_only() -> None:
    table = annotate(["x = 1"], "python")
    assert table.target("node=integer").positive.tolist() == [False, False, True]
    for name in ("lexical=comment", "node=float", "author=me"):
        with pytest.raises(ConfigError, match="expected one of"):
            table.target(name)


def test_the_page_has_all_properties_with_their_values() -> None:
    text = DOCS.read_text(encoding="utf-8")
    found = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", text, re.MULTILINE))
    assert set(found) == set(PROPERTIES)
    for name, p in PROPERTIES.items():
        assert p.description in found[name], name
        assert all(f"`{value}`" in found[name] for value in p.values), name
