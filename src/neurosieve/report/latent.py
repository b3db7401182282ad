"""Tables and figures of latent concepts: clusters of tokens compared with properties of code."""

from collections.abc import Sequence
from typing import Any

from neurosieve.report.code import marked
from neurosieve.report.drawing import Chart, look_of
from neurosieve.report.figure_marks import Axis, Figure, Panel, Point
from neurosieve.report.numbers import NONE, count, per_cent, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.latent_clusters import AlignedShare, Alignment, LatentClusters


def _label(alignment: Alignment) -> str:
    return f"layer {alignment.layer}, {count(alignment.k)} clusters"


def share_table(cuts: Sequence[LatentClusters]) -> Table:
    """How many clusters each property explains on held-out rows, compared with chance."""
    rows = [
        (
            f"{cut.alignment.layer}",
            count(cut.alignment.k),
            s.property_name,
            f"{count(s.aligned)} of {count(s.clusters)} ({per_cent(s.share)})",
            per_cent(s.chance),
            per_cent(s.chance_words),
            per_cent(s.coverage),
            count(s.identity),
        )
        for cut in cuts
        for s in cut.alignment.properties
    ]
    heads = ("layer", "clusters", "property", "aligned on held-out rows", "by chance", "if words swap values",
             "train rows in them", "clusters of one word")  # fmt: skip
    return make_table("Clusters that match a property value", heads, rows)


def published_table(cuts: Sequence[LatentClusters]) -> Table:
    """How far clusters agree with published labels; no row where none were given."""
    rows = [
        (
            f"{cut.alignment.layer}",
            count(cut.alignment.k),
            count(p.named),
            count(p.tokens),
            NONE if p.observed is None else per_cent(p.observed),
            NONE if p.expected is None else per_cent(p.expected),
            NONE if p.kappa is None else ratio(p.kappa, p.interval),
            p.reason or "",
        )
        for cut in cuts
        if (p := cut.published)
    ]
    heads = ("layer", "clusters", "with a name", "held-out tokens", "same label", "by chance", "kappa", "note")
    return make_table("Clusters beside published labels", heads, rows)


def latent_chart(cuts: Sequence[LatentClusters]) -> Chart:
    """Share of clusters aligned with the property that explains most, by layer, and if words swapped values."""
    alignments = [cut.alignment for cut in cuts]
    panel = Panel(Axis("layer", whole=True), Axis("clusters aligned", format=".0%", zero=True))
    rows, sizes = [], sorted({a.k for a in alignments})
    for i, k in enumerate(sizes):
        best = [(a, max(a.properties, key=lambda s: s.share)) for a in alignments if a.k == k and a.properties]
        for name, shares, swapped in (
            (f"{k} clusters", [s.share for _, s in best], False),
            (f"{k}, words swapped", [s.by_chance for _, s in best], True),
        ):
            look = look_of(i)._replace(open=swapped, dash=(2, 3) if swapped else ())
            points = [
                Point(a.layer, v, text=f"layer {a.layer}, {name}: {per_cent(v)}")
                for (a, _), v in zip(best, shares, strict=True)
            ]
            panel.add("line", points, look)
            panel.add("point", points, look._replace(dash=()), name)
        rows += [
            (str(a.layer), count(k), s.property_name, per_cent(s.share), per_cent(s.chance_words)) for a, s in best
        ]
    caption = (
        "For each layer the property that explains most clusters: at least 90 % of their rows have one value, also on"
        " held-out files."
    )
    heads = ("layer", "clusters", "property", "aligned", "if words swap values")
    table = make_table("Clusters by layer", heads, rows)
    return Chart("latent", _latent_title(alignments), caption, Figure((panel,)), table)


def _latent_title(alignments: Sequence[Alignment]) -> str:
    above = [(a, s) for a in alignments for s in a.properties if s.share > s.by_chance]
    if not above:
        return "No property explains more clusters than words that swap their values would"

    def lead(pair: tuple[Alignment, AlignedShare]) -> float:
        return pair[1].share - pair[1].by_chance

    best, s = max(above, key=lead)
    return (
        f"{s.property_name} explains {per_cent(s.share)} of the clusters of layer {best.layer};"
        f" {per_cent(s.chance_words)} if words swapped their values"
    )


def unlabelled_cards(cuts: Sequence[LatentClusters]) -> list[dict[str, Any]]:
    """Clusters that match no property value, with their words and some of their places."""
    return [
        {
            "title": f"{_label(cut.alignment)}: {count(cut.unlabelled_clusters)} match no property value",
            "clusters": [
                {
                    "head": f"cluster {u.cluster}, {count(u.rows)} rows, {count(u.types)} words: "
                    + ", ".join(f"{word} {count(n)}" for word, n in u.words),
                    "contexts": [marked(*context) for context in u.contexts],
                }
                for u in cut.alignment.unlabelled
            ],
        }
        for cut in cuts
        if cut.alignment.unlabelled
    ]
