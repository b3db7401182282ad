"""Rows read into memory are those of a store, row by row and bit by bit; nothing is written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neurosieve.activations import ActivationStore, ExtractionOptions, extract
from neurosieve.activations.extraction import read_activations
from neurosieve.data.sampling import sample_rows
from neurosieve.models import load_model
from neurosieve.typing import SPLITS, Pooling, Split
from tests.tiny import BLOCKS, NAMES, WIDTH, tiny_dataset, tiny_loaded, tiny_model, tiny_sample

FULL = ExtractionOptions(dtype="float32")


def assert_same(store: ActivationStore, name: str, split: Split, options: ExtractionOptions) -> None:
    """Values, ids, labels, texts, groups and their order."""
    expected = store.read(split)
    found = read_activations(tiny_loaded(name), tiny_dataset(), tiny_sample(), split, options)
    assert found.values.dtype == torch.float32
    assert found.values.shape == expected.values.shape
    assert torch.equal(found.values, expected.values)
    assert found.labels == expected.labels
    for column in ("neurons", "label", "group", "text"):
        ours, theirs = getattr(found, column), getattr(expected, column)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    assert len(found.label) > 10


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_those_of_a_store(name: str, tmp_path: Path) -> None:
    store = extract(tiny_loaded(name), tiny_dataset(), tiny_sample(), tmp_path / "store", FULL)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    for split in SPLITS:
        assert_same(store, name, split, FULL)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["bert", "gpt2"])
@pytest.mark.parametrize("batch_tokens", [8, 64, 4096])
@pytest.mark.parametrize("shard_bytes", [1, 2**26])
def test_any_batches_and_shards(name: str, batch_tokens: int, shard_bytes: int, tmp_path: Path) -> None:
    """Several shards a split, or one; windows in batches of one or all at once."""
    options = replace(FULL, batch_tokens=batch_tokens, shard_bytes=shard_bytes)
    store = extract(tiny_loaded(name), tiny_dataset(), tiny_sample(), tmp_path / "store", options)
    for split in SPLITS:
        assert_same(store, name, split, options)


@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
@pytest.mark.parametrize("drop_shared", [False, True])
def test_any_pooling(pooling: Pooling, drop_shared: bool, tmp_path: Path) -> None:
    options = replace(FULL, pooling=pooling, drop_shared=drop_shared)
    store = extract(tiny_loaded("gpt2"), tiny_dataset(), tiny_sample(), tmp_path / "store", options)
    for split in SPLITS:
        assert_same(store, "gpt2", split, options)


@pytest.mark.parametrize("split", SPLITS)
def test_some_rows_of_a_split(split: Split, tmp_path: Path) -> None:
    """Rows drawn from a data set are read alone; rows of the other splits stay out."""
    sample = sample_rows(tiny_dataset(), per_class={"train": 7, "validation": 5, "test": 3}, seed=4)
    store = extract(tiny_loaded("bert"), tiny_dataset(), sample, tmp_path / "store", FULL)
    found = read_activations(tiny_loaded("bert"), tiny_dataset(), sample, split, FULL)
    assert torch.equal(found.values, store.read(split).values)
    assert list(found.text) == list(store.read(split).text)
    assert len(found.label) == 2 * {"train": 7, "validation": 5, "test": 3}[split]
    assert {str(g).split("-")[0] for g in found.group} == {"group"}


def test_ids_go_layer_by_layer() -> None:
    found = read_activations(tiny_loaded("bert"), tiny_dataset(), tiny_sample(), "test")
    assert found.neurons.tolist() == [[layer, i] for layer in range(BLOCKS + 1) for i in range(WIDTH)]


@pytest.mark.parametrize("max_tokens", [6, 20])
def test_short_windows(max_tokens: int, tmp_path: Path) -> None:
    model = load_model(tiny_model("bert"), device="cpu", max_tokens=max_tokens)
    store = extract(model, tiny_dataset(), tiny_sample(), tmp_path / "store", FULL)
    assert store.manifest.long_examples > 0
    for split in SPLITS:
        found = read_activations(model, tiny_dataset(), tiny_sample(), split, FULL)
        assert torch.equal(found.values, store.read(split).values)
        assert list(found.text) == list(store.read(split).text)
