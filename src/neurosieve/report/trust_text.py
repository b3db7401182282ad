"""The sentences of the trust box, and the headline that follows from its answers."""

from neurosieve.report.numbers import metric_of
from neurosieve.report.tables import lookup_name, of_tokens
from neurosieve.results.measured import Difference, NotMeasured
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_controls import Control, FewHeldOut, FewUnseen
from neurosieve.results.redundancy_parts import Answer, Question
from neurosieve.results.redundancy_sets import SmallestSet, UnseenLoss

MUCH = 2.0  # random orders that need fewer than this many times the neurons do nearly as well
ONE_CLUSTER = "test rows are one cluster (file, group), so that no interval can be given; use more"


def question_text(result: RedundancyResult, key: Question) -> str:
    """A question of the trust box, as a reader is asked it."""
    chance = metric_of(result).chance
    return {
        Question.MAJORITY: f"Is the oracle above the {chance}?",
        Question.LOOKUP: f"Is the oracle above the {lookup_name(result)}?",
        Question.UNTRAINED: "Is the oracle above untrained copies on unseen rows?",
        Question.DISJOINT: f"Is a probe above the {chance} on token types held out of its training?",
        Question.SELECTIVITY: "Is the probe selective on seen rows (task above random labels of the same tokens)?",
        Question.LOSS: "Is the smallest set shown to lose no more than was allowed?",
        Question.RANDOM: f"Does the ranking need far fewer neurons than random orders ({MUCH:g} times or more)?",
    }[key]


def figures_text(result: RedundancyResult, key: Question, lookup: Difference) -> str:
    """What the answer to a question rests on, or why there is none.

    Args:
        result: What the study found.
        key: The question.
        lookup: What the oracle has above the text baseline.
    """
    if key is Question.LOOKUP:
        score = metric_of(result).score(result.baselines.token_lookup.score.value)
        return f"{_gain(result, lookup)} above {_text_baseline(result)} ({score})"
    texts = {
        Question.MAJORITY: _above_majority,
        Question.UNTRAINED: _above_untrained,
        Question.DISJOINT: _knows_new_types,
        Question.SELECTIVITY: _selective,
        Question.LOSS: _loses_little,
        Question.RANDOM: _beats_random,
    }
    return texts[key](result)


def _above_majority(result: RedundancyResult) -> str:
    metric, interval = metric_of(result), result.oracle.test.interval
    oracle, most = metric.score(result.oracle.test.value), metric.score(result.baselines.majority)
    chance = f"{metric.chance.removesuffix(' class')} {most}"
    if interval is None:
        return f"oracle {oracle}; {chance}; {ONE_CLUSTER}"
    return f"oracle {oracle}, at least {metric.score(interval[0])}; {chance}"


def _above_untrained(result: RedundancyResult) -> str:
    natural, metric = result.unseen.natural, metric_of(result)
    if isinstance(natural, FewUnseen):
        return natural.text
    if natural.untrained is None:
        copies = result.baselines.untrained
        return copies.text if isinstance(copies, NotMeasured) else ""
    trained, drawn = metric.score(natural.score.value), metric.score(natural.untrained.score.mean)
    return f"{trained} against {drawn}: {_gain(result, natural.untrained.gain)} (n {natural.score.n:,})"


def _knows_new_types(result: RedundancyResult) -> str:
    disjoint, metric = result.unseen.disjoint, metric_of(result)
    if isinstance(disjoint, FewHeldOut):
        return disjoint.text
    majority = metric.ranged(disjoint.majority)
    return f"{metric.ranged(disjoint.score)} over {disjoint.splits} splits; majority {majority}"


def _selective(result: RedundancyResult) -> str:
    head, metric = result.control.head if isinstance(result.control, Control) else result.control, metric_of(result)
    if isinstance(head, NotMeasured):
        return head.text
    task, drawn, most = (metric.score(value) for value in (head.task, head.control, head.majority))
    return f"task {task}, control {drawn} (its majority {most}): selectivity {_gain(result, head.selectivity)}"


def _loses_little(result: RedundancyResult) -> str:
    if isinstance(result.minimal_sets, NotMeasured):
        return result.minimal_sets.text
    best, metric = result.minimal_sets[0], metric_of(result)
    if best.size == result.live:
        return "the set is all live neurons, which is the oracle itself"
    rest = "; too few unseen rows"
    if isinstance(best.unseen, UnseenLoss):
        rest = f"; on unseen rows {_loss(result, best.unseen.loss)}"
    return f"loss {_loss(result, best.loss)}{rest}; allowed {metric.allowed(best.delta)}"


def _beats_random(result: RedundancyResult) -> str:
    if isinstance(result.minimal_sets, NotMeasured):
        return result.minimal_sets.text
    best = result.minimal_sets[0]
    need = best.random_size
    return f"{best.size} against {need.median:g} ({need.low} to {need.high}): {_times_as_many(best)}"


def _times_as_many(best: SmallestSet) -> str:
    """`2.2 × as many [1.6, 3.0]`."""
    low, high = best.times_as_many
    return f"{best.random_size.median / best.size:.1f} × as many [{low:.1f}, {high:.1f}]"


def _gain(result: RedundancyResult, gain: Difference) -> str:
    metric = metric_of(result)
    return metric.gain(gain, f" {metric.points}")


def _loss(result: RedundancyResult, loss: Difference) -> str:
    """A loss with two digits at least, since what is allowed has few."""
    metric = metric_of(result)
    digits = max(2, metric.digits)
    text, interval = f"{metric.number(loss.value, digits)} {metric.points}", loss.interval
    if interval is None:
        return f"{text} (no interval)"
    return f"{text} [{metric.number(interval[0], digits)}, {metric.number(interval[1], digits)}]"


def headline_text(result: RedundancyResult) -> str:
    """The finding in one sentence, chosen by what the trust box says, and no stronger than the intervals are."""
    if isinstance(result.minimal_sets, NotMeasured):
        return f"Nothing can be said: {result.minimal_sets.text}."
    best, metric = result.minimal_sets[0], metric_of(result)
    share, oracle = 100 * (1 - best.size / result.neurons), metric.in_words(result.oracle.test.value)
    loss, allowed = _loss(result, best.loss), metric.allowed(best.delta)
    if best.size == result.live:  # the oracle itself: it loses nothing, and nothing is found
        return (
            f"No set smaller than all {best.size:,} live neurons was found on validation to stay within {allowed} of"
            f" the oracle's {oracle}; {_but(result, best)}."
        )
    if best.within is True:
        finding = (
            f"{share:.1f} % of {result.neurons:,} neurons can go: {best.size} stay within {allowed} of the"
            f" oracle's {oracle} (loss on test {loss})"
        )
    else:
        finding = (
            f"{best.size} of {result.neurons:,} neurons ({100 - share:.1f} %) lose {loss} of the oracle's"
            f" {oracle} on test, which is not shown to be within {allowed}"
        )
    return f"{finding}{_unseen(result, best)}; {_but(result, best)}."


def _unseen(result: RedundancyResult, best: SmallestSet) -> str:
    """Where the set does not hold on unseen rows, that is said at once."""
    if not isinstance(best.unseen, UnseenLoss) or best.unseen.loss.high <= best.delta:
        return ""
    return f"; on rows unseen in train they lose {_loss(result, best.unseen.loss)}"


def _but(result: RedundancyResult, best: SmallestSet) -> str:
    """The control that most limits the finding."""
    answers = {entry.key: entry.answer for entry in result.trust}
    if answers[Question.LOOKUP] is Answer.NO:
        return f"but {_text_baseline(result)} does as well as all neurons"
    if answers[Question.UNTRAINED] is Answer.NO:
        return f"but an untrained copy does as well on {'tokens' if of_tokens(result) else 'code'} unseen in train"
    many = _times_as_many(best)
    ranking_helps = answers[Question.RANDOM] is Answer.YES
    return f"random neurons need {many}" if ranking_helps else f"but random neurons need only {many}"


def _text_baseline(result: RedundancyResult) -> str:
    return "a table of the tokens' texts" if of_tokens(result) else f"a {lookup_name(result)}"
