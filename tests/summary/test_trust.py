"""The trust box and the headline, branch by branch, on hand-made records."""

from typing import Any

import numpy as np
import pytest

from neurosieve.report.numbers import per_cent
from neurosieve.summary.opened import OpenedTest
from neurosieve.summary.trust import NO, OPEN, YES, headline, trust_box
from tests.summary import opened, reader

KEYS = ("majority", "lookup", "untrained", "selectivity", "random")
ROWS = 60
REASON = "the oracle's lower bound 0.330 is not above the majority class's 0.333"


def split(*, oracle: int, lookup: int) -> OpenedTest:
    """60 rows of class 1, of which the oracle gets so many right and the table of texts so many."""
    text = ["known" if i < lookup else "unknown" for i in range(ROWS)]
    train = [("known", 1), ("other", 0), ("third", 0)]  # what is not known is said to be class 0
    said = [1 if i < oracle else 2 for i in range(ROWS)]
    return opened([1] * ROWS, text, train, predicted=[said])


def record(**changes: Any) -> dict[str, Any]:
    """A record in which every answer is yes; `part__key=value` changes one."""
    whole: dict[str, Any] = {
        "task": "token-tagging",
        "metric": "accuracy",
        "neurons": 1000,
        "oracle": {"test": 0.9, "interval": [0.85, 0.95]},
        "baselines": {"majority": 0.4, "token_lookup": {"score": 0.5}},
        "unseen": {
            "natural": {
                "score": 0.8,
                "n": 1234,
                "untrained": {"mean": 0.6, "gain": {"value": 0.2, "interval": [0.15, 0.25]}},
            }
        },
        "control": {"task": 0.9, "control": 0.5, "selectivity": 0.4, "majority": 0.42, "interval": [0.3, 0.5]},
        "minimal_sets": [
            {
                "size": 50,
                "delta": 0.01,
                "test_loss": {"value": 0.004, "interval": [-0.002, 0.009]},
                "random_size": {"median": 200.0, "lo": 150, "hi": 300},
            }
        ],
    }
    for path, value in changes.items():
        place: Any = whole
        *parents, last = path.split("__")
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place[parent]
        place[last] = value
    return whole


def judged(test: OpenedTest | None = None, **changes: Any) -> dict[str, Any]:
    """The record with its trust box and headline."""
    whole = record(**changes)
    whole["trust"] = trust_box(whole, test or split(oracle=54, lookup=30), reader(0))
    whole["headline"] = headline(whole)
    return whole


def said(whole: dict[str, Any], key: str) -> tuple[str, str]:
    (entry,) = (e for e in whole["trust"] if e["key"] == key)
    assert entry["question"].endswith("?")
    return entry["answer"], entry["figures"]


def test_five_questions_in_order() -> None:
    whole = judged()
    assert tuple(e["key"] for e in whole["trust"]) == KEYS
    assert {e["answer"] for e in whole["trust"]} == {YES}
    assert all(set(e) == {"key", "question", "answer", "figures"} for e in whole["trust"])


@pytest.mark.parametrize(("low", "answer"), [(0.85, YES), (0.41, YES), (0.4, NO), (0.2, NO)])
def test_majority(low: float, answer: str) -> None:
    """The lower bound decides, not the score."""
    whole = judged(oracle__interval=[low, 0.95])
    assert said(whole, "majority") == (answer, f"oracle 90.0 %, at least {100 * low:.1f} %; majority 40.0 %")


@pytest.mark.parametrize(
    ("oracle", "lookup", "answer"), [(54, 30, YES), (54, 54, NO), (40, 54, NO), (60, 58, NO), (54, 0, YES)]
)
def test_lookup(oracle: int, lookup: int, answer: str) -> None:
    """Paired: two more rows of sixty are no gain that holds."""
    whole = judged(split(oracle=oracle, lookup=lookup))
    found, figures = said(whole, "lookup")
    assert found == answer
    assert figures.startswith(f"{100 * (oracle - lookup) / ROWS:.1f} points [")
    assert figures.endswith("] above a table of the tokens' texts (50.0 %)")
    low, high = (float(v) for v in figures.split("[")[1].split("]")[0].split(", "))
    assert low <= 100 * (oracle - lookup) / ROWS + 0.05
    assert high >= 100 * (oracle - lookup) / ROWS - 0.05
    assert (low > 0) == (answer == YES)


@pytest.mark.parametrize(("low", "answer"), [(0.15, YES), (0.0, NO), (-0.1, NO)])
def test_untrained(low: float, answer: str) -> None:
    gain = {"value": 0.2, "interval": [low, 0.25]}
    whole = judged(unseen__natural__untrained={"mean": 0.6, "gain": gain})
    figures = f"80.0 % against 60.0 %: 20.0 points [{100 * low:.1f}, 25.0] (n 1,234)"
    assert said(whole, "untrained") == (answer, figures)


def test_untrained_not_measured() -> None:
    few = judged(unseen__natural={"score": None, "n": 9, "reason": "9 unseen rows; at least 30 are needed"})
    assert said(few, "untrained") == (OPEN, "9 unseen rows; at least 30 are needed")
    why = "the activations were made elsewhere, without the model"
    foreign = judged(unseen__natural__untrained=None, baselines__untrained_reason=why)
    assert said(foreign, "untrained") == (OPEN, why)


@pytest.mark.parametrize(("low", "answer"), [(0.3, YES), (0.0, NO), (-0.2, NO)])
def test_selectivity(low: float, answer: str) -> None:
    whole = judged(control__interval=[low, 0.5])
    figures = "task 90.0 %, control 50.0 % (its majority 42.0 %): selectivity 40.0 points"
    assert said(whole, "selectivity") == (answer, figures)


@pytest.mark.parametrize("reason", ["no draw was asked for", "too few seen rows"])
def test_selectivity_not_measured(reason: str) -> None:
    nothing = {"task": None, "control": None, "selectivity": None, "reason": reason, "majority": None}
    assert said(judged(control=nothing), "selectivity") == (OPEN, reason)


@pytest.mark.parametrize(
    ("median", "lo", "answer"),
    [(200.0, 150, YES), (100.0, 51, YES), (99.5, 51, NO), (50.0, 40, NO), (200.0, 50, NO), (20.0, 10, NO)],
)
def test_random(median: float, lo: int, answer: str) -> None:
    """Twice as many at the median, and more in every draw."""
    whole = judged(minimal_sets__0__random_size={"median": median, "lo": lo, "hi": 300})
    assert said(whole, "random") == (answer, f"50 against {median:g} ({lo} to 300): {median / 50:.1f} × as many")


@pytest.mark.parametrize("sets", [None, []])
def test_random_not_measured(sets: list[Any] | None) -> None:
    whole = record(minimal_sets=sets, minimal_sets_reason=REASON)
    (entry,) = (e for e in trust_box(whole, split(oracle=54, lookup=30), reader(0)) if e["key"] == "random")
    assert (entry["answer"], entry["figures"]) == (OPEN, REASON)


def test_headline_when_all_is_good() -> None:
    assert judged()["headline"] == (
        "95.0 % of 1,000 neurons can go: 50 stay within 1 point of the oracle's 90.0 %"
        " (loss on test 0.40 points, 95 % interval -0.20 to 0.90); random neurons need 4.0 × as many."
    )


def test_headline_at_chance() -> None:
    whole = judged(oracle__interval=[0.33, 0.5], minimal_sets=None, minimal_sets_reason=REASON)
    assert whole["headline"] == f"Nothing can be said: {REASON}."
    assert said(whole, "majority")[0] == NO


LOOKUP = "but a table of the tokens' texts does as well as all neurons"
UNTRAINED = "but an untrained copy does as well on tokens unseen in train"
RANDOM = "but random neurons of 1.5 × the size do as well"
NO_GAIN = {"unseen__natural__untrained": {"mean": 0.8, "gain": {"value": 0.0, "interval": [-0.1, 0.1]}}}
EASY = {"minimal_sets__0__random_size": {"median": 75.0, "lo": 60, "hi": 90}}


@pytest.mark.parametrize(
    ("lookup", "changes", "but"),
    [
        (54, {}, LOOKUP),
        (54, NO_GAIN | EASY, LOOKUP),
        (30, NO_GAIN, UNTRAINED),
        (30, NO_GAIN | EASY, UNTRAINED),
        (30, EASY, RANDOM),
        (30, {}, "random neurons need 4.0 × as many"),
        (30, {"control__interval": [-0.1, 0.1]}, "random neurons need 4.0 × as many"),
        (30, {"unseen__natural": {"score": None, "n": 9, "reason": "few"}}, "random neurons need 4.0 × as many"),
        (30, EASY | {"unseen__natural": {"score": None, "n": 9, "reason": "few"}}, RANDOM),
    ],
)
def test_headline_names_what_limits_it_most(lookup: int, changes: dict[str, Any], but: str) -> None:
    line = judged(split(oracle=54, lookup=lookup), **changes)["headline"]
    assert line.endswith(f"; {but}.")
    assert [b for b in (LOOKUP, UNTRAINED, "do as well", "× as many") if b in line] == [
        b for b in (LOOKUP, UNTRAINED, "do as well", "× as many") if b in but
    ]


@pytest.mark.parametrize(
    ("interval", "held"), [([0.002, 0.02], True), ([0.01, 0.02], True), ([0.011, 0.02], False), ([-0.1, 0.3], True)]
)
def test_headline_says_when_the_loss_is_above_what_was_allowed(interval: list[float], held: bool) -> None:
    line = judged(minimal_sets__0__test_loss={"value": float(np.mean(interval)), "interval": interval})["headline"]
    assert line.endswith(" That loss is above what was allowed.") == (not held)


@pytest.mark.parametrize(
    ("delta", "words"), [(0.01, "1 point of"), (0.02, "2 points of"), (0.005, "0.5 points of"), (0.3, "30 points of")]
)
def test_headline_counts_points(delta: float, words: str) -> None:
    assert f"stay within {words} the oracle's" in judged(minimal_sets__0__delta=delta)["headline"]


@pytest.mark.parametrize(("value", "text"), [(0.5, "50.0 %"), (1.0, "100.0 %"), (0.8764, "87.6 %"), (0.0, "0.0 %")])
def test_per_cent(value: float, text: str) -> None:
    assert per_cent(value) == text
