"""Code that someone pastes, through the run's model: values of any neurons, edits of them, predictions.

One request computes at a time; the model is loaded by the first. A model that cannot be loaded is said, and all other
pages stay.
"""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from neurosieve.activations.extraction import ExtractionOptions
from neurosieve.activations.snippets import read_snippet
from neurosieve.activations.windows import Window
from neurosieve.data.dataset import Dataset, Example, Rows
from neurosieve.defaults import MASKED_PARTS
from neurosieve.errors import ConfigError, DataError, ModelError, NeurosieveError, ResourceError
from neurosieve.explorer.open_run import OpenRun
from neurosieve.interventions.edits import Clamp, Edit
from neurosieve.interventions.matched import matched_sets
from neurosieve.interventions.predictions import Predictions, predict_units
from neurosieve.models import CodeModel, LanguageModel
from neurosieve.results.code_reading import CodeReading
from neurosieve.results.live_effect import LiveEdit, LiveEffect, LivePrediction
from neurosieve.results.neuron_set import NeuronSet
from neurosieve.studies.inputs import language_model_of, model_of
from neurosieve.typing import NeuronId

CHARACTERS, UNITS, NEURONS, DRAWS = 8000, 400, 10, 5
RAISED = 3.0  # standard deviations
WAIT = 20.0  # seconds for the requests before
T = TypeVar("T")
_UNIT = re.compile(r"\w+|[^\w\s]")
_PROMOTED = 20


@dataclass
class LiveModel:
    """A run's model for pasted code."""

    run: OpenRun
    _model: CodeModel | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, code: str, neurons: Sequence[NeuronId]) -> CodeReading:
        """The values of neurons over code.

        Raises:
            ConfigError: More code or neurons than are taken.
            DataError: No token in it.
            ModelError: The model is gone.
            ResourceError: Others are computing.
        """
        chosen = self._checked(code, neurons)
        return self._alone(lambda: read_snippet(self._loaded(), code, chosen))

    def edit(self, code: str, neurons: Sequence[NeuronId], edit: LiveEdit) -> LiveEffect:
        """What the model predicts of each word and sign, with neurons edited, and beside random edits.

        Raises:
            ModelError: The model is gone, or predicts no tokens.
            ConfigError: As `read`; the run holds no activations, from which the edit takes its values.
            NeurosieveError: As `read`.
        """
        chosen = self._checked(code, neurons)
        if not len(chosen):
            raise ConfigError("neurons", expected="one or more to edit", got="none", remedy="give some as 0:39, 1:5")
        self.run.columns()
        return self._alone(lambda: self._edited(code, chosen, edit))

    def promoted(self, neuron: NeuronId) -> list[tuple[str, float]]:
        """The tokens whose logits a neuron of a decoder's output raises most: its row of the head's weights.

        The last norm is left out. Of inner layers it is what the neuron would do if later blocks passed it on.

        Raises:
            ModelError: The model is gone, or no decoder with a head; feed-forward units.
        """
        self.run.check(neuron)

        def found() -> list[tuple[str, float]]:
            model = self._loaded()
            decoder = isinstance(model, LanguageModel) and model.adapter.kind == "decoder"
            head = model.whole.get_output_embeddings() if decoder and isinstance(model, LanguageModel) else None  # type: ignore[operator]
            if head is None or model.site != "hidden" or head.weight.shape[1] != self.run.grid.width:
                got = f"{model.adapter.kind}, site {model.site}"
                expected = "a decoder's layer outputs, and a head on them"
                raise ModelError(f"model {model.name}", expected=expected, got=got, remedy="look at another run")
            best = head.weight[:, neuron.index].detach().float().topk(_PROMOTED)
            tokens = [str(model.tokenizer.decode([int(i)])) for i in best.indices]
            return list(zip(tokens, best.values.tolist(), strict=True))

        return self._alone(found)

    def _checked(self, code: str, neurons: Sequence[NeuronId]) -> NeuronSet:
        for what, most, came in (("characters of code", CHARACTERS, len(code)), ("neurons", NEURONS, len(neurons))):
            if came > most:
                raise ConfigError(what, expected=f"{most} at most", got=str(came), remedy="give fewer")
        return NeuronSet(self.run.check(neuron) for neuron in neurons)

    def _alone(self, compute: Callable[[], T]) -> T:
        if not self._lock.acquire(timeout=WAIT):
            raise ResourceError("the model", expected="a free moment", got="other requests", remedy="try again")
        try:
            return compute()
        finally:
            self._lock.release()

    def _loaded(self) -> CodeModel:
        if self._model is None:
            if self.run.config.activations is not None:
                made = "activations made elsewhere"
                raise ModelError("live code", expected="a model", got=made, remedy="make a run with --model")
            try:
                self._model = language_model_of(self.run.config)
            except NeurosieveError:  # it may have no head, and can read all the same
                self._model = model_of(self.run.config)
        return self._model

    def _edited(self, code: str, chosen: NeuronSet, edit: LiveEdit) -> LiveEffect:
        model = self._loaded()
        if not isinstance(model, LanguageModel):
            remedy = "paste code to see values alone"
            raise ModelError(f"model {model.name}", expected="a head that predicts tokens", got="none", remedy=remedy)
        windows, rows = _hidden(model, code)
        predict = partial(predict_units, model, windows, np.zeros(1, dtype=np.float32))
        before, after = predict(), predict(self._edits(chosen, edit))
        sets, reason = self._random(chosen)
        random = [predict(self._edits(drawn, edit)) for drawn in sets]
        shown = [_prediction(model, code, rows, i, (before, after), random) for i in np.argsort(before.row)]
        return LiveEffect(neurons=tuple(chosen), edit=edit, predictions=tuple(shown), random_sets=len(sets),
                          random_reason=reason)  # fmt: skip

    def _edits(self, neurons: NeuronSet, edit: LiveEdit) -> tuple[Edit, ...]:
        """What is held at which values, an edit a layer."""
        columns, edits = self.run.columns().columns, list[Edit]()
        for layer, indices in neurons.by_layer.items():
            own = list(indices)
            mean, sd = columns.values_at(layer, "centre")[own], columns.values_at(layer, "scale")[own]
            held = {"mean": mean, "zero": np.zeros_like(mean), "raise": mean + RAISED * sd}
            edits.append(Clamp(layer, indices, torch.from_numpy(held[edit])))
        return tuple(edits)

    def _random(self, chosen: NeuronSet) -> tuple[list[NeuronSet], str]:
        columns, grid = self.run.columns().columns, self.run.grid
        layers = sorted(chosen.by_layer)
        variance = np.concatenate([columns.values_at(layer, "variance") for layer in layers])
        try:
            found = matched_sets(np.array(list(chosen)), grid.neurons(layers), variance, draws=DRAWS)
        except DataError as e:
            return [], str(e)
        return [NeuronSet(drawn) for drawn in found.sets.tolist()], ""


def _hidden(model: LanguageModel, code: str) -> tuple[tuple[Window, ...], Rows]:
    """Each word and sign of code, hidden where the model predicts it."""
    units = [(0, m.start(), m.end(), 0) for m in _UNIT.finditer(code)][:UNITS]
    if not units:
        raise DataError("code", expected="at least one word or sign", got="none", remedy="give some code")
    rows = Rows.from_units(("token",), units)
    dataset = Dataset((Example("pasted", code, (), "test", "pasted"),), "pasted code")
    reading = ExtractionOptions(view="predict", rounds=MASKED_PARTS)
    windows = reading.plan(model, dataset, rows).windows["test"]
    if not windows:
        got = "none that the model could predict"
        raise DataError("code", expected="a second word or sign", got=got, remedy="give more code")
    return windows, rows


def _prediction(
    model: LanguageModel,
    code: str,
    rows: Rows,
    i: int,
    pair: tuple[Predictions, Predictions],
    random: Sequence[Predictions],
) -> LivePrediction:
    row = int(pair[0].row[i])
    start, end = int(rows.start[row]), int(rows.end[row])
    before, after = (str(model.tokenizer.decode([int(p.token[i])])) for p in pair)
    true_before, true_after = (float(np.exp(-p.loss[i])) for p in pair)
    chances = [float(np.exp(-p.loss[i])) for p in random]
    return LivePrediction(start=start, end=end, token=code[start:end], before=before, after=after,
                          true_before=true_before, true_after=true_after,
                          true_random=sum(chances) / len(chances) if chances else None)  # fmt: skip
