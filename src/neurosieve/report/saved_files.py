"""A run's figures and tables as files: for papers, slides and spreadsheets."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from neurosieve.printing import visible
from neurosieve.report import tables
from neurosieve.report.concepts import claim_table, left_out_table, studied_table, value_table
from neurosieve.report.drawing import Chart
from neurosieve.report.export import frontier_table, score_rows, speed_table
from neurosieve.report.figures import CHARTS, missing_reason
from neurosieve.report.frontier_figure import frontier_charts
from neurosieve.report.held_used import held_used_table
from neurosieve.report.interventions import any_effects, edit_table, effect_chart, measure_table
from neurosieve.report.latent import published_table, share_table
from neurosieve.report.modules import change_table, composition_table, module_chart, module_table, pair_table
from neurosieve.report.plots import EFFECTS, all_concept_charts
from neurosieve.report.range_tables import range_table
from neurosieve.report.set_groups import overlap_table, polysemy_table, property_set_table
from neurosieve.report.set_tables import value_set_tables
from neurosieve.report.stable_readings import (
    cluster_stability_table,
    neuron_stability_table,
    rewrite_table,
    set_stability_table,
)
from neurosieve.report.tables import Table
from neurosieve.report.text_set_tables import text_set_tables
from neurosieve.report.texts import explained_table
from neurosieve.report.vega import pdf_of, png_of, svg_of
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.export import ExportResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.measured import NotMeasured
from neurosieve.results.modules import ModuleChange, ModulesResult
from neurosieve.results.redundancy import RedundancyResult


class Found(NamedTuple):
    """All that a run folder holds."""

    summary: RedundancyResult | None
    concepts: ConceptResult | None = None
    interventions: Sequence[InterventionResult] = ()
    exports: Mapping[str, ExportResult] = {}
    modules: ModulesResult | None = None
    changes: Sequence[ModuleChange] = ()


def charts_of(found: Found) -> dict[str, Chart]:
    """Every figure that has values, by its key."""
    result = found.summary
    charts = {k: make(result) for k, make in CHARTS.items() if result and missing_reason(result, k) is None}
    charts |= all_concept_charts(found.concepts) if found.concepts else {}
    charts |= {"modules": module_chart(found.modules)} if found.modules else {}
    charts |= {EFFECTS: effect_chart(found.interventions)} if any_effects(found.interventions) else {}
    return charts | frontier_charts(found.exports)


def tables_of(found: Found) -> dict[str, Table]:
    """Every table that has rows, by name; of figures, too."""
    named = {f"figure-{key}": chart.table for key, chart in charts_of(found).items()}
    named |= _of_study(found.summary) if found.summary else {}
    named |= _of_concepts(found.concepts) if found.concepts else {}
    if found.interventions:
        named["edits"] = edit_table(found.interventions)
        named |= {"held-and-used": held_used_table(found.concepts, found.interventions)} if found.concepts else {}
        named |= {f"edit-{i}": measure_table(result) for i, result in enumerate(found.interventions, 1)}
    named |= _of_modules(found.modules, found.changes) if found.modules else {}
    for name, made in found.exports.items():
        parts = {"scores": score_rows(made), "speed": speed_table(made.speeds), "ways": frontier_table(made)}
        named |= {f"export-{name}-{key}": table for key, table in parts.items()}
    return {name: table for name, table in named.items() if table.rows}


_STUDY: dict[str, Callable[[RedundancyResult], Table]] = {
    "trust": tables.trust_table,
    "scores": tables.score_table,
    "measures": tables.metric_table,
    "smallest-sets": tables.set_table,
    "agreement": tables.agreement_table,
    "ranking-effects": tables.causal_table,
    "halves": tables.halves_table,
    "mistakes": tables.mistake_table,
    "control": tables.control_table,
    "layers-and-pipeline": tables.cut_table,
    "analysed": tables.analysed_table,
}


def _of_study(result: RedundancyResult) -> dict[str, Table]:
    named = {name: make(result) for name, make in _STUDY.items()}
    return named | ({"neurons": tables.neuron_table(result)} if result.sets else {})


def _of_concepts(result: ConceptResult) -> dict[str, Table]:
    groups, latent, texts = result.groups, result.latent, result.examples
    named = {"concepts-analysed": studied_table(result), "left-out": left_out_table(result)}
    for name, view in result.views.items():
        named |= {f"claims-{name}": claim_table(view), f"values-{name}": value_table(view)}
        named[f"ranges-{name}"] = range_table(view)
    named |= value_set_tables(result) | text_set_tables(result)
    if stable := result.stability:
        named |= {"stable-neurons": neuron_stability_table(stable), "stable-clusters": cluster_stability_table(stable)}
        named |= {"stable-sets": set_stability_table(stable), "rewrites": rewrite_table(stable)}
    if groups and not isinstance(groups, NotMeasured):
        named["property-sets"] = property_set_table(groups)
        named |= {"shared-sets": overlap_table(groups, "properties"), "shared-values": overlap_table(groups, "values")}
        named["polysemy"] = polysemy_table(groups, "values")
    if latent and not isinstance(latent, NotMeasured):
        named |= {"latent-clusters": share_table(latent), "latent-published": published_table(latent)}
    return named | ({"whole-texts": explained_table(texts)} if texts and not isinstance(texts, NotMeasured) else {})


def _of_modules(result: ModulesResult, changes: Sequence[ModuleChange]) -> dict[str, Table]:
    named = {"modules": module_table(result), "modules-compositions": composition_table(result)}
    named |= {f"modules-shared-{one.kind.replace(' ', '-')}": pair_table(one) for one in result.compositions}
    return named | ({"modules-changes": change_table(changes)} if changes else {})


def figure_files(found: Found) -> dict[str, bytes]:
    """Each figure as SVG, PNG and PDF, by the file's name."""
    files: dict[str, bytes] = {}
    for key, chart in charts_of(found).items():
        files[f"{key}.svg"] = svg_of(chart.figure).encode()
        files[f"{key}.png"], files[f"{key}.pdf"] = png_of(chart.figure), pdf_of(chart.figure)
    return files


def table_files(found: Found) -> dict[str, bytes]:
    """Each table as CSV and LaTeX, by the file's name."""
    files: dict[str, bytes] = {}
    for name, table in tables_of(found).items():
        files[f"{name}.csv"], files[f"{name}.tex"] = to_csv(table).encode(), to_latex(table).encode()
    return files


def to_csv(table: Table) -> str:
    """With heads; a cell that a spreadsheet would take for a formula is marked as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (table.columns, *table.rows):
        writer.writerow([_as_text(visible(cell)) for cell in row])
    return text.getvalue()


def _as_text(cell: str) -> str:
    formula = cell.startswith(("=", "+", "@")) or (cell.startswith("-") and not cell[1:2].isdigit())
    signed = cell.startswith("+") and cell[1:2].isdigit()  # a weight
    return f"'{cell}" if formula and not signed else cell


_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "→": r"$\rightarrow$", "−": "$-$", "×": r"$\times$", "≥": r"$\geq$", "≤": r"$\leq$", "²": "$^2$", "·": r"$\cdot$",
    "–": "--", "…": r"\ldots{}", "’": "'", "λ": r"$\lambda$", "δ": r"$\delta$",
}  # fmt: skip


def to_latex(table: Table) -> str:
    """A `tabular` with the package booktabs; its title is the caption."""
    rows = [" & ".join(map(_latex, row)) + r" \\" for row in table.rows]
    head = [" & ".join(map(_latex, table.columns)) + r" \\", r"\midrule"] if any(table.columns) else []
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(table.title)}}}",
        rf"\begin{{tabular}}{{{'l' * len(table.columns)}}}",
        r"\toprule",
        *head,
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    return "".join(_SPECIAL.get(c, c) for c in visible(text))
