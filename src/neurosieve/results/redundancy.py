"""What a redundancy study found: `summary.json` of a run folder."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import polars as pl

from neurosieve.errors import unknown_name
from neurosieve.results.codec import to_json
from neurosieve.results.marks import Absent, Omitted, ReasonIfMissing
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
from neurosieve.results.result_frames import class_frame, frame_of, layer_frame, set_frame, weight_frame
from neurosieve.typing import Site


@dataclass(frozen=True, kw_only=True, repr=False)
class RedundancyResult:
    """Which neurons suffice for a task, and how far that can be trusted.

    Examples:
        >>> result = ns.load("runs/java").result
        >>> print(result)
        9... of ... neurons can go: ...
          yes: Is the oracle above the majority class?
          ...
        >>> result.to_frame("layers").columns
        ['layers', 'layer', 'validation', 'test', 'n', 'low', 'high']

    Attributes:
        format: Of the file.
        headline: The finding in one sentence.
        trust: Questions that it has to pass, with their answers.
        model: Name or folder; empty where activations were made elsewhere.
        revision: Of the model; None where it has none.
        site: Of the neurons; None in files of earlier versions, whose site is `hidden`.
        task: Kind of task.
        metric: `accuracy`, or `r2` where labels are values.
        protocol: `sound`, or `published` if the study's choices were computed too.
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
        pipeline: Without some layers, then without correlated neurons, then without those that the task does not need.
        published: The published study's choices; None where they were not asked for.
        notes: What a user has to know of data and model; None in files of earlier versions.
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
    # Reasons are in the order in which a study finds that nothing can be claimed.
    layer_selector: Annotated[Mapping[str, int] | NotMeasured, ReasonIfMissing(after="minimal_sets_reason")]
    cka: Annotated[tuple[tuple[float, ...], ...] | NotMeasured, ReasonIfMissing(after="clusters")]
    general_rows: int
    clusters: tuple[ClusterCut, ...]
    curves: tuple[CurvePoint | RandomPoint, ...]
    minimal_sets: Annotated[tuple[SmallestSet, ...] | NotMeasured, ReasonIfMissing(after="pipeline")]
    agreement: Annotated[RankingAgreement | NotMeasured, ReasonIfMissing(after="stability")] = EARLIER
    stability: Annotated[RankingStability | NotMeasured, ReasonIfMissing(after="agreement_reason")] = EARLIER
    pareto: Annotated[tuple[ParetoPoint, ...] | NotMeasured, ReasonIfMissing(after="pipeline_reason")]
    seeds: Mapping[str, int]
    pipeline: Annotated[PipelineResult | NotMeasured, ReasonIfMissing(after="layer_selector_reason")]
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

    def __str__(self) -> str:
        """The headline, and each question of the trust box with its answer."""
        return "\n".join([self.headline, *(f"  {entry.answer.value}: {entry.question}" for entry in self.trust)])

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

    def to_frame(self, name: str = "minimal_sets") -> pl.DataFrame:
        """A part of the result as a table, a column a figure; empty where it was not measured.

        Args:
            name: "minimal_sets" (one row a set), "neurons" (of the first set, with their weights), "curves", "layers",
                "clusters", "pareto", "classes", "path" (of the oracle) or "trust".

        Raises:
            ConfigError: Another name.
        """
        if name not in _FRAMES:
            raise unknown_name("table", name, _FRAMES)
        return _FRAMES[name](self)

    def plot(self, key: str) -> Any:
        """A figure of the report: "curve", "layers", "cka", "clusters", "set", "classes" or "pareto".

        Raises:
            ConfigError: Another name.
            DataError: The result has no values for it (gives its reason).
        """
        from neurosieve.report.plots import plot_redundancy  # what draws is loaded where something is drawn

        return plot_redundancy(self, key)

    def to_html(self, folder: str = "RUN") -> str:
        """The report as one self-contained page; `folder` is named in the commands that rebuild it."""
        from neurosieve.report import render_page

        return render_page(self, folder)

    def _repr_html_(self) -> str:
        from neurosieve.report.tables import notebook_html

        return notebook_html(self)


_FRAMES: dict[str, Callable[[RedundancyResult], pl.DataFrame]] = {
    "minimal_sets": lambda r: set_frame(r.sets),
    "neurons": lambda r: weight_frame(r.sets[0] if r.sets else None, r.labels),
    "curves": lambda r: frame_of(r.curves),
    "layers": lambda r: layer_frame(r.layerwise),
    "clusters": lambda r: frame_of(r.clusters),
    "pareto": lambda r: frame_of(() if isinstance(r.pareto, NotMeasured) else r.pareto),
    "classes": lambda r: class_frame(r.oracle.per_class),
    "path": lambda r: frame_of(r.oracle.path),
    "trust": lambda r: frame_of(r.trust),
}
FRAMES = tuple(_FRAMES)
