"""A run's concept changed in the live model: chosen on validation, measured on held-out code with random edits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from neurosieve.activations.windows import ReadingPlan, Window
from neurosieve.concepts.properties import Target
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import ConfigError, DataError, RunFolderError
from neurosieve.interventions.editors import Change, Editor, NeuronEditor, TrainConcept, editor
from neurosieve.interventions.edits import Edit, Erase
from neurosieve.interventions.effects.erasure import measure_erasure
from neurosieve.interventions.effects.on_predictions import EffectFitter, mean_loss, turned
from neurosieve.interventions.effects.shown_predictions import prediction_examples
from neurosieve.interventions.live_model import shared_below
from neurosieve.interventions.predictions import HALF, EditedUnits, Predictions, predict_units, token_shares
from neurosieve.models import CodeModel, LanguageModel
from neurosieve.parts import in_process, map_parts
from neurosieve.progress import track
from neurosieve.results.codec import from_json
from neurosieve.results.interventions import (
    FORMAT,
    Erasure,
    InterventionResult,
    Mass,
    Matching,
    PredictionEffects,
    Probability,
    TaskEffect,
)
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import read_object, read_result
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.studies.concepts.peoples_answers import to_delete
from neurosieve.studies.concepts.run import OPTIONS, ConceptWork
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.finished import read_concepts_of, write_report
from neurosieve.studies.inputs import language_model_of, model_of, read_data, read_dataset
from neurosieve.studies.interventions.edited_task import NO_PROBE, head_effect, probe_effect
from neurosieve.studies.interventions.of_texts_refused import refuse_of_texts
from neurosieve.studies.option_models import InterventionOptions, changed_options
from neurosieve.studies.redundancy.selection import is_studied
from neurosieve.studies.run_folder import CONCEPTS, INTERVENTIONS, RunFolder, config_of, versions
from neurosieve.studies.steps import Steps
from neurosieve.typing import PathLike, Split

LEFT_OUT = NotMeasured.because(Reason.LEFT_OUT, "--no-predictions")

# Options of concepts that no edit sees.
_NO_PART = {"rewrites", "evidence", "groups", "clusters", "latent_layers", "text_properties", "texts"}


@dataclass
class Measuring:
    """The live model and the held-out units that its predictions are measured on."""

    work: ConceptWork
    options: InterventionOptions
    model: CodeModel
    store: ConceptStore
    plan: ReadingPlan
    target: Target

    @property
    def config(self) -> StudyConfig:
        """Of the run."""
        return self.work.config

    @property
    def value(self) -> int:
        """Its number."""
        return self.store.table.values[self.target.property_name].index(self.target.value)

    @property
    def head(self) -> LanguageModel:
        """The model with its head, which is there where predictions are measured."""
        assert isinstance(self.model, LanguageModel)  # noqa: S101 - see `open_run`
        return self.model

    @property
    def positive(self) -> Bool[np.ndarray, " units"]:
        """Units whose truth has the value, by the number of their row."""
        return self.target.positive

    @cached_property
    def shares(self) -> Float[np.ndarray, " vocabulary"]:
        """How often each token has the value, by train."""
        size = max(int(self.head.whole.get_input_embeddings().weight.shape[0]), len(self.model.tokenizer))  # type: ignore[operator]
        return token_shares(self.plan.windows["train"], self.positive, size)

    def windows(self, split: Split) -> tuple[Window, ...]:
        """Windows drawn by seed up to the tokens asked for, those that hold the value first; sorted by length.

        Short texts hold few units: then others follow until as many units have it not as have it.
        """
        every = self.plan.windows[split]
        order = np.random.default_rng(self.config.seed).permutation(len(every))
        units = [self.positive[list(w.rows)] for w in every]
        chosen: list[int] = []
        read = here = elsewhere = 0
        for i in sorted(order.tolist(), key=lambda i: not units[i].any()):
            if chosen and read >= self.options.tokens and (units[i].any() or elsewhere >= here):
                continue
            chosen.append(i)
            read += len(every[i].ids)
            here, elsewhere = here + int(units[i].sum()), elsewhere + int((~units[i]).sum())
        return tuple(every[i] for i in sorted(chosen))

    def predict(self, windows: Sequence[Window], edits: Sequence[Edit] = ()) -> Predictions:
        """With or without edits."""
        return self.predictor(windows)(edits=edits)

    def predictor(self, windows: Sequence[Window]) -> Callable[..., Predictions]:
        """What predicts these windows under edits."""
        return partial(
            predict_units,
            self.head,
            windows,
            self.shares,
            only_predicted=self.options.only_predicted,
            batch_tokens=self.config.batch_tokens,
        )

    def choose(self, edits: Editor) -> int:
        """The candidate that moves the property most on validation where the truth has it, and least elsewhere.

        Steering is to turn other tokens: there the probability of the value where the truth has it not decides.
        """
        windows = self.windows("validation")
        base = self.predict(windows)
        here = self.positive[base.row]
        if not here.any() or here.all():
            raise DataError(
                f"validation tokens with {self.options.concept}",
                expected="some, and some others",
                got="all" if here.any() else "none",
                remedy="read more tokens (--tokens), or choose another concept",
            )

        def kept(predicted: Predictions) -> float:
            right = (self.shares[predicted.token] >= HALF) == here
            return float(right[here].mean() - right[~here].mean())

        def gain(number: int) -> float:
            predicted = self.predict(windows, edits.edits(number))
            return float(predicted.mass[~here].mean()) if self.options.edit == "steer" else -kept(predicted)

        numbers = range(len(edits.candidates))
        return max(track(numbers, "candidates"), key=gain) if len(numbers) > 1 else 0


def intervene(run: PathLike, options: InterventionOptions) -> InterventionResult:
    """Change a concept in the live model of a run and measure what that does; saved in the run, shown on its page.

    Raises:
        RunFolderError: No run folder; one in which concepts were not looked for in the view `predict`, or that leaves
            nothing to measure; an earlier outcome whose file is damaged.
        ModelError: The model has no language-model head.
        ConfigError: No such property, value or layer; a property of whole texts.
        DataError: Too few held-out units with the value, or without it.

    Cost: reading the tokens asked for about `sets` + 5 times; blocks below the lowest edited layer once in all.
    """
    refuse_of_texts(options.concept, read_concepts_of(run))
    config = _config(run)
    with sole_writer(run):
        result = _earlier(config, run, options)
        if result is None:
            measuring = open_run(run, options)
            steps = Steps(measuring.work.folder, INTERVENTIONS)
            timed = f"intervene: {options.concept} {options.edit}"
            result = steps.make(Path(options.file).stem, partial(_measured, measuring), timed=timed)
        write_report(run)
    return result


def _earlier(config: StudyConfig, run: PathLike, options: InterventionOptions) -> InterventionResult | None:
    """What was measured by the same options; None where nothing was, or where it no longer holds."""
    record = read_result(Folder(run), _file(options))
    if record is None or record.get("format") != FORMAT:
        return None
    result = from_json(InterventionResult, record, f"{run}/{_file(options)}")
    asked, concepts = _asked(config, options)
    before, concepts = result.concepts, {k: v for k, v in concepts.items() if k not in _NO_PART}
    if before is None or changed_options(result.options, asked) or changed_options(before, concepts):
        return None
    if result.matching is None:
        return None  # of a time in which random sets could be unlike the chosen one
    if isinstance(result.probe, NotMeasured) and result.probe.reason is Reason.NO_PROBE and is_studied(Folder(run)):
        return None  # the run's task has been studied since
    return result


def _file(options: InterventionOptions) -> str:
    """The place of the outcome below the run folder."""
    return f"{INTERVENTIONS}/{options.file}"


def _asked(config: StudyConfig, options: InterventionOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the edit, and of its concepts."""
    return options.model_dump(mode="json"), config.concepts.model_dump(mode="json")


def _config(run: PathLike) -> StudyConfig:
    """The run's study, with the options that concepts were looked for with."""
    config = config_of(run)
    concepts, asked = read_concepts_of(run), read_object(Folder(run), OPTIONS)
    again = f"run `neurosieve concepts {run}"
    anew = f"delete {to_delete(run)}, then {again}"
    if concepts is None:
        got, remedy = "none", f"{again}` first"
    elif asked is None:
        got, remedy = f"{CONCEPTS} without {OPTIONS}", f"{anew}`"
    elif concepts.predict_reason:
        got, remedy = f"detect alone ({concepts.predict_reason})", "make a run for which it can be read"
    else:
        got, remedy = "detect alone", f"{anew} --set concepts.views=[detect,predict]`"
    if concepts is None or asked is None or "predict" not in concepts.views:
        raise RunFolderError(f"run folder {run}", expected="concepts in the view predict", got=got, remedy=remedy)
    return make_config(options=config.model_dump(mode="json") | {"concepts": asked})


def open_run(run: PathLike, options: InterventionOptions) -> Measuring:
    """The run's concept rows, and its model, with head where predictions are measured.

    Raises:
        NeurosieveError: As `intervene`.
    """
    config = _config(run)
    dataset = read_dataset(config)
    work = ConceptWork(config, RunFolder(run, config, dataset.hashes), dataset)
    target = work.rows.table.target(options.concept)
    model = work.model = language_model_of(config) if options.predictions else model_of(config)
    plan = work.reading("predict").plan(model, work.rows.dataset, work.rows.rows)
    return Measuring(work, options, model, work.store("predict"), plan, target)


def _measured(m: Measuring) -> InterventionResult:
    """Choose on validation, then open the test windows once."""
    options = m.options
    edits = editor(TrainConcept(m.store, m.target.property_name, m.value, m.config.seed), _change(m))
    best = m.choose(edits) if options.predictions else len(edits.candidates) - 1
    neurons, matching = edits.candidates[best], edits.matching(best, options.sets)
    predictions = _predictions(m, edits, best, matching) if options.predictions else LEFT_OUT
    whole = ranges = None
    if options.range and isinstance(edits, NeuronEditor):
        ranges = edits.ranges(best)
        if options.predictions:
            whole = replace(_predictions(m, edits.whole(), best, matching), examples=())
    probe, head = _probe(m, edits, best), _head(m, edits, best)
    erasure = _erasure(m, edits, best) if options.edit == "erase" else None
    if erasure is None:
        _refuse_nothing(m, predictions, probe, head)
    asked, concepts = _asked(m.config, options)
    return InterventionResult(
        format=FORMAT,
        options=asked,
        concepts=concepts,
        concept=options.concept,
        edit=options.edit,
        how=options.how if options.edit == "ablate" else None,
        at="predicted" if options.only_predicted else "all",
        site=m.config.site,
        model=m.config.model,
        neurons=NeuronSet(neurons),
        share=len(neurons) / len(m.store.neurons),
        layers=tuple(np.bincount(neurons[:, 0], minlength=m.store.grid.layers).tolist()),
        chosen_by=_chosen_by(options, len(edits.candidates)),
        random_sets=options.sets,
        matching=matching,
        ranges=ranges,
        predictions=predictions,
        whole=whole,
        probe=probe,
        head=head,
        erasure=erasure,
        versions=versions(),
    )


def _change(m: Measuring) -> Change:
    """What the editor does; with the claimed set where that is asked for."""
    change = change_of(m.options)
    return replace(change, members=_claimed(m)) if m.options.claimed else change


def _claimed(m: Measuring) -> NeuronSet:
    """The neurons claimed as a set for the value where it is hidden."""
    result = read_concepts_of(m.work.folder.path)
    concept = result and result[m.options.concept, "predict"]
    few = concept and concept.claimed_set
    if not few:
        raise ConfigError(
            f"set of {m.options.concept}",
            expected="one that is claimed in the view predict",
            got="none",
            remedy="leave --claimed out: the best single neurons are edited then",
        )
    return few.neurons


def _chosen_by(options: InterventionOptions, candidates: int) -> str:
    """Where the edit was chosen, and of how many."""
    if options.claimed:
        return "train, as the set that is claimed for the value"
    if options.predictions:
        return f"validation, of {candidates} candidates made from train"
    return f"train, the {'most neurons' if options.edit in ('ablate', 'clamp') else 'last layer'} of them"


def _refuse_nothing(m: Measuring, *parts: object) -> None:
    """Some part has to be measured."""
    reasons = [part.text for part in parts if isinstance(part, NotMeasured)]
    if len(reasons) == len(parts):
        raise RunFolderError(
            f"run folder {m.work.folder.path}",
            expected="predictions, a probe or a fine-tuned head to measure",
            got="; ".join(reasons),
            remedy=f"run the study first: `neurosieve run {m.work.folder.path}/study.yaml --out {m.work.folder.path}`",
        )


def _erasure(m: Measuring, edits: Editor, best: int) -> Erasure:
    """Whether what was erased is gone, compared with the first of the random erasers."""
    erase, control = (e for some in (edits.edits(best), *edits.random(best, 1)) for e in some if isinstance(e, Erase))
    draws, seed = m.config.bootstrap, m.config.seed
    return measure_erasure(m.store, m.target.property_name, m.value, erase, control, draws=draws, seed=seed)


def _predictions(m: Measuring, edits: Editor, best: int, matching: Matching) -> PredictionEffects:
    """The effect of the edit on the model's own predictions on test, compared with random edits."""
    windows, chosen = m.windows("test"), edits.edits(best)
    with shared_below(m.head, chosen):
        base, edited = m.predict(windows), m.predict(windows, chosen)
        here = m.positive[base.row]
        group = np.array(
            [m.store.rows.dataset.examples[i].group for i in m.store.table.example[base.row]], dtype=object
        )
        fitter = EffectFitter(base, edited, here, m.shares, group, draws=m.config.bootstrap, seed=m.config.seed)
        losses, mass = [], np.zeros(len(base.mass))
        make = partial(EditedUnits, m.predictor(windows), m.head, () if in_process() else chosen)
        randoms = map_parts(make, edits.random(best, m.options.sets))
        for predicted in track(randoms, "random edits", total=m.options.sets):
            fitter.add(predicted)
            losses.append(float(predicted.loss.mean()))
            mass += predicted.mass / m.options.sets

    def probability(units: Bool[np.ndarray, " units"]) -> Probability:
        means = [float(values[units].mean()) for values in (base.mass, edited.mass, mass)]
        return Probability(base=means[0], edited=means[1], random=means[2])

    effects, only = fitter.result(matching), m.options.only_predicted
    return PredictionEffects(
        effects=effects,
        windows=len(windows),
        turned=turned(effects[0].elsewhere, m.options.sets, matching),
        loss=mean_loss(base, edited, losses),
        mass=Mass(here=probability(here), elsewhere=probability(~here)),
        examples=prediction_examples(m.head, m.store, windows, base, edited, here, chosen, only_predicted=only),
    )


def _probe(m: Measuring, edits: Editor, best: int) -> TaskEffect | NotMeasured:
    """What it does to the run's probe."""
    config, files, only = m.work.config, m.work.folder.files, m.options.only_predicted
    if not is_studied(files):
        return NO_PROBE
    chosen, random_edits = edits.edits(best), edits.random(best, m.options.sets)
    return probe_effect(config, files, read_data(config), m.model, chosen, random_edits, only_read=only)


def _head(m: Measuring, edits: Editor, best: int) -> TaskEffect | NotMeasured:
    """What it does to a fine-tuned head of the model."""
    chosen, random_edits = edits.edits(best), edits.random(best, m.options.sets)
    return head_effect(m.work.config, m.work.dataset, chosen, random_edits, only_read=m.options.only_predicted)


def change_of(o: InterventionOptions) -> Change:
    """What of the options the editor acts on."""
    return Change(o.edit, o.how, o.quantile, o.alpha, o.layer, o.share, within=o.range)
