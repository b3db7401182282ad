"""What survives other ways to write the same code, as tables."""

from collections.abc import Mapping

from neurosieve.report.numbers import NONE, count, counted, per_cent
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concept_stability import ConceptStability, Survival
from neurosieve.results.concepts import ConceptResult

WAYS = {
    "renamed": "variables renamed",
    "layout": "laid out otherwise",
    "comments": "without comments",
    "reordered": "statements reordered",
}
_CLUSTERS = 10  # of each cut, the least stable first
_FEW = 10  # units


def stability_tables(result: ConceptResult) -> list[Table]:
    """All of them that have rows; none where nothing was rewritten."""
    made = (neuron_stability_table, cluster_stability_table, rewrite_table)
    return [table for make in made if result.stability and (table := make(result.stability)).rows]


def stability_line(result: ConceptResult) -> str:
    """Which claimed neurons follow spelling, in one sentence; empty where nothing was rewritten."""
    if result.stability is None:
        return ""
    neurons = result.stability.neurons
    follow = [f"{n.neuron} of {n.value}" for n in neurons if n.follows_spelling]
    survive = sum(_survives_renaming(n.renamed) for n in neurons)
    named = f", {len(follow)} follow spelling ({', '.join(follow)})" if follow else ", none follows spelling alone"
    return f"Of {counted(len(neurons), 'claimed neuron')} {survive} survive renamed variables{named}"


def neuron_stability_table(found: ConceptStability) -> Table:
    """Each claimed neuron: at how many of the units at which it fired it still fires, by rewrite."""
    rows = [
        (n.value, f"{n.neuron}{' low' if n.low else ''}", *_cells(n.rewrites), _survives(n.renamed),
         _verdict(n.renamed, follows=n.follows_spelling))
        for n in found.neurons
    ]  # fmt: skip
    heads = ("value", "neuron", *_heads(found), "units whose text was renamed", "verdict")
    return make_table(f"What survives of claimed neurons ({_about(found)})", heads, rows)


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
            figures = (*_cells(c.rewrites), _survives(c.renamed), _verdict(c.renamed, follows=c.follows_spelling))
            rows.append((f"layer {c.layer} in {count(c.clusters)}", name, *figures))
    heads = ("clusters", "", *_heads(found), "units whose text was renamed", "verdict")
    return make_table(f"What stays in its latent cluster ({_about(found)})", heads, rows)


def rewrite_table(found: ConceptStability) -> Table:
    """How many files each rewrite changed, and those that it does not fit."""
    rows = [(WAYS[kind], count(n), found.left_out.get(kind, NONE)) for kind, n in found.files.items()]
    return make_table("Ways to write test files otherwise", ("rewrite", "files changed", "left out"), rows)


def _about(found: ConceptStability) -> str:
    return f"share of {count(found.tokens)} held-out units with the same reading"


def _heads(found: ConceptStability) -> list[str]:
    return [WAYS[kind] for kind in found.files]


def _cells(rewrites: Mapping[str, Survival]) -> list[str]:
    return [_survives(survival) for survival in rewrites.values()]


def _survives(survival: Survival) -> str:
    return f"{per_cent(survival.share, survival.interval)} (n {count(survival.n)})" if survival.n else NONE


def _verdict(renamed: Survival, *, follows: bool) -> str:
    if follows:
        return "follows spelling: most readings go when the text is renamed"
    return "survives renaming" if _survives_renaming(renamed) else "not decided"


def _survives_renaming(renamed: Survival) -> bool:
    return renamed.interval is not None and renamed.interval[0] > 1 / 2
