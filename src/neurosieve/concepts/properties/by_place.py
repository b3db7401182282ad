"""Properties of tokens that follow from their place: in the syntax tree, in brackets, in the line and in the file."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from operator import attrgetter

from neurosieve.concepts.properties.contract import Bins, Property, Values
from neurosieve.concepts.properties.parsed import Source, Spans, Unit
from neurosieve.syntax.languages import LANGUAGES

LEXICAL = ("keyword", "identifier", "type", "number", "string", "comment", "operator", "punctuation", "preprocessor")
ORDER = ("first", "inner", "last", "only")
FIFTHS = ("1/5", "2/5", "3/5", "4/5", "5/5")
DEPTHS = Bins((0, 3, 5, 7, 9, 11, 14))
BRACKETS = Bins((0, 1, 2, 3, 4, 6))
_OPENING, _CLOSING = {"(", "[", "{", "${"}, {")", "]", "}"}


def per_unit(values: Values, source: Source, spans: Spans) -> Values:
    """The values of the units that spans begin with."""
    return [values[i] if i >= 0 else None for i in source.find(spans)]


def _attribute(read: Callable[[Unit], str | None]) -> Callable[[Source, Spans], Values]:
    return lambda source, spans: per_unit([read(u) for u in source.units], source, spans)


def _node(unit: Unit) -> str | None:
    return unit.node or None


def _parent(unit: Unit) -> str | None:
    return unit.parent or None


def _depth(unit: Unit) -> str:
    return DEPTHS.of(unit.depth)


def _brackets(source: Source, spans: Spans) -> Values:
    """Pairs of brackets around each token; both signs of a pair are outside of it."""
    depth, depths = 0, list[str | None]()
    for unit in source.units:
        sign = source.text[unit.start : unit.end] if unit.label == "punctuation" else ""
        depth -= sign in _CLOSING and depth > 0
        depths.append(BRACKETS.of(depth))
        depth += sign in _OPENING
    return per_unit(depths, source, spans)


def _order(first: bool, last: bool) -> str:
    return ("only" if last else "first") if first else ("last" if last else "inner")


def _line_position(source: Source, spans: Spans) -> Values:
    text = source.text
    words = [word.span() for word in re.finditer(r"\S+", text)]
    starts, ends = [start for start, _ in words], [end for _, end in words]

    def order(start: int, end: int) -> str:
        """From the white space between the token and its neighbours: a line may be as long as the text."""
        before, behind = bisect_left(starts, start), bisect_right(ends, end)
        first = before == 0 or "\n" in text[min(ends[before - 1], start) : start]
        return _order(first, behind == len(starts) or "\n" in text[end : max(starts[behind], end)])

    return [order(*span) if text[slice(*span)].strip() else None for span in spans]


def _statement(source: Source, spans: Spans) -> Values:
    def order(unit: Unit, start: int, end: int) -> str | None:
        if unit.statement is None or unit.label == "comment":
            return None
        first, last = unit.statement
        return _order(start <= first, end >= last)

    units = zip(source.find(spans), spans, strict=True)
    return [order(source.units[i], *span) if i >= 0 else None for i, span in units]


def _fifth(place: int, start: int, end: int) -> str:
    return FIFTHS[min(5 * (place - start) // max(end - start, 1), 4)]


def _function_position(source: Source, spans: Spans) -> Values:
    functions = [source.units[i].function if i >= 0 else None for i in source.find(spans)]
    return [f and _fifth(start, *f) for f, (start, _) in zip(functions, spans, strict=True)]


def _file_position(source: Source, spans: Spans) -> Values:
    return [_fifth(start, 0, len(source.text)) for start, _ in spans]


def _language(source: Source, spans: Spans) -> Values:
    return [source.language] * len(spans)


TOKENS = (
    Property("lexical", "token", "class of the word", _attribute(attrgetter("label")), LEXICAL),
    Property("node", "token", "type of the smallest node of the syntax tree around the word", _attribute(_node)),
    Property("parent", "token", "type of the node around that one", _attribute(_parent)),
    Property("depth", "token", "nodes of the syntax tree above the word's own", _attribute(_depth), DEPTHS.names),
    Property("bracket-depth", "token", "pairs of (), [] and {} around it", _brackets, BRACKETS.names),
    Property("statement", "token", "place in the innermost statement", _statement, ORDER),
    Property("line-position", "token", "place in its line", _line_position, ORDER),
    Property("function-position", "token", "part of the innermost function it begins in", _function_position, FIFTHS),
    Property("file-position", "token", "part of the text it begins in", _file_position, FIFTHS),
    Property("language", "token", "language of the text", _language, tuple(LANGUAGES)),
)
