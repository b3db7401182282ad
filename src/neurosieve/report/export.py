"""An exported model in tables, a figure and a model card."""

from collections.abc import Callable, Mapping

from markupsafe import Markup

from neurosieve.compact.compact_spec import CompactSpec
from neurosieve.printing import visible
from neurosieve.report.numbers import ACCURACY, NONE, R2, Metric, count, per_cent
from neurosieve.report.tables import Table, make_table
from neurosieve.results.export import CascadeUse, ExportResult, Fitted, KeptVocabulary, Speeds, Usage


def export_metric(result: ExportResult) -> Metric:
    """The metric of its scores."""
    return R2 if result.metric == "r2" else ACCURACY


def short_frontier_table(result: ExportResult) -> Table:
    """For a narrow screen: the exported way, the cheapest one of each form that is within delta, and the best score."""
    metric, ways = export_metric(result), result.frontier
    shown = [*(p for p in ways if p.exported), *({p.form: p for p in reversed(ways) if p.within}.values())]
    shown.append(max(ways, key=lambda p: p.validation))
    rows = [
        ("→" if p.exported else "", p.form, p.name, count(p.blocks), count(round(p.cost)), metric.score(p.validation))
        for p in sorted({id(p): p for p in shown}.values(), key=lambda p: p.cost)
    ]
    heads = ("", "form", "neurons of", "blocks", "multiplications", "validation")
    return make_table(f"Some of {count(len(ways))} ways, and multiplications a token", heads, rows)


def frontier_table(result: ExportResult) -> Table:
    """All ways, cheapest first, with the exported one marked."""
    metric = export_metric(result)
    rows = [
        (
            "→" if point.exported else "",
            point.form,
            point.name,
            count(point.blocks),
            count(point.neurons),
            count(round(point.cost)),
            metric.score(point.validation, point.interval),
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
    """Scores on test rows, compared with the oracle's and the whole model's."""
    metric = export_metric(result)
    rows = [("test", f"{metric.score(result.test.value, result.test.interval)} (n {result.test.n:,})")]
    unit = f" {metric.points}"
    if result.oracle is not None:
        rows.append(("loss against all neurons", metric.gain(result.oracle, unit)))
    if result.whole is not None:
        rows.append(("loss against the whole model with the same head", metric.gain(result.whole, unit)))
    if (other := result.other_labels) is not None:
        shown = metric.score(other) if result.metric == "accuracy" else f"{other:.3g}"
        rows.append(("labels other than that model's", shown))
    if result.cascade is not None:
        rows += _cascade_rows(result.cascade)
    return make_table("Score", ("", result.form), rows)


def _cascade_rows(use: CascadeUse) -> list[tuple[str, str]]:
    return [
        ("units passed on to the blocks", per_cent(use.units)),
        ("tokens that the blocks read", per_cent(use.tokens)),
        ("multiplications a token, mean", count(round(use.cost))),
    ]


def fit_table(fitted: Fitted, metric: Metric) -> Table:
    """The new head, compared with the same on the whole model."""
    sides = [("compact", fitted.compact)] + ([("whole model", fitted.whole)] if fitted.whole else [])
    rows = [
        (name, count(side.features), f"{side.seconds:.1f} s", metric.score(side.test.value, side.test.interval))
        for name, side in sides
    ]
    return make_table("New head", ("on", "values of a unit", "reading and fitting", "test"), rows)


def speed_table(speeds: Speeds, *, short: bool = False) -> Table:
    """What both models cost; in short their size, and the time of one text and of many."""
    measures: list[tuple[str, Callable[[Usage], float], Callable[[Usage], str]]] = [
        ("parameters", lambda u: u.parameters, lambda u: count(u.parameters)),
        ("bytes of weights", lambda u: u.bytes, lambda u: count(u.bytes)),
        ("one text, median", lambda u: u.p50_ms, lambda u: f"{u.p50_ms:.3g} ms"),
        ("one text, 95 % within", lambda u: u.p95_ms, lambda u: f"{u.p95_ms:.3g} ms"),
        ("tokens a second, batches of 32", _inverse_speed, lambda u: count(round(u.tokens_per_second))),
    ]
    if short:
        measures = [measures[1], measures[2], measures[4]]
    elif speeds.compact.peak_mb is not None:
        measures.insert(2, ("peak memory", lambda u: u.peak_mb or 0.0, lambda u: f"{u.peak_mb:,.0f} MiB"))
    compact, whole = speeds.compact, speeds.whole
    title = f"Cost on {speeds.cpu}, {speeds.threads} thread{'s' if speeds.threads > 1 else ''}, by turns"
    if whole is None:
        return make_table(title, ("", "compact"), [(name, show(compact)) for name, _, show in measures])
    rows = [
        (name, show(compact), show(whole), f"{_times(figure(compact), figure(whole))} ×")
        for name, figure, show in measures
    ]
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
    then, now = (f"{_times(1, s.times_faster or 1)} ×" for s in (result.speeds, speeds))
    rows = (
        ("test", metric.score(result.test.value), metric.score(score)),
        ("largest difference of outputs", "0", f"{difference:.1e}"),
        ("labels that differ", "0", f"{100 * other_labels:.2g} %"),
        ("faster than the whole model", then, now),
    )
    shown = [(*row, "yes" if held else "no") for row, held in zip(rows[: len(holds)], holds.values(), strict=True)]
    return make_table("Measured again", ("", "card", "now", "holds"), shown)


def sentence(result: ExportResult) -> str:
    """The finding in one line."""
    metric = export_metric(result)
    size = {
        "table": "a table without a network",
        "standard": "a transformers folder",
        "full": "first blocks and a head",
    }
    text = f"{size[result.form]} ({result.name}): {metric.score(result.test.value, result.test.interval)} on test"
    whole, faster = result.speeds.whole, result.speeds.times_faster
    if whole is None or faster is None:
        return text
    smaller = _times(result.speeds.compact.bytes, whole.bytes)
    return f"{text}, {smaller} × smaller and {_times(1, faster)} × faster than the whole model"


def export_text(result: ExportResult) -> str:
    """The finding, the score and the costs as lines of text."""
    costs = ((name, _now_and_then(*figures[:2])) for name, *figures in speed_table(result.speeds).rows)
    rows = [*score_rows(result).rows, *costs]
    return "\n".join([sentence(result), *(f"  {name}: {value}" for name, value in rows)])


def _now_and_then(now: str, then: str | None = None) -> str:
    return now if then is None else f"{now} (whole model {then})"


def export_html(result: ExportResult) -> Markup:
    """An export as a notebook shows it."""
    tables = (score_rows(result), speed_table(result.speeds), ways_table(result))
    return Markup("<p><b>{}</b></p>").format(visible(sentence(result))) + Markup("").join(t.to_html() for t in tables)


def ways_table(result: ExportResult, *, short: bool = False) -> Table:
    """The ways that a run allows; of a new head what it was fitted on."""
    if result.fitted:
        return fit_table(result.fitted, export_metric(result))
    return short_frontier_table(result) if short else frontier_table(result)


def card(result: ExportResult, spec: CompactSpec) -> str:
    """The text of `README.md`: YAML front matter, what it is, what was measured, how it is used."""
    front = [
        "---",
        "library_name: neurosieve",
        f"base_model: {_quoted(spec.model)}",
        f"pipeline_tag: {'token-classification' if spec.task == 'token-tagging' else 'text-classification'}",
        "tags: [code, neurosieve]",
        "metrics: [accuracy]" if result.metric == "accuracy" else "metrics: [r_squared]",
        "---",
    ]
    text = [
        f"# {spec.task}, cut from {spec.model}",
        f"Exported by `neurosieve {'fit' if result.fitted else 'export'}`: {sentence(result)}.",
        f"Labels: {', '.join(spec.labels)}.",
        runs_with(spec),
        *([vocabulary_line(result.vocabulary)] if result.vocabulary else []),
        _markdown(score_rows(result)),
        _markdown(speed_table(result.speeds)),
        _markdown(ways_table(result)),
        "What was chosen was chosen on validation rows; test rows were read once, at the end. Intervals are 95 %, over"
        " files.",
        *(f"- {note}" for note in result.notes),
        "```python\nfrom neurosieve import load_compact\nfrom neurosieve.compact import CodeText\n\n"
        'load_compact("DIR").predict([CodeText("x = 1", ((0, 1), (4, 5)))])\n```',
        "`neurosieve predict DIR FILE.jsonl` labels files; `neurosieve verify DIR` measures all of this again.",
    ]
    return "\n".join(front) + "\n\n" + "\n\n".join(text) + "\n"


def export_notes(result: ExportResult) -> tuple[str, ...]:
    """What a user has to know in addition to the figures."""
    return (*([vocabulary_line(result.vocabulary)] if result.vocabulary else []), *result.notes)


def vocabulary_line(kept: KeptVocabulary) -> str:
    """What part of the vocabulary is kept, and what becomes of the other tokens."""
    row = "the mean of all rows kept" if kept.mean else "the unknown token's row"
    share = f"{kept.unseen:,} of {kept.tokens:,} test tokens ({100 * kept.unseen / max(kept.tokens, 1):.2g} %)"
    return f"It knows {kept.kept:,} of {kept.of:,} tokens, those of the train texts; all others have {row}: {share}."


def runs_with(spec: CompactSpec) -> str:
    """What has to be installed to run a model."""
    if spec.onnx is None:
        return f"It runs with {'NumPy' if spec.form == 'table' else 'torch'}."
    weights = "float32" if spec.onnx.int8_cpu is None else f"8-bit weights, measured on {spec.onnx.int8_cpu}"
    return f"It runs with onnxruntime (ONNX, opset {spec.onnx.opset}, {weights})."


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _markdown(table: Table) -> str:
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    return f"**{table.title}**\n\n" + "\n".join(
        f"| {' | '.join(c.replace('|', '/') for c in line)} |" for line in lines
    )
