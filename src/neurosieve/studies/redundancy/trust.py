"""The trust box: seven questions that a redundancy finding has to pass, and the headline that follows from them."""

from collections.abc import Mapping
from typing import Any

from neurosieve.probes.probe import Probe
from neurosieve.report.numbers import metric_of
from neurosieve.report.tables import lookup_name, of_tokens
from neurosieve.studies.redundancy.opened import OpenedTest

YES, WEAKLY, NO, OPEN = "yes", "weakly", "no", "not measured"
MUCH = 2.0  # random orders that need fewer than this many times the neurons do nearly as well
SELECTIVE = 0.05  # METHOD.md: at least so much, or half of what the control leaves, by the lower bound
ONE_CLUSTER = "test rows are one cluster (file, group), so that no interval can be given; use more"

Record = Mapping[str, Any]


def trust_box(record: Record, test: OpenedTest, oracle: Probe) -> list[dict[str, str]]:
    """Questions with answer and figures, first in every summary."""
    return [
        _above_majority(record),
        _above_lookup(record, test, oracle),
        _above_untrained(record),
        _knows_new_types(record),
        _selective(record),
        _loses_little(record),
        _beats_random(record),
    ]


def _entry(key: str, question: str, answer: str, figures: str) -> dict[str, str]:
    return {"key": key, "question": question, "answer": answer, "figures": figures}


def _positive(gain: Record) -> str:
    """Is a difference above 0 by its interval?"""
    interval = gain["interval"]
    return OPEN if interval is None else YES if interval[0] > 0 else NO


def _above_majority(record: Record) -> dict[str, str]:
    metric, interval, majority = metric_of(record), record["oracle"]["interval"], record["baselines"]["majority"]
    question = f"Is the oracle above the {metric.chance}?"
    oracle, most = (metric.score(v) for v in (record["oracle"]["test"], majority))
    chance = f"{metric.chance.removesuffix(' class')} {most}"
    if interval is None:
        return _entry("majority", question, OPEN, f"oracle {oracle}; {chance}; {ONE_CLUSTER}")
    figures = f"oracle {oracle}, at least {metric.score(interval[0])}; {chance}"
    return _entry("majority", question, YES if interval[0] > majority else NO, figures)


def _above_lookup(record: Record, test: OpenedTest, oracle: Probe) -> dict[str, str]:
    gain = test.difference(test.row_scores(oracle), test.lookup)
    score = metric_of(record).score(record["baselines"]["token_lookup"]["score"])
    figures = f"{_gain(record, gain)} above {_text_baseline(record)} ({score})"
    return _entry("lookup", f"Is the oracle above the {lookup_name(record)}?", _positive(gain), figures)


def _above_untrained(record: Record) -> dict[str, str]:
    question = "Is the oracle above untrained copies on unseen rows?"
    natural = record["unseen"]["natural"]
    if natural["score"] is None:
        return _entry("untrained", question, OPEN, natural["reason"])
    if natural["untrained"] is None:
        return _entry("untrained", question, OPEN, record["baselines"]["untrained_reason"])
    gain, metric = natural["untrained"]["gain"], metric_of(record)
    trained, drawn = metric.score(natural["score"]), metric.score(natural["untrained"]["mean"])
    figures = f"{trained} against {drawn}: {_gain(record, gain)} (n {natural['n']:,})"
    return _entry("untrained", question, _positive(gain), figures)


def _knows_new_types(record: Record) -> dict[str, str]:
    disjoint, metric = record["unseen"]["disjoint"], metric_of(record)
    question = f"Is a probe above the {metric.chance} on token types held out of its training?"
    if disjoint["mean"] is None:
        return _entry("disjoint", question, OPEN, disjoint["reason"])
    majority = disjoint["majority"]
    figures = f"{metric.ranged(disjoint)} over {disjoint['splits']} splits; majority {metric.ranged(majority)}"
    return _entry("disjoint", question, YES if disjoint["lo"] > majority["hi"] else NO, figures)


def _selective(record: Record) -> dict[str, str]:
    question = "Is the probe selective on seen rows (task above random labels of the same tokens)?"
    control = record["control"]
    if control["selectivity"] is None:
        return _entry("selectivity", question, OPEN, control["reason"])
    metric = metric_of(record)
    task, drawn, most = (metric.score(control[key]) for key in ("task", "control", "majority"))
    gain = _gain(record, {"value": control["selectivity"], "interval": control["interval"]})
    figures = f"task {task}, control {drawn} (its majority {most}): selectivity {gain}"
    if control["interval"] is None:
        return _entry("selectivity", question, OPEN, figures)
    low = control["interval"][0]
    enough = low >= min(SELECTIVE, (1 - control["control"]) / 2)
    answer = YES if low > 0 and enough else WEAKLY if low > 0 else NO
    return _entry("selectivity", question, answer, figures)


def _loses_little(record: Record) -> dict[str, str]:
    question = "Is the smallest set shown to lose no more than was allowed?"
    if not record["minimal_sets"]:
        return _entry("loss", question, OPEN, record["minimal_sets_reason"])
    best, metric = record["minimal_sets"][0], metric_of(record)
    if _is_all(record, best):
        return _entry("loss", question, OPEN, "the set is all live neurons, which is the oracle itself")
    unseen = best["unseen_natural"]
    rest = f"; on unseen rows {_loss(record, unseen['loss'])}" if unseen else "; too few unseen rows"
    figures = f"loss {_loss(record, best['test_loss'])}{rest}; allowed {metric.allowed(best['delta'])}"
    if best["within"] is None:
        return _entry("loss", question, OPEN, figures)
    there = unseen is None or within(unseen["loss"], best["delta"])
    return _entry("loss", question, NO if not best["within"] else YES if there else WEAKLY, figures)


def _is_all(record: Record, found: Record) -> bool:
    return bool(found["size"] == record["neurons"] - record["dead"])


def within(loss: Record, delta: float) -> bool:
    """Is a loss shown to be within delta, by its interval's upper end?"""
    return loss["interval"] is not None and bool(loss["interval"][1] <= delta)


def _beats_random(record: Record) -> dict[str, str]:
    question = f"Does the ranking need far fewer neurons than random orders ({MUCH:g} times or more)?"
    if not record["minimal_sets"]:
        return _entry("random", question, OPEN, record["minimal_sets_reason"])
    best = record["minimal_sets"][0]
    need, (low, _) = best["random_size"], _times_range(best)
    figures = f"{best['size']} against {need['median']:g} ({need['lo']} to {need['hi']}): {times_as_many(best)}"
    fewer = best["size"] < need["lo"]
    answer = YES if fewer and low >= MUCH else WEAKLY if fewer and low > 1 else NO
    return _entry("random", question, answer, figures)


def _times_range(best: Record) -> tuple[float, float]:
    """How many times the neurons random orders need: the range over resamples, or over orders where there is none."""
    need = best["random_size"]
    if need.get("ratio_range"):
        low, high = need["ratio_range"]
        return 1 / high, 1 / low
    return need["lo"] / best["size"], need["hi"] / best["size"]


def times_as_many(best: Record) -> str:
    """`2.2 × as many [1.6, 3.0]`."""
    low, high = _times_range(best)
    return f"{best['random_size']['median'] / best['size']:.1f} × as many [{low:.1f}, {high:.1f}]"


def _gain(record: Record, gain: Record) -> str:
    metric = metric_of(record)
    return metric.gain(gain, f" {metric.points}")


def _loss(record: Record, loss: Record) -> str:
    """A loss with two digits at least, since what is allowed has few."""
    metric = metric_of(record)
    digits = max(2, metric.digits)
    text, interval = f"{metric.number(loss['value'], digits)} {metric.points}", loss["interval"]
    if interval is None:
        return f"{text} (no interval)"
    return f"{text} [{metric.number(interval[0], digits)}, {metric.number(interval[1], digits)}]"


def headline(record: Record) -> str:
    """The finding in one sentence, chosen by what the trust box says, and no stronger than the intervals are."""
    if record["minimal_sets"] is None:
        return f"Nothing can be said: {record['minimal_sets_reason']}."
    best, metric = record["minimal_sets"][0], metric_of(record)
    share, oracle = 100 * (1 - best["size"] / record["neurons"]), metric.told(record["oracle"]["test"])
    loss, allowed = _loss(record, best["test_loss"]), metric.allowed(best["delta"])
    if _is_all(record, best):  # the oracle itself: it loses nothing, and nothing is found
        return (
            f"No set smaller than all {best['size']:,} live neurons was found on validation to stay within {allowed} of"
            f" the oracle's {oracle}; {_but(record)}."
        )
    if best["within"]:
        finding = (
            f"{share:.1f} % of {record['neurons']:,} neurons can go: {best['size']} stay within {allowed} of the"
            f" oracle's {oracle} (loss on test {loss})"
        )
    else:
        finding = (
            f"{best['size']} of {record['neurons']:,} neurons ({100 - share:.1f} %) lose {loss} of the oracle's"
            f" {oracle} on test, which is not shown to be within {allowed}"
        )
    return f"{finding}{_unseen(record, best)}; {_but(record)}."


def _unseen(record: Record, best: Record) -> str:
    """Where the set does not hold on unseen rows, that is said at once."""
    unseen = best["unseen_natural"]
    if unseen is None or within(unseen["loss"], best["delta"]):
        return ""
    return f"; on rows unseen in train they lose {_loss(record, unseen['loss'])}"


def _but(record: Record) -> str:
    """The control that most limits the finding."""
    said = {entry["key"]: entry["answer"] for entry in record["trust"]}
    if said["lookup"] == NO:
        return f"but {_text_baseline(record)} does as well as all neurons"
    if said["untrained"] == NO:
        return f"but an untrained copy does as well on {'tokens' if of_tokens(record) else 'code'} unseen in train"
    many = times_as_many(record["minimal_sets"][0])
    return f"random neurons need {many}" if said["random"] == YES else f"but random neurons need only {many}"


def _text_baseline(record: Record) -> str:
    return "a table of the tokens' texts" if of_tokens(record) else f"a {lookup_name(record)}"
