"""Tables and figures of sentence-level concepts: what explains neurons that matter to whole texts."""

from typing import Any

from neurosieve.report.code import plain_code
from neurosieve.report.concept_figures import rows_of
from neurosieve.report.drawing import Chart
from neurosieve.report.figure_marks import Axis, Figure, Look, Point
from neurosieve.report.numbers import NONE, R2, count, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.measured import Difference
from neurosieve.results.whole_texts import Explained, Snippet, TextFindings


def _r2(share: Explained | Difference | None) -> str:
    return NONE if share is None else ratio(share.value, share.interval)


def explained_table(findings: TextFindings) -> Table:
    """What explains each neuron: length alone, the best property, all together."""
    rows = []
    for n in findings.neurons:
        best = n.properties[0] if n.properties else None
        rows.append(
            (
                str(n.neuron),
                str(n.rank),
                _r2(n.length),
                best.property if best else NONE,
                _r2(best.r2 if best else None),
                _r2(best.gain if best else None),
                _r2(n.together),
                _r2(n.label.r2),
                n.verdict,
            )
        )
    heads = ("neuron", "rank", "length alone, R²", "property that adds most", "alone", "above length", "all properties",
             "the task's label", "verdict")  # fmt: skip
    title = f"What explains {len(rows)} neurons on {count(findings.texts['test'])} test texts"
    return make_table(title, heads, rows)


def explained_chart(findings: TextFindings) -> Chart:
    """R² of length, of the property that adds most, and of all together, for each neuron."""
    neurons = findings.neurons
    rows = rows_of({"": [str(n.neuron) for n in neurons]})
    panel = rows.panel(Axis("R² on test texts", format=R2.ticks))
    best = [n.properties[0].r2.value if n.properties else None for n in neurons]
    for name, shares, look in (
        ("length alone", [n.length.value for n in neurons], Look("series-2", "square", open=True)),
        ("property that adds most", best, Look("series-1")),
        ("all properties", [n.together.value for n in neurons], Look("series-3", "diamond", open=True)),
    ):
        points = [
            Point(v, rows.place["", str(n.neuron)], text=f"{n.neuron}, {name}: {ratio(v)}")
            for n, v in zip(neurons, shares, strict=True)
            if v is not None
        ]
        panel.add("point", points, look, name)
    explained = sum(bool(n.explained_by) for n in neurons)
    title = f"Properties other than length explain {explained} of {len(neurons)} neurons that matter to the task"
    caption = f"{findings.rule[0].upper()}{findings.rule[1:]}."
    return Chart("explained", title, caption, Figure((panel,)), explained_table(findings))


def text_cards(findings: TextFindings) -> list[dict[str, Any]]:
    """Texts on which each neuron is highest and lowest."""
    return [
        {
            "title": f"{n.neuron}: {n.verdict}",
            "kinds": {
                name: [_snippet(s) for s in snippets]
                for name, snippets in (("Highest on", n.highest), ("Lowest on", n.lowest))
            },
        }
        for n in findings.neurons
    ]


def _snippet(snippet: Snippet) -> dict[str, Any]:
    cut = f", {snippet.cut}" if snippet.cut else ""
    label = f", label {snippet.label}" if snippet.label is not None else ""
    return {"head": f"{snippet.value:+.1f} sd: {snippet.id}{label}{cut}", "code": plain_code(snippet.text)}
