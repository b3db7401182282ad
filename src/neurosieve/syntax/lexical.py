"""What a lexer sees in a source: the leaves of its syntax tree, each with a class, the same classes for all languages.

No list of keywords is kept: a keyword is a word that the grammar itself spells out (`while`, `true`, `self`). The class
of all other leaves follows from the kind that the grammar gives them, so that a contextual keyword (`type` in Python,
`record` in Java) is one only where it acts as one, and an angle bracket around types is not an operator.
"""

import re
from collections.abc import Iterator
from functools import cache

from tree_sitter import Node

from neurosieve.syntax.languages import grammar, parse

# First byte, byte after the last, label.
ByteSpan = tuple[int, int, str]

# `from __future__` has a symbol of its own in the grammar of Python.
PYTHON_NAMES = {"identifier", "__future__"}
_INTERPOLATIONS = {"interpolation", "string_interpolation", "template_substitution"}
# Types of one or more words that the grammar spells out: `double`, `unsigned long`.
_WORDED_TYPES = {"integral_type", "floating_point_type", "sized_type_specifier"}
# Kinds of nodes that have one class as a whole, whatever is in them. Rust's lifetimes and loop labels (`'a`) are names
# with their quote; a text that contains code is split into its parts.
_KINDS = {
    "comment": "(.*_)?comment|hash_bang_line|shebang",
    "number": "integer|float|number|.*(int|integer|float|floating_point|imaginary|number)_literal",
    "string": "string|regex|(.*_)?string_literal|template_string|system_lib_string|(char|rune)_literal"
    "|character(_literal)?|string_(start|content|fragment|end)|multiline_string_fragment|escape_.*"
    "|jsx_text|html_character_reference",
    "type": "type_identifier|(primitive|void|boolean|never)_type",
    "identifier": r"(?!scoped_|qualified_)(.*_)?identifier(_pattern)?|label|label_name|lifetime|metavariable",
}
_WORD = re.compile(r"@?[A-Za-z_][\w -]*!?")
_SYMBOL = re.compile(r"[^\w\s\\]+")
_PUNCTUATION = {*"()[]{},:;.#$", "...", "::", "[[", "]]", "()", "[]", "${", "\\{", "</", "/>"}
# Where `<` and `>` are brackets, by the kind of the node around them.
_ANGLED = re.compile("type_|template_|jsx_|bracketed_type")
_GAPPED = re.compile("token_repetition|pure_virtual_clause")


def lexical(root: Node, language: str) -> Iterator[ByteSpan]:
    """Everything in a syntax tree that has a class."""
    stack = [(root, "")]
    while stack:
        node, parent = stack.pop()
        if node.type == "preproc_arg":
            yield from _macro_body(node, language)
        elif label := _label(node, parent, language):
            yield _trimmed(node, label)
        else:
            yield from _unnamed(node)
            kind = node.type
            stack.extend((child, kind) for child in reversed(node.children))


def _label(node: Node, parent: str, language: str) -> str | None:
    kind = node.type
    if kind == "user_defined_literal":  # C++: `10ms` is a number, `"a"s` a string
        return _label(node.children[0], kind, language)
    label = _kind_label(kind) if node.is_named else None
    if label and not any(c.type in _INTERPOLATIONS for c in node.children):
        return label
    return None if node.child_count or node.is_error else _leaf_label(node, parent, language)


@cache
def _kind_label(kind: str) -> str | None:
    return next((label for label, kinds in _KINDS.items() if re.fullmatch(kinds, kind)), None)


def _leaf_label(node: Node, parent: str, language: str) -> str | None:
    """The class of a word or symbol that the grammar spells out, or names without a part of its own.

    The type of the node around it comes from the walk: a node finds its parent by a search from the root.
    """
    text = (node.text or b"").decode("utf-8") if node.is_named else node.type
    if text == "__future__":
        return "identifier"
    if _WORD.fullmatch(text):
        return "type" if parent in _WORDED_TYPES else "keyword"
    if text.startswith("#") and text != "#":
        return "preprocessor"
    if text.isspace() or (node.is_named and not _SYMBOL.fullmatch(text)):
        return None
    if re.search("[\"'`]", text):
        return "string"
    angle = text in ("<", ">") and _ANGLED.match(parent)
    at = text == "@" and language != "python"  # which multiplies with it
    return "punctuation" if angle or at else _symbol_label(text)


def _trimmed(node: Node, label: str) -> ByteSpan:
    """Without the line's end that some grammars count as part of a comment, and the space around text between tags."""
    text = node.text or b""
    blank = b" \t\r\n" if node.type == "jsx_text" else b"\r\n" if label == "comment" else b""
    start = node.start_byte + len(text) - len(text.lstrip(blank))
    return start, start + len(text.strip(blank)), label


def _macro_body(node: Node, language: str) -> Iterator[ByteSpan]:
    """The rest of a directive's line in C, which the grammar leaves as one leaf: read as an expression, if it is one.

    The preprocessor's own operators are read as others of their length, which changes nothing between quotes.
    """
    body = (node.text or b"").decode("utf-8").replace("##", "<<").replace("#", "!")
    before = "int _ = "
    tree, data = parse(f"{before}{body}\n;", language)
    spans = list(lexical(tree.root_node, language))
    # Where a keyword is not allowed, as `static` in an expression, the parser takes it for a name.
    names = {data[start:end].decode("utf-8") for start, end, label in spans if label == "identifier"}
    if tree.root_node.has_error or any(grammar(language).id_for_node_kind(name, False) for name in names):
        before = ""
        spans = list(lexical(parse(body, language)[0].root_node, language))
    first, last = len(before), len(before) + node.end_byte - node.start_byte
    for start, end, label in spans:
        if first <= start and end <= last:
            yield node.start_byte + start - first, node.start_byte + end - first, label


def _unnamed(node: Node) -> Iterator[ByteSpan]:
    """The characters that belong to no node: the comma in Rust's `$($x),*`, the zero in C++'s `= 0`."""
    if not _GAPPED.match(node.type):
        return
    text, done = node.text or b"", 0
    for child in [*node.children, None]:
        start = child.start_byte - node.start_byte if child else len(text)
        if symbol := text[done:start].strip():
            at = node.start_byte + text.index(symbol, done)
            yield at, at + len(symbol), "number" if symbol.isdigit() else _symbol_label(symbol.decode("utf-8"))
        done = child.end_byte - node.start_byte if child else start


def _symbol_label(text: str) -> str:
    return "punctuation" if text in _PUNCTUATION else "operator"
