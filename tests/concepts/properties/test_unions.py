"""Unions: each row has the value whose part it has, as the parts say themselves."""

import numpy as np
import pytest

from neurosieve.concepts.properties import (
    PROPERTIES,
    Property,
    annotate,
    find_property,
    register_property,
    registry,
    union_property,
)
from neurosieve.errors import ConfigError
from tests.concepts.properties import SMALL


def column(table_of: str, text: str, language: str, *properties: str | Property) -> list[str | None]:
    table = annotate([text], language, properties=properties)
    codes, words = table.codes[table_of], table.values[table_of]
    return [None if c < 0 else words[c] for c in codes.tolist()]


@pytest.mark.parametrize("language", SMALL)
def test_text_is_all_that_is_no_code(language: str) -> None:
    """Of every language: natural where the word is in a comment, a docstring or a string."""
    text, inside = (column(name, SMALL[language], language, "text", "inside") for name in ("text", "inside"))
    expected = [None if kind is None else "code" if kind == "code" else "natural" for kind in inside]
    assert text == expected
    assert {"natural", "code"} == set(text) - {None}


def test_a_union_of_several_properties() -> None:
    """A row has the first value that a part of it names; the rest where it has some other value of these properties."""
    union = union_property("kind", {"sign": ["lexical=operator"], "call": ["role=call", "lexical=keyword"]}, rest="no")
    assert union.values == ("sign", "call", "no")
    assert union.united == ("lexical", "role")
    source = "def g(a):\n    return a + f(1)  # one\n"
    table = annotate([source], "python", properties=[union, "lexical", "role"])
    frame = table.to_frame()
    for kind, word, role in zip(frame["kind"], frame["lexical"], frame["role"], strict=True):
        if word == "operator":
            assert kind == "sign"
        elif role == "call" or word == "keyword":
            assert kind == "call"
        else:
            assert kind == (None if word is None and role is None else "no")


def test_a_union_without_a_rest_does_not_apply_elsewhere() -> None:
    union = union_property("part", {"a": ["lexical=operator"], "b": ["lexical=number"]})
    found = column("part", "x = 1", "python", union)
    assert found == [None, "a", "b"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sign:lexical=operator|lexical=punctuation", ["lexical=operator", "lexical=punctuation"]),
        ("bars:node=|||lexical=number", ["node=||", "lexical=number"]),
        ("deep:depth=14+|depth=3-4", ["depth=14+", "depth=3-4"]),
        ("one:use=use", ["use=use"]),
    ],
)
def test_a_union_in_a_line(text: str, parts: list[str]) -> None:
    """As options write it: yes where a row has any of them, else no; also where a value holds the bar itself."""
    found, same = find_property(text), union_property(text.partition(":")[0], {"yes": parts}, rest="no")
    assert (found.name, found.values, found.united) == (same.name, same.values, same.united)
    source = "int f() { return a || b + 1; }"
    assert column(found.name, source, "java", found, "lexical") == column(found.name, source, "java", same, "lexical")


def test_a_union_of_whole_texts() -> None:
    union = find_property("big:loops=2-3|loops=4+")
    assert union.scope == "example"
    texts = ["for a in b: pass\n" * n for n in (1, 3, 9)]
    table = annotate(texts, "python", properties=[union])
    assert [table.values["big"][c] for c in table.codes["big"]] == ["no", "yes", "yes"]


def test_a_union_of_a_union_that_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PROPERTIES", dict(PROPERTIES))
    register_property(union_property("sign", {"yes": ["lexical=operator", "lexical=punctuation"]}, rest="no"))
    found = find_property("other:sign=no|text=natural")
    assert found.united == ("sign", "text")
    rows = annotate(["f(x) + 1  # a"], "python", properties=[found, find_property("sign"), "text"])
    expected = rows.target("sign=no").positive | rows.target("text=natural").positive
    np.testing.assert_array_equal(rows.target("other=yes").positive, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:lexical", "property 'a:lexical': expected one of"),
        ("lexical=number", "expected a name, or a union NAME:property=value"),
        ("a:use=use|lexical", "value of use 'use.lexical'"),
        ("a:lexical=", "expected parts property=value"),
        ("a:lexial=number", "property 'lexial': expected one of .*did you mean lexical"),
        ("a:lexical=numbr", "value of lexical 'numbr': .*did you mean number"),
        ("a:lexical=number|lexical=number", "the same part twice"),
        ("a:lexical=number|loops=0", "parts of tokens, or of whole texts, got both"),
        ("use:lexical=number", "expected a new name, got that of a property"),
        ("a b:lexical=number", "a name without = and white space"),
    ],
)
def test_unions_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_property(text)


def test_parts_and_rest_that_cannot_be() -> None:
    wrong: list[tuple[dict[str, list[str]], str | None]] = [({"a": []}, None), ({}, None), ({"a": ["use=use"]}, "a")]
    for values, rest in [*wrong, ({"a": ["use=use"], "b": ["use=use"]}, None)]:
        with pytest.raises(ConfigError, match="union 'u': expected parts for each value, each once"):
            union_property("u", values, rest=rest)
    assert "u" not in PROPERTIES
