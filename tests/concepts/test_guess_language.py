"""Languages are named, given by file names, or guessed by what parses best."""

import gzip
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from neurosieve.concepts.guess_language import MOST_ERROR, Unread, languages_of, unread
from neurosieve.data import Dataset, Example, read_examples, read_pairs, read_tagging
from neurosieve.data.corpora.catalogue import read_corpus
from neurosieve.data.dataset import Pair
from neurosieve.errors import ConfigError, DataError
from neurosieve.syntax.frames import parse_framed
from neurosieve.syntax.languages import LANGUAGES
from tests.data import SHARED
from tests.data.code import SAMPLES

READ: dict[str, tuple[Callable[[Path], Dataset], set[str]]] = {
    "token-tagging-java": (read_tagging, {"java"}),
    "defect-devign-c": (lambda p: read_examples(p, text="func", label="target"), {"c", "cpp"}),
    "clone-java-cs": (lambda p: read_pairs(p, columns=("code1", "code2", "label")), {"java"}),
    "code-search-cosqa": (lambda p: read_pairs(p, columns=("doc", "code", "label")), {"python"}),
    "code-search-concode": (lambda p: read_pairs(p, columns=("doc", "code", "label")), {"java"}),
}


def texts(*parts: str, names: tuple[str, ...] = ()) -> Dataset:
    """A data set of these texts."""
    ids = names or tuple(f"train:{i}" for i in range(len(parts)))
    return Dataset(tuple(Example(n, t, (), "train", n) for n, t in zip(ids, parts, strict=True)), "texts", whole=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sample_is_recognised(language: str) -> None:
    found = languages_of(texts(SAMPLES[language]))
    assert found.of == (language,)
    assert found.note.startswith(f"language guessed: {language} (0 % of the texts have an error, 0.0 % of the text; ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sample_is_recognised_line_by_line(language: str) -> None:
    functions = {
        "python": ["def f(a):\n    return a or None", "for i in range(10):\n    print(i)"],
        "java": ["public int f(String a) {\n  return a.length();\n}", "List<A> l = new ArrayList<>();"],
        "c": ["static int f(char *a) {\n  return *a + 1;\n}", "for (int i = 0; i < n; i++) x[i] = 0;"],
        "cpp": ["template <class T> T f(T &&a) { return std::move(a); }", "auto g = [&](int x) { return x; };"],
        "javascript": ["const f = async (a) => { await a?.b; };", "let {x, ...y} = z ?? `a${b}`;"],
        "go": ["func f(a string) (int, error) {\n\treturn 1, nil\n}", "for i := range x {\n\tgo g(i)\n}"],
        "rust": ["pub fn f(a: &mut str) -> Option<u8> {\n  None\n}", "let mut x = match y { Some(z) => z, _ => 1 };"],
    }
    assert set(languages_of(texts(*functions[language])).of) == {language}


@pytest.mark.parametrize("name", READ)
def test_real_data_is_recognised(name: str, tmp_path: Path) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"needs {SHARED / name}")
    for path in (SHARED / name).glob("*.gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            (tmp_path / path.stem).write_text("".join(islice(lines, 3)), encoding="utf-8", newline="\n")
    read, wanted = READ[name]
    queries = name.startswith("code-search")
    dataset = read(tmp_path)
    found = languages_of(dataset, queries=queries)
    assert len(found.of) == len(dataset.examples)
    assert {of for of in found.of if of} <= wanted
    right = {p.right for p in dataset.pairs}
    assert all((of is None) == (queries and i not in right) for i, of in enumerate(found.of))


def test_a_name_wins_over_endings_and_must_be_known() -> None:
    dataset = texts("x = 1", "y = 2", names=("a.py", "b.py"))
    assert languages_of(dataset, "rust").of == ("rust", "rust")
    with pytest.raises(ConfigError, match=r"language 'rost': .*did you mean rust"):
        languages_of(dataset, "rost")


def test_file_endings_tell_the_language_where_all_examples_are_files() -> None:
    names = ("a/b.py", "c.java:12", "d.rs:3:copy")
    found = languages_of(texts("?", "?", "?", names=names))
    assert found == (("python", "java", "rust"), "language by the endings of the files: java, python, rust")
    mixed = languages_of(texts("def f(a):\n    return a", "def g(b):\n    return b", names=("a.java", "train:2")))
    assert mixed.of == ("python", "python")


def test_a_corpus_is_told_by_its_files(tmp_path: Path) -> None:
    body = "    total = a + {0}\n    return total * {0}\n"
    for i in range(40):
        name = chr(ord("a") + i % 26) * (1 + i // 26)
        text = f'def {name}(a, b):\n    """Do the thing called {name} here."""\n{body.format(i)}'
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    dataset = read_corpus("docstring-match", tmp_path)
    found = languages_of(dataset, queries=True)
    assert set(found.of) == {"python", None}
    assert all((of is None) == e.id.endswith(":description") for e, of in zip(dataset.examples, found.of, strict=True))


def test_queries_do_not_vote_and_code_that_is_also_one_stays_code() -> None:
    code, query = "def f(a):\n    return a or None", "int main() { return 0; }"
    examples = texts(query, code).examples
    pairs = (Pair("p", 0, 1, "1", "train", "g"), Pair("q", 1, 1, "1", "train", "g"))
    dataset = Dataset(examples, "texts", whole=True, pairs=pairs)
    assert languages_of(dataset, queries=True).of == (None, "python")


def test_prose_fits_no_grammar() -> None:
    prose = "Whom, said she; that isn't 'ours: (never] mind} the `fox's` den) — why not? Über alles #5 @ noon!!"
    assert min(found.share for found in unread([prose]).values()) > MOST_ERROR
    with pytest.raises(DataError, match=r"language of texts: expected code .*pass --language$") as error:
        languages_of(texts(prose))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["x = some(name, other)", "public A F { get; set; } = new B(nameof(a)); [C] int g() { return 1; }"]
)
def test_an_unclear_guess_says_so(text: str) -> None:
    assert languages_of(texts(text)).note.endswith("; pass --language if it is another")


def test_what_is_unread_is_counted_in_texts_and_bytes_and_short_texts_do_not_count() -> None:
    good, bad = "def f(a):\n    return a or None", "x = a + 1\ny = é é\nz = a + 2"
    assert unread(["x = 1", good])["python"] == Unread(0, 0)
    assert unread(["$$$"])["python"].texts == 1  # where all are short
    both = unread([good, bad])["python"]
    errors = parse_framed(bad, "python").errors
    assert errors > 0
    assert both == Unread(0.5, errors / len((good + bad).encode()))
