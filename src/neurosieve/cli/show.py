"""Results as a terminal shows them: compact tables; plain text where nobody watches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neurosieve.activations import ActivationStore
from neurosieve.plan import Cost
from neurosieve.summary import Summary


def console() -> Console:
    """Standard output; `NO_COLOR` and pipes are respected by rich."""
    return Console(highlight=False, soft_wrap=False)


def error_line(message: str) -> None:
    """One red line on standard error, never wrapped."""
    text = Text(" ".join(message.split()), style="red")
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text("error: ", style="bold red") + text)


def score(value: float, interval: Sequence[float] | None = None) -> str:
    """A share in per cent with its interval, in the digits it carries."""
    text = f"{100 * value:.1f} %"
    return f"{text} [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]" if interval else text


def show_summary(summary: Summary, out: Path) -> None:
    """The finding and how far it can be trusted, scores beside baselines, smallest sets, and where everything lies."""
    record, screen = summary.record, console()
    screen.print(Text(summary.headline, style="bold"))
    screen.print()
    screen.print(_trust(record))
    screen.print(_scores(record))
    if record["minimal_sets"]:
        screen.print(_sets(record))
        screen.print(_cuts(record))
    if record.get("published") and record["published"]["choices"]:
        screen.print(_choices(record["published"]["choices"]))
    for note in record["notes"]:
        screen.print(Text(f"· {note}", style="dim"))
    seconds = ", ".join(f"{stage} {s:.0f} s" for stage, s in record["seconds"].items())
    screen.print(Text(f"{seconds}; peak memory {record['peak_rss_mb'] / 1024:.1f} GiB; results in {out}", style="dim"))


_COLOURS = {"yes": "green", "no": "red", "not measured": "yellow"}


def _trust(record: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, title="how far to trust it", title_justify="left")
    for entry in record["trust"]:
        table.add_row(Text(entry["answer"], style=_COLOURS[entry["answer"]]), Text(entry["question"]))
        table.add_row("", Text(entry["figures"], style="dim"))
    return table


def _cuts(record: dict[str, Any]) -> Table:
    """Whole layers and alike neurons cut before the ranking."""
    table = Table(title="\nlayers and pipeline", title_justify="left", box=None, show_header=False, pad_edge=False)
    kept = ", ".join(f"0–{layer} within {float(d):g}" for d, layer in record["layer_selector"].items())
    table.add_row("layers kept by LS", kept)
    best = record["pipeline"]
    if best["size"] is None:
        table.add_row("LS + CC + LCA", best["reason"])
    else:
        cut = best["clustering_threshold"]
        clusters = "no clustering" if cut is None else f"clusters at {cut:g}"
        table.add_row(
            "LS + CC + LCA",
            f"{best['size']} neurons of layers 0–{best['layers_kept']} ({clusters}),"
            f" test {score(best['test'], best['interval'])}",
        )
    return table


def _choices(choices: Sequence[dict[str, Any]]) -> Table:
    """How far the published study's choices move the result."""
    table = Table(
        title="\nthe published study's choices (not sound: for comparison)",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for name in ("choice", "figure", "sound", "published"):
        table.add_column(name)
    for c in choices:
        figures = ("–", c["reason"]) if c["sound"] is None else tuple(f"{c[k]:.4g}" for k in ("sound", "published"))
        table.add_row(c["choice"], c["figure"], *figures)
    return table


def _scores(record: dict[str, Any]) -> Table:
    table = Table(title="\naccuracy, 95 % interval by clusters", title_justify="left", box=None, pad_edge=False)
    for name in ("", "all test rows", "rows unseen in train"):
        table.add_column(name, no_wrap=True)
    base, natural = record["baselines"], record["unseen"]["natural"]
    scored = natural["score"] is not None
    table.add_row(
        f"oracle, {record['neurons']:,} neurons",
        score(record["oracle"]["test"], record["oracle"]["interval"]),
        score(natural["score"], natural["interval"]) if scored else "–",
    )
    table.add_row(
        "token lookup",
        score(base["token_lookup"]["score"], base["token_lookup"]["interval"]),
        score(natural["token_lookup"]["score"], natural["token_lookup"]["interval"]) if scored else "–",
    )
    copies = base["untrained_model"]
    if copies:
        natural_copies = natural["untrained"] if scored else None
        table.add_row(
            f"untrained copies, {len(copies['seeds'])} seeds", _ranged(copies["test"]), _ranged(natural_copies)
        )
    table.add_row("layer 0 alone", score(base["layer0"]["score"], base["layer0"]["interval"]), "")
    random = base["random_neurons"]
    table.add_row(
        f"{random['size']} random neurons",
        _ranged(random),
        "",
    )
    table.add_row("majority class", score(base["majority"]), "")
    table.add_row("n", f"{record['oracle']['n']:,}", f"{natural['n']:,}")
    return table


def _ranged(spread: dict[str, Any] | None) -> str:
    """Mean and range of some draws."""
    if spread is None:
        return "–"
    return f"{score(spread['mean'])}  ({100 * spread['lo']:.1f} – {100 * spread['hi']:.1f})"


def _sets(record: dict[str, Any]) -> Table:
    table = Table(title="\nsmallest sets, accuracy in %", title_justify="left", box=None, pad_edge=False)
    for name in ("ranking", "neurons", "test", "loss, points", "random needs"):
        table.add_column(name, no_wrap=True)
    for s in record["minimal_sets"]:
        low, high = (100 * v for v in s["test_loss"]["interval"])
        need = s["random_size"]
        table.add_row(
            f"{s['ranking']} {s['delta']:g}{' safe' if s['select'] == 'safe' else ''}",
            f"{s['size']} ({100 * s['size'] / record['neurons']:.1f} %)",
            score(s["test"], s["interval"]).replace(" %", ""),
            f"{100 * s['test_loss']['value']:.2f} [{low:.2f}, {high:.2f}]",
            f"{need['median']:g} ({need['lo']}–{need['hi']})",
        )
    return table


def show_store(store: ActivationStore) -> None:
    """What an extraction wrote."""
    manifest, screen = store.manifest, console()
    rows = ", ".join(f"{k} {v:,}" for k, v in manifest.rows.items())
    screen.print(f"{manifest.layers} layers × {manifest.width} neurons, {rows}, in {len(manifest.shards)} shards")
    check = manifest.self_check
    screen.print(
        f"self-check: {check['rows']:.0f} rows differ from transformers' own by at most {check['difference']:.1g}"
    )
    screen.print(Text(f"store in {store.folder.url}"))


def show_cost(cost: Cost) -> None:
    """What a run would cost."""
    table = Table(box=None, show_header=False, pad_edge=False)
    total = sum(cost.seconds.values())
    rows = ", ".join(f"{k} {v:,}" for k, v in cost.rows.items())
    for name, value in (
        ("rows", f"{rows} ({cost.missed_units:,} units without subwords or text)"),
        ("neurons", f"{cost.layers} layers × {cost.width} = {cost.layers * cost.width:,}"),
        ("tokens to read", f"{cost.tokens:,}, padding included"),
        ("arithmetic", f"{cost.flops / 1e12:.2f} TFLOP through {cost.parameters / 1e6:.1f} M weights"),
        ("disk", f"{cost.store_bytes / 2**20:,.0f} MiB at most"),
        ("memory", f"about {cost.memory_bytes / 2**30:.1f} GiB"),
        (
            "time here",
            f"about {total:,.0f} s (" + ", ".join(f"{k} {v:,.0f} s" for k, v in cost.seconds.items()) + ")",
        ),
    ):
        table.add_row(name, value)
    console().print(table)
