"""Single figures, by their names: of redundancy, of concepts, of edits."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from neurosieve.errors import DataError, unknown_name
from neurosieve.report.concept_figures import concept_charts
from neurosieve.report.concepts import further_parts
from neurosieve.report.drawing import Chart, plain
from neurosieve.report.figures import CHARTS, missing_reason
from neurosieve.report.frontier_figure import frontier_chart
from neurosieve.report.interventions import any_effects, effect_chart
from neurosieve.report.latent import latent_chart
from neurosieve.report.set_groups import group_charts
from neurosieve.report.texts import explained_chart
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.export import ExportResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.redundancy import RedundancyResult

_FURTHER: dict[str, Callable[[Any], Chart]] = {"latent": latent_chart, "examples": explained_chart}
EFFECTS = "effects"


def plot_redundancy(result: RedundancyResult, key: str) -> go.Figure:
    """A figure of what a study found; its name is a key of `CHARTS`.

    Raises:
        ConfigError: Another name.
        DataError: The result has no values for it (gives its reason).
    """
    if key not in CHARTS:
        raise unknown_name("figure", key, CHARTS)
    if (reason := missing_reason(result, key)) is not None:
        raise _nothing(key, f"not measured: {reason}")
    return alone(CHARTS[key](result))


def all_concept_charts(result: ConceptResult) -> dict[str, Chart]:
    """The figures of concepts that have values, by their names."""
    parts = further_parts(result)
    charts = concept_charts(result) | (group_charts(parts["groups"]) if "groups" in parts else {})
    made = [make(parts[key]) for key, make in _FURTHER.items() if key in parts]
    return charts | {chart.key: chart for chart in made}


def plot_concepts(result: ConceptResult, key: str) -> go.Figure:
    """A figure of concepts.

    Raises:
        ConfigError: A name of which the result has no figure (names those that it has).
    """
    charts = all_concept_charts(result)
    if key not in charts:
        raise unknown_name("figure", key, charts)
    return alone(charts[key])


def plot_effects(results: Sequence[InterventionResult]) -> go.Figure:
    """What edits did to predictions.

    Raises:
        DataError: Predictions were not measured.
    """
    if not any_effects(results):
        raise _nothing(EFFECTS, "edit with predictions=True")
    return alone(effect_chart(results))


def plot_frontier(result: ExportResult) -> go.Figure:
    """What each way of an export costs and scores."""
    return alone(frontier_chart(result))


def _nothing(key: str, remedy: str) -> DataError:
    return DataError(f"figure {key}", expected="values to draw", got="none", remedy=remedy)


def alone(chart: Chart) -> go.Figure:
    """The figure with its title, without a page around it."""
    title = {"text": plain(chart.title), "font": {"size": 14}}
    return chart.figure.update_layout(title=title, margin={"t": 90})
