"""What is known of one neuron, gathered from all that a run folder holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from neurosieve.results.column_evidence import ColumnEvidence
from neurosieve.results.concept_evidence import Evidence
from neurosieve.results.concepts import ConceptNeuron
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.redundancy_sets import Select
from neurosieve.results.whole_texts import TextNeuron
from neurosieve.typing import NeuronId, Site, View


@dataclass(frozen=True, kw_only=True)
class SetPlace:
    """A neuron's place in a smallest set of the study's task.

    Attributes:
        ranking: Of the set, with the next two.
        delta: Loss allowed.
        select: How the loss is held against it.
        place: The neuron's, from 1.
        size: Of the set.
        weights: Of the set's probe on the neuron, by label.
    """

    ranking: str
    delta: float
    select: Select
    place: int
    size: int
    weights: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class NeuronConcept:
    """A property value that the neuron was scored on.

    Attributes:
        view: `detect` or `predict`.
        name: `property=value`.
        score: On held-out files, and whether it is claimed.
        rival: What predicts the value best without training.
        rival_ap: Its average precision.
        base: Share of rows with the value: the average precision of a guess.
    """

    view: View
    name: str
    score: ConceptNeuron
    rival: str
    rival_ap: float
    base: float


@dataclass(frozen=True, kw_only=True)
class ValueSet:
    """A claimed set of few neurons that it is in.

    Attributes:
        view: `detect` or `predict` of tokens, or `whole texts`.
        name: `property=value`; of a number the property.
        size: Neurons of the set.
    """

    view: View | Literal["whole texts"]
    name: str
    size: int


@dataclass(frozen=True, kw_only=True, repr=False)
class NeuronProfile:
    """All that a run knows of one neuron.

    Attributes:
        neuron: Its id.
        model: Name or folder.
        site: Of the neurons; None in files of earlier versions.
        studied: The run's task was studied; else the next five are empty.
        dead: It never varies over train rows.
        ranks: Its place in each ranking, from 1.
        ranked: How many neurons are ranked.
        sets: Smallest sets of the task that it is in.
        represents: Distances 1 − |r| at which it represents its cluster of similar neurons.
        concepts: Property values that it was scored on among the strongest, claimed ones first, then by how far its
            average precision is above the best rival's.
        property_sets: Smallest sets of properties, and sets of values, that it is in.
        value_sets: Claimed sets of several neurons that tell a value together, with it among them.
        modules: Labels whose module has it.
        evidence: Its tokens, for each view.
        texts: What explains it on whole texts; None where that was not looked for.
        edits: Edits of the live model that it was part of.
        column: What its values on held-out rows show; None where `neurosieve serve` has not laid them side by side.
    """

    neuron: NeuronId
    model: str
    site: Site | None
    studied: bool
    dead: bool
    ranks: Mapping[str, int]
    ranked: int
    sets: tuple[SetPlace, ...]
    represents: tuple[float, ...]
    concepts: tuple[NeuronConcept, ...]
    property_sets: tuple[str, ...]
    value_sets: tuple[ValueSet, ...]
    modules: tuple[str, ...]
    evidence: Mapping[View, tuple[Evidence, ...]]
    texts: TextNeuron | None
    edits: tuple[InterventionResult, ...]
    column: ColumnEvidence | None = None

    @property
    def claimed(self) -> tuple[str, ...]:
        """Property values that it is called a neuron of, each once."""
        return tuple(dict.fromkeys(c.name for c in self.concepts if c.score.claimed))

    def to_frame(self) -> pl.DataFrame:
        """One row a view and property value: its scores, the best rival's and the base rate."""
        rows = [
            {
                "view": c.view,
                "value": c.name,
                "claimed": c.score.claimed,
                "low": c.score.low,
                "ap": c.score.ap,
                "ap_low": c.score.interval and c.score.interval[0],
                "ap_high": c.score.interval and c.score.interval[1],
                "auroc": c.score.auroc,
                "rival": c.rival,
                "rival_ap": c.rival_ap,
                "base": c.base,
                "lacking": c.score.lacking,
            }
            for c in self.concepts
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def __repr__(self) -> str:
        return f"NeuronProfile({self.neuron})"

    def __str__(self) -> str:
        from neurosieve.report.neuron import profile_text  # what writes sentences is loaded where it writes

        return profile_text(self)

    def _repr_html_(self) -> str:
        from neurosieve.report.neuron import profile_html

        return profile_html(self)
