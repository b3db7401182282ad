"""Tables and figures of interventions: pure functions from what a run's edits did."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report.code import marked
from neurosieve.report.concept_figures import rows_of
from neurosieve.report.drawing import Chart, line_at
from neurosieve.report.figure_marks import Axis, Figure, Look, Point
from neurosieve.report.numbers import ACCURACY, NONE, R2, count, counted, neuron, per_cent
from neurosieve.report.tables import Table, make_table
from neurosieve.results.interventions import (
    Effect,
    Guess,
    InterventionResult,
    Loss,
    PredictionEffects,
    ShownPrediction,
    TaskEffect,
    Turned,
)
from neurosieve.results.measured import Difference, NotMeasured

_NAMED = 10  # neurons that were left out
_SCORES = {"property": "has the value or not", "exact": "the exact token"}


def edit_name(result: InterventionResult) -> str:
    """The edit and its concept: `ablate (zero) lexical=number`."""
    how = f" ({result.how})" if result.how else ""
    within = " within ranges" if result.ranges else ""
    return f"{result.edit}{how}{within} {result.concept}"


def with_whole(results: Iterable[InterventionResult]) -> list[InterventionResult]:
    """Each result, and behind one of an edit within ranges that of the same neurons edited anywhere."""
    found: list[InterventionResult] = []
    for result in results:
        found.append(result)
        if result.whole is not None:
            found.append(replace(result, predictions=result.whole, whole=None, ranges=None))
    return found


def any_effects(results: Sequence[InterventionResult]) -> bool:
    """Some edit's effect on predictions was measured."""
    return bool(_measured(results))


def _measured(results: Iterable[InterventionResult]) -> list[tuple[InterventionResult, PredictionEffects]]:
    return [(r, r.predictions) for r in results if isinstance(r.predictions, PredictionEffects)]


def _effects(results: Iterable[InterventionResult]) -> Iterator[tuple[InterventionResult, PredictionEffects, Effect]]:
    return (
        (result, predictions, effect) for result, predictions in _measured(results) for effect in predictions.effects
    )


def intervention_headline(results: Sequence[InterventionResult]) -> str:
    """How many edits move what the model predicts of their concept, and by how much; or that none does."""
    measured = _measured(results)
    if not measured:
        return f"{_edits(len(results))} measured on the task alone"
    moved = [(r, e) for r, _, e in _effects(results) if e.claimed and e.score == "property"]
    turned = [(r, p.turned) for r, p in measured if r.edit == "steer" and p.turned.claimed]
    claimed = len({id(r) for r, _ in (*moved, *turned)})
    if not claimed:
        return _nothing_moved([r for r, _ in measured])
    text = (
        f"{claimed} of {_edits(len(measured))} change{'' if claimed > 1 else 's'} what the model predicts of a concept,"
        " most clearly "
    )
    text = "" if len(measured) == 1 else text
    if not moved:
        best, steered = max(turned, key=lambda pair: pair[1].effect.low)
        more = f"the value is predicted {_at_least(steered.effect)} more often where it is not"
        return f"{text}{edit_name(best)}: {more}"
    result, effect = max(moved, key=lambda pair: pair[1].effect.low)
    fewer = f"{_at_least(effect.effect)} fewer right than under random edits where the value is"
    return f"{text}{edit_name(result)}: {fewer}"


def _nothing_moved(measured: Sequence[InterventionResult]) -> str:
    if all(e.effect.interval is None for _, _, e in _effects(measured)):
        return f"The effect of {_edits(len(measured))} cannot be measured: all held-out units are in one file"
    name = edit_name(measured[0]) if len(measured) == 1 else f"None of {_edits(len(measured))}"
    shown = "is not shown" if len(measured) == 1 else "is shown"
    return f"{name} {shown} to change what the model predicts of a concept more than random edits do"


def _edits(n: int) -> str:
    return counted(n, "edit")


def _points(difference: Difference) -> str:
    if difference.interval is None:
        return f"{ACCURACY.number(difference.value)} (no interval)"
    return ACCURACY.gain(difference)


def _at_least(difference: Difference) -> str:
    """What is claimed is the lower bound."""
    return f"at least {ACCURACY.number(difference.low)} points (measured {_points(difference)})"


def outcome(effect: Effect | Turned) -> str:
    """Whether it is claimed, by how much at least, or what it lacks; files of earlier versions may not say what."""
    if effect.claimed:
        return f"claimed: at least {ACCURACY.number(effect.effect.low)} points"
    if effect.lacking.startswith("not m"):  # not measured, not matched
        return effect.lacking
    return f"not claimed{': ' if effect.lacking else ''}{effect.lacking}"


def _neurons(result: InterventionResult) -> str:
    return f"{count(len(result.neurons))} ({100 * result.share:.1f} %)"


def edit_table(results: Sequence[InterventionResult]) -> Table:
    """Each edit in a row: what it does to predictions of the value, and whether that is claimed."""
    rows = []
    for result in with_whole(results):
        about, predictions = (edit_name(result), count(len(result.neurons))), result.predictions
        if isinstance(predictions, NotMeasured):
            rows.append((*about, NONE, NONE, NONE, NONE, f"predictions not measured: {predictions.text}"))
            continue
        (e,) = (e for e in predictions.effects if e.score == "property")
        effect = f"{_points(e.effect)} (n {count(e.here.base.n)})"
        drops = (ACCURACY.number(e.here.random), ACCURACY.number(e.elsewhere.drop.value))
        verdict = outcome(e)
        if result.edit == "steer":  # which is to turn other tokens
            verdict = f"{outcome(predictions.turned)}; turns {_points(predictions.turned.effect)} points elsewhere"
        rows.append((*about, effect, *drops, _loss(predictions.loss), verdict))
    heads = ("edit", "neurons", "effect, points", "random edits' drop, points", "drop elsewhere, points",
             "loss, nats", "verdict")  # fmt: skip
    return make_table("Edits of concepts", heads, rows)


def effect_table(results: Sequence[InterventionResult]) -> Table:
    """What each edit does to predictions on units with the value and on the others, compared with random edits."""
    rows = []
    for result, predictions, e in _effects(with_whole(results)):
        here, elsewhere, loss = e.here, e.elsewhere, predictions.loss
        rows.append(
            (
                edit_name(result),
                _neurons(result),
                _SCORES[e.score],
                f"{per_cent(here.base.value, here.base.interval)} (n {count(here.base.n)})",
                per_cent(here.edited),
                _points(e.effect),
                f"{ACCURACY.number(here.random)} (95 % below {ACCURACY.number(here.random_95)})",
                f"{ACCURACY.number(elsewhere.drop.value)} (n {count(elsewhere.base.n)})",
                f"{_loss(loss)} (random {loss.random:.2f})",
                outcome(e),
            )
        )
    heads = ("edit", "neurons", "prediction", "right before", "after", "effect, points", "random edits' drop, points",
             "drop elsewhere, points", "loss, nats", "verdict")  # fmt: skip
    return make_table("Edits compared with matched random edits", heads, rows)


def short_effect_table(result: InterventionResult) -> Table:
    """The effects of one edit, one row a figure, for a narrow screen; no row where predictions were not measured."""
    title, heads = f"{edit_name(result)}: {_neurons(result)} neurons", ("predictions", *_SCORES.values())
    predictions = result.predictions
    if isinstance(predictions, NotMeasured):
        return make_table(title, heads, [])
    parts: dict[str, Callable[[Effect], str]] = {
        "right before the edit": lambda e: per_cent(e.here.base.value, e.here.base.interval),
        "right after it": lambda e: per_cent(e.here.edited),
        "effect, points": lambda e: _points(e.effect),
        "random edits' drop, points": lambda e: ACCURACY.number(e.here.random),
        "95 % of them below, points": lambda e: ACCURACY.number(e.here.random_95),
        "drop elsewhere, points": lambda e: ACCURACY.number(e.elsewhere.drop.value),
        "tokens here, elsewhere": lambda e: f"{count(e.here.base.n)}, {count(e.elsewhere.base.n)}",
        "claimed": lambda e: f"at least {ACCURACY.number(e.effect.low)} points" if e.claimed else "no",
    }
    rows = [(name, *map(text, predictions.effects)) for name, text in parts.items()]
    loss = ("loss, nats", _loss(predictions.loss), f"random edits {predictions.loss.random:.2f}")
    return make_table(title, heads, [*rows, loss])


def _loss(loss: Loss) -> str:
    return f"{loss.base:.2f} → {loss.edited:.2f}"


def effect_chart(results: Sequence[InterventionResult]) -> Chart:
    """Drops of each edit here and elsewhere, and those of random edits; none of edits of the task alone."""
    results = with_whole(results)
    rows = rows_of(
        {edit_name(r): [_SCORES[e.score] for e in predictions.effects] for r, predictions in _measured(results)}
    )
    panel = rows.panel(Axis("drop, points"))
    placed = [(rows.place[edit_name(r), _SCORES[e.score]], e) for r, _, e in _effects(results)]
    spans = [Point(100 * e.here.random, at, x2=100 * e.here.random_95) for at, e in placed]
    panel.add("span", spans, Look("band", width=9, opacity=0.6), "random edits, mean to 95 %")
    ends = [(at, _interval_here(e)) for at, e in placed]
    look = Look("series-1")
    panel.add("span", [Point(low, at, x2=high) for at, (low, high) in ends if low < high], look._replace(width=1.5))
    for name, shown, drops in (
        ("where the value is", look, [e.here.drop for _, e in placed]),
        ("elsewhere", Look("series-2", "square", open=True), [e.elsewhere.drop for _, e in placed]),
    ):
        points = [
            Point(100 * d.value, at, text=f"{name}: {_points(d)} points")
            for (at, _), d in zip(placed, drops, strict=True)
        ]
        panel.add("point", points, shown, name)
    line_at(panel, x=0)
    caption = (
        "Drop of predictions that are right, when neurons are edited. Bars are 95 % intervals of what is above random"
        " edits' mean. An edit is claimed if its mark is to the right of the grey bar, and its interval to the right of"
        " the bar's start and of the open square's interval."
    )
    claimed = sum(e.claimed for _, e in placed)
    title = f"{claimed} of {len(placed)} drops are more than matched random edits and the harm elsewhere explain"
    return Chart("effects", title, caption, Figure((panel,)), effect_table(results))


def _interval_here(effect: Effect) -> tuple[float, float]:
    """The interval of the effect, in points, around the drop where the value is."""
    value, drop = effect.effect.value, effect.here.drop.value
    low, high = effect.effect.interval or (value, value)
    return 100 * (drop + low - value), 100 * (drop + high - value)


def measure_table(result: InterventionResult, *, short: bool = False) -> Table:
    """What else was measured of an edit: probability of the value, what is turned, the task, and whether it is gone.

    Args:
        result: What the edit did.
        short: Without what was not measured, and without intervals of the new probe.
    """
    predictions = result.predictions
    rows: list[tuple[str, ...]] = []
    if isinstance(predictions, PredictionEffects):
        mass, turned = predictions.mass, predictions.turned
        for part, name in (
            (mass.here, "probability of the value here"),
            (mass.elsewhere, "the same elsewhere"),
            (turned, f"predicted elsewhere (n {count(turned.n)})"),
        ):
            rows.append((name, per_cent(part.base), per_cent(part.edited), per_cent(part.random)))
    tasks = ((result.probe, "the run's probe"), (result.head, "the model's own head"))
    rows += [_task_row(task, name) for task, name in tasks if not (short and isinstance(task, NotMeasured))]
    if gone := result.erasure:
        scores = (
            per_cent(probe.score, None if short else probe.interval)
            for probe in (gone.before, gone.after, gone.control)
        )
        guess = per_cent(gone.majority)
        rows.append((f"a new probe on layer {gone.layer} (n {count(gone.n)}, guess {guess})", *scores))
    return make_table("More of this edit", ("", "before", "after", "random edits"), rows)


def _task_row(task: TaskEffect | NotMeasured, name: str) -> tuple[str, str, str, str]:
    if isinstance(task, NotMeasured):
        return name, f"not measured: {task.text}", NONE, NONE
    metric = R2 if task.score == "r2" else ACCURACY
    drawn = f"drop {metric.number(task.random)} {metric.points} (95 % below {metric.number(task.random_95)})"
    before = metric.score(task.base.value, task.base.interval)
    return f"{name}, {metric.name} (n {count(task.base.n)})", before, metric.score(task.edited), drawn


def intervention_cards(results: Sequence[InterventionResult]) -> list[dict[str, Any]]:
    """What the page shows of each edit besides the table of all edits."""
    return [
        {
            "title": f"{edit_name(r)}: {_neurons(r)} neurons",
            "about": f"{_place(r)}; chosen by {r.chosen_by}; {matching_note(r)}.",
            "measures": measure_table(r),
            "examples": [] if isinstance(r.predictions, NotMeasured) else [_example(e) for e in r.predictions.examples],
        }
        for r in results
    ]


def effect_html(result: InterventionResult) -> Markup:
    """An edit as a notebook shows it."""
    tables = (*map(short_effect_table, with_whole([result])), measure_table(result))
    return Markup("<p><b>{}</b></p>").format(visible(intervention_headline([result]))) + Markup("").join(
        table.to_html() for table in tables if table.rows
    )


def _place(result: InterventionResult) -> str:
    layers = ", ".join(f"layer {k}: {count(n)}" for k, n in enumerate(result.layers) if n)
    where = "all tokens" if result.at == "all" else "the places where tokens are predicted"
    return f"Neurons of {layers}; edited at {where}"


def matching_note(result: InterventionResult, *, named: int = _NAMED) -> str:
    """How like the edit its random edits are, and which neurons had none like them.

    Args:
        result: What the edit did.
        named: So many of those neurons at most.
    """
    matching = result.matching
    if matching is None:
        return f"{count(result.random_sets)} random edits; how similar they are is not known"
    of = f" ({count(matching.distinct_sets)} different)" if matching.distinct_sets < matching.sets else ""
    near = f"within a factor of {matching.worst:.2f}, median {matching.median:.2f}"
    text = f"{count(matching.sets)} random edits{of}, matched in {matching.by} {near}"
    if not (left_out := matching.unmatched):
        return text
    more = f" and {count(len(left_out) - named)} more" if len(left_out) > named else ""
    shown = f" ({', '.join(map(neuron, left_out[:named]))}{more})" if named else ""
    return f"{text}; left out, since no other neuron has a similar variance: {count(len(left_out))}{shown}"


def _example(example: ShownPrediction) -> dict[str, Any]:
    kind = "with the value" if example.has_value else "without it"
    return {
        "place": f"{example.example}, line {example.line}, {kind}",
        "code": marked(example.before_text, example.token, example.after_text),
        "base": _guesses(example.base),
        "edited": _guesses(example.edited),
    }


def _guesses(guesses: Sequence[Guess]) -> str:
    return ", ".join(f"{guess.token!r} {per_cent(guess.probability)}" for guess in guesses)
