"""What survives other ways to write the same code, as tables."""

from collections.abc import Mapping

from neurosieve.report.numbers import NONE, count, counted, per_cent, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concept_stability import (
    RENAMED,
    ClusterStability,
    ConceptStability,
    NeuronStability,
    SetStability,
    Survival,
)
from neurosieve.results.concepts import ConceptResult

WAYS = {
    "renamed": "variables renamed",
    "layout": "laid out otherwise",
    "comments": "without comments",
    "reordered": "statements reordered",
}
_CLUSTERS = 10  # of each cut, the least stable first
_FEW = 10  # units
_HALF = 0.5
_RENAMED_UNITS = "of these, units with a new name"


def stability_tables(result: ConceptResult) -> list[Table]:
    """All of them that have rows; none where nothing was rewritten."""
    made = (neuron_stability_table, set_stability_table, cluster_stability_table, rewrite_table)
    return [table for make in made if result.stability and (table := make(result.stability)).rows]


def stability_line(result: ConceptResult) -> str:
    """Which neurons and sets follow spelling only, in one sentence; empty where nothing was rewritten."""
    if result.stability is None:
        return ""
    neurons, sets = result.stability.neurons, result.stability.sets
    follow = [f"{n.neuron} of {n.value}" for n in neurons if n.follows_spelling]
    follow += [f"the set of {s.value}" for s in sets if s.follows_spelling]
    survive = sum(_low(r) > _HALF for r in (*(n.renamed for n in neurons), *(s.renamed for s in sets)))
    named = f"{len(follow)} follow spelling only ({', '.join(follow)})" if follow else "none follows spelling only"
    about = counted(len(neurons), "neuron") + (f" and {counted(len(sets), 'claimed set')}" if sets else "")
    about += " read again in rewritten files"
    return f"Of {about}, {survive} survive new names of variables by the lower bound, {named}"


def neuron_stability_table(found: ConceptStability) -> Table:
    """Each neuron: at how many of the units at which it fired it still fires, by rewrite; claimed ones first."""
    rows = [
        (n.value, f"{n.neuron}{' low' if n.low else ''}", ratio(n.ap), "yes" if n.claimed else "no",
         *_cells(found, n.rewrites), _survives(n.renamed), _verdict(n))
        for n in sorted(found.neurons, key=lambda n: (not n.claimed, -n.ap))
    ]  # fmt: skip
    heads = ("value", "neuron", "AP", "claimed", *_heads(found), _RENAMED_UNITS, "verdict")
    return make_table(f"What survives of the readings of neurons ({_about(found)})", heads, rows)


def set_stability_table(found: ConceptStability) -> Table:
    """Each claimed set of several neurons, as single neurons."""
    rows = [
        (s.value, count(len(s.neurons)), ratio(s.ap), *_cells(found, s.rewrites), _survives(s.renamed), _verdict(s))
        for s in sorted(found.sets, key=lambda s: -s.ap)
    ]
    heads = ("value", "neurons", "AP", *_heads(found), _RENAMED_UNITS, "verdict")
    return make_table(f"What survives of the readings of sets ({_about(found)})", heads, rows)


def cluster_stability_table(found: ConceptStability) -> Table:
    """Each cut of a layer, and its ten least stable clusters of ten units or more."""
    rows = []
    cuts = dict.fromkeys((c.layer, c.clusters) for c in found.clusters)
    for cut in cuts:
        own = [c for c in found.clusters if (c.layer, c.clusters) == cut]
        parts = [c for c in own if c.cluster is not None and max(s.n for s in c.rewrites.values()) >= _FEW]
        parts.sort(key=lambda c: min(s.share for s in c.rewrites.values() if s.share is not None))
        for c in (*(c for c in own if c.cluster is None), *parts[:_CLUSTERS]):
            name = "all clusters" if c.cluster is None else f"cluster {c.cluster}"
            figures = (
                *_cells(found, c.rewrites),
                _survives(c.renamed),
                _verdict(c),
            )
            rows.append((f"layer {c.layer} in {count(c.clusters)}", name, *figures))
    heads = ("clusters", "", *_heads(found), _RENAMED_UNITS, "verdict")
    return make_table(f"What stays in its latent cluster ({_about(found)})", heads, rows)


def rewrite_table(found: ConceptStability) -> Table:
    """How many files each rewrite changed, and those that it does not fit."""
    rows = [(WAYS[kind], count(n), found.left_out.get(kind, NONE)) for kind, n in found.files.items()]
    return make_table("Ways to write test files otherwise", ("rewrite", "files changed", "left out"), rows)


def _about(found: ConceptStability) -> str:
    return f"share of units with the same reading; {count(found.tokens)} held-out units were read"


def _heads(found: ConceptStability) -> list[str]:
    return [WAYS[kind] for kind in found.files]


def _cells(found: ConceptStability, rewrites: Mapping[str, Survival]) -> list[str]:
    return [_survives(rewrites[kind]) if kind in rewrites else NONE for kind in found.files]


def _survives(survival: Survival) -> str:
    return f"{per_cent(survival.share, survival.interval)} (n {count(survival.n)})" if survival.n else NONE


def _verdict(own: NeuronStability | SetStability | ClusterStability) -> str:
    """What the bounds say of new names, then which other rewrites take most readings away."""
    others = {kind: s.interval[1] for kind, s in own.rewrites.items() if kind != RENAMED and s.interval}
    lost = [f"lost when {WAYS[k]}: at most {per_cent(high)} survive" for k, high in others.items() if high < _HALF]
    return "; ".join([_of_names(own), *lost])


def _of_names(own: NeuronStability | SetStability | ClusterStability) -> str:
    if not own.renamed.n:
        return "no unit has a new name"
    if own.renamed.interval is None:
        return "not measured: one file"
    low, high = own.renamed.interval
    if own.follows_spelling:
        return f"follows spelling only: at most {per_cent(high)} survive a new name"
    if high < _HALF:
        return f"follows spelling and more: at most {per_cent(high)} survive a new name"
    return f"survives a new name: at least {per_cent(low)}" if low > _HALF else "not decided"


def _low(survival: Survival) -> float:
    return survival.interval[0] if survival.interval else 0.0
