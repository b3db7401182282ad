"""Where results come from: model, versions, seeds, hashes and times, in the same form for all kinds of results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neurosieve.report.tables import Table, make_table
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.interventions import InterventionResult
from neurosieve.results.redundancy import RedundancyResult


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Of which model and task a result is, and how it was made.

    Attributes:
        model: Empty where the activations were made elsewhere.
        site: None where it is not known.
        task: None where it is that of another result.
        versions: Of packages.
        seeds: And numbers of draws.
        options: It was made with.
        data_hashes: Of each file of the data.
        seconds: Of each part.
        peak_rss_mb: Memory at its peak; None where it is not known.
    """

    model: str
    site: str | None
    task: str | None = None
    versions: Mapping[str, str]
    seeds: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    data_hashes: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_rss_mb: float | None = None


def origin_of(result: RedundancyResult | ConceptResult | InterventionResult) -> Origin:
    """Where a result comes from."""
    if isinstance(result, InterventionResult):
        return Origin(model=result.model, site=result.site, options=result.options, versions=result.versions)
    return Origin(
        model=result.model,
        site=result.site,
        task=result.task,
        versions=result.versions,
        seeds=result.seeds if isinstance(result, RedundancyResult) else {},
        options=result.options if isinstance(result, ConceptResult) else {},
        data_hashes=result.data_hashes,
        seconds=result.seconds,
        peak_rss_mb=result.peak_rss_mb,
    )


def origin_table(*origins: Origin) -> Table:
    """Versions, seeds, hashes, times: what a rerun needs. What two parts have in common is given once."""
    rows: dict[tuple[str, str], None] = {}
    for kind, parts in (
        ("version", [origin.versions for origin in origins]),
        ("seed or draws", [origin.seeds for origin in origins]),
        ("option", [origin.options for origin in origins]),
        ("sha256", [origin.data_hashes for origin in origins]),
    ):
        rows |= {(kind, f"{key} {value}"): None for part in parts for key, value in part.items()}
    rows |= {("seconds", f"{k} {v:.0f}"): None for origin in origins for k, v in origin.seconds.items()}
    peaks = [origin.peak_rss_mb for origin in origins if origin.peak_rss_mb is not None]
    if peaks:
        rows["memory", f"{max(peaks) / 1024:.1f} GiB at the peak"] = None
    return make_table("Where it comes from", ("", ""), list(rows))
