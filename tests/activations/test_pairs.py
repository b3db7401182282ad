"""Rows of pairs: |u − v| and u · v of each neuron, against the plain rows of both sides."""

import numpy as np
import pytest
import torch

from neurosieve.activations import ExtractionOptions, extract, plan_reading
from neurosieve.activations.align import encode
from neurosieve.activations.extraction import read_activations
from neurosieve.activations.row_table import texts_of
from neurosieve.activations.store import ActivationStore
from neurosieve.data.dataset import Dataset, Example, Pair
from neurosieve.data.sampling import Sample, sample_rows
from neurosieve.typing import SPLITS
from tests.activations.test_whole import TEXTS, plain_row
from tests.tiny import BLOCKS, tiny_loaded

ENDS = ((0, 1), (1, 2), (3, 1), (2, 0), (2, 2))  # a function may be paired with itself
OPTIONS = ExtractionOptions(pooling="mean", batch_tokens=64, dtype="float32", shard_bytes=1)


def dataset(blank: str | None = None) -> Dataset:
    examples: list[Example] = []
    pairs: list[Pair] = []
    for split in SPLITS:
        start = len(examples)
        codes = [f"{text}# {split}" for text in TEXTS]
        if blank is not None:
            codes[0] = blank
        examples += [Example(f"{split}:{i}", code, (), split, f"{split}{i}") for i, code in enumerate(codes)]
        pairs += [
            Pair(f"{split}:{n}", start + a, start + b, "ab"[n % 2], split, f"g{n}") for n, (a, b) in enumerate(ENDS)
        ]
    return Dataset(tuple(examples), "functions", whole=True, pairs=tuple(pairs))


def sample(data: Dataset) -> Sample:
    return sample_rows(data)


@pytest.fixture(scope="module", params=["roberta", "gpt2"])
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ActivationStore]:
    folder = tmp_path_factory.mktemp("pairs") / "store"
    return request.param, extract(tiny_loaded(request.param), dataset(), sample(dataset()), folder, OPTIONS)


def test_features_equal_plain_ones(stored: tuple[str, ActivationStore]) -> None:
    name, store = stored
    data = dataset()
    for split in SPLITS:
        rows = store.read(split)
        vectors = {e.text: plain_row(name, e.text, "mean").flatten() for e in data.split(split)}
        assert len(rows.neurons) == (BLOCKS + 1) * store.manifest.width
        assert rows.values.shape == (len(ENDS), 2 * len(rows.neurons))
        for row, text in zip(rows.values, rows.text, strict=True):
            u, v = (vectors[side] for side in text)
            torch.testing.assert_close(row[::2], (u - v).abs(), rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(row[1::2], u * v, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("count", [1, None])
def test_pairs_that_lose_an_end_are_counted(count: int | None) -> None:
    """Once each, whichever side is cut."""
    model, data = tiny_loaded("roberta"), dataset()
    rows = sample(data).rows
    plan = plan_reading(model.tokenizer, model.max_tokens, data, rows, max_windows=count)
    lengths = [len(encode(model.tokenizer, [e.text])[0].ids) for e in data.examples]
    long = {i for i, length in enumerate(lengths) if length > model.max_tokens - 2}
    cut = sum(bool({p.left, p.right} & long) for p in data.pairs)
    assert 0 < cut <= len(data.pairs) == plan.counts.kept
    assert plan.counts.truncated == (cut if count else 0)


def test_rows_keep_their_labels_and_groups(stored: tuple[str, ActivationStore]) -> None:
    data, store = dataset(), stored[1]
    assert store.manifest.counts["kept"] == 3 * len(ENDS)
    assert store.manifest.rows == dict.fromkeys(SPLITS, len(ENDS))
    for split in SPLITS:
        rows, mine = store.read(split), [p for p in data.pairs if p.split == split]
        assert [rows.labels[i] for i in rows.label] == [p.label for p in mine]
        assert rows.group.tolist() == [p.group for p in mine]
        texts = [tuple(data.examples[side].text for side in (p.left, p.right)) for p in mine]
        assert rows.text.tolist() == texts_of(store.units(split)).tolist() == texts
        assert store.table(split).num_rows == 2 * len(ENDS)


def test_each_text_is_read_once(stored: tuple[str, ActivationStore]) -> None:
    model, data = tiny_loaded(stored[0]), dataset()
    plan = plan_reading(model.tokenizer, model.max_tokens, data, sample(data).rows)
    for split in SPLITS:
        windows = [(w.example, w.number) for w in plan.windows[split]]
        assert len(windows) == len(set(windows))


def test_memory_is_as_the_store(stored: tuple[str, ActivationStore]) -> None:
    name, store = stored
    for split in SPLITS:
        read = read_activations(tiny_loaded(name), dataset(), sample(dataset()), split, OPTIONS)
        kept = store.read(split)
        torch.testing.assert_close(read.values, kept.values)
        assert read.text.tolist() == kept.text.tolist()
        assert np.array_equal(read.label, kept.label)


def test_a_pair_with_a_side_without_tokens_is_skipped() -> None:
    model, data = tiny_loaded("bert"), dataset(blank="\u200b")
    plan = plan_reading(model.tokenizer, model.max_tokens, data, sample(data).rows)
    with_blank = sum(0 in ends for ends in ENDS)
    assert (plan.counts.kept, plan.counts.skipped) == (3 * (len(ENDS) - with_blank), 3 * with_blank)
    assert plan.rows("train") == len(ENDS) - with_blank
