"""The probes that a finished run holds, as ways to make its model smaller: what each costs and loses on validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from neurosieve.activations.store import ActivationStore
from neurosieve.compact.cut_network import blocks_needed
from neurosieve.compact.linear_head import Head
from neurosieve.errors import ConfigError, RunFolderError
from neurosieve.models import CodeModel, inspect_model
from neurosieve.models.adapters import block_modules
from neurosieve.probes import ClusterBootstrap, Probe
from neurosieve.probes.archive import load_outcome
from neurosieve.probes.features import Scaler, feature_rows
from neurosieve.probes.intervals import loss_bound, score_interval
from neurosieve.redundancy.layers import LayerCurves
from neurosieve.redundancy.minimal_set import Select
from neurosieve.redundancy.pipeline import Pipeline
from neurosieve.report.numbers import ACCURACY, R2
from neurosieve.results.export import Form, FrontierPoint
from neurosieve.storage.folder import Folder
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.redundancy.selection import Selection
from neurosieve.studies.run_folder import STORE, config_of
from neurosieve.typing import NeuronId, PathLike, Scores


@dataclass(frozen=True)
class RunProbes:
    """What is read of a run: its options, its store and its probes."""

    config: StudyConfig
    store: ActivationStore
    selection: Selection
    layers: LayerCurves
    pipeline: Pipeline

    @staticmethod
    def of(run: PathLike) -> "RunProbes":
        """Of a run folder.

        Raises:
            RunFolderError: No run folder, no probes in it, or activations that were made elsewhere.
        """
        config, files = config_of(run), Folder(run)
        if config.activations is not None:
            raise RunFolderError(
                f"run folder {run}",
                expected="a study of a model",
                got="one of activations that were made elsewhere",
                remedy="run the study with --model and --data",
            )
        stages = ("selection", "layers", "pipeline")
        if lacking := [name for name in stages if not files.exists(f"{name}.json")]:
            raise RunFolderError(
                f"run folder {run}",
                expected="the probes of a finished study",
                got=f"no {lacking[0]}.json",
                remedy=f"run `neurosieve redundancy {run}` first",
            )
        return RunProbes(
            config,
            ActivationStore(f"{run}/{STORE}"),
            load_outcome(files, "selection", Selection),
            load_outcome(files, "layers", LayerCurves),
            load_outcome(files, "pipeline", Pipeline),
        )

    @property
    def sources(self) -> Iterator[tuple[str, Probe]]:
        """Each probe with its name, those of equal neurons once."""
        for k, probe in enumerate(self.layers.independent):
            yield f"layer {k}", probe
        for k, probe in enumerate(self.layers.incremental):
            if k:
                yield f"layers 0 to {k}", probe
        metric = ACCURACY if self.selection.scaler.target is None else R2
        for found in self.selection.sets:
            yield f"smallest set, {found.ranking} ({metric.allowed(found.delta)}, {found.select})", found.probe
        if (best := self.pipeline.best) and best.probe:
            yield "pipeline", best.probe


@dataclass(frozen=True, eq=False)
class Inside:
    """A network from whose blocks units and heads were taken, and the head that was fitted to it again.

    Attributes:
        model: Of form full the blocks that are kept, of form standard all of them.
        head: On the way's neurons; of form standard the network's own is fitted when it is built.
    """

    model: CodeModel
    head: Head


@dataclass(frozen=True, eq=False)
class Way:
    """A probe as a compact model.

    Attributes:
        point: Its place on the frontier.
        probe: Without neurons that it gives no weight.
        neurons: That it reads.
        inside: The network where units or heads were taken out; None where none were.
        first: Of a cascade the cheap way that every unit is asked of first.
        margin: Units whose two best logits by that are closer are passed on.
    """

    point: FrontierPoint
    probe: Probe
    neurons: tuple[NeuronId, ...]
    inside: Inside | None = None
    first: "Way | None" = None
    margin: float = 0.0


def sparse(probe: Probe) -> Probe:
    """The probe on the neurons that have a weight; on its first one where none has."""
    kept = np.flatnonzero(probe.mass.sum(1).numpy() > 0)
    kept = kept if len(kept) else np.arange(min(1, len(probe.feature)))
    rows = torch.from_numpy(feature_rows(kept, probe.copies))
    return replace(probe, feature=probe.feature[kept], weights=probe.weights[rows])


def head_of(probe: Probe, scaler: Scaler) -> Head:
    """The probe's head on raw values."""
    rows = torch.from_numpy(feature_rows(probe.feature, scaler.copies))
    mean, scale = scaler.mean[rows].double(), scaler.scale[rows].double()
    weight = probe.weights.double() / scale[:, None]
    bias = probe.intercept.double() - mean @ weight
    return Head(weight.numpy(), bias.numpy())


@dataclass(frozen=True)
class Costs:
    """What a token costs: multiplications of each block, and of a head."""

    blocks: tuple[int, ...]

    @staticmethod
    def of(config: StudyConfig) -> "Costs":
        """Of a study's model, whose weights are not read."""
        info = inspect_model(
            config.model, trust_remote_code=config.trust_remote_code, max_tokens=config.max_tokens, stack=config.stack
        )
        stack = info.adapter.stack(info.blank)
        modules = block_modules(stack, info.adapter, info.adapter.blocks(info.config), info.name)
        return Costs(tuple(sum(p.numel() for p in module.parameters()) for module in modules))

    def cost(self, form: Form, blocks: int, head: int) -> float:
        """Multiplications a token."""
        return float(head + (0 if form == "table" else sum(self.blocks[:blocks])))


def ways(run: RunProbes, costs: Costs, delta: float, rule: Select) -> list[Way]:
    """All ways that the run's probes tell, cheapest first; layer 0 also as a table."""
    config, scaler = run.config, run.selection.scaler
    opened = run.store.read("validation")
    x, label = scaler.apply(opened.values), scaler.labels(opened.label)
    reference = run.selection.oracle.probe.row_scores(x, label)
    bootstrap = ClusterBootstrap(opened.group, draws=config.bootstrap, seed=config.seed)
    found = []
    for source, full in run.sources:
        probe = sparse(full)
        if not len(probe.feature):
            continue
        neurons = tuple(NeuronId(*pair) for pair in scaler.neurons[probe.feature].tolist())
        scores, blocks = probe.row_scores(x, label), blocks_needed(neurons, config.site)
        bound = loss_within(reference, scores, bootstrap, rule)
        for form in _forms(source, neurons, run):
            point = FrontierPoint(
                form=form,
                source=source,
                blocks=0 if form == "table" else blocks,
                neurons=len(neurons),
                cost=costs.cost(form, blocks, len(probe.intercept) if form == "table" else probe.weights.numel()),
                validation=float(scores.mean()),
                bound=bound,
                within=bound is not None and bound <= delta + 1e-12,
                interval=score_interval(scores, bootstrap),
            )
            found.append(Way(point, probe, neurons))
    return sorted(found, key=lambda way: cheapest_first(way.point))


def cheapest_first(point: FrontierPoint) -> tuple[float, int, float, float]:
    """Heads are small compared with blocks: among equal blocks a folder that transformers loads goes first."""
    return point.mean_blocks, ("table", "standard", "full").index(point.form), point.cost, -point.validation


def _forms(source: str, neurons: tuple[NeuronId, ...], run: RunProbes) -> Iterator[Form]:
    """Forms that can hold a probe, as far as is known before they are built.

    A table holds embeddings where a unit is one text; a transformers folder the last layer that is kept, whose head
    reads classes.
    """
    if run.config.site == "hidden" and run.store.manifest.sides == 1:
        if run.config.pair_input == "separate" and all(n.layer == 0 for n in neurons):
            yield "table"
        if source.startswith("layer ") and neurons[0].layer and run.selection.scaler.target is None:
            yield "standard"
    yield "full"


def loss_within(reference: Scores, scores: Scores, bootstrap: ClusterBootstrap, rule: Select) -> float | None:
    """What the rule holds against delta: the loss, or its upper bound; None where there is no bound."""
    if rule == "point":
        return float(reference.mean() - scores.mean())
    return loss_bound(reference, scores, bootstrap)


def no_way(fitting: Sequence[FrontierPoint], form: str, delta: float, run: PathLike) -> ConfigError:
    """The error where no way of a form is within delta; says which is nearest."""
    bounded = [point for point in fitting if point.bound is not None]
    if not bounded:
        got = f"none of form {form}" if not fitting else "validation rows of one cluster, which bound no loss"
        remedy = "pass --form full" if not fitting else "run the study with --select point"
        return ConfigError(f"form {form} of {run}", expected="a set that it can hold", got=got, remedy=remedy)
    nearest = min(bounded, key=lambda point: point.bound or 0.0)
    bound = nearest.bound or 0.0
    return ConfigError(
        f"--delta {delta:g}",
        expected="a loss that some set of the run stays within on validation",
        got=f"none; the nearest, {nearest.name} as {nearest.form}, may lose {bound:.4f}",
        remedy=f"pass --delta {np.ceil(bound * 1e4) / 1e4:g}, or another --form",
    )
