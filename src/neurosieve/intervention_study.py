"""A run's concept changed in the live model: chosen on validation, measured on held-out code beside random edits."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float
from pydantic import BaseModel, Field

from neurosieve.activations.plan import ReadingPlan, Window
from neurosieve.activations.store import Folder
from neurosieve.concept_study import PARTS, ConceptWork
from neurosieve.concepts.properties import parse_value
from neurosieve.concepts.rows import ConceptStore
from neurosieve.config import STRICT, StudyConfig, make_config
from neurosieve.edited_task import head_effect, probe_effect
from neurosieve.errors import DataError, RunFolderError
from neurosieve.interventions.editors import Change, EditKind, Editor, TrainConcept, editor
from neurosieve.interventions.edits import Edit
from neurosieve.interventions.effects import EffectFitter, Side, loss_record
from neurosieve.interventions.erased import erasure_record
from neurosieve.interventions.examples import prediction_examples
from neurosieve.interventions.predictions import HALF, Predictions, predict_units, token_shares
from neurosieve.interventions.train_rows import Ablation
from neurosieve.models import CodeModel, LanguageModel
from neurosieve.progress import track
from neurosieve.runfolder import RunFolder, config_of, read_object, versions, write_object
from neurosieve.stages import language_model_of, model_of
from neurosieve.study import CONCEPTS, INTERVENTIONS, read_data, read_dataset, write_report
from neurosieve.typing import PathLike, Split

FORMAT = 1


class InterventionOptions(BaseModel):
    """What is changed and how it is measured. Field descriptions are the help texts of `neurosieve intervene`."""

    model_config = STRICT
    concept: str = Field(description="property=value, for example lexical=number")
    edit: EditKind = Field(description="ablate or clamp neurons, steer a layer to the value or erase it from a layer")
    how: Ablation = Field("mean", description="of ablation: zero, mean, or values of train rows (resample)")
    quantile: float = Field(0.01, ge=0, le=1, description="of train at which neurons are clamped")
    alpha: float = Field(2.0, description="of steering: times the way from other rows to those with the value")
    layer: int | None = Field(None, ge=0, description="to steer or erase; chosen on validation by default")
    share: float = Field(0.05, gt=0, lt=1, description="most neurons that are edited, as a share of all")
    sets: int = Field(100, ge=20, description="random edits of the same kind beside it")
    at: Literal["all", "predicted"] | None = Field(
        None, description="edit at all tokens, or where tokens are predicted (the default of steer and erase)"
    )
    predictions: bool = Field(True, description="measure the model's own predictions, for which it needs a head")
    tokens: int = Field(12_000, ge=100, description="about how many tokens are read for each measure")

    @property
    def change(self) -> Change:
        """Of the editor."""
        return Change(self.edit, self.how, self.quantile, self.alpha, self.layer, self.share)

    @property
    def only_predicted(self) -> bool:
        """Other tokens are left alone."""
        return (self.at or ("predicted" if self.edit in ("steer", "erase") else "all")) == "predicted"

    @property
    def file(self) -> str:
        """Where the outcome lies in the run folder's `interventions`."""
        word = "".join(c if c.isalnum() or c in "-_." else "-" for c in self.concept)
        return f"{word}-{self.edit}{f'-{self.how}' if self.edit == 'ablate' and self.how != 'mean' else ''}.json"


@dataclass
class Measuring:
    """The live model and the held-out units that its predictions are measured on."""

    config: StudyConfig
    options: InterventionOptions
    model: CodeModel
    store: ConceptStore
    plan: ReadingPlan
    name: str
    value: int

    @property
    def head(self) -> LanguageModel:
        """The model with its head, which is there where predictions are measured."""
        assert isinstance(self.model, LanguageModel)  # noqa: S101 - see `_opened`
        return self.model

    @cached_property
    def positive(self) -> Bool[np.ndarray, " units"]:
        """Units whose truth has the value, by the number of their row."""
        has: np.ndarray = self.store.table.codes[self.name] == self.value
        return has

    @cached_property
    def shares(self) -> Float[np.ndarray, " vocabulary"]:
        """What tokens say of the value, by train."""
        size = max(int(self.head.whole.get_input_embeddings().weight.shape[0]), len(self.model.tokenizer))  # type: ignore[operator]
        return token_shares(self.plan.windows["train"], self.positive, size)

    def windows(self, split: Split) -> tuple[Window, ...]:
        """Windows drawn by seed up to the tokens asked for, those that hold the value first; sorted by length."""
        every = self.plan.windows[split]
        order = np.random.default_rng(self.config.seed).permutation(len(every))
        first = sorted(order, key=lambda i: not self.positive[list(every[i].rows)].any())
        chosen: list[int] = []
        read = 0
        for i in first:
            if chosen and read >= self.options.tokens:
                break
            chosen.append(int(i))
            read += len(every[i].ids)
        return tuple(every[i] for i in sorted(chosen))

    def predict(self, windows: Sequence[Window], edits: Sequence[Edit] = ()) -> Predictions:
        """With or without edits."""
        return predict_units(
            self.head,
            windows,
            self.shares,
            edits,
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
                f"validation tokens with {self.options.concept}", expected="some", got="none or all", remedy="read more"
            )

        def kept(found: Predictions) -> float:
            right = (self.shares[found.token] >= HALF) == here
            return float(right[here].mean() - right[~here].mean())

        def gain(number: int) -> float:
            found = self.predict(windows, edits.edits(number))
            return float(found.mass[~here].mean()) if self.options.edit == "steer" else -kept(found)

        numbers = range(len(edits.candidates))
        return max(track(numbers, "candidates"), key=gain) if len(numbers) > 1 else 0


def intervene(run: PathLike, options: InterventionOptions) -> dict[str, Any]:
    """Change a concept in the live model of a run and measure what that does; saved in the run, shown on its page.

    Raises:
        RunFolderError: No run folder, or one in which concepts were not looked for in the view `predict`.
        ModelError: The model has no language-model head.
        ConfigError: No such property, value or layer.
        DataError: Too few held-out units with the value, or without it.

    Cost: reading the tokens asked for about `sets` + 5 times.
    """
    measuring = _opened(run, options)
    folder = RunFolder(run, measuring.config, read_dataset(measuring.config).hashes)
    files = Folder(Path(run) / INTERVENTIONS)
    asked = options.model_dump(mode="json")
    record = read_object(files, options.file)
    if record is None or record["options"] != asked:
        with folder.stage(f"intervene: {options.concept} {options.edit}"):
            record = {"format": FORMAT, "options": asked, **_measured(measuring, folder), "versions": versions()}
        write_object(files, options.file, record)
        write_report(run)
    return record


def _opened(run: PathLike, options: InterventionOptions) -> Measuring:
    """The run's concept rows, and its model with head."""
    config = config_of(run)
    record, asked = read_object(Folder(run), CONCEPTS), read_object(Folder(Path(run) / PARTS), "options.json")
    if record is None or asked is None or "predict" not in record["views"]:
        raise RunFolderError(
            f"run folder {run}",
            expected="concepts in the view predict",
            got="none" if record is None else record.get("predict_reason") or "the view detect alone",
            remedy=f"run `neurosieve concepts {run}` first",
        )
    config = make_config(options=config.model_dump(mode="json") | {"concepts": asked})
    dataset = read_dataset(config)
    work = ConceptWork(config, RunFolder(run, config, dataset.hashes), dataset)
    name, word = parse_value(options.concept, work.rows.table.values)
    model = work.model = language_model_of(config) if options.predictions else model_of(config)
    store = work.store("predict")
    plan = work.reading("predict").plan(model, work.rows.dataset, work.rows.rows)
    return Measuring(config, options, model, store, plan, name, work.rows.table.values[name].index(word))


def _measured(m: Measuring, folder: RunFolder) -> dict[str, Any]:
    """Choose on validation, then open the test windows once."""
    options = m.options
    edits = editor(TrainConcept(m.store, m.name, m.value, m.config.seed), options.change)
    best = m.choose(edits) if options.predictions else len(edits.candidates) - 1
    neurons, layers = edits.candidates[best], m.store.store.manifest.layers
    chosen = f"validation, of {len(edits.candidates)} candidates made from train"
    record = {
        "concept": options.concept,
        "edit": options.edit,
        "how": options.how if options.edit == "ablate" else None,
        "at": "predicted" if options.only_predicted else "all",
        "site": m.config.site,
        "model": m.config.model,
        "neurons": neurons.tolist(),
        "share": len(neurons) / len(m.store.neurons),
        "layers": np.bincount(neurons[:, 0], minlength=layers).tolist(),
        "chosen_by": chosen if options.predictions else "train, the largest candidate",
        "random_sets": options.sets,
        "effects": None,
        "effects_reason": None if options.predictions else "left out by --no-predictions",
    }
    if options.predictions:
        record |= _predictions(m, edits, best)
    record |= _task(m, folder, edits, best)
    record["erasure"] = None
    if options.edit == "erase":
        layer, draws = int(neurons[0, 0]), m.config.bootstrap
        record["erasure"] = erasure_record(m.store, m.name, m.value, layer, draws=draws, seed=m.config.seed)
    return record


def _predictions(m: Measuring, edits: Editor, best: int) -> dict[str, Any]:
    """What the edit does to the model's own predictions on test, beside random edits."""
    windows, chosen = m.windows("test"), edits.edits(best)
    base, edited = m.predict(windows), m.predict(windows, chosen)
    here = m.positive[base.row]
    group = np.array([m.store.rows.dataset.examples[i].group for i in m.store.table.example[base.row]], dtype=object)
    fitter = EffectFitter(base, edited, here, m.shares, group, draws=m.config.bootstrap, seed=m.config.seed)
    losses, mass = [], np.zeros(len(base.mass))
    for random in track(edits.random(best, m.options.sets), "random edits", total=m.options.sets):
        found = m.predict(windows, random)
        fitter.add(found)
        losses.append(float(found.loss.mean()))
        mass += found.mass / m.options.sets
    effects = fitter.result()
    masses = {"base": base.mass, "edited": edited.mass, "random": mass}
    sides = {"here": here, "elsewhere": ~here}
    only = m.options.only_predicted
    return {
        "windows": len(windows),
        "effects": [asdict(effect) for effect in effects],
        "turned": _turned(effects[0].elsewhere),
        "loss": loss_record(base, edited, losses),
        "mass": {side: {k: float(v[own].mean()) for k, v in masses.items()} for side, own in sides.items()},
        "examples": prediction_examples(m.head, m.store, windows, base, edited, here, chosen, only_predicted=only),
    }


def _turned(elsewhere: Side) -> dict[str, Any]:
    """Units without the value at which a token of the value is predicted: what steering is to reach."""
    return {
        "n": elsewhere.n,
        "base": 1 - elsewhere.base,
        "edited": 1 - elsewhere.edited,
        "random": 1 - elsewhere.base + elsewhere.random,
        "effect": elsewhere.effect,
        "interval": elsewhere.interval,
        "claimed": elsewhere.interval[0] > 0 and elsewhere.drop > elsewhere.random_95,
    }


def _task(m: Measuring, folder: RunFolder, edits: Editor, best: int) -> dict[str, Any]:
    """What it does to the run's probe, and to a fine-tuned head of the model."""
    if not folder.files.exists("selection.json"):
        reason = "the run has no probe: its task was not studied"
        return {"probe": None, "probe_reason": reason, "head": None, "head_reason": reason}
    data, chosen = read_data(m.config), edits.edits(best)
    probe, why = probe_effect(m.config, folder.files, data, m.model, chosen, edits.random(best, m.options.sets))
    head, no_head = head_effect(m.config, data, chosen, edits.random(best, m.options.sets))
    return {"probe": probe, "probe_reason": why, "head": head, "head_reason": no_head}
