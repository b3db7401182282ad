"""The summary: the one place where the test split is opened. Keys as METHOD.md, "summary.json"."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import polars as pl
from markupsafe import Markup

from neurosieve.activations.store import ActivationStore
from neurosieve.errors import DataError, unknown_name
from neurosieve.probes.features import Scaler
from neurosieve.rankings import Stability
from neurosieve.redundancy.cluster_probes import GeneralRedundancy
from neurosieve.redundancy.control_probes import Controls
from neurosieve.redundancy.layers import LayerCurves
from neurosieve.redundancy.pipeline import Pipeline
from neurosieve.redundancy.untrained_copies import Untrained
from neurosieve.report import CHARTS, render_page
from neurosieve.report.drawing import plain
from neurosieve.report.figures import missing_reason
from neurosieve.report.numbers import metric_of
from neurosieve.report.tables import score_table, set_table, trust_table
from neurosieve.storage.records import FORMAT
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.redundancy.opened import open_test
from neurosieve.studies.redundancy.ranking_agreement import agreement_parts
from neurosieve.studies.redundancy.sections import (
    baselines_part,
    control_part,
    curve_part,
    disjoint_part,
    general_parts,
    layer_parts,
    mistakes_part,
    natural_part,
    oracle_part,
    pareto_part,
)
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.studies.redundancy.set_sections import pipeline_part, set_parts
from neurosieve.studies.redundancy.trust import ONE_CLUSTER, headline, trust_box

__all__ = ["Findings", "Summary", "headline", "summarise"]


@dataclass(frozen=True, repr=False)
class Summary:
    """A study's outcome; `record` is the content of `summary.json`."""

    record: dict[str, Any]

    def __repr__(self) -> str:
        return f"Summary({self.headline!r})"

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        return str(self.record["headline"])

    def to_frame(self) -> pl.DataFrame:
        """One row a smallest set; empty where none can be claimed."""
        rows = self.record["minimal_sets"] or []
        return pl.DataFrame(
            [
                {
                    "ranking": s["ranking"],
                    "delta": s["delta"],
                    "select": s["select"],
                    "size": s["size"],
                    "test": s["test"],
                    "loss": s["test_loss"]["value"],
                    "loss_low": (s["test_loss"]["interval"] or (None, None))[0],
                    "loss_high": (s["test_loss"]["interval"] or (None, None))[1],
                    "within": s.get("within"),  # an older record has none
                    "random_size": s["random_size"]["median"],
                }
                for s in rows
            ]
        )

    def plot(self, key: str) -> go.Figure:
        """A figure of the report: "curve", "layers", "cka", "clusters", "set", "classes" or "pareto".

        Raises:
            ConfigError: Another name.
            DataError: The record has no values for it (gives its reason).
        """
        if key not in CHARTS:
            raise unknown_name("figure", key, CHARTS)
        if (reason := missing_reason(self.record, key)) is not None:
            raise DataError(f"figure {key}", expected="values to draw", got="none", remedy=f"not measured: {reason}")
        chart = CHARTS[key](self.record)
        return chart.figure.update_layout(title={"text": plain(chart.title), "font": {"size": 14}}, margin={"t": 90})

    def to_html(self, folder: str = "RUN") -> str:
        """The report as one self-contained page; `folder` is named in the commands that rebuild it."""
        return render_page(self.record, folder)

    def _repr_html_(self) -> str:
        parts = (trust_table(self.record), score_table(self.record), set_table(self.record))
        return Markup("<p><b>{}</b></p>").format(self.headline) + Markup("").join(t.to_html() for t in parts)


@dataclass(frozen=True)
class Findings:
    """What the stages chose without the test split."""

    selection: Selection
    layers: LayerCurves
    general: GeneralRedundancy
    pipeline: Pipeline
    controls: Controls
    untrained: tuple[Untrained, ...]
    untrained_reason: str | None
    stability: Stability | str  # or why there is none


def summarise(config: StudyConfig, store: ActivationStore, found: Findings) -> dict[str, Any]:
    """Open the test split and score what was chosen without it.

    Returns:
        The summary without what only the run knows (times, hashes).
    """
    selection, oracle = found.selection, found.selection.oracle.probe
    test = open_test(config, store, selection.scaler)
    record = _studied(config, store, selection.scaler) | {
        "oracle": oracle_part(test, selection),
        "baselines": baselines_part(test, selection, found.layers, found.untrained),
        "unseen": {
            "natural": natural_part(test, oracle, found.untrained),
            "disjoint": disjoint_part(test, found.controls),
        },
        "mistakes": mistakes_part(test, oracle),
        "control": control_part(test, oracle, selection.sets[0].probe if selection.sets else None, found.controls),
        **layer_parts(test, found.layers, oracle, config.layer_deltas),
        **general_parts(test, found.general, len(selection.scaler.dead)),
        "curves": curve_part(test, selection),
        "minimal_sets": set_parts(test, selection),
        **agreement_parts(selection.rankings, found.stability, config),
        "pareto": pareto_part(test, selection, found.layers, found.general, found.pipeline),
        "seeds": {"study": config.seed, "random_draws": config.random_draws, "bootstrap": config.bootstrap},
    }
    record["pipeline"] = pipeline_part(test, selection, found.pipeline, record["neurons"])
    if found.untrained_reason:
        record["baselines"]["untrained_reason"] = found.untrained_reason
    if (reason := _nothing(record)) is not None:
        for key in ("minimal_sets", "layer_selector", "pipeline", "pareto"):
            record |= {key: None, f"{key}_reason": reason}
    elif not record["minimal_sets"]:
        reason = "validation rows are one cluster (file, group), which bounds no loss: use more, or --select point"
        record |= {"minimal_sets": None, "minimal_sets_reason": reason}
    record["trust"] = trust_box(record, test, oracle)
    record["headline"] = headline(record)
    return record


def _nothing(record: dict[str, Any]) -> str | None:
    """Why no set can be claimed, whatever was found: all neurons are not shown to be above the majority."""
    interval, majority = record["oracle"]["interval"], record["baselines"]["majority"]
    if interval is None:
        return ONE_CLUSTER
    if interval[0] <= majority:
        chance = metric_of(record).chance
        return f"the oracle's lower bound {interval[0]:.3f} is not above the {chance}'s {majority:.3f}"
    return None


def _studied(config: StudyConfig, store: ActivationStore, scaler: Scaler) -> dict[str, Any]:
    """What was analysed."""
    manifest = store.manifest
    return {
        "format": FORMAT,
        "headline": "",
        "trust": [],
        "model": config.model,
        "revision": manifest.revision,
        "site": manifest.site,
        "task": config.task,
        "metric": "accuracy" if scaler.target is None else "r2",
        "protocol": config.protocol,
        "layers": manifest.layers,
        "neurons": manifest.layers * manifest.width,
        "dead": len(scaler.dead),
        "labels": manifest.labels,
        "rows": manifest.rows,
        "units": manifest.counts,
        "long_examples": manifest.long_examples,
    }
