"""Latent concepts: clusters of the tokens of a layer compared with the properties of code."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated

import polars as pl

from neurosieve.results.marks import Inline, Omitted
from neurosieve.results.measured import Interval


@dataclass(frozen=True, kw_only=True)
class AlignmentRule:
    """When a cluster counts as a property value.

    Attributes:
        share: Of its rows that have the value, on train and on held-out rows.
        rows: Train rows that it has at least.
        held_out: Held-out rows that it has at least.
        types: Distinct words that it has at least, or it counts as a word; so does one with `share` of its rows the
            same word.
    """

    share: float = 0.9
    rows: int = 10
    held_out: int = 5
    types: int = 2


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A cluster that is a property value on train and on held-out rows.

    Attributes:
        cluster: Its number.
        property_name: Of the property.
        value: That its rows have.
        rows: Train rows.
        share: Of them that have the value.
        held_out_rows: Held-out rows.
        held_out_share: Of them that have the value.
        types: Distinct words of its train rows.
        word: The most frequent.
        identity: It is a word (`AlignmentRule.types`): the value says no more of it than the word does.
    """

    cluster: int
    property_name: str
    value: str
    rows: int
    share: float
    held_out_rows: int
    held_out_share: float
    types: int
    word: str
    identity: bool


@dataclass(frozen=True, kw_only=True)
class AlignedShare:
    """How many clusters a property explains.

    Attributes:
        property_name: Of the property.
        clusters: Clusters large enough, without those that are a word.
        found: Of these, aligned on train rows.
        aligned: Of these, aligned on held-out rows as well.
        chance: Share of `clusters` expected in `aligned` if rows of train, and of held-out, swapped their values.
        chance_words: The same if words swapped the values that most of their rows have; 0 without draws.
        coverage: Share of all train rows in `aligned`.
        identity: Aligned clusters that are a word.
    """

    property_name: str
    clusters: int
    found: int
    aligned: int
    chance: float
    chance_words: float
    coverage: float
    identity: int

    @property
    def share(self) -> float:
        """Of `clusters` that are aligned on held-out rows as well."""
        return self.aligned / self.clusters if self.clusters else 0.0

    @property
    def by_chance(self) -> float:
        """The larger of both chances."""
        return max(self.chance, self.chance_words)


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """A cluster that is no property value.

    Attributes:
        cluster: Its number.
        rows: Train rows.
        types: Distinct words of them.
        words: The most frequent words, with their rows.
        contexts: Some rows in their lines: the text before, the word, and the text after.
    """

    cluster: int
    rows: int
    types: int
    words: tuple[tuple[str, int], ...]
    contexts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """The clusters of one layer compared with the properties of code.

    Attributes:
        layer: Where the vectors are from.
        k: Number of clusters.
        rule: When a cluster counts as aligned.
        aligned: Clusters with the values they are; a cluster may be a value of several properties.
        properties: How many clusters each property explains.
        unlabelled: Clusters with train rows that match no property value, or are too small; most rows first.
    """

    layer: int
    k: int
    rule: AlignmentRule
    aligned: tuple[Aligned, ...]
    properties: tuple[AlignedShare, ...]
    unlabelled: tuple[Unlabelled, ...]

    def to_frame(self) -> pl.DataFrame:
        """One row a property: clusters, found, aligned, chance, chance_words, coverage, identity."""
        names = [field.name for field in fields(AlignedShare)]
        rows = [[getattr(p, name) for name in names] for p in self.properties]
        return pl.DataFrame(rows, schema=names, orient="row")

    def _repr_html_(self) -> str:
        title = f"{self.k} clusters of layer {self.layer}, {len(self.unlabelled)} of them no property"
        return f"<p>{title}</p>{self.to_frame()._repr_html_()}"


@dataclass(frozen=True, kw_only=True)
class PublishedAgreement:
    """How far clusters, each named by a published label on train, agree with the labels of held-out tokens.

    Attributes:
        named: Clusters that have a name.
        tokens: Held-out tokens with a label, in a cluster with a name.
        left_out: The others.
        observed: Share of `tokens` whose label is their cluster's name; None without a token.
        expected: What chance gives, by how often names and labels occur.
        kappa: Cohen's; None if it is not defined.
        interval: Of kappa, 95 %, by files; None if there is none.
        reason: Why one is None.
    """

    named: int
    tokens: int
    left_out: int
    observed: float | None
    expected: float | None
    kappa: float | None
    interval: Interval | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class LatentClusters:
    """The clusters of one layer at one number of them, as in a run's result.

    Attributes:
        alignment: Compared with the properties; of the unlabelled clusters the largest alone.
        moved: Share of the sampled rows that are nearer to another cluster's centroid than to their own.
        rows: Of train and test.
        unlabelled_clusters: How many there are.
        files: Sheets to annotate, by their layout.
        files_reason: Why one is missing; None if none is.
        published: Agreement with published labels, where such were given.
    """

    alignment: Annotated[Alignment, Inline()]
    moved: float
    rows: Mapping[str, int]
    unlabelled_clusters: int
    files: Mapping[str, str]
    files_reason: str | None
    published: Annotated[PublishedAgreement | None, Omitted] = None
