"""Code that is not a complete file: which surrounding text lets it be parsed with the fewest errors.

The grammars accept many fragments (a statement, a function, in Java a method). If one does not, these frames are tried,
the plain text first, and the one with the least text in error is used.
"""

from typing import NamedTuple

import tree_sitter
from tree_sitter import Node

from neurosieve.syntax.functions import captures
from neurosieve.syntax.languages import parse

_BLOCK = (("", "}"), ("", ";"), ("", ";}"), ("", "{}"))
_C = (
    *_BLOCK,
    ("void f() { if (1) {\n", "\n}}"),
    ("void f() { switch (0) {\n", "\n}}"),
    ("void f() {\n", "\n}"),
    ("void f() {\n", ";\n}"),
    ("{\n", ""),
)
# The text goes between the two parts of each.
FRAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "python": (
        ("", " pass"),
        ("", "\ndef f(): pass"),
        ("if 1:\n pass\n", ""),
        ("if 1:\n pass\n", " pass"),
        ("try:\n pass\n", ""),
        ("try:\n pass\n", " pass"),
        ("match 1:\n ", ""),
        ("match 1:\n ", " pass"),
        ("", ")"),
        ("", "]"),
        ("", "}"),
    ),
    "java": (
        *_BLOCK,
        ("class A {\n", "\n}"),
        ("class A {\n", " int f;\n}"),
        ("class A {\n", "\n}}"),
        ("class A { void f() { if (true) {\n", "\n}}}"),
        ("class A { void f() { switch (0) {\n", "\n}}}"),
        ("class A { void f() { try {\n", "\n}}}"),
        ("class A { void f() {\n", "\n}}"),
        ("class A { void f() {\n", ";\n}}"),
        ("class A {\n", ""),
        ("{\n", ""),
    ),
    "c": (*_C, ("struct A {\n", "\n};"), ("enum A {\n", "\n};")),
    "cpp": (("void f() { try {\n", "\n}}"), *_C, ("class A {\n", "\n};"), ("enum A {\n", "\n};")),
    "javascript": (
        *_BLOCK,
        ("class A {\n", "\n}"),
        ("class A {\n", "\n}}"),
        ("if (1) {\n", "\n}"),
        ("switch (0) {\n", "\n}"),
        ("try {\n", "\n}"),
        ("x = {\n", "\n}"),
        ("class A {\n", ""),
        ("{\n", ""),
    ),
    "go": (
        ("", "\n"),
        ("", "}\n"),
        ("", "{}\n"),
        ("func f() {\nif x {\n", "\n}}\n"),
        ("func f() {\nswitch x {\n", "\n}}\n"),
        ("type A struct {\n", "\n}\n"),
        ("import (\n", "\n)\n"),
        ("func f() {\n", "\n"),
    ),
    "rust": (
        *_BLOCK,
        ("fn f() {\n", "\n}"),
        ("fn f() { if x {\n", "\n}}"),
        ("fn f() { match x {\n", "\n}}"),
        ("struct A {\n", "\n}"),
        ("enum A {\n", "\n}"),
        ("impl A {\n", "\n}"),
        ("fn f() {\n", ""),
    ),
}


class Framed(NamedTuple):
    """A parsed text.

    Attributes:
        tree: Of the text in its frame.
        data: The bytes that the tree counts.
        first: Where the text starts in them.
        last: Where it ends.
        errors: Bytes of the text that do not parse, and one for each word that is missing.
        framed: The text is in a frame.
    """

    tree: tree_sitter.Tree
    data: bytes
    first: int
    last: int
    errors: int
    framed: bool


def parse_framed(text: str, language: str) -> Framed:
    """The parse with the fewest errors, as it is or in a frame; one parse if the text has no error.

    Raises:
        ConfigError: No such language.
        DataError: The language's grammar is not installed.
    """
    best = _parsed(text, language, "", "")
    for before, after in FRAMES.get(language, ()) if best.errors else ():
        if (framed := _parsed(text, language, before, after)).errors < best.errors:
            best = framed
        if not best.errors:
            break
    return best


def _parsed(text: str, language: str, before: str, after: str) -> Framed:
    tree, data = parse(f"{before}{text}{after}", language)
    first, last = len(before.encode()), len(data) - len(after.encode())
    errors = _errors(tree.root_node, language, first, last) if tree.root_node.has_error else 0
    return Framed(tree, data, first, last, errors, bool(before or after))


def _errors(root: Node, language: str, first: int, last: int) -> int:
    nodes = captures(root, language, "(ERROR) @error (MISSING) @missing")
    total, reached = len(nodes.get("missing", ())), first
    for node in nodes.get("error", ()):
        start, end = max(node.start_byte, reached), min(node.end_byte, last)
        total += max(end - start, 0)
        reached = max(reached, end)
    return max(total, 1)
