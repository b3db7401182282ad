"""The result of a study: what was chosen, scored on the opened test split."""

from dataclasses import dataclass, replace
from typing import Any

from neurosieve.activations.store import Manifest
from neurosieve.probes.features import Scaler
from neurosieve.rankings import Stability
from neurosieve.redundancy.cluster_probes import GeneralRedundancy
from neurosieve.redundancy.control_probes import Controls
from neurosieve.redundancy.layers import LayerCurves
from neurosieve.redundancy.pipeline import Pipeline
from neurosieve.redundancy.untrained_copies import Untrained
from neurosieve.report.numbers import metric_of
from neurosieve.report.trust_text import ONE_CLUSTER, headline_text
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_controls import Unseen
from neurosieve.results.redundancy_rankings import CausalAgreement
from neurosieve.storage.records import FORMAT
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.redundancy.opened import OpenedTest
from neurosieve.studies.redundancy.ranking_agreement import agreement_part, stability_part
from neurosieve.studies.redundancy.sections import (
    baselines_part,
    cka_part,
    cluster_part,
    control_part,
    curve_part,
    disjoint_part,
    layer_part,
    mistakes_part,
    natural_part,
    oracle_part,
    pareto_part,
)
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.studies.redundancy.set_sections import pipeline_part, set_parts
from neurosieve.studies.redundancy.trust import trust_box


@dataclass(frozen=True)
class Findings:
    """What the stages chose without the test split."""

    selection: Selection
    layers: LayerCurves
    general: GeneralRedundancy
    pipeline: Pipeline
    controls: Controls
    untrained: tuple[Untrained, ...] | NotMeasured
    stability: Stability | NotMeasured
    causal: CausalAgreement | None


def summarise(config: StudyConfig, manifest: Manifest, findings: Findings, test: OpenedTest) -> RedundancyResult:
    """Score on test what was chosen without it.

    Returns:
        The result without what only the run knows (notes, times, versions, hashes).
    """
    selection, oracle = findings.selection, findings.selection.oracle.probe
    copies = () if isinstance(findings.untrained, NotMeasured) else findings.untrained
    natural, disjoint = natural_part(test, oracle, copies), disjoint_part(test, findings.controls)
    result = RedundancyResult(
        **_studied(config, manifest, selection.scaler),
        oracle=oracle_part(test, selection),
        baselines=baselines_part(test, selection, findings.layers, findings.untrained),
        unseen=Unseen(natural=natural, disjoint=disjoint),
        mistakes=mistakes_part(test, oracle),
        control=control_part(test, oracle, selection.sets[0].probe if selection.sets else None, findings.controls),
        layerwise=layer_part(test, findings.layers),
        layer_selector={f"{d:g}": findings.layers.selected(oracle, d) for d in config.layer_deltas},
        cka=cka_part(findings.general),
        general_rows=findings.general.rows,
        clusters=cluster_part(test, findings.general, len(selection.scaler.dead)),
        curves=curve_part(test, selection),
        minimal_sets=set_parts(test, selection),
        agreement=agreement_part(selection.rankings, findings.causal),
        stability=stability_part(findings.stability, config),
        pareto=pareto_part(test, selection, findings.layers, findings.general, findings.pipeline),
        pipeline=pipeline_part(test, selection, findings.pipeline, len(manifest.grid)),
    )
    result = _claimed(result)
    result = replace(result, trust=trust_box(result, test.difference(test.row_scores(oracle), test.lookup)))
    return replace(result, headline=headline_text(result))


def _claimed(result: RedundancyResult) -> RedundancyResult:
    """The same without what cannot be claimed."""
    if (reason := _nothing(result)) is not None:
        none = NotMeasured.from_text(reason)
        return replace(result, minimal_sets=none, layer_selector=none, pipeline=none, pareto=none)
    if not result.sets:
        reason = f"{Reason.ONE_VALIDATION_CLUSTER.value}, which bounds no loss: use more, or --select point"
        return replace(result, minimal_sets=NotMeasured.from_text(reason))
    return result


def _nothing(result: RedundancyResult) -> str | None:
    """Why no set can be claimed, whatever was found: all neurons are not shown to be above the majority."""
    interval, majority = result.oracle.test.interval, result.baselines.majority
    if interval is None:
        return ONE_CLUSTER
    if interval[0] <= majority:
        metric = metric_of(result)
        low, most = metric.score(interval[0]), metric.score(majority)
        return f"{Reason.NOT_ABOVE_MAJORITY.value}{low} is not above the {metric.chance}'s {most}"
    return None


def _studied(config: StudyConfig, manifest: Manifest, scaler: Scaler) -> dict[str, Any]:
    """What was analysed, and room for what only the run knows."""
    return {
        "format": FORMAT,
        "headline": "",
        "trust": (),
        "model": config.model,
        "revision": manifest.revision,
        "site": manifest.site,
        "task": config.task,
        "metric": "accuracy" if scaler.target is None else "r2",
        "protocol": config.protocol,
        "layers": manifest.layers,
        "neurons": len(manifest.grid),
        "dead": len(scaler.dead),
        "labels": tuple(manifest.labels),
        "rows": manifest.rows,
        "units": manifest.counts,
        "long_examples": manifest.long_examples,
        "seeds": {"study": config.seed, "random_draws": config.random_draws, "bootstrap": config.bootstrap},
        "notes": (),
        "seconds": {},
        "peak_rss_mb": 0.0,
        "versions": {},
        "data_hashes": {},
    }
