"""All visible text is in one unit, whatever the text is; fragments get the parse with the fewest errors."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosieve.concepts.properties import PROPERTIES, Source, tokens
from neurosieve.concepts.properties.frames import FRAMES
from neurosieve.data.labels import label_spans
from neurosieve.data.languages import LANGUAGES, parse
from neurosieve.errors import ConfigError
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
