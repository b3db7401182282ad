"""The trust box and the headline, branch by branch, on hand-made results."""

from dataclasses import replace
from typing import Any

import pytest

from neurosieve.report.numbers import per_cent
from neurosieve.report.trust_text import ONE_CLUSTER, headline_text
from neurosieve.results import Difference, NotMeasured, RedundancyResult, Score, Spread
from neurosieve.results.redundancy_controls import Control, HeldOutTypes, Selectivity, UntrainedGain
from neurosieve.results.redundancy_parts import Answer
from neurosieve.results.redundancy_sets import NeededSizes, SmallestSet, UnseenLoss
from neurosieve.studies.redundancy.opened import OpenedTest
from neurosieve.studies.redundancy.trust import trust_box
from tests.report.records import changed_all, few_held_out, few_unseen, full
from tests.studies.redundancy import opened, reader

YES, WEAKLY, NO, OPEN = Answer.YES, Answer.WEAKLY, Answer.NO, Answer.OPEN
KEYS = ("majority", "lookup", "untrained", "disjoint", "selectivity", "loss", "random")
ROWS = 60
REASON = "the oracle's lower bound 0.330 is not above the majority class's 0.333"


def split(*, oracle: int, lookup: int) -> OpenedTest:
    """60 rows of class 1, of which the oracle gets so many right and the table of texts so many."""
    text = ["known" if i < lookup else "unknown" for i in range(ROWS)]
    train = [("known", 1), ("other", 0), ("third", 0)]  # what is not known is said to be class 0
    said = [1 if i < oracle else 2 for i in range(ROWS)]
    return opened([1] * ROWS, text, train, predicted=[said])


SPLITS = Spread(mean=0.4, low=0.35, high=0.45)


def part(score: float, interval: tuple[float, float] | None = None, n: int = 40) -> Score:
    return Score(value=score, n=n, interval=interval)


def gained(low: float | None, high: float = 0.25, value: float = 0.2) -> Difference:
    """A difference by the lower end of its interval, or without one."""
    return Difference(value=value, interval=None if low is None else (low, high))


def copies(mean: float, gain: Difference) -> UntrainedGain:
    return UntrainedGain(score=Spread(mean=mean, low=mean, high=mean), gain=gain)


def controlled(low: float | None, control: float = 0.5) -> Control:
    """By the lower end of the interval."""
    head = Selectivity(
        task=0.9, control=control, control_range=(control, control), majority=0.42, selectivity=gained(low, 0.5, 0.4),
        rows=40,
    )  # fmt: skip
    return Control(majority=0.42, head=head, draws=5, all=head, seen=head, minimal_set=None)


def needed(median: float, low: int, high: int = 300, ratio: tuple[float, float] | None = None) -> NeededSizes:
    """What random orders need."""
    return NeededSizes(median=median, low=low, high=high, ratio=50 / median, ratio_range=ratio)


def held_out(low: float) -> HeldOutTypes:
    rows = Spread(mean=40.0, low=40.0, high=40.0)
    return HeldOutTypes(score=Spread(mean=0.7, low=low, high=0.75), splits=10, n=rows, majority=SPLITS)


def unseen_loss(high: float) -> UnseenLoss:
    return UnseenLoss(score=part(0.8), loss=Difference(value=0.005, interval=(0.001, high)))


def best() -> SmallestSet:
    return replace(
        full().sets[0],
        size=50,
        loss=Difference(value=0.004, interval=(-0.002, 0.009)),
        within=True,
        unseen=unseen_loss(0.0095),
        random_size=needed(200.0, 150),
    )


def result(**changes: Any) -> RedundancyResult:
    """A result in which every answer is yes; `part__key=value` changes one."""
    whole = changed_all(
        full(),
        neurons=1000,
        dead=0,
        oracle__test=part(0.9, (0.85, 0.95)),
        baselines__majority=0.4,
        baselines__token_lookup__score=part(0.5),
        unseen__natural__score=part(0.8, n=1234),
        unseen__natural__untrained=copies(0.6, gained(0.15)),
        unseen__disjoint=held_out(0.6),
        control=controlled(0.3),
        minimal_sets=(best(),),
    )
    return changed_all(whole, **changes)


def judged(test: OpenedTest | None = None, **changes: Any) -> RedundancyResult:
    """The result with its trust box and headline."""
    whole, rows = result(**changes), test or split(oracle=54, lookup=30)
    lookup = rows.difference(rows.row_scores(reader(0)), rows.lookup)
    whole = replace(whole, trust=trust_box(whole, lookup))
    return replace(whole, headline=headline_text(whole))


def said(whole: RedundancyResult, key: str) -> tuple[Answer, str]:
    (entry,) = (e for e in whole.trust if e.key.value == key)
    assert entry.question.endswith("?")
    return entry.answer, entry.figures


def test_seven_questions_in_order() -> None:
    whole = judged()
    assert tuple(e.key.value for e in whole.trust) == KEYS
    assert {e.answer for e in whole.trust} == {YES}


@pytest.mark.parametrize(("low", "answer"), [(0.85, YES), (0.41, YES), (0.4, NO), (0.2, NO)])
def test_majority(low: float, answer: Answer) -> None:
    """The lower bound decides, not the score."""
    whole = judged(oracle__test=part(0.9, (low, 0.95)))
    assert said(whole, "majority") == (answer, f"oracle 90.0 %, at least {100 * low:.1f} %; majority 40.0 %")


@pytest.mark.parametrize(
    ("oracle", "lookup", "answer"), [(54, 30, YES), (54, 54, NO), (40, 54, NO), (60, 58, NO), (54, 0, YES)]
)
def test_lookup(oracle: int, lookup: int, answer: Answer) -> None:
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
def test_untrained(low: float, answer: Answer) -> None:
    whole = judged(unseen__natural__untrained=copies(0.6, gained(low)))
    figures = f"80.0 % against 60.0 %: 20.0 points [{100 * low:.1f}, 25.0] (n 1,234)"
    assert said(whole, "untrained") == (answer, figures)


def test_untrained_not_measured() -> None:
    few = judged(unseen__natural=few_unseen("9 unseen rows; at least 30 are needed", n=9))
    assert said(few, "untrained") == (OPEN, "9 unseen rows; at least 30 are needed")
    why = "the activations were made elsewhere, without the model"
    foreign = judged(unseen__natural__untrained=None, baselines__untrained=NotMeasured.from_text(why))
    assert said(foreign, "untrained") == (OPEN, why)


@pytest.mark.parametrize(
    ("low", "control", "answer"),
    [
        (0.3, 0.5, YES),
        (0.05, 0.5, YES),
        (0.049, 0.5, WEAKLY),
        (0.024, 0.953, YES),  # half of what the control leaves
        (0.023, 0.953, WEAKLY),
        (0.0, 0.5, NO),
        (-0.2, 0.5, NO),
    ],
)
def test_selectivity(low: float, control: float, answer: Answer) -> None:
    """At least 5 points, or half of what the control leaves, by the lower bound."""
    whole = judged(control=controlled(low, control))
    figures = f"task 90.0 %, control {100 * control:.1f} % (its majority 42.0 %): selectivity 40.0 points"
    assert said(whole, "selectivity") == (answer, f"{figures} [{100 * low:.1f}, 50.0]")


@pytest.mark.parametrize(("lowest", "answer"), [(0.46, YES), (0.45, NO), (0.2, NO)])
def test_types_held_out(lowest: float, answer: Answer) -> None:
    """In every split above the majority of every split."""
    figures = f"70.0 % ({100 * lowest:.1f} – 75.0) over 10 splits; majority 40.0 % (35.0 – 45.0)"
    assert said(judged(unseen__disjoint=held_out(lowest)), "disjoint") == (answer, figures)
    nothing = few_held_out("no split was asked for")
    assert said(judged(unseen__disjoint=nothing), "disjoint") == (OPEN, "no split was asked for")


@pytest.mark.parametrize(
    ("within", "unseen", "answer"),
    [(True, 0.0095, YES), (True, 0.0101, WEAKLY), (True, None, YES), (False, 0.0095, NO), (None, 0.0095, OPEN)],
)
def test_loss(within: bool | None, unseen: float | None, answer: Answer) -> None:
    """Shown on all rows, and on unseen ones where these are enough."""
    there = NotMeasured.from_text("fewer than 30 unseen rows") if unseen is None else unseen_loss(unseen)
    whole = judged(minimal_sets__0__within=within, minimal_sets__0__unseen=there)
    found, figures = said(whole, "loss")
    assert found == answer
    assert figures.startswith("loss 0.40 points [-0.20, 0.90]; ")
    assert figures.endswith("; allowed 1 point")
    assert ("too few unseen rows" in figures) == (unseen is None)
    assert ("on rows unseen in train they lose 0.50 points" in whole.headline) == (unseen == 0.0101)


def test_one_cluster_is_not_measured() -> None:
    """Of one file nothing can be resampled."""
    alone = opened([1] * ROWS, ["known"] * ROWS, [("known", 1)], predicted=[[1] * ROWS], group=[0] * ROWS)
    whole = judged(
        alone,
        oracle__test=part(0.9),
        unseen__natural__untrained=copies(0.6, gained(None)),
        control=controlled(None),
        minimal_sets=NotMeasured.from_text(ONE_CLUSTER),
    )
    answers = {entry.key.value: entry.answer for entry in whole.trust}
    assert answers == dict.fromkeys(KEYS, OPEN) | {"disjoint": YES}
    assert whole.headline == f"Nothing can be said: {ONE_CLUSTER}."


@pytest.mark.parametrize("reason", ["no draw was asked for", "too few seen rows"])
def test_selectivity_not_measured(reason: str) -> None:
    assert said(judged(control=NotMeasured.from_text(reason)), "selectivity") == (OPEN, reason)


@pytest.mark.parametrize(
    ("median", "lo", "answer"),
    [(200.0, 150, YES), (200.0, 100, YES), (100.0, 51, WEAKLY), (50.0, 40, NO), (200.0, 50, NO), (20.0, 10, NO)],
)
def test_random(median: float, lo: int, answer: Answer) -> None:
    """Twice as many in every draw; where validation rows were resampled, by that range."""
    whole = judged(minimal_sets__0__random_size=needed(median, lo))
    figures = f"50 against {median:g} ({lo} to 300): {median / 50:.1f} × as many [{lo / 50:.1f}, 6.0]"
    assert said(whole, "random") == (answer, figures)


@pytest.mark.parametrize(("most", "answer"), [(0.5, YES), (0.51, WEAKLY), (0.99, WEAKLY), (1.0, NO)])
def test_random_by_the_range_of_the_ratio(most: float, answer: Answer) -> None:
    need = needed(200.0, 150, ratio=(0.2, most))
    found, figures = said(judged(minimal_sets__0__random_size=need), "random")
    assert found == answer
    assert figures.endswith(f"4.0 × as many [{1 / most:.1f}, 5.0]")


def test_random_not_measured() -> None:
    assert said(judged(minimal_sets=NotMeasured.from_text(REASON)), "random") == (OPEN, REASON)


def test_headline_when_all_is_good() -> None:
    assert judged().headline == (
        "95.0 % of 1,000 neurons can go: 50 stay within 1 point of the oracle's 90.0 %"
        " (loss on test 0.40 points [-0.20, 0.90]); random neurons need 4.0 × as many [3.0, 6.0]."
    )


def test_headline_at_chance() -> None:
    whole = judged(oracle__test=part(0.9, (0.33, 0.5)), minimal_sets=NotMeasured.from_text(REASON))
    assert whole.headline == f"Nothing can be said: {REASON}."
    assert said(whole, "majority")[0] == NO


LOOKUP = "but a table of the tokens' texts does as well as all neurons"
UNTRAINED = "but an untrained copy does as well on tokens unseen in train"
RANDOM = "but random neurons need only 1.5 × as many [1.2, 1.8]"
MANY = "random neurons need 4.0 × as many [3.0, 6.0]"
NO_GAIN: dict[str, Any] = {"unseen__natural__untrained": copies(0.8, gained(-0.1, 0.1, 0.0))}
EASY: dict[str, Any] = {"minimal_sets__0__random_size": needed(75.0, 60, 90)}
FEW: dict[str, Any] = {"unseen__natural": few_unseen("few", n=9)}


@pytest.mark.parametrize(
    ("lookup", "changes", "but"),
    [
        (54, {}, LOOKUP),
        (54, NO_GAIN | EASY, LOOKUP),
        (30, NO_GAIN, UNTRAINED),
        (30, NO_GAIN | EASY, UNTRAINED),
        (30, EASY, RANDOM),
        (30, {}, MANY),
        (30, {"control": controlled(-0.1)}, MANY),
        (30, FEW, MANY),
        (30, EASY | FEW, RANDOM),
    ],
)
def test_headline_names_what_limits_it_most(lookup: int, changes: dict[str, Any], but: str) -> None:
    line = judged(split(oracle=54, lookup=lookup), **changes).headline
    assert line.endswith(f"; {but}.")
    assert [b for b in (LOOKUP, UNTRAINED, RANDOM, MANY) if b in line] == [but]


def test_headline_says_no_more_than_the_interval() -> None:
    """A set whose loss may be above what was allowed does not stay within it."""
    line = judged(
        minimal_sets__0__loss=Difference(value=0.0069, interval=(0.0034, 0.0108)), minimal_sets__0__within=False
    ).headline
    assert line.startswith(
        "50 of 1,000 neurons (5.0 %) lose 0.69 points [0.34, 1.08] of the oracle's 90.0 % on test,"
        " which is not shown to be within 1 point; "
    )
    assert "stay" not in line


def test_all_neurons_are_not_compared_with_themselves() -> None:
    """The set is the oracle: its loss is 0 by construction, and an interval around it says nothing."""
    found, figures = said(judged(dead=10, minimal_sets__0__size=990), "loss")
    assert (found, figures) == (OPEN, "the set is all live neurons, which is the oracle itself")


def test_headline_where_all_neurons_are_needed() -> None:
    line = judged(dead=10, minimal_sets__0__size=990).headline
    assert line.startswith(
        "No set smaller than all 990 live neurons was found on validation"
        " to stay within 1 point of the oracle's 90.0 %; "
    )
    assert "lose" not in line


@pytest.mark.parametrize(
    ("delta", "words"), [(0.01, "1 point of"), (0.02, "2 points of"), (0.005, "0.5 points of"), (0.3, "30 points of")]
)
def test_headline_counts_points(delta: float, words: str) -> None:
    assert f"stay within {words} the oracle's" in judged(minimal_sets__0__delta=delta).headline


@pytest.mark.parametrize(("value", "text"), [(0.5, "50.0 %"), (1.0, "100.0 %"), (0.8764, "87.6 %"), (0.0, "0.0 %")])
def test_per_cent(value: float, text: str) -> None:
    assert per_cent(value) == text
