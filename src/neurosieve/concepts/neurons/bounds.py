"""The rule of a claim: what a neuron lacks to be called a neuron of a value, in words (METHOD.md).

On train the scores themselves are held to the bounds; on test the lower bounds of their 95 % intervals over files.
"""

import math

from neurosieve.concepts.neurons.resampling import Difference, Interval, Measured

AP, AUROC, ABOVE_RIVAL, Q = 0.8, 0.9, 0.1, 0.05
R2 = 0.7  # of a number; a normal number that is told so well tells its upper half with an AUROC of 0.9


def lacking_on_train(ap: float, auroc: float, q: float) -> str:
    """The first condition on train that fails; empty if none does."""
    if not ap >= AP:
        return f"AP on train {ap:.2f} < {AP}"
    if not auroc >= AUROC:
        return f"AUROC on train {auroc:.2f} < {AUROC}"
    return "" if q <= Q else f"q on train above {Q}"


def lacking_on_validation(ap: float, auroc: float) -> str:
    """The first condition on validation that fails, of a set whose neurons were chosen there."""
    if not ap >= AP:
        return f"AP on validation {ap:.2f} < {AP}"
    return "" if auroc >= AUROC else f"AUROC on validation {auroc:.2f} < {AUROC}"


def lacking_by_score(ap: float, auroc: float, rival: str, rival_ap: float) -> str:
    """The first condition on test that fails by the scores alone: their lower bounds fail as well then."""
    if not ap >= AP:
        return f"AP {ap:.2f} < {AP}"
    if not auroc >= AUROC:
        return f"AUROC {auroc:.2f} < {AUROC}"
    return "" if ap > rival_ap else f"AP {ap:.2f} not above the best rival, {rival} {rival_ap:.2f}"


def lacking_by_bounds(test: Measured, unmeasured: str) -> str:
    """The first lower bound on test that fails; `unmeasured` is why there are none, where that is known."""
    for name, value, interval, least in (
        ("AP", test.ap, test.ap_interval, AP),
        ("AUROC", test.auroc, test.auroc_interval, AUROC),
    ):
        if interval is None:
            return f"not measured: {unmeasured or 'all resamples of files are equal'}"
        if interval[0] < least:
            return f"{name} {value:.2f} {_shown(interval)}: lower bound < {least}"
    return ""


def lacking_above(lead: Difference | None, rival: str) -> str:
    """What fails against the best rival: the lower bound is above 0, and 0.1 or half of what the rival leaves."""
    if lead is None:
        return f"not measured: no interval of the difference from the best rival, {rival}"
    low = lead.interval[0]
    if low > 0 and (low >= ABOVE_RIVAL or lead.above_half >= 0):
        return ""
    least = "above 0" if low <= 0 else f"{ABOVE_RIVAL}, nor half of what the rival leaves"
    return f"{lead.value:.2f} {_shown(lead.interval)} above the best rival, {rival}: lower bound not {least}"


def lacking_number_on_validation(r2: float) -> str:
    """The condition on validation, of a set of neurons for a number."""
    return "" if r2 >= R2 else f"R² on validation {r2:.2f} < {R2}"


def lacking_number(r2: float, interval: Interval | None, rival: str, rival_r2: float) -> str:
    """The first condition on test that fails for a number, but for the interval of its lead over the best rival."""
    if interval is None:
        return "not measured: all test texts are of one file, or all resamples of files are equal"
    if interval[0] < R2:
        return f"R² {r2:.2f} {_shown(interval)}: lower bound < {R2}"
    return "" if r2 > rival_r2 else f"R² {r2:.2f} not above the best rival, {rival} {rival_r2:.2f}"


def _shown(interval: Interval) -> str:
    low, high = (math.floor(100 * interval[0]) / 100, math.ceil(100 * interval[1]) / 100)
    return f"[{low:.2f}, {high:.2f}]"
