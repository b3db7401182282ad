"""Tables and figures of interventions: pure functions from the contents of a run's `interventions`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from neurosieve.report.code import marked
from neurosieve.report.concept_figures import rows_of
from neurosieve.report.drawing import Chart, axes, colour
from neurosieve.report.numbers import ACCURACY, NONE, R2, count, neuron, per_cent
from neurosieve.report.tables import Record, Table, make_table

_NAMED = 10  # neurons that were left out
_SCORES = {"property": "has the value or not", "exact": "the very token"}


def edit_name(record: Record) -> str:
    """The edit and its concept: `ablate (zero) lexical=number`."""
    how = f" ({record['how']})" if record.get("how") else ""
    return f"{record['edit']}{how} {record['concept']}"


def _effects(records: Iterable[Record]) -> Iterator[tuple[Record, Record]]:
    return ((record, effect) for record in records for effect in record["effects"] or ())


def intervention_headline(records: Sequence[Record]) -> str:
    """How many edits move what the model predicts of their concept, and by how much; or that none does."""
    measured = [r for r in records if r["effects"]]
    if not measured:
        return f"{_edits(len(records))} measured on the task alone"
    moved = [(r, e) for r, e in _effects(measured) if e["claimed"] and e["score"] == "property"]
    turned = [r for r in measured if r["edit"] == "steer" and r["turned"]["claimed"]]
    found = len({id(r) for r in (*(r for r, _ in moved), *turned)})
    if not found:
        return _nothing_moved(measured)
    text = f"{found} of {_edits(len(measured))} move{'' if found > 1 else 's'} what the model predicts of a concept"
    if not moved:
        best = max(turned, key=lambda r: r["turned"]["interval"][0])
        more = f"the value is predicted {_at_least(best['turned'])} more often where it is not"
        return f"{text}, most clearly {edit_name(best)}: {more}"
    record, effect = max(moved, key=lambda pair: pair[1]["interval"][0])
    fewer = f"{_at_least(effect)} fewer right than under random edits where the value is"
    return f"{text}, most clearly {edit_name(record)}: {fewer}"


def _nothing_moved(measured: Sequence[Record]) -> str:
    if all(e["interval"] is None for _, e in _effects(measured)):
        return f"What {_edits(len(measured))} would move cannot be measured: all held-out units lie in one file"
    name = edit_name(measured[0]) if len(measured) == 1 else f"None of {_edits(len(measured))}"
    shown = "is not shown" if len(measured) == 1 else "is shown"
    return f"{name} {shown} to move what the model predicts of a concept more than random edits do"


def _edits(n: int) -> str:
    return f"{n} edit{'s' if n > 1 else ''}"


def _points(effect: Record) -> str:
    if effect["interval"] is None:
        return f"{ACCURACY.number(effect['effect'])} (no interval)"
    return ACCURACY.gain({"value": effect["effect"], "interval": effect["interval"]})


def _at_least(effect: Record) -> str:
    """What is claimed is the lower bound."""
    return f"at least {ACCURACY.number(effect['interval'][0])} points (measured {_points(effect)})"


def _outcome(effect: Record) -> str:
    """Whether it is claimed, by how much at least, or what it lacks; older records may not say what."""
    if effect["claimed"]:
        return f"claimed: at least {ACCURACY.number(effect['interval'][0])} points"
    lacking = str(effect.get("lacking", ""))
    if lacking.startswith("not m"):  # not measured, not matched
        return lacking
    return f"not claimed{': ' if lacking else ''}{lacking}"


def _neurons(record: Record) -> str:
    return f"{count(len(record['neurons']))} ({100 * record['share']:.1f} %)"


def edit_table(records: Sequence[Record]) -> Table:
    """Each edit in a row: what it does to predictions of the value, and whether that is claimed."""
    rows = []
    for r in records:
        about = (edit_name(r), count(len(r["neurons"])))
        if not r["effects"]:
            rows.append((*about, NONE, NONE, NONE, NONE, f"predictions not measured: {r['effects_reason']}"))
            continue
        (e,) = (e for e in r["effects"] if e["score"] == "property")
        here, loss = e["here"], r["loss"]
        effect = f"{_points(e)} (n {count(here['n'])})"
        drops = (ACCURACY.number(here["random"]), ACCURACY.number(e["elsewhere"]["drop"]))
        rows.append((*about, effect, *drops, _loss(loss), _verdict(r, e)))
    heads = ("edit", "neurons", "effect, points", "random edits' drop", "drop elsewhere", "loss, nats", "verdict")
    return make_table("Edits of concepts", heads, rows)


def _verdict(record: Record, effect: Record) -> str:
    """Whether the effect is claimed; steering is to turn other tokens."""
    if record["edit"] == "steer":
        turned = record["turned"]
        return f"{_outcome(turned)}; turns {_points(turned)} points elsewhere"
    return _outcome(effect)


def effect_table(records: Sequence[Record]) -> Table:
    """What each edit does to predictions, on units that have the value and on the others, beside random edits."""
    rows = []
    for record, e in _effects(records):
        here, elsewhere, loss = e["here"], e["elsewhere"], record["loss"]
        rows.append(
            (
                edit_name(record),
                _neurons(record),
                _SCORES[e["score"]],
                f"{per_cent(here['base'], here['base_interval'])} (n {count(here['n'])})",
                per_cent(here["edited"]),
                _points(e),
                f"{ACCURACY.number(here['random'])} (95 % below {ACCURACY.number(here['random_95'])})",
                f"{ACCURACY.number(elsewhere['drop'])} (n {count(elsewhere['n'])})",
                f"{_loss(loss)} (random {loss['random']:.2f})",
                _outcome(e),
            )
        )
    heads = ("edit", "neurons", "prediction", "right before", "after", "effect, points", "random edits' drop",
             "drop elsewhere", "loss, nats", "verdict")  # fmt: skip
    return make_table("Interventions beside matched random edits", heads, rows)


def short_effect_table(record: Record) -> Table:
    """The effects of one edit, one row a figure, for a narrow screen; no row where predictions were not measured."""
    title, heads = f"{edit_name(record)}: {_neurons(record)} neurons", ("predictions", *_SCORES.values())
    if not record["effects"]:
        return make_table(title, heads, [])
    parts: dict[str, Callable[[Record], str]] = {
        "right before, where the value is": lambda e: per_cent(e["here"]["base"], e["here"]["base_interval"]),
        "right after": lambda e: per_cent(e["here"]["edited"]),
        "effect, points": _points,
        "drop of random edits": lambda e: ACCURACY.number(e["here"]["random"]),
        "95 % of them stay below": lambda e: ACCURACY.number(e["here"]["random_95"]),
        "drop elsewhere": lambda e: ACCURACY.number(e["elsewhere"]["drop"]),
        "n here, elsewhere": lambda e: f"{count(e['here']['n'])}, {count(e['elsewhere']['n'])}",
        "verdict": _outcome,
    }
    rows = [(name, *map(told, record["effects"])) for name, told in parts.items()]
    loss = record["loss"]
    return make_table(title, heads, [*rows, ("loss, nats", _loss(loss), f"random {loss['random']:.2f}")])


def _loss(loss: Record) -> str:
    return f"{loss['base']:.2f} → {loss['edited']:.2f}"


def effect_chart(records: Sequence[Record]) -> Chart:
    """Drops of each edit here and elsewhere, beside those of random edits; none of edits of the task alone."""
    rows = rows_of({edit_name(r): [_SCORES[e["score"]] for e in r["effects"]] for r in records if r["effects"]})
    figure, found = go.Figure(), [(r, e, edit_name(r), _SCORES[e["score"]]) for r, e in _effects(records)]
    at = [rows.place[name, score] for _, _, name, score in found]
    spans: dict[str, list[float | None]] = {"x": [], "y": []}
    for y, (_, e, _, _) in zip(at, found, strict=True):
        spans["x"] += [100 * e["here"]["random"], 100 * e["here"]["random_95"], None]
        spans["y"] += [y, y, None]
    line = {"color": colour("band"), "width": 9}
    figure.add_scatter(
        **spans, mode="lines", line=line, opacity=0.6, name="random edits, mean to 95 %", hoverinfo="skip"
    )
    bounds = [(e["effect"], *(e["interval"] or (e["effect"], e["effect"]))) for _, e, _, _ in found]
    ends = {
        "array": [100 * (high - value) for value, _, high in bounds],
        "arrayminus": [100 * (value - low) for value, low, _ in bounds],
    }
    here, elsewhere = ([100 * e[side]["drop"] for _, e, _, _ in found] for side in ("here", "elsewhere"))
    mark = {"symbol": "circle", "size": 9, "color": colour("series-1")}
    bars = {"type": "data", "symmetric": False, "thickness": 1, "width": 3, **ends}
    figure.add_scatter(x=here, y=at, mode="markers", name="where the value is", marker=mark, error_x=bars)
    mark = {"symbol": "square-open", "size": 9, "color": colour("series-2"), "line": {"width": 2}}
    figure.add_scatter(x=elsewhere, y=at, mode="markers", name="elsewhere", marker=mark)
    axes(figure, "drop, points", "", x={"side": "top"})
    figure.add_vline(x=0, line={"width": 1, "dash": "dot", "color": colour("band")})
    rows.put_on(figure)
    caption = (
        "Drop of predictions that are right, when neurons are edited. Bars are 95 % intervals of what is above random"
        " edits' mean. An edit is claimed where its mark is right of the grey bar, and its interval right of the bar's"
        " begin and of the open square's."
    )
    claimed = sum(e["claimed"] for _, e, _, _ in found)
    title = f"{claimed} of {len(found)} drops are more than matched random edits and the harm elsewhere explain"
    return Chart("effects", title, caption, figure, effect_table(records))


def measure_table(record: Record) -> Table:
    """What else was measured of an edit: probability of the value, what is turned, the task, and whether it is gone."""
    rows = []
    if record["effects"]:
        for side, name in (("here", "probability of the value where it is"), ("elsewhere", "the same elsewhere")):
            rows.append((name, *(per_cent(record["mass"][side][k]) for k in ("base", "edited", "random"))))
        turned = record["turned"]
        shares = (per_cent(turned[k]) for k in ("base", "edited", "random"))
        rows.append((f"the value predicted elsewhere (n {count(turned['n'])})", *shares))
    rows += [
        _task_row(record, key, name) for key, name in (("probe", "the run's probe"), ("head", "the model's own head"))
    ]
    if gone := record["erasure"]:
        scores = (per_cent(gone[k]["score"], gone[k]["interval"]) for k in ("before", "after", "control"))
        guess = per_cent(gone["majority"])
        rows.append((f"a new probe on layer {gone['layer']} (n {count(gone['n'])}, guess {guess})", *scores))
    return make_table("More of this edit", ("", "before", "after", "random edits"), rows)


def _task_row(record: Record, key: str, name: str) -> tuple[str, str, str, str]:
    part = record[key]
    if part is None:
        return name, f"not measured: {record[f'{key}_reason']}", NONE, NONE
    metric = R2 if part["score"] == "r2" else ACCURACY
    drawn = f"drop {metric.number(part['random'])} (95 % below {metric.number(part['random_95'])})"
    before = metric.score(part["base"], part["base_interval"])
    return f"{name}, {metric.name} (n {count(part['n'])})", before, metric.score(part["edited"]), drawn


def intervention_cards(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What the page shows of each edit beside the table of all."""
    return [
        {
            "title": f"{edit_name(r)}: {_neurons(r)} neurons",
            "about": f"{_place(r)}; chosen by {r['chosen_by']}; {matching_note(r)}.",
            "measures": measure_table(r),
            "examples": [_example(e) for e in r.get("examples", ())],
        }
        for r in records
    ]


def _place(record: Record) -> str:
    layers = ", ".join(f"layer {k}: {count(n)}" for k, n in enumerate(record["layers"]) if n)
    where = "all tokens" if record["at"] == "all" else "the places where tokens are predicted"
    return f"Neurons of {layers}; edited at {where}"


def matching_note(record: Record) -> str:
    """How like the edit its random edits are, and which neurons had none like them."""
    matching = record.get("matching")
    if matching is None:
        return f"{count(record['random_sets'])} random edits, how near is not known"
    of = f" ({count(matching['distinct_sets'])} different)" if matching["distinct_sets"] < matching["sets"] else ""
    near = f"within a factor of {matching['worst']:.2f}, median {matching['median']:.2f}"
    text = f"{count(matching['sets'])} random edits{of}, matched in {matching['by']} {near}"
    if not (left_out := matching["unmatched"]):
        return text
    named = ", ".join(neuron(pair) for pair in left_out[:_NAMED])
    more = f" and {count(len(left_out) - _NAMED)} more" if len(left_out) > _NAMED else ""
    return f"{text}; left out, since no other neuron varies alike: {count(len(left_out))} ({named}{more})"


def _example(example: Record) -> dict[str, Any]:
    has = example.get("has_value")
    kind = "" if has is None else "with the value" if has else "without it"
    tokens = {k: ", ".join(f"{token!r} {per_cent(p)}" for token, p in example[k]) for k in ("base", "edited")}
    place = f"{example['example']}, line {example['line']}"
    code = marked(example["before_text"], example["token"], example["after_text"])
    return {"place": f"{place}, {kind}" if kind else place, "code": code, **tokens}
