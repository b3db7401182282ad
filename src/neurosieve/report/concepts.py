"""Tables of the concepts that were found: pure functions from what a run found."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report.numbers import NONE, count, counted, p_value, ratio
from neurosieve.report.set_tables import claimed_sets, set_sentence, set_table
from neurosieve.report.stable_readings import stability_line
from neurosieve.report.tables import Table, make_table, model_name
from neurosieve.report.text_set_tables import text_set_line, text_set_tables
from neurosieve.results.concepts import Concept, ConceptFindings, ConceptNeuron, ConceptResult
from neurosieve.results.measured import NotMeasured

VIEWS = {"detect": "the token is seen", "predict": "the token is hidden and has to be predicted"}
MARGIN, LEAST_AP, LEAST_AUROC = 0.1, 0.8, 0.9  # METHOD.md; a result's verdicts are made with them
SITES = {"hidden": "outputs of layers", "mlp": "feed-forward units", "attention": "outputs of attention heads"}
_SHOWN = 3
_PARTS = {"groups": "sets", "evidence": "evidence", "latent": "latent concepts", "examples": "whole texts"}
RULE = (
    f"Chosen on train files; claimed as a neuron of the value on held-out files, all by lower bounds of 95 % intervals:"
    f" an average precision (AP) of {LEAST_AP:g} or more, an AUROC of {LEAST_AUROC:g} or more, and an AP above that of"
    f" the best rival, which needs no training, by {MARGIN:g} or by half of what that leaves to 1."
)
EARLIER = (
    "Claimed by the less strict rule of an earlier version: scores without their intervals, and rivals without exact"
    " places, character shape and untrained copies. Look for concepts again in a new folder."
)


def claim_rule(result: ConceptResult) -> str:
    """The rule that the result's claims were made by."""
    return RULE if all(view.untrained_reason is not None for view in result.views.values()) else EARLIER


def further_parts(result: ConceptResult) -> dict[str, Any]:
    """The parts that have values, besides the claims, by the names of their fields."""
    parts = {name: getattr(result, name) for name in _PARTS}
    return {name: part for name, part in parts.items() if not isinstance(part, NotMeasured) and _filled(part)}


def _filled(part: Any) -> bool:
    """It has values; evidence is by view."""
    return any(part.values()) if isinstance(part, Mapping) else bool(part)


def best_neuron(concept: Concept) -> ConceptNeuron:
    """The first claimed neuron, or the strongest on train if none is claimed."""
    return concept.neurons[0]


def looked_for(result: ConceptResult) -> int:
    """Property values that were looked for in some view."""
    return len({c.name for view in result.views.values() for c in view.concepts})


def concept_headline(result: ConceptResult) -> str:
    """How many neurons are claimed as concept neurons, and the clearest; or that there is none."""
    claims = [(c, n) for view in result.views.values() for c in view.concepts for n in c.claimed]
    looked, all_neurons = looked_for(result), count(result.neurons)
    together = _sets_in_words(result)
    if not claims:
        return f"No neuron of {all_neurons} clears the bounds for one of {looked} property values{together}"
    # By train: the highest of many scores on held-out files would be so by luck, too.
    concept, best = max(claims, key=lambda pair: pair[1].train_ap - pair[0].rival[1])
    ids = {n.neuron for _, n in claims}
    values = {c.name for c, _ in claims}
    of = "a neuron" if len(ids) == 1 else "neurons"
    return (
        f"{len(ids)} of {all_neurons} neurons {'is' if len(ids) == 1 else 'are'} claimed as {of} of {len(values)} of"
        f" {looked} property values, the clearest {best.neuron} of {concept.name}: average precision"
        f" {ratio(best.ap, best.interval)} on held-out files, {ratio(concept.rival[1])} without training{together}"
    )


def _sets_in_words(result: ConceptResult) -> str:
    """The clearest value that several neurons tell together; empty where none is claimed so."""
    if not (sets := claimed_sets(result)):
        return ""
    values = len({c.name for c, _ in sets})
    of = "value is" if values == 1 else "values are"
    return f"; {values} {of} claimed as a set of several neurons, the clearest {set_sentence(*sets[0])}"


def studied_table(result: ConceptResult) -> Table:
    """What was analysed for concepts."""
    texts, tokens, views = result.texts, result.tokens, result.views
    read = [f"{count(tokens.read)} of {count(texts.read)} texts"]
    read += [f"{count(tokens.in_error)} in code that does not parse"] if tokens.in_error else []
    site = SITES[result.site]
    rows = [
        ("model", model_name(result.model, result.revision)),
        ("neurons", f"{count(result.neurons)} {site} in {result.layers} layers"),
        ("tokens read", ", ".join(read)),
        ("texts with parse errors", f"{count(texts.with_errors)}; {count(texts.framed)} are fragments"),
        *((f"view {name}", f"{VIEWS[name]}: {_rows(view)}") for name, view in views.items()),
        ("property values", f"{looked_for(result)}, of {len(_properties(result))} properties"),
        *(
            ("untrained copies", f"no rival in view {name}: {view.untrained_reason}")
            for name, view in views.items()
            if view.untrained_reason
        ),
        *((name, f"not measured: {reason}") for name, reason in _lacking(result)),
        *(("note", note) for note in result.notes),
    ]
    return make_table("What was analysed for concepts", ("", ""), rows)


def _lacking(result: ConceptResult) -> Iterator[tuple[str, str]]:
    """Parts that were not measured, and why; files may not say why."""
    for key, name in (_PARTS | {"text_sets": "sets for whole texts"}).items():
        part = getattr(result, key)
        if isinstance(part, NotMeasured) and part.text:
            yield name, part.text


def _rows(view: ConceptFindings) -> str:
    return ", ".join(f"{split} {count(n)} tokens of {view.files[split]} files" for split, n in view.rows.items())


def _properties(result: ConceptResult) -> set[str]:
    return {c.property_name for view in result.views.values() for c in view.concepts}


def claim_table(view: ConceptFindings) -> Table:
    """The claimed neurons of one view in the order of the properties, at most three for each value."""
    rows: list[Sequence[str]] = []
    for c in view.concepts:
        own, (rival, precision) = c.claimed, c.rival
        about = (f"{rival} {ratio(precision)}", f"{c.base:.3f}", count(c.test))
        for n in own[:_SHOWN]:
            scores = (ratio(n.ap, n.interval), ratio(n.auroc, n.auroc_interval), _above(c, n))
            rows.append((c.name, _named(n), *scores, *about, n.note))
        if more := own[_SHOWN:]:
            spans = _span([n.ap for n in more]), _span([n.auroc for n in more])
            above = _span([n.ap - precision for n in more])
            rows.append((c.name, f"{len(more)} more", *spans, above, *about, ""))
    heads = ("value", "neuron", "AP", "AUROC", "above the best rival", "best rival's AP", "base rate", "n", "note")
    return make_table(f"View {view.view}: {VIEWS[view.view]}", heads, rows)


def concept_html(result: ConceptResult) -> Markup:
    """A result as a notebook shows it."""
    tables = [claim_table(view).to_html() for view in result.views.values()]
    tables += [t.to_html() for view in result.views.values() if (t := set_table(view)).rows]
    tables += [t.to_html() for name, t in text_set_tables(result).items() if name.endswith("-sets")]
    said = [Markup("<p><b>{}</b></p>").format(visible(concept_headline(result)))]
    lines = (stability_line(result), text_set_line(result))
    said += [Markup("<p>{}</p>").format(visible(line)) for line in lines if line]
    return Markup("").join([*said, *tables])


def short_claim_table(view: ConceptFindings) -> Table:
    """The same, one row a value, for a narrow screen."""
    rows = []
    for c in view.concepts:
        if own := c.claimed:
            names = ", ".join(str(n.neuron) for n in own[:_SHOWN])
            more = f" +{len(own) - _SHOWN}" if len(own) > _SHOWN else ""
            rival, precision = c.rival
            rows.append((c.name, names + more, ratio(own[0].ap, own[0].interval), f"{precision:.2f} {rival}"))
    return make_table(f"View {view.view}: {VIEWS[view.view]}", ("value", "neurons", "AP", "rival"), rows)


def value_table(view: ConceptFindings) -> Table:
    """All values looked for in one view: the best neuron, the base rate and the best rival, and what it lacks."""
    rows = []
    for c in view.concepts:
        n, (rival, precision) = best_neuron(c), c.rival
        unseen = f"{NONE} (n {c.unseen.n})"
        if n.unseen_ap is not None:
            unseen = f"{ratio(n.unseen_ap)} (base {c.unseen.base:.3f})"
        rows.append(
            (
                c.name,
                count(c.test),
                f"{c.base:.3f}",
                _named(n),
                ratio(n.ap, n.interval),
                ratio(n.auroc, n.auroc_interval),
                ratio(n.selectivity),
                p_value(n.p),
                unseen,
                f"{rival} {ratio(precision)}",
                _above(c, n),
                verdict(c),
            )
        )
    heads = (
        "value",
        "n",
        "base rate",
        "best neuron",
        "AP",
        "AUROC",
        "AUROC among own values",
        "p",
        "AP on unseen texts",
        "best rival's AP",
        "above it",
        "verdict",
    )
    return make_table(f"All values, view {view.view}", heads, rows)


def verdict(concept: Concept) -> str:
    """How many neurons are claimed, or what the best one lacks."""
    own = len(concept.claimed)
    return f"claimed: {counted(own, 'neuron')}" if own else f"not claimed: {best_neuron(concept).lacking}"


def left_out_table(result: ConceptResult) -> Table:
    """Values and properties that were not looked for, and why."""
    views = result.views
    names = dict.fromkeys(name for view in views.values() for name in view.left_out)
    rows = [(name, *(view.left_out.get(name, "looked for") for view in views.values())) for name in names]
    return make_table(f"{len(rows)} values left out", ("value", *(f"view {name}" for name in views)), rows)


def _above(concept: Concept, neuron: ConceptNeuron) -> str:
    """How far a neuron's average precision is above the best rival's."""
    return ratio(neuron.ap - concept.rival[1], neuron.difference_interval)


def _named(neuron: ConceptNeuron) -> str:
    """A neuron, and whether it is low where the value is."""
    return f"{neuron.neuron}{' low' if neuron.low else ''}"


def _span(values: Sequence[float]) -> str:
    low, high = ratio(min(values)), ratio(max(values))
    return low if low == high else f"{low} – {high}"
