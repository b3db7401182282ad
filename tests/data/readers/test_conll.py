"""CoNLL files become sentences of tagged tokens; a line that cannot be read is named by its number."""

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosieve.data import Dataset, read_tagging
from neurosieve.errors import DataError
from tests.data import RECORDS, put, without

PLAIN = {
    "train.conll": "-DOCSTART- -X- O\n\nint B TYPE\nx B NAME\n\n; O SIGN\n",
    "dev.conll": "y B NAME\n",
    "test.conll": "z B NAME\n",
}


def universal(number: str, word: str, label: str, misc: str = "_") -> str:
    return "\t".join([number, word, "lemma", label, "X", "_", "0", "root", "_", misc]) + "\n"


UNIVERSAL = {
    "train.conllu": "# sent_id = 1\n# text = a\tb\n"
    + universal("1-2", "du", "_", "SpaceAfter=No")
    + universal("1", "de", "ADP", "CorrectSpaceAfter=No")
    + universal("2", "le", "DET", "Gloss=the|SpaceAfter=No")
    + universal("3", "#", "SYM")
    + universal("3.1", "nothing", "_")
    + universal("4", "New York", "PROPN")
    + "\n# next\n"
    + universal("1", "é", "NOUN", "SpaceAfter=No"),
    "dev.conllu": universal("1", "y", "NOUN"),
    "test.conllu": universal("1", "z", "NOUN"),
}


def read(train: str, ending: str = ".conll") -> Dataset:
    base = PLAIN if ending == ".conll" else UNIVERSAL
    with tempfile.TemporaryDirectory() as folder:
        return read_tagging(put(Path(folder), {**base, f"train{ending}": train}), keep_overlap=True)


def sentences(dataset: Dataset) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Id, text and tagged words of the train split."""
    return [(e.id, e.text, [(e.text[a:b], label) for a, b, label in e.spans]) for e in dataset.split("train")]


def test_the_first_column_is_the_word_and_the_last_its_label() -> None:
    dataset = read(PLAIN["train.conll"])
    assert sentences(dataset) == [
        ("train:3", "int x", [("int", "TYPE"), ("x", "NAME")]),
        ("train:6", ";", [(";", "SIGN")]),
    ]
    assert dataset.source.endswith("sentences of tagged tokens; the context is one sentence")
    assert [e.id for e in dataset.examples if e.split != "train"] == ["validation:1", "test:1"]
    assert dataset.notes == {}


@pytest.mark.parametrize("ending", [".conllu", ".conll"])
def test_conll_u_gives_forms_and_upos_tags(ending: str) -> None:
    assert sentences(read(UNIVERSAL["train.conllu"], ending)) == [
        ("train:4", "de le# New York", [("de", "ADP"), ("le", "DET"), ("#", "SYM"), ("New York", "PROPN")]),
        ("train:11", "é", [("é", "NOUN")]),
    ]


def test_a_number_sign_is_a_token_where_it_has_a_column_more() -> None:
    found = sentences(read("# a comment\n#no tab either\n#\tSIGN\n# word\tNAME\n#\tSIGN\n\n# comment\nx\tNAME\n"))
    assert found == [
        ("train:3", "# # word #", [("#", "SIGN"), ("# word", "NAME"), ("#", "SIGN")]),
        ("train:8", "x", [("x", "NAME")]),
    ]
    assert sentences(read("#\tSIGN\n")) == [("train:1", "#", [("#", "SIGN")])]
    assert sentences(read("# a b c\nx NAME\n# SIGN\n"))[0][2] == [("x", "NAME"), ("#", "SIGN")]


def test_equal_sentences_are_one_group_and_stand_in_one_split(tmp_path: Path) -> None:
    files = {**PLAIN, "train.conll": "a X\n\na Y\n\nz Z\n", "test.conll": "z B\n\nw B\n"}
    dataset = read_tagging(put(tmp_path, files))
    first, again, other = (e.group for e in dataset.split("train"))
    assert first == again != other
    assert [e.text for e in dataset.split("test")] == ["w"]
    assert dataset.notes == {"test examples dropped: also in train": 1}


@pytest.mark.parametrize("files", [PLAIN, UNIVERSAL], ids=["conll", "conllu"])
def test_packing_changes_nothing(files: dict[str, str], tmp_path: Path) -> None:
    packed = {f"{name}.gz": gzip.compress(text.encode()) for name, text in files.items()}
    dataset = read_tagging(put(tmp_path / "packed", packed))
    assert dataset.examples == read_tagging(put(tmp_path / "plain", files)).examples
    assert sorted(dataset.hashes) == sorted(packed)


ODD = st.sampled_from("\x0b\x0c\x1c\x85\u00a0\u2028\u3000\x00é😀#\\\"'-_0")
CHARACTERS = ODD | st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\r\ufeff")
WORDS = st.text(CHARACTERS, min_size=1, max_size=4).filter(lambda w: w != "-DOCSTART-")
LABELS = st.sampled_from(["O", "B-X", "é", "_", "#"])
SENTENCES = st.lists(st.lists(st.tuples(WORDS, LABELS), min_size=1, max_size=4), min_size=1, max_size=4)


@settings(deadline=None, max_examples=100)
@given(SENTENCES, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["\t", "\tX\t", " ", "  X "]), st.booleans())
@example([[("#", "#")]], "\n", "\tX\t", False)
@example([[("a", "O"), ("#", "O")], [("1", "O")]], "\r\n", " ", True)
def test_tokens_come_back(rows: list[list[tuple[str, str]]], ending: str, between: str, closed: bool) -> None:
    if "\t" not in between:  # where a sentence that begins with `#` is refused
        rows = [[(first[0].lstrip("#") or "a", first[1]), *rest] for first, *rest in rows]
    blocks = [ending.join(f"{word}{between}{label}" for word, label in s) for s in rows]
    dataset = read((ending * 2).join(blocks) + ending * closed)
    assert [words for _, _, words in sentences(dataset)] == rows
    assert [text for _, text, _ in sentences(dataset)] == [" ".join(w for w, _ in s) for s in rows]


BAD: dict[str, tuple[str, str, Sequence[str]]] = {
    "a column more": (".conll", "a X\nb Y\nc Z Z\n", ("line 3", "2 columns", "got 3", "blank line")),
    "a column less": (".conll", "a X X\n\n\nb Y\n", ("line 4", "3 columns", "got 2")),
    "no label": (".conll", "a\nb\n", ("line 1", "a token and its label", "'a'", "tabs")),
    "an empty label": (".conll", "a\tX\nb\t\n", ("line 2", "a token and its label", r"'b\t'", "the last")),
    "a blank label": (".conll", "a\tX\nb\t \n", ("line 2", "a token and its label", "the last")),
    "an empty word": (".conll", "a\tX\n\tY\n", ("line 2", "a token and its label", r"'\tY'", "the first column")),
    "a space for a tab": (".conll", "a\tX\nb Y\n", ("line 2", "2 columns", "got 1")),
    "comment or token": (".conll", "# SIGN\na X\n", ("line 1", "comment or a token", "'# SIGN'", "tabs")),
    "comment or token later": (".conll", "a X\n\n# SIGN\n", ("line 3", "which could be both")),
    "comment within": (".conll", "a\tX\n# comment\n", ("line 2", "2 columns", "got 1")),
    "comments only": (".conll", "# one\n-DOCSTART-\n\n# two\n", ("train.conll: ", "no token", "one token a line")),
    "no UPOS": (".conllu", universal("1", "a", "X") + universal("2", "b", "_"), ("line 2", "got '2\\tb", "UPOS")),
    "an empty form": (".conllu", universal("1", "", "X"), ("line 1", "a token and its label", "UPOS")),
    "spaces": (".conllu", universal("1", "a", "X").replace("\t", " "), ("line 1", "ten columns", "tabs")),
    "no number": (".conllu", universal("1", "a", "X") + universal("b", "b", "X"), ("line 2", "a number", "got 'b'")),
    "five columns": (".conllu", universal("1", "a", "X") + "2\tb\t_\tX\t_\n", ("line 2", "10 columns", "got 5")),
    "three columns": (".conllu", "1\ta\tX\n", ("line 1", "ten columns of CoNLL-U", "got 3", ".conll")),
}

NUMBERED = {
    "2009": ("\t".join(["{0}", "{1}", "the", "the", "DET", "DET", "_", "_", "0", "0", "R", "R", "_", "A1"]), 1),
    "2008": ("\t".join(["{0}", "{1}", "the", "DET", "DET", "{1}", "the", "DET", "0", "R", "_"]), 1),
    "three columns": ("{0}\t{1}\tNAME", 1),
    "from nought": ("{0}\t{1}\tNAME", 0),
    "CoNLL-U with spaces": ("{0} {1} the DET DET _ 0 R _ _", 1),
    "behind a letter": ("t{0}\t{1}\tNAME", 7),
    "a document's name": ("bc/cctv/00\t0\t{0}\t{1}\tNN\t-\t-\tNAME", 0),
    "behind the sentence's number": ("3-{0}\t0-3\t{1}\tNAME", 1),
}


@pytest.mark.parametrize("name", NUMBERED)
def test_a_first_column_that_counts_is_no_word(name: str) -> None:
    form, start = NUMBERED[name]
    texts = ["\n".join(form.format(i, word) for i, word in enumerate(words, start)) for words in ("abc", "d", "ef")]
    with pytest.raises(DataError, match=r"train\.conll: expected words in the first column.*got numbers of the words"):
        read("\n\n".join(texts))
    columns = form.count("\t") + 1 if "\t" in form else form.count(" ") + 1
    between = "\t" if "\t" in form else " "
    words = "\n".join(between.join([word] * columns) for word in ("x", "y2"))
    kept = sentences(read("\n\n".join([*texts, words])))  # not all sentences are numbered
    assert [word for word, _ in kept[-1][2]] == ["x", "y2"]


def test_a_multiword_range_among_the_numbers_changes_nothing() -> None:
    form = NUMBERED["2009"][0]
    text = "\n".join(form.format(*row) for row in [("1-2", "du"), (1, "de"), (2, "le"), ("2.1", "-")])
    with pytest.raises(DataError, match="got numbers of the words"):
        read(text)


def test_conll_x_is_read_like_conll_u() -> None:
    text = "\n".join(f"{i}\t{word}\t_\tN\tNN\t_\t0\tROOT\t_\t_" for i, word in enumerate("ab", 1))
    assert sentences(read(text))[0][2] == [("a", "N"), ("b", "N")]


def test_conll_2012_is_refused() -> None:
    text = "#begin document (bc/cctv/00); part 000\nbc/cctv/00 0 0 In IN * - - - * -\n\n#end document\n"
    with pytest.raises(DataError, match=r"train\.conll line 1: expected words .* got a file of CoNLL-2012"):
        read(text)


def test_tokens_that_are_numbers_are_words() -> None:
    long = "7" * 5000  # more digits than Python makes a number of
    assert sentences(read(f"{long}\tX\tNUM\n1\tX\tNUM\n"))[0][2] == [(long, "NUM"), ("1", "NUM")]
    assert sentences(read("1\tNUM\n2\tNUM\n"))[0][2] == [("1", "NUM"), ("2", "NUM")]
    assert sentences(read("3\tX\tNUM\n4\tX\tNUM\n\n1\tX\tNUM\n"))[0][2] == [("3", "NUM"), ("4", "NUM")]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_named_with_a_remedy(name: str) -> None:
    ending, text, says = BAD[name]
    with pytest.raises(DataError) as caught:
        read(text, ending)
    message = str(caught.value)
    assert [part for part in (f"train{ending}", *says) if part not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize("other", [RECORDS, UNIVERSAL], ids=["jsonl", "conllu"])
def test_two_formats_in_a_folder_are_refused(other: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected one format, got .*\.conll\b.* files; keep one of them"):
        read_tagging(put(tmp_path, {**PLAIN, **other}))


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test split.*one of test\.conllu\[\.gz\].*add the missing file"):
        read_tagging(put(tmp_path, without(UNIVERSAL, "test.conllu")))
