"""A piece of code, given as a text, through the model: the values of chosen neurons at every token."""

import numpy as np
import torch

from neurosieve.activations.align import Encoding, encode
from neurosieve.activations.window_cuts import best_windows, cut_windows
from neurosieve.errors import DataError
from neurosieve.models import CodeModel
from neurosieve.results.code_reading import CodeReading
from neurosieve.results.neuron_set import NeuronSet


def read_snippet(model: CodeModel, code: str, neurons: NeuronSet) -> CodeReading:
    """Values of neurons over code; code longer than the model's input is read in windows, as everywhere.

    Args:
        model: Ready to read.
        code: Any text.
        neurons: Of the model's site.

    Raises:
        DataError: No token in the code.
    """
    encoding = encode(model.tokenizer, [code])[0]
    if not len(encoding.ids):
        raise DataError("code", expected="at least one token", got="none", remedy="give some code")
    cuts = cut_windows(len(encoding.ids), model.max_tokens - len(encoding.prefix) - len(encoding.suffix))
    home = best_windows(cuts)
    values = np.empty((len(home), len(neurons)), dtype=np.float32)
    for number, cut in enumerate(cuts):
        tokens = np.flatnonzero(home == number)
        values[tokens] = _window_values(model, encoding, cut, neurons)[tokens - cut[0]]
    spans = tuple(zip(encoding.start.tolist(), encoding.end.tolist(), strict=True))
    return CodeReading(code=code, spans=spans, neurons=neurons, values=values)


def _window_values(model: CodeModel, encoding: Encoding, cut: tuple[int, int], neurons: NeuronSet) -> np.ndarray:
    """Of the window's content tokens, shape [tokens, neurons]."""
    ids = (*encoding.prefix, *encoding.ids[slice(*cut)].tolist(), *encoding.suffix)
    states = model.plain_states(torch.tensor([ids]))
    content = slice(len(encoding.prefix), len(encoding.prefix) + cut[1] - cut[0])
    columns = [states[neuron.layer][0, content, neuron.index].float().cpu().numpy() for neuron in neurons]
    return np.stack(columns, 1)
