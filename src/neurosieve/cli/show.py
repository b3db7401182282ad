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
from neurosieve.report.interventions import edit_table, matching_note, measure_table, short_effect_table
from neurosieve.report.modules import (
    composition_table,
    folder_sentence,
    folder_table,
    module_headline,
    short_change_table,
    short_module_table,
)
from neurosieve.report.neuron import evidence_title, profile_table, profile_title, score_table, weight_table
from neurosieve.report.numbers import NONE, counted, per_cent
from neurosieve.report.set_tables import short_set_table
from neurosieve.results.comparison import ComparisonResult
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.cost import Cost
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.neuron_profile import NeuronProfile
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_parts import Answer
from neurosieve.results.redundancy_rankings import Published
from neurosieve.studies.compare.run import COMPARISON, PAGE
from neurosieve.studies.export.run import Exported
from neurosieve.studies.export.verify import Verified
from neurosieve.studies.finetune.run import Finetuned
from neurosieve.studies.modules.run import FoundModules
from neurosieve.studies.run_folder import CONCEPTS, INTERVENTIONS, REPORT

imported()  # all that computes is loaded by now: from here on Ctrl-C is an exception


def show_summary(result: RedundancyResult, out: str) -> None:
    """The headline, the answers of the trust box, scores and baselines: one screen; all else is in the report."""
    screen = console()
    screen.print(Text(visible(result.headline), style="bold"))
    screen.print()
    screen.print(_trust(result))
    screen.print(_grid(tables.score_table(result)))
    if isinstance(result.published, Published):
        screen.print(_grid(tables.choice_table(result.published), wrap=True))
    notes = f"{counted(len(result.notes), 'note')} and " if result.notes else ""
    cost = f"{sum(result.seconds.values()):.0f} s, {result.peak_rss_mb / 1024:.1f} GiB"
    screen.print(Text(f"{notes}all tables in {out}/{REPORT} ({cost})"), soft_wrap=True)


_VALUES = 6  # of each view, so that both fit on a screen


def show_concepts(result: ConceptResult, out: str) -> None:
    """The finding, the claimed neurons, and where everything is."""
    screen = console()
    screen.print(Text(visible(result.headline), style="bold"))
    for view in result.views.values():
        table = short_claim_table(view)
        if table.rows:
            screen.print(_grid(replace(table, rows=table.rows[:_VALUES]), wrap=True))
        else:
            screen.print(Text(f"\n{table.title}: no neuron is claimed"))
        if more := table.rows[_VALUES:]:
            screen.print(Text(f"and {counted(len(more), 'more value')}, in the report"))
        if (sets := short_set_table(view)).rows:
            screen.print(_grid(replace(sets, rows=sets.rows[:_VALUES]), wrap=True))
            if more := sets.rows[_VALUES:]:
                screen.print(Text(f"and {counted(len(more), 'more set')}, in the report"))
    notes = f"{counted(len(result.notes), 'note')} and " if result.notes else ""
    screen.print(Text(f"\n{notes}all tables in {out}/{REPORT}, results in {out}/{CONCEPTS}"), soft_wrap=True)


def show_intervention(result: InterventionResult, out: str) -> None:
    """What an edit did, compared with random edits."""
    screen = console()
    effects = short_effect_table(result)
    screen.print(_grid(effects, wrap=True) if effects.rows else Text(effects.title, style="bold"))
    screen.print(_grid(measure_table(result), wrap=True))
    screen.print(Text(f"\n· {matching_note(result)}", style="dim"))
    screen.print(Text(f"\nresults in {out}/{INTERVENTIONS}, report in {out}/{REPORT}"), soft_wrap=True)


def show_neuron(profile: NeuronProfile) -> None:
    """What is known of one neuron, its scores for properties, and its strongest tokens in their lines."""
    screen = console()
    screen.print(Text(profile_title(profile), style="bold"), soft_wrap=True)
    screen.print(_grid(profile_table(profile), wrap=True))
    for table in (weight_table(profile), score_table(profile)):
        if table.rows:
            screen.print(_grid(table, wrap=True))
    for view, found in profile.evidence.items():
        for evidence in found:
            screen.print(Text(f"\n{evidence_title(view, evidence)}"))
            for token in evidence.top[:_TOKENS]:
                before, word, after = near(token.context.text, token.context.start, token.context.end, lines=0)
                line = Text(f"  {token.value:+.1f} sd  {visible(before.lstrip())}")
                line.append(visible(word), style="bold reverse").append(visible(after))
                screen.print(line, no_wrap=True, overflow="ellipsis")
    if profile.edits:
        screen.print(_grid(edit_table(profile.edits), wrap=True))


_TOKENS = 5  # of each kind
_COLOURS = {Answer.YES: "green", Answer.WEAKLY: "yellow", Answer.NO: "red", Answer.OPEN: "yellow"}


def _trust(result: RedundancyResult) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, title="How far to trust it", title_justify="left")
    for entry in result.trust:
        question = f"{entry.question.partition(' (')[0].removesuffix('?')}?"  # without its explanation
        table.add_row(Text(entry.answer.value, style=_COLOURS[entry.answer]), Text(question))
    return table


def _grid(shown: tables.Table, *, wrap: bool = False) -> Table:
    """A table of the report on the terminal."""
    table = Table(title=f"\n{shown.title}", title_justify="left", box=None, pad_edge=False)
    table.show_header = any(shown.columns)
    for name in shown.columns:
        table.add_column(name, no_wrap=not wrap)
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
    """The frontier, what was exported, and what it costs."""
    screen, result = console(), exported.result
    screen.print(_grid(ways_table(result, intervals=False), wrap=True))
    screen.print(_grid(score_rows(result)))
    screen.print(_grid(speed_table(result.speeds)))
    for note in export_notes(result):
        screen.print(Text(f"· {visible(note)}", style="dim"))
    screen.print(Text(f"\n{sentence(result)}", style="bold"), soft_wrap=True)
    screen.print(Text(f"model in {exported.folder}"), soft_wrap=True)


def show_modules(found: FoundModules, run: Path, out: Path | None) -> None:
    """The modules, what they decide together, and what was changed."""
    screen, result = console(), found.result
    screen.print(_grid(short_module_table(result), wrap=True))
    screen.print(_grid(composition_table(result), wrap=True))
    for note in result.notes:
        screen.print(Text(f"· {visible(note)}", style="dim"))
    if found.changes:
        screen.print(_grid(short_change_table(found.changes), wrap=True))
    if found.folder:
        screen.print(_grid(folder_table(found.folder)))
        screen.print(Text(f"{folder_sentence(found.folder)}; folder {out}"), soft_wrap=True)
    screen.print(Text(f"\n{visible(module_headline(result))}", style="bold"), soft_wrap=True)
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
    screen.print(Text("\nA small model of the first run, by `neurosieve export`:", style="bold"), soft_wrap=True)
    screen.print(Text(visible(text)), soft_wrap=True)
    if folder:
        screen.print(Text(f"model in {folder}; label new code with `neurosieve predict {folder} FILE`"), soft_wrap=True)


def show_verified(found: Verified) -> None:
    """The card and what was measured now."""
    table = verified_table(found.card, found.score, found.difference, found.other_labels, found.speeds, found.holds)
    console().print(_grid(table))
