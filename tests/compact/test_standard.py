"""The form that transformers loads: its pipeline gives the labels that `load_compact` gives."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers

from neurosieve.compact import CodeText, load_compact
from neurosieve.compact.building import standard_unit, write_record, write_standard
from neurosieve.compact.standard_head import set_head, standard_network
from neurosieve.errors import ModelError, NeurosieveWarning
from tests.compact.test_forms import LABELS, UNIT, head, neurons
from tests.tiny import assert_one_line, quiet_transformers, tiny_dataset, tiny_loaded, tiny_mlp

TOKENS = ("bert", "roberta", "distilbert", "deberta-v2", "modernbert", "electra", "albert", "llama", "gpt2")
SEQUENCES = ("bert", "roberta", "distilbert", "deberta-v2", "modernbert", "electra", "albert")


def written(name: str, folder: Path, *, whole: bool) -> Any:
    """A family's first block with a random head, as a folder; what comes to the head is spread first."""
    model = tiny_loaded(name)
    network = standard_network(model, 1, LABELS, sequences=whole)
    ids = np.arange(8, 40).reshape(2, 16)
    came = network.batch(ids, np.ones_like(ids), None).reshape(-1, network.outputs)
    own = head(network.outputs)
    scale = np.maximum(came.std(0), 1e-6)
    weight = own.weight / scale[:, None]
    set_head(network, replace(own, weight=weight, bias=own.bias - came.mean(0) @ weight))
    unit = standard_unit(replace(UNIT, whole=whole, task="defect-detection" if whole else UNIT.task), model)
    chosen = neurons(1)
    write_record(folder, write_standard(folder, model, network, chosen, head(len(chosen)), unit))
    return load_compact(folder)


def pipeline(kind: str, folder: Path) -> Any:
    with quiet_transformers():
        return transformers.pipeline(kind, model=str(folder), tokenizer=str(folder), device="cpu")  # type: ignore[call-overload]


@pytest.mark.parametrize("name", TOKENS)
def test_tokens_have_the_labels_of_the_pipeline(name: str, tmp_path: Path) -> None:
    small = written(name, tmp_path, whole=False)
    labels = pipeline("token-classification", tmp_path)
    seen = set()
    short = [e for e in tiny_dataset().examples if len(labels.tokenizer(e.text)["input_ids"]) <= small.spec.max_tokens]
    for example in short[:6]:  # longer ones are read in windows, which the pipeline does not know
        spans = tuple((span.start, span.end) for span in example.spans)
        found = small.predict([CodeText(example.text, spans)])[0]
        tokens = [t for t in labels(example.text) if t["end"] > t["start"]]
        for (start, end), label in zip(spans, found, strict=True):
            own = [
                t
                for t in tokens
                if t["start"] < end and t["end"] > start and example.text[t["start"] : t["end"]].strip()
            ]
            if label is None or not own or own[0]["start"] < start:
                continue  # white space that a token begins with is not of the unit, which the pipeline does not know
            assert own[0]["entity"] == label
            seen.add(label)
    assert seen


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_have_the_labels_of_the_pipeline(name: str, tmp_path: Path) -> None:
    small = written(name, tmp_path, whole=True)
    texts = [example.text for example in tiny_dataset().examples][:6]
    with pytest.warns(NeurosieveWarning, match="longer than the 40 tokens") as told:
        found = [labels[0] for labels in small.predict([CodeText(text) for text in texts])]
    assert "\n" not in str(told[0].message)
    short = [(text, label) for text, label in zip(texts, found, strict=True) if len(text) < 30]
    classify = pipeline("text-classification", tmp_path)
    assert [classify(text)[0]["label"] for text, _ in short] == [label for _, label in short]


@pytest.mark.parametrize(
    ("model", "unit", "said"),
    [
        ("hidden", replace(UNIT, whole=True, sides=2), "pairs of two inputs"),
        ("hidden", replace(UNIT, labels=("value",), target=(0.0, 1.0)), "values"),
        ("mlp", UNIT, "the site mlp"),
    ],
)
def test_what_it_cannot_hold_is_said(model: str, unit: Any, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        standard_unit(unit, tiny_mlp("bert") if model == "mlp" else tiny_loaded("bert"))
    assert_one_line(caught.value, said, "pass --form full")


@pytest.mark.parametrize(("name", "whole"), [("t5:encoder", False), ("llama", True), ("codegen", False)])
def test_a_family_without_such_a_head_is_said(name: str, whole: bool) -> None:
    with pytest.raises(ModelError) as caught:
        standard_network(tiny_loaded(name), 1, LABELS, sequences=whole)
    assert_one_line(caught.value, "form standard", "pass --form full")
