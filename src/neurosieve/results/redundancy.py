"""What a redundancy study found: `summary.json` of a run folder."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import polars as pl

from neurosieve.results.codec import to_json
from neurosieve.results.marks import Absent, Omitted, Told
from neurosieve.results.measured import EARLIER, NotMeasured
from neurosieve.results.redundancy_controls import Control, Mistake, Unseen
from neurosieve.results.redundancy_parts import Baselines, OracleScores, TrustEntry
from neurosieve.results.redundancy_rankings import Published, RankingAgreement, RankingStability
from neurosieve.results.redundancy_sets import (
    ClusterCut,
    CurvePoint,
    LayerCurve,
    ParetoPoint,
    PipelineResult,
    RandomPoint,
    SmallestSet,
)
from neurosieve.typing import Site


@dataclass(frozen=True, kw_only=True, repr=False)
class RedundancyResult:
    """Which neurons suffice for a task, and how far that can be trusted.

    Attributes:
        format: Of the file.
        headline: The finding in one sentence.
        trust: Questions that it has to pass, with their answers.
        model: Name or folder; empty where activations were made elsewhere.
        revision: Of the model; None where it has none.
        site: Of the neurons; None in files of earlier versions, whose site is `hidden`.
        task: Kind of task.
        metric: `accuracy`, or `r2` where labels are values.
        protocol: `sound`, or `published` where that stands beside it.
        layers: How many.
        neurons: In all layers.
        dead: Those of them that never vary.
        labels: Names of classes, or `value`.
        rows: Of each split.
        units: Those that were read, and what was left out or shared.
        long_examples: Examples that were cut into windows.
        oracle: The probe on all neurons.
        baselines: What a score has to be compared with.
        unseen: Texts that are absent from train.
        mistakes: Test rows that the oracle gets wrong; None in files of earlier versions.
        control: Control tasks.
        layerwise: Probes by layer.
        layer_selector: By loss allowed, the highest layer that the LayerSelector keeps.
        cka: Likeness of each two layers.
        general_rows: Train rows that likeness and clusters are from.
        clusters: Probes on one neuron of each cluster.
        curves: Score against number of neurons, of each ranking and of random orders.
        minimal_sets: Smallest sets, the headline's first.
        agreement: How far the rankings agree.
        stability: How stable each ranking is.
        pareto: Front of size, depth and score.
        seeds: And numbers of draws.
        pipeline: Layers cut, then alike neurons, then those of no use.
        published: The published study's choices; None where they were not asked for.
        notes: What a reader has to know of data and model; None in files of earlier versions.
        seconds: Of each stage.
        peak_rss_mb: Memory at its peak.
        versions: Of the packages that can move a result.
        data_hashes: Of each file of the data.
        study_sha256: Of the study, as the file is marked; None in files of earlier versions.
        sha256: Of the file's name and content, likewise.
    """

    format: Literal[1]
    headline: str
    trust: tuple[TrustEntry, ...]
    model: str
    revision: str | None
    site: Annotated[Site | None, Omitted] = None
    task: str
    metric: Literal["accuracy", "r2"]
    protocol: Literal["sound", "published"]
    layers: int
    neurons: int
    dead: int
    labels: tuple[str, ...]
    rows: Mapping[str, int]
    units: Mapping[str, int]
    long_examples: int
    oracle: OracleScores
    baselines: Baselines
    unseen: Unseen
    mistakes: Annotated[tuple[Mistake, ...] | None, Omitted] = None
    control: Annotated[Control | NotMeasured, Absent(("task", "control", "selectivity", "reason"))]
    layerwise: LayerCurve
    # Reasons stand in the order in which a study finds that nothing can be claimed.
    layer_selector: Annotated[Mapping[str, int] | NotMeasured, Told(after="minimal_sets_reason")]
    cka: Annotated[tuple[tuple[float, ...], ...] | NotMeasured, Told(after="clusters")]
    general_rows: int
    clusters: tuple[ClusterCut, ...]
    curves: tuple[CurvePoint | RandomPoint, ...]
    minimal_sets: Annotated[tuple[SmallestSet, ...] | NotMeasured, Told(after="pipeline")]
    agreement: Annotated[RankingAgreement | NotMeasured, Told(after="stability")] = EARLIER
    stability: Annotated[RankingStability | NotMeasured, Told(after="agreement_reason")] = EARLIER
    pareto: Annotated[tuple[ParetoPoint, ...] | NotMeasured, Told(after="pipeline_reason")]
    seeds: Mapping[str, int]
    pipeline: Annotated[PipelineResult | NotMeasured, Told(after="layer_selector_reason")]
    published: Annotated[Published | NotMeasured | None, Absent(("minimal_set", "choices", "reason")), Omitted] = None
    notes: Annotated[tuple[str, ...] | None, Omitted] = None
    seconds: Mapping[str, float]
    peak_rss_mb: float
    versions: Mapping[str, str]
    data_hashes: Mapping[str, str]
    study_sha256: Annotated[str | None, Omitted] = None
    sha256: Annotated[str | None, Omitted] = None

    def __repr__(self) -> str:
        return f"RedundancyResult({self.headline!r})"

    @property
    def sets(self) -> tuple[SmallestSet, ...]:
        """`minimal_sets`; none where nothing can be claimed."""
        return () if isinstance(self.minimal_sets, NotMeasured) else self.minimal_sets

    @property
    def live(self) -> int:
        """Neurons that vary."""
        return self.neurons - self.dead

    @property
    def record(self) -> dict[str, Any]:
        """The content of `summary.json`. Deprecated: `neurosieve.results.to_json` of the result."""
        text = "RedundancyResult.record goes with the next release: use its attributes, or neurosieve.results.to_json"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return to_json(self)

    def to_frame(self) -> pl.DataFrame:
        """One row a smallest set; empty where none can be claimed."""
        return pl.DataFrame(
            [
                {
                    "ranking": found.ranking,
                    "delta": found.delta,
                    "select": found.select,
                    "size": found.size,
                    "test": found.test.value,
                    "loss": found.loss.value,
                    "loss_low": found.loss.interval and found.loss.interval[0],
                    "loss_high": found.loss.interval and found.loss.interval[1],
                    "within": found.within if isinstance(found.within, bool) else None,  # an older file has none
                    "random_size": found.random_size.median,
                }
                for found in self.sets
            ]
        )

    def plot(self, key: str) -> Any:
        """A figure of the report, of plotly: "curve", "layers", "cka", "clusters", "set", "classes" or "pareto".

        Raises:
            ConfigError: Another name.
            DataError: The result has no values for it (gives its reason).
        """
        from neurosieve.report.figures import plot  # what draws is loaded where something is drawn

        return plot(self, key)

    def to_html(self, folder: str = "RUN") -> str:
        """The report as one self-contained page; `folder` is named in the commands that rebuild it."""
        from neurosieve.report import render_page

        return render_page(self, folder)

    def _repr_html_(self) -> str:
        from neurosieve.report.tables import notebook_html

        return notebook_html(self)
