"""Single figures, by their names: of redundancy, of concepts, of edits."""

from collections.abc import Callable, Sequence
from typing import Any

from neurosieve.errors import DataError, unknown_name
from neurosieve.report.concept_figures import concept_charts
from neurosieve.report.concepts import further_parts
from neurosieve.report.drawing import Chart
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


def plot_redundancy(result: RedundancyResult, key: str) -> Chart:
    """A figure of what a study found; its name is a key of `CHARTS`.

    Raises:
        ConfigError: Another name.
        DataError: The result has no values for it (gives its reason).
    """
    if key not in CHARTS:
        raise unknown_name("figure", key, CHARTS)
    if (reason := missing_reason(result, key)) is not None:
        raise _nothing(key, f"not measured: {reason}")
    return CHARTS[key](result)


def all_concept_charts(result: ConceptResult) -> dict[str, Chart]:
    """The figures of concepts that have values, by their names."""
    parts = further_parts(result)
    charts = concept_charts(result) | (group_charts(parts["groups"]) if "groups" in parts else {})
    made = [make(parts[key]) for key, make in _FURTHER.items() if key in parts]
    return charts | {chart.key: chart for chart in made}


def plot_concepts(result: ConceptResult, key: str) -> Chart:
    """A figure of concepts.

    Raises:
        ConfigError: A name of which the result has no figure (names those that it has).
    """
    charts = all_concept_charts(result)
    if key not in charts:
        raise unknown_name("figure", key, charts)
    return charts[key]


def plot_effects(results: Sequence[InterventionResult]) -> Chart:
    """What edits did to predictions.

    Raises:
        DataError: Predictions were not measured.
    """
    if not any_effects(results):
        raise _nothing(EFFECTS, "edit with predictions=True")
    return effect_chart(results)


def plot_frontier(result: ExportResult) -> Chart:
    """What each way of an export costs and scores."""
    return frontier_chart(result)


def _nothing(key: str, remedy: str) -> DataError:
    return DataError(f"figure {key}", expected="values to draw", got="none", remedy=remedy)
