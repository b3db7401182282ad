"""A property of tokens from a tree-sitter query: the names of its captures are the values."""

from collections.abc import Mapping

import tree_sitter

from neurosieve.concepts.properties.contract import Property, Values
from neurosieve.concepts.properties.parsed import Source, Spans, innermost
from neurosieve.errors import ConfigError
from neurosieve.syntax.languages import grammar

_MOST = 255  # values that fit into a byte a character


def query_property(
    name: str, queries: Mapping[str, str], *, description: str = "", other: str | None = "other"
) -> Property:
    """A token property from one query a language.

    A token has the name of the innermost captured node that holds it, most of its characters where a node holds only
    a part; the first name of the query where two captures are of one size.

        query_property("loop", {"python": "(for_statement) @for (while_statement) @while"})

    Args:
        name: Of the property.
        queries: tree-sitter query by language; in other languages the property does not apply.
        description: One line.
        other: Value of tokens outside all captures; None if the property does not apply to them.

    Raises:
        ConfigError: An unknown language, a query that does not parse, captures nothing or too much, or a bad name.
        DataError: The language's grammar is not installed.
    """
    names = {language: _capture_names(name, language, text) for language, text in queries.items()}
    values = [value for captures in names.values() for value in captures]

    def read(source: Source, spans: Spans) -> Values:
        if source.language not in queries:
            return [None] * len(spans)
        known = names[source.language]
        painted = _painted(source, queries[source.language], known)
        words = [other, *known]
        return [words[_most(painted[start:end])] if source.text[start:end].strip() else None for start, end in spans]

    order = tuple(dict.fromkeys([*values, *([] if other is None else [other])]))
    return Property(name, "token", description or f"captures of a query for {', '.join(queries)}", read, order)


def _capture_names(name: str, language: str, text: str) -> list[str]:
    subject = f"query of property {name!r} for {language}"
    remedy = "see the grammar's node types"
    try:
        query = tree_sitter.Query(grammar(language), text)
    except tree_sitter.QueryError as e:
        got = " ".join(str(e).split())
        raise ConfigError(subject, expected="a tree-sitter query", got=got, remedy=remedy) from e
    names = [query.capture_name(i) for i in range(query.capture_count)]
    if not 0 < len(names) <= _MOST:
        expected = f"1 to {_MOST} captures, such as (comment) @comment"
        raise ConfigError(subject, expected=expected, got=f"{len(names)}", remedy="name each value with @")
    return names


def _painted(source: Source, query: str, names: list[str]) -> bytearray:
    """For each character the number of its innermost capture, from 1; 0: none."""
    captures = source.captures(query)
    places = [(*(source.span(n) or (0, 0)), k) for k, name in enumerate(names, 1) for n in captures.get(name, ())]
    return bytearray(innermost(sorted(places, key=lambda p: (p[0], -p[1], -p[2])), len(source.text), 0))


def _most(painted: bytearray) -> int:
    """The number on most characters, of two the earlier one."""
    first = painted[0]
    return first if painted.count(first) == len(painted) else max(painted, key=painted.count)
