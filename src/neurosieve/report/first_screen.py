"""The first screen of a run in a notebook and on a terminal: question, finding, trust, one figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report.concepts import concept_headline
from neurosieve.report.interventions import intervention_headline
from neurosieve.report.saved_files import Found, charts_of
from neurosieve.report.story import Story, story_of
from neurosieve.report.tables import trust_table
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.redundancy import RedundancyResult


@dataclass(frozen=True, repr=False)
class Shown:
    """What a run found, for a newcomer; of one result at least.

    Attributes:
        summary: What the study found.
        concepts: What was found of them.
        interventions: What the run's edits did.
    """

    summary: RedundancyResult | None
    concepts: ConceptResult | None = None
    interventions: Sequence[InterventionResult] = ()

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        if self.summary is not None:
            return self.summary.headline
        return concept_headline(self.concepts) if self.concepts else intervention_headline(self.interventions)

    @property
    def story(self) -> Story:
        """Question, figures and trust."""
        story = story_of(self.summary, self.concepts, self.interventions)
        assert story is not None, "one result at least"  # noqa: S101 - the study has one, or raised
        return story

    def __repr__(self) -> str:
        story = self.story
        lines = [self.headline, f"Asked: {story.asked}", *(f"  {tile.value} {tile.text}" for tile in story.tiles)]
        return "\n".join([*lines, f"Trust: {story.trust}"])

    def _repr_html_(self) -> str:
        story, parts = self.story, Markup("<p><b>{}</b></p><p>{}</p>").format(visible(self.headline), self.story.asked)
        rows = (Markup("<li><b>{}</b> {}</li>").format(tile.value, visible(tile.text)) for tile in story.tiles)
        parts += Markup("<ul>{}</ul><p>{}</p>").format(Markup("").join(rows), visible(story.trust))
        parts += trust_table(self.summary).to_html() if self.summary else Markup("")
        charts = charts_of(Found(self.summary, self.concepts, self.interventions))
        return parts + (charts[story.chart]._repr_html_() if story.chart in charts else Markup(""))
