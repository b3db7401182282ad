"""An exported model in tables, a figure and a model card."""

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report.numbers import ACCURACY, NONE, R2, Metric, count, per_cent
from neurosieve.report.tables import Table, make_table
from neurosieve.results.export import ExportResult, Speeds, Usage


def export_metric(result: ExportResult) -> Metric:
    """The metric of its scores."""
    return R2 if result.metric == "r2" else ACCURACY


def frontier_table(result: ExportResult, *, intervals: bool = True) -> Table:
    """All ways, cheapest first, with the exported one marked; a terminal has little room for intervals."""
    metric = export_metric(result)
    rows = [
        (
            "→" if point.exported else "",
            point.form,
            point.name,
            count(point.blocks),
            count(point.neurons),
            count(round(point.cost)),
            metric.score(point.validation, point.interval if intervals else None),
            NONE if point.bound is None else metric.score(point.bound),
            "yes" if point.within else "no",
        )
        for point in result.frontier
    ]
    heads = (
        "",
        "form",
        "probe",
        "blocks",
        "neurons",
        "multiplications a token",
        "validation",
        "loss at most",
        "within",
    )
    return make_table("Ways to make the model smaller", heads, rows)


def score_rows(result: ExportResult) -> Table:
    """Scores on test rows beside the oracle's and the whole model's."""
    metric = export_metric(result)
    other = metric.score(result.other_labels) if result.metric == "accuracy" else f"{result.other_labels:.3g}"
    use = result.cascade
    rows = [
        ("test", f"{metric.score(result.test.value, result.test.interval)} (n {result.test.n:,})"),
        ("loss against all neurons", metric.gain(result.oracle)),
        ("loss against the whole model with the same head", metric.gain(result.whole)),
        ("labels other than that model's", other),
    ]
    if use:
        rows += [
            ("units passed on to the blocks", per_cent(use.units)),
            ("tokens that the blocks read", per_cent(use.tokens)),
            ("multiplications a token, mean", count(round(use.cost))),
        ]
    return make_table("Score", ("", result.form), rows)


def speed_table(speeds: Speeds) -> Table:
    """What both models cost."""
    measures: list[tuple[str, Callable[[Usage], float], Callable[[Usage], str]]] = [
        ("parameters", lambda u: u.parameters, lambda u: count(u.parameters)),
        ("bytes of weights", lambda u: u.bytes, lambda u: count(u.bytes)),
        ("one text, median", lambda u: u.p50_ms, lambda u: f"{u.p50_ms:.3g} ms"),
        ("one text, 95 % within", lambda u: u.p95_ms, lambda u: f"{u.p95_ms:.3g} ms"),
        ("tokens a second, batches of 32", _inverse_speed, lambda u: count(round(u.tokens_per_second))),
    ]
    if speeds.compact.peak_mb is not None:
        measures.insert(2, ("peak memory", lambda u: u.peak_mb or 0.0, lambda u: f"{u.peak_mb:,.0f} MiB"))
    rows = [
        (name, show(speeds.compact), show(speeds.whole), f"{_times(figure(speeds.compact), figure(speeds.whole))} ×")
        for name, figure, show in measures
    ]
    title = f"Cost on {speeds.cpu}, {speeds.threads} thread{'s' if speeds.threads > 1 else ''}, by turns"
    return make_table(title, ("", "compact", "whole model", "smaller or faster"), rows)


def _inverse_speed(usage: Usage) -> float:
    return 1 / usage.tokens_per_second


def _times(small: float, large: float) -> str:
    ratio = large / small
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"


def verified_table(
    result: ExportResult,
    score: float,
    difference: float,
    other_labels: float,
    speeds: Speeds,
    holds: Mapping[str, bool],
) -> Table:
    """What the card says, and what was measured again; `holds` in the order of the rows."""
    metric = export_metric(result)
    then, now = (f"{_times(1, s.times_faster)} ×" for s in (result.speeds, speeds))
    rows = (
        ("test", metric.score(result.test.value), metric.score(score)),
        ("largest difference of outputs", "0", f"{difference:.1e}"),
        ("labels that differ", "0", f"{100 * other_labels:.2g} %"),
        ("faster than the whole model", then, now),
    )
    shown = [(*row, "yes" if held else "no") for row, held in zip(rows, holds.values(), strict=True)]
    return make_table("Measured again", ("", "card", "now", "holds"), shown)


def sentence(result: ExportResult) -> str:
    """The finding in one line."""
    metric = export_metric(result)
    size = {
        "table": "a table without a network",
        "standard": "a transformers folder",
        "full": "first blocks and a head",
    }
    text = (
        f"{size[result.form]} ({result.exported.name}): {metric.score(result.test.value, result.test.interval)} on test"
    )
    smaller = _times(result.speeds.compact.bytes, result.speeds.whole.bytes)
    return f"{text}, {smaller} × smaller and {_times(1, result.speeds.times_faster)} × faster than the whole model"


def export_text(result: ExportResult) -> str:
    """The finding, the score and the costs as lines of text."""
    costs = ((name, f"{now} (whole model {then})") for name, now, then, _ in speed_table(result.speeds).rows)
    rows = [*score_rows(result).rows, *costs]
    return "\n".join([sentence(result), *(f"  {name}: {value}" for name, value in rows)])


def export_html(result: ExportResult) -> Markup:
    """An export as a notebook shows it."""
    tables = (score_rows(result), speed_table(result.speeds), frontier_table(result))
    return Markup("<p><b>{}</b></p>").format(visible(sentence(result))) + Markup("").join(t.to_html() for t in tables)


def card(result: ExportResult, model: str, task: str, labels: Sequence[str]) -> str:
    """The text of `README.md`: YAML front matter, what it is, what was measured, how it is used."""
    front = [
        "---",
        "library_name: neurosieve",
        f"base_model: {_quoted(model)}",
        f"pipeline_tag: {'token-classification' if task == 'token-tagging' else 'text-classification'}",
        "tags: [code, neurosieve]",
        "metrics: [accuracy]" if result.metric == "accuracy" else "metrics: [r_squared]",
        "---",
    ]
    text = [
        f"# {task}, cut from {model}",
        f"Exported by `neurosieve export`: {sentence(result)}.",
        f"Labels: {', '.join(labels)}.",
        _markdown(score_rows(result)),
        _markdown(speed_table(result.speeds)),
        _markdown(frontier_table(result)),
        "The set was chosen on validation rows; test rows were read once, by the model that was chosen. Intervals are"
        " 95 %, over files.",
        *(f"- {note}" for note in result.notes),
        "```python\nfrom neurosieve import load_compact\nfrom neurosieve.compact import CodeText\n\n"
        'load_compact("DIR").predict([CodeText("x = 1", ((0, 1), (4, 5)))])\n```',
        "`neurosieve predict DIR FILE.jsonl` labels files; `neurosieve verify DIR` measures all of this again.",
    ]
    return "\n".join(front) + "\n\n" + "\n\n".join(text) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _markdown(table: Table) -> str:
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    return f"**{table.title}**\n\n" + "\n".join(
        f"| {' | '.join(c.replace('|', '/') for c in line)} |" for line in lines
    )
