"""Parts of the summary on hand-made rows: what is measured, what is null, and with which reason."""

import numpy as np
import pytest

from neurosieve.data.control_labels import control_labels, held_out_types
from neurosieve.redundancy.cluster_probes import ClusterProbe, GeneralRedundancy
from neurosieve.redundancy.control_probes import Controls
from neurosieve.redundancy.untrained_copies import Untrained
from neurosieve.results import NotMeasured, Spread
from neurosieve.results.redundancy_controls import (
    Control,
    FewHeldOut,
    FewUnseen,
    HeldOutTypes,
    Selectivity,
    UnseenRows,
)
from neurosieve.studies.redundancy.opened import OpenedTest
from neurosieve.studies.redundancy.sections import cka_part, cluster_part, control_part, disjoint_part, natural_part
from tests.studies.redundancy import CLASSES, opened, reader

TYPES = [f"t{i}" for i in range(30)]
TRAIN = [(t, i % CLASSES) for i, t in enumerate(TYPES) for _ in range(3 - i % CLASSES)]  # shares 1/2, 1/3, 1/6
REPEATS = 8


def rows(types: list[str] | None = None) -> tuple[list[int], list[str]]:
    """Each type eight times, with its class."""
    text = [t for t in types or TYPES for _ in range(REPEATS)]
    return [int(t[1:]) % CLASSES for t in text], text


def draws(seed: int, text: list[str]) -> list[int]:
    share = np.bincount([c for _, c in TRAIN]) / len(TRAIN)
    return [int(c) for c in control_labels(np.array(text, dtype=object), share, seed)]


def wrong(label: list[int], every: int) -> list[int]:
    """The label, but another class on each `every`-th row."""
    return [(c + 1) % CLASSES if i % every == 0 else c for i, c in enumerate(label)]


def test_disjoint_scores_held_out_types_alone() -> None:
    """Probes that are right on just the held-out types of their seed score 1; those right elsewhere 0."""
    label, text = rows()
    known = (np.array([t for t, _ in TRAIN], dtype=object), np.array([c for _, c in TRAIN]))
    held = {s: held_out_types(*known, s) for s in range(4)}
    right = [[c if t in held[s] else (c + 1) % 3 for c, t in zip(label, text, strict=True)] for s in range(3)]
    right.append([c if t not in held[3] else (c + 1) % 3 for c, t in zip(label, text, strict=True)])
    test = opened(label, text, TRAIN, predicted=right)
    part = disjoint_part(test, Controls({}, {}, {s: reader(s) for s in range(4)}))
    assert isinstance(part, HeldOutTypes)
    assert (part.score.mean, part.score.low, part.score.high, part.splits) == (0.75, 0.0, 1.0, 4)
    counts = [sum(t in held[s] for t in text) for s in range(4)]
    mean, median = float(np.mean(counts)), float(np.median(counts))
    assert part.n == Spread(mean=mean, median=median, low=float(min(counts)), high=float(max(counts)))
    assert min(counts) >= 30
    first = [sum(t in held[s] and c == 0 for c, t in zip(label, text, strict=True)) for s in range(4)]
    assert part.majority is not None
    assert part.majority.mean == pytest.approx(np.mean(np.array(first) / counts))  # class 0 is train's commonest


def test_disjoint_majority_of_equal_classes_is_the_best_one() -> None:
    """Where train has as many rows of each class, the first of them says nothing of rows that are not balanced."""
    label, text = rows()
    train = [(t, i % CLASSES) for i, t in enumerate(TYPES)]
    last = [(t, c) for t, c in zip(text, label, strict=True) if c == CLASSES - 1] * 2
    test = opened([c for _, c in last], [t for t, _ in last], train, predicted=[[0] * len(last)])
    part = disjoint_part(test, Controls({}, {}, {0: reader(0)}))
    assert isinstance(part, HeldOutTypes)
    assert part.majority == Spread(mean=1.0, median=1.0, low=1.0, high=1.0)


@pytest.mark.parametrize(
    ("types", "splits", "reason"),
    [
        (TYPES, 0, "no split was asked for"),
        (TYPES[:3], 3, "fewer than 30 test rows of such types"),
        (["other1", "other2"], 3, "fewer than 30 test rows of such types"),
    ],
)
def test_disjoint_not_measured(types: list[str], splits: int, reason: str) -> None:
    text = [t for t in types for _ in range(REPEATS)]
    label = [0] * len(text)
    test = opened(label, text, TRAIN, predicted=[label])
    part = disjoint_part(test, Controls({}, {}, {s: reader(0) for s in range(splits)}))
    assert isinstance(part, FewHeldOut)
    assert part.text == reason
    assert part.splits <= splits


def controlled(seen: int, unseen: int) -> tuple[OpenedTest, Controls]:
    """The oracle errs on each fourth row, the controls on each third; the set on each second, its controls always."""
    text = [TYPES[i % 30] for i in range(seen)] + [f"new{i}" for i in range(unseen)]
    label = [0] * len(text)
    control = [wrong(draws(s, text), 3) for s in (7, 8)]
    small = [[(c + 2) % CLASSES for c in draws(s, text)] for s in (7, 8)]
    test = opened(label, text, TRAIN, predicted=[wrong(label, 4), *control, wrong(label, 2), *small])
    return test, Controls({7: reader(1), 8: reader(2)}, {7: reader(4), 8: reader(5)}, {})


def test_control_by_hand() -> None:
    test, controls = controlled(120, 60)
    part = control_part(test, reader(0), reader(3), controls)
    assert isinstance(part, Control)
    head, small = part.head, part.minimal_set
    assert isinstance(head, Selectivity)
    assert isinstance(small, Selectivity)
    assert isinstance(part.all, Selectivity)
    assert (head.task, head.control) == pytest.approx((0.75, 2 / 3))
    assert head.selectivity.value == pytest.approx(0.75 - 2 / 3)
    assert (part.draws, head.rows, part.all.rows) == (2, 120, 180)
    assert (small.task, small.control, small.selectivity.value) == pytest.approx((0.5, 0.0, 0.5))
    drawn = [np.bincount(draws(s, [str(t) for t in test.text[:120]])) for s in (7, 8)]
    most = np.mean([counts.max() / 120 for counts in drawn])  # of either draw its own best constant
    assert part.majority == head.majority == pytest.approx(most)


@pytest.mark.parametrize("seen", [0, 1, 29])
def test_control_without_seen_rows(seen: int) -> None:
    test, controls = controlled(seen, 60)
    part = control_part(test, reader(0), reader(3), controls)
    assert isinstance(part, Control)
    assert part.head == NotMeasured.from_text("too few seen rows")
    assert (part.seen, part.minimal_set, part.majority) == (None, None, None)
    assert part.all
    assert part.all.rows == seen + 60


def test_control_without_draws_or_set() -> None:
    test, controls = controlled(60, 0)
    nothing = control_part(test, reader(0), reader(3), Controls({}, {}, {}))
    assert nothing == NotMeasured.from_text("no draw was asked for")
    found = control_part(test, reader(0), None, controls)
    assert isinstance(found, Control)
    assert found.minimal_set is None


def copy_of(seed: int, label: list[int], predicted: list[int]) -> Untrained:
    truth, said = np.array(label, dtype=np.int64), np.array(predicted, dtype=np.int64)
    return Untrained(
        seed=seed,
        lam=0.1,
        validation=0.5,
        converged=True,
        label=truth,
        predicted=said,
        layers=np.stack([said, truth]),
    )


@pytest.mark.parametrize("copies", [0, 1, 2])
def test_natural_by_hand(copies: int) -> None:
    """40 unseen rows, of which the oracle gets 30 and the copies 20 and 10."""
    text = [f"new{i}" for i in range(40)] + ["t0"] * 35
    label = [1] * 40 + [0] * 35
    said = [1] * 30 + [2] * 10 + [0] * 35
    untrained = [copy_of(s, label, [1] * n + [2] * (75 - n)) for s, n in ((0, 20), (1, 10))][:copies]
    part = natural_part(opened(label, text, TRAIN, predicted=[said]), reader(0), untrained)
    assert isinstance(part, UnseenRows)
    assert (part.score.value, part.score.n, part.token_lookup.score.value) == (0.75, 40, 0.0)
    assert part.seen
    assert (part.seen.score.value, part.seen.score.n) == (1.0, 35)
    assert isinstance(part.per_class, dict)
    assert part.per_class["class1"].n == 40
    if not copies:
        assert part.untrained is None
        return
    mean = {1: 0.5, 2: 0.375}[copies]
    assert part.untrained
    assert (part.untrained.score.mean, part.untrained.score.high) == (mean, 0.5)
    gain = part.untrained.gain
    assert gain.value == pytest.approx(0.75 - mean)
    assert 0 < gain.low < gain.value < gain.high


@pytest.mark.parametrize("unseen", [0, 29])
def test_natural_needs_thirty_rows(unseen: int) -> None:
    label = [0] * (unseen + 40)
    test = opened(label, [f"new{i}" for i in range(unseen)] + ["t0"] * 40, TRAIN, predicted=[label])
    part = natural_part(test, reader(0), [copy_of(0, label, label)])
    assert isinstance(part, FewUnseen)
    assert (part.n, part.text) == (unseen, f"{unseen} unseen rows; at least 30 are needed")


def test_few_seen_rows_are_null() -> None:
    label = [0] * 40
    test = opened(label, [f"new{i}" for i in range(38)] + ["t0"] * 2, TRAIN, predicted=[label])
    part = natural_part(test, reader(0), [])
    assert isinstance(part, UnseenRows)
    assert part.seen is None


@pytest.mark.parametrize("cka", [None, np.eye(2)])
def test_general_by_hand(cka: np.ndarray | None) -> None:
    label = [0] * 40
    test = opened(label, ["t0"] * 40, TRAIN, predicted=[label])
    general = GeneralRedundancy(cka, 3, (ClusterProbe(0.3, reader(0, validation=0.7)),))
    (cluster,) = cluster_part(test, general, 5)
    assert (cluster.threshold, cluster.kept, cluster.dead, cluster.validation) == (0.3, 3, 5, 0.7)
    assert (cluster.test.value, cluster.test.n) == (1.0, 40)
    none = NotMeasured.from_text("3 rows; at least 4 are needed")
    assert cka_part(general) == (none if cka is None else ((1.0, 0.0), (0.0, 1.0)))
