"""Modules in tables, a figure and sentences: one a label, what composes of them, what they share, what was changed."""

from collections.abc import Sequence

from neurosieve.report.concept_figures import heat_figure, rows_of
from neurosieve.report.drawing import Chart
from neurosieve.report.numbers import ACCURACY, NONE, count, counted, p_value, per_cent
from neurosieve.report.tables import Table, make_table
from neurosieve.results.measured import Interval, Score
from neurosieve.results.modules import (
    ChangeKind,
    ComposedModules,
    CompositionKind,
    LabelModule,
    ModuleChange,
    ModuleFolder,
    ModulesResult,
)
from neurosieve.results.overlaps import ChanceOverlap, SetOverlap

_KINDS: dict[CompositionKind, str] = {
    "margins": "blocks of the probe of all labels",
    "smallest set": "blocks of the probe on the smallest set",
    "independent": "independent modules",
}
# Which decisions a change of independent modules can move. Each module's score is its own, and the highest decides.
MOVABLE: dict[ChangeKind, str] = {
    "use": "the module answers for its label alone: other labels are not decided",
    "drop": "rows that were decided as the label go to the next best; no other row can move",
    "replace": "rows can move to the label or away from it; none can move between two others",
    "add": "rows can move to the new label; none can move between two others",
}


def module_headline(result: ModulesResult) -> str:
    """The finding in one sentence."""
    whole, sizes = result.independent, sorted(module.size for module in result.modules)
    span = " to ".join(dict.fromkeys(map(count, (sizes[0], sizes[-1]))))
    return (
        f"{len(result.modules)} modules of {span} neurons ({_share(whole.share)} of {count(sum(result.live))} on"
        f" average) decide together with {per_cent(whole.test.value, whole.test.interval)} accuracy; the probe of all"
        f" labels has {per_cent(result.monolith.value)}: a loss of {ACCURACY.gain(whole.loss, ' points')}"
    )


def module_rule(result: ModulesResult) -> str:
    """How modules were chosen."""
    held = "one-sided 95 % bound of its loss" if result.select == "safe" else "loss"
    return (
        f"A module is the fewest neurons of its label's own ranking (LCA) whose {held} against the probe of all labels"
        f" is at most {ACCURACY.allowed(result.delta)} on validation, on telling the label from the rest. Scores are of"
        " test rows, which were opened once after that."
    )


def _share(value: float) -> str:
    """A small share, with a digit more than scores have."""
    return f"{100 * value:.2f} %"


def module_table(result: ModulesResult) -> Table:
    """One row a module: its size and score against the rest, with random modules of its size."""
    live = sum(result.live)
    rows = [_module_row(module, live) for module in result.modules]
    heads = (
        "label",
        "neurons",
        "against the rest",
        "loss, points",
        "found",
        "right of claimed",
        "claiming nothing",
        "as many random neurons",
        "random orders need",
        "block of the probe of all labels",
    )
    return make_table("Each label by its own module", heads, rows)


def _module_row(module: LabelModule, live: int) -> Sequence[str]:
    need = module.random_size
    return (
        module.label,
        f"{count(module.size)} ({_share(module.size / live)})" + ("" if module.within else ", not within delta"),
        per_cent(module.test.value, module.test.interval),
        ACCURACY.gain(module.loss),
        per_cent(module.recall),
        per_cent(module.precision),
        per_cent(module.majority),
        ACCURACY.ranged(module.random),
        f"{count(need.median)} ({count(need.low)} – {count(need.high)})",
        count(module.margin),
    )


def short_module_table(result: ModulesResult) -> Table:
    """The same as a terminal has room for."""
    rows = [
        (
            m.label,
            count(m.size),
            per_cent(m.test.value, m.test.interval),
            ACCURACY.gain(m.loss),
            ACCURACY.ranged(m.random),
        )
        for m in result.modules
    ]
    heads = ("label", "neurons", "against the rest", "loss, points", "as many random")
    return make_table("Each label by its own module", heads, rows)


def composition_table(result: ModulesResult) -> Table:
    """What the modules decide together, by each kind of them, and by random ones of the same sizes."""
    rows = [_composition_row(one) for one in result.compositions]
    random = (ACCURACY.ranged(result.random), ACCURACY.gain(result.random_loss))
    own = result.independent
    rows.append((f"{result.draws} times random modules of these sizes", _sizes(own), NONE, NONE, *random, NONE))
    heads = ("modules", "neurons of each", "in all", "validation", "test", "loss, points", "decided otherwise")
    return make_table("What the modules decide together", heads, rows)


def short_composition_table(result: ModulesResult) -> Table:
    """The same as a terminal has room for: the size to beat, the modules, random ones."""
    table, kept = composition_table(result), (0, 2, 4, 5)
    rows = [[row[i] for i in kept] for row in table.rows if row[0] != _KINDS["smallest set"]]
    return make_table(table.title, [table.columns[i] for i in kept], rows)


def _composition_row(one: ComposedModules) -> Sequence[str]:
    return (
        _KINDS[one.kind],
        _sizes(one),
        count(one.union),
        per_cent(one.validation),
        per_cent(one.test.value, one.test.interval),
        ACCURACY.gain(one.loss),
        per_cent(one.other_decisions),
    )


def _sizes(one: ComposedModules) -> str:
    return f"{', '.join(map(count, one.sizes))} (mean {_share(one.share)})"


def matrix_table(result: ModulesResult, one: ComposedModules) -> Table:
    """Jaccard of any two modules of a composition, with its chance interval by layer; marked where above chance."""
    shares = {frozenset((pair.a, pair.b)): pair.overlap for pair in one.pairs}
    cells = [
        (a, *(_cell(shares.get(frozenset((a, b)))) if a != b else count(size) for b in result.labels))
        for a, size in zip(result.labels, one.sizes, strict=True)
    ]
    above = sum(pair.overlap.above_chance for pair in one.pairs)
    title = f"{_KINDS[one.kind].capitalize()}: {above} of {len(one.pairs)} pairs share more than by chance"
    return make_table(title, ("", *result.labels), cells)


def _cell(overlap: SetOverlap | None) -> str:
    if overlap is None:
        return NONE
    mark = " *" if overlap.above_chance else ""
    return f"{overlap.jaccard:.3f} {_interval(overlap.by_layer.interval)}{mark}"


def pair_table(one: ComposedModules) -> Table:
    """Any two modules of a composition with both kinds of chance."""
    rows = [
        (
            f"{pair.a} and {pair.b}",
            count(pair.overlap.shared),
            f"{pair.overlap.jaccard:.3f}",
            *_chances(pair.overlap.uniform),
            *_chances(pair.overlap.by_layer),
            _verdict(pair.overlap),
        )
        for pair in one.pairs
    ]
    heads = (
        "modules",
        "shared neurons",
        "share of either (Jaccard)",
        "by chance",
        "p",
        "by chance in the same layers",
        "p in the same layers",
        "verdict",
    )
    return make_table(f"Pairs of {_KINDS[one.kind]}", heads, rows)


def _chances(chance: ChanceOverlap) -> tuple[str, str]:
    return f"{chance.jaccard:.3f} {_interval(chance.interval)}", p_value(chance.p)


def _interval(ends: Interval) -> str:
    return f"[{ends[0]:.3f}, {ends[1]:.3f}]"


def _verdict(overlap: SetOverlap) -> str:
    if overlap.above_chance:
        return "more than by chance"
    return "less than by chance" if overlap.below_chance else "as by chance"


def module_chart(result: ModulesResult) -> Chart:
    """Modules as rows and layers as columns, with what is shared below each other in the table."""
    shared, layers = result.shared, range(result.layers)
    shares = {("", m.label): [n / max(1, m.size) for n in m.counts] for m in result.modules}
    figure = heat_figure({"layer": shares}, rows_of({"": [m.label for m in result.modules]}), result.layers, (0.0, 1.0))
    rows = [(m.label, count(m.size), *map(count, m.counts)) for m in result.modules]
    kinds = (("in one module alone", shared.one), ("in some", shared.some), ("in all", shared.all))
    rows += [(name, count(sum(counts)), *map(count, counts)) for name, counts in kinds]
    several, chance = sum(shared.neurons[2:]), sum(shared.chance[2:])
    title = (
        f"{counted(shared.neurons[1], 'neuron')} are in one module alone, {count(several)} in several,"
        f" {count(shared.neurons[-1])} in all; by chance {chance:.1f} would be in several"
    )
    caption = (
        "One row for each independent module, one column for each layer: its share of the module's neurons; pale is"
        " none, dark is all, the mark is on the largest. By chance means modules of the same sizes from all neurons."
    )
    table = make_table("Neurons of modules in each layer", ("module", "neurons", *(f"layer {k}" for k in layers)), rows)
    return Chart("modules", title, caption, figure, table)


def change_headline(change: ModuleChange) -> str:
    """A change in one sentence."""
    others = "the others' scores are equal in every bit" if change.untouched else "SCORES OF OTHER MODULES CHANGED"
    source = f" ({change.source})" if change.source else ""
    return (
        f"{change.kind} {change.label}{source}: {change.seconds:.2f} s, {others};"
        f" {_was_and_is(change.before, change.after)}, {counted(change.moved, 'decision')} moved"
    )


def _was_and_is(before: Score, after: Score) -> str:
    return f"{per_cent(before.value)} before and {per_cent(after.value, after.interval)} after"


def change_table(changes: Sequence[ModuleChange]) -> Table:
    """What was changed, and what moved."""
    rows = [
        (
            f"{change.kind} {change.label}",
            change.source or NONE,
            count(change.size),
            f"{change.seconds:.2f} s",
            "yes" if change.untouched else "no",
            per_cent(change.before.value),
            per_cent(change.after.value, change.after.interval),
            ACCURACY.gain(change.loss),
            f"{count(change.moved)} of {count(change.after.n)}",
            count(change.moved_elsewhere),
            NONE if change.own is None else per_cent(change.own.test.value, change.own.test.interval),
            MOVABLE[change.kind],
        )
        for change in changes
    ]
    heads = (
        "change",
        "from",
        "neurons",
        "time",
        "others equal in every bit",
        "before",
        "after",
        "loss, points",
        "decisions moved",
        "of them between others",
        "the module against the rest",
        "what can move",
    )
    return make_table("Changes of one module", heads, rows)


def short_change_table(changes: Sequence[ModuleChange]) -> Table:
    """The same as a terminal has room for."""
    table = change_table(changes)
    kept = (0, 3, 4, 5, 6, 8, 9)
    rows = [[row[i] for i in kept] for row in table.rows]
    return make_table(table.title, [table.columns[i] for i in kept], rows)


def folder_table(folder: ModuleFolder) -> Table:
    """Modules as they were written."""
    rows = [(p.label, p.folder, p.form, count(p.blocks), count(p.neurons), count(p.bytes)) for p in folder.parts]
    return make_table("Modules in the folder", ("label", "folder", "form", "blocks", "neurons", "bytes"), rows)


def folder_sentence(folder: ModuleFolder, labels: Sequence[str]) -> str:
    """How they decide from the texts on.

    Args:
        folder: The modules.
        labels: Those of the run; rows of one that has no module here cannot be right.
    """
    other, kept = per_cent(folder.other_decisions), {part.label for part in folder.parts}
    lost = [label for label in labels if label not in kept]
    wrong = f" (of all test rows; those of {', '.join(lost)}, without a module here, count as wrong)" if lost else ""
    return (
        f"read from the texts on, they decide with {per_cent(folder.test.value, folder.test.interval)} accuracy{wrong};"
        f" {other} of test rows otherwise than on stored activations"
    )


def modules_text(result: ModulesResult) -> str:
    """The finding and the modules as lines of text."""
    lines = [f"  {row[0]}: {row[1]} neurons, {row[2]} against the rest" for row in module_table(result).rows]
    return "\n".join([module_headline(result), *lines])
