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
from neurosieve.errors import DataError, RunFolderError
from neurosieve.interventions.editors import Change, EditKind, Editor, TrainConcept, editor
from neurosieve.interventions.edits import Edit
from neurosieve.interventions.effects import EffectFitter, loss_record
from neurosieve.interventions.erased import erasure_record
from neurosieve.interventions.examples import prediction_examples
from neurosieve.interventions.predictions import HALF, Predictions, predict_units, token_shares
from neurosieve.interventions.train_rows import Ablation
from neurosieve.models.language import LanguageModel, load_language_model
from neurosieve.progress import track
from neurosieve.runfolder import RunFolder, config_of, read_object, versions, write_object
from neurosieve.study import CONCEPTS, INTERVENTIONS, read_dataset, write_report
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
    model: LanguageModel
    store: ConceptStore
    plan: ReadingPlan
    name: str
    value: int

    @cached_property
    def positive(self) -> Bool[np.ndarray, " units"]:
        """Units whose truth has the value, by the number of their row."""
        has: np.ndarray = self.store.table.codes[self.name] == self.value
        return has

    @cached_property
    def shares(self) -> Float[np.ndarray, " vocabulary"]:
        """What tokens say of the value, by train."""
        size = max(int(self.model.whole.get_input_embeddings().weight.shape[0]), len(self.model.tokenizer))  # type: ignore[operator]
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
            self.model,
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
            record = {"format": FORMAT, "options": asked, **_measured(measuring), "versions": versions()}
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
    model = load_language_model(
        config.model,
        device=config.device,
        precision=config.precision,
        trust_remote_code=config.trust_remote_code,
        allow_pickle=config.allow_pickle,
        max_tokens=config.max_tokens,
        stack=config.stack,
        site=config.site,
    )
    work.model = model
    store = work.store("predict")
    plan = work.reading("predict").plan(model, work.rows.dataset, work.rows.rows)
    return Measuring(config, options, model, store, plan, name, work.rows.table.values[name].index(word))


def _measured(m: Measuring) -> dict[str, Any]:
    """Choose on validation, then open the test windows once."""
    options, seed = m.options, m.config.seed
    edits = editor(TrainConcept(m.store, m.name, m.value, seed), options.change)
    best = m.choose(edits)
    neurons, windows = edits.candidates[best], m.windows("test")
    base, edited = m.predict(windows), m.predict(windows, edits.edits(best))
    here = m.positive[base.row]
    group = np.array([m.store.rows.dataset.examples[i].group for i in m.store.table.example[base.row]], dtype=object)
    fitter = EffectFitter(base, edited, here, m.shares, group, draws=m.config.bootstrap, seed=seed)
    losses, masses = [], []
    for random in track(edits.random(best, options.sets), "random edits", total=options.sets):
        found = m.predict(windows, random)
        fitter.add(found)
        losses.append(float(found.loss.mean()))
        masses.append(found.mass)
    random_mass = np.mean(masses, 0)
    every = len(m.store.neurons)
    return {
        "concept": options.concept,
        "edit": options.edit,
        "how": options.how if options.edit == "ablate" else None,
        "at": "predicted" if options.only_predicted else "all",
        "site": m.config.site,
        "model": m.config.model,
        "neurons": neurons.tolist(),
        "share": len(neurons) / every,
        "layers": np.bincount(neurons[:, 0], minlength=m.store.store.manifest.layers).tolist(),
        "chosen_by": f"validation, of {len(edits.candidates)} candidates made from train",
        "random_sets": options.sets,
        "windows": len(windows),
        "effects": [asdict(effect) for effect in fitter.result()],
        "loss": loss_record(base, edited, losses),
        "mass": {
            side: {
                "base": float(base.mass[own].mean()),
                "edited": float(edited.mass[own].mean()),
                "random": float(random_mass[own].mean()),
            }
            for side, own in (("here", here), ("elsewhere", ~here))
        },
        "examples": prediction_examples(
            m.model, m.store, windows, base, edited, here, edits.edits(best), only_predicted=options.only_predicted
        ),
        "erasure": erasure_record(m.store, m.name, m.value, int(neurons[0, 0]), draws=m.config.bootstrap, seed=seed)
        if options.edit == "erase"
        else None,
    }
