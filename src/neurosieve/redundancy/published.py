"""What the published study (arXiv 2305.00875) chose, compared with the sound default, and how much each choice changes.

Everything here looks at test scores on purpose, because the study's code does; nothing of it reaches the sound result.
"""

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.data.control_labels import among, control_labels, held_out_types
from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import KKT_TOLERANCE, Oracle, Probe, fit_probe
from neurosieve.probes.solver import Solution, null_gradient, one_hot, solve
from neurosieve.progress import track
from neurosieve.rankings.base import Ranking
from neurosieve.results.redundancy_rankings import Choice, Number, Published, PublishedOracle, PublishedSet

REPEATS = 15
PENALTIES = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
# Penalties below this leave nearly all weights non-zero and do not converge in reasonable time; the study's own
# optimiser stops after ten epochs there.
LEAST = 1e-3


@dataclass(frozen=True)
class TestRows:
    """The opened test split, which only this module shows to a selection."""

    x: Float[Tensor, "neurons rows"]
    label: Int[np.ndarray, " rows"]
    text: np.ndarray

    __test__ = False  # not a test, whatever pytest thinks of the name


@dataclass(frozen=True, kw_only=True)
class SoundResult:
    """What the study's choices are compared with.

    Attributes:
        oracle: Its accuracy on test.
        size: Of the first smallest set.
        test: Accuracy of that set on test.
        delta: Loss that it was allowed.
        seed: Of the study.
    """

    oracle: float
    size: int
    test: float
    delta: float
    seed: int


def study_sizes(total: int) -> list[int]:
    """The study's grid of m: 0.1 % … 10 % in steps of 0.2 %; then coarser, here 15, 20, 25 … 50, 60, 75 and 100 %."""
    shares = [*np.arange(0.1, 10.01, 0.2), 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 100]
    return sorted({max(1, round(total * s / 100)) for s in shares})


def published_protocol(
    data: SelectionData,
    test: TestRows,
    oracle: Oracle,
    ranking: Ranking,
    control: Sequence[Probe],
    sound: SoundResult,
) -> Published:
    """The study's result and a table of its choices.

    Args:
        data: Train and validation.
        test: The opened test split.
        oracle: The sound one.
        ranking: LCA by the sound oracle.
        control: The sound control task's probes on all neurons, by seed from 0 on.
        sound: The sound result.
    """
    grid = _grid_oracle(data, test)
    chosen = _smallest_on_test(data, test, oracle, ranking, sound.delta)
    repeats = _repeats(data, test, oracle)
    by_size, best = "size chosen on test, by a grid of per cents", f"best of {REPEATS} repeats on test"
    return Published(
        protocol="published",
        oracle=PublishedOracle(test=grid[0], l1=grid[1], l2=grid[2], grid=tuple(p for p in PENALTIES if p >= LEAST)),
        minimal_set=chosen,
        choices=(
            _choice("λ grid of the study, chosen on test", "oracle accuracy", sound.oracle, grid[0]),
            _choice(by_size, "neurons", sound.size, chosen.size),
            _choice(by_size, "accuracy of the set", sound.test, chosen.test),
            replace(_choice(best, "oracle accuracy", sound.oracle, max(repeats)), repeats=tuple(repeats)),
            *_keyword_choice(data, test, oracle, sound.seed),
            *_control_choice(data, test, control, sound),
        ),
    )


def _choice(name: str, what: str, sound: Number, published: Number) -> Choice:
    return Choice(choice=name, figure=what, sound=sound, published=published, moved=published - sound)


def _unknown(name: str, what: str, reason: str) -> Choice:
    return Choice(choice=name, figure=what, sound=None, published=None, moved=None, reason=reason)


def _accuracy(probe: Probe, test: TestRows, rows: Bool[np.ndarray, " rows"] | None = None) -> float:
    hits = probe.row_scores(test.x, test.label)
    return float(hits.mean() if rows is None else hits[rows].mean())


def _grid_oracle(data: SelectionData, test: TestRows) -> tuple[float, float, float]:
    """The best test accuracy over the study's penalties, with them."""
    y = one_hot(data.label, data.classes, data.x)
    tolerance = KKT_TOLERANCE * 2 * null_gradient(data.x, y)
    best = (-1.0, 0.0, 0.0)
    solved: tuple[Solution, ...] = ()
    for l2 in sorted((p for p in PENALTIES if p >= LEAST), reverse=True):
        for l1 in sorted((p for p in PENALTIES if p >= LEAST), reverse=True):
            solution = solve(data.x, y, l1, l2, tolerance, *solved)
            solved = (solution,)
            scores = solution.weights.T @ test.x + solution.intercept[:, None]
            best = max(best, (float((scores.argmax(0).cpu().numpy() == test.label).mean()), l1, l2))
    return best


def _smallest_on_test(
    data: SelectionData, test: TestRows, oracle: Oracle, ranking: Ranking, delta: float
) -> PublishedSet:
    """The first size of the study's grid within delta of the oracle on test."""
    least = _accuracy(oracle.probe, test) - delta - 1e-12
    for size in study_sizes(len(ranking.order)):
        probe, _ = fit_probe(data, ranking.order[:size], oracle.lambdas)
        score = _accuracy(probe, test)
        if score >= least:
            break
    return PublishedSet(size=size, test=score, reduction=1 - size / len(ranking.order))


def _repeats(data: SelectionData, test: TestRows, oracle: Oracle) -> list[float]:
    """Test accuracies of the oracle over repeats.

    The study repeats a stochastic optimiser; a convex problem has one answer, so train rows are resampled instead.
    """
    everything, scores = np.arange(len(data.neurons)), []
    for seed in track(range(REPEATS), "repeats"):
        rows = np.random.default_rng(seed).integers(0, len(data.label), len(data.label))
        probe, _ = fit_probe(_resampled(data, rows), everything, [oracle.probe.lam])
        scores.append(_accuracy(probe, test))
    return scores


def _resampled(data: SelectionData, rows: Int[np.ndarray, " rows"]) -> SelectionData:
    index = data.label.new_tensor(rows)
    return replace(data, x=data.x.index_select(1, index), label=data.label[index], text=data.text[rows])


def _keyword_choice(data: SelectionData, test: TestRows, oracle: Oracle, seed: int) -> Iterator[Choice]:
    """Keyword types held apart between train and test: by Python's list, as the study does for Java, and by label."""
    name, what = "Python's keyword list", "recall of held-out keyword types"
    label = data.label.cpu().numpy()
    numbers = {int(c) for c in np.unique(label)}
    words = [c for c in numbers if _is_keyword_class(data, c)]
    if not words:
        yield _unknown(name, what, "no class that holds keywords")
        return
    number = words[0]
    held = held_out_types(data.text, label, seed) & set(data.text[label == number])
    listed = {t for t in held if keyword.iskeyword(t)}
    rows = among(test.text, held) & (test.label == number)
    if not rows.any():
        yield _unknown(name, what, "no test row of a held-out keyword")
        return
    scores = []
    for types in (held, listed):
        rest = data.rows(~among(data.text, types), ~among(data.text_validation, types))
        probe, _ = fit_probe(rest, np.arange(len(data.neurons)), oracle.lambdas)
        scores.append(_accuracy(probe, test, rows))
    choice = _choice(name, what, *scores)
    yield replace(choice, n=int(rows.sum()), held_out=len(held), of_them_listed=len(listed))


def _is_keyword_class(data: SelectionData, number: int) -> bool:
    """A class most of whose rows are words of some language's fixed list: few types, all of them words, many listed."""
    text = data.text[data.label.cpu().numpy() == number]
    types = set(text)
    listed = sum(keyword.iskeyword(t) for t in types)
    return len(types) <= 80 and all(t.isidentifier() for t in types) and listed >= 0.1 * len(types)


def _control_choice(
    data: SelectionData, test: TestRows, control: Sequence[Probe], sound: SoundResult
) -> Iterator[Choice]:
    """Control labels drawn again for test: the control falls to chance, so that selectivity looks larger."""
    name, what = "control labels drawn for each split", "selectivity"
    if not control:
        yield _unknown(name, what, "no draw was asked for")
        return
    share = np.bincount(data.label.cpu().numpy(), minlength=data.classes) / len(data.label)
    same, anew = [], []
    for seed, probe in enumerate(control, start=sound.seed):
        predicted = probe.predict(test.x)
        same.append(float((predicted == control_labels(test.text, share, seed)).mean()))
        anew.append(float((predicted == control_labels(test.text, share, seed + 10**6)).mean()))
    yield _choice(name, what, sound.oracle - float(np.mean(same)), sound.oracle - float(np.mean(anew)))
