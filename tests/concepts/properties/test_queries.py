"""Properties from tree-sitter queries: the innermost capture is the value, and a bad query is one clear line."""

import pytest

from neurosieve.concepts.properties import Property, Source, query_property, tokens
from neurosieve.errors import ConfigError

TEXT = "for a in b:\n  while c:\n    d = 'e f'\ng"
LOOPS = "(for_statement) @for (while_statement) @while"


def read(p: Property, text: str, language: str = "python") -> list[tuple[str, str | None]]:
    source = Source(text, language)
    spans = tokens(source)
    return [(text[a:b], v) for (a, b), v in zip(spans, p.of(source, spans), strict=True)]


def test_the_innermost_capture_is_the_value() -> None:
    found = dict(read(query_property("loop", {"python": LOOPS}), TEXT))
    assert (found["a"], found["in"], found["c"], found["d"], found["g"]) == ("for", "for", "while", "while", "other")
    assert query_property("loop", {"python": LOOPS}).values == ("for", "while", "other")


def test_outside_all_captures_it_may_not_apply() -> None:
    p = query_property("loop", {"python": LOOPS}, other=None)
    assert dict(read(p, TEXT))["g"] is None
    assert p.values == ("for", "while")


def test_of_two_captures_of_one_node_the_first_name_counts() -> None:
    first = query_property("x", {"python": "(identifier) @a (identifier) @b"})
    second = query_property("x", {"python": "(identifier) @b (identifier) @a"})
    assert (dict(read(first, "x"))["x"], dict(read(second, "x"))["x"]) == ("a", "b")


def test_part_of_a_token_counts_where_it_is_most_of_it() -> None:
    p = query_property("text", {"python": "(string_content) @text"})
    assert dict(read(p, "x = 'abc'"))["'abc'"] == "text"
    assert dict(read(p, "x = 'a'"))["'a'"] == "other"


def test_each_language_has_its_query() -> None:
    p = query_property("cast", {"c": "(cast_expression) @cast", "java": "(cast_expression) @explicit"})
    assert dict(read(p, "int a = (int) b;", "c"))["b"] == "cast"
    assert dict(read(p, "int a = (int) b;", "java"))["b"] == "explicit"
    assert {v for _, v in read(p, "a")} == {None}


def test_predicates_and_wide_characters() -> None:
    p = query_property("x", {"python": '((identifier) @é (#match? @é "^é"))'})
    assert read(p, "é = 'ü' + a")[0] == ("é", "é")
    assert {v for _, v in read(p, "é = 'ü' + a")[1:]} == {"other"}


def test_code_of_a_frame_is_not_captured() -> None:
    p = query_property("x", {"java": "(class_declaration) @class (method_declaration) @method"})
    assert {v for _, v in read(p, "int f() { } }", "java")} == {"method", "other"}


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ({"python": "(foo) @x"}, r"query of property 'x' for python: expected a tree-sitter query, got .*foo; see"),
        ({"python": "(comment"}, r"for python: expected a tree-sitter query, got .*; see the grammar"),
        ({"python": "(comment)"}, r"for python: expected 1 to 255 captures, such as .*, got 0; name each value"),
        ({"python": '(comment) @c (#match? @c "[")'}, "for python: expected a tree-sitter query"),
        ({"pyton": "(comment) @c"}, "language 'pyton': expected one of .*did you mean python"),
    ],
)
def test_a_bad_query_is_one_line(queries: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        query_property("x", queries)
    assert "\n" not in str(error.value)


def test_a_bad_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="property: expected a name without = and white space, got 'a b'"):
        query_property("a b", {"python": "(comment) @c"})
