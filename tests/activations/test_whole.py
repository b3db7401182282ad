"""Rows of whole examples: pooled over all windows, against one unpadded call a window and explicit loops."""

from itertools import product
from pathlib import Path

import pytest
import torch

from neurosieve.activations import ActivationStore, ExtractionOptions, extract, plan_reading
from neurosieve.activations.align import encode
from neurosieve.activations.extraction import read_activations
from neurosieve.data.dataset import Dataset, Example, Span
from neurosieve.data.sampling import Sample, sample_rows
from neurosieve.models import load_model
from neurosieve.typing import SPLITS, Pooling
from tests.activations.oracle import plain_choice, plain_states, plain_windows
from tests.tiny import BLOCKS, NAMES, TYPICAL, tiny_loaded, tiny_model

TEXTS = (
    "x = 1",
    "def add(a, b):\n    return a + b\n" * 6,
    "for i in range(10):\n\tprint(i)\n",
    "while not done():\n    done = step(x):\n" * 3,
)
POOLINGS: tuple[Pooling, ...] = ("mean", "first", "last")


def dataset() -> Dataset:
    """Four functions a split, two of them longer than the tiny models' windows."""
    examples = []
    for split in SPLITS:
        for i, text in enumerate(TEXTS):
            code = f"{text}# {split}"
            examples.append(Example(f"{split}:{i}", code, (Span(0, len(code), "ab"[i % 2]),), split, f"{split}{i}"))
    return Dataset(tuple(examples), "functions", whole=True)


def sample() -> Sample:
    return sample_rows(dataset())


def plain_row(name: str, text: str, pooling: Pooling) -> torch.Tensor:
    """All layers of one example, shape [layers, width]."""
    model = tiny_loaded(name)
    (encoding,) = encode(model.tokenizer, [text])
    tokens = encoding.ids.tolist()
    windows = plain_windows(len(tokens), model.max_tokens - len(encoding.prefix) - len(encoding.suffix))
    states = [plain_states(name, [*encoding.prefix, *tokens[w.start : w.stop], *encoding.suffix]) for w in windows]
    if pooling == "first":
        return torch.stack([s[:, 0] for s in states]).mean(0)
    before, vectors = len(encoding.prefix), []
    for t in range(len(tokens)):
        home = windows.index(plain_choice([t], windows))
        vectors.append(states[home][:, t - windows[home].start + before])
    return vectors[-1] if pooling == "last" else torch.stack(vectors).mean(0)


def stored(store: ActivationStore) -> dict[str, torch.Tensor]:
    rows: dict[str, torch.Tensor] = {}
    for split in SPLITS:
        values = store.read(split).values.reshape(-1, BLOCKS + 1, store.manifest.width)
        for name, row in zip(store.table(split)["example"].to_pylist(), values, strict=True):
            assert name not in rows
            rows[name] = row
    return rows


@pytest.mark.parametrize(
    ("name", "pooling", "batch_tokens"),
    [
        pytest.param(*case, marks=[] if case[1:] == ("mean", 4096) or case[0] in TYPICAL else pytest.mark.slow)
        for case in product(NAMES, POOLINGS, (8, 4096))
    ],
)
def test_rows_equal_plain_calls(name: str, pooling: Pooling, batch_tokens: int, tmp_path: Path) -> None:
    options = ExtractionOptions(pooling=pooling, batch_tokens=batch_tokens, dtype="float32", shard_bytes=1)
    store = extract(tiny_loaded(name), dataset(), sample(), tmp_path / "store", options)
    assert store.manifest.long_examples > 0
    rows = stored(store)
    assert len(rows) == len(dataset().examples) == store.manifest.counts["kept"]
    assert store.manifest.rows == {split: len(TEXTS) for split in SPLITS}
    for example in dataset().examples:
        torch.testing.assert_close(rows[example.id], plain_row(name, example.text, pooling), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_memory_is_as_the_store(pooling: Pooling, tmp_path: Path) -> None:
    """What untrained copies are read with has the same rows in the same order."""
    model, options = tiny_loaded("roberta"), ExtractionOptions(pooling=pooling, batch_tokens=64, dtype="float32")
    store = extract(model, dataset(), sample(), tmp_path / "store", options)
    for split in SPLITS:
        read = read_activations(model, dataset(), sample(), split, options)
        kept = store.read(split)
        torch.testing.assert_close(read.values, kept.values)
        assert read.text.tolist() == kept.text.tolist()
        assert read.label.tolist() == kept.label.tolist()


def test_each_token_counts_once() -> None:
    """Windows overlap by half, their parts do not."""
    model = load_model(tiny_model("gpt2"), max_tokens=8)
    plan = plan_reading(model.tokenizer, 8, dataset(), sample().rows)
    for index, example in enumerate(dataset().examples):
        (encoding,) = encode(model.tokenizer, [example.text])
        parts = [w for w in plan.windows[example.split] if w.example == index]
        assert sum(len(tokens) for w in parts for tokens in w.tokens) == len(encoding.ids)
        assert len(parts) > 1 or len(encoding.ids) <= 8


def test_a_text_without_tokens_is_skipped() -> None:
    model = tiny_loaded("bert")
    blank = Example("train:9", "\u200b", (Span(0, 1, "a"),), "train", "g")
    data = Dataset((*dataset().examples, blank), "functions", whole=True)
    (encoding,) = encode(model.tokenizer, [blank.text])
    plan = plan_reading(model.tokenizer, model.max_tokens, data, sample_rows(data).rows)
    assert len(encoding.ids) == 0
    assert plan.counts.skipped == 1
    assert plan.rows("train") == len(TEXTS)
