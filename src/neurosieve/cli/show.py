"""Results as a terminal shows them: compact tables; plain text where nobody watches."""

from dataclasses import replace
from pathlib import Path

from rich.table import Table
from rich.text import Text

from neurosieve.activations.store import ActivationStore
from neurosieve.cli.terminal import console
from neurosieve.interrupts import imported
from neurosieve.printing import visible
from neurosieve.report import tables
from neurosieve.report.code import near
from neurosieve.report.comparison import matrix_table
from neurosieve.report.concepts import short_claim_table
from neurosieve.report.cost import cost_table
from neurosieve.report.export import (
    export_notes,
    score_rows,
    sentence,
    speed_table,
    verified_table,
    ways_table,
)
from neurosieve.report.interventions import (
    intervention_headline,
    matching_note,
    measure_table,
    short_effect_table,
    with_whole,
)
from neurosieve.report.modules import (
    folder_sentence,
    folder_table,
    module_headline,
    short_change_table,
    short_composition_table,
    short_module_table,
)
from neurosieve.report.neuron import profile_tables, profile_title, profile_tokens
from neurosieve.report.numbers import NONE, counted, per_cent
from neurosieve.report.set_tables import short_set_table
from neurosieve.report.stable_readings import stability_line
from neurosieve.report.story import trust_sentence
from neurosieve.report.text_set_tables import text_set_line
from neurosieve.results.comparison import ComparisonResult
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.cost import Cost
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.neuron_profile import NeuronProfile
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_parts import Answer
from neurosieve.results.redundancy_rankings import Published
from neurosieve.studies.compare.run import COMPARISON, PAGE
from neurosieve.studies.export.evidence_files import CARD
from neurosieve.studies.export.run import Exported
from neurosieve.studies.export.verify import Verified
from neurosieve.studies.finetune.run import Finetuned
from neurosieve.studies.modules.run import FoundModules
from neurosieve.studies.run_folder import CONCEPTS, INTERVENTIONS, REPORT

DEMO_TIME, SHORT_TIME = "about 2 minutes", "less than a minute"
imported()  # all that computes is loaded by now: from here on Ctrl-C is an exception


def show_summary(result: RedundancyResult, out: str) -> None:
    """The headline, the answers of the trust box, scores and baselines: one screen; all else is in the report."""
    screen = console()
    screen.print(Text(visible(result.headline), style="bold"))
    screen.print(_trust(result))
    screen.print(_grid(_with_row_counts(tables.score_table(result))))
    if isinstance(result.published, Published):
        screen.print(_grid(tables.choice_table(result.published), wrap=True))
    notes = f"{counted(len(result.notes), 'note')} and " if result.notes else ""
    cost = f"{sum(result.seconds.values()):.0f} s, {result.peak_rss_mb / 1024:.1f} GiB of memory"
    screen.print(Text(f"{notes}all tables in {out}/{REPORT} ({cost})"), soft_wrap=True)


def show_demo_start(model: str, *, short: bool) -> None:
    """What will be done and how long it takes, before it begins."""
    what = ("Two studies", "of the first", DEMO_TIME) if not short else ("A study on few rows", "of it", SHORT_TIME)
    studies, small, time = what
    text = f"{studies} of {model} with Python code that is installed here, then a small model {small}: {time}"
    console().print(Text(f"{text} on two idle processors, longer beside other work."))


def show_demo_study(result: RedundancyResult, out: str) -> None:
    """The finding, how far to trust it, and the page."""
    screen = console()
    named = ", ".join(visible(label) for label in result.labels)
    screen.print(Text(f"\nWhich neurons tell apart: {named}?", style="bold underline"))
    screen.print(Text(visible(result.headline)))
    screen.print(Text(trust_sentence(result)))
    seconds = sum(result.seconds.values())
    screen.print(Text(f"all figures and their meaning: {out}/{REPORT} ({seconds:.0f} s)"), soft_wrap=True)


_NEXT = (
    "neurosieve plan --model DIR --data src --labels lexical",
    "neurosieve run --model DIR --data src --labels lexical --out runs/mine",
    "neurosieve concepts runs/mine",
    "neurosieve export runs/mine --out small",
)


def show_next() -> None:
    """Where to go on after the demo: four commands for the reader's own model."""
    screen = console()
    screen.print(Text("\nNext, with your model (DIR: its folder or hub name) and your folder of code (src):"))
    for line in _NEXT:
        screen.print(Text(f"  {line}"), soft_wrap=True)


def _print_first(table: tables.Table, others: str, *, wrap: bool = False) -> None:
    """The first rows, and how many others there are."""
    console().print(_grid(replace(table, rows=table.rows[:_VALUES]), wrap=wrap))
    if more := table.rows[_VALUES:]:
        console().print(Text(f"and {counted(len(more), others)}, in the report"))


def _with_row_counts(table: tables.Table) -> tables.Table:
    """The number of rows in the heads, and not in a row of its own."""
    *rows, (_, *counts) = table.rows
    heads = (f"{name}\nn {n}" for name, n in zip(table.columns[1:], counts, strict=True))
    return replace(table, columns=(table.columns[0], *heads), rows=tuple(rows))


_VALUES = 6  # rows of a table, so that two fit on a screen


def show_concepts(result: ConceptResult, out: str) -> None:
    """The finding, the claimed neurons, and where everything is."""
    screen = console()
    screen.print(Text(visible(result.headline), style="bold"))
    for view in result.views.values():
        table = short_claim_table(view)
        if table.rows:
            _print_first(table, "more value", wrap=True)
        else:
            screen.print(Text(f"\n{table.title}: no neuron is claimed"))
        if (sets := short_set_table(view)).rows:
            _print_first(sets, "more set", wrap=True)
    for line in filter(None, (stability_line(result), text_set_line(result))):
        screen.print(Text(f"\n{line}"))
    notes = f"{counted(len(result.notes), 'note')} and " if result.notes else ""
    screen.print(Text(f"\n{notes}all tables in {out}/{REPORT}, results in {out}/{CONCEPTS}"), soft_wrap=True)


def show_intervention(result: InterventionResult, out: str) -> None:
    """What an edit did, compared with random edits."""
    screen = console()
    screen.print(Text(visible(intervention_headline([result])), style="bold"))
    tables = [short_effect_table(one) for one in with_whole([result])]
    for effects in tables:
        screen.print(_grid(effects, wrap=True) if effects.rows else Text(effects.title))
    measures = replace(measure_table(result, short=bool(tables[0].rows)), title="")
    if measures.rows:
        screen.print(_grid(measures, wrap=True))
    screen.print(Text(f"· {matching_note(result, named=0)}", style="dim"))
    screen.print(Text(f"results in {out}/{INTERVENTIONS}, report in {out}/{REPORT}"), soft_wrap=True)


def show_neuron(profile: NeuronProfile) -> None:
    """What is known of one neuron, its scores for properties, and its strongest tokens in their lines."""
    screen = console()
    screen.print(Text(profile_title(profile), style="bold"), soft_wrap=True)
    for table in profile_tables(profile).values():
        screen.print(_grid(table, wrap=True))
    for title, tokens in profile_tokens(profile):
        screen.print(Text(f"\n{title}"))
        for token in tokens:
            before, word, after = near(token.context.text, token.context.start, token.context.end, lines=0)
            line = Text(f"  {token.value:+.1f} sd  {visible(before.lstrip())}")
            line.append(visible(word), style="bold reverse").append(visible(after))
            screen.print(line, no_wrap=True, overflow="ellipsis")


_COLOURS = {Answer.YES: "green", Answer.WEAKLY: "yellow", Answer.NO: "red", Answer.OPEN: "yellow"}


def _trust(result: RedundancyResult) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, title="How far to trust it", title_justify="left")
    for entry in result.trust:
        question = f"{entry.question.partition(' (')[0].removesuffix('?')}?"  # without its explanation
        table.add_row(Text(entry.answer.value, style=_COLOURS[entry.answer]), Text(question))
    return table


def _grid(shown: tables.Table, *, wrap: bool = False) -> Table:
    """A table of the report on the terminal; where it is too wide, names are wrapped first, and no figure is cut."""
    table = Table(title=f"\n{shown.title}" if shown.title else None, title_justify="left", box=None, pad_edge=False)
    table.show_header = any(shown.columns)
    for i, name in enumerate(shown.columns):
        table.add_column(name, no_wrap=not wrap and i > 0)
    for row in shown.rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table


def show_store(store: ActivationStore) -> None:
    """What an extraction wrote."""
    manifest, screen = store.manifest, console()
    rows = ", ".join(f"{split} {counted(n, 'row')}" for split, n in manifest.rows.items())
    size = f"{counted(manifest.layers, 'layer')} × {counted(manifest.width, 'neuron')}"
    screen.print(f"{size}, {rows}, in {counted(len(manifest.shards), 'shard')}")
    check = manifest.self_check
    screen.print(
        f"self-check: {check['rows']:.0f} rows differ from transformers' own by at most {check['difference']:.1g}"
    )
    for note in manifest.notes:
        screen.print(Text(f"· {note}"))
    screen.print(Text(f"store in {store.folder.url}"))


def show_cost(cost: Cost) -> None:
    """What a run would cost, and what should be known of its data."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in cost_table(cost).rows:
        table.add_row(name, value)
    screen = console()
    screen.print(table)
    for note in cost.notes:
        screen.print(Text(f"· {visible(note)}", style="dim"))


def show_finetuned(tuned: Finetuned) -> None:
    """Accuracy by epoch, and of the kept model on test."""
    result, screen = tuned.result, console()
    table = Table(box=None, pad_edge=False)
    for name in ("epoch", "training loss", "validation accuracy"):
        table.add_column(name, justify="right")
    for epoch in result.epochs:
        loss = NONE if epoch.loss is None else f"{epoch.loss:.3f}"
        table.add_row(f"{epoch.epoch:g}", loss, per_cent(epoch.validation))
    screen.print(table)
    test = per_cent(result.test.value, result.test.interval)
    majority = per_cent(result.majority)
    screen.print(Text(f"test {test} (n {result.test.n:,}), majority class {majority}", style="bold"))
    for note in result.notes:
        screen.print(Text(f"· {note}", style="dim"))
    screen.print(Text(f"model in {tuned.folder}"), soft_wrap=True)


def show_export(exported: Exported) -> None:
    """What was exported, beside other ways, and what it costs; all ways and figures are in its card."""
    screen, result = console(), exported.result
    screen.print(Text(sentence(result), style="bold"))
    screen.print(_grid(ways_table(result, short=True), wrap=True))
    screen.print(_grid(score_rows(result)))
    screen.print(_grid(speed_table(result.speeds, short=True)))
    for note in export_notes(result):
        screen.print(Text(f"· {visible(note)}", style="dim"))
    screen.print(Text(f"model in {exported.folder}, all figures in its {CARD}"), soft_wrap=True)


def show_modules(found: FoundModules, run: Path, out: Path | None) -> None:
    """The modules and what they decide together; of a change what moved, and what was written."""
    screen, result = console(), found.result
    screen.print(Text(visible(module_headline(result)), style="bold"))
    if found.changes:
        screen.print(_grid(short_change_table(found.changes), wrap=True))
    else:
        _print_first(short_module_table(result), "more label")
        screen.print(_grid(short_composition_table(result)))
        for note in result.notes:
            screen.print(Text(f"· {visible(note)}", style="dim"))
    if found.folder:
        screen.print(_grid(folder_table(found.folder)))
        screen.print(Text(f"{visible(folder_sentence(found.folder, result.labels))}; folder {out}"))
    screen.print(Text(f"all tables in {run / REPORT}"), soft_wrap=True)


def show_comparison(result: ComparisonResult, out: Path) -> None:
    """What can be told of every two runs, and where everything is."""
    screen = console()
    for pair in result.pairs:
        if pair.sentence:
            screen.print(Text(visible(pair.sentence), style="bold"), soft_wrap=True)
    screen.print(_grid(matrix_table(result), wrap=True))
    screen.print(Text(f"\nall figures in {out / PAGE}, results in {out / COMPARISON} ({result.seconds:.0f} s)"))


def show_demo_export(text: str, folder: Path | None) -> None:
    """What became of the demo's model, and where it is."""
    screen = console()
    screen.print(Text("\nA small model of the first run", style="bold underline"))
    screen.print(Text(visible(text)))
    if folder:
        screen.print(Text(f"it labels new code: neurosieve predict {folder} FILE"), soft_wrap=True)
        screen.print(
            Text('(FILE: a line for each text, as {"text": "x = 12", "spans": [[0, 1], [4, 6]]})'), soft_wrap=True
        )


def show_verified(found: Verified) -> None:
    """The card and what was measured now."""
    table = verified_table(found.card, found.score, found.difference, found.other_labels, found.speeds, found.holds)
    console().print(_grid(table))
