"""Which neurons hold which properties of code: `concepts.json` of a run folder."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import polars as pl

from neurosieve.errors import ConfigError, unknown_name
from neurosieve.results.codec import to_json
from neurosieve.results.concept_claims import GUESS as GUESS
from neurosieve.results.concept_claims import Bounds as Bounds
from neurosieve.results.concept_claims import Concept as Concept
from neurosieve.results.concept_claims import ConceptFindings as ConceptFindings
from neurosieve.results.concept_claims import ConceptNeuron as ConceptNeuron
from neurosieve.results.concept_claims import UnseenRows as UnseenRows
from neurosieve.results.concept_counts import TextCounts, TokenCounts
from neurosieve.results.concept_evidence import Evidence
from neurosieve.results.concept_stability import ConceptStability
from neurosieve.results.latent_clusters import LatentClusters
from neurosieve.results.marks import Omitted, ReasonOmitted
from neurosieve.results.measured import NotMeasured
from neurosieve.results.neuron_groups import NeuronGroups
from neurosieve.results.text_sets import TextSets
from neurosieve.results.whole_texts import TextFindings
from neurosieve.typing import Site, View

FORMAT: Literal[1] = 1


@dataclass(frozen=True, kw_only=True, repr=False)
class ConceptResult:
    """What neurons hold of the properties of code: the neurons of each value, and what was made of them.

    `result["lexical=number"].claimed` are the neurons that are called neurons of that value, by default in the view
    `detect`; `result["lexical=number", "predict"]` is what was found for it in the other view.

    Examples:
        >>> found = ns.load("runs/java").concepts()
        >>> found["lexical=number"].claimed_neurons
        NeuronSet(...)

    Attributes:
        format: Of the file.
        model: Name or folder.
        revision: Of the model, where it has one.
        site: Of the neurons.
        task: Of the study.
        layers: How many.
        neurons: How many in all layers.
        texts: What was read.
        tokens: What was read of them.
        units: Of each view: tokens that were read, and those that were not; None in files of earlier versions.
        views: What was found in each.
        predict_reason: Why there is no view `predict` although it was asked for.
        evidence: Of each view: neurons with their tokens. None in files of earlier versions, as are the next three.
        groups: Sets of neurons of each property.
        latent: Clusters of tokens in some layers.
        examples: What explains the run's neurons on whole texts.
        text_sets: Sets of few neurons for properties of whole texts; None where none were asked for.
        notes: What a user has to know.
        options: That concepts were looked for with.
        seed: Of all draws.
        seconds: Of each step.
        peak_rss_mb: Peak memory, MiB.
        versions: Of the packages that can move a result.
        data_hashes: Of the data that was read.
        study_sha256: Of the study, as the file is marked; None in files of earlier versions.
        sha256: Of the file's name and content, likewise.
    """

    format: Literal[1]
    model: str
    revision: str | None
    site: Site
    task: str
    layers: int
    neurons: int
    texts: TextCounts
    tokens: TokenCounts
    units: Annotated[Mapping[str, Mapping[str, int]] | None, Omitted] = None
    views: Mapping[View, ConceptFindings]
    predict_reason: Annotated[str | None, Omitted] = None
    evidence: Annotated[Mapping[View, tuple[Evidence, ...]] | NotMeasured | None, Omitted, ReasonOmitted] = None
    groups: Annotated[NeuronGroups | NotMeasured | None, Omitted, ReasonOmitted] = None
    latent: Annotated[tuple[LatentClusters, ...] | NotMeasured | None, Omitted, ReasonOmitted] = None
    examples: Annotated[TextFindings | NotMeasured | None, Omitted] = None
    text_sets: Annotated[TextSets | NotMeasured | None, Omitted] = None
    stability: Annotated[ConceptStability | None, Omitted] = None
    notes: tuple[str, ...]
    options: Mapping[str, Any]
    seed: int
    seconds: Mapping[str, float]
    peak_rss_mb: float
    versions: Mapping[str, str]
    data_hashes: Mapping[str, str]
    study_sha256: Annotated[str | None, Omitted] = None
    sha256: Annotated[str | None, Omitted] = None

    def __getitem__(self, key: str | tuple[str, View]) -> Concept:
        """What was found for a value.

        Args:
            key: `property=value`, or that and the view.

        Raises:
            ConfigError: A value or a view in which it was not looked for.
        """
        name, view = (key, next(iter(self.views))) if isinstance(key, str) else key
        if view not in self.views:
            raise unknown_name("view", view, self.views)
        findings = self.views[view]
        if reason := findings.left_out.get(name):
            expected, remedy = "one that was looked for", "ask for another one, or read more tokens"
            raise ConfigError(f"value {name!r}", expected=expected, got=f"left out: {reason}", remedy=remedy)
        by_name = {c.name: c for c in findings.concepts}
        if name not in by_name:
            raise unknown_name("value", name, by_name)
        return by_name[name]

    def to_frame(self) -> pl.DataFrame:
        """One row per view, value and neuron: scores with the base rate and the best rival's."""
        return pl.concat([view.to_frame() for view in self.views.values()], how="diagonal_relaxed")

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        from neurosieve.report.concepts import concept_headline  # what writes sentences is loaded where it writes

        return concept_headline(self)

    @property
    def record(self) -> dict[str, Any]:
        """The content of `concepts.json`. Deprecated: `neurosieve.results.to_json` of the result."""
        text = "ConceptResult.record goes with the next release: use its attributes, or neurosieve.results.to_json"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return to_json(self)

    def plot(self, key: str) -> Any:
        """A figure of the report: "rivals-detect", "depth", …; an unknown name lists them.

        Raises:
            ConfigError: A name of which the result has no figure.
        """
        from neurosieve.report.plots import plot_concepts

        return plot_concepts(self, key)

    def __repr__(self) -> str:
        return f"ConceptResult({self.headline!r})"

    def __str__(self) -> str:
        """The headline, and the values with neurons that are called theirs."""
        claims = [c for view in self.views.values() for c in view.concepts if c.claimed]
        return "\n".join([self.headline, *(f"  {c}" for c in claims)])

    def _repr_html_(self) -> str:
        from neurosieve.report.concepts import concept_html

        return concept_html(self)
