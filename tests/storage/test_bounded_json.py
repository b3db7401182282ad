"""JSON is as deep as its values, whatever is in quotes, and deep JSON is refused before it is parsed."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.storage.bounded_json import DEPTH, bounded_json, depth_of

TEXTS = st.text('"\\,[]{}é\nx', max_size=8)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


def depth(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_depth_is_that_of_the_values(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert depth_of(text) == depth(value)
    assert bounded_json(text) == bounded_json(text.encode()) == value
    assert all(depth_of(text[:cut]) <= depth(value) for cut in range(len(text)))


@pytest.mark.parametrize("text", ['"' + "[" * 200, '"\\"[' * 200, "\\" * 201, '"a\\' * 201, "]" * 200 + "["])
def test_broken_json_has_a_depth(text: str) -> None:
    assert depth_of(text) <= 1


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a": ', "}")])
def test_the_bound(start: str, end: str) -> None:
    def nested(times: int) -> str:
        return start * times + "1" + end * times

    assert depth(bounded_json(nested(DEPTH))) == DEPTH
    with pytest.raises(ValueError, match=r"^brackets 101 deep, of which at most 100 are read$"):
        bounded_json(nested(DEPTH + 1))


def test_no_value_is_made_of_deep_json() -> None:
    text = "[" + "[1.5, 2.5], " * 200_000 + "[" * 200 + "]" * 200 + "]"
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="201 deep"):
            bounded_json(text)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
