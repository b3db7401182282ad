"""Both texts of a pair in one input, and long examples of which only the first windows are read."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neurosieve.activations import ExtractionOptions, extract, plan_reading
from neurosieve.activations.align import encode, encode_pair
from neurosieve.activations.row_table import texts_of
from neurosieve.data.dataset import Dataset, Example, Pair
from neurosieve.data.sampling import sample_rows
from neurosieve.typing import SPLITS, Pooling
from tests.activations.oracle import plain_network, plain_states, plain_windows
from tests.activations.test_whole import TEXTS, stored
from tests.activations.test_whole import dataset as functions
from tests.activations.test_whole import sample as rows_of_functions
from tests.tiny import tiny_loaded

SHORT = ("x = 1", "y = f(x)", "return a + b", "print(i)")
ENDS = ((0, 1), (1, 2), (2, 3), (3, 0))


def pairs() -> Dataset:
    examples: list[Example] = []
    units: list[Pair] = []
    for split in SPLITS:
        start = len(examples)
        examples += [Example(f"{split}:{i}", f"{t} # {split[1]}", (), split, f"{i}") for i, t in enumerate(SHORT)]
        units += [Pair(f"{split}:{n}", start + a, start + b, "ab"[n % 2], split, "g") for n, (a, b) in enumerate(ENDS)]
    return Dataset(tuple(examples), "pairs", whole=True, pairs=tuple(units))


def test_joined_pairs_are_whole_examples() -> None:
    data, joined = pairs(), pairs().joined()
    assert joined.label_counts == data.label_counts
    assert not joined.pairs
    for pair, example in zip(data.pairs, joined.examples, strict=True):
        left, right = (data.examples[side].text for side in (pair.left, pair.right))
        assert example.parts == (left, right)
        assert (example.id, example.split, example.group) == (pair.id, pair.split, pair.group)
        assert [tuple(s) for s in example.spans] == [(0, len(example.text), pair.label)]


@pytest.mark.parametrize("pooling", ["first", "mean", "last"])
@pytest.mark.parametrize("name", ["bert", "roberta", "gpt2", "llama", "deberta-v2", "t5:encoder"])
def test_rows_equal_transformers_own_pairs(name: str, pooling: Pooling, tmp_path: Path) -> None:
    """What the tokenizer makes of two texts, with its token types; the special tokens between are not pooled."""
    data = pairs().joined()
    options = ExtractionOptions(pooling=pooling, batch_tokens=64, dtype="float32")
    rows = stored(extract(tiny_loaded(name), data, sample_rows(data), tmp_path / "store", options))
    _, tokenizer = plain_network(name)
    for example in data.examples:
        left, right = example.parts
        if name in ("gpt2", "llama", "deberta-v2"):  # nothing stands between the texts otherwise
            left += "\n"
        batch = tokenizer(left, right, return_special_tokens_mask=True)
        states = plain_states(name, batch["input_ids"], types=batch.get("token_type_ids") if name == "bert" else None)
        content = [i for i, special in enumerate(batch["special_tokens_mask"]) if not special]
        chosen = {"first": [0], "mean": content, "last": content[-1:]}[pooling]
        torch.testing.assert_close(rows[example.id], states[:, chosen].mean(1), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["bert", "roberta", "gpt2"])
def test_pairs_that_do_not_fit_are_cut_and_counted(name: str) -> None:
    tokenizer = tiny_loaded(name).tokenizer
    whole = encode_pair(tokenizer, TEXTS[1:3], 10_000)
    room = len(whole.ids) - 5 + len(whole.prefix) + len(whole.suffix)
    cut = encode_pair(tokenizer, TEXTS[1:3], room)
    assert (whole.cut, cut.cut) == (False, True)
    assert len(cut.ids) + len(cut.prefix) + len(cut.suffix) == room
    behind = len(encode(tokenizer, [TEXTS[2]])[0].ids)
    assert cut.ids[-behind:].tolist() == whole.ids[-behind:].tolist(), "the shorter text stays whole"
    data = pairs().joined()
    plan = plan_reading(tokenizer, 10 + len(whole.prefix), data, sample_rows(data).rows)
    assert plan.counts.kept == len(data.examples)
    assert plan.counts.truncated == sum(encode_pair(tokenizer, e.parts, 10).cut for e in data.examples) > 0


@pytest.mark.parametrize("mark", ["\x1e", "\x1f", "\x00", "\u2028"])
@pytest.mark.parametrize("sides", [1, 2])
def test_any_character_may_stand_in_a_text_of_a_pair(sides: int, mark: str, tmp_path: Path) -> None:
    """The store tells both texts apart, and an unlike pair with the same characters is another text."""
    data = pairs()
    texts = (f"a{mark}b", f"{mark}c", f"{mark}{mark}", f"d{mark}")
    data = replace(data, examples=tuple(replace(e, text=texts[i % 4]) for i, e in enumerate(data.examples)))
    read = data if sides == 2 else data.joined()
    store = extract(tiny_loaded("gpt2"), read, sample_rows(read), tmp_path, ExtractionOptions(dtype="float32"))
    expected = [(texts[a], texts[b]) for a, b in ENDS]
    for split in SPLITS:
        assert sorted(store.read(split).text) == sorted(texts_of(store.units(split))) == sorted(expected)
    assert [e.parts for e in data.joined().split("test")] == expected


@pytest.mark.parametrize("pooling", ["first", "mean", "last"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", ["roberta", "gpt2"])
def test_first_windows_alone(name: str, count: int, pooling: Pooling, tmp_path: Path) -> None:
    """A long example is that of its first windows; what lost its end is counted."""
    model = tiny_loaded(name)
    options = ExtractionOptions(pooling=pooling, batch_tokens=64, dtype="float32", max_windows=count)
    store = extract(model, functions(), rows_of_functions(), tmp_path / "store", options)
    rows, lost = stored(store), 0
    for example in functions().examples:
        (encoding,) = encode(model.tokenizer, [example.text])
        capacity = model.max_tokens - len(encoding.prefix) - len(encoding.suffix)
        windows = plain_windows(len(encoding.ids), capacity)
        end = windows[:count][-1].stop
        lost += end < len(encoding.ids)
        if count == 1:
            ids = [*encoding.prefix, *encoding.ids[:end].tolist(), *encoding.suffix]
            content = list(range(len(encoding.prefix), len(encoding.prefix) + end))
            chosen = {"first": [0], "mean": content, "last": content[-1:]}[pooling]
            expected = plain_states(name, ids)[:, chosen].mean(1)
            torch.testing.assert_close(rows[example.id], expected, rtol=1e-3, atol=1e-4)
    assert store.manifest.counts["truncated"] == lost > 0
