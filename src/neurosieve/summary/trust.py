"""The trust box: five questions that a redundancy finding has to pass, and the headline that follows from them."""

from collections.abc import Mapping
from typing import Any

from neurosieve.probes.probe import Probe
from neurosieve.report.numbers import metric_of
from neurosieve.report.tables import lookup_name, of_tokens
from neurosieve.summary.opened import OpenedTest

YES, NO, OPEN = "yes", "no", "not measured"
MUCH = 2.0  # random orders that need fewer than this many times the neurons do nearly as well

Record = Mapping[str, Any]


def trust_box(record: Record, test: OpenedTest, oracle: Probe) -> list[dict[str, str]]:
    """Questions with answer and figures, first in every summary."""
    return [
        _above_majority(record),
        _above_lookup(record, test, oracle),
        _above_untrained(record),
        _selective(record),
        _beats_random(record),
    ]


def _entry(key: str, question: str, answer: str, figures: str) -> dict[str, str]:
    return {"key": key, "question": question, "answer": answer, "figures": figures}


def _above_majority(record: Record) -> dict[str, str]:
    low, majority = record["oracle"]["interval"][0], record["baselines"]["majority"]
    metric = metric_of(record)
    oracle, least, most = (metric.score(v) for v in (record["oracle"]["test"], low, majority))
    figures = f"oracle {oracle}, at least {least}; {metric.chance.removesuffix(' class')} {most}"
    return _entry("majority", f"Is the oracle above the {metric.chance}?", YES if low > majority else NO, figures)


def _above_lookup(record: Record, test: OpenedTest, oracle: Probe) -> dict[str, str]:
    gain = test.difference(test.row_scores(oracle), test.lookup)
    score = metric_of(record).score(record["baselines"]["token_lookup"]["score"])
    figures = f"{_gain(record, gain)} above {_text_baseline(record)} ({score})"
    question = f"Is the oracle above the {lookup_name(record)}?"
    return _entry("lookup", question, YES if gain["interval"][0] > 0 else NO, figures)


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
    return _entry("untrained", question, YES if gain["interval"][0] > 0 else NO, figures)


def _selective(record: Record) -> dict[str, str]:
    question = "Is the probe selective on seen rows (task above random labels of the same tokens)?"
    control = record["control"]
    if control["selectivity"] is None:
        return _entry("selectivity", question, OPEN, control["reason"])
    metric = metric_of(record)
    task, drawn, most = (metric.score(control[key]) for key in ("task", "control", "majority"))
    gain = f"{metric.number(control['selectivity'])} {metric.points}"
    figures = f"task {task}, control {drawn} (its majority {most}): selectivity {gain}"
    return _entry("selectivity", question, YES if control["interval"][0] > 0 else NO, figures)


def _beats_random(record: Record) -> dict[str, str]:
    question = "Does the ranking need far fewer neurons than random orders?"
    if not record["minimal_sets"]:
        return _entry("random", question, OPEN, record["minimal_sets_reason"])
    best = record["minimal_sets"][0]
    need = best["random_size"]
    figures = (
        f"{best['size']} against {need['median']:g} ({need['lo']} to {need['hi']}):"
        f" {need['median'] / best['size']:.1f} × as many"
    )
    fewer = best["size"] * MUCH <= need["median"] and best["size"] < need["lo"]
    return _entry("random", question, YES if fewer else NO, figures)


def _gain(record: Record, gain: Record) -> str:
    metric = metric_of(record)
    return metric.gain(gain, f" {metric.points}")


def headline(record: Record) -> str:
    """The finding in one sentence, chosen by what the trust box says."""
    if record["minimal_sets"] is None:
        return f"Nothing can be said: {record['minimal_sets_reason']}."
    best, metric = record["minimal_sets"][0], metric_of(record)
    loss = best["test_loss"]
    value, low, high = (metric.number(v, max(2, metric.digits)) for v in (loss["value"], *loss["interval"]))
    share = 100 * (1 - best["size"] / record["neurons"])
    finding = (
        f"{share:.1f} % of {record['neurons']:,} neurons can go: {best['size']} stay within"
        f" {metric.allowed(best['delta'])} of the oracle's {metric.told(record['oracle']['test'])}"
        f" (loss on test {value} {metric.points}, 95 % interval {low} to {high})"
    )
    held = "" if loss["interval"][0] <= best["delta"] else " That loss is above what was allowed."
    return f"{finding}; {_but(record)}.{held}"


def _but(record: Record) -> str:
    """The control that most limits the finding."""
    said = {entry["key"]: entry["answer"] for entry in record["trust"]}
    if said["lookup"] == NO:
        return f"but {_text_baseline(record)} does as well as all neurons"
    if said["untrained"] == NO:
        return f"but an untrained copy does as well on {'tokens' if of_tokens(record) else 'code'} unseen in train"
    ratio = record["minimal_sets"][0]["random_size"]["median"] / record["minimal_sets"][0]["size"]
    if said["random"] == NO:
        return f"but random neurons of {ratio:.1f} × the size do as well"
    return f"random neurons need {ratio:.1f} × as many"


def _text_baseline(record: Record) -> str:
    return "a table of the tokens' texts" if of_tokens(record) else f"a {lookup_name(record)}"
