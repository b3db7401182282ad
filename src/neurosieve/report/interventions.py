"""Tables and figures of interventions: pure functions from the contents of a run's `interventions`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from neurosieve.report.code import marked
from neurosieve.report.concept_figures import rows_of
from neurosieve.report.drawing import Chart, axes, colour
from neurosieve.report.numbers import ACCURACY, NONE, count, per_cent
from neurosieve.report.tables import Record, Table, make_table

_SCORES = {"property": "has the value or not", "exact": "the very token"}


def edit_name(record: Record) -> str:
    """The edit and its concept: `ablate (zero) lexical=number`."""
    how = f" ({record['how']})" if record.get("how") else ""
    return f"{record['edit']}{how} {record['concept']}"


def _effects(records: Iterable[Record]) -> Iterator[tuple[Record, Record]]:
    return ((record, effect) for record in records for effect in record["effects"])


def intervention_headline(records: Sequence[Record]) -> str:
    """How many edits move what the model predicts of their concept, and by how much; or that none does."""
    found = [(r, e) for r, e in _effects(records) if e["claimed"] and e["score"] == "property"]
    edits = f"{len(records)} edit{'s' if len(records) > 1 else ''}"
    if not found:
        return f"None of {edits} moves what the model predicts of a concept more than random edits do"
    record, effect = max(found, key=lambda pair: pair[1]["interval"][0])
    return (
        f"{len(found)} of {edits} move what the model predicts of a concept, most clearly {edit_name(record)}:"
        f" {_points(effect)} points fewer right than under random edits where the value is"
    )


def _points(effect: Record) -> str:
    return ACCURACY.gain({"value": effect["effect"], "interval": effect["interval"]})


def _neurons(record: Record) -> str:
    return f"{count(len(record['neurons']))} ({100 * record['share']:.1f} %)"


def edit_table(records: Sequence[Record]) -> Table:
    """Each edit in a row: what it does to predictions of the value, and whether that is claimed."""
    rows = []
    for record, e in _effects(records):
        if e["score"] == "property":
            loss = record["loss"]
            rows.append(
                (
                    edit_name(record),
                    count(len(record["neurons"])),
                    f"{_points(e)} (n {count(e['here']['n'])})",
                    ACCURACY.number(e["here"]["random"]),
                    ACCURACY.number(e["elsewhere"]["drop"]),
                    f"{loss['base']:.2f} → {loss['edited']:.2f}",
                    "claimed" if e["claimed"] else f"not claimed: {e['lacking']}",
                )
            )
    heads = ("edit", "neurons", "effect, points", "random edits' drop", "drop elsewhere", "loss, nats", "verdict")
    return make_table("Edits of concepts", heads, rows)


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
                f"{loss['base']:.2f} → {loss['edited']:.2f} (random {loss['random']:.2f})",
                "claimed" if e["claimed"] else f"not claimed: {e['lacking']}",
            )
        )
    heads = ("edit", "neurons", "prediction", "right before", "after", "effect, points", "random edits' drop",
             "drop elsewhere", "loss, nats", "verdict")  # fmt: skip
    return make_table("Interventions beside matched random edits", heads, rows)


def short_effect_table(record: Record) -> Table:
    """The same of one edit, one row a figure, for a narrow screen."""
    property_, exact = record["effects"]
    here, elsewhere, loss = "here", "elsewhere", record["loss"]

    def both(of: Any) -> tuple[str, str]:
        return of(property_), of(exact)

    rows = [
        ("before, where the value is", *both(lambda e: per_cent(e[here]["base"], e[here]["base_interval"]))),
        ("after", *both(lambda e: per_cent(e[here]["edited"]))),
        ("effect, points", *both(_points)),
        ("drop of random edits", *both(lambda e: ACCURACY.number(e[here]["random"]))),
        ("95 % of them stay below", *both(lambda e: ACCURACY.number(e[here]["random_95"]))),
        ("drop elsewhere", *both(lambda e: ACCURACY.number(e[elsewhere]["drop"]))),
        ("n here, elsewhere", *both(lambda e: f"{count(e[here]['n'])}, {count(e[elsewhere]['n'])}")),
        ("claimed", *both(lambda e: "yes" if e["claimed"] else f"no: {e['lacking']}")),
        ("loss, nats", f"{loss['base']:.2f} → {loss['edited']:.2f}", f"random {loss['random']:.2f}"),
    ]
    return make_table(f"{edit_name(record)}: {_neurons(record)} neurons", ("", *_SCORES.values()), rows)


def effect_chart(records: Sequence[Record]) -> Chart:
    """Drops of each edit here and elsewhere, beside the drops of random edits."""
    rows = rows_of({edit_name(r): [_SCORES[e["score"]] for e in r["effects"]] for r in records})
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
    ends = {
        "array": [100 * (e["interval"][1] - e["effect"]) for _, e, _, _ in found],
        "arrayminus": [100 * (e["effect"] - e["interval"][0]) for _, e, _, _ in found],
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
        " edits' mean; an edit is claimed where its mark is right of the grey bar and of the open square."
    )
    claimed = sum(e["claimed"] for _, e, _, _ in found)
    title = f"{claimed} of {len(found)} drops are more than matched random edits and the harm elsewhere explain"
    return Chart("effects", title, caption, figure, effect_table(records))


def measure_table(record: Record) -> Table:
    """What else was measured of an edit: probability of the value, probes, and whether it is gone."""
    rows = []
    for side, name in (("here", "probability of the value where it is"), ("elsewhere", "the same elsewhere")):
        mass = record["mass"][side]
        rows.append((name, *(per_cent(mass[k]) for k in ("base", "edited", "random"))))
    for key, name in (("probe", "a probe for the task"), ("head", "the model's own head")):
        part = record.get(key)
        if part:
            drawn = f"drop {ACCURACY.number(part['random'])} (95 % below {ACCURACY.number(part['random_95'])})"
            rows.append(
                (
                    f"{name} (n {count(part['n'])})",
                    per_cent(part["base"], part["base_interval"]),
                    per_cent(part["edited"]),
                    drawn,
                )
            )
        elif record.get(f"{key}_reason"):
            rows.append((name, f"not measured: {record[f'{key}_reason']}", NONE, NONE))
    gone = record.get("erasure")
    if gone:
        scores = (per_cent(gone[k]["score"], gone[k]["interval"]) for k in ("before", "after", "control"))
        rows.append(
            (
                f"a new probe on layer {gone['layer']} (n {count(gone['n'])}, guess {per_cent(gone['majority'])})",
                *scores,
            )
        )
    return make_table("More of this edit", ("", "before", "after", "random edits"), rows)


def intervention_cards(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What the page shows of each edit beside the table of all."""
    return [
        {
            "title": f"{edit_name(r)}: {_neurons(r)} neurons",
            "about": f"{_place(r)}; chosen by {r['chosen_by']}; {count(r['random_sets'])} random edits.",
            "measures": measure_table(r),
            "examples": [_example(e) for e in r["examples"]],
        }
        for r in records
    ]


def _place(record: Record) -> str:
    layers = ", ".join(f"layer {k}: {count(n)}" for k, n in enumerate(record["layers"]) if n)
    where = "all tokens" if record["at"] == "all" else "the places where tokens are predicted"
    return f"Neurons of {layers}; edited at {where}"


def _example(example: Record) -> dict[str, Any]:
    has = example.get("has_value")
    kind = "" if has is None else "with the value" if has else "without it"
    tokens = {k: ", ".join(f"{token!r} {per_cent(p)}" for token, p in example[k]) for k in ("base", "edited")}
    place = f"{example['example']}, line {example['line']}"
    code = marked(example["before_text"], example["token"], example["after_text"])
    return {"place": f"{place}, {kind}" if kind else place, "code": code, **tokens}
