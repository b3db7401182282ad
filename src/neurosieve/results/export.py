"""What an export chose and measured: `result` in its `compact.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from neurosieve.results.measured import Difference, Interval, Score

Form = Literal["table", "standard", "full"]


@dataclass(frozen=True, kw_only=True)
class FrontierPoint:
    """One way to make the model smaller, scored on validation rows.

    Attributes:
        form: Of the model.
        source: Which probe of the study.
        blocks: Blocks of the network that it needs.
        neurons: That its head reads.
        cost: Multiplications a token, of blocks and head; embeddings are looked up.
        validation: Score.
        bound: Of the loss against the oracle: its one-sided 95 % bound, or the loss itself, as the study's rule has it;
            None where validation rows are one cluster.
        within: The bound is within delta.
        interval: Of the score, 95 %, by files; None where validation rows are one cluster.
        kept: Share of its blocks' weights that is left where units and heads were removed.
        first: Of a cascade the probe that every unit is asked of first; empty elsewhere.
        first_blocks: Blocks that this one needs.
        passed: Share of windows that are passed on to its blocks, by validation rows; less than 1 in a cascade alone.
        exported: It is the one that was exported.
    """

    form: Form
    source: str
    blocks: int
    neurons: int
    cost: float
    validation: float
    bound: float | None
    within: bool
    interval: Interval | None = None
    kept: float = 1.0
    first: str = ""
    first_blocks: int = 0
    passed: float = 1.0
    exported: bool = False

    @property
    def mean_blocks(self) -> float:
        """Blocks that a token passes, where fewer weights in one count as less of it."""
        return self.first_blocks + self.passed * self.kept * self.blocks

    @property
    def name(self) -> str:
        """Which probe it is, and what was done to make it cheaper: `layer 2`, `layer 0, then 12 % to layer 2`."""
        if self.first:
            return f"{self.first}, then {100 * self.passed:.0f} % to {self.source}"
        return self.source if self.kept == 1 else f"{self.source}, {100 * self.kept:.0f} % of blocks"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a model costs in use, on one CPU with threads fixed.

    Attributes:
        parameters: Numbers in its weights or tables.
        bytes: Of its files, without the tokenizer's.
        peak_mb: Memory of a process that loads it and labels some texts, at its peak; None where it was left out.
        p50_ms: Median time of one text, tokenising included.
        p95_ms: Of 95 in 100 texts, at most so long.
        tokens_per_second: In batches of 32 texts sorted by length, tokenising included.
    """

    parameters: int
    bytes: int
    peak_mb: float | None
    p50_ms: float
    p95_ms: float
    tokens_per_second: float


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """The compact model and the whole one with the same head, measured by turns in one run.

    Attributes:
        compact: The exported model.
        whole: All blocks with the same head; None where the whole model is not known.
        threads: Of each.
        cpu: Its kind.
    """

    compact: Usage
    whole: Usage | None
    threads: int
    cpu: str

    @property
    def times_faster(self) -> float | None:
        """In tokens a second, than the whole model."""
        return None if self.whole is None else self.compact.tokens_per_second / self.whole.tokens_per_second


@dataclass(frozen=True, kw_only=True)
class KeptVocabulary:
    """The part of the vocabulary that has rows of its own.

    Attributes:
        kept: Tokens of it.
        of: All tokens of the tokenizer.
        unseen: Test tokens that are others.
        tokens: Test tokens.
        mean: Others have the mean of the rows kept, since the tokenizer has no unknown token; else that token's row.
    """

    kept: int
    of: int
    unseen: int
    tokens: int
    mean: bool


@dataclass(frozen=True, kw_only=True)
class FitSide:
    """A head that was fitted to new data.

    Attributes:
        features: Values of a unit that it was fitted on.
        seconds: Of reading train and validation rows and fitting.
        test: Score.
    """

    features: int
    seconds: float
    test: Score


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A new head on the compact model, and one on all neurons of the whole model.

    Attributes:
        compact: Of the compact model.
        whole: Of the whole model; None where it is not known.
    """

    compact: FitSide
    whole: FitSide | None


@dataclass(frozen=True, kw_only=True)
class CascadeUse:
    """How often a cascade asks its dear model, on test rows.

    Attributes:
        margin: Units whose two best logits by the cheap model are closer are passed on; chosen on validation.
        units: Share of units that are.
        tokens: Share of tokens that the dear model reads, as a window is read whole for one unit of it.
        cost: Mean multiplications a token, of both models.
    """

    margin: float
    units: float
    tokens: float
    cost: float


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """A compact model: how it was chosen, how good it is, what it costs.

    Attributes:
        form: Of the model.
        source: Which probe of the study it holds, or was refitted from.
        delta: Loss that was allowed on validation rows.
        rule: How the loss is held against it.
        metric: `accuracy`, or `r2` where labels are values.
        frontier: All ways, cheapest first; none where a new head was fitted.
        validation: Score of the exported model on validation rows.
        test: Score of the exported model on test rows.
        oracle: How much better the probe on all neurons is on the same rows; None where a new head was fitted to an
            exported model alone.
        whole: How much better the whole model with the same head is on the same rows; None of a new head.
        other_labels: Share of test rows to which the whole model with the same head gives another label; of values the
            largest difference in standard deviations; None of a new head.
        speeds: Of the compact and the whole model.
        study: The options of the study, by which `neurosieve verify` reads the same rows.
        data_hashes: Of the data's files.
        notes: What a user has to know.
        seconds: Of the export.
        vocabulary: None where all of it is kept.
        fitted: The new head; None where it is the study's.
        cascade: How often the dear model is asked; None where the model is no cascade.
    """

    form: Form
    source: str
    delta: float
    rule: Literal["point", "safe"]
    metric: Literal["accuracy", "r2"]
    frontier: tuple[FrontierPoint, ...]
    validation: float
    test: Score
    oracle: Difference | None
    whole: Difference | None
    other_labels: float | None
    speeds: Speeds
    study: Mapping[str, Any]
    data_hashes: Mapping[str, str]
    notes: tuple[str, ...]
    seconds: float
    vocabulary: KeptVocabulary | None = None
    fitted: Fitted | None = None
    cascade: CascadeUse | None = None

    @property
    def exported(self) -> FrontierPoint:
        """The way that was exported; a model with a new head has none."""
        return next(point for point in self.frontier if point.exported)

    @property
    def name(self) -> str:
        """What the model holds, in words."""
        return self.source if self.fitted else self.exported.name

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        from neurosieve.report.export import sentence  # loaded where it writes

        return sentence(self)

    def to_frame(self) -> pl.DataFrame:
        """The frontier, one row a way."""
        rows = []
        for point in self.frontier:
            low, high = point.interval or (None, None)
            rows.append({**vars(point), "interval": None} | {"low": low, "high": high})
        return pl.DataFrame(rows, infer_schema_length=None).drop("interval")

    def plot(self) -> Any:
        """The frontier, cost against score."""
        from neurosieve.report.plots import plot_frontier

        return plot_frontier(self)

    def __repr__(self) -> str:
        return f"ExportResult({self.headline!r})"

    def __str__(self) -> str:
        from neurosieve.report.export import export_text

        return export_text(self)

    def _repr_html_(self) -> str:
        from neurosieve.report.export import export_html

        return export_html(self)
