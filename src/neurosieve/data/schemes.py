"""Labels on source code from its syntax tree, by tree-sitter.

Two schemes: `lexical` names what a lexer sees, in all languages; `identifier-role` what an identifier does, in Python.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from tree_sitter import Node

from neurosieve.data.dataset import Span
from neurosieve.defaults import LABEL_SCHEMES
from neurosieve.errors import ConfigError, unknown_name
from neurosieve.syntax.languages import LANGUAGES, parse
from neurosieve.syntax.lexical import ByteSpan, lexical
from neurosieve.syntax.roles import identifier_roles


class Scheme(NamedTuple):
    """A labelling scheme.

    Attributes:
        read: From a syntax tree's root and its language's name to labelled bytes, in any order.
        languages: Names of those that it can label.
    """

    read: Callable[[Node, str], Iterator[ByteSpan]]
    languages: tuple[str, ...]


_SCHEMES = Scheme(lexical, tuple(LANGUAGES)), Scheme(identifier_roles, ("python",))
SCHEMES: dict[str, Scheme] = dict(zip(LABEL_SCHEMES, _SCHEMES, strict=True))


def find_scheme(name: str) -> Scheme:
    """The labelling scheme of this name.

    Raises:
        ConfigError: There is none.
    """
    if name not in SCHEMES:
        raise unknown_name("label scheme", name, SCHEMES)
    return SCHEMES[name]


def label_spans(text: str, scheme: str, language: str = "python") -> tuple[Span, ...]:
    """Spans of a source under a labelling scheme, in character offsets, in order, neither empty nor overlapping.

    Raises:
        ConfigError: The scheme or the language is not known, or the scheme does not label this language.
    """
    read, languages = find_scheme(scheme)
    if language not in languages and language in LANGUAGES:
        raise ConfigError(
            f"label scheme {scheme!r}",
            expected=f"source in {', '.join(languages)}",
            got=language,
            remedy="use the scheme lexical",
        )
    tree, data = parse(text, language)
    to_char = byte_to_char(data)
    spans = (Span(to_char(start), to_char(end), label) for start, end, label in read(tree.root_node, language))
    # Where the parser mends broken code it puts in nodes of no width, or takes a space of Unicode for a name.
    seen = (s for s in spans if s.start < s.end)
    return tuple(sorted(s for s in seen if s.label in ("string", "comment") or text[s.start : s.end].strip()))


def byte_to_char(data: bytes) -> Callable[[int], int]:
    """From a byte of UTF-8 text to the number of characters that start before it; made once a text."""
    if data.isascii():
        return lambda byte: byte
    # Continuation bytes (10xxxxxx) start no character.
    starts = (np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80
    table = np.concatenate([[0], np.cumsum(starts)])
    return lambda byte: int(table[byte])
