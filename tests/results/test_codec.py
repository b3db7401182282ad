"""Results through JSON and back: any result of these types, and what a damaged file is told to lack."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.errors import RunFolderError
from neurosieve.results import Difference, NotMeasured, Reason, Score, from_json, to_json
from neurosieve.results.marks import Absent, Inline, Key, Omitted, ReasonIfMissing, ReasonOmitted
from neurosieve.results.measured import EARLIER
from tests.tiny import assert_one_line

FILE = "run/found.json"


class Pair(NamedTuple):
    word: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Part:
    first: int
    second: tuple[Pair, ...]


@dataclass(frozen=True, kw_only=True)
class More:
    third: float | None
    fourth: str


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A field of each kind."""

    kind: Literal["a", "b"]
    score: Annotated[Score, Inline({"n": "n", "value": "base", "interval": "base_interval"})]
    loss: Annotated[Difference, Inline({"value": "loss", "interval": "loss_interval"}, lacked=("interval",))]
    part: Part | None
    way: Literal["x"] | None
    parts: tuple[Part, ...]
    seen: bool
    named: Mapping[str, float]
    asked: Mapping[str, Any]
    lately: Annotated[str | None, Omitted] = None
    note: str = ""
    table: Part | NotMeasured
    inner: Annotated[Part | NotMeasured, Inline()]
    more: Annotated[More | None, Inline(), Omitted] = None
    late: Annotated[Part | NotMeasured | None, Omitted, ReasonOmitted] = None


floats = st.floats(allow_nan=False, allow_infinity=False)
intervals = st.none() | st.tuples(floats, floats)
pairs = st.builds(Pair, st.text(), floats)
part = st.builds(Part, first=st.integers(), second=st.lists(pairs, max_size=3).map(tuple))
reasons = st.sampled_from([reason for reason in Reason if reason not in (Reason.OTHER, Reason.EARLIER)])
absent = st.builds(lambda reason, more: NotMeasured(reason=reason, text=reason.value + more), reasons, st.text())
untold = st.just(NotMeasured(reason=Reason.OTHER, text=""))
more = st.builds(More, third=st.none() | floats, fourth=st.text())
wholes = st.builds(
    Whole,
    kind=st.sampled_from(("a", "b")),
    score=st.builds(Score, value=floats, n=st.integers(), interval=intervals),
    loss=st.builds(Difference, value=floats, interval=intervals),
    part=st.none() | part,
    way=st.none() | st.just("x"),
    parts=st.lists(part, max_size=3).map(tuple),
    seen=st.booleans(),
    named=st.dictionaries(st.text(), floats, max_size=3),
    asked=st.dictionaries(st.text(), st.none() | st.lists(st.integers()), max_size=3),
    lately=st.none() | st.text(),
    note=st.text(),
    table=part | absent,
    inner=part | absent,
    more=st.none() | more,
    late=st.none() | part | absent | untold,
)


@given(wholes)
def test_any_result_comes_back(whole: Whole) -> None:
    text = json.dumps(to_json(whole))
    found = from_json(Whole, json.loads(text), FILE)
    assert found == whole
    assert json.dumps(to_json(found)) == text


def example() -> dict[str, Any]:
    """As a file holds it."""
    return {
        "kind": "a", "n": 3, "base": 0.5, "base_interval": [0.25, 0.75], "loss": -0.5, "loss_interval": None,
        "part": {"first": 1, "second": [["w", 0.5]]}, "way": None, "parts": [{"first": 2, "second": []}], "seen": True,
        "named": {"k": 1.5}, "asked": {"any": [None, {}]}, "note": "", "table": None,
        "table_reason": "left out by --x", "first": 7, "first_reason": None, "second": [],
    }  # fmt: skip


def test_keys_stand_as_they_are_named() -> None:
    found = from_json(Whole, example(), FILE)
    assert found.score == Score(value=0.5, n=3, interval=(0.25, 0.75))
    assert found.loss == Difference(value=-0.5, interval=None)
    assert found.part == Part(first=1, second=(Pair("w", 0.5),))
    assert found.table == NotMeasured(reason=Reason.LEFT_OUT, text="left out by --x")
    assert found.inner == Part(first=7, second=())
    assert list(to_json(found)) == list(example())
    assert to_json(found) == example()


def test_keys_that_no_field_asks_for_are_passed_over() -> None:
    assert from_json(Whole, example() | {"later": 1}, FILE) == from_json(Whole, example(), FILE)


@pytest.mark.parametrize(("key", "value"), [("note", ""), ("loss_interval", None), ("lately", None)])
def test_keys_that_earlier_versions_lack(key: str, value: Any) -> None:
    old = {k: v for k, v in example().items() if k != key}
    assert from_json(Whole, old, FILE) == from_json(Whole, example() | {key: value}, FILE)


LATE: dict[str, tuple[dict[str, Any], Part | NotMeasured | None]] = {
    "no key": ({}, None),
    "null alone": ({"late": None}, NotMeasured(reason=Reason.OTHER, text="")),
    "null with its reason": (
        {"late": None, "late_reason": "left out by --y"},
        NotMeasured(reason=Reason.LEFT_OUT, text="left out by --y"),
    ),
    "value": ({"late": {"first": 1, "second": []}}, Part(first=1, second=())),
}


@pytest.mark.parametrize("case", LATE)
def test_a_key_may_be_absent_null_or_null_with_a_reason(case: str) -> None:
    more, expected = LATE[case]
    found = from_json(Whole, example() | more, FILE)
    assert found.late == expected
    assert to_json(found) == example() | more


@pytest.mark.parametrize("more", [{}, {"third": None, "fourth": "x"}, {"third": 0.5, "fourth": ""}])
def test_fields_that_stand_beside_others_may_be_absent_together(more: dict[str, Any]) -> None:
    found = from_json(Whole, example() | more, FILE)
    assert found.more == (More(**more) if more else None)
    assert to_json(found) == example() | more


def test_of_fields_that_stand_beside_others_none_is_absent_alone() -> None:
    with pytest.raises(RunFolderError) as caught:
        from_json(Whole, example() | {"third": None}, FILE)
    assert_one_line(caught.value, f"{FILE}: fourth: expected a value, got no such key")


def test_another_reason_is_for_people_alone() -> None:
    found = from_json(Whole, example() | {"first": None, "first_reason": "as it was"}, FILE)
    assert found.inner == NotMeasured(reason=Reason.OTHER, text="as it was")


@pytest.mark.parametrize("key", [k for k in example() if k not in ("note", "loss_interval", "first_reason")])
def test_missing_key_is_named(key: str) -> None:
    with pytest.raises(RunFolderError) as caught:
        from_json(Whole, {k: v for k, v in example().items() if k != key}, FILE)
    assert_one_line(caught.value, f"{FILE}: {key}: expected a value, got no such key", "delete the file")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "text for a number": ({"base": "0.5"}, "base: expected a number, got '0.5'"),
    "null for a number": ({"loss": None}, "loss: expected a number, got null"),
    "true for a number": ({"n": True}, "n: expected a whole number, got True"),
    "fraction": ({"n": 1.5}, "n: expected a whole number, got 1.5"),
    "number for a text": ({"note": 1}, "note: expected a text, got 1"),
    "number for a choice": ({"seen": 1}, "seen: expected true or false, got 1"),
    "unknown word": ({"kind": "c"}, "kind: expected a or b, got 'c'"),
    "number for a word": ({"kind": True}, "kind: expected a or b, got True"),
    "half an interval": ({"base_interval": [1.0]}, "base_interval: expected a list of 2, got one of 1"),
    "end of an interval": ({"base_interval": [1.0, "2"]}, "base_interval[1]: expected a number, got '2'"),
    "no list": ({"parts": {}}, "parts: expected a list, got {}"),
    "no object": ({"part": []}, "part: expected an object, got []"),
    "no mapping": ({"named": []}, "named: expected an object, got []"),
    "in a mapping": ({"named": {"k": "x"}}, "named.k: expected a number, got 'x'"),
    "deep down": (
        {"parts": [{"first": 1, "second": [["w", 1.0], [1, 1.0]]}]},
        "parts[0].second[1][0]: expected a text, got 1",
    ),
    "deep down lacking": ({"parts": [{"second": []}]}, "parts[0].first: expected a value, got no such key"),
    "no reason": ({"table_reason": None}, "table_reason: expected a text, got null"),
}


@pytest.mark.parametrize("case", WRONG)
def test_value_of_another_type_is_named(case: str) -> None:
    change, line = WRONG[case]
    with pytest.raises(RunFolderError) as caught:
        from_json(Whole, example() | change, FILE)
    assert_one_line(caught.value, f"{FILE}: {line};", "delete the file")


@pytest.mark.parametrize("content", [[], "x", 1, None])
def test_no_object_at_all(content: Any) -> None:
    with pytest.raises(RunFolderError) as caught:
        from_json(Whole, content, FILE)
    assert_one_line(caught.value, f"{FILE}: expected an object")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Few(NotMeasured):
    """Knows how many there are."""

    n: int


@dataclass(frozen=True, kw_only=True)
class Other:
    third: float


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A field of each mark."""

    low: Annotated[float, Key("lo")]
    colour: Colour
    number: int | float
    kinds: tuple[Part | Other, ...]
    cut: Annotated[tuple[float, ...] | NotMeasured, ReasonIfMissing(after="front_reason")]
    front: Annotated[float | NotMeasured, ReasonIfMissing(after="rows")]
    few: Annotated[Part | Few, Absent(("first", "n", "reason"))]
    best: Annotated[Part | NotMeasured, Inline(), Absent(("first", "reason"))]
    rows: int
    lately: bool | NotMeasured | None = EARLIER
    later: Annotated[float | NotMeasured, ReasonIfMissing("why")] = EARLIER


def marked(**changes: Any) -> dict[str, Any]:
    record = {
        "lo": 0.5, "colour": "blue", "number": 3, "kinds": [{"third": 1.5}, {"first": 1, "second": []}], "cut": None,
        "front": None, "few": {"first": None, "n": 4, "reason": "4 rows"}, "first": 2, "second": [], "rows": 7,
        "front_reason": "left out by --y", "cut_reason": "at chance", "lately": None, "later": None, "why": "too old",
    }  # fmt: skip
    return record | changes


def test_marks_tell_where_a_field_stands() -> None:
    found = from_json(Marked, marked(), FILE)
    assert (found.low, found.colour, found.kinds[0]) == (0.5, Colour.BLUE, Other(third=1.5))
    assert type(found.number) is int
    assert type(from_json(Marked, marked(number=3.0), FILE).number) is float
    assert found.front == NotMeasured(reason=Reason.LEFT_OUT, text="left out by --y")
    assert isinstance(found.few, Few)
    assert (found.few.n, found.few.text) == (4, "4 rows")
    assert found.best == Part(first=2, second=())
    assert found.lately is None
    assert list(to_json(found).items()) == list(marked().items())


def test_reasons_stand_only_where_there_is_no_value() -> None:
    record = marked(cut=[1.0], front=2.0, few={"first": 1, "second": []}, lately=True, later=1.0)
    whole = {key: value for key, value in record.items() if key not in ("front_reason", "cut_reason", "why")}
    assert list(to_json(from_json(Marked, whole, FILE)).items()) == list(whole.items())


def test_an_object_beside_its_neighbours_may_be_missing() -> None:
    record = {k: v for k, v in marked(first=None).items() if k != "second"} | {"reason": "no way"}
    found = from_json(Marked, record, FILE)
    assert found.best == NotMeasured(reason=Reason.OTHER, text="no way")
    assert to_json(found) == record


def test_what_an_earlier_version_did_not_tell_is_not_written() -> None:
    old = {key: value for key, value in marked().items() if key not in ("lately", "later", "why")}
    found = from_json(Marked, old, FILE)
    assert found.lately == found.later == EARLIER
    assert to_json(found) == old


LACKING = {
    "cut_reason": "cut_reason: expected a value, got no such key",
    "why": "why: expected a value, got no such key",
    "few.reason": "few.reason: expected a value, got no such key",
    "few.n": "few.n: expected a value, got no such key",
    "few": "few: expected a value, got no such key",
    "second": "second: expected a value, got no such key",
}


@pytest.mark.parametrize("key", LACKING)
def test_missing_key_of_a_marked_field_is_named(key: str) -> None:
    record = json.loads(json.dumps(marked()))
    *way, last = key.split(".")
    del (record[way[0]] if way else record)[last]
    with pytest.raises(RunFolderError) as caught:
        from_json(Marked, record, FILE)
    assert_one_line(caught.value, f"{FILE}: {LACKING[key]}")


def test_unknown_word_of_an_enum_is_named() -> None:
    with pytest.raises(RunFolderError) as caught:
        from_json(Marked, marked(colour="green"), FILE)
    assert_one_line(caught.value, f"{FILE}: colour: expected red or blue, got 'green'")
