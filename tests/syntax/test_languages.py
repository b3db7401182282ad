"""In each language every visible character of a source has one class, and what is a keyword the grammar says."""

import re
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosieve.data import Span, label_spans
from neurosieve.errors import ConfigError, DataError
from neurosieve.syntax.languages import LANGUAGES, Language, grammar, language_of, parse
from tests.data.code import COMMENTS, SAMPLES

COMMON = {"keyword", "identifier", "number", "string", "comment", "operator", "punctuation"}
CLASSES = {language: COMMON | {"type"} for language in SAMPLES}
CLASSES |= {"python": COMMON, "javascript": COMMON}  # without names for types
CLASSES |= {language: CLASSES[language] | {"preprocessor"} for language in ("c", "cpp")}
LANGUAGE = st.sampled_from(sorted(SAMPLES))
# What is in no string, comment or code: letters of one to four bytes in UTF-8.
WIDE = st.text("aé€😀\u0301 ·ﬁ", max_size=12)

# Code with the class of each of its words, by the first two letters.
SNIPPETS = {
    ("java", "@A int[] f(var x) { return (char) x; }"): "@:pu A:id int:ty [:pu ]:pu f:id (:pu var:ty x:id ):pu {:pu "
    "return:ke (:pu char:ty ):pu x:id ;:pu }:pu",
    ("java", "float x = this.y > 1f ? null : List.<T>of();"): "float:ty x:id =:op this:ke .:pu y:id >:op 1f:nu ?:op "
    "null:ke ::pu List:id .:pu <:pu T:ty >:pu of:id (:pu ):pu ;:pu",
    ("java", "record R() {} int record = 1;"): "record:ke R:id (:pu ):pu {:pu }:pu int:ty record:id =:op 1:nu ;:pu",
    ("java", 'char c = \'\\\'\'; var t = """\nx""";//e'): "char:ty c:id =:op '\\'':st ;:pu var:ty t:id =:op "
    '"""\nx""":st ;:pu //e:co',
    ("c", "#include <a.h>\n#define N 1\n"): "#include:pr <a.h>:st #define:pr N:id 1:nu",
    ("c", "#define C(x) x##1 #x \"#\" '#'\n#undef C"): "#define:pr C:id (:pu x:id ):pu x:id ##:op 1:nu #:op x:id "
    "\"#\":st '#':st #undef:pr C:id",
    ("c", "#define P(a) ((a) * b)//é\nint é;"): "#define:pr P:id (:pu a:id ):pu (:pu (:pu a:id ):pu *:op b:id ):pu "
    "//é:co int:ty é:id ;:pu",
    ("c", "#define A F(x)\n#define B static\n"): "#define:pr A:id F:id (:pu x:id ):pu #define:pr B:id static:ke",
    ("c", "#define M a * b\n#define W unsigned long\n"): "#define:pr M:id a:id *:op b:id #define:pr W:id unsigned:ty "
    "long:ty",
    (
        "c",
        "#define L do { f(); } while (0)\n",
    ): "#define:pr L:id do:ke {:pu f:id (:pu ):pu ;:pu }:pu while:ke (:pu 0:nu ):pu",
    ("c", "unsigned long x = NULL; t_t y = L'a';"): "unsigned:ty long:ty x:id =:op NULL:ke ;:pu t_t:ty y:id =:op "
    "L'a':st ;:pu",
    ("c", "a->b[0] = sizeof(int) < c.d;"): "a:id ->:op b:id [:pu 0:nu ]:pu =:op sizeof:ke (:pu int:ty ):pu <:op c:id "
    ".:pu d:id ;:pu",
    (
        "cpp",
        'auto x = R"(a)"; y = 1ms < "a"_b;',
    ): 'auto:ke x:id =:op R"(a)":st ;:pu y:id =:op 1ms:nu <:op "a"_b:st ;:pu',
    (
        "cpp",
        "struct A { virtual ~A() = 0; };",
    ): "struct:ke A:ty {:pu virtual:ke ~:op A:id (:pu ):pu =:op 0:nu ;:pu }:pu ;:pu",
    ("cpp", "a::B<int> f(this->x, nullptr);"): "a:id :::pu B:ty <:pu int:ty >:pu f:id (:pu this:ke ->:op x:id ,:pu "
    "nullptr:ke ):pu ;:pu",
    ("javascript", "x = `é${y}` + /[/]/g.z;"): "x:id =:op `:st é:st ${:pu y:id }:pu `:st +:op /[/]/g:st .:pu z:id ;:pu",
    ("javascript", "#!/usr/bin/node\n`a`; let of = {of};"): "#!/usr/bin/node:co `a`:st ;:pu let:ke of:id =:op {:pu "
    "of:id }:pu ;:pu",
    ("javascript", "<a b='c'>\n d\n</a>"): "<:pu a:id b:id =:op 'c':st >:pu d:st </:pu a:id >:pu",
    ("javascript", "a?.#b < super.c, undefined"): "a:id ?.:op #b:id <:op super:ke .:pu c:id ,:pu undefined:ke",
    ("go", "var x, _ = 'é', `a\nb`"): "var:ke x:id ,:pu _:id =:op 'é':st ,:pu `a\nb`:st",
    ("go", "func f() string { go g(nil, 1i) }"): "func:ke f:id (:pu ):pu string:ty {:pu go:ke g:id (:pu nil:ke ,:pu "
    "1i:nu ):pu }:pu",
    ("go", 'import . "x"\nconst a = iota + b'): 'import:ke .:pu "x":st const:ke a:id =:op iota:ke +:op b:id',
    (
        "rust",
        "fn f<'a>(x: &'a mut T) -> u8 { b'x' }",
    ): "fn:ke f:id <:pu 'a:id >:pu (:pu x:id ::pu &:op 'a:id mut:ke T:ty ):pu ->:op u8:ty {:pu b'x':st }:pu",
    ("rust", '///é\nlet r#fn = r#"a"#;'): '///é:co let:ke r#fn:id =:op r#"a"#:st ;:pu',
    ("rust", "#[a] macro_rules! m { ($($x:expr),*) => {} }"): "#:pu [:pu a:id ]:pu macro_rules!:ke m:id {:pu (:pu $:pu "
    "(:pu $x:id ::pu expr:ke ):pu ,:pu *:op ):pu =>:op {:pu }:pu }:pu",
    ("rust", "fn f() where for<'b> T: A<'b> {}"): "fn:ke f:id (:pu ):pu where:ke for:ke <:pu 'b:id >:pu T:ty ::pu A:ty "
    "<:pu 'b:id >:pu {:pu }:pu",
    ("rust", "let _ = 'a: loop { self.0 < 1.5 };"): "let:ke _:ke =:op 'a:id ::pu loop:ke {:pu self:ke .:pu 0:nu <:op "
    "1.5:nu }:pu ;:pu",
}


@cache
def words_of(language: str) -> frozenset[str]:
    """The kinds of node that a grammar knows, named and not."""
    known = grammar(language)
    return frozenset(known.node_kind_for_id(i) or "" for i in range(known.node_kind_count))


def lexical(text: str, language: str) -> list[Span]:
    """The spans, after a look that they are sound."""
    spans = label_spans(text, "lexical", language)
    assert {s.label for s in spans} <= CLASSES[language]
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    return list(spans)


@pytest.mark.parametrize(("language", "code"), SNIPPETS)
def test_each_word_has_the_class_written_beside_it(language: str, code: str) -> None:
    found = [f"{code[a:b]}:{label[:2]}" for a, b, label in lexical(code, language)]
    assert " ".join(found) == SNIPPETS[language, code]


@pytest.mark.parametrize(("language", "code"), SAMPLES.items())
def test_every_visible_character_has_one_class(language: str, code: str) -> None:
    assert not parse(code, language)[0].root_node.has_error
    spans = lexical(code, language)
    assert {s.label for s in spans} == CLASSES[language]
    # A backslash that joins two lines is no word.
    outside = "".join(code[a.end : b.start] for a, b in pairwise([Span(0, 0, ""), *spans, Span(len(code), 0, "")]))
    assert outside.replace("\\\n", "").strip() == ""
    assert not [s for s in spans if s.label != "string" and code[s.start : s.end] != code[s.start : s.end].strip()]


@pytest.mark.parametrize(("language", "code"), SAMPLES.items())
def test_a_keyword_is_a_word_of_the_grammar(language: str, code: str) -> None:
    known = words_of(language)
    keywords = {code[s.start : s.end] for s in lexical(code, language) if s.label == "keyword"}
    assert len(keywords) > 12
    # `mut` is Rust's mutable_specifier, `null` Java's null_literal, `True` Python's true.
    assert not [k for k in keywords if k not in known and not any(n.startswith(k.lower()) for n in known)]
    classes = {label: {code[a:b] for a, b, own in lexical(code, language) if own == label} for label in COMMON}
    assert not classes["identifier"] & keywords - {"record", "get", "of"}  # words of the context
    assert not [s for s in classes["operator"] | classes["punctuation"] if re.search("[a-z0-9]", s)]


@settings(deadline=None, max_examples=150)
@given(LANGUAGE, WIDE, st.integers(0, 40), st.sampled_from(["\n", "\r\n"]))
def test_a_comment_line_shifts_what_comes_after(language: str, words: str, line: int, ending: str) -> None:
    lines = SAMPLES[language].split("\n")
    starts = [n for n, text in enumerate(lines) if re.match("[a-z@]", text) and not lines[n - 1].endswith("\\")]
    cut = starts[line % len(starts)]
    before, after = ending.join([*lines[:cut], ""]), ending.join(lines[cut:])
    comment = f"{COMMENTS[language]} é{words}😀"
    shift = len(comment + ending)
    whole = lexical(before + after, language)
    expected = [s for s in whole if s.start < len(before)] + [Span(len(before), len(before + comment), "comment")]
    expected += [Span(s.start + shift, s.end + shift, s.label) for s in whole if s.start >= len(before)]
    assert lexical(before + comment + ending + after, language) == expected


@settings(deadline=None, max_examples=100)
@given(LANGUAGE, WIDE)
def test_a_text_in_quotes_is_one_string(language: str, words: str) -> None:
    lines = {"go": 'var x = "@" + y', "rust": 'const X: T = "@" + y;', "java": 'T x = "@" + y;', "c": 'T x = "@" + y;'}
    before, after = lines.get(language, lines["c"] if language == "cpp" else 'x = "@" + y').split("@")
    code = before + words + after
    spans = [s for s in lexical(code, language) if s.start >= len(before) - 1]
    assert [(code[s.start : s.end], s.label) for s in spans][:3] == [
        (f'"{words}"', "string"),
        ("+", "operator"),
        ("y", "identifier"),
    ]


@settings(deadline=None, max_examples=400)
@given(LANGUAGE, LANGUAGE, st.integers(0, 2000), st.integers(0, 60), WIDE | st.text(max_size=5))
@example("c", "c", 0, 1200, "#define x(")
@example("javascript", "c", 0, 0, "\x85")
@example("cpp", "rust", 0, 0, '1.5 10ms "a"_b = 0 #define A #')
def test_broken_code_gives_sound_spans(language: str, other: str, start: int, length: int, inserted: str) -> None:
    code = SAMPLES[other]
    text = code[:start] + inserted.encode("utf-8", "ignore").decode() + code[start + length :]
    spans = lexical(text, language)
    assert not [s for s in spans if s.label not in ("string", "comment") and not text[s.start : s.end].strip()]


def test_line_ends_of_windows_stand_in_no_comment() -> None:
    for language, code in SAMPLES.items():
        ends = code.replace("\n", "\r\n")
        texts = [(code[s.start : s.end], s.label) for s in lexical(code, language)]
        assert [(ends[s.start : s.end].replace("\r", ""), s.label) for s in lexical(ends, language)] == texts
        assert not [s for s in lexical(ends, language) if ends[s.end - 1] == "\r"]


@pytest.mark.parametrize("language", [n for n in LANGUAGES if n != "python"])
def test_roles_are_read_in_python_only(language: str) -> None:
    with pytest.raises(ConfigError, match=rf"'identifier-role': expected source in python, got {language}; .*lexical"):
        label_spans("x", "identifier-role", language)


@pytest.mark.parametrize("scheme", ["lexical", "identifier-role"])
def test_an_unknown_language_is_named_with_the_nearest(scheme: str) -> None:
    with pytest.raises(ConfigError, match=r"language 'jav': expected one of c, cpp, go, java.*mean java\?"):
        label_spans("x", scheme, "jav")


@pytest.mark.parametrize(
    ("name", "language"),
    [(f"x{ending}{gz}", known.name) for known in LANGUAGES.values() for ending in known.endings for gz in ("", ".gz")]
    + [("X.Java", "java"), ("a.b/c.RS", "rust"), ("x.txt", None), ("java", None), (".py", None), ("x.gz", None)],
)
def test_the_ending_tells_the_language(name: str, language: str | None) -> None:
    assert language_of(name) == language


def test_a_missing_grammar_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LANGUAGES, "cobol", Language("cobol", "tree_sitter_cobol", (".cob",)))
    with pytest.raises(DataError, match=r"grammar of cobol: .*tree_sitter_cobol, .*pip install tree-sitter-cobol"):
        grammar("cobol")
