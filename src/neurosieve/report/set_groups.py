"""Tables and figures of groups of neurons: each property's smallest set, what sets share, in which layers they are."""

from collections.abc import Sequence
from typing import Literal

from neurosieve.report.concept_figures import heat_figure, rows_of
from neurosieve.report.drawing import Chart, bars
from neurosieve.report.figure_marks import Axis, Figure, Look, Panel, Point
from neurosieve.report.numbers import ACCURACY, NONE, count, counted, p_value, per_cent, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.neuron_groups import NeuronGroups, SetSharing

_BITS = 0.1
Kind = Literal["properties", "values", "claimed"]


def property_set_table(group: NeuronGroups) -> Table:
    """Each property's oracle with its baselines, and its smallest set with random ones."""
    rows: list[Sequence[str]] = []
    for s in group.sets:
        oracle, smallest = s.oracle.test, s.smallest
        about = (s.property, str(len(s.values)), count(oracle.n))
        scores = (per_cent(oracle.value, oracle.interval), per_cent(s.majority), per_cent(s.lookup))
        if smallest is None:
            rows.append((*about, *scores, NONE, s.reason, NONE, NONE, NONE))
            continue
        need = smallest.random_size
        rows.append(
            (
                *about,
                *scores,
                f"{smallest.size} ({100 * smallest.size / s.live:.1f} %)",
                per_cent(smallest.test.value, smallest.test.interval),
                ACCURACY.gain(smallest.test_loss),
                ACCURACY.ranged(smallest.random_same_size.test),
                f"{need.median:g} ({need.low} – {need.high})",
            )
        )
    heads = (
        "property",
        "values",
        "n",
        "all neurons",
        "majority",
        "token lookup",
        "smallest set",
        "its accuracy",
        "loss, points",
        "same number of random neurons",
        "random orders need",
    )
    return make_table(_set_title(group), heads, rows)


def _set_title(group: NeuronGroups) -> str:
    sizes = sorted(s.smallest.size for s in group.sets if s.smallest)
    if not sizes:
        return f"View {group.view}: no property has a set that can be claimed"
    span = " to ".join(dict.fromkeys(map(str, (sizes[0], sizes[-1]))))
    return (
        f"View {group.view}: {span} neurons separate the values of {len(sizes)} of {len(group.sets)} properties,"
        f" within {ACCURACY.allowed(group.delta)} on validation"
    )


def overlap_table(group: NeuronGroups, kind: Kind) -> Table:
    """The pairs of sets that share most beyond chance; `kind` is `properties` or `values`."""
    overlaps = _sharing(group, kind).overlaps
    rows = [
        (f"{p.a} and {p.b}", count(p.shared), f"{p.jaccard:.3f}", f"{p.expected:.3f}", p_value(p.p), p_value(p.q))
        for p in overlaps.pairs
    ]
    heads = ("sets", "shared neurons", "share of either (Jaccard)", "by chance", "p", "q")
    title = f"{overlaps.above_chance} of {overlaps.tested} pairs of {_SETS[kind]} share more than by chance"
    return make_table(title, heads, rows)


_SETS: dict[Kind, str] = {
    "properties": "smallest sets",
    "values": "sets that carry a value",
    "claimed": "sets that are claimed for a value",
}


def _sharing(group: NeuronGroups, kind: Kind) -> SetSharing:
    if kind == "claimed" and group.claimed is not None:
        return group.claimed
    return group.properties if kind == "properties" else group.values


def claimed_layer_table(group: NeuronGroups) -> Table:
    """In which layers the neurons of claimed sets are."""
    spread = group.claimed.spread if group.claimed else ()
    rows = [
        (s.name, ratio(s.mean), ratio(s.expected_mean), ratio(s.entropy), ratio(s.expected_entropy)) for s in spread
    ]
    heads = ("value", "mean layer", "of all neurons", "entropy over layers, bits", "by chance")
    return make_table("Layers of the sets that are claimed", heads, rows)


def polysemy_table(group: NeuronGroups, kind: Kind) -> Table:
    """The neurons that serve most properties."""
    most = _sharing(group, kind).polysemy.most
    rows = [(str(m.neuron), str(len(m.sets)), ", ".join(m.sets)) for m in most]
    return make_table(f"Neurons that are in most of the {_SETS[kind]}", ("neuron", "sets", "names"), rows)


def polysemy_chart(group: NeuronGroups) -> Chart:
    """How many properties neurons serve by their values' sets, compared with chance."""
    polysemy = group.values.polysemy
    served = [k for k in range(1, len(polysemy.neurons)) if polysemy.neurons[k] or polysemy.chance[k] >= 0.5]
    x = Axis("properties of a neuron", names=tuple(map(str, served)))
    panel, counts = Panel(x, Axis("neurons", whole=True, zero=True)), [polysemy.neurons[k] for k in served]
    bars(panel, counts, [f"{k}: {counted(n, 'neuron')}" for k, n in zip(served, counts, strict=True)], "neurons")
    by_chance = [(i, k, polysemy.chance[k]) for i, k in enumerate(served)]
    chances = [Point(i, v, text=f"{k}, by chance: {v:.1f}") for i, k, v in by_chance]
    panel.add("point", chances, Look("series-2", "diamond", open=True, size=11), "by chance")
    several, chance = sum(polysemy.neurons[2:]), sum(polysemy.chance[2:])
    title = f"{count(several)} neurons belong to several properties; by chance {chance:.0f} would"
    rows = [
        (str(k), count(n), f"{c:.1f}") for k, (n, c) in enumerate(zip(polysemy.neurons, polysemy.chance, strict=True))
    ]
    table = make_table("Number of properties of a neuron", ("properties", "neurons", "by chance"), rows)
    caption = "A neuron belongs to a property if it is among those that take half of a value's weight in the probe."
    return Chart("polysemy", title, caption, Figure((panel,)), table)


def spread_chart(group: NeuronGroups) -> Chart | None:
    """In which layers the neurons of the smallest sets are; None where there is none."""
    sets = {s.name: s for s in group.properties.spread}
    if not sets:
        return None
    layers = len(next(iter(sets.values())).share)
    shares = {("", name): s.share for name, s in sets.items()}
    figure = heat_figure({group.view: shares}, rows_of({"": sets}), layers, (0.0, 1.0))
    cells = [
        (name, ratio(s.mean), ratio(s.entropy), ratio(s.expected_entropy), *map(count, s.counts))
        for name, s in sets.items()
    ]
    heads = ("property", "mean layer", "entropy, bits", "by chance", *(f"layer {k}" for k in range(layers)))
    narrow = sum(s.entropy < s.expected_entropy - _BITS for s in sets.values())
    title = f"{narrow} of {len(sets)} smallest sets are in fewer layers than as many random neurons"
    caption = (
        "One column for each layer: its share of a set's neurons; pale is none, dark is all, the mark is on the"
        f" largest. The title counts sets whose entropy over layers is {_BITS:g} bits or more below chance."
    )
    return Chart("spread", title, caption, figure, make_table("Smallest sets over layers", heads, cells))


def group_left_out_table(group: NeuronGroups) -> Table:
    """Properties and values without a set, and why."""
    rows = [*group.left_out.items()]
    return make_table(f"{len(rows)} without a set", ("property or value", "reason"), rows)


def group_charts(group: NeuronGroups) -> dict[str, Chart]:
    """The figures of groups."""
    charts = [spread_chart(group), polysemy_chart(group)]
    return {chart.key: chart for chart in charts if chart is not None}
