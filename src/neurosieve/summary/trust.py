"""The trust box: five questions that a redundancy finding has to pass, and the headline that follows from them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosieve.probes.probe import Probe
from neurosieve.report.numbers import allowed, per_cent
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
    figures = f"oracle {per_cent(record['oracle']['test'])}, at least {per_cent(low)}; majority {per_cent(majority)}"
    return _entry("majority", "Is the oracle above the majority class?", YES if low > majority else NO, figures)


def _above_lookup(record: Record, test: OpenedTest, oracle: Probe) -> dict[str, str]:
    gain = test.difference(test.correct(oracle).astype(np.float64), test.lookup.astype(np.float64))
    figures = (
        f"{_points(gain)} above {_text_baseline(record)} ({per_cent(record['baselines']['token_lookup']['score'])})"
    )
    question = f"Is the oracle above the {lookup_name(record)}?"
    return _entry("lookup", question, YES if gain["interval"][0] > 0 else NO, figures)


def _above_untrained(record: Record) -> dict[str, str]:
    question = "Is the oracle above untrained copies on unseen rows?"
    natural = record["unseen"]["natural"]
    if natural["score"] is None:
        return _entry("untrained", question, OPEN, natural["reason"])
    if natural["untrained"] is None:
        return _entry("untrained", question, OPEN, record["baselines"]["untrained_reason"])
    gain = natural["untrained"]["gain"]
    figures = (
        f"{per_cent(natural['score'])} against {per_cent(natural['untrained']['mean'])}: {_points(gain)}"
        f" (n {natural['n']:,})"
    )
    return _entry("untrained", question, YES if gain["interval"][0] > 0 else NO, figures)


def _selective(record: Record) -> dict[str, str]:
    question = "Is the probe selective on seen rows (task above random labels of the same tokens)?"
    control = record["control"]
    if control["selectivity"] is None:
        return _entry("selectivity", question, OPEN, control["reason"])
    figures = (
        f"task {per_cent(control['task'])}, control {per_cent(control['control'])}"
        f" (its majority {per_cent(control['majority'])}): selectivity {100 * control['selectivity']:.1f} points"
    )
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


def _points(gain: Record) -> str:
    low, high = gain["interval"]
    return f"{100 * gain['value']:.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def headline(record: Record) -> str:
    """The finding in one sentence, chosen by what the trust box says."""
    if record["minimal_sets"] is None:
        return f"Nothing can be said: {record['minimal_sets_reason']}."
    best = record["minimal_sets"][0]
    low = 100 * best["test_loss"]["interval"][0]
    high, value = 100 * best["test_loss"]["interval"][1], 100 * best["test_loss"]["value"]
    share = 100 * (1 - best["size"] / record["neurons"])
    finding = (
        f"{share:.1f} % of {record['neurons']:,} neurons can go: {best['size']} stay within {allowed(best['delta'])}"
        f" of the oracle's {100 * record['oracle']['test']:.1f} %"
        f" (loss on test {value:.2f} points, 95 % interval {low:.2f} to {high:.2f})"
    )
    held = "" if low <= 100 * best["delta"] else " That loss is above what was allowed."
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
