"""Tables of a study's results: one function a table, the same for terminal, page and notebook.

Pure: a summary's record in, a `Table` of texts out. A cell is text, never markup; who shows it escapes it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from neurosieve.printing import visible
from neurosieve.report.numbers import NONE, Metric, count, metric_of, neuron, per_cent

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Cells as texts.

    Attributes:
        title: What it shows.
        columns: Heads.
        rows: One text a column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_html(self) -> Markup:
        """As an HTML table; all texts are escaped, and control characters shown as replacement marks."""
        head = Markup("<tr>{}</tr>").format(_cells("th", self.columns)) if any(self.columns) else ""
        body = Markup("\n").join(Markup("<tr>{}</tr>").format(_cells("td", row)) for row in self.rows)
        outline = Markup("<table aria-label='{}'><thead>{}</thead><tbody>{}</tbody></table>")
        return outline.format(visible(self.title), head, body)


def _cells(kind: str, texts: Sequence[str]) -> Markup:
    open_, close = Markup(f"<{kind}>"), Markup(f"</{kind}>")  # noqa: S704 - one of our own two
    return Markup("").join(open_ + escape(visible(text)) + close for text in texts)


def make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table of any sequences."""
    return Table(title, tuple(columns), tuple(tuple(r) for r in rows))


def lookup_name(record: Record) -> str:
    """What reads labels off the text alone: a table of tokens, or for whole examples their counts."""
    if of_tokens(record):
        return "token lookup"
    return f"{'logistic' if of_classes(record) else 'ridge'} regression on token counts"


def of_tokens(record: Record) -> bool:
    """The units are tokens, not whole examples."""
    return bool(record["task"] == "token-tagging")


def of_classes(record: Record) -> bool:
    """Labels name classes, and are no values."""
    return bool(record["metric"] != "r2")


def imported(record: Record) -> bool:
    """The activations were made elsewhere: what their layers are, and of which model, is not known."""
    return not record["model"]


def model_name(record: Record) -> str:
    """The model and its revision."""
    if imported(record):
        return "not known: the activations were made elsewhere"
    return f"{record['model']}{' @ ' + record['revision'] if record['revision'] else ''}"


def trust_table(record: Record) -> Table:
    """The trust box: answer, question, figures."""
    rows = [(e["answer"], e["question"], e["figures"]) for e in record["trust"]]
    return make_table("How far to trust it", ("answer", "question", "figures"), rows)


def analysed_table(record: Record) -> Table:
    """What was analysed, and what was left out."""
    units = record["units"]
    left = [f"{count(v)} {k.replace('_', ' ')}" for k, v in units.items() if k != "kept" and v]
    rows = [
        ("model", model_name(record)),
        ("task", f"{record['task']}, {metric_of(record).name}, {record['protocol']} protocol"),
        ("labels", f"{len(record['labels'])}: {', '.join(record['labels'])}" if of_classes(record) else "numbers"),
        ("rows", ", ".join(f"{split} {count(n)}" for split, n in record["rows"].items())),
        ("neurons", f"{count(record['neurons'])} in {record['layers']} layers; {count(record['dead'])} never vary"),
        ("units read", count(units["kept"])),
        ("units left out or shared", ", ".join(left) or "none"),
        *(("note", note) for note in record.get("notes", ())),
    ]
    return make_table("What was analysed", ("", ""), rows)


def score_table(record: Record) -> Table:
    """The oracle beside its baselines, on all test rows and on those unseen in train."""
    base, natural = record["baselines"], record["unseen"]["natural"]
    scored, metric = natural["score"] is not None, metric_of(record)

    def both(name: str, part: Record, key: str = "score", unseen: Record | None = None) -> tuple[str, ...]:
        other = metric.score(unseen["score"], unseen["interval"]) if scored and unseen else NONE
        return name, metric.score(part[key], part["interval"]), other

    rows = [
        both(f"oracle, {count(record['neurons'])} neurons", record["oracle"], "test", natural),
        both(lookup_name(record), base["token_lookup"], unseen=natural["token_lookup"] if scored else None),
    ]
    if base["untrained_model"]:
        copies = base["untrained_model"]
        drawn = len(copies["seeds"])
        name = f"untrained copies, {drawn} seed{'s' if drawn > 1 else ''}"
        rows.append((name, metric.ranged(copies["test"]), metric.ranged(natural["untrained"] if scored else None)))
    random, best = base["random_neurons"], (record["minimal_sets"] or [{}])[0]
    if best.get("unseen_natural"):  # an older record has none
        rows.append(both(f"smallest set, {best['size']} neurons", best, "test", best["unseen_natural"]))
    if random:
        rows.append((f"{random['size']} random neurons", metric.ranged(random), NONE))
    rows += [
        both("layer 0 alone", base["layer0"]),
        (metric.chance, metric.score(base["majority"]), NONE),
        ("rows", count(record["oracle"]["n"]), count(natural["n"])),
    ]
    return make_table(
        f"{metric.name.capitalize()} with 95 % intervals", ("", "all test rows", "rows unseen in train"), rows
    )


def metric_table(record: Record) -> Table:
    """F1 and Matthews' correlation of the oracle, what reads the text alone, and the smallest set.

    Where labels are values: correlations and the mean absolute error.
    """
    parts = [("oracle", record["oracle"]), (lookup_name(record), record["baselines"]["token_lookup"])]
    if record["minimal_sets"]:
        first = record["minimal_sets"][0]
        parts.append((f"{first['size']} neurons", first))
    known = [(name, part["metrics"]) for name, part in parts if "metrics" in part]  # an older record has none
    positive = next((m["f1"]["positive"] for _, m in known if "f1" in m), None)
    names = {"f1": f"F1 of {positive}", "macro_f1": "macro F1", "mcc": "Matthews' correlation"}
    names |= {"pearson": "Pearson", "spearman": "Spearman", "mae": "mean absolute error"}
    columns = [key for key in names if any(key in m for _, m in known)]
    rows = [(name, *(_plain(m[key]) for key in columns)) for name, m in known]
    title = "F1 and correlation" if of_classes(record) else "Correlation and error"
    return make_table(f"{title} with 95 % intervals", ("", *(names[c] for c in columns)), rows)


def _plain(part: Record) -> str:
    interval = part["interval"]
    return f"{part['value']:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def set_table(record: Record) -> Table:
    """The smallest sets: size, loss on all test rows and on unseen ones, and what random neurons make of it."""
    rows, metric = [], metric_of(record)
    for s in record["minimal_sets"] or ():
        need, span = s["random_size"], s.get("size_range")  # an older record has no ranges and no unseen rows
        unseen, same = s.get("unseen_natural"), s["random_same_size"].get("loss")
        rows.append(
            (
                f"{s['ranking']} {s['delta']:g} {s['select']}",
                f"{s['size']}" + (f" ({span[0]} – {span[1]})" if span else ""),
                metric.score(s["test"], s["interval"]),
                metric.gain(s["test_loss"]),
                _SHOWN[s.get("within")],
                metric.gain(unseen["loss"]) if unseen else NONE,
                _middle(metric, same),
                f"{need['median']:g} ({need['lo']} – {need['hi']})",
            )
        )
    unit = metric.points
    heads = (
        "ranking, allowed loss, rule", "neurons", "test", f"loss, {unit}", "shown to be allowed",
        f"loss on unseen rows, {unit}", f"random sets of the size lose, {unit}", "random orders need",
    )  # fmt: skip
    return make_table("Smallest sets", heads, rows)


_SHOWN = {True: "yes", False: "no", None: NONE}


def _middle(metric: Metric, spread: Record | None) -> str:
    """Median and range of some draws."""
    if spread is None:
        return NONE
    return f"{metric.number(spread['median'])} ({metric.number(spread['lo'])} – {metric.number(spread['hi'])})"


def agreement_table(record: Record) -> Table:
    """How far the rankings agree with each other, and with themselves on halves of the rows; no row where unknown."""
    agreed, stable = (record.get(key) for key in ("agreement", "stability"))  # an older record has neither
    found: dict[tuple[str, int], Record] = {}
    for part in (agreed, stable):
        for row in part["rankings"] if part else ():
            key = (row["ranking"], row["size"])
            found[key] = {**found.get(key, {}), **row}
    shares = ("average_overlap", "neuron_vote", "halves", "chance")
    rows = [
        (name, count(size), *(per_cent(row[key]) if key in row else NONE for key in shares))
        for (name, size), row in found.items()
    ]
    heads = ("ranking", "first", "shared with others", "elected by others", "shared by halves of train", "by chance")
    return make_table("Agreement of rankings", heads, rows)


def halves_table(record: Record) -> Table:
    """The smallest sets that halves of the train rows give; no row where they were not sought."""
    sets = (record.get("stability") or {}).get("sets", ())  # an older record has none
    first = {(s["ranking"], s["delta"], s["select"]): count(s["size"]) for s in record["minimal_sets"] or ()}
    rows = [
        (
            f"{s['ranking']} {s['delta']:g} {s['select']}",
            first.get((s["ranking"], s["delta"], s["select"]), NONE),
            f"{s['median']:g} ({count(int(s['lo']))} – {count(int(s['hi']))})",
        )
        for s in sets
    ]
    heads = ("ranking, allowed loss, rule", "neurons from all train rows", "from half of them, median (range)")
    return make_table("Smallest sets on halves of train", heads, rows)


def cut_table(record: Record) -> Table:
    """Whole layers and alike neurons cut before the ranking."""
    best = record["pipeline"]
    if not best or best["size"] is None:
        pipeline = best["reason"] if best else record["pipeline_reason"]
    else:
        cut = best["clustering_threshold"]
        clusters = "no clustering" if cut is None else f"clusters at {cut:g}"
        where = f"{best['size']} neurons of layers 0–{best['layers_kept']} ({clusters})"
        pipeline = f"{where}, test {metric_of(record).score(best['test'], best['interval'])}{_pipeline_loss(record)}"
    selected = record["layer_selector"]
    marks = ", ".join(f"0–{k} within {float(d):g}" for d, k in selected.items()) if selected else NONE
    return make_table("Layers and pipeline", ("", ""), [("layers kept by LS", marks), ("LS + CC + LCA", pipeline)])


def _pipeline_loss(record: Record) -> str:
    """What the pipeline's set loses, in the words of any other set."""
    best, metric = record["pipeline"], metric_of(record)
    if "within" not in best:  # an older record
        return ""
    lost = f"loses {metric.gain(best['test_loss'], f' {metric.points}')}"
    allowed = metric.allowed(best["delta"])
    unseen = best["unseen_natural"]
    rest = f"; on unseen rows {metric.gain(unseen['loss'])}" if unseen else ""
    return f", {lost}, {'' if best['within'] else 'not '}shown to be within {allowed}{rest}"


def class_table(record: Record) -> Table:
    """Scores of each class, on all rows, on seen and on unseen ones."""
    natural = record["unseen"]["natural"]
    seen, unseen = (natural.get("seen") or {}).get("per_class"), natural.get("per_class")

    def cells(part: Record | None) -> tuple[str, str, str]:
        if part is None:
            return NONE, NONE, NONE
        return count(part["n"]), per_cent(part["recall"]), per_cent(part["precision"])

    rows = [
        (name, *cells(part), *cells(seen and seen[name])[:2], *cells(unseen and unseen[name])[:2])
        for name, part in record["oracle"]["per_class"].items()
    ]
    heads = ("class", "rows", "recall", "precision", "seen rows", "recall", "unseen rows", "recall")
    return make_table("Scores of each class", heads, rows)


def mistake_table(record: Record) -> Table:
    """Some test rows that the oracle gets wrong; of values those with the largest errors."""
    rows = [
        (m["text"], m["label"], m["predicted"], "unseen" if m["unseen"] else "seen") for m in record.get("mistakes", ())
    ]
    title = "Rows that the oracle gets wrong" if of_classes(record) else "Rows with the oracle's largest errors"
    return make_table(title, ("text", "label", "predicted", "in train"), rows)


def control_table(record: Record) -> Table:
    """Selectivity on all rows, on rows seen in train, and of the smallest set; types held out of training."""
    control, rows, metric = record["control"], [], metric_of(record)
    for key, name in (("all", "all rows"), ("seen", "rows seen in train"), ("minimal_set", "smallest set, seen rows")):
        part = control.get(key)
        if part:
            low, high = part["control_range"]
            drawn = metric.ranged({"mean": part["control"], "lo": low, "hi": high})
            gain = metric.gain({"value": part["selectivity"], "interval": part["interval"]})
            rows.append((name, count(part["rows"]), metric.score(part["task"]), drawn, gain))
    types = control.get("by_type")  # an older record has none
    if types:
        gain = metric.gain({"value": types["selectivity"], "interval": types["interval"]})
        row = ("token types of seen rows", count(types["types"]), metric.score(types["task"]))
        rows.append((*row, metric.score(types["control"]), gain))
    disjoint = record["unseen"]["disjoint"]
    if disjoint["mean"] is not None:
        name = f"types held out of training, {disjoint['splits']} splits"
        rows.append(
            (name, f"{count(disjoint['n']['lo'])} – {count(disjoint['n']['hi'])}", metric.ranged(disjoint), NONE, NONE)
        )
    heads = ("rows", "n", "task", "control task", "selectivity, points")
    return make_table("Control task and held-out types", heads, rows)


def neuron_table(record: Record) -> Table:
    """The first smallest set: each neuron with its weight for each class, or for the value."""
    best = record["minimal_sets"][0]
    rows = [
        (neuron(pair), *(f"{w:+.2f}" if w else "0" for w in weights))
        for pair, weights in zip(best["neurons"], best["weights"], strict=True)
    ]
    title = f"The {best['size']} neurons with their {'class ' if of_classes(record) else ''}weights"
    return make_table(title, ("layer:index", *record["labels"]), rows)


def set_layers(record: Record) -> list[int]:
    """How many neurons of the first smallest set each layer holds."""
    held = Counter(layer for layer, _ in record["minimal_sets"][0]["neurons"])
    return [held[k] for k in range(record["layers"])]


def choice_table(record: Record) -> Table:
    """How far the published study's choices move the result."""
    rows = []
    for c in record["published"]["choices"]:
        figures = (NONE, c["reason"]) if c["sound"] is None else tuple(f"{c[k]:.4g}" for k in ("sound", "published"))
        rows.append((c["choice"], c["figure"], *figures))
    title = "The published study's choices (not sound: for comparison)"
    return make_table(title, ("choice", "figure", "sound", "published"), rows)


def origin_table(*records: Record) -> Table:
    """Versions, seeds, hashes, times: what a rerun needs. What two parts have in common stands once."""
    rows: dict[tuple[str, str], None] = {}
    kinds = {"versions": "version", "seeds": "seed or draws", "options": "option", "data_hashes": "sha256"}
    for key, kind in kinds.items():
        rows |= {(kind, f"{k} {v}"): None for r in records for k, v in r.get(key, {}).items()}
    rows |= {("seconds", f"{k} {v:.0f}"): None for r in records for k, v in r.get("seconds", {}).items()}
    peaks = [r["peak_rss_mb"] for r in records if "peak_rss_mb" in r]
    if peaks:
        rows["memory", f"{max(peaks) / 1024:.1f} GiB at the peak"] = None
    return make_table("Where it comes from", ("", ""), list(rows))
