"""One self-contained page from a run's results: tables by jinja2, which escapes all texts; figures are SVG.

The page is `page.html.j2`; each kind of result has a part of its own, which is left out where a run has none.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report import tables
from neurosieve.report.cite import bibtex, methods
from neurosieve.report.concepts import (
    claim_rule,
    claim_table,
    concept_headline,
    further_parts,
    left_out_table,
    studied_table,
    value_table,
)
from neurosieve.report.evidence import evidence_cards
from neurosieve.report.export import export_notes, score_rows, sentence, speed_table
from neurosieve.report.figures import CHARTS, missing_reason
from neurosieve.report.glossary import glossary
from neurosieve.report.held_used import held_used_table
from neurosieve.report.interventions import (
    edit_table,
    intervention_cards,
    intervention_headline,
)
from neurosieve.report.latent import published_table, share_table, unlabelled_cards
from neurosieve.report.modules import (
    change_table,
    composition_table,
    matrix_table,
    module_headline,
    module_rule,
    module_table,
    pair_table,
)
from neurosieve.report.numbers import metric_of
from neurosieve.report.origin import origin_of, origin_table
from neurosieve.report.page_frame import rendered
from neurosieve.report.range_tables import range_table
from neurosieve.report.saved_files import Found, charts_of
from neurosieve.report.set_groups import (
    Kind,
    claimed_layer_table,
    group_left_out_table,
    overlap_table,
    polysemy_table,
    property_set_table,
)
from neurosieve.report.set_tables import curve_table, direction_table, has_sets, set_table, study_table
from neurosieve.report.stable_readings import stability_tables
from neurosieve.report.story import reading, short_model, story_of
from neurosieve.report.text_set_tables import text_set_line, text_set_tables
from neurosieve.report.texts import text_cards
from neurosieve.results.concept_evidence import Evidence
from neurosieve.results.concepts import ConceptFindings, ConceptResult
from neurosieve.results.export import ExportResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.latent_clusters import LatentClusters
from neurosieve.results.measured import NotMeasured
from neurosieve.results.modules import ModuleChange, ModulesResult
from neurosieve.results.neuron_groups import NeuronGroups
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_controls import Control
from neurosieve.results.redundancy_rankings import Published
from neurosieve.typing import View

# Heads of the parts that can be without values.
_NAMES = {
    "cka": "Likeness of layers (CKA)",
    "set": "The smallest set",
    "pareto": "Pareto front",
    "classes": "Scores of each class",
}


def render_page(
    summary: RedundancyResult | None,
    folder: str,
    concepts: ConceptResult | None = None,
    interventions: Sequence[InterventionResult] = (),
    exports: Mapping[str, ExportResult] | None = None,
    modules: ModulesResult | None = None,
    changes: Sequence[ModuleChange] = (),
) -> str:
    """The report as HTML, of whatever a run folder holds; of one of the results at least.

    Args:
        summary: What the study found.
        folder: The run folder's name, for the commands that rebuild it.
        concepts: What was found of them.
        interventions: What the run's edits did.
        exports: Models that were made of the run, by name.
        modules: One a label.
        changes: Of modules.
    """
    found = Found(summary, concepts, interventions, exports or {}, modules, changes)
    origins = [origin_of(result) for result in (summary, concepts, *interventions) if result is not None]
    origin, shown, version = origins[0], _parts(found), origins[0].versions.get("neurosieve", "")
    words = glossary(origin, summary, concepts, edited=bool(interventions), modules=modules is not None)
    return rendered(
        "page.html.j2",
        charts_of(found),
        words,
        **shown,
        **_around(found),
        parts=list(shown),
        subject=[short_model(origin.model), *([origin.task] if origin.task else [])],
        published=summary is not None and summary.protocol == "published",
        headline=next(str(part["headline"]) for part in shown.values()),
        missing={key: reason for key in CHARTS if summary and (reason := missing_reason(summary, key)) is not None},
        names=_NAMES,
        origin=origin_table(*origins),
        commands=_lines(_commands(folder, summary, concepts)),
        glossary=words,
        bibtex=_lines(bibtex(version).split("\n")),
        version=version,
    )


def _parts(found: Found) -> dict[str, Any]:
    """The parts of the page that have values, in their order."""
    parts: dict[str, Any] = {"study": _study(found.summary) if found.summary else None}
    parts |= _concept_parts(found.concepts) if found.concepts else {}
    parts["interventions"] = _interventions(found) if found.interventions else None
    parts["modules"] = _modules(found.modules, found.changes) if found.modules else None
    parts["exports"] = [_export(name, result) for name, result in found.exports.items()]
    return {name: part for name, part in parts.items() if part}


def _around(found: Found) -> dict[str, Any]:
    """What is before and after the results."""
    return {
        "story": story_of(found.summary, found.concepts, found.interventions),
        "reading": reading(found.summary),
        "methods": methods(found.summary, found.concepts),
    }


def _study(result: RedundancyResult) -> dict[str, Any]:
    """What `study.html.j2` shows."""
    published = result.published
    return {
        "headline": result.headline,
        "trust": tables.trust_table(result),
        "analysed": tables.analysed_table(result),
        "scores": tables.score_table(result),
        "metrics": tables.metric_table(result),
        "sets": tables.set_table(result),
        "neurons": tables.neuron_table(result) if result.sets else None,
        "mistakes": tables.mistake_table(result),
        "control": tables.control_table(result),
        "control_title": _control_title(result),
        "agreement": tables.agreement_table(result),
        "causal": tables.causal_table(result),
        "halves": tables.halves_table(result),
        "cuts": tables.cut_table(result),
        "choices": tables.choice_table(published) if isinstance(published, Published) else None,
    }


def _concepts(result: ConceptResult) -> dict[str, Any]:
    """What `concepts.html.j2` shows."""
    views = result.views
    return {
        "headline": concept_headline(result),
        "rule": claim_rule(result),
        "claims": [claim_table(view) for view in views.values()],
        "stability": stability_tables(result),
        "ranges": [table for view in views.values() if (table := range_table(view)).rows],
        "studied": studied_table(result),
        "views": {name: value_table(view) for name, view in views.items()},
        "left_out": left_out_table(result),
        "sets": [_sets(view) for view in views.values()] if has_sets(result) else [],
        "text_sets": text_set_tables(result),
        "text_line": text_set_line(result),
    }


def _sets(view: ConceptFindings) -> dict[str, Any]:
    """The tables of the sets of few neurons of a view."""
    own = {"view": view.view, "claimed": set_table(view), "study": study_table(view)}
    return own | {"curves": curve_table(view), "directions": direction_table(view)}


def _groups(group: NeuronGroups) -> dict[str, Any]:
    """What `groups.html.j2` shows."""
    kinds: tuple[Kind, ...] = ("properties", "values", *(("claimed",) if group.claimed else ()))
    return {
        "sets": property_set_table(group),
        "shared": [
            *(overlap_table(group, kind) for kind in kinds),
            *(polysemy_table(group, kind) for kind in kinds),
            claimed_layer_table(group),
        ],
        "left_out": group_left_out_table(group),
    }


def _latent(cuts: Sequence[LatentClusters]) -> dict[str, Any]:
    """What `latent.html.j2` shows."""
    sheets = [file for cut in cuts for file in cut.files.values()]
    own = {"shares": share_table(cuts), "published": published_table(cuts)}
    return own | {"cards": unlabelled_cards(cuts), "sheets": sheets}


def _evidence(evidence: Mapping[View, Sequence[Evidence]]) -> list[dict[str, Any]]:
    """What `evidence.html.j2` shows."""
    return [card for view, own in evidence.items() for card in evidence_cards(view, own)]


_FURTHER: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "groups": ("Smallest sets of each property", _groups),
    "evidence": ("Neurons to look at", _evidence),
    "latent": ("Latent concepts", _latent),
    "examples": ("Neurons of whole texts", text_cards),
}


def _concept_parts(result: ConceptResult) -> dict[str, Any]:
    """The parts of concepts that have values."""
    parts: dict[str, Any] = {"concepts": _concepts(result)}
    for key, part in further_parts(result).items():
        title, make = _FURTHER[key]
        parts[key] = {"title": title, "shown": make(part)}
    return parts


def _interventions(found: Found) -> dict[str, Any]:
    """What `interventions.html.j2` shows."""
    results = found.interventions
    return {
        "use": held_used_table(found.concepts, results) if found.concepts else None,
        "headline": intervention_headline(results),
        "edits": edit_table(results),
        "cards": intervention_cards(results),
    }


def _modules(result: ModulesResult, changes: Sequence[ModuleChange]) -> dict[str, Any]:
    """What `modules.html.j2` shows."""
    return {
        "headline": module_headline(result),
        "rule": module_rule(result),
        "tables": [module_table(result), composition_table(result)],
        "overlaps": [(matrix_table(result, one), pair_table(one)) for one in result.compositions],
        "changes": change_table(changes),
        "notes": result.notes,
    }


class _Export(NamedTuple):
    """What `exports.html.j2` shows of one."""

    headline: str
    name: str
    chart: str
    tables: tuple[tables.Table, ...]
    notes: tuple[str, ...]


def _export(name: str, result: ExportResult) -> _Export:
    shown = (score_rows(result), speed_table(result.speeds))
    return _Export(sentence(result), name, f"frontier-{name}", shown, export_notes(result))


def _commands(folder: str, summary: RedundancyResult | None, concepts: ConceptResult | None) -> list[str]:
    """Compute it again, rebuild the page."""
    lines = [f"neurosieve run {folder}/study.yaml --out NEW_FOLDER"] if summary else []
    if concepts:
        lines.append(f"neurosieve concepts {'NEW_FOLDER' if summary else f'{folder}/study.yaml --out NEW_FOLDER'}")
    return [*lines, f"neurosieve report {folder}"]


def _control_title(result: RedundancyResult) -> str:
    head = result.control.head if isinstance(result.control, Control) else result.control
    if isinstance(head, NotMeasured):
        return f"Control task: {head.text}"
    metric = metric_of(result)
    selectivity = f"{metric.number(head.selectivity.value)} {metric.points}"
    return f"Random labels of the same tokens reach {metric.score(head.control)}: selectivity is {selectivity}"


def _lines(texts: Sequence[str]) -> Markup:
    return Markup("\n").join(map(visible, texts))
