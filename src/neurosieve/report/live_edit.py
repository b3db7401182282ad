"""An edit of pasted code in words and figures."""

from neurosieve.report.numbers import NONE, count, counted, per_cent
from neurosieve.report.tables import Table, make_table
from neurosieve.results.live_effect import LiveEffect, LivePrediction

_EDITS = {
    "mean": "held at the mean of train rows",
    "zero": "set to zero",
    "raise": "held three standard deviations above the mean of train rows",
}


def live_sentence(effect: LiveEffect) -> str:
    """What the edit did on the whole."""
    n = len(effect.predictions)
    before = sum(p.true_before for p in effect.predictions) / max(n, 1)
    after = sum(p.true_after for p in effect.predictions) / max(n, 1)
    changed = sum(p.before != p.after for p in effect.predictions)
    text = (
        f"{counted(len(effect.neurons), 'neuron')} {_EDITS[effect.edit]}: the prediction of {count(changed)} of"
        f" {counted(n, 'token')} changes; the true one has a mean probability of {per_cent(after)}, {per_cent(before)}"
        " without the edit"
    )
    known = [p.true_random for p in effect.predictions if p.true_random is not None]
    if not known:
        return f"{text}. No random edits: {effect.random_reason}."
    of_random = per_cent(sum(known) / len(known))
    return f"{text}, {of_random} with {counted(effect.random_sets, 'random set')} of like neurons."


def live_table(effect: LiveEffect) -> Table:
    """Each word or sign: what was predicted before and after, beside random edits."""
    rows = [_row(p) for p in effect.predictions]
    heads = ("token", "predicted before", "after", "probability of the true token", "after the edit",
             "after random edits")  # fmt: skip
    return make_table("Predictions before and after the edit", heads, rows)


def _row(p: LivePrediction) -> tuple[str, ...]:
    random = NONE if p.true_random is None else per_cent(p.true_random)
    after = p.after if p.after != p.before else "the same"
    return p.token, p.before, after, per_cent(p.true_before), per_cent(p.true_after), random
