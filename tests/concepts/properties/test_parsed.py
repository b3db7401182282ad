"""All visible text is in one unit, whatever the text is; fragments get the parse with the fewest errors."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
import tree_sitter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosieve.concepts.properties import PROPERTIES, Source, tokens
from neurosieve.concepts.properties import parsed as source_module
from neurosieve.concepts.properties.measure_queries import MEASURES
from neurosieve.concepts.properties.name_queries import QUERIES
from neurosieve.concepts.properties.parsed import innermost
from neurosieve.data.schemes import label_spans
from neurosieve.errors import ConfigError
from neurosieve.syntax import functions
from neurosieve.syntax.frames import FRAMES
from neurosieve.syntax.functions import captures
from neurosieve.syntax.grammars import GRAMMARS
from neurosieve.syntax.languages import LANGUAGES, grammar, parse
from neurosieve.syntax.trees import all_nodes
from tests.concepts.properties import SMALL, shown
from tests.data.code import SAMPLES

LANGUAGE = st.sampled_from(sorted(LANGUAGES))
# Code that is no file, and what its words are there.
FRAGMENTS = [
    ("python", "else:\n  x = 1", "parent", "else:else_clause ::else_clause x:assignment =:assignment 1:assignment"),
    ("python", "except E:", "parent", "except:except_clause E:except_clause ::except_clause"),
    ("python", "@property", "parent", "@:decorator property:decorator"),
    ("python", "    return x", "parent", "return:return_statement x:return_statement"),
    ("python", "f(a,", "parent", "f:call (:argument_list a:argument_list ,:argument_list"),
    ("java", "a.b(c)", "role", "b:call"),
    ("java", "@A int f(int a) {", "role", "A:type f:function a:parameter"),
    ("java", "} else {", "parent", "}:block else:if_statement {:block"),
    ("java", "case 1:", "parent", "case:switch_label 1:switch_label ::switch_block_statement_group"),
    ("c", "if (x) {", "depth", "if:0-2 (:3-4 x:3-4 ):3-4 {:3-4"),
    ("c", "a->b", "role", "b:attribute"),
    ("cpp", "} catch (E& e) {", "role", "E:type e:parameter"),
    ("javascript", "get x() { return 1 }", "role", "x:function"),
    ("go", "if x == nil {", "lexical", "if:keyword x:identifier ==:operator nil:keyword {:punctuation"),
    ("go", "X int", "role", "X:attribute int:type"),
    ("rust", "pub x: i32,", "role", "x:attribute"),
    ("rust", "Some(x) => 1,", "role", "x:local"),
    ("rust", "x.y()", "role", "y:call"),
]


def check_sound(source: Source) -> None:
    text, spans = source.text, tokens(source)
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert not [text[a:b] for a, b in spans if not text[a:b].strip()]
    outside = "".join(text[a[1] : b[0]] for a, b in pairwise([(0, 0), *spans, (len(text), 0)]))
    assert not "".join(outside.split()).replace("\\", "")
    for p in PROPERTIES.values():
        p.of(source, spans)  # which refuses values outside those declared


@pytest.mark.parametrize("language", SAMPLES)
@pytest.mark.parametrize("sources", [SAMPLES, SMALL], ids=["samples", "small"])
def test_units_are_the_lexical_spans(language: str, sources: dict[str, str]) -> None:
    source = Source(sources[language], language)
    assert tuple((u.start, u.end, u.label) for u in source.units) == label_spans(source.text, "lexical", language)
    assert not source.parsed.framed
    assert not [u for u in source.units if u.error]
    spans = {s[:2] for s in label_spans(source.text, "lexical", language) if source.text[slice(*s[:2])].isprintable()}
    assert {s for s in spans if " " not in source.text[slice(*s)]} <= set(tokens(source))
    check_sound(source)


@settings(deadline=None, max_examples=120)
@given(LANGUAGE, st.text(max_size=40))
@example("python", "\x00 a")
@example("python", "é = 'ü \\\n x'")
@example("c", "#define A(x) é x\n\\")
@example("rust", 'r#"é')
@example("javascript", "`é${")
@example("javascript", "\x85")
def test_any_text_is_read(language: str, text: str) -> None:
    check_sound(Source(text, language))


@settings(deadline=None, max_examples=120)
@given(LANGUAGE, LANGUAGE, st.integers(0, 1500), st.integers(1, 400), st.sampled_from(["", "é😀", "}", "(", '"']))
def test_pieces_of_code_are_read(language: str, other: str, start: int, length: int, inserted: str) -> None:
    text = SAMPLES[other]
    source = Source(inserted + text[start % len(text) :][:length], language)
    check_sound(source)
    labelled = [(u.start, u.end, u.label) for u in source.units if u.label]
    if not source.parsed.framed:
        assert tuple(labelled) == label_spans(source.text, "lexical", language)
    assert any(u.error for u in source.units) <= (source.parsed.errors > 0)


@pytest.mark.parametrize(("language", "text", "name", "expected"), FRAGMENTS)
def test_a_fragment_is_framed(language: str, text: str, name: str, expected: str) -> None:
    assert not Source(text, language).parsed.errors
    assert shown(name, text, language) == expected


@pytest.mark.parametrize("language", FRAMES)
@pytest.mark.parametrize("text", ["a é b", "} é {", ") é", "else é", "é = 1"])
def test_a_frame_leaves_the_text_as_it_is(language: str, text: str) -> None:
    parsed = Source(text, language).parsed
    assert parsed.data[parsed.first : parsed.last].decode() == text
    assert parsed.framed == (parsed.data != text.encode())
    plain = parse(text, language)[0].root_node
    assert plain.has_error or not parsed.framed


def test_errors_are_marked_and_kept() -> None:
    source = Source("x = 1\ny = (2 $ 3)\nz = 4", "python")
    assert source.parsed.errors
    assert "$" in {source.text[u.start : u.end] for u in source.units if u.error} <= {*"(2$3)"}
    assert [source.text[u.start : u.end] for u in source.units][-3:] == ["z", "=", "4"]


def test_spans_are_found_by_their_first_word() -> None:
    source = Source("  ab = 'c d' ", "python")
    assert source.find([(0, 2), (0, 3), (2, 4), (3, 4), (3, 6), (4, 6), (9, 10), (12, 13), (2, 2)]) == [
        -1,
        0,
        0,
        0,
        0,
        1,
        2,
        -1,
        -1,
    ]
    assert Source(" ", "python").find([(0, 1)]) == [-1]


def test_text_is_cut_at_white_space() -> None:
    words = [w.split(":")[0] for w in shown("lexical", "x = 'a b'  # c  d").split()]
    assert words == ["x", "=", "'a", "b'", "#", "c", "d"]


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="language 'jav'"):
        _ = Source("x", "jav").units


def test_a_query_gives_each_node_once_and_none_of_the_frame() -> None:
    source = Source("int f() { return 1; } }", "java")
    assert source.parsed.framed
    found = source.captures("(identifier) @a (method_declaration name: (identifier) @a) (class_declaration) @b")
    assert [(name, [source.span(n) for n in nodes]) for name, nodes in found.items() if nodes] == [("a", [(4, 5)])]
    assert source.span(source.root) is None


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_query_asked_at_each_node_finds_what_one_pass_finds(language: str) -> None:
    """The queries of the package; a pattern of nodes side by side is asked once."""
    names = f"{GRAMMARS[language].query}\n{QUERIES[language]}"
    side_by_side = "((comment) @a . (_) @b)" if language not in ("java", "rust") else "((line_comment) @a . (_) @b)"
    for query in (names, MEASURES[language], "(ERROR) @error (MISSING) @missing", side_by_side):
        for text in (SMALL[language], SAMPLES[language], SMALL[language][7:] * 2):
            root = parse(text, language)[0].root_node
            plain = tree_sitter.QueryCursor(tree_sitter.Query(grammar(language), query)).captures(root)
            found = captures(root, language, query)
            assert {name: {n.id for n in nodes} for name, nodes in found.items()} == {
                name: {n.id for n in nodes} for name, nodes in plain.items()
            }
            assert all(nodes == sorted(nodes, key=lambda n: (n.start_byte, -n.end_byte)) for nodes in found.values())


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=8))
def test_the_innermost_of_nested_ranges(pairs: list[tuple[int, int]]) -> None:
    """As painting them in order would have it."""
    ranges: list[tuple[int, int, int]] = []
    for low, high in sorted({(min(p), max(p)) for p in pairs}, key=lambda p: (p[0], -p[1])):
        if all(high <= end or low >= end for _, end, _ in ranges):  # nested, or apart
            ranges.append((low, high, len(ranges)))
    painted = [-1] * 12
    for low, high, value in ranges:
        painted[low:high] = [value] * (high - low)
    assert innermost(ranges, 12, -1) == painted


LONG = {
    "python": "def f(a):\n return " + " + ".join(["a"] * 1500),
    "java": "class A { int f() { return " + " + ".join(["a"] * 1500) + "; } }",
    "c": "int f() { return " + " + ".join(["a"] * 1500) + "; }",
    "javascript": "function f() { return a" + ".g().a" * 1000 + "; }",
}


@pytest.mark.parametrize("language", LONG)
def test_long_code_is_read_in_steps_of_its_size(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all properties no one looks at more nodes than a few times those that there are."""
    source, steps = Source(LONG[language], language), [0]

    def counted(root: tree_sitter.Node, **options: int) -> Iterator[tree_sitter.Node]:
        for node in all_nodes(root, **options):
            steps[0] += 1
            yield node

    monkeypatch.setattr(functions, "all_nodes", counted)
    monkeypatch.setattr(source_module, "all_nodes", counted)
    spans = tokens(source)
    for p in PROPERTIES.values():
        assert len(p.of(source, spans)) == len(spans)
    assert PROPERTIES["complexity"].of(source, spans)[0] == "1"
    assert PROPERTIES["recursion"].of(source, spans)[0] == "no"
    assert PROPERTIES["line-position"].of(source, spans)[-1] == "last"
    assert steps[0] <= 8 * source.root.descendant_count
