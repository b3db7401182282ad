"""From a trained checkpoint to figures and a folder that transformers loads."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from training.networks import Kind
from training.train import Data, Run

from neurosieve.errors import DataError
from tests.training.conftest import settings
from training import common, evaluate, ship, train

_UNTYPED: Any = transformers


@pytest.fixture(params=["encoder", "decoder"])
def kind(request: pytest.FixtureRequest) -> Kind:
    value: Kind = request.param
    return value


@pytest.fixture
def trained(data: Data, tmp_path: Path, kind: Kind) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    assert train.train(Run(settings(kind, tokens=60 * 256), data, torch.device("cpu")), folder, every=2048)
    return folder


def call(module: Any, monkeypatch: pytest.MonkeyPatch, **options: Path) -> int:
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    monkeypatch.setattr(sys, "argv", [module.__name__, *words])
    return common.exit_code(module.main)


def test_evaluate_and_ship(
    trained: Path, kind: Kind, data_folder: Path, corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate.ask, "__defaults__", (20, 64))
    out, manifest = tmp_path / "model", corpus_folder / "manifest.json"
    assert call(ship, monkeypatch, data=data_folder, run=trained, manifest=manifest, out=out) == 1
    assert call(evaluate, monkeypatch, data=data_folder, run=trained) == 0
    scores = json.loads((trained / "quality.json").read_text())["scores"]
    assert list(scores) == ["python", "java", "c", "total"]
    assert scores["total"]["tokens"] == sum(row["tokens"] for name, row in scores.items() if name != "total")
    assert all(0 <= row["top1"] <= 1 and 0 < row["ngram_top1"] <= 1 for row in scores.values())
    assert call(ship, monkeypatch, data=data_folder, run=trained, manifest=manifest, out=out) == 0
    text = (out / "MODEL_CARD.md").read_text()
    assert f"| total | {scores['total']['top1']:.3f} | {scores['total']['ngram_top1']:.3f} |" in text
    assert (out / "model.safetensors").stat().st_size < 200_000
    assert_loads(out, kind)


def assert_loads(folder: Path, kind: Kind) -> None:
    auto = _UNTYPED.AutoModelForMaskedLM if kind == "encoder" else _UNTYPED.AutoModelForCausalLM
    head, body = auto.from_pretrained(folder), _UNTYPED.AutoModel.from_pretrained(folder)
    words = _UNTYPED.AutoTokenizer.from_pretrained(folder)("def size(self):\n    return", return_tensors="pt")
    with torch.inference_mode():
        hidden = body(**words).last_hidden_state
        assert hidden.dtype == torch.float32
        own = head.base_model(**words).last_hidden_state
        assert torch.equal(hidden, own)
        assert head(**words).logits.shape[-1] == head.config.vocab_size


def test_a_run_without_a_curve_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a learning curve, got none"):
        ship.read_curve(tmp_path / "curve.jsonl")
