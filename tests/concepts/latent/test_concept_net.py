"""Published clusters as a property: both forms, matching by place and by word, and what cannot be read."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from neurosieve.concepts.latent.concept_net import ConceptNet, concept_net_property, read_concept_net
from neurosieve.concepts.latent.label_agreement import names_of, published_agreement, published_answers
from neurosieve.concepts.latent.sheets import Answer, ClusterToken, sheet, write_conceptnet
from neurosieve.concepts.properties import Source, annotate
from neurosieve.concepts.properties import tokens as tokens_of
from neurosieve.errors import DataError
from tests.tiny import assert_one_line

SENTENCES = ["x = foo ( x )", "return x", "y = 1"]
CLUSTERS = """x|||1|||0|||0|||7
=|||1|||0|||1|||2
foo|||1|||0|||2|||3
x|||2|||0|||4|||8
x|||3|||1|||1|||8
y|||1|||2|||0|||7
"""
LABELS = {"c7": {"Label": "Assigned  Name"}, "c8": {"Labels": ["used name", "more"]}, "3": "call"}
CODE = "def f(x):\n    x = foo(x)\n    y  =  foo(z)\n    return x\n"


def folder(path: Path, **files: str) -> Path:
    """A folder of one layer, some of its files otherwise."""
    names = {"clusters": "clusters-500.txt", "sentences": "sentences.json", "labels": "annotations.json"}
    given = {"clusters": CLUSTERS, "sentences": json.dumps(SENTENCES), "labels": json.dumps(LABELS)} | files
    path.mkdir(exist_ok=True)
    for name, text in given.items():
        if text:
            (path / names.get(name, name)).write_text(text)
    return path


def values(net: ConceptNet, code: str = CODE) -> list[tuple[str, str | None, str]]:
    source = Source(code, "python")
    spans = tokens_of(source)
    return [(code[a:b], value, how) for (a, b), (value, how) in zip(spans, net.find(source, spans), strict=True)]


def test_a_folder_is_read_by_place_and_by_word(tmp_path: Path) -> None:
    """The line `x = foo(x)` is published; its two x have two values, elsewhere x has that of most."""
    net = read_concept_net(folder(tmp_path / "layer"))
    assert net.values == {7: "assigned name", 2: "cluster 2", 3: "call", 8: "used name"}
    found = values(net)
    line = [("x", "assigned name", "place"), ("=", "cluster 2", "place"), ("foo", "call", "place")]
    assert found[6:12] == [*line, ("(", None, "none"), ("x", "used name", "place"), (")", None, "none")]
    assert found[3:4] == [("x", "used name", "word")]
    assert found[12:15] == [("y", "assigned name", "word"), ("=", "cluster 2", "word"), ("foo", "call", "word")]
    assert found[-2:] == [("return", None, "none"), ("x", "used name", "place")]


@pytest.mark.parametrize("labels", [[LABELS], [{key: value} for key, value in LABELS.items()]])
def test_labels_may_be_a_list(tmp_path: Path, labels: list[object]) -> None:
    assert read_concept_net(folder(tmp_path / "l", labels=json.dumps(labels))).values[8] == "used name"


def test_sentences_may_be_lines_or_missing(tmp_path: Path) -> None:
    """Without sentences all is by word."""
    lines = folder(tmp_path / "lines", sentences="", **{"java.in": "\n".join(SENTENCES) + "\n"})
    assert values(read_concept_net(lines)) == values(read_concept_net(folder(tmp_path / "json")))
    bare = read_concept_net(folder(tmp_path / "bare", sentences="", labels=""))
    assert {how for _, _, how in values(bare)} == {"word", "none"}
    assert bare.values[8] == "cluster 8"


def test_our_own_file_comes_back_by_place(tmp_path: Path) -> None:
    """What the package writes for annotators, labelled: every token has its cluster's label, all by place."""
    table = annotate([CODE], "python")
    cluster = np.arange(len(table)) % 5
    answers = {c: Answer("Yes", (f"label {c}",)) for c in range(5)}
    write_conceptnet(tmp_path / "c.json", sheet(cluster, table, [CODE]), answers)
    found = values(read_concept_net(tmp_path / "c.json"))
    assert [(value, how) for _, value, how in found] == [(f"label {c}", "place") for c in cluster.tolist()]


def test_what_is_said_to_mean_nothing_has_no_value() -> None:
    tokens = {1: [ClusterToken("a", 1, 0, 0)], 2: [ClusterToken("b", 1, 0, 1)]}
    net = ConceptNet.of(tokens, {1: Answer("No", ("noise",)), 2: Answer("Yes", (" ", "Sign"))})
    assert (net.values, net.words) == ({2: "sign"}, {"b": "sign"})


def test_a_word_of_two_values_that_are_as_frequent_has_none() -> None:
    tokens = {1: [ClusterToken("a", 1, 0, 0)], 2: [ClusterToken("a", 2, 0, 1), ClusterToken("b", 1, 0, 2)]}
    assert ConceptNet.of(tokens, {}).words == {"b": "cluster 2"}


def test_a_place_that_is_not_certain_is_none() -> None:
    """A number that fits no word of the sentence, and a word that is there twice."""
    tokens = {1: [ClusterToken("x", 1, 0, 9, "x = foo ( x )"), ClusterToken("foo", 1, 0, 8, "x = foo ( x )")]}
    found = values(ConceptNet.of(tokens, {}), "x = foo(x)\n")
    assert [how for _, _, how in found] == ["word", "none", "place", "none", "word", "none"]


def test_the_property_keeps_the_rules() -> None:
    net = ConceptNet.of({1: [ClusterToken("x", 1, 0, 0)], 2: [ClusterToken("f", 1, 0, 1)]}, {})
    table = annotate([CODE], "python", properties=[concept_net_property(net)])
    assert table.values["concept-net"] == ("cluster 1", "cluster 2")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"clusters": ""}, ("one file clusters*.txt", "got none")),
        ({"clusters-2.txt": CLUSTERS}, ("one file clusters*.txt", "clusters-2.txt, clusters-500.txt")),
        ({"clusters": "x|||1|||0"}, ("clusters-500.txt line 1", "wordid")),
        ({"java.in": "a\n"}, ("one file sentences.json", "java.in, sentences.json")),
        ({"sentences": "[1]"}, ("sentences.json", "a list of texts")),
        ({"sentences": '["a"]'}, ("sentences.json, sentence 2 of 'y' in cluster 7", "got 1 sentences")),
        ({"sentences": "[", "labels": ""}, ("sentences.json", "expected JSON")),
        ({"more.json": "{}"}, ("one file of labels", "annotations.json, more.json")),
        ({"labels": "[3]"}, ("annotations.json", "labels by cluster")),
        ({"labels": '{"seven": "a"}'}, ("annotations.json, seven", "a cluster's number")),
        ({"labels": '{"7": {"Tag": "a"}}'}, ("annotations.json, 7", "object with Label")),
        ({"labels": '{"77": "a"}'}, ("annotations.json", "labels of 1 other clusters")),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, change: dict[str, str], parts: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        read_concept_net(folder(tmp_path / "layer", **change))
    assert_one_line(caught.value, *parts)


@pytest.mark.parametrize(
    "write",
    [lambda p: p.write_text("{}"), lambda p: p.write_text('{"1": [{"Word": "a"}]}'), Path.exists],
    ids=["empty", "keys", "missing"],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, write: Callable[[Path], object]) -> None:
    write(tmp_path / "c.json")
    with pytest.raises(DataError) as caught:
        read_concept_net(tmp_path / "c.json")
    assert_one_line(caught.value, "c.json")
    nothing = {1: [ClusterToken("a", 1, 0, 0, "a")]}
    write_conceptnet(tmp_path / "no.json", nothing, {1: Answer("No")})
    with pytest.raises(DataError) as none:
        read_concept_net(tmp_path / "no.json")
    assert_one_line(none.value, "a meaningful cluster")


def test_clusters_are_named_by_most_labelled_tokens() -> None:
    cluster, codes = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, -1, 0, -1])
    names, shares = names_of(cluster, codes, 4, 2)
    assert names.tolist() == [1, 0, -1, -1]
    assert shares.tolist() == pytest.approx([2 / 3, 1 / 2, 0, 0])
    assert published_answers(names, shares, ("a", "b")) == {0: Answer("Yes", ("b",)), 1: Answer("Yes", ("a",))}
    assert published_answers(names, shares - 0.1, ("a", "b")) == {0: Answer("Yes", ("b",))}


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_cohens(seed: int) -> None:
    """That of scikit-learn on tokens that have both; its interval is that of resampled files."""
    rng = np.random.default_rng(seed)
    names, held_out = np.array([0, 1, 2, -1, 1]), rng.integers(0, 5, 600)
    codes = np.where(rng.random(600) < 0.6, names[held_out], rng.integers(-1, 3, 600))
    groups = [f"f{i % 20}" for i in range(600)]
    found = published_agreement(names, held_out, codes, 3, groups, draws=400, seed=seed)
    both = (codes >= 0) & (names[held_out] >= 0)
    one, two = names[held_out][both], codes[both]
    assert (found.named, found.tokens, found.left_out) == (4, both.sum(), (~both).sum())
    assert found.kappa == pytest.approx(cohen_kappa_score(one, two))
    assert found.observed == pytest.approx((one == two).mean())
    files, own = np.array(groups)[both], []
    for _ in range(300):
        rows = np.concatenate([np.flatnonzero(files == f) for f in rng.choice(np.unique(files), 20)])
        own.append(cohen_kappa_score(one[rows], two[rows]))
    assert found.interval == pytest.approx(tuple(np.quantile(own, (0.025, 0.975))), abs=0.03)


@pytest.mark.parametrize("draws", [40])
def test_kappa_of_random_clusters_is_about_zero(draws: int) -> None:
    rng, kappas = np.random.default_rng(1), []
    for _ in range(draws):
        held_out, codes = rng.integers(0, 4, 400), rng.integers(0, 2, 400)
        made = published_agreement(np.array([0, 1, 1, 0]), held_out, codes, 2, [f"{i % 9}" for i in range(400)])
        kappas.append(made.kappa)
    assert abs(float(np.mean([k for k in kappas if k is not None]))) < 0.02


def test_why_there_is_no_kappa_is_said() -> None:
    none = published_agreement(np.array([-1]), np.zeros(3, dtype=int), np.zeros(3, dtype=int), 1, ["a", "b", "c"])
    assert (none.kappa, none.tokens, none.reason) == (
        None,
        0,
        "no held-out token has a label and a cluster with a name",
    )
    same = published_agreement(np.array([0]), np.zeros(3, dtype=int), np.zeros(3, dtype=int), 2, ["a", "b", "c"])
    assert (same.kappa, same.observed) == (None, 1.0)
    assert same.reason is not None
    one = published_agreement(np.array([0, 1]), np.array([0, 1, 1]), np.array([0, 1, 0]), 2, ["a"] * 3)
    assert one.kappa is not None
    assert one.interval is None
