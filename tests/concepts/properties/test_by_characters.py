"""How names and numbers are written, and which text is for people."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.concepts.properties.by_characters import magnitude, naming, number_kind
from tests.concepts.properties import SMALL, shown, values

NAMES = {
    "single-letter": "i T _x x_ 'a #p é",
    "lower": "foo x1 _foo foo_ r#fn éa",
    "snake_case": "foo_bar a_1 _foo_bar foo_2_b",
    "camelCase": "fooBar aB toHTML éA",
    "PascalCase": "FooBar Foo URLParser Ab1",
    "UPPER_CASE": "FOO FOO_BAR X1 _FOO",
    "dunder": "__init__ __a__",
    "other": "_ __ Foo_bar fooBar_baz $",
}
NUMBERS = {
    "integer": "0 7 42 1_000 1'000 1L 1ull 2u8 0usize 3i32 5n 10ms 08",
    "float": "1.5 .5 5. 1e5 1e-5 1f 1d 1.5e3f 1f64 0x1p3 1.5f32",
    "hex": "0x1F 0XFFL 0xff_u8 0xFFn 0xAu",
    "binary": "0b11 0B1_0 0b1u8",
    "octal": "0o17 017 0O7 00 0o7u32",
    "imaginary": "3j 1i 1.5J 2e3j",
}
SIZES = {
    "zero": "0 0x0 00 0L 0b0",
    "one": "1 0x1 01 1u 0b01",
    "2-9": "2 9 0b11 0o7 9L",
    "10-99": "10 99 0xF 017 1_0 0x0a",
    "100-999": "100 999 0xff 0x1_00",
    "1000+": "1000 123456789012345678901234567890 1'000 0xFFFF",
}


@pytest.mark.parametrize("kind", NAMES)
def test_naming(kind: str) -> None:
    assert {name: naming(name) for name in NAMES[kind].split()} == dict.fromkeys(NAMES[kind].split(), kind)


@pytest.mark.parametrize("kind", NUMBERS)
def test_kinds_of_numbers(kind: str) -> None:
    assert {text: number_kind(text) for text in NUMBERS[kind].split()} == dict.fromkeys(NUMBERS[kind].split(), kind)


@pytest.mark.parametrize("size", SIZES)
def test_sizes_of_numbers(size: str) -> None:
    texts = SIZES[size].split()
    assert {text: magnitude(text) for text in texts} == dict.fromkeys(texts, size)
    assert magnitude("1.5") is magnitude("3j") is None


@settings(max_examples=300)
@given(
    st.integers(0, 10**40) | st.integers(0, 3000), st.sampled_from([str, hex, bin, oct, "{:_}".format, "0{:o}".format])
)
def test_the_base_does_not_change_the_size(number: int, write: object) -> None:
    assert callable(write)
    assert magnitude(write(number)) == magnitude(str(number))


@given(st.text(max_size=8))
def test_anything_is_some_name_and_some_number(text: str) -> None:
    assert naming(text) in NAMES
    assert number_kind(text) in NUMBERS
    assert magnitude(text) is None or magnitude(text) in SIZES


@pytest.mark.parametrize("language", SMALL)
def test_text_for_people(language: str) -> None:
    found = values("inside", SMALL[language], language)
    documented = '"""Holds it."""' if language == "python" else "/** Gets it. */"
    documented = {"java": "/** Holds it. */", "cpp": "/// Gets it.", "rust": "/// Gets it."}.get(language, documented)
    kinds: dict[str, list[str]] = {}
    for word, kind in found:
        kinds.setdefault(str(kind), []).append(word)
    marked = {"python": [], "go": ["//", "Gets", "it."]}.get(language, [])
    step = ["#" if language == "python" else "//", "a", "step"]
    assert kinds["comment"] == [*marked, *step]
    assert kinds.get("docstring", []) == ([] if language == "go" else documented.split())
    strings = {"c": ["<a.h>"], "javascript": ['"./x.js"'], "go": ['"x"']}.get(language, [])
    assert kinds["string"] == [*strings, '"s', 't"']
    assert set(kinds["code"]) >= {"f", "x", "(", "+"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a"\nx = "b"', ["docstring", "string"]),
        ('# c\n"a"', ["comment", "comment", "docstring"]),
        ('x = 1\n"a"', ["string"]),
        ('def f(): "a"', ["docstring"]),
        ('def f():\n  return "a"', ["string"]),
        ('class A:\n  # c\n  "a"\n  "b"', ["comment", "comment", "docstring", "string"]),
        ('if x:\n  "a"', ["string"]),
        ('def f(): f"{x} a"', ["string"] * 3),
    ],
)
def test_docstrings_in_python(text: str, expected: list[str]) -> None:
    assert [v for _, v in values("inside", text) if v != "code"] == expected


def test_only_what_is_a_name_or_a_number_has_a_way_of_writing() -> None:
    text = "int f(T aB) { return 0x10 + 1.5f; }"
    assert shown("naming", text, "java") == "f:single-letter T:single-letter aB:camelCase"
    assert shown("number", text, "java") == "0x10:hex 1.5f:float"
    assert shown("value", text, "java") == "0x10:10-99"


MODIFIED = {
    "java": ("public static int f() { return 1; }", "public:yes static:yes return:no"),
    "c": ("static const int a = 1;", "static:yes const:yes"),
    "cpp": ("struct A { virtual void f() const; };", "struct:no virtual:yes const:yes"),
    "javascript": ("async function f() { return 1 }", "async:yes function:no return:no"),
    "python": ("async def f():\n    return 1\n", "async:yes def:no return:no"),
    "rust": ("pub fn f(mut a: u8) {}", "pub:yes fn:no mut:yes"),
    "go": ("const a = 1", "const:no"),
}


@pytest.mark.parametrize("language", MODIFIED)
def test_keywords_that_modify_a_declaration(language: str) -> None:
    text, expected = MODIFIED[language]
    assert shown("modifier", text, language) == expected
