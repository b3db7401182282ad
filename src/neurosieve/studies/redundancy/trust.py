"""The answers of the trust box: seven questions that a redundancy finding has to pass."""

from neurosieve.report.trust_text import MUCH, figures_text, question_text
from neurosieve.results.measured import Difference, NotMeasured
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_controls import Control, FewHeldOut, FewUnseen
from neurosieve.results.redundancy_parts import Answer, Question, TrustEntry
from neurosieve.results.redundancy_sets import UnseenLoss

SELECTIVE = 0.05  # METHOD.md: at least so much, or half of what the control leaves, by the lower bound


def trust_box(result: RedundancyResult, lookup: Difference) -> tuple[TrustEntry, ...]:
    """Questions with answers and figures, first in every result.

    Args:
        result: What the study found, without its trust box.
        lookup: What the oracle has above the text baseline on test rows.
    """
    answers = {
        Question.MAJORITY: _above_majority(result),
        Question.LOOKUP: _positive(lookup),
        Question.UNTRAINED: _above_untrained(result),
        Question.DISJOINT: _knows_new_types(result),
        Question.SELECTIVITY: _selective(result),
        Question.LOSS: _loses_little(result),
        Question.RANDOM: _beats_random(result),
    }
    return tuple(
        TrustEntry(
            key=key,
            question=question_text(result, key),
            answer=answer,
            figures=figures_text(result, key, lookup),
        )
        for key, answer in answers.items()
    )


def _positive(gain: Difference) -> Answer:
    """Is a difference above 0 by its interval?"""
    return Answer.OPEN if gain.interval is None else Answer.YES if gain.low > 0 else Answer.NO


def _above_majority(result: RedundancyResult) -> Answer:
    interval = result.oracle.test.interval
    if interval is None:
        return Answer.OPEN
    return Answer.YES if interval[0] > result.baselines.majority else Answer.NO


def _above_untrained(result: RedundancyResult) -> Answer:
    natural = result.unseen.natural
    if isinstance(natural, FewUnseen) or natural.untrained is None:
        return Answer.OPEN
    return _positive(natural.untrained.gain)


def _knows_new_types(result: RedundancyResult) -> Answer:
    """In every split above the majority of every split."""
    disjoint = result.unseen.disjoint
    if isinstance(disjoint, FewHeldOut) or disjoint.majority is None:
        return Answer.OPEN
    return Answer.YES if disjoint.score.low > disjoint.majority.high else Answer.NO


def _selective(result: RedundancyResult) -> Answer:
    head = result.control.head if isinstance(result.control, Control) else result.control
    if isinstance(head, NotMeasured) or head.selectivity.interval is None:
        return Answer.OPEN
    low = head.selectivity.low
    enough = low >= min(SELECTIVE, (1 - head.control) / 2)
    return Answer.YES if low > 0 and enough else Answer.WEAKLY if low > 0 else Answer.NO


def _loses_little(result: RedundancyResult) -> Answer:
    if isinstance(result.minimal_sets, NotMeasured):
        return Answer.OPEN
    best = result.minimal_sets[0]
    if best.size == result.live or not isinstance(best.within, bool):
        return Answer.OPEN
    there = not isinstance(best.unseen, UnseenLoss) or best.unseen.loss.high <= best.delta
    return Answer.NO if not best.within else Answer.YES if there else Answer.WEAKLY


def _beats_random(result: RedundancyResult) -> Answer:
    if isinstance(result.minimal_sets, NotMeasured):
        return Answer.OPEN
    best = result.minimal_sets[0]
    low, _ = best.times_as_many
    fewer = best.size < best.random_size.low
    return Answer.YES if fewer and low >= MUCH else Answer.WEAKLY if fewer and low > 1 else Answer.NO
