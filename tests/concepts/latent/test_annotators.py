"""Kappas against published examples, scikit-learn and plain loops; what has no kappa says why."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from neurosieve.concepts.latent.annotators import Kappa, annotator_agreement, kappa_frame
from neurosieve.concepts.latent.sheets import MEANINGFUL, Answer
from neurosieve.errors import DataError

# Fleiss' kappa of ten subjects with fourteen raters each and five answers is 0.210.
FLEISS = """
    0 0 0 0 14
    0 2 6 4 2
    0 0 3 5 6
    0 3 9 2 0
    2 2 8 1 1
    7 7 0 0 0
    3 2 6 3 0
    2 5 3 2 2
    6 5 2 1 0
    0 2 2 3 7
"""


def labelled(rows: list[list[str]]) -> dict[str, dict[int, Answer]]:
    """One row a cluster, one answer an annotator."""
    return {f"a{j}": {i: Answer("Yes", (row[j],)) for i, row in enumerate(rows)} for j in range(len(rows[0]))}


def of(rows: list[list[str]], method: str = "fleiss", draws: int = 200) -> Kappa:
    found = annotator_agreement(labelled(rows), ["Labels"], draws=draws)
    return next(k for k in found if k.method == method)


def test_the_published_example_of_fleiss() -> None:
    counts = [[int(n) for n in line.split()] for line in FLEISS.split("\n") if line.strip()]
    found = of([[str(j) for j, n in enumerate(row) for _ in range(n)] for row in counts])
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert (found.n, found.annotators, found.reason) == (10, 14, None)


def test_the_textbook_example_of_cohen() -> None:
    """Two readers of fifty proposals: both yes 20, both no 15, one of them yes 5 and 10."""
    rows = [["y", "y"]] * 20 + [["y", "n"]] * 5 + [["n", "y"]] * 10 + [["n", "n"]] * 15
    found = of(rows, "cohen", 500)
    assert found.value == pytest.approx(0.4)
    assert found.observed == pytest.approx(0.7)
    assert found.interval is not None
    low, high = found.interval
    # The large-sample standard error is 0.127.
    assert low == pytest.approx(0.4 - 1.96 * 0.127, abs=0.05)
    assert high == pytest.approx(0.4 + 1.96 * 0.127, abs=0.05)


def slow_fleiss(rows: list[list[str]]) -> float:
    pairs = [a == b for row in rows for a, b in combinations(row, 2)]
    said = [x for row in rows for x in row]
    expected = sum((said.count(x) / len(said)) ** 2 for x in set(said))
    return (float(np.mean(pairs)) - expected) / (1 - expected)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), annotators=st.integers(2, 5), clusters=st.integers(2, 12))
def test_kappas_are_what_their_definitions_say(data: st.DataObject, annotators: int, clusters: int) -> None:
    row = st.lists(st.sampled_from("abc"), min_size=annotators, max_size=annotators)
    rows = data.draw(st.lists(row, min_size=clusters, max_size=clusters))
    found = annotator_agreement(labelled(rows), ["Labels"], draws=20)
    assert [k.method for k in found] == (["cohen", "fleiss"] if annotators == 2 else ["fleiss"])
    for kappa in found:
        assert kappa.observed == pytest.approx(np.mean([a == b for row in rows for a, b in combinations(row, 2)]))
        if len({x for row in rows for x in row}) == 1:
            assert kappa.value is None
            assert kappa.interval is None
            assert "the same" in str(kappa.reason)
        elif kappa.method == "fleiss":
            assert kappa.value == pytest.approx(slow_fleiss(rows))
        else:
            assert kappa.value == pytest.approx(cohen_kappa_score(*np.array(rows).T))


def test_the_interval_is_that_of_resampled_clusters() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 60)
    rows = [[str(x if rng.random() < 0.6 else rng.integers(3)) for _ in range(3)] for x in truth]
    drawn = [slow_fleiss([rows[i] for i in rng.integers(0, 60, 60)]) for _ in range(1000)]
    found = of(rows, draws=1000)
    assert found.interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.03)
    assert found == of(rows, draws=1000)


def test_sets_of_labels_agree_as_a_whole() -> None:
    said = [("Loop", "name"), ("name", " loop "), ("loop",), ()]
    one = {i: Answer("Yes", said[0]) for i in range(4)}
    other = {i: Answer("Yes", labels) for i, labels in enumerate(said)}
    fleiss = next(k for k in annotator_agreement({"a": one, "b": other}, ["Labels"], draws=50) if k.method == "fleiss")
    assert fleiss.observed == 0.5


def test_only_clusters_that_all_answered_count() -> None:
    one = {i: Answer(MEANINGFUL[i % 2]) for i in range(8)}
    other = {i: Answer(MEANINGFUL[i % 2 if i else 2]) for i in range(6)} | {20: Answer("Yes"), 7: Answer()}
    found = annotator_agreement({"a": one, "b": other}, draws=100)
    assert [(k.field, k.method, k.n, k.left_out) for k in found] == [
        (field, method, 6, 3) for field in ("Meaningful", "Labels") for method in ("cohen", "fleiss")
    ]
    assert found[0].observed == pytest.approx(5 / 6)
    assert found[2].value is None  # no labels at all
    frame = kappa_frame(found)
    assert frame["n"].to_list() == [6] * 4
    assert frame["low"].null_count() == frame["reason"].len() - frame["reason"].null_count() == 2


def test_a_kappa_that_rests_on_one_cluster_has_no_interval() -> None:
    found = of([["a", "a"]] * 9 + [["b", "b"]])
    assert found.value == pytest.approx(1)
    assert found.interval is None
    assert "of the resamples hold one answer only" in str(found.reason)


def test_without_common_clusters_there_is_a_reason() -> None:
    found = annotator_agreement({"a": {0: Answer("Yes")}, "b": {1: Answer("No")}})
    assert {(k.n, k.left_out, k.observed, k.value, k.reason) for k in found} == {
        (0, 2, None, None, "no cluster that all annotators answered")
    }


@pytest.mark.parametrize("answers", [{}, {"a": {0: Answer("Yes")}}])
def test_one_annotator_has_nobody_to_agree_with(answers: dict[str, dict[int, Answer]]) -> None:
    with pytest.raises(DataError, match="two or more"):
        annotator_agreement(answers)
