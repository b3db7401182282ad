"""Pages of a run and its layers, sets, properties, modules: what results hold, with the report's own tables."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Int

from neurosieve.errors import ConfigError, unknown_name
from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.views import View
from neurosieve.report.concepts import claim_rule, claim_table, concept_headline, left_out_table, value_table
from neurosieve.report.figures import CHARTS, missing_reason
from neurosieve.report.interventions import edit_table, intervention_headline
from neurosieve.report.modules import change_table, composition_table, module_chart, module_headline, module_table
from neurosieve.report.numbers import NONE, count, ratio
from neurosieve.report.set_groups import property_set_table
from neurosieve.report.set_tables import value_set_tables
from neurosieve.report.story import short_model, story_of
from neurosieve.report.tables import Table, make_table, neuron_table, set_table, trust_table
from neurosieve.report.text_set_tables import text_set_tables
from neurosieve.results.concepts import Concept
from neurosieve.results.measured import NotMeasured
from neurosieve.results.neuron_groups import NeuronGroups, PropertyGroup
from neurosieve.studies.columns.row_file import RowFile

PAGE = 100  # neurons of a layer on one page


def study_page(run: OpenRun) -> View:
    """What was asked and found, and what there is to look at."""
    found, headlines, tables = run.found, list[str](), dict[str, Table]()
    if summary := found.summary:
        headlines.append(summary.headline)
        tables |= {"trust": trust_table(summary), "smallest-sets": set_table(summary)}
    if found.concepts:
        headlines.append(concept_headline(found.concepts))
        tables |= {f"claims-{name}": claim_table(view) for name, view in found.concepts.views.items()}
    if found.interventions:
        headlines.append(intervention_headline(found.interventions))
        tables["edits"] = edit_table(found.interventions)
    headlines += [module_headline(found.modules)] if found.modules else []
    layers = [(f"{k}", count(run.grid.width)) for k in range(run.grid.layers)]
    tables["layers"] = make_table("Layers", ("layer", "neurons"), layers)
    return View(
        title=f"{run.name}: {short_model(run.config.model)}, {run.config.task}",
        template="study.html.j2",
        tables=tables,
        results={"model": run.config.model, "task": run.config.task, "headlines": headlines},
        shown={
            "headlines": headlines or ["The activations were read; the task was not studied yet."],
            "story": story_of(summary, found.concepts, found.interventions),
            "chart": CHARTS["curve"](summary) if summary and missing_reason(summary, "curve") is None else None,
        },
    )


def layer_page(run: OpenRun, layer: int, page: int, order: str) -> View:
    """The neurons of a layer, 100 at a time, by number or by a ranking.

    Raises:
        ConfigError: No such layer, page or ranking.
    """
    if not 0 <= layer < run.grid.layers:
        expected, remedy = f"a number below {run.grid.layers}", "follow the links of the run's page"
        raise ConfigError(f"layer {layer}", expected=expected, got=str(layer), remedy=remedy)
    orders = ("index", *run.places)
    if order not in orders:
        raise unknown_name("order", order, orders)
    indices = list(range(run.grid.width))
    if order != "index":
        place = run.places[order][run.grid.layer(layer)]
        indices.sort(key=lambda i: (place[i] == 0, place[i]))
    pages = max(1, -(-len(indices) // PAGE))
    if not 1 <= page <= pages:
        expected = f"a number from 1 to {pages}"
        raise ConfigError(f"page {page}", expected=expected, got=str(page), remedy="follow the page's links")
    table = _layer_table(run, layer, indices[(page - 1) * PAGE : page * PAGE])
    shown = {"layer": layer, "page": page, "pages": pages, "order": order, "orders": orders}
    results = {"layer": layer, "page": page, "pages": pages, "order": order}
    return View(
        title=f"Layer {layer}", template="layer.html.j2", tables={"neurons": table}, results=results, shown=shown
    )


def _layer_table(run: OpenRun, layer: int, indices: list[int]) -> Table:
    offset = run.grid.layer(layer).start
    columns: dict[str, Callable[[int], str]] = {"neuron": lambda i: f"{layer}:{i}"}
    for name, place in run.places.items():
        own = place[offset : offset + run.grid.width]
        columns[f"place by {name}"] = partial(_place_of, own)
    if built := run.built:
        files, rows = built.columns, built.rows
        for name in ("strongest", "weakest"):
            at = files.values_at(layer, name)
            columns[f"{name} token"] = partial(_token_of, rows, at)
        sd, alive = files.values_at(layer, "scale"), files.values_at(layer, "alive")
        columns["standard deviation"] = lambda i: f"{sd[i]:.3g}" if alive[i] else "never varies"
    if run.claimed:
        columns["claimed for"] = lambda i: ", ".join(run.claimed.get((layer, i), ())) or NONE  # type: ignore[call-overload]
    return make_table(
        f"Neurons of layer {layer}", list(columns), [[cell(i) for cell in columns.values()] for i in indices]
    )


def _place_of(places: Int[np.ndarray, " neurons"], index: int) -> str:
    return count(int(places[index])) if places[index] else NONE


def _token_of(rows: RowFile, at: Int[np.ndarray, " neurons"], index: int) -> str:
    return rows.token(int(at[index]))


def properties_page(run: OpenRun) -> View:
    """All property values that were looked for."""
    concepts = run.found.concepts
    if concepts is None:
        return View(
            title="Properties of code",
            template="tables.html.j2",
            shown={"text": f"Concepts were not looked for: run `neurosieve concepts {run.folder}`."},
        )
    tables = {f"values-{name}": value_table(view) for name, view in concepts.views.items()}
    tables["left-out"] = left_out_table(concepts)
    title = concept_headline(concepts)
    return View(title=title, template="tables.html.j2", tables=tables, shown={"text": claim_rule(concepts)})


def property_page(run: OpenRun, name: str) -> View:
    """One property value: its neurons with their scores and rivals, in each view.

    Raises:
        ConfigError: It was not looked for.
    """
    views = run.found.concepts.views if run.found.concepts else {}
    found = [c for view in views.values() for c in view.concepts if c.name == name]
    if not found:
        raise unknown_name("value", name, run.values)
    tables = {}
    for c in found:
        tables[f"neurons-{c.view}"] = _score_table(c)
        tables[f"rivals-{c.view}"] = _rival_table(c)
    return View(title=name, template="tables.html.j2", tables=tables, results={"found": found}, shown={"text": ""})


def _score_table(concept: Concept) -> Table:
    rows = [
        (
            f"{n.neuron}{' low' if n.low else ''}",
            ratio(n.ap, n.interval),
            ratio(n.auroc, n.auroc_interval),
            ratio(n.ap - concept.rival[1], n.difference_interval),
            ratio(n.selectivity),
            ratio(n.unseen_ap),
            "claimed" if n.claimed else f"not claimed: {n.lacking}",
            n.note,
        )
        for n in concept.neurons
    ]
    heads = ("neuron", "AP", "AUROC", "above the best rival", "AUROC among own values", "AP on unseen texts", "verdict",
             "note")  # fmt: skip
    return make_table(f"View {concept.view}: neurons of {concept.name}", heads, rows)


def _rival_table(concept: Concept) -> Table:
    rows = [(name, ratio(ap)) for name, ap in concept.rivals.items()]
    rows += [("a guess (base rate)", f"{concept.base:.3f}"), ("rows with it, train", count(concept.train))]
    rows.append(("rows with it, test", count(concept.test)))
    return make_table(f"View {concept.view}: what needs no training", ("rival", "AP"), rows)


def groups_of(run: OpenRun) -> tuple[PropertyGroup, ...]:
    """Smallest sets of properties."""
    groups = run.found.concepts.groups if run.found.concepts else None
    return groups.sets if isinstance(groups, NeuronGroups) else ()


def sets_page(run: OpenRun) -> View:
    """All sets: of the task, and of properties."""
    summary, tables = run.found.summary, dict[str, Table]()
    sets = summary.sets if summary else ()
    if summary and sets:
        tables["smallest-sets"] = set_table(summary)
    groups = run.found.concepts.groups if run.found.concepts else None
    if isinstance(groups, NeuronGroups) and groups.sets:
        tables["property-sets"] = property_set_table(groups)
    if run.found.concepts:
        sets_of_values = value_set_tables(run.found.concepts) | text_set_tables(run.found.concepts)
        tables |= {name: table for name, table in sets_of_values.items() if table.rows}
    named = [(f"task/{i}", f"{s.ranking}, delta {s.delta:g}, {s.select}: {s.size} neurons") for i, s in enumerate(sets)]
    some = ((g.property, g.smallest.size) for g in groups_of(run) if g.smallest)
    named += [(f"property/{name}", f"{name}: {size} neurons") for name, size in some]
    text = "" if named or tables else "The run has no set of neurons."
    return View(title="Sets of neurons", template="sets.html.j2", tables=tables, shown={"named": named, "text": text})


def task_set_page(run: OpenRun, number: int) -> View:
    """One smallest set of the task.

    Raises:
        ConfigError: No such set.
    """
    summary = run.found.summary
    if summary is None or not 0 <= number < len(summary.sets):
        known = len(summary.sets) if summary else 0
        remedy = "follow the links of the sets' page"
        raise ConfigError(f"set {number}", expected=f"one of {known} sets", got=str(number), remedy=remedy)
    chosen, table = summary.sets[number], neuron_table(summary, number)
    rule = f"{chosen.ranking}, delta {chosen.delta:g}, {chosen.select}"
    text = f"Chosen by: {rule}. {count(chosen.size)} of {count(summary.neurons)} neurons."
    tables, results = {"neurons": table}, {"set": chosen}
    return View(title=table.title, template="tables.html.j2", tables=tables, results=results, shown={"text": text})


def property_set_page(run: OpenRun, name: str) -> View:
    """The smallest set of a property, and the neurons of each of its values.

    Raises:
        ConfigError: No such set.
    """
    groups = {g.property: g for g in groups_of(run)}
    if name not in groups:
        raise unknown_name("set", name, groups)
    group = groups[name]
    smallest = group.smallest.neurons if group.smallest else ()
    tables = {"neurons": make_table(f"Smallest set of {name}", ("neuron",), [(str(n),) for n in smallest])}
    rows = [(c.name, ", ".join(map(str, c.neurons))) for c in group.carriers]
    tables["values"] = make_table("Neurons of each value", ("value", "neurons, heaviest first"), rows)
    shown = {"text": group.reason}
    return View(title=f"Set of {name}", template="tables.html.j2", tables=tables, results={"set": group}, shown=shown)


def modules_page(run: OpenRun) -> View:
    """One module a label, and what changes of them did."""
    modules = run.found.modules
    if modules is None or isinstance(modules, NotMeasured):
        text = f"There are no modules: run `neurosieve modules {run.folder}`."
        return View(title="Modules", template="tables.html.j2", shown={"text": text})
    tables = {"modules": module_table(modules), "compositions": composition_table(modules)}
    tables |= {"changes": change_table(run.found.changes)} if run.found.changes else {}
    shown = {"text": "", "chart": module_chart(modules)}
    return View(title=module_headline(modules), template="tables.html.j2", tables=tables, shown=shown)
