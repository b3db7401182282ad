"""Tables of the sets of few neurons that tell a value together, and of the values that the published study names."""

from collections.abc import Iterator, Sequence

from neurosieve.report.numbers import NONE, count, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concept_sets import ConceptSet
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptResult
from neurosieve.results.text_sets import NumberSet, TextNumber

CLEAR, Q = 0.7, 0.05  # AUROC and q from which the second side of a neuron is named, as in `describe`
# What arXiv 2305.00875 names as the concepts of code tokens, and the values that stand for them here.
STUDY_VALUES = {
    "number": "lexical=number",
    "string": "lexical=string",
    "text (comments, docstrings, string words)": "text=natural",
    "identifier": "lexical=identifier",
    "keyword": "lexical=keyword",
    "modifier": "modifier=yes",
    "type": "lexical=type",
}


def has_sets(result: ConceptResult) -> bool:
    """Sets of few neurons were looked for."""
    return any(c.curve for view in result.views.values() for c in view.concepts)


def claimed_sets(result: ConceptResult) -> list[tuple[Concept, ConceptSet]]:
    """Claimed sets of more than one neuron, the clearest on validation first."""
    found = [(c, s) for view in result.views.values() for c in view.concepts if (s := c.claimed_set)]
    several = [pair for pair in found if pair[1].size > 1]
    return sorted(several, key=lambda pair: pair[1].rival_ap - pair[1].validation_ap)


def set_sentence(concept: Concept, few: ConceptSet) -> str:
    """For example `text=natural: 8 neurons of layers 2–4, AP 0.91 [0.86, 0.95], best rival 0.47 (lookup)`."""
    low, high = few.layers
    where = f"layer{'' if low == high else 's'} {layer_text(few.layers)}"
    noun = "1 neuron" if few.size == 1 else f"{few.size} neurons"
    rival = f"best rival {ratio(few.rival_ap)} ({few.rival})"
    return f"{concept.name}: {noun} of {where}, AP {ratio(few.ap, few.ap_interval)}, {rival}"


def layer_text(layers: tuple[int, int]) -> str:
    """The lowest and the highest layer of a set."""
    low, high = layers
    return str(low) if low == high else f"{low}–{high}"


def set_table(view: ConceptFindings, where: str = "") -> Table:
    """The claimed sets of one view, or of what is named: of each value the smallest."""
    rows = [_line(c, s) for c in view.concepts if (s := c.claimed_set)]
    heads = ["value", "neurons", "layers", "which", "AP", "AUROC", "above the best rival", "best rival's AP"]
    heads += ["random neurons' AP", "untrained copy's AP", "note"]
    return make_table(f"Values claimed as sets, {where or f'view {view.view}'}", heads, rows)


def _line(concept: Concept, few: ConceptSet) -> Sequence[str]:
    return (
        concept.name,
        count(few.size),
        layer_text(few.layers),
        members(few),
        ratio(few.ap, few.ap_interval),
        ratio(few.auroc, few.auroc_interval),
        ratio(few.difference.value, few.difference.interval),
        f"{few.rival} {ratio(few.rival_ap)}",
        f"{ratio(few.random.mean)} ({ratio(few.random.low)} – {ratio(few.random.high)})",
        ratio(few.untrained),
        few.note,
    )


def members(few: ConceptSet | NumberSet, most: int = 8) -> str:
    """Its neurons, the heaviest first; `low` where one is low for the value."""
    names = [f"{n}{' low' if w < 0 else ''}" for n, w in zip(few.neurons, few.weights, strict=True)]
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def value_set_tables(result: ConceptResult) -> dict[str, Table]:
    """The claimed sets and the curves of each view, by name; none where no size was asked for."""
    if not has_sets(result):
        return {}
    made = {"sets": set_table, "set-curves": curve_table}
    return {f"{key}-{name}": make(view) for name, view in result.views.items() for key, make in made.items()}


def short_set_table(view: ConceptFindings) -> Table:
    """The claimed sets of more than one neuron, for a narrow screen."""
    rows = [
        (c.name, f"{s.size} of layers {s.layers[0]}–{s.layers[1]}", ratio(s.ap, s.ap_interval), _rival(s))
        for c in view.concepts
        if (s := c.claimed_set) and s.size > 1
    ]
    return make_table(f"Sets, view {view.view}", ("value", "neurons", "AP", "rival"), rows)


def _rival(few: ConceptSet) -> str:
    return f"{few.rival_ap:.2f} {few.rival}"


def curve_table(view: ConceptFindings, where: str = "") -> Table:
    """Average precision of each value by the number of neurons, and what is claimed or how far it is."""
    sizes = sorted({s.size for c in view.concepts for s in c.curve})
    rows = []
    for c in view.concepts:
        by_size = {s.size: s for s in c.curve}
        cells = [ratio(by_size[k].ap, by_size[k].ap_interval) if k in by_size else NONE for k in sizes]
        rows.append((c.name, *cells, _best_rival(c), set_verdict(c)))
    heads = ("value", *(f"{k} neuron{'s' if k > 1 else ''}" for k in sizes), "best rival's AP", "verdict")
    return make_table(f"Average precision by number of neurons, {where or f'view {view.view}'}", heads, rows)


def _best_rival(concept: Concept) -> str:
    largest = max(concept.curve, key=lambda s: s.rival_ap, default=None)
    name, ap = concept.rival if largest is None else (largest.rival, largest.rival_ap)
    return f"{name} {ratio(ap)}"


def set_verdict(concept: Concept | TextNumber) -> str:
    """The claimed set, or what the largest one lacks."""
    if few := concept.claimed_set:
        return f"claimed: {few.size} neuron{'s' if few.size > 1 else ''}"
    if concept.curve:
        return f"not claimed: {concept.curve[-1].lacking}"
    return getattr(concept.sets, "text", "not looked for")


def study_table(view: ConceptFindings) -> Table:
    """The values that the published study names: what is claimed for each, or how far it is."""
    by_name, rows = {c.name: c for c in view.concepts}, []
    for name, value in STUDY_VALUES.items():
        if (c := by_name.get(value)) is None:
            why = view.left_out.get(value) or view.left_out.get(value.partition("=")[0]) or "not asked for"
            rows.append((name, value, *[NONE] * 5, f"not looked for: {why}"))
            continue
        best = c.neurons[0]
        few = c.claimed_set or (max(c.curve, key=lambda s: s.validation_ap) if c.curve else None)
        one = f"{best.neuron}{' low' if best.low else ''}: {ratio(best.ap, best.interval)}"
        together = (count(few.size), ratio(few.ap, few.ap_interval)) if few else (NONE, NONE)
        rows.append((name, value, count(c.test), one, *together, _best_rival(c), _both(c)))
    heads = (
        "concept",
        "value",
        "n",
        "best single neuron",
        "neurons together",
        "their AP",
        "best rival's AP",
        "verdict",
    )
    return make_table(f"Values that the study names, view {view.view}", heads, rows)


def _both(concept: Concept) -> str:
    single = f"{len(concept.claimed)} single; " if concept.claimed else ""
    return f"{single}{set_verdict(concept)}"


def direction_table(view: ConceptFindings) -> Table:
    """Neurons that are high for one value and low for another: one side is claimed, the other clear or claimed too."""
    rows = [
        (str(neuron), *(f"{c.name} (AP {ratio(ap)}{', claimed' if sure else ''})" for c, ap, sure in pair))
        for neuron, pair in _pairs(view)
    ]
    return make_table(f"Neurons with two directions, view {view.view}", ("neuron", "high for", "low for"), rows)


def _pairs(view: ConceptFindings) -> Iterator[tuple[object, list[tuple[Concept, float, bool]]]]:
    """Each such neuron with its clearest value high and its clearest value low."""
    sides: dict[object, dict[bool, tuple[Concept, float, bool]]] = {}
    for c in view.concepts:
        for n in c.neurons:
            if not n.claimed and not (n.auroc >= CLEAR and n.q is not None and n.q <= Q):
                continue
            side = sides.setdefault(n.neuron, {})
            if n.low not in side or (n.claimed, n.ap) > (side[n.low][2], side[n.low][1]):
                side[n.low] = c, n.ap, n.claimed
    for neuron, side in sides.items():
        if len(side) == 2 and (side[False][2] or side[True][2]):
            yield neuron, [side[False], side[True]]
