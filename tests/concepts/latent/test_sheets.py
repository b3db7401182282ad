"""Files for annotators: exact round trips, what cannot be read back refused first, bad files named in one line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from neurosieve.concepts.latent.sheets import (
    MEANINGFUL,
    Answer,
    ClusterToken,
    label_targets,
    read_conceptnet,
    read_conceptx,
    sheet,
    write_conceptnet,
    write_conceptx,
)
from neurosieve.concepts.properties import annotate
from neurosieve.errors import DataError, NeurosieveError

TOKENS = {
    0: [ClusterToken(";", 1, 0, 2, "x = 1;"), ClusterToken("|||", 1, 1, 0, "a ||| b")],
    12: [ClusterToken("x", 1, 0, 0, "x = 1;"), ClusterToken(' "\\n"', 1, 3, 0, "é\u2028\r\n")],
}
ANSWERS = {12: Answer("Yes", ("name", "left side"), {"Syntactic": "identifier"})}

# Any characters: line ends of all kinds, separators, quotes, a byte order mark, halves of surrogate pairs.
text = st.text(st.one_of(st.sampled_from('|\n\r"\\\ufeff\x85\u2028\x00 \ud800'), st.characters()), max_size=6)
ids = st.integers(0, 10**9)
places = st.lists(st.tuples(ids, ids), unique=True, min_size=1, max_size=8)
answer = st.tuples(
    st.sampled_from([None, *MEANINGFUL]),
    st.lists(text, max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(["Lexicographic", "Syntactic", "UserInput", "Word", "Labels"]), text, max_size=2),
)


@st.composite
def sheets(draw: st.DrawFn) -> dict[int, list[ClusterToken]]:
    result: dict[int, list[ClusterToken]] = {}
    for sent_id, token_id in draw(places):
        token = ClusterToken(draw(text), draw(ids), sent_id, token_id, draw(text))
        result.setdefault(draw(st.integers(0, 5)), []).append(token)
    return result


every = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused(write: Callable[[], None], path: Path) -> bool:
    """True where nothing was written, with one clear line."""
    path.unlink(missing_ok=True)
    message = ""
    try:
        write()
    except DataError as e:
        message = str(e)
    if not message:
        return False
    assert message.count("\n") == 0
    assert "expected" in message
    assert list(path.parent.iterdir()) == []
    return True


@every
@given(tokens=sheets(), said=st.dictionaries(st.integers(0, 5), answer, max_size=3))
@example(tokens=TOKENS, said={c: (a.meaningful, a.labels, a.notes) for c, a in ANSWERS.items()})
def test_json_comes_back_exactly_or_is_refused(
    tmp_path: Path, tokens: dict[int, list[ClusterToken]], said: dict[int, tuple[Any, Any, Any]]
) -> None:
    path, answers = tmp_path / "a.json", {c: Answer(*parts) for c, parts in said.items()}
    if refused(lambda: write_conceptnet(path, tokens, answers), path):
        texts = [t for own in tokens.values() for x in own for t in (x.word, x.context)]
        texts += [t for a in answers.values() for t in (*a.labels, *a.notes.values())]
        reserved = any({"Word", "Labels"} & set(a.notes) for a in answers.values())
        assert not set(said) <= set(tokens) or reserved or any("\ud800" <= c <= "\udfff" for t in texts for c in t)
    else:
        assert read_conceptnet(path, tokens) == (tokens, {c: a for c, a in answers.items() if a.given})


@every
@given(tokens=sheets(), packed=st.booleans())
@example(tokens=TOKENS, packed=True)
@example(tokens={3: [ClusterToken("\ufeff\ufeffx|", 1, 0, 0)]}, packed=False)
def test_text_comes_back_exactly_or_is_refused(
    tmp_path: Path, tokens: dict[int, list[ClusterToken]], packed: bool
) -> None:
    path = tmp_path / ("clusters-5.txt.gz" if packed else "clusters-5.txt")
    if refused(lambda: write_conceptx(path, tokens), path):
        assert any(c in "\n\r" or "\ud800" <= c <= "\udfff" for own in tokens.values() for t in own for c in t.word)
    else:
        bare = {c: [t._replace(context="") for t in own] for c, own in tokens.items()}
        assert read_conceptx(path, tokens) == bare
    path.unlink(missing_ok=True)


def test_the_layouts_are_those_that_are_published(tmp_path: Path) -> None:
    write_conceptnet(tmp_path / "a.json", TOKENS, ANSWERS)
    written = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert list(written) == ["0", "12"]
    assert written["0"][0] == {"Word": ";", "WordID": "1", "SentID": 0, "TokenID": "2", "Context": "x = 1;"}
    assert written["0"][-1] == {"Labels": []}
    assert written["12"][-1] == {"Labels": ["name", "left side"], "Meaningful": "Yes", "Syntactic": "identifier"}
    write_conceptx(tmp_path / "a.txt", TOKENS)
    assert (tmp_path / "a.txt").read_bytes().split(b"\n")[:2] == [b";|||1|||0|||2|||0", b"||||||1|||1|||0|||0"]


def test_answers_are_given_by_whoever_edits_the_file(tmp_path: Path) -> None:
    """As the published tool does: it writes into the last record, with four spaces and escapes."""
    path = tmp_path / "a.json"
    write_conceptnet(path, TOKENS)
    assert read_conceptnet(path, TOKENS) == (TOKENS, {})
    data = json.loads(path.read_text("utf-8"))
    data["0"][-1] |= {"Meaningful": "I don't know", "Semantic": "end of a statement"}
    del data["12"]
    path.write_text(json.dumps(data, indent=4))
    tokens, answers = read_conceptnet(path, TOKENS)
    assert tokens == {0: TOKENS[0]}
    assert answers == {0: Answer("I don't know", (), {"Semantic": "end of a statement"})}
    assert answers[0].field("Semantic") == {"end of a statement"}
    assert answers[0].field("Lexicographic") == frozenset()


def with_record(**changes: Any) -> Any:
    record = {"Word": "x", "WordID": "1", "SentID": 0, "TokenID": "0", "Context": "x"} | changes
    return {"0": [{k: v for k, v in record.items() if v is not None}, {"Labels": []}]}


BAD_JSON: dict[str, tuple[Any, str]] = {
    "broken": ('{"0": [\n{"Word": }', "line 2"),
    "cut": ('{"0": [', "expected JSON"),
    "deep": ("[" * 100_000, "brackets 100,000 deep, of which at most 100"),
    "list": ([1], "expected clusters"),
    "empty object": ({}, "expected clusters"),
    "no number": ({"c0": with_record()["0"]}, "cluster c0"),
    "leading zero": ({"00": with_record()["0"]}, "cluster 00"),
    "long number": ({"1" * 5000: with_record()["0"]}, "a cluster's number"),
    "twice": ('{"0": [{"Labels": []}], "0": []}', "key '0'"),
    "no list": ({"0": {"Labels": []}}, "a list of records"),
    "texts": ({"0": ["x"]}, "a list of records"),
    "no tokens": ({"0": [{"Labels": []}]}, "none in cluster 0"),
    "missing key": (with_record(TokenID=None), "cluster 0, record 1: expected keys"),
    "missing word": (with_record(Word=None), "no Word"),
    "word": (with_record(Word=3), "text as Word"),
    "sentence": (with_record(SentID=-1), "SentID"),
    "truth": (with_record(SentID=True), "SentID"),
    "fraction": (with_record(TokenID=1.0), "TokenID"),
    "other digits": (with_record(WordID="١"), "WordID"),
    "answer in the middle": ({"0": [{"Labels": []}, *with_record()["0"]]}, "record 1"),
    "labels": ({"0": [with_record()["0"][0], {"Labels": "x"}]}, "a list of texts as Labels"),
    "meaningful": ({"0": [with_record()["0"][0], {"Labels": [], "Meaningful": "maybe"}]}, "as Meaningful"),
    "unhashable": ({"0": [with_record()["0"][0], {"Meaningful": ["Yes"]}]}, "as Meaningful"),
    "note": ({"0": [with_record()["0"][0], {"Semantic": 3}]}, "texts as further answers"),
    "token twice": ({"0": [with_record()["0"][0]] * 2}, "SentID 0 TokenID 0"),
    "other cluster": ({"7": with_record()["0"]}, "cluster 7"),
    "other token": (with_record(Word="y"), "cluster 0, token 1"),
    "other place": (with_record(TokenID="4"), "cluster 0, token 1"),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_bad_json_is_named(tmp_path: Path, name: str) -> None:
    content, says = BAD_JSON[name]
    path = tmp_path / "bad.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    known = {0: [ClusterToken("x", 1, 0, 0, "x")]}
    with pytest.raises(DataError) as e:
        read_conceptnet(path, known)
    assert "\n" not in str(e.value)
    assert f"{path}" in str(e.value)
    assert says in str(e.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("x|||1|||0|||0", "line 2: expected word|||wordid"),
        ("", "line 2: expected word|||wordid"),
        ("x|||1|||0|||0|||c1", "line 2: expected whole numbers"),
        ("x|||1|||0||| 0|||0", "line 2: expected whole numbers"),
        ("x|||-1|||0|||1|||0", "line 2: expected whole numbers"),
        (";|||1|||0|||2|||12", "SentID 0 TokenID 2: expected one token"),
        ("x|||1|||0|||0|||5", "cluster 5"),
        ("x|||1|||0|||0|||0", "cluster 0, token 2"),
        ("y|||1|||0|||0|||12", "cluster 12, token 1"),
    ],
)
def test_bad_text_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(f";|||1|||0|||2|||0\n{line}\n")
    with pytest.raises(DataError) as e:
        read_conceptx(path, TOKENS)
    assert "\n" not in str(e.value)
    assert f"{path}" in str(e.value)
    assert says in str(e.value)


@pytest.mark.parametrize("read", [read_conceptnet, read_conceptx])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"\x1f\x8b"])
def test_files_that_are_no_text_are_named(tmp_path: Path, read: Callable[..., Any], content: bytes | None) -> None:
    path = tmp_path / "file.gz"
    if content is not None:
        path.write_bytes(content if content.startswith(b"\x1f") else gzip.compress(content))
    with pytest.raises(NeurosieveError, match=str(path)):
        read(path)


@pytest.mark.parametrize(
    "tokens",
    [
        {},
        {0: []},
        {0: TOKENS[0], 1: []},
        {-1: TOKENS[0]},
        {0: [ClusterToken("x", -1, 0, 0)]},
        {0: [ClusterToken("x", 1, 0, 10**18)]},
        {0: TOKENS[0], 1: TOKENS[0][:1]},
    ],
)
@pytest.mark.parametrize("write", [write_conceptnet, write_conceptx])
def test_sheets_that_could_not_be_read_are_not_written(
    tmp_path: Path, write: Callable[..., None], tokens: dict[int, list[ClusterToken]]
) -> None:
    assert refused(lambda: write(tmp_path / "a", tokens), tmp_path / "a")


@pytest.mark.parametrize("said", [{3: Answer("Yes")}, {0: Answer("maybe")}, {0: Answer(notes={"Context": "x"})}])
def test_answers_that_could_not_be_read_are_not_written(tmp_path: Path, said: dict[int, Answer]) -> None:
    assert refused(lambda: write_conceptnet(tmp_path / "a", TOKENS, said), tmp_path / "a")


def test_a_sheet_has_each_row_in_its_line() -> None:
    texts = ["x = f(x)\n\ny = x", "z = x\n"]
    table = annotate(texts, "python", properties=["lexical"])
    words = [texts[e][a:b] for e, a, b in zip(table.example, table.start, table.end, strict=True)]
    cluster = np.array([1 if w == "x" else 0 for w in words])
    order = np.random.default_rng(0).permutation(len(words))
    shuffled = annotate(texts, "python", np.stack([table.example, table.start, table.end], 1)[order], ["lexical"])
    for tokens in (sheet(cluster, table, texts), sheet(cluster[order], shuffled, texts)):
        assert [tuple(t) for t in tokens[1]] == [
            ("x", 1, 0, 0, "x = f(x)"),
            ("x", 2, 0, 4, "x = f(x)"),
            ("x", 3, 1, 2, "y = x"),
            ("x", 4, 2, 2, "z = x"),
        ]
        assert [t.word for t in tokens[0]] == ["=", "f", "(", ")", "y", "=", "z", "="]
    first = sheet(cluster[:3], table, texts)
    assert {c: [t.word for t in own] for c, own in first.items()} == {0: ["=", "f"], 1: ["x"]}
    with pytest.raises(DataError, match="annotate all rows"):
        sheet(np.zeros(99, dtype=np.int64), table, texts)


def test_labels_are_questions_to_rows() -> None:
    answers = {
        0: Answer("Yes", ("Loop", " left  side")),
        1: Answer(None, ("loop",)),
        2: Answer("No", ("loop",)),
        3: Answer("Yes", (), {"Semantic": "Name"}),
    }
    cluster = np.array([0, 1, 2, 3, 4, 0])
    left, loop = label_targets(cluster, answers)
    assert (left.name, loop.name) == ("annotated=left side", "annotated=loop")
    assert left.positive.tolist() == [True, False, False, False, False, True]
    assert loop.positive.tolist() == [True, True, False, False, False, True]
    assert left.applies.tolist() == loop.applies.tolist() == loop.positive.tolist()
    (named,) = label_targets(cluster, answers, by="Semantic", name="said")
    assert (named.name, named.positive.tolist()) == ("said=name", [False, False, False, True, False, False])
    assert list(label_targets(cluster, {})) == []
