"""Compact models of the networks that ship with the package, whose weights are trained: all forms give the same."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.compact import CodeText, load_compact
from neurosieve.compact.building import standard_unit, write_full, write_record, write_standard, write_table
from neurosieve.compact.linear_head import Head
from neurosieve.compact.onnx_building import TOLERANCE, write_onnx
from neurosieve.compact.standard_head import set_head, standard_network
from neurosieve.models import CodeModel, load_model
from neurosieve.typing import NeuronId
from tests.compact.test_forms import LABELS, UNIT, head
from tests.compact.test_standard import pipeline
from tests.tiny import CODE

CHOSEN = tuple(NeuronId(0, index) for index in (39, 3, 200))


@functools.cache
def shipped(name: str) -> CodeModel:
    return load_model(f"neurosieve/{name}")


def words() -> list[CodeText]:
    """Texts with all their words as units."""
    found = []
    for text in CODE:
        starts = [i for i, c in enumerate(text) if not c.isspace() and (i == 0 or text[i - 1].isspace())]
        ends = [i + len(text[i:].split()[0]) for i in starts]
        found.append(CodeText(text, tuple(zip(starts, ends, strict=True))))
    return found


def layer_0(model: CodeModel, own: Head) -> np.ndarray:
    """The head on layer 0 of each word, by transformers' own states."""
    rows = []
    for text in words():
        given: Any = model.tokenizer(str(text.text), return_offsets_mapping=True, return_tensors="pt")
        values = model.states(given["input_ids"], torch.ones_like(given["input_ids"]))[0][0].numpy()
        for start, end in text.spans or ():
            offsets = enumerate(given["offset_mapping"][0].tolist())
            inside = [i for i, (a, b) in offsets if a < end and b > start and str(text.text)[a:b].strip()]
            rows.append(values[inside].mean(0)[[n.index for n in CHOSEN]] @ own.weight + own.bias)
    return np.stack(rows)


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_a_table_is_the_probe_on_layer_0(name: str, tmp_path: Path) -> None:
    model, own = shipped(name), head(len(CHOSEN))
    write_record(tmp_path, write_table(tmp_path, model, CHOSEN, own, UNIT))
    table, wanted = load_compact(tmp_path).scores(words()), layer_0(model, own)
    assert np.abs(table - wanted).max() <= 1e-5 * np.abs(wanted).max()
    assert np.array_equal(table.argmax(1), wanted.argmax(1))


@pytest.mark.parametrize("blocks", [0, 2])
def test_onnx_gives_what_torch_gives(blocks: int, tmp_path: Path) -> None:
    chosen = (*CHOSEN, *(NeuronId(blocks, index) for index in (5, 77)))
    write_record(tmp_path, write_full(tmp_path, shipped("encoder"), chosen, head(len(chosen)), UNIT))
    by_torch = load_compact(tmp_path)
    assert by_torch.spec.blocks == blocks
    wanted = by_torch.scores(words())
    write_record(tmp_path, write_onnx(tmp_path, by_torch.spec))
    found = load_compact(tmp_path).scores(words())
    assert np.abs(found - wanted).max() <= TOLERANCE * np.abs(wanted).max()


def test_a_pipeline_of_transformers_gives_the_labels(tmp_path: Path) -> None:
    model = shipped("encoder")
    network = standard_network(model, 1, LABELS, sequences=False)
    given: Any = model.tokenizer("\n".join(CODE), return_tensors="np")
    ids = given["input_ids"]
    came = network.batch(ids, np.ones_like(ids), None).reshape(-1, network.outputs)
    own = head(network.outputs)
    weight = own.weight / np.maximum(came.std(0), 1e-6)[:, None]
    set_head(network, Head(weight, own.bias - came.mean(0) @ weight))
    own = head(len(CHOSEN))
    write_record(tmp_path, write_standard(tmp_path, model, network, CHOSEN, own, standard_unit(UNIT, model)))
    small, labels = load_compact(tmp_path), pipeline("token-classification", tmp_path)
    seen = set()
    for text in words():
        tokens = [t for t in labels(text.text) if str(text.text)[t["start"] : t["end"]].strip()]
        for (start, end), label in zip(text.spans or (), small.predict([text])[0], strict=True):
            first = next(t for t in tokens if t["start"] < end and t["end"] > start)
            assert first["entity"] == label
            seen.add(label)
    assert len(seen) > 1
