"""Tables of the concepts that were found: pure functions from the content of `concepts.json`."""

from collections.abc import Sequence

from neurosieve.report.numbers import NONE, count, neuron, p_value, ratio
from neurosieve.report.tables import Record, Table, make_table, model_name

VIEWS = {"detect": "the token is seen", "predict": "the token is hidden and has to be predicted"}
MARGIN, LEAST_AP, LEAST_AUROC = 0.1, 0.8, 0.9  # METHOD.md; the record's verdicts are made with them
_SHOWN = 3
_PARTS = {"groups": "sets", "evidence": "evidence", "latent": "latent concepts", "examples": "whole texts"}
RULE = (
    f"Found on train files; called a neuron of the value on held-out files, all by lower bounds of 95 % intervals: an"
    f" average precision (AP) of {LEAST_AP:g} or more, an AUROC of {LEAST_AUROC:g} or more, and an AP above the best"
    f" rival's, which no training made, by {MARGIN:g} or by half of what that leaves."
)
EARLIER = (
    "Called by the looser rule of an earlier version: scores without their intervals, and rivals without exact places,"
    " character shape and untrained copies. Look for concepts again in a new folder."
)


def value_name(concept: Record) -> str:
    """`property=value`."""
    return f"{concept['property_name']}={concept['value']}"


def claim_rule(record: Record) -> str:
    """The rule that the record's claims were made by."""
    return RULE if all("untrained_reason" in view for view in record["views"].values()) else EARLIER


def best_rival(concept: Record) -> tuple[str, float]:
    """What tells most of the value without training, and its average precision."""
    known = [(float(ap), name) for name, ap in concept["rivals"].items() if ap is not None]
    ap, name = max(known, default=(float(concept["base"]), "a guess"))
    return name, ap


def claimed(concept: Record) -> list[Record]:
    """Neurons that are called neurons of the value, the strongest on train first."""
    return [n for n in concept["neurons"] if n["claimed"]]


def best_neuron(concept: Record) -> Record:
    """The first called neuron, or the strongest on train where none is called."""
    first: Record = concept["neurons"][0]
    return first


def looked_for(record: Record) -> int:
    """Property values that were looked for in some view."""
    return len({value_name(c) for view in record["views"].values() for c in view["concepts"]})


def concept_headline(record: Record) -> str:
    """How many neurons are called concept neurons, and the clearest; or that there is none."""
    found = [(c, n) for view in record["views"].values() for c in view["concepts"] for n in claimed(c)]
    looked, all_neurons = looked_for(record), count(record["neurons"])
    if not found:
        return f"No neuron of {all_neurons} clears the bounds for one of {looked} property values"
    # By train: the highest of many scores on held-out files would be so by luck, too.
    concept, best = max(found, key=lambda pair: pair[1]["train_ap"] - best_rival(pair[0])[1])
    ids = {tuple(n["neuron"]) for _, n in found}
    values = {value_name(c) for c, _ in found}
    of = "a neuron" if len(ids) == 1 else "neurons"
    return (
        f"{len(ids)} of {all_neurons} neurons {'is' if len(ids) == 1 else 'are'} called {of} of {len(values)} of"
        f" {looked} property values, the clearest {neuron(best['neuron'])} of {value_name(concept)}: average precision"
        f" {ratio(best['ap'], best['interval'])} on held-out files, {ratio(best_rival(concept)[1])} without training"
    )


def studied_table(record: Record) -> Table:
    """What was analysed for concepts."""
    texts, tokens, views = record["texts"], record["tokens"], record["views"]
    read = [f"{count(tokens['read'])} of {count(texts['read'])} texts"]
    read += [f"{count(tokens['in_error'])} in code that does not parse"] if tokens["in_error"] else []
    site = "feed-forward units" if record["site"] == "mlp" else "outputs of layers"
    rows = [
        ("model", model_name(record)),
        ("neurons", f"{count(record['neurons'])} {site} in {record['layers']} layers"),
        ("tokens read", ", ".join(read)),
        ("texts with parse errors", f"{count(texts['with_errors'])}; {count(texts['framed'])} are fragments"),
        *((f"view {name}", f"{VIEWS[name]}: {_rows(view)}") for name, view in views.items()),
        ("property values", f"{looked_for(record)}, of {len(_properties(record))} properties"),
        *(
            ("untrained copies", f"no rival in view {name}: {reason}")
            for name, view in views.items()
            if (reason := view.get("untrained_reason"))
        ),
        *((name, f"not measured: {reason}") for key, name in _PARTS.items() if (reason := record.get(f"{key}_reason"))),
        *(("note", note) for note in record["notes"]),
    ]
    return make_table("What was analysed for concepts", ("", ""), rows)


def _rows(view: Record) -> str:
    return ", ".join(f"{split} {count(n)} tokens of {view['files'][split]} files" for split, n in view["rows"].items())


def _properties(record: Record) -> set[str]:
    return {c["property_name"] for view in record["views"].values() for c in view["concepts"]}


def claim_table(view: Record) -> Table:
    """The called neurons of one view in the order of the properties, three a value at most."""
    rows: list[Sequence[str]] = []
    for c in view["concepts"]:
        own, (rival, precision) = claimed(c), best_rival(c)
        about = (f"{rival} {ratio(precision)}", f"{c['base']:.3f}", count(c["test"]))
        for n in own[:_SHOWN]:
            scores = (ratio(n["ap"], n["interval"]), ratio(n["auroc"], n.get("auroc_interval")), _above(c, n))
            rows.append((value_name(c), _named(n), *scores, *about, n.get("note", "")))
        if more := own[_SHOWN:]:
            spans = (_span([n[k] for n in more]) for k in ("ap", "auroc"))
            above = _span([n["ap"] - precision for n in more])
            rows.append((value_name(c), f"{len(more)} more", *spans, above, *about, ""))
    heads = ("value", "neuron", "AP", "AUROC", "above the best rival", "best rival's AP", "base rate", "n", "note")
    return make_table(f"View {view['view']}: {VIEWS[view['view']]}", heads, rows)


def short_claim_table(view: Record) -> Table:
    """The same, one row a value, for a narrow screen."""
    rows = []
    for c in view["concepts"]:
        if own := claimed(c):
            names = ", ".join(neuron(n["neuron"]) for n in own[:_SHOWN])
            more = f" +{len(own) - _SHOWN}" if len(own) > _SHOWN else ""
            rival, precision = best_rival(c)
            rows.append(
                (value_name(c), names + more, ratio(own[0]["ap"], own[0]["interval"]), f"{precision:.2f} {rival}")
            )
    return make_table(f"View {view['view']}: {VIEWS[view['view']]}", ("value", "neurons", "AP", "rival"), rows)


def value_table(view: Record) -> Table:
    """All values looked for in one view: the best neuron beside base rate and best rival, and what it lacks."""
    rows = []
    for c in view["concepts"]:
        n, (rival, precision) = best_neuron(c), best_rival(c)
        hits, share = c["unseen"]
        unseen = f"{ratio(n['unseen_ap'])} (base {share:.3f})" if n["unseen_ap"] is not None else f"{NONE} (n {hits})"
        rows.append(
            (
                value_name(c),
                count(c["test"]),
                f"{c['base']:.3f}",
                _named(n),
                ratio(n["ap"], n["interval"]),
                ratio(n["auroc"], n.get("auroc_interval")),
                ratio(n["selectivity"]),
                p_value(n["p"]),
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
    return make_table(f"All values, view {view['view']}", heads, rows)


def verdict(concept: Record) -> str:
    """How many neurons are called, or what the best lacks."""
    own = len(claimed(concept))
    return f"called: {own} neuron{'s' if own > 1 else ''}" if own else f"not called: {best_neuron(concept)['lacking']}"


def left_out_table(record: Record) -> Table:
    """Values and properties that were not looked for, and why."""
    views = record["views"]
    names = dict.fromkeys(name for view in views.values() for name in view["left_out"])
    rows = [(name, *(view["left_out"].get(name, "looked for") for view in views.values())) for name in names]
    return make_table(f"{len(rows)} values left out", ("value", *(f"view {name}" for name in views)), rows)


def _above(concept: Record, found: Record) -> str:
    """How far a neuron's average precision is above the best rival's."""
    return ratio(found["ap"] - best_rival(concept)[1], found.get("difference_interval"))


def _named(found: Record) -> str:
    """A neuron, and whether it is low where the value is."""
    return f"{neuron(found['neuron'])}{' low' if found['low'] else ''}"


def _span(values: Sequence[float]) -> str:
    low, high = ratio(min(values)), ratio(max(values))
    return low if low == high else f"{low} – {high}"
