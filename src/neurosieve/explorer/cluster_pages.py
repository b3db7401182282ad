"""Pages of latent concepts: clusters of tokens, what they match, and what people call them."""

from collections import Counter
from collections.abc import Sequence

from neurosieve.concepts.latent.sheets import MEANINGFUL, ClusterToken
from neurosieve.errors import ConfigError
from neurosieve.explorer.annotation import CutSheet, agreement_table
from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.views import View
from neurosieve.report.code import marked
from neurosieve.report.latent import published_table, share_table
from neurosieve.report.numbers import NONE, count, per_cent
from neurosieve.report.tables import Table, make_table

SHOWN, WORDS = 20, 8  # tokens of a cluster, and words of one in a list


def clusters_page(run: OpenRun) -> View:
    """All cuts: layers, and numbers of clusters."""
    if not run.cuts:
        text = f"There are no latent concepts: run `neurosieve concepts {run.folder}`."
        return View(title="Latent concepts", template="clusters.html.j2", shown={"text": text, "named": []})
    named = [
        (f"{c.alignment.layer}/{c.alignment.k}", f"layer {c.alignment.layer}, {c.alignment.k} clusters")
        for c in run.cuts
    ]
    tables = {"shares": share_table(run.cuts)}
    tables |= {"published": table} if (table := published_table(run.cuts)).rows else {}
    return View(title="Latent concepts", template="clusters.html.j2", tables=tables, shown={"named": named, "text": ""})


def cut_page(sheet: CutSheet) -> View:
    """The clusters of one cut, and how far annotators agree.

    Raises:
        DataError: A damaged sheet.
    """
    alignment, answers = sheet.cut.alignment, sheet.answers()
    values: dict[int, list[str]] = {}
    for a in alignment.aligned:
        values.setdefault(a.cluster, []).append(f"{a.property_name}={a.value}")
    rows = [
        (
            str(cluster),
            count(len(tokens)),
            _words(tokens),
            ", ".join(values.get(cluster, ())) or NONE,
            "; ".join(f"{who}: {', '.join(said[cluster].labels)}" for who, said in answers.items() if cluster in said),
        )
        for cluster, tokens in sheet.tokens().items()
    ]
    heads = ("cluster", "rows", "most frequent words", "property value", "names that people gave")
    title = f"Layer {alignment.layer}, {count(alignment.k)} clusters"
    tables = {"clusters": make_table(title, heads, rows)}
    agreed = agreement_table(answers)
    tables |= {"agreement": agreed} if agreed.rows else {}
    clusters = list(sheet.tokens())
    return View(
        title=title, template="cut.html.j2", tables=tables, shown={"clusters": clusters, "annotators": list(answers)}
    )


def _words(tokens: Sequence[ClusterToken]) -> str:
    most = Counter(token.word for token in tokens).most_common(WORDS)
    return ", ".join(f"{word} ({count(n)})" for word, n in most)


def cluster_page(sheet: CutSheet, cluster: int, note: str = "", status: int = 200) -> View:
    """One cluster with its tokens in their lines, what it matches, and a form for its name.

    Raises:
        ConfigError: No such cluster.
    """
    alignment, tokens = sheet.cut.alignment, sheet.tokens().get(cluster)
    if tokens is None:
        remedy = "follow the links of the clusters' page"
        raise ConfigError(f"cluster {cluster}", expected="one of the sheet", got=str(cluster), remedy=remedy)
    answers = {who: said[cluster] for who, said in sheet.answers().items() if cluster in said}
    matches = [
        (f"{a.property_name}={a.value}", per_cent(a.share), per_cent(a.held_out_share), "a word" if a.identity else "")
        for a in alignment.aligned
        if a.cluster == cluster
    ]
    said = [(who, answer.meaningful or NONE, ", ".join(answer.labels) or NONE) for who, answer in answers.items()]
    heads = ("property value", "of its train rows", "of its held-out rows", "note")
    tables = {
        "tokens": make_table("Tokens", ("word", "line"), [(t.word, t.context) for t in tokens]),
        "matches": make_table("Property values that it matches", heads, matches),
        "answers": make_table("What people said", ("annotator", "meaningful", "labels"), said),
    }
    step = max(1, len(tokens) // SHOWN)
    codes = [marked(*_around(token)) for token in list(tokens)[::step][:SHOWN]]
    shown = {"codes": codes, "cluster": cluster, "layer": alignment.layer, "k": alignment.k, "note": note,
             "words": _words(tokens), "choices": MEANINGFUL, "rows": len(tokens)}  # fmt: skip
    title = f"Cluster {cluster} of layer {alignment.layer}, {count(alignment.k)} clusters"
    kept: dict[str, Table] = {name: table for name, table in tables.items() if table.rows}
    return View(title=title, template="cluster.html.j2", tables=kept, shown=shown, status=status)


def _around(token: ClusterToken) -> tuple[str, str, str]:
    """A token in its line, at the first place where the line has it."""
    before, word, after = token.context.partition(token.word)
    return (before, word, after) if word else (token.context, "", "")
