"""The stages of a study: each chosen on train and validation, saved whole, and read back where it was saved."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Bool

from neurosieve.activations.extraction import read_activations
from neurosieve.activations.store import ActivationStore, StorePart
from neurosieve.models import CodeModel, resolve_device
from neurosieve.parts import map_parts, reduce_parts
from neurosieve.probes import ClusterBootstrap, Oracle, SelectionData, selection_data
from neurosieve.rankings import MODEL_RANKINGS, RANKERS, GradientModel, Ranking, Stability, stability
from neurosieve.redundancy import SetSearch
from neurosieve.redundancy.cluster_probes import GeneralRedundancy, fit_clusters
from neurosieve.redundancy.control_probes import Controls, fit_controls
from neurosieve.redundancy.layers import LayerCurves, fit_layers
from neurosieve.redundancy.minimal_set import smallest_size
from neurosieve.redundancy.pipeline import Pipeline, run_pipeline
from neurosieve.redundancy.published import SoundResult, TestRows, published_protocol
from neurosieve.redundancy.untrained_copies import Untrained, read_untrained
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_rankings import CausalAgreement, Published
from neurosieve.statistics import CorrelationTree, MomentAccumulator, Moments, cka
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import StudyData, model_of, options_of, ranking_model_of
from neurosieve.studies.redundancy.causal_effects import causal_agreement
from neurosieve.studies.redundancy.opened import OpenedTest
from neurosieve.studies.redundancy.selection import SELECTION, Selection, select
from neurosieve.studies.redundancy.summary import Findings
from neurosieve.studies.run_folder import RunFolder
from neurosieve.studies.steps import Steps
from neurosieve.typing import CopyPrecision


@dataclass
class RedundancyStudy:
    """What the stages share; train and validation are read when the first stage needs them.

    Attributes:
        config: The study's options.
        store: Its activations, of which the test split cannot be read here.
        folder: The run folder.
        data: None where the activations were made elsewhere.
    """

    config: StudyConfig
    store: ActivationStore
    folder: RunFolder
    data: StudyData | None = None

    def __post_init__(self) -> None:
        self.store = self.store.only("train", "validation")

    @cached_property
    def selection(self) -> SelectionData:
        """Train and validation, standardised."""
        device = resolve_device(self.config.device)
        return selection_data(self.store.read("train"), self.store.read("validation"), device)

    @cached_property
    def bootstrap(self) -> ClusterBootstrap:
        """Over validation clusters."""
        return ClusterBootstrap(self.selection.group_validation, draws=self.config.bootstrap, seed=self.config.seed)

    @cached_property
    def ranked(self) -> SelectionData:
        """The same, with the gradients of the model's own loss where a ranking asks for them."""
        if not set(self.config.rankings) & set(MODEL_RANKINGS):
            return self.selection
        assert self.data is not None  # noqa: S101 - see `StudyConfig`
        model = ranking_model_of(self.config)
        options = options_of(self.config, model.adapter.kind)
        dataset, sample = self.data.dataset, self.data.sample
        return self.selection.with_gradients(
            read_activations(GradientModel.of(model), dataset, sample, "train", options)
        )

    @property
    def steps(self) -> Steps:
        """The stages."""
        return Steps(self.folder)


def choose(work: RedundancyStudy) -> Findings:
    """Everything that is chosen on train and validation, stage by stage."""
    config = work.config
    selection = work.steps.once(SELECTION, Selection, lambda: select(work.ranked, config))
    oracle, layers_of_model = selection.oracle, work.store.manifest.layers
    layers = work.steps.once("layers", LayerCurves, lambda: fit_layers(work.selection, oracle, layers_of_model))
    general = work.steps.once("clusters", GeneralRedundancy, lambda: general_stage(work, selection))
    pipeline = work.steps.once(
        "pipeline",
        Pipeline,
        lambda: run_pipeline(
            work.selection,
            oracle,
            layers,
            general.clusters,
            config.pipeline_pairs,
            config.pipeline_thresholds,
            work.bootstrap,
            config.select[0],
        ),
    )
    controls = work.steps.once(
        "controls",
        Controls,
        lambda: fit_controls(
            work.selection,
            oracle,
            selection.sets[0].probe if selection.sets else None,
            draws=0 if config.whole else config.control_draws,  # a whole example is a type of its own
            splits=0 if config.whole else config.disjoint_splits,
            path=config.lambdas,
            seed=config.seed,
        ),
    )
    stable, causal = stability_stage(work, oracle), causal_stage(work, selection)
    return Findings(selection, layers, general, pipeline, controls, untrained_stage(work), stable, causal)


def causal_stage(work: RedundancyStudy, selection: Selection) -> CausalAgreement | None:
    """How far rankings agree with effects of edits; None where no ranking reads the running model, and of pairs.

    A neuron of a pair has two features, whose means are no values of the neuron.
    """
    config, data = work.config, work.data
    if data is None or selection.scaler.copies > 1 or not set(config.rankings) & set(MODEL_RANKINGS):
        return None
    make = partial(causal_agreement, ranking_model_of, config, data, selection)
    return work.steps.once("causal", CausalAgreement, make)


def stability_stage(work: RedundancyStudy, oracle: Oracle) -> Stability | NotMeasured:
    """The study's rankings under other seeds and on halves of the train rows; the reason where there are none."""
    config = work.config
    if not config.stability:
        return NotMeasured.because(Reason.LEFT_OUT, "stability: 0")
    group = work.store.units("train")["group"].to_numpy()
    if len(np.unique(group)) < 2:
        return NotMeasured.because(Reason.ONE_TRAIN_CLUSTER)
    rankers = {name: RANKERS[name] for name in config.rankings}
    return work.steps.once(
        "stability",
        Stability,
        lambda: stability(
            rankers,
            work.ranked,
            oracle,
            group,
            draws=config.stability,
            seed=config.seed,
            smallest=_smallest_of(work),
        ),
    )


def _smallest_of(work: RedundancyStudy) -> Callable[[SelectionData, Oracle, Ranking], int] | None:
    """How the headline's set is sought; None where no set can be, with one cluster of validation rows."""
    delta, rule, bootstrap = work.config.deltas[0], work.config.select[0], work.bootstrap
    if rule == "safe" and bootstrap.clusters < 2:
        return None

    def smallest(data: SelectionData, oracle: Oracle, ranking: Ranking) -> int:
        return smallest_size(SetSearch(data, oracle, ranking, bootstrap), delta, rule)

    return smallest


def general_stage(work: RedundancyStudy, selection: Selection) -> GeneralRedundancy:
    """Correlations and CKA in one pass over train rows, then a probe on each cut."""
    moments = train_moments(work.store, balanced=work.config.general_rows == "balanced", seed=work.config.seed)
    tree = CorrelationTree(moments)
    cuts = [tree.cut(t) for t in work.config.cuts]
    similarity = cka(moments) if moments.count >= 4 else None
    return GeneralRedundancy(similarity, moments.count, fit_clusters(work.selection, selection.oracle, cuts))


def train_moments(store: ActivationStore, *, balanced: bool, seed: int) -> Moments:
    """Moments of train rows, shard by shard; balanced takes as many rows of each class, drawn by seed."""
    label = store.table("train")["label_id"].to_numpy()
    keep = np.ones(len(label), dtype=bool)
    if balanced:
        rng = np.random.default_rng(seed)
        least = np.bincount(label)[np.unique(label)].min()
        chosen = [rng.choice(np.flatnonzero(label == c), least, replace=False) for c in np.unique(label)]
        keep = np.isin(np.arange(len(label)), np.concatenate(chosen))
    return reduce_parts(partial(_PartMoments, store, keep), store.parts("train"), MomentAccumulator.merge).result()


@dataclass(frozen=True)
class _PartMoments:
    """Moments of the rows of a part that are kept."""

    store: ActivationStore
    keep: Bool[np.ndarray, " rows"]

    def __call__(self, part: StorePart) -> MomentAccumulator:
        moments, begin = MomentAccumulator(self.store.grid.neurons()), part.begin
        for values, table in self.store.batches("train", part=part):
            moments.update(values[self.keep[begin : begin + table.num_rows]])
            begin += table.num_rows
        return moments


def published_stage(
    work: RedundancyStudy, findings: Findings, result: RedundancyResult, opened: OpenedTest
) -> Published | NotMeasured:
    """The study's choices compared with the sound ones; not measured if the sound result has no set."""
    if isinstance(result.minimal_sets, NotMeasured):
        return result.minimal_sets
    data, selection = work.selection, findings.selection
    test = TestRows(opened.x.to(data.x.device), opened.label, opened.text)
    first = result.minimal_sets[0]
    sound = SoundResult(
        oracle=result.oracle.test.value,
        size=first.size,
        test=first.test.value,
        delta=first.delta,
        seed=work.config.seed,
    )
    return published_protocol(
        data, test, selection.oracle, selection.rankings[0], list(findings.controls.control.values()), sound
    )


def untrained_stage(work: RedundancyStudy) -> tuple[Untrained, ...] | NotMeasured:
    """Untrained copies, one file a seed; none where no model is at hand, with the reason."""
    config, data = work.config, work.data
    if data is None:
        return NotMeasured.because(Reason.NO_MODEL)
    if not config.untrained_seeds:
        return NotMeasured.because(Reason.LEFT_OUT, "untrained_seeds: 0")
    for rows in ("selection", "ranked"):
        work.__dict__.pop(rows, None)  # room for the copies' rows
    seeds = range(config.seed, config.seed + config.untrained_seeds)
    if config.untrained_precision != "auto":
        return _copies(work, data, seeds, config.untrained_precision)
    first = _copies(work, data, seeds[:1], "auto")
    return first + _copies(work, data, seeds[1:], first[0].precision or "model")  # what the first one has shown


def _copies(
    work: RedundancyStudy, data: StudyData, seeds: Iterable[int], precision: CopyPrecision
) -> tuple[Untrained, ...]:
    names = {seed: f"untrained-{seed}" for seed in seeds}
    saved = {seed: work.steps.read(name, Untrained, {"seed": seed}) for seed, name in names.items()}
    reader = partial(_CopyReader, work.config, data, precision)
    made = map_parts(reader, [seed for seed, copy in saved.items() if copy is None])
    return tuple(
        copy or work.steps.make(names[seed], partial(next, made), timed="untrained") for seed, copy in saved.items()
    )


@dataclass
class _CopyReader:
    """Reads the study's rows with untrained copies of its model, which is loaded once."""

    config: StudyConfig
    data: StudyData
    precision: CopyPrecision

    @cached_property
    def model(self) -> CodeModel:
        """The trained one."""
        return model_of(self.config)

    def __call__(self, seed: int) -> Untrained:
        config, data = self.config, self.data
        return read_untrained(
            self.model,
            data.dataset,
            data.sample,
            options_of(config, self.model.adapter.kind),
            seed=seed,
            path=config.lambdas,
            precision=self.precision,
        )
