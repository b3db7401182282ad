"""Concept rows: all words of as many files as are asked for, and stores whose rows find their line again."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations import ExtractionOptions
from neurosieve.concepts.properties import annotate
from neurosieve.concepts.rows import ConceptRows, ConceptStore, concept_rows, read_concepts
from neurosieve.data.dataset import Dataset, Example
from neurosieve.errors import ConfigError, DataError, ModelError
from neurosieve.typing import SPLITS, NeuronId, View
from tests.activations.oracle import plain_states
from tests.concepts.planted import PROPERTIES, code, planted_store, values_of
from tests.tiny import assert_one_line, tiny_loaded


def files(count: int = 3, text: Any = code) -> Dataset:
    examples = [
        Example(f"{split}/{i}.py", text((split, i)), (), split, f"{split}/{i}.py")
        for split in SPLITS
        for i in range(count)
    ]
    return Dataset(tuple(examples), "made up")


def rows_of(dataset: Dataset, **options: Any) -> ConceptRows:
    return concept_rows(dataset, ["python"] * len(dataset.examples), **{"properties": PROPERTIES} | options)


def spans(rows: ConceptRows) -> list[tuple[str, int, int]]:
    examples = rows.dataset.examples
    columns = zip(rows.rows.example, rows.rows.start, rows.rows.end, strict=True)
    return [(examples[e].id, int(a), int(b)) for e, a, b in columns]


def test_all_tokens_of_all_files_with_their_properties() -> None:
    """Rows, table and texts go together; the table is that of each file read alone."""
    rows = rows_of(files())
    assert len(rows.rows) == len(rows.table) == len(set(spans(rows)))
    at = 0
    for i, example in enumerate(rows.dataset.examples):
        alone = annotate([example.text], "python", None, PROPERTIES)
        own = slice(at, at + len(alone))
        assert (rows.rows.example[own] == i).all()
        assert (rows.table.example[own] == i).all()
        for name in ("start", "end"):
            np.testing.assert_array_equal(getattr(rows.rows, name)[own], getattr(alone, name))
            np.testing.assert_array_equal(getattr(rows.table, name)[own], getattr(alone, name))
        for name, codes in alone.codes.items():
            here = [None if c < 0 else alone.values[name][c] for c in codes]
            there = [None if c < 0 else rows.table.values[name][c] for c in rows.table.codes[name][own]]
            assert here == there
        at += len(alone)
    assert at == len(rows.table)
    assert rows.left == dict.fromkeys(SPLITS, 0)


def test_whole_files_by_seed_until_there_are_enough_tokens() -> None:
    dataset = files(5)
    size = Counter(example for example, _, _ in spans(rows_of(dataset)))
    few = rows_of(dataset, tokens={"train": 150, "validation": 1, "test": 10**9})
    kept = Counter(example for example, _, _ in spans(few))
    assert all(count == size[example] for example, count in kept.items())
    taken = {split: sum(e.startswith(split) for e in kept) for split in SPLITS}
    assert 1 <= taken["train"] < 5
    assert (taken["validation"], taken["test"]) == (1, 5)
    assert few.left == {split: 5 - taken[split] for split in SPLITS}
    assert {e.id for e in few.dataset.examples} == set(kept)


def test_files_are_drawn_by_seed_and_split() -> None:
    """The same again; others with another seed; what one split asks for never moves the draw of another."""
    dataset, few = files(6, lambda seed: f"x{seed[1]} = 1\n"), {"train": 2, "validation": 2, "test": 2}
    drawn = {
        (s, test): spans(rows_of(dataset, tokens=few | {"test": test}, seed=s)) for s in range(4) for test in (2, 9)
    }
    assert spans(rows_of(dataset, tokens=few)) == drawn[0, 2]
    assert len({tuple(drawn[s, 2]) for s in range(4)}) > 1
    for s in range(4):
        one, other = ([unit for unit in drawn[s, test] if not unit[0].startswith("test")] for test in (2, 9))
        assert one == other
        assert drawn[s, 2] != drawn[s, 9]


def test_what_is_no_code_has_no_rows() -> None:
    dataset = files()
    languages = ["python" if i % 3 else None for i in range(len(dataset.examples))]
    rows = concept_rows(dataset, languages, properties=PROPERTIES)
    assert len(rows.dataset.examples) == len(rows.languages) == 6
    assert not any(e.id.endswith("/0.py") for e in rows.dataset.examples)


def test_properties_of_examples_alone_are_given_to_tokens() -> None:
    """`length` says what a file is; the rows are its words all the same, not the files."""
    both, alone = (rows_of(files(), properties=p) for p in (("lexical", "length", "loops"), ("length", "loops")))
    assert spans(alone) == spans(both)
    for name in alone.table.codes:
        np.testing.assert_array_equal(alone.table.codes[name], both.table.codes[name])
        for i in range(len(alone.dataset.examples)):
            assert len(set(alone.table.codes[name][alone.table.example == i])) == 1


@pytest.mark.parametrize(
    ("text", "properties", "parts"),
    [
        (lambda _: "a = b\n", ["number"], ("properties", "at least one with two values", "number: ")),
        (code, [], ("properties", "at least one with two values", "got none")),
        (lambda seed: "" if seed[0] == "validation" else code(seed), None, ("validation split", "tokens of code")),
    ],
)
def test_rows_that_cannot_be_made(text: Any, properties: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        rows_of(files(2, text), properties=properties)
    assert_one_line(caught.value, *parts)


def test_no_code_at_all() -> None:
    dataset = files()
    with pytest.raises(DataError) as caught:
        concept_rows(dataset, [None] * len(dataset.examples), properties=PROPERTIES)
    assert_one_line(caught.value, "train split", "tokens of code")


def test_unknown_property() -> None:
    with pytest.raises(ConfigError) as caught:
        rows_of(files(), properties=["lexcal"])
    assert_one_line(caught.value, "property 'lexcal'", "did you mean lexical?")


def test_a_shuffled_store_finds_its_lines_again(tmp_path: Path) -> None:
    """Planted shifts say which row is which: codes, texts and groups follow the order of the store."""
    plant = NeuronId(2, 5)
    store = planted_store(tmp_path / "s", {plant: ("lexical=number", 100.0)})
    examples, table = store.rows.dataset.examples, store.table
    number = table.values["lexical"].index("number")
    for split in SPLITS:
        values, numbers = values_of(store, split)
        assert list(numbers) != sorted(numbers)
        assert {examples[e].split for e in table.example[numbers]} == {split}
        np.testing.assert_array_equal(store.numbers(split), numbers)
        np.testing.assert_array_equal(values[:, 21] > 50, store.codes("lexical", split) == number)
        where = [(examples[table.example[r]], table.start[r], table.end[r]) for r in numbers]
        assert store.groups(split) == [e.group for e, _, _ in where]
        assert store.texts(split) == [e.text[a:b] for e, a, b in where]
        own = store.store.table(split)
        assert store.texts(split) == own["text"].to_pylist()
        wanted = [NeuronId(0, 7), plant]
        np.testing.assert_array_equal(store.columns(split, wanted).numpy(), values[:, [7, 21]].astype(np.float32))
        layers = torch.cat([x for x, _ in store.batches(split, [2])])
        np.testing.assert_array_equal(layers.numpy(), values[:, 16:].astype(np.float32))
    assert store.neurons.tolist() == [[layer, index] for layer in range(3) for index in range(8)]
    assert store.columns("test", []).shape == (len(store.numbers("test")), 0)


@pytest.mark.parametrize("per_value", [1, 40, 10**6])
def test_sample_holds_some_rows_of_each_value(per_value: int, tmp_path: Path) -> None:
    store = planted_store(tmp_path / "s", {})
    values, _ = values_of(store, "train")
    texts, groups, codes = store.texts("train"), store.groups("train"), store.codes("role", "train")
    drawn = store.sample("train", "role", per_value, seed=1)
    counts = np.bincount(codes[codes >= 0])
    assert np.bincount(drawn.label).tolist() == np.minimum(counts, per_value).tolist()
    assert drawn.labels == store.table.values["role"]
    known = {row.tobytes(): i for i, row in enumerate(values.astype(np.float32))}
    places = [known[row.numpy().tobytes()] for row in drawn.values]
    assert places == sorted(set(places))
    assert drawn.label.tolist() == codes[places].tolist()
    assert list(drawn.text) == [texts[i] for i in places]
    assert list(drawn.group) == [groups[i] for i in places]
    again, other = (store.sample("train", "role", per_value, seed=s) for s in (1, 2))
    assert torch.equal(again.values, drawn.values)
    assert torch.equal(other.values, drawn.values) == (per_value == 10**6)


def test_sample_of_one_value(tmp_path: Path) -> None:
    """Numbers stand in files of train alone; of one kind of token nothing can be drawn."""
    rows = rows_of(files(2, lambda seed: f"x = {1 if seed[0] == 'train' else 'y'}\n" * 5), properties=["lexical"])
    store = planted_store(tmp_path / "s", {}, rows=rows, shards=1)
    drawn = store.sample("test", "lexical", 3)
    assert "number" in drawn.labels
    assert set(drawn.label.tolist()) == {drawn.labels.index("identifier"), drawn.labels.index("operator")}
    rows = rows_of(files(2, lambda seed: "x = x\n" if seed[0] == "train" else "y\n"), properties=["lexical"])
    store = planted_store(tmp_path / "t", {}, rows=rows, shards=1)
    with pytest.raises(DataError) as caught:
        store.sample("test", "lexical", 3)
    assert_one_line(caught.value, "lexical in test", "got 1")


def read(name: str, view: View, url: Path, **options: Any) -> ConceptStore:
    dataset = files(1, lambda seed: f"x = add(y, 1)  # remembers {seed[0][0]}\nz = x\n")
    rows = rows_of(dataset, properties=["lexical", "use"])
    return read_concepts(tiny_loaded(name), rows, url, ExtractionOptions(dtype="float32", view=view, **options))


@pytest.mark.parametrize("name", ["bert", "modernbert", "gpt2", "llama", "gemma3_text"])
def test_detect_reads_all_rows_where_they_stand(name: str, tmp_path: Path) -> None:
    """Each row is the mean of the plain call's states over its own subwords, of which a comment's word has several."""
    store = read(name, "detect", tmp_path / "s")
    model, examples = tiny_loaded(name), store.rows.dataset.examples
    every, subwords = list[int](), dict[str, int]()
    for split in SPLITS:
        values, numbers = values_of(store, split)
        every += numbers.tolist()
        assert store.texts(split) == store.store.table(split)["text"].to_pylist()
        text = next(e.text for e in examples if e.split == split)
        coded = model.tokenizer(text, return_offsets_mapping=True, add_special_tokens=True)
        assert len(coded["input_ids"]) <= model.max_tokens
        states = plain_states(name, coded["input_ids"])
        for row, number in zip(values, numbers, strict=True):
            a, b = int(store.table.start[number]), int(store.table.end[number])
            own = [i for i, (s, e) in enumerate(coded["offset_mapping"]) if s < b and e > a and e > s]
            subwords[text[a:b]] = len(own)
            expected = states[:, own].mean(1).flatten()
            np.testing.assert_allclose(row, expected.numpy(), rtol=1e-3, atol=1e-4)
    assert sorted(every) == list(range(len(store.table)))
    assert subwords["remembers"] > 1


@pytest.mark.parametrize(("name", "rounds"), [("bert", 7), ("bert", 2), ("gpt2", 3), ("gemma3_text", 3)])
def test_predict_reads_rows_of_the_same_table(name: str, rounds: int, tmp_path: Path) -> None:
    store = read(name, "predict", tmp_path / "s", rounds=rounds)
    numbers = np.concatenate([store.numbers(split) for split in SPLITS])
    assert len(set(numbers.tolist())) == len(numbers)
    for split in SPLITS:
        assert store.texts(split) == store.store.table(split)["text"].to_pylist()
    if rounds == 7:
        assert len(numbers) == len(store.table)
    elif name == "bert":
        assert 0 < len(numbers) < len(store.table)
    else:  # a decoder guesses all but what begins a text; with a start token before it that too
        first = {int(np.flatnonzero(store.table.example == i)[0]) for i in range(3)} if name == "gpt2" else set()
        assert set(range(len(store.table))) - set(numbers.tolist()) == first


def test_predict_without_mask_token(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        read("deberta-v2", "predict", tmp_path / "s")
    assert_one_line(caught.value, "mask token")
