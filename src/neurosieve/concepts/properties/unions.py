"""Unions: a property whose values are several values of other properties taken together."""

import re
from collections.abc import Mapping, Sequence

from neurosieve.concepts.properties.contract import NO, YES, Property, Values
from neurosieve.concepts.properties.parsed import Source, Spans
from neurosieve.errors import ConfigError, unknown_name

_BAR = re.compile(r"\|(?=[^\s=|]+=)")  # also between values that hold a bar: `node=||` is one


def union_of(
    name: str,
    values: Mapping[str, Sequence[str]],
    known: Mapping[str, Property],
    *,
    rest: str | None = None,
    description: str = "",
) -> Property:
    """A property from values of those that are known.

    Args:
        name: Of the property.
        values: For each of its values the parts, named `property=value`; a row with any of them has it, the first
            value in this order where parts of several fit.
        known: Properties by name.
        rest: Value of rows that have some value of these properties, but no part; None: it does not apply to them.
        description: One line.

    Raises:
        ConfigError: A part that is unknown or named twice, a value without parts, properties of tokens and those of
            whole texts, or a bad name.
    """
    parts = {value: [_part(name, text, known) for text in texts] for value, texts in values.items()}
    flat = [f"{p.name}={word}" for pairs in parts.values() for p, word in pairs]
    if not parts or not all(parts.values()) or len(set(flat)) < len(flat) or rest in parts:
        got = "the same part twice" if len(set(flat)) < len(flat) else "a value without parts, or the rest as a value"
        raise ConfigError(
            f"union {name!r}", expected="parts for each value, each once", got=got, remedy="see docs/properties.md"
        )
    members = {p.name: p for pairs in parts.values() for p, _ in pairs}
    scope, *mixed = {p.scope for p in members.values()}
    if mixed:
        remedy = "take parts of one kind"
        raise ConfigError(f"union {name!r}", expected="parts of tokens, or of whole texts", got="both", remedy=remedy)
    united: dict[tuple[str, str | None], str] = {
        (p.name, word): value for value, pairs in parts.items() for p, word in pairs
    }
    order = {value: i for i, value in enumerate(parts)}

    def one(words: Sequence[tuple[str, str | None]]) -> str | None:
        values = [united[part] for part in words if part in united]
        if values:
            return min(values, key=order.__getitem__)
        return rest if any(word is not None for _, word in words) else None

    def read(source: Source, spans: Spans) -> Values | str | None:
        places = spans if scope == "token" else [(0, len(source.text))]
        columns = [[(p.name, word) for word in p.of(source, places)] for p in members.values()]
        rows = [one(row) for row in zip(*columns, strict=True)]
        return rows if scope == "token" else rows[0]

    words = (*parts, *(() if rest is None else (rest,)))
    return Property(name, scope, description or "any of " + ", ".join(flat), read, words, tuple(members))


def union_from_text(text: str, known: Mapping[str, Property]) -> Property:
    """The union that `NAME:property=value|property=value` names: `yes` where a row has any of them, else `no`.

    Raises:
        ConfigError: As `union_of`; no such text.
    """
    name, sign, parts = text.partition(":")
    if not sign or "=" in name:
        raise ConfigError(
            f"property {text!r}",
            expected="a name, or a union NAME:property=value|property=value",
            got="neither",
            remedy="write the name before a colon",
        )
    if name in known:
        remedy = "give it another name"
        raise ConfigError(f"union {name!r}", expected="a new name", got="that of a property", remedy=remedy)
    return union_of(name, {YES: _BAR.split(parts)}, known, rest=NO)


def _part(name: str, text: str, known: Mapping[str, Property]) -> tuple[Property, str]:
    word, sign, value = text.partition("=")
    if not sign or not value:
        remedy = "for example lexical=operator"
        raise ConfigError(f"union {name!r}", expected="parts property=value", got=repr(text), remedy=remedy)
    if word not in known:
        raise unknown_name("property", word, known)
    if known[word].values and value not in known[word].values:
        raise unknown_name(f"value of {word}", value, known[word].values)
    return known[word], value
