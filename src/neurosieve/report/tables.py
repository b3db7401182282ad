"""Tables of a study's results: one function a table, the same for terminal, page and notebook.

Pure: a result in, a `Table` of texts out. A cell is text, never markup; who shows it escapes it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from neurosieve.printing import visible
from neurosieve.report.numbers import NONE, Metric, count, counted, layers_up_to, metric_of, neuron, per_cent
from neurosieve.results.measured import NotMeasured, Score, Spread
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_controls import Control, HeldOutTypes, Selectivity, TypeSelectivity, UnseenRows
from neurosieve.results.redundancy_parts import ClassMetrics, ClassScore, Measure, Metrics, UntrainedScores
from neurosieve.results.redundancy_rankings import Published, RankingAgreement, RankingStability
from neurosieve.results.redundancy_sets import PipelineResult, PipelineSet, SmallestSet, UnseenLoss


@dataclass(frozen=True)
class Table:
    """Cells as texts.

    Attributes:
        title: What it shows.
        columns: Heads.
        rows: One text a column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_html(self) -> Markup:
        """As an HTML table; all texts are escaped, and control characters shown as replacement marks."""
        head = Markup("<tr>{}</tr>").format(_cells("th", self.columns)) if any(self.columns) else ""
        body = Markup("\n").join(Markup("<tr>{}</tr>").format(_cells("td", row)) for row in self.rows)
        outline = Markup("<table aria-label='{}'><thead>{}</thead><tbody>{}</tbody></table>")
        return outline.format(visible(self.title), head, body)


def _cells(kind: str, texts: Sequence[str]) -> Markup:
    open_, close = Markup(f"<{kind}>"), Markup(f"</{kind}>")  # noqa: S704 - one of our own two
    return Markup("").join(open_ + escape(visible(text)) + close for text in texts)


def make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table of any sequences."""
    return Table(title, tuple(columns), tuple(tuple(r) for r in rows))


def lookup_name(result: RedundancyResult) -> str:
    """What reads labels off the text alone: a table of tokens, or for whole examples their counts."""
    if of_tokens(result):
        return "token lookup"
    return f"{'logistic' if of_classes(result) else 'ridge'} regression on token counts"


def of_tokens(result: RedundancyResult) -> bool:
    """The units are tokens, not whole examples."""
    return result.task == "token-tagging"


def of_classes(result: RedundancyResult) -> bool:
    """Labels name classes, and are no values."""
    return result.metric != "r2"


def imported(model: str) -> bool:
    """The activations were made elsewhere: what their layers are, and of which model, is not known."""
    return not model


def model_name(model: str, revision: str | None) -> str:
    """The model and its revision."""
    if imported(model):
        return "not known: the activations were made elsewhere"
    return f"{model}{' @ ' + revision if revision else ''}"


def trust_table(result: RedundancyResult) -> Table:
    """The trust box: answer, question, figures."""
    rows = [(entry.answer.value, entry.question, entry.figures) for entry in result.trust]
    return make_table("How far to trust it", ("answer", "question", "figures"), rows)


def analysed_table(result: RedundancyResult) -> Table:
    """What was analysed, and what was left out."""
    left = [f"{count(v)} {k.replace('_', ' ')}" for k, v in result.units.items() if k != "kept" and v]
    rows = [
        ("model", model_name(result.model, result.revision)),
        ("task", f"{result.task}, {metric_of(result).name}, {result.protocol} protocol"),
        ("labels", f"{len(result.labels)}: {', '.join(result.labels)}" if of_classes(result) else "numbers"),
        ("rows", ", ".join(f"{split} {count(n)}" for split, n in result.rows.items())),
        ("neurons", f"{count(result.neurons)} in {counted(result.layers, 'layer')}; {count(result.dead)} never vary"),
        ("units read", count(result.units["kept"])),
        ("units left out or shared", ", ".join(left) or "none"),
        *(("note", note) for note in result.notes or ()),
    ]
    return make_table("What was analysed", ("", ""), rows)


def score_table(result: RedundancyResult) -> Table:
    """The oracle with its baselines, on all test rows and on those unseen in train."""
    base, natural, metric = result.baselines, result.unseen.natural, metric_of(result)
    unseen = natural if isinstance(natural, UnseenRows) else None

    def both(name: str, score: Score, other: Score | None = None) -> tuple[str, ...]:
        return name, metric.scored(score), metric.scored(other) if unseen and other else NONE

    rows = [
        both(f"all {counted(result.neurons, 'neuron')} (oracle)", result.oracle.test, unseen.score if unseen else None),
        both(lookup_name(result), base.token_lookup.score, unseen.token_lookup.score if unseen else None),
    ]
    if isinstance(base.untrained, UntrainedScores):
        name = f"untrained copies, {counted(len(base.untrained.seeds), 'seed')}"
        name += f", read in {base.untrained.precision}" if base.untrained.precision else ""
        copies = unseen.untrained.score if unseen and unseen.untrained else None
        rows.append((name, metric.ranged(base.untrained.test), metric.ranged(copies)))
    if result.sets and isinstance(there := result.sets[0].unseen, UnseenLoss):  # an older result has none
        rows.append(both(f"smallest set, {counted(result.sets[0].size, 'neuron')}", result.sets[0].test, there.score))
    if base.random_neurons:
        rows.append((counted(base.random_neurons.size, "random neuron"), metric.ranged(base.random_neurons.test), NONE))
    rows += [
        both("layer 0 alone", base.layer0.score),
        (metric.chance, metric.score(base.majority), NONE),
        ("rows", count(result.oracle.test.n), count(natural.score.n if isinstance(natural, UnseenRows) else natural.n)),
    ]
    title = f"{metric.name.capitalize()} with 95 % intervals"
    return make_table(title, ("", "all test rows", "rows unseen in train"), rows)


_MEASURES = {
    "macro_f1": "macro F1",
    "mcc": "Matthews' correlation",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "mae": "mean absolute error",
}


def metric_table(result: RedundancyResult) -> Table:
    """F1 and Matthews' correlation of the oracle, what reads the text alone, and the smallest set.

    Where labels are values: correlations and the mean absolute error.
    """
    parts = [("oracle", result.oracle.metrics), (lookup_name(result), result.baselines.token_lookup.metrics)]
    parts += [(counted(smallest.size, "neuron"), smallest.metrics) for smallest in result.sets[:1]]
    known = [(name, metrics) for name, metrics in parts if metrics]  # an older result has none
    positive = next((m.f1.positive for _, m in known if isinstance(m, ClassMetrics) and m.f1), None)
    names = {"f1": f"F1 of {positive}"} | _MEASURES
    columns = [key for key in names if any(_measure(metrics, key) for _, metrics in known)]
    rows = [(name, *(_plain(_measure(metrics, key)) for key in columns)) for name, metrics in known]
    title = "F1 and correlation" if of_classes(result) else "Correlation and error"
    return make_table(f"{title} with 95 % intervals", ("", *(names[c] for c in columns)), rows)


def _measure(metrics: Metrics, key: str) -> Measure | None:
    measure: Measure | None = getattr(metrics, key, None)
    return measure


def _plain(measure: Measure | None) -> str:
    if measure is None:
        return NONE
    interval = measure.interval
    return f"{measure.value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def set_table(result: RedundancyResult) -> Table:
    """The smallest sets: size, loss on all test rows and on unseen ones, and what random neurons make of it."""
    metric = metric_of(result)
    unit = metric.points
    heads = (
        "ranking, allowed loss, rule", "neurons", "test", f"loss, {unit}", "shown to be allowed",
        f"loss on unseen rows, {unit}", f"random sets of the size lose, {unit}", "random orders need",
    )  # fmt: skip
    return make_table("Smallest sets", heads, [_set_row(smallest, metric) for smallest in result.sets])


def _set_row(smallest: SmallestSet, metric: Metric) -> tuple[str, ...]:
    need, span = smallest.random_size, smallest.size_range  # an older result has no ranges and no unseen rows
    return (
        _rule(metric, smallest.ranking, smallest.delta, smallest.select),
        f"{smallest.size}" + (f" ({span[0]} – {span[1]})" if isinstance(span, tuple) else ""),
        metric.scored(smallest.test),
        metric.gain(smallest.loss),
        ("yes" if smallest.within else "no") if isinstance(smallest.within, bool) else NONE,
        metric.gain(smallest.unseen.loss) if isinstance(smallest.unseen, UnseenLoss) else NONE,
        metric.middle(smallest.random_same_size.loss) if smallest.random_same_size.loss else NONE,
        f"{need.median:g} ({need.low} – {need.high})",
    )


def _rule(metric: Metric, ranking: str, delta: float, select: str) -> str:
    """By which ranking, allowed loss and rule a set was chosen: `lca, 1 point, safe`."""
    return f"{ranking}, {metric.allowed(delta)}{'' if metric.sign else ' of R²'}, {select}"


def agreement_table(result: RedundancyResult) -> Table:
    """How far the rankings agree with each other, and with themselves on halves of the rows; no row where unknown."""
    overlaps: dict[tuple[str, int], dict[str, float]] = {}
    if isinstance(result.agreement, RankingAgreement):
        for own in result.agreement.rankings:
            shares = {"average_overlap": own.average_overlap, "neuron_vote": own.neuron_vote, "chance": own.chance}
            overlaps[own.ranking, own.size] = shares
    if isinstance(result.stability, RankingStability):
        for half in result.stability.rankings:
            key = (half.ranking, half.size)
            overlaps[key] = overlaps.get(key, {}) | {"halves": half.halves, "chance": half.chance}
    columns = ("average_overlap", "neuron_vote", "halves", "chance")
    rows = [
        (name, count(size), *(per_cent(shares.get(key)) for key in columns))
        for (name, size), shares in overlaps.items()
    ]
    heads = ("ranking", "first", "shared with others", "elected by others", "shared by halves of train", "by chance")
    return make_table("Agreement of rankings", heads, rows)


def halves_table(result: RedundancyResult) -> Table:
    """The smallest sets that halves of the train rows give; no row where they were not sought."""
    halves = result.stability.sets if isinstance(result.stability, RankingStability) else None
    first = {(smallest.ranking, smallest.delta, smallest.select): count(smallest.size) for smallest in result.sets}
    rows = [
        (
            _rule(metric_of(result), half.ranking, half.delta, half.select),
            first.get((half.ranking, half.delta, half.select), NONE),
            f"{half.size.median:g} ({count(int(half.size.low))} – {count(int(half.size.high))})",
        )
        for half in halves or ()
    ]
    heads = ("ranking, allowed loss, rule", "neurons from all train rows", "from half of them, median (range)")
    return make_table("Smallest sets on halves of train", heads, rows)


def cut_table(result: RedundancyResult) -> Table:
    """Layers and correlated neurons that are removed before the ranking."""
    selected, found, metric = result.layer_selector, result.pipeline, metric_of(result)
    best = found.best if isinstance(found, PipelineResult) else found
    pipeline = best.text if isinstance(best, NotMeasured) else _pipeline_text(best, metric)
    kept = NONE
    if not isinstance(selected, NotMeasured) and selected:
        kept = ", ".join(f"{layers_up_to(k)} within {metric.allowed(float(d))}" for d, k in selected.items())
    return make_table("Layers and pipeline", ("", ""), [("kept by LS", kept), ("LS + CC + LCA", pipeline)])


def _pipeline_text(best: PipelineSet, metric: Metric) -> str:
    """Which layers the pipeline's set needs, and what it loses, in the words of any other set."""
    cut = best.clustering_threshold
    clusters = "no clustering" if cut is None else f"clusters at {cut:g}"
    where = f"{counted(best.size, 'neuron')} of {layers_up_to(best.layers_kept)} ({clusters})"
    where = f"{where}, test {metric.scored(best.test)}"
    if isinstance(best.within, NotMeasured):  # an older result
        return where
    lost = f"loses {metric.gain(best.loss, f' {metric.points}')}"
    allowed = metric.allowed(best.delta)
    rest = f"; on unseen rows {metric.gain(best.unseen.loss)}" if isinstance(best.unseen, UnseenLoss) else ""
    return f"{where}, {lost}, {'' if best.within else 'not '}shown to be within {allowed}{rest}"


def class_table(result: RedundancyResult) -> Table:
    """Scores of each class, on all rows, on seen and on unseen ones."""
    of_all, of_seen, of_unseen = class_scores(result)

    def cells(part: ClassScore | None) -> tuple[str, str, str]:
        if part is None:
            return NONE, NONE, NONE
        return count(part.n), per_cent(part.recall), per_cent(part.precision)

    rows = [
        (name, *cells(part), *cells(of_seen.get(name))[:2], *cells(of_unseen.get(name))[:2])
        for name, part in of_all.items()
    ]
    heads = ("class", "rows", "recall", "precision", "seen rows", "recall", "unseen rows", "recall")
    return make_table("Scores of each class", heads, rows)


def class_scores(result: RedundancyResult) -> tuple[Mapping[str, ClassScore], ...]:
    """Of each class on all test rows, on seen ones and on unseen ones; empty where they were not measured."""
    natural = result.unseen.natural
    unseen = natural if isinstance(natural, UnseenRows) else None
    parts = (result.oracle, unseen and unseen.seen, unseen)
    found = [part.per_class if part else {} for part in parts]
    return tuple({} if isinstance(scores, NotMeasured) else scores for scores in found)


def mistake_table(result: RedundancyResult) -> Table:
    """Some test rows that the oracle gets wrong; of values those with the largest errors."""
    rows = [(m.text, m.label, m.predicted, "unseen" if m.unseen else "seen") for m in result.mistakes or ()]
    title = "Rows that the oracle gets wrong" if of_classes(result) else "Rows with the oracle's largest errors"
    return make_table(title, ("text", "label", "predicted", "in train"), rows)


def control_table(result: RedundancyResult) -> Table:
    """Selectivity on all rows, on rows seen in train, and of the smallest set; types held out of training."""
    metric, disjoint = metric_of(result), result.unseen.disjoint
    rows = _control_rows(result.control, metric) if isinstance(result.control, Control) else []
    if isinstance(disjoint, HeldOutTypes):
        name, n = f"types held out of training, {disjoint.splits} splits", disjoint.n
        rows.append((name, f"{count(n.low)} – {count(n.high)}", metric.ranged(disjoint.score), NONE, NONE))
    heads = ("rows", "n", "task", "control task", "selectivity, points")
    return make_table("Control task and held-out types", heads, rows)


def _control_rows(control: Control, metric: Metric) -> list[tuple[str, ...]]:
    named = ((control.all, "all rows"), (control.seen, "rows seen in train"))
    rows = [_selectivity_row(name, part, metric) for part, name in named if part]
    if control.minimal_set:
        rows.append(_selectivity_row("smallest set, seen rows", control.minimal_set, metric))
    types = control.by_type
    if isinstance(types, TypeSelectivity):  # an older result has none
        row = ("token types of seen rows", count(types.types), metric.score(types.task), metric.score(types.control))
        rows.append((*row, metric.gain(types.selectivity)))
    return rows


def _selectivity_row(name: str, part: Selectivity, metric: Metric) -> tuple[str, ...]:
    low, high = part.control_range
    drawn = metric.ranged(Spread(mean=part.control, low=low, high=high))
    return name, count(part.rows), metric.score(part.task), drawn, metric.gain(part.selectivity)


def neuron_table(result: RedundancyResult) -> Table:
    """The first smallest set: each neuron with its weight for each class, or for the value."""
    best = result.sets[0]
    rows = [
        (neuron(pair), *(f"{w:+.2f}" if w else "0" for w in weights))
        for pair, weights in zip(best.neurons, best.weights, strict=True)
    ]
    many = "neuron with its" if best.size == 1 else f"{best.size} neurons with their"
    title = f"The {many} {'class ' if of_classes(result) else ''}weights"
    return make_table(title, ("layer:index", *result.labels), rows)


def set_layers(result: RedundancyResult) -> list[int]:
    """How many neurons of the first smallest set each layer holds."""
    held = Counter(neuron.layer for neuron in result.sets[0].neurons)
    return [held[k] for k in range(result.layers)]


def choice_table(published: Published) -> Table:
    """How far the published study's choices move the result."""
    rows = []
    for c in published.choices:
        shown: Callable[[float | None], str] = count if c.figure == "neurons" else per_cent
        figures = (NONE, c.reason or NONE) if c.sound is None else (shown(c.sound), shown(c.published))
        rows.append((c.choice, c.figure, *figures))
    title = "The published study's choices (not sound: for comparison)"
    return make_table(title, ("choice", "figure", "sound", "published"), rows)


def notebook_html(result: RedundancyResult) -> Markup:
    """The headline, and how far it can be trusted, as a notebook shows them."""
    parts = (trust_table(result), score_table(result), set_table(result))
    return Markup("<p><b>{}</b></p>").format(result.headline) + Markup("").join(t.to_html() for t in parts)
