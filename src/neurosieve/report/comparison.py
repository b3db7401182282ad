"""A comparison of runs in tables and figures: the same for terminal, page and notebook."""

from collections.abc import Iterator

from markupsafe import Markup

from neurosieve.report.comparison_text import transfer_text
from neurosieve.report.drawing import Chart, likeness_panel
from neurosieve.report.figure_marks import Axis, Figure
from neurosieve.report.numbers import ACCURACY, NONE, R2, Metric, count, neuron, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.comparison import ComparisonResult
from neurosieve.results.comparison_pairs import ComparedSide, NeuronKinds, PairComparison
from neurosieve.results.comparison_parts import (
    Cell,
    DepthShift,
    Drift,
    KeptConcepts,
    Likeness,
    Matching,
    Roles,
    SharedNeurons,
    Transfer,
    Verdict,
)
from neurosieve.results.measured import NotMeasured, Score
from neurosieve.results.neuron_set import NeuronSet

_FEW = 40  # rows of a table that lists neurons
PARTS = {
    "shared": "overlap of the sets",
    "order": "order of the neurons",
    "depth": "shift of the layers",
    "roles": "changed roles",
    "transfers": "set on the other task",
    "likeness": "likeness of layers",
    "matching": "matched neurons",
    "drift": "drift",
    "concepts": "concept neurons",
}


def run_table(result: ComparisonResult) -> Table:
    """The runs."""
    rows = [
        (run.name, run.model or NONE, run.site, run.task, ", ".join(run.labels), count(run.live), _size(run))
        for run in result.runs
    ]
    heads = ("run", "model", "site", "task", "labels", "live neurons", "smallest set")
    return make_table("The runs", heads, rows)


def _size(run: ComparedSide) -> str:
    return f"none: {run.size.text}" if isinstance(run.size, NotMeasured) else f"{run.size} ({run.ranking})"


def matrix_table(result: ComparisonResult) -> Table:
    """Every two runs: each part's verdict in a word, or that it cannot be told."""
    rows = [(f"{pair.a}, {pair.b}", pair.relation.value, *_words(pair)) for pair in result.pairs]
    heads = (
        "runs",
        "neurons",
        "sets overlap",
        "orders agree",
        "sets serve",
        "roles change",
        "layers alike",
        "neurons match",
    )
    return make_table("Every two runs", heads, rows)


def _words(pair: PairComparison) -> Iterator[str]:
    yield NONE if isinstance(pair.shared, NotMeasured) else pair.shared.verdict.value
    yield NONE if isinstance(pair.order, NotMeasured) else pair.order.verdict.value
    if isinstance(pair.transfers, NotMeasured):
        yield NONE
    else:
        there, back = (transfer.verdict.value for transfer in pair.transfers)
        yield there if there == back else f"{there}; back: {back}"
    yield NONE if isinstance(pair.roles, NotMeasured) else pair.roles.changed.verdict.value
    yield NONE if isinstance(pair.likeness, NotMeasured) else _most([one.cka.verdict for one in pair.likeness.layers])
    yield NONE if isinstance(pair.matching, NotMeasured) else pair.matching.matched.verdict.value


def _most(verdicts: list[Verdict]) -> str:
    above = sum(verdict is Verdict.ABOVE for verdict in verdicts)
    return f"{above} of {len(verdicts)} above chance"


def figure_table(pair: PairComparison) -> Table:
    """All figures of a pair with intervals, chance and verdict."""
    heads = ("figure", "value", "by chance", "chance keeps", "verdict")
    return make_table(f"Figures of {pair.a} and {pair.b}", heads, list(_figures(pair)))


def _figures(pair: PairComparison) -> Iterator[tuple[str, ...]]:
    if isinstance(pair.shared, SharedNeurons):
        sets, both = pair.shared, len(pair.shared.neurons)
        name = f"sets: {both} of {sets.size_a} and {sets.size_b} shared (Jaccard)"
        yield from (_row(name, cell) for cell in (sets.uniform, sets.by_layer))
    if isinstance(pair.order, Cell):
        yield _row("orders: rank correlation", pair.order)
    if isinstance(pair.depth, DepthShift):
        depth = pair.depth
        yield _row(f"depth: distance of sets at {depth.mean_a:.2f} and {depth.mean_b:.2f} of the depth", depth.distance)
    if isinstance(pair.roles, Roles):
        yield _row(f"roles: share of {pair.roles.certain} certain ones that change", pair.roles.changed)
    for transfer in () if isinstance(pair.transfers, NotMeasured) else pair.transfers:
        yield _row(f"{transfer_text(transfer)}: above random sets", transfer.above_random, 3)
        yield _row(f"{transfer_text(transfer)}: above sets of the same layers", transfer.above_by_layer, 3)
        if isinstance(transfer.above_carried, Cell):
            yield _row(f"{transfer.source}'s probe as it is: above mixed neurons", transfer.above_carried, 3)
    if isinstance(pair.likeness, Likeness):
        for layer in pair.likeness.layers:
            yield _row(f"layer {layer.layer}: CKA with layer {layer.nearest}", layer.cka)
    if isinstance(pair.matching, Matching):
        yield _row("matches closer than 99 % of those with rotated copies", pair.matching.matched, 3)
        yield _row("matches: mean correlation", pair.matching.by_text)
        for matches in pair.matching.layers:
            yield _row(f"layer {matches.layer}: mean correlation of matches", matches.r)
    if isinstance(pair.drift, Drift):
        for moved in pair.drift.layers:
            yield _row(f"layer {moved.layer}: drift (CKA with the base {moved.cka:.2f})", moved.drift)
    if isinstance(pair.concepts, KeptConcepts):
        yield _row("concept neurons that stayed", pair.concepts.kept)


def _row(name: str, cell: Cell, digits: int = 2) -> tuple[str, ...]:
    def shown(value: float, interval: tuple[float, float] | None) -> str:
        text = f"{value + 0.0:.{digits}f}"
        return text if interval is None else f"{text} [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"

    chance = shown(cell.chance, cell.chance_interval)
    return name, shown(cell.value, cell.interval), chance, cell.by.value, cell.verdict.value


def missing_table(pair: PairComparison) -> Table:
    """What cannot be told of the two, and why."""
    parts = ((name, getattr(pair, key)) for key, name in PARTS.items())
    rows = [(name, part.text) for name, part in parts if isinstance(part, NotMeasured)]
    return make_table("What cannot be told of them", ("part", "why"), rows)


def transfer_table(pair: PairComparison, metric: Metric) -> Table:
    """The sets on the other tasks, in scores."""
    rows = [_transfer_row(one, metric) for one in (() if isinstance(pair.transfers, NotMeasured) else pair.transfers)]
    heads = (
        "",
        "neurons",
        "score",
        f"own set better by, {metric.points}",
        "random sets",
        "of the same layers",
        "probe as it is",
    )
    return make_table("Sets on the other task", heads, rows)


def _transfer_row(transfer: Transfer, metric: Metric) -> tuple[str, ...]:
    carried = metric.scored(transfer.carried) if isinstance(transfer.carried, Score) else NONE
    return (
        transfer_text(transfer),
        count(transfer.size),
        metric.scored(transfer.score),
        metric.gain(transfer.own),
        metric.ranged(transfer.random),
        metric.ranged(transfer.by_layer),
        carried,
    )


def metric_of_pair(pair: PairComparison, result: ComparisonResult) -> Metric:
    """R² where either run's labels are values."""
    names = {run.name: run for run in result.runs}
    return R2 if any(names[name].labels == ("value",) for name in (pair.a, pair.b)) else ACCURACY


def neuron_tables(pair: PairComparison) -> tuple[Table, ...]:
    """Neurons of interest: those in both sets, changed roles, matches, the farthest drifted, kept concepts."""
    tables = []
    if isinstance(pair.shared, SharedNeurons) and pair.shared.neurons:
        tables.append(make_table("Neurons in both sets", ("neurons",), [(_listed(pair.shared.neurons),)]))
    if isinstance(pair.roles, Roles) and pair.roles.changes:
        rows = [(neuron(one.neuron), one.a, one.b) for one in pair.roles.changes[:_FEW]]
        tables.append(make_table("Neurons that changed role", ("neuron", pair.a, pair.b), rows))
    if isinstance(pair.matching, Matching) and pair.matching.of_set:
        rows = [(neuron(one.a), neuron(one.b), ratio(one.r)) for one in pair.matching.of_set[:_FEW]]
        tables.append(make_table(f"Matches of {pair.a}'s set", (pair.a, pair.b, "correlation"), rows))
    if isinstance(pair.drift, Drift):
        moved = [(neuron(one.neuron), ratio(one.drift)) for one in pair.drift.most]
        tables.append(make_table("Neurons that went farthest", ("neuron", "drift"), moved))
    if isinstance(pair.concepts, KeptConcepts):
        kept = [(one.name, count(one.a), count(one.b), _listed(one.kept)) for one in pair.concepts.values]
        tables.append(make_table("Concept neurons", ("value", pair.a, pair.b, "in both"), kept))
    return tuple(tables)


def _listed(neurons: NeuronSet) -> str:
    return ", ".join(map(neuron, neurons)) or NONE


def kind_tables(group: NeuronKinds) -> tuple[Table, ...]:
    """Kinds of neurons over some runs, and those of one run alone."""
    title = f"Kinds of neurons over {', '.join(group.runs)}"
    rows = [(one.kind.value, count(one.count), *_row("", one.share, 3)[1:]) for one in group.kinds]
    shown = make_table(title, ("kind", "neurons", "share", "by chance", "chance keeps", "verdict"), rows)
    if isinstance(group.specific, NotMeasured):
        return (shown, make_table("Neurons specific to one run", ("",), [(f"cannot be told: {group.specific.text}",)]))
    specific = [
        (one.run, count(one.candidates), *_row("", one.share, 3)[1:3], one.share.verdict.value, _listed(one.neurons))
        for one in group.specific
    ]
    heads = ("run", "in its set alone", "share that tells its labels better here", "by chance", "verdict", "neurons")
    return shown, make_table("Neurons specific to one run", heads, specific)


def likeness_chart(pair: PairComparison, key: str) -> Chart | None:
    """CKA of each two layers; None where it was not measured."""
    if isinstance(pair.likeness, NotMeasured):
        return None
    values = pair.likeness.cka
    across = tuple(str(k) for k in range(len(values[0])))
    down = tuple(str(one.layer) for one in pair.likeness.layers)
    x, y = Axis(f"layer of {pair.b}", names=across), Axis(f"layer of {pair.a}", names=down)
    figure = Figure((likeness_panel(values, x, y),))
    above = _most([one.cka.verdict for one in pair.likeness.layers])
    title = f"{above}: the layers of {pair.a}, each with the most similar one of {pair.b}"
    caption = f"Linear CKA, debiased, on {count(pair.likeness.units)} train units that both runs hold."
    rows = [(down[i], *(f"{v:.2f}" for v in row)) for i, row in enumerate(values)]
    return Chart(key, title, caption, figure, make_table("CKA", ("layer", *across), rows))


def comparison_html(result: ComparisonResult) -> Markup:
    """A comparison as a notebook shows it."""
    lines = Markup("").join(Markup("<p><b>{}</b></p>").format(pair.sentence) for pair in result.pairs if pair.sentence)
    return lines + run_table(result).to_html() + matrix_table(result).to_html()
