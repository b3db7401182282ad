"""What an edit does to a fine-tuned head, against plain calls of transformers with hooks set by hand."""

import contextlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from neurosieve.data import Dataset
from neurosieve.errors import ConfigError, ModelError
from neurosieve.interventions import Ablate, Edit, Scale, live
from neurosieve.models import CodeModel, load_model
from neurosieve.results import NotMeasured, Reason, to_json
from neurosieve.results.interventions import TaskEffect
from neurosieve.studies.config import StudyConfig, make_config
from neurosieve.studies.finetune.run import finetune
from neurosieve.studies.inputs import read_dataset
from neurosieve.studies.interventions.edited_task import head_effect
from neurosieve.studies.option_models import FinetuneOptions
from tests.interventions.oracle import IDS, MASK, entering, multiplied
from tests.studies import data_folder
from tests.tiny import BLOCKS, NAMES, assert_one_line, family, quiet_transformers, tiny_loaded, tiny_model

_UNTYPED: Any = transformers
SOME = (3, 0, 7)
LABELS = {"tokens": ("NAME", "NUM", "SIGN"), "texts": ("0", "1"), "pairs": ("0", "1")}
TASKS = {"tokens": "token-tagging", "texts": "defect-detection", "pairs": "clone-detection"}
OTHERS: tuple[tuple[int, ...], ...] = ((1,), (2, 5), (1, 2, *range(4, 7), *range(8, 16)))


def suffix(kind: str) -> str:
    return "ForTokenClassification" if kind == "tokens" else "ForSequenceClassification"


def classifier(name: str, kind: str, folder: Path, labels: tuple[str, ...] = ()) -> Path:
    """A tiny model with a random head, saved in the way of `neurosieve finetune`."""
    names = labels or LABELS[kind]
    config = {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {n: i for i, n in enumerate(names)},
    }
    tokenizer = tiny_loaded(name).tokenizer
    pad = {"pad_token_id": tokenizer.pad_token_id or tokenizer.eos_token_id}
    with quiet_transformers():
        torch.manual_seed(7)
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


def plainly(
    folder: Path, name: str, kind: str, data: Dataset, layer: int, zeros: tuple[int, ...], *, only_read: bool = False
) -> list[bool]:
    """Each test unit's hit, one input after the other, with zeros put in as they enter a block.

    With `only_read` at the tokens of the units alone.
    """
    with quiet_transformers():
        network = getattr(_UNTYPED, f"AutoModel{suffix(kind)}").from_pretrained(folder).eval()
    below = replace(load_model(folder, device="cpu"), network=network.base_model)
    hits = []
    for texts, spans in units(kind, data):
        read = below.tokenizer(
            *texts, truncation=True, max_length=below.max_tokens, return_tensors="pt", return_offsets_mapping=True
        )
        offsets = read.pop("offset_mapping")[0].tolist()
        labels = {}  # of two units in one subword the later one counts
        for start, end, label in spans if kind == "tokens" else ():
            labels[next(t for t, (a, b) in enumerate(offsets) if a < end and b > max(a, start))] = label
        seen = torch.tensor([[t in labels for t in range(len(offsets))]])
        edited: contextlib.AbstractContextManager[Any] = entering(
            below, name, layer, list(zeros), torch.zeros(len(zeros))
        )
        if only_read:
            edited = live(below, [Ablate.zero(layer, zeros)], seen) if zeros else contextlib.nullcontext()
        with edited, torch.inference_mode():
            logits = network(**read).logits[0]
        if kind != "tokens":
            hits.append(network.config.id2label[int(logits.argmax())] == spans[0][2])
            continue
        hits += [network.config.id2label[int(logits[t].argmax())] == label for t, label in labels.items()]
    return hits


def units(kind: str, data: Dataset) -> list[tuple[list[str], list[tuple[int, int, str]]]]:
    """The texts of each test input, with its labels."""
    if kind == "pairs":
        mine = [p for p in data.pairs if p.split == "test"]
        return [([data.examples[i].text for i in (p.left, p.right)], [(0, 0, p.label)]) for p in mine]
    return [([e.text], [tuple(s) for s in e.spans]) for e in data.split("test")]  # type: ignore[misc]


def effect_of(*given: Any, **more: Any) -> TaskEffect:
    """Of a head that there is."""
    effect = head_effect(*given, **more)
    assert isinstance(effect, TaskEffect)
    return effect


@pytest.mark.parametrize("kind", ["tokens", "texts", "pairs"])
@pytest.mark.parametrize("name", ["bert", "roberta", "gpt2", "llama"])
def test_against_the_plain_call(name: str, kind: str, tmp_path: Path) -> None:
    """In padded batches as one by one, whatever the side of the padding; three times over."""
    folder = classifier(name, kind, tmp_path / "model")
    config = study(folder, kind, write(tmp_path / "data", kind), batch_tokens=200)
    data = read_dataset(config)
    found = effect_of(config, data, [Ablate.zero(1, SOME)], [[Ablate.zero(1, other)] for other in OTHERS], rows=10**6)
    hits = [plainly(folder, name, kind, data, 1, zeros) for zeros in ((), SOME, *OTHERS)]
    base, edited, *others = (np.mean(h) for h in hits)
    expected = {"base": base, "edited": edited, "drop": base - edited, "random": base - np.mean(others)}
    assert {key: to_json(found)[key] for key in expected} == pytest.approx(expected)
    assert any(h != hits[0] for h in hits)
    assert found.score == "accuracy"
    assert found.base.n == len(hits[0])
    assert found.rows_note == f"all {found.base.n} test rows"


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_edits_where_the_head_is_read(name: str, tmp_path: Path) -> None:
    """At the tokens whose class is asked for; of whole texts at all tokens, whichever the head reads."""
    folder, wide = classifier(name, "tokens", tmp_path / "model"), tuple(range(8))
    config = study(folder, "tokens", data_folder(), batch_tokens=200)
    data, edits = read_dataset(config), [Ablate.zero(1, wide)]
    found = effect_of(config, data, edits, [[Ablate.zero(1, SOME)]], rows=10**6, only_read=True)
    base, edited, other = (
        np.mean(plainly(folder, name, "tokens", data, 1, zeros, only_read=True)) for zeros in ((), wide, SOME)
    )
    assert (found.base.value, found.edited, found.random) == pytest.approx((base, edited, base - other))
    texts = study(classifier(name, "texts", tmp_path / "other"), "texts", write(tmp_path / "texts", "texts"))
    one, two = (effect_of(texts, read_dataset(texts), edits, [edits], only_read=some) for some in (True, False))
    assert one == two


def with_head(name: str, kind: str) -> bool:
    mapping = getattr(_UNTYPED, f"AutoModel{suffix(kind)}")._model_mapping
    if (name, kind) == ("t5:encoder", "tokens"):  # its checkpoint has no decoder and says so, but is loaded with one
        return False
    return type(tiny_loaded(name).network.config) in mapping and family(name).stack != "decoder"


@pytest.mark.parametrize("kind", ["tokens", "texts"])
@pytest.mark.parametrize("name", NAMES)
def test_edits_below_a_head(name: str, kind: str, tmp_path: Path) -> None:
    """Of every family that has one: what is edited in the base model reaches the head, at both sites."""
    if not with_head(name, kind):
        pytest.skip("transformers has no such head")
    folder = classifier(name, kind, tmp_path)
    with quiet_transformers():
        whole = getattr(_UNTYPED, f"AutoModel{suffix(kind)}").from_pretrained(folder).eval()
    whole.config.decoder_start_token_id = 0  # T5's tiny config has none
    below: CodeModel = replace(load_model(folder, device="cpu", stack=family(name).stack), network=whole.base_model)
    ids = IDS.where(MASK.bool(), below.pad_id)
    ids[:, -1], mask = below.tokenizer.eos_token_id or 5, torch.ones_like(ids)  # BART's head asks for the end token

    @torch.inference_mode()
    def logits() -> torch.Tensor:
        found: torch.Tensor = whole(**below.inputs(ids, mask)).logits
        return found

    plain = logits()
    for layer in range(BLOCKS):
        with entering(below, name, layer, list(SOME), torch.zeros(len(SOME))):
            slow = logits()
        with live(below, [Ablate.zero(layer, SOME)]):
            torch.testing.assert_close(logits(), slow)
        assert not torch.allclose(slow, plain)
        with multiplied(below, "mlp", name, layer, list(SOME), -9.0):
            slow = logits()
        with live(below, [Scale(layer, SOME, -9.0)], site="mlp"):
            torch.testing.assert_close(logits(), slow)
        assert not torch.allclose(slow, plain)
    assert torch.equal(logits(), plain)


def test_few_units(tmp_path: Path) -> None:
    """As many of each class; windows without any are not read."""
    config = study(classifier("bert", "tokens", tmp_path / "model"), "tokens", data_folder())
    data = read_dataset(config)
    nothing: list[Edit] = [Scale(0, SOME, 1.0)]
    one, two = (effect_of(config, data, nothing, [nothing], rows=4) for _ in range(2))
    assert one == two
    assert one.base.n == 12
    assert one.drop.value == one.random == 0.0
    assert one.rows_note.endswith("test rows, drawn by seed 0")


@pytest.mark.parametrize("kind", ["tokens", "texts", "pairs"])
def test_head_that_was_fine_tuned(kind: str, tmp_path: Path) -> None:
    """As it is it scores what `finetune` noted."""
    pytest.importorskip("accelerate")
    data = write(tmp_path / "data", kind)
    tuned = finetune(
        study(tiny_model("gpt2"), kind, data), tmp_path / "tuned", FinetuneOptions(epochs=1, rate=3e-3, batch=8)
    )
    config = study(tuned.folder, kind, data)
    found = effect_of(config, read_dataset(config), [Ablate.zero(2, SOME)], [[Scale(2, SOME, 1.0)]], rows=10**6)
    assert found.base.value == pytest.approx(tuned.result.test.value)
    assert found.base.n == tuned.result.test.n
    assert found.base.interval == pytest.approx(tuned.result.test.interval)


def test_pairs_that_a_study_joins(tmp_path: Path) -> None:
    """The head reads both texts in its own way, whichever way the study reads them."""
    folder, data = classifier("bert", "pairs", tmp_path / "model"), write(tmp_path / "data", "pairs")
    found = []
    for way in ("separate", "joint"):
        config = study(folder, "pairs", data, pair_input=way)
        found.append(effect_of(config, read_dataset(config), [Ablate.zero(1, SOME)], [[Ablate.zero(1, (1,))]]))
    assert found[0] == found[1]


def test_head_that_pads_with_another_token(tmp_path: Path) -> None:
    """A decoder's head looks for the last token that is no padding by its own config."""
    folder, data = classifier("gpt2", "texts", tmp_path / "model"), write(tmp_path / "data", "texts")
    outcomes = []
    for pad in (json.loads((folder / "config.json").read_text())["pad_token_id"], 7, None):
        made = json.loads((folder / "config.json").read_text()) | {"pad_token_id": pad}
        (folder / "config.json").write_text(json.dumps(made))
        config = study(folder, "texts", data)
        outcomes.append(effect_of(config, read_dataset(config), [Ablate.zero(1, SOME)], [[Ablate.zero(1, (1,))]]))
    assert outcomes[0] == outcomes[1] == outcomes[2]


def refused(config: StudyConfig, *parts: str) -> None:
    effect = head_effect(config, read_dataset(config), [Scale(0, SOME, 1.0)], [])
    assert isinstance(effect, NotMeasured)
    assert effect == NotMeasured.from_text(effect.text)
    assert effect.reason is Reason.NO_HEAD
    for part in parts:
        assert part in effect.text


def test_models_without_such_a_head(tmp_path: Path) -> None:
    texts = write(tmp_path / "texts", "texts")
    refused(study(tiny_model("bert"), "tokens", data_folder()), "it is BertForMaskedLM")
    of_texts = classifier("bert", "texts", tmp_path / "model")
    refused(study(of_texts, "tokens", data_folder()), "it is BertForSequenceClassification")
    refused(study(of_texts, "texts", texts, target="values"), "labels are values")
    others = classifier("bert", "texts", tmp_path / "others", labels=("clean", "defective"))
    refused(study(others, "texts", texts), "it knows the labels clean, defective, not 0")
    paired = classifier("bart:encoder", "texts", tmp_path / "paired")
    refused(study(paired, "texts", texts, stack="decoder"), "encoder alone")


def test_a_head_of_more_classes(tmp_path: Path) -> None:
    """Which the study leaves out: its outputs keep their numbers."""
    folder = classifier("bert", "tokens", tmp_path / "model")
    every, few = (study(folder, "tokens", data_folder(), classes=c) for c in (None, ["SIGN", "NUM"]))
    edits: list[Edit] = [Scale(0, SOME, 1.0)]
    bases = []
    for config in (every, few):
        bases.append(effect_of(config, read_dataset(config), edits, [edits], rows=10**6).base)
    labels = [label for _, spans in units("tokens", read_dataset(every)) for _, _, label in spans]
    hits = plainly(folder, "bert", "tokens", read_dataset(every), 1, ())
    own = [hit for hit, label in zip(hits, labels, strict=True) if label != "NAME"]
    assert bases[1].n == len(own)
    assert bases[1].value == pytest.approx(np.mean(own))
    assert bases[0].value == pytest.approx(np.mean(hits))


def test_lacking_weights(tmp_path: Path) -> None:
    """A config that promises a head, with a checkpoint of the language model."""
    folder = classifier("bert", "tokens", tmp_path / "model")
    (folder / "model.safetensors").write_bytes((tiny_model("bert") / "model.safetensors").read_bytes())
    config = study(folder, "tokens", data_folder())
    with pytest.raises(ModelError) as caught:
        head_effect(config, read_dataset(config), [Scale(0, SOME, 1.0)], [])
    assert_one_line(caught.value, "weights of", "missing (classifier")


def test_no_random_edit(tmp_path: Path) -> None:
    config = study(classifier("bert", "tokens", tmp_path / "model"), "tokens", data_folder())
    with pytest.raises(ConfigError) as caught:
        head_effect(config, read_dataset(config), [Scale(0, SOME, 1.0)], [])
    assert_one_line(caught.value, "random edits")
