"""What an edit does to the task of a study: to its probe on the states of the edited model, and to a fine-tuned head.

Both are scored on test rows three times over: by the model as it is, by the edited one, and by each of the random
edits. Nothing is chosen here, and no probe is fitted again. Edits are done at all tokens, or where the rows are read.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import transformers
from jaxtyping import Int, Num

from neurosieve.activations.extraction import Around, ExtractionOptions, row_reader
from neurosieve.activations.store import Activations
from neurosieve.activations.windows import Window, batches, pad, read_positions
from neurosieve.data import Dataset, Sample
from neurosieve.data.dataset import are_values
from neurosieve.errors import ConfigError
from neurosieve.finetuning.training_rows import IGNORED, Inputs, label_names, split_inputs
from neurosieve.interventions import Edit, live
from neurosieve.interventions.live_model import shared_below
from neurosieve.models import CodeModel, ModelInfo, inspect_model, resolve_device
from neurosieve.models.loading import read_network, ready
from neurosieve.models.weights import check_all_there
from neurosieve.parts import in_process, map_parts
from neurosieve.probes import ClusterBootstrap, Probe
from neurosieve.probes.features import Scaler
from neurosieve.probes.metrics import lost, scored
from neurosieve.progress import track
from neurosieve.results.interventions import TaskEffect
from neurosieve.results.measured import NotMeasured, Reason
from neurosieve.storage.folder import Folder
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import StudyData, options_of
from neurosieve.studies.redundancy.selection import saved_selection
from neurosieve.typing import Scores

ROWS = 100
NO_PROBE = NotMeasured.because(Reason.NO_PROBE)


def probe_effect(
    config: StudyConfig,
    files: Folder,
    data: StudyData,
    model: CodeModel,
    edits: Sequence[Edit],
    random_edits: Iterable[Sequence[Edit]],
    *,
    only_read: bool = False,
    rows: int = ROWS,
) -> TaskEffect | NotMeasured:
    """How much worse the run's oracle probe reads the task off the states of the edited model.

    The probe stays as it was fitted on the model as it is. So a loss says that the states have moved where the probe
    looks, which is little wonder where the edit is of a layer that it reads; what the edited model could still give to
    another probe is not measured.

    Args:
        config: Of the run.
        files: The run folder.
        data: What the run read.
        model: The run's, at its site; a `LanguageModel` will do.
        edits: Of layers of that site.
        random_edits: As many as are to be compared, of the same layers; each is used once.
        only_read: Edit only the tokens whose states the probe reads, not all.
        rows: Test rows a class at most, drawn by the study's seed; of values in all.

    Returns:
        Score of the model without and with the edit, and the drop with that of random edits; or why there is none.
        Intervals are 95 %, over files, and paired where they are of a loss.

    Raises:
        RunFolderError: The selection's files are damaged.
        ConfigError: No random edit, or an edit that does not fit the model.

    Cost: reading the rows once for each edit, and twice more; blocks below the lowest edited layer once in all.
    """
    if (selection := saved_selection(files)) is None:
        return NO_PROBE
    test = np.flatnonzero([data.dataset.examples[i].split == "test" for i in data.sample.rows.example])
    few = _few(data.sample.rows.label[test], rows, config.seed)
    sample = replace(data.sample, rows=data.sample.rows.select(test[few]))
    options, scaler = options_of(config, model.adapter.kind), selection.scaler
    make = partial(_ProbeReader, model, data.dataset, sample, options, scaler, selection.oracle.probe, only_read)
    with shared_below(model, edits):
        reader = make()
        plain = reader.read()
        return _compared(
            reader.scored(plain),
            reader(edits),
            map_parts(partial(make, () if in_process() else tuple(edits)), random_edits),
            plain.group,
            config,
            score="accuracy" if scaler.target is None else "r2",
            rows_note=_rows_note(len(few), len(test), config.seed),
        )


class _ProbeReader:
    """Scores of a probe on the same rows under one edit after the other.

    Args:
        model: Reads the rows.
        dataset: The code.
        sample: The rows.
        options: How they are read.
        scaler: Of the probe.
        probe: Scores them.
        only_read: Only the tokens that the rows are read from are edited.
        below: Blocks below these edits are read once for all, where that is not done around this already.
    """

    def __init__(
        self,
        model: CodeModel,
        dataset: Dataset,
        sample: Sample,
        options: ExtractionOptions,
        scaler: Scaler,
        probe: Probe,
        only_read: bool,
        below: Sequence[Edit] = (),
    ) -> None:
        self._model, self._scaler, self._probe, self._only_read = model, scaler, probe, only_read
        self.read = row_reader(model, dataset, sample, "test", options)
        self._shared = contextlib.ExitStack()
        if below:
            self._shared.enter_context(shared_below(model, below))

    def scored(self, rows: Activations) -> Scores:
        return self._probe.row_scores(self._scaler.apply(rows.values), self._scaler.labels(rows.label))

    def __call__(self, edits: Sequence[Edit]) -> Scores:
        return self.scored(self.read(partial(_edited, self._model, edits, self._only_read)))


def _edited(
    model: CodeModel, edits: Sequence[Edit], only_read: bool, batch: Sequence[Window]
) -> contextlib.AbstractContextManager[None]:
    """The model edited for one batch."""
    if not only_read:
        return live(model, edits)
    _, mask, _, offsets = pad(batch, model.pad_id, model.padding_side)
    return live(model, edits, read_positions(batch, mask, offsets))


def head_effect(
    config: StudyConfig,
    dataset: Dataset,
    edits: Sequence[Edit],
    random_edits: Iterable[Sequence[Edit]],
    *,
    only_read: bool = False,
    rows: int = ROWS,
) -> TaskEffect | NotMeasured:
    """How much worse the model's own head does the task, where the run's model is one that was fine-tuned for it.

    Inputs are those of `neurosieve finetune`: all test units, a token's label at its first subword, texts and pairs cut
    to the model's length. What is edited is the network below the head, which is loaded here.

    Args:
        config: Of the run.
        dataset: What the run read, pairs as two texts each.
        edits: Of layers of the run's site.
        random_edits: As in `probe_effect`.
        only_read: Edit only the tokens whose class is asked for. In a head of whole texts, which may read any token,
            all are edited.
        rows: Test units a class at most, drawn by the study's seed.

    Returns:
        As `probe_effect`, with `score` accuracy; or why there is no such head.

    Raises:
        ModelError: A checkpoint that lacks weights of its head or network.
        ConfigError: As `probe_effect`.

    Cost: one forward pass of the inputs that hold the units for each edit, and two more, as in `probe_effect`.
    """
    info = inspect_model(
        config.model, trust_remote_code=config.trust_remote_code, max_tokens=config.max_tokens, stack=config.stack
    )
    if why := _unfit(info, dataset, config):
        return NotMeasured.because(Reason.NO_HEAD, f": {why}")
    labels = label_names(dataset, config.classes)
    inputs = split_inputs(info, dataset, labels, ("test",))["test"]
    few = _few(inputs.label, rows, config.seed)
    windows, head = _windows(inputs, few), _load(info, dataset, config)
    truth = np.array([_outputs(info)[name] for name in labels])[inputs.label[few]]

    def scores(some: Sequence[Edit] = ()) -> Scores:
        around = partial(_edited, head.model, some, only_read and not inputs.whole) if some else None
        hits: Scores = head.predict(windows, config.batch_tokens, whole=inputs.whole, around=around) == truth
        return hits

    with shared_below(head.model, edits):
        return _compared(
            scores(),
            scores(edits),
            map(scores, random_edits),
            inputs.group[few],
            config,
            score="accuracy",
            rows_note=_rows_note(len(few), inputs.count, config.seed),
        )


def _compared(
    base: Scores,
    edited: Scores,
    randoms: Iterable[Scores],
    group: np.ndarray,
    config: StudyConfig,
    *,
    score: Literal["accuracy", "r2"],
    rows_note: str,
) -> TaskEffect:
    """Scores of the same rows with and without edits, side by side."""
    bootstrap = ClusterBootstrap(group, draws=config.bootstrap, seed=config.seed)
    drops, total = [], np.zeros(len(base))
    for scores_of_random in track(randoms, "random edits"):
        drops.append(float(base.mean() - scores_of_random.mean()))
        total += scores_of_random
    if not drops:
        raise ConfigError("random edits", expected="one or more", got="none", remedy="draw some, best 100 or more")
    usual = total / len(drops)
    return TaskEffect(
        score=score,
        base=scored(base, bootstrap),
        edited=float(edited.mean()),
        drop=lost(base, edited, bootstrap),
        random_sets=len(drops),
        random=float(np.mean(drops)),
        random_95=float(np.quantile(drops, 0.95)),
        effect=lost(usual, edited, bootstrap),
        rows_note=rows_note,
    )


def _few(label: Num[np.ndarray, " rows"], most: int, seed: int) -> Int[np.ndarray, " some"]:
    """Places of at most so many rows a class, in order; of values in all."""
    rng = np.random.default_rng(seed)
    kinds = [np.arange(len(label))] if are_values(label) else [np.flatnonzero(label == c) for c in np.unique(label)]
    return np.sort(np.concatenate([rng.permutation(kind)[:most] for kind in kinds]))


def _rows_note(count: int, there: int, seed: int) -> str:
    return f"all {there:,} test rows" if count == there else f"{count:,} of {there:,} test rows, drawn by seed {seed}"


@dataclass(frozen=True)
class _Head:
    """A fine-tuned classifier: `whole`, and `model`, the network below its head as it is read for activations."""

    model: CodeModel
    whole: Any

    @torch.inference_mode()
    def predict(
        self, windows: Sequence[Window], batch_tokens: int, *, whole: bool, around: Around | None
    ) -> Int[np.ndarray, " units"]:
        """The likeliest outputs, by the numbers of rows; of a whole text its one, else those at the rows' tokens."""
        predicted = np.zeros(sum(len(w.rows) for w in windows), dtype=np.int64)
        # A decoder's head reads the last token that is no padding by its config: where that is not the token that we
        # pad with, each text goes alone.
        budget = batch_tokens if self.whole.config.pad_token_id == self.model.pad_id else 0
        for batch in batches(windows, budget):
            ids, mask, types, offsets = pad(batch, self.model.pad_id, self.model.padding_side)
            with around(batch) if around else contextlib.nullcontext():
                guess = self.whole(**self.model.inputs(ids, mask, types)).logits.argmax(-1).cpu().numpy()
            for outputs, window, offset in zip(guess, batch, offsets, strict=True):
                predicted[list(window.rows)] = outputs if whole else outputs[[t + offset for (t,) in window.tokens]]
        return predicted


def _unfit(info: ModelInfo, dataset: Dataset, config: StudyConfig) -> str:
    """Why the model's head does not do the task; empty where it does."""
    made = next(iter(info.config.architectures or ()), "a network without a head")
    if dataset.numeric:
        return "labels are values"
    if not made.endswith(_kind(dataset)):
        return f"it is {made}"
    if info.adapter.paired and info.adapter.kind == "decoder":
        return "of an encoder–decoder it is measured at the encoder alone"
    known = _outputs(info)
    if lacking := [name for name in label_names(dataset, config.classes) if name not in known]:
        return f"it knows the labels {', '.join(list(known)[:6])}, not {lacking[0]}"
    return ""


def _kind(dataset: Dataset) -> str:
    """What the names of classes of fitting networks end in."""
    return "ForSequenceClassification" if dataset.whole else "ForTokenClassification"


def _outputs(info: ModelInfo) -> dict[str, int]:
    """The head's labels, each with the number of its output."""
    return {str(name): int(number) for number, name in (info.config.id2label or {}).items()}


def _load(info: ModelInfo, dataset: Dataset, config: StudyConfig) -> _Head:
    auto: Any = getattr(transformers, f"AutoModel{_kind(dataset)}")
    whole, missing, notes = read_network(
        info,
        auto,
        precision=config.precision,
        trust_remote_code=config.trust_remote_code,
        allow_pickle=config.allow_pickle,
    )
    check_all_there(info.name, missing)
    where = resolve_device(config.device)
    return _Head(ready(CodeModel, info, whole.base_model, where, config.site, notes), whole.eval().to(where))


def _windows(inputs: Inputs, kept: Int[np.ndarray, " some"]) -> list[Window]:
    """The inputs that hold some units, numbered in the order of `kept`; shortest first."""
    number = {int(unit): i for i, unit in enumerate(kept)}
    windows, unit = [], 0
    for place, row in enumerate(inputs.rows):
        tokens = [0] if inputs.whole else [t for t, truth in enumerate(row["labels"]) if truth != IGNORED]
        places = [(number[unit + i], (t,)) for i, t in enumerate(tokens) if unit + i in number]
        unit += len(tokens)
        if places:
            types = row.get("token_type_ids", [])
            second = types.index(1) if 1 in types else None
            rows, chosen = zip(*places, strict=True)
            windows.append(Window(tuple(row["input_ids"]), place, 0, rows, chosen, second))
    return sorted(windows, key=lambda w: len(w.ids))
