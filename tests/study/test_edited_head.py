"""What an edit does to a fine-tuned head, against plain calls of transformers with hooks set by hand."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from neurosieve.config import StudyConfig, make_config
from neurosieve.edited_task import NO_HEAD, head_effect
from neurosieve.errors import ConfigError, ModelError
from neurosieve.finetune import FinetuneOptions, finetune
from neurosieve.interventions import Ablate, Edit, Scale, live
from neurosieve.models import CodeModel, load_model
from neurosieve.stages import StudyData
from neurosieve.study import read_data
from tests.interventions.oracle import IDS, MASK, entering, multiplied
from tests.study import data_folder
from tests.tiny import BLOCKS, NAMES, assert_one_line, family, quiet_transformers, tiny_loaded, tiny_model

_UNTYPED: Any = transformers
SOME = (3, 0, 7)
LABELS = {"tokens": ("NAME", "NUM", "SIGN"), "texts": ("0", "1"), "pairs": ("0", "1")}
TASKS = {"tokens": "token-tagging", "texts": "defect-detection", "pairs": "clone-detection"}
OTHERS: tuple[tuple[int, ...], ...] = ((1,), (2, 5), (4,))


def suffix(kind: str) -> str:
    return "ForTokenClassification" if kind == "tokens" else "ForSequenceClassification"


def classifier(name: str, kind: str, folder: Path, labels: tuple[str, ...] = ()) -> Path:
    """A tiny model with a random head, saved in the way of `neurosieve finetune`."""
    names = labels or LABELS[kind]
    config = {"num_labels": len(names), "id2label": dict(enumerate(names)), "label2id": {n: i for i, n in enumerate(names)}}
    tokenizer = tiny_loaded(name).tokenizer
    pad = {"pad_token_id": tokenizer.pad_token_id or tokenizer.eos_token_id}
    with quiet_transformers():
        torch.manual_seed(4)
        network = getattr(_UNTYPED, f"AutoModel{suffix(kind)}").from_pretrained(tiny_model(name), **config, **pad)
        for parameter in network.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def write(folder: Path, kind: str) -> Path:
    """Texts of many lengths, or pairs of them; some longer than the model's input."""
    if kind == "tokens":
        return data_folder()
    rng = random.Random(2)
    folder.mkdir()
    for split in ("train", "valid", "test"):
        rows: list[dict[str, Any]] = []
        for i in range(24):
            texts = [f"f{split}{i} " + " ".join(rng.choices("ab+-()", k=rng.randint(1, 30))) for _ in range(2)]
            own = {"func": texts[0], "target": i % 2}
            rows.append(own if kind == "texts" else {"code1": texts[0], "code2": texts[1], "label": i % 2})
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return folder


def study(model: Path, kind: str, data: Path, **more: Any) -> StudyConfig:
    values = {"model": str(model), "data": str(data), "task": TASKS[kind], "device": "cpu", "bootstrap": 100}
    return make_config(options=values | ({"keep_overlap": True} if kind == "pairs" else {}) | more)


def plainly(folder: Path, name: str, kind: str, data: StudyData, layer: int, zeros: tuple[int, ...]) -> list[bool]:
    """Each test unit's hit, one input after the other, with zeros put in as they enter a block."""
    with quiet_transformers():
        network = getattr(_UNTYPED, f"AutoModel{suffix(kind)}").from_pretrained(folder).eval()
    below = replace(load_model(folder, device="cpu"), network=network.base_model)
    hits = []
    for texts, spans in units(kind, data):
        read = below.tokenizer(
            *texts, truncation=True, max_length=below.max_tokens, return_tensors="pt", return_offsets_mapping=True
        )
        offsets = read.pop("offset_mapping")[0].tolist()
        with entering(below, name, layer, list(zeros), torch.zeros(len(zeros))), torch.inference_mode():
            logits = network(**read).logits[0]
        if kind != "tokens":
            hits.append(network.config.id2label[int(logits.argmax())] == spans[0][2])
            continue
        labels = {}  # of two units in one subword the later one counts
        for start, end, label in spans:
            labels[next(t for t, (a, b) in enumerate(offsets) if a < end and b > max(a, start))] = label
        hits += [network.config.id2label[int(logits[t].argmax())] == label for t, label in labels.items()]
    return hits


def units(kind: str, data: StudyData) -> list[tuple[list[str], list[tuple[int, int, str]]]]:
    """The texts of each test input, with its labels."""
    dataset = data.dataset
    if kind == "pairs":
        mine = [p for p in dataset.pairs if p.split == "test"]
        return [([dataset.examples[i].text for i in (p.left, p.right)], [(0, 0, p.label)]) for p in mine]
    return [([e.text], [tuple(s) for s in e.spans]) for e in dataset.split("test")]  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["tokens", "texts", "pairs"])
@pytest.mark.parametrize("name", ["bert", "roberta", "gpt2", "llama"])
def test_against_the_plain_call(name: str, kind: str, tmp_path: Path) -> None:
    """In padded batches as one by one, whatever the side of the padding; three times over."""
    folder = classifier(name, kind, tmp_path / "model")
    config = study(folder, kind, write(tmp_path / "data", kind), batch_tokens=200)
    data = read_data(config)
    found, reason = head_effect(
        config, data, [Ablate.zero(1, SOME)], [[Ablate.zero(1, other)] for other in OTHERS], rows=10**6
    )
    assert reason is None
    assert found is not None
    hits = [plainly(folder, name, kind, data, 1, zeros) for zeros in ((), SOME, *OTHERS)]
    base, edited, *others = (np.mean(h) for h in hits)
    expected = {"base": base, "edited": edited, "drop": base - edited, "random": base - np.mean(others)}
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert any(h != hits[0] for h in hits)
    assert found["score"] == "accuracy"
    assert found["n"] == len(hits[0])
    assert found["rows_note"] == f"all {found['n']} test rows"
