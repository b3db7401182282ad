"""Properties of tokens that follow from their characters: how a name is written, what kind of number, which text."""

import re

from neurosieve.concepts.properties.by_place import per_unit
from neurosieve.concepts.properties.contract import NO, YES, Bins, Property, Values
from neurosieve.concepts.properties.parsed import Source, Spans, Unit
from neurosieve.concepts.properties.unions import union_of

INSIDE = ("code", "string", "comment", "docstring")
NAMING = ("single-letter", "lower", "snake_case", "camelCase", "PascalCase", "UPPER_CASE", "dunder", "other")
NUMBERS = ("integer", "float", "hex", "binary", "octal", "imaginary")
SIZES = Bins((0, 1, 2, 10, 100, 1000))
VALUES = ("zero", "one", *SIZES.names[2:])
_DOCSTRINGS = """
(module . (comment)* . (expression_statement . (string) @docstring .))
(function_definition body: (block . (comment)* . (expression_statement . (string) @docstring .)))
(class_definition body: (block . (comment)* . (expression_statement . (string) @docstring .)))
"""
# Keywords that change what a declaration says, by language; Go and Python have hardly any.
_MODIFIERS = {
    "java": "public private protected static final abstract synchronized native transient volatile strictfp sealed",
    "c": "static extern const volatile inline register restrict _Atomic _Noreturn _Thread_local",
    "cpp": "static extern const volatile inline register constexpr consteval constinit virtual explicit mutable friend"
    " final override thread_local public private protected",
    "javascript": "async static export",
    "python": "async",
    "rust": "pub mut static async unsafe extern dyn move",
}
_DOC_COMMENT = re.compile(r"/\*\*(?![*/])|/\*!|///(?!/)|//!")
_WITHOUT_MARKS = ("python", "go")  # languages in which a comment for readers of the documentation looks like any other
# After the digits of a whole number: the width of its type; with base 10 also what C++ lets a library define (`10ms`).
_WIDTH = r"_?[iu](?:8|16|32|64|128|size)|[ulz]+|n"
_SUFFIX, _LONG_SUFFIX = rf"(?:{_WIDTH})?", rf"(?:{_WIDTH}|[smh]|[a-z_]{{2,}})?"
_NUMBER = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("hex", rf"0x([\da-f][\da-f_']*?){_SUFFIX}"),
        ("binary", rf"0b([01][01_']*?){_SUFFIX}"),
        ("octal", rf"0o?([0-7_'][0-7_']*?){_SUFFIX}"),
        ("imaginary", r".*[ij]"),
        ("integer", rf"(\d[\d_']*?){_LONG_SUFFIX}"),
    )
)
_BASES = {"integer": 10, "hex": 16, "binary": 2, "octal": 8}


def _inside(source: Source, spans: Spans) -> Values:
    python = source.language == "python"
    nodes = source.captures(_DOCSTRINGS).get("docstring", []) if python else []
    documents = {source.span(node) for node in nodes}

    def kind(unit: Unit) -> str:
        if unit.label == "string":
            return "docstring" if (unit.start, unit.end) in documents else "string"
        if unit.label != "comment":
            return "code"
        marked = source.language not in _WITHOUT_MARKS and _DOC_COMMENT.match(source.text, unit.start)
        return "docstring" if marked else "comment"

    return per_unit([kind(u) for u in source.units], source, spans)


def _modifier(source: Source, spans: Spans) -> Values:
    words = set(_MODIFIERS.get(source.language, "").split())
    named = [YES if source.text[u.start : u.end] in words else NO for u in source.units]
    kinds = [kind if u.label == "keyword" else None for u, kind in zip(source.units, named, strict=True)]
    return per_unit(kinds, source, spans)


def _naming(source: Source, spans: Spans) -> Values:
    texts = [source.text[u.start : u.end] if is_name(u) else "" for u in source.units]
    return per_unit([naming(text) if text else None for text in texts], source, spans)


def is_name(unit: Unit) -> bool:
    """A name that somebody chose: an identifier, or a type that is not a word of the language."""
    return unit.label == "identifier" or (unit.label == "type" and unit.node.endswith("identifier"))


def naming(name: str) -> str:
    """The convention that a name follows; underscores at its ends do not count, nor the signs of its language."""
    if re.fullmatch(r"__\w+__", name):
        return "dunder"
    word = name.removeprefix("r#").lstrip("'#@$").strip("_")
    if len(word) == 1 and word.isalpha():
        return "single-letter"
    for kind, pattern in _NAMING:
        if pattern.fullmatch(word):
            return kind
    return "other"


_LOWER, _UPPER = r"[^\W\dA-Z_]", r"[A-Z]"
_NAMING = (
    ("lower", re.compile(rf"{_LOWER}(?:{_LOWER}|\d)*")),
    ("UPPER_CASE", re.compile(rf"{_UPPER}(?:{_UPPER}|[\d_])*")),
    ("snake_case", re.compile(rf"{_LOWER}(?:{_LOWER}|[\d_])*")),
    ("camelCase", re.compile(r"[^\W\dA-Z_][^\W_]*")),
    ("PascalCase", re.compile(r"[A-Z][^\W_]*")),
)


def _number(source: Source, spans: Spans) -> Values:
    kinds = [number_kind(source.text[u.start : u.end]) if u.label == "number" else None for u in source.units]
    return per_unit(kinds, source, spans)


def number_kind(text: str) -> str:
    """How a number is written; what is none of the other kinds is a float."""
    return next((kind for kind, pattern in _NUMBER if pattern.fullmatch(text)), "float")


def _value(source: Source, spans: Spans) -> Values:
    sizes = [magnitude(source.text[u.start : u.end]) if u.label == "number" else None for u in source.units]
    return per_unit(sizes, source, spans)


def magnitude(text: str) -> str | None:
    """The bin of a whole number's value, in any base; None for other numbers."""
    for kind, pattern in _NUMBER:
        if match := pattern.fullmatch(text):
            if kind not in _BASES:
                return None
            digits = re.sub("[_']", "", match[1]).lstrip("0") or "0"
            # No bin needs more digits, and Python refuses to read thousands of them.
            number = int(digits[:20], _BASES[kind])
            return VALUES[number] if number < 2 else SIZES.of(number)
    return None


_INSIDE = Property("inside", "token", "natural-language text or code", _inside, INSIDE)
TEXTS = (
    _INSIDE,
    union_of(
        "text",
        {"natural": [f"inside={value}" for value in INSIDE if value != "code"]},
        {"inside": _INSIDE},
        rest="code",
        description="words for people (of strings, comments and docstrings), against code",
    ),
    Property("naming", "token", "how a name is written", _naming, NAMING),
    Property("modifier", "token", "whether a keyword modifies a declaration (`static`, `const`)", _modifier, (YES, NO)),
    Property("number", "token", "how a number is written", _number, NUMBERS),
    Property("value", "token", "size of a whole number", _value, VALUES),
)
