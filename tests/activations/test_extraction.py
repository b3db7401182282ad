"""Extracted rows are transformers' own: one grid of families, each test against a slow plain oracle."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from neurosieve.activations import ActivationStore, ExtractionOptions, extract, plan_reading
from neurosieve.activations.align import encode
from neurosieve.activations.selfcheck import check_rows, check_sample
from neurosieve.data.dataset import Dataset, Example, Rows, Span
from neurosieve.data.sampling import Sample
from neurosieve.errors import DataError, SelfCheckError
from neurosieve.models import CodeModel, load_model
from neurosieve.typing import SPLITS, Pooling, Precision, Site, StoreDtype
from tests.activations.oracle import assert_same_rows, plain_rows, stored_rows
from tests.tiny import (
    BLOCKS,
    DECODERS,
    ENCODERS,
    NAMES,
    TYPICAL,
    UNITS,
    WIDTH,
    assert_one_line,
    family,
    tiny_at,
    tiny_dataset,
    tiny_loaded,
    tiny_model,
    tiny_sample,
)

GRID = pytest.mark.parametrize("name", NAMES)
FULL = ExtractionOptions(dtype="float32")


def rows_of(model: CodeModel, folder: Path, **changes: Any) -> ActivationStore:
    return extract(model, tiny_dataset(), tiny_sample(), folder / "store", replace(FULL, **changes))


@functools.cache
def small_set() -> tuple[Dataset, Sample]:
    """Three examples, one a split, with two classes: enough where values are not compared."""
    text = "x = f(a):"
    spans = tuple(Span(i, i + 1, "word" if text[i].isalpha() else "sign") for i in range(len(text)) if text[i] != " ")
    examples = tuple(Example(s, text, spans, s, s) for s in SPLITS)
    units = [(i, s.start, s.end, int(s.label == "word")) for i in range(len(examples)) for s in spans]
    return Dataset(examples, "small"), Sample(Rows.from_units(("sign", "word"), units), 0, {})


@pytest.mark.parametrize(
    ("name", "batch_tokens"),
    [
        pytest.param(name, size, marks=[] if size == 64 or name in TYPICAL else pytest.mark.slow)
        for name in NAMES
        for size in (8, 64, 4096)
    ],
)
def test_rows_equal_plain_calls(name: str, batch_tokens: int, tmp_path: Path) -> None:
    """Batched rows = the plain single call's, in one window or in many, at any batch size."""
    store = rows_of(tiny_loaded(name), tmp_path, batch_tokens=batch_tokens)
    assert store.manifest.long_examples > 0
    assert_same_rows(stored_rows(store), plain_rows(name), BLOCKS + 1)


@pytest.mark.parametrize(("site", "width"), [("mlp", UNITS), ("attention", WIDTH)])
@GRID
def test_units_equal_plain_calls(name: str, site: Site, width: int, tmp_path: Path) -> None:
    """One layer a block: what the second projection or attention's output matrix takes, whatever it is called."""
    model = tiny_at(name, site)
    store = rows_of(model, tmp_path, batch_tokens=64)
    assert (store.manifest.site, store.manifest.layers, store.manifest.width) == (site, BLOCKS, width)
    assert_same_rows(stored_rows(store), plain_rows(name, site=site), BLOCKS)
    assert not any(m._forward_pre_hooks for m in model.network.modules()), "hooks were left behind"


@GRID
def test_layers_are_blocks_and_one(name: str, tmp_path: Path) -> None:
    model = tiny_loaded(name)
    assert (model.adapter.family, model.adapter.kind, model.max_tokens) == (
        family(name).type,
        family(name).kind,
        family(name).max_tokens,
    )
    manifest = extract(model, *small_set(), tmp_path / "store", FULL).manifest
    assert (manifest.layers, manifest.width) == (BLOCKS + 1, WIDTH)
    assert len(manifest.dtypes) == BLOCKS + 1


@GRID
def test_longest_input_is_usable(name: str) -> None:
    """As many tokens as the adapter says are read without an error."""
    model = tiny_loaded(name)
    ids = torch.full((1, model.max_tokens), 7)
    assert len(model.states(ids, torch.ones_like(ids))) == BLOCKS + 1


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_decoders_give_the_same_on_either_side(
    name: str, side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_loaded(name)
    monkeypatch.setattr(model.tokenizer, "padding_side", side)
    assert model.padding_side == side
    assert_same_rows(stored_rows(rows_of(model, tmp_path, batch_tokens=512)), plain_rows(name), BLOCKS + 1)


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_are_padded_on_the_right(name: str, tmp_path: Path) -> None:
    """Whatever the tokenizer says; the override is noted."""
    folder = tmp_path / "left"
    folder.mkdir()
    for file in tiny_model(name).iterdir():
        (folder / file.name).symlink_to(file)
    config = folder / "tokenizer_config.json"
    text = config.read_text()
    config.unlink()
    config.write_text(text.replace("{", '{"padding_side": "left",', 1))
    model = load_model(folder, device="cpu", stack=family(name).stack)
    assert model.tokenizer.padding_side == "left"
    assert model.padding_side == "right"
    assert any("left" in note and "overridden" in note for note in model.notes)
    assert_same_rows(stored_rows(rows_of(model, tmp_path)), plain_rows(name), BLOCKS + 1)


@pytest.mark.parametrize(
    "name", [name if name in TYPICAL else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
@pytest.mark.parametrize("pooling", ["first", "last"])
def test_pooling(name: str, pooling: Pooling, tmp_path: Path) -> None:
    store = rows_of(tiny_loaded(name), tmp_path, pooling=pooling)
    assert_same_rows(stored_rows(store), plain_rows(name, pooling), BLOCKS + 1)


@GRID
def test_special_tokens_are_never_pooled(name: str) -> None:
    """Code that spells special tokens is read as text: no special id inside, no frame position pooled."""
    model = tiny_loaded(name)
    spelled = " ".join([*map(str, model.tokenizer.all_special_tokens), "</s>", "[MASK]", "<|endoftext|>"])
    units = [(i, s, s + 1, 0) for i in range(3) for s in range(len(spelled)) if spelled[s] != " "]
    dataset = Dataset(tuple(Example(s, spelled, (), s, s) for s in SPLITS), "spelled")
    plan = plan_reading(model.tokenizer, model.max_tokens, dataset, Rows.from_units(("a",), units))
    encoding = encode(model.tokenizer, [spelled])[0]
    special = set(model.tokenizer.all_special_ids) - {model.tokenizer.unk_token_id}
    assert plan.counts.kept == len(units)
    for window in (w for split in SPLITS for w in plan.windows[split]):
        content = range(len(encoding.prefix), len(window.ids) - len(encoding.suffix))
        assert not special & {window.ids[i] for i in content}
        assert {t for tokens in window.tokens for t in tokens} <= set(content)


@GRID
def test_self_check_is_recorded(name: str, tmp_path: Path) -> None:
    checked = extract(tiny_loaded(name), *small_set(), tmp_path / "store", FULL).manifest.self_check
    assert checked["rows"] > 0
    assert 0 <= checked["difference"] <= checked["tolerance"] == 1e-4


@pytest.mark.parametrize("layer", range(BLOCKS + 1))
@pytest.mark.parametrize("wrong", [0.01, float("nan")])
def test_self_check_refuses(layer: int, wrong: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are not transformers' own stop the extraction, and nothing is written."""
    model, right = tiny_loaded("roberta"), CodeModel.states

    def perturbed(self: CodeModel, *inputs: Any) -> tuple[torch.Tensor, ...]:
        states = list(right(self, *inputs))
        states[layer] = states[layer] + wrong * states[layer].abs().max()
        return tuple(states)

    monkeypatch.setattr(CodeModel, "states", perturbed)
    with pytest.raises(SelfCheckError) as caught:
        rows_of(model, tmp_path)
    assert_one_line(caught.value, f"layer {layer}", "nothing was written")
    assert not (tmp_path / "store").exists()


def test_self_check_catches_shifted_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Padding that is not masked: rows of shorter sequences change, and are refused."""
    right = CodeModel.states
    monkeypatch.setattr(CodeModel, "states", lambda self, ids, mask, _: right(self, ids, torch.ones_like(mask)))
    with pytest.raises(SelfCheckError):
        rows_of(tiny_loaded("bert"), tmp_path)
    assert not (tmp_path / "store").exists()


def test_check_sample_spans_all_lengths() -> None:
    plan = plan_reading(tiny_loaded("bert").tokenizer, 6, tiny_dataset(), tiny_sample().rows)
    windows = plan.windows["train"]
    few = check_sample(windows, 8)
    assert len(windows) > 8 >= len(few)
    assert few[0] is windows[0]
    assert few[-1] is windows[-1]
    assert check_sample(windows[:3], 8) == list(windows[:3])


def test_check_rows_needs_equal_rows() -> None:
    model = tiny_loaded("gpt2")
    plan = plan_reading(model.tokenizer, 12, tiny_dataset(), tiny_sample().rows)
    few = list(plan.windows["test"][:2])
    zeros = [torch.zeros(sum(len(w.rows) for w in few), WIDTH)] * (BLOCKS + 1)
    with pytest.raises(SelfCheckError, match="layer 0"):
        check_rows(model, few, zeros)


def test_drop_shared_leaves_out_units_that_share_a_subword(tmp_path: Path) -> None:
    """`):` is one subword of two units: both keep it, and it is counted, or both are left out."""
    dataset, sample = small_set()
    model = tiny_loaded("gpt2")
    keep = extract(model, dataset, sample, tmp_path / "keep", FULL).manifest.counts
    store = extract(model, dataset, sample, tmp_path / "drop", replace(FULL, drop_shared=True))
    assert keep == {"kept": 21, "truncated": 0, "skipped": 0, "empty": 0, "shared_subwords": 3}
    assert store.manifest.counts == {"kept": 15, "truncated": 0, "skipped": 6, "empty": 0, "shared_subwords": 0}
    assert {(r["start"], r["text"]) for r in store.table("test").to_pylist()} == {
        (0, "x"), (2, "="), (4, "f"), (5, "("), (6, "a"),
    }  # fmt: skip
    both = store.table("test").num_rows + 2
    assert both == ActivationStore(tmp_path / "keep").table("test").num_rows


def test_unit_longer_than_a_window_is_counted(tmp_path: Path) -> None:
    word = "q" * 100
    examples = tuple(Example(s, f"a {word} b", (Span(0, 1, "a"), Span(2, 102, "q")), s, s) for s in SPLITS)
    rows = Rows.from_units(("a", "q"), [(i, *u) for i in range(3) for u in ((0, 1, 0), (2, 102, 1))])
    store = extract(tiny_loaded("roberta"), Dataset(examples, "long"), Sample(rows, 5, {}), tmp_path / "s", FULL)
    counts = store.manifest.counts
    assert (counts["kept"], counts["truncated"], counts["empty"]) == (6, 3, 5)
    assert store.manifest.long_examples == 3


def test_units_without_subword_are_skipped_and_counted(tmp_path: Path) -> None:
    """BERT's tokenizer drops control characters: no subword, no row."""
    examples = tuple(Example(s, "a \u200b b", (), s, s) for s in SPLITS)
    rows = Rows.from_units(("a", "z"), [(i, *u) for i in range(3) for u in ((0, 1, 0), (2, 3, 1), (4, 5, 0))])
    store = extract(tiny_loaded("bert"), Dataset(examples, "odd"), Sample(rows, 0, {}), tmp_path / "s", FULL)
    assert (store.manifest.counts["kept"], store.manifest.counts["skipped"]) == (6, 3)
    empty = Rows.from_units(("a", "z"), [(i, 2, 3, 1) for i in range(3)])
    with pytest.raises(DataError) as caught:
        extract(tiny_loaded("bert"), Dataset(examples, "odd"), Sample(empty, 0, {}), tmp_path / "none", FULL)
    assert_one_line(caught.value, "train split")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "auto"])
@pytest.mark.parametrize("name", ["bert", "llama"])
def test_store_dtype(name: str, dtype: StoreDtype, tmp_path: Path) -> None:
    """The store holds the float32 rows rounded once."""
    exact = rows_of(tiny_loaded(name), tmp_path / "exact")
    store = rows_of(tiny_loaded(name), tmp_path, dtype=dtype)
    assert all(d == dtype for d in store.manifest.dtypes) or dtype == "auto"
    for split in SPLITS:
        full, came = exact.read(split).values, store.read(split).values
        for layer, kept in enumerate(store.manifest.dtypes):
            part = slice(layer * WIDTH, (layer + 1) * WIDTH)
            assert torch.equal(came[:, part], full[:, part].to(getattr(torch, kept)).float())


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_device_and_precision_are_kept(precision: Precision, tmp_path: Path) -> None:
    model = load_model(tiny_model("qwen2"), device="cpu", precision=precision)
    parameters = list(model.network.parameters())
    assert {p.dtype for p in parameters} == {getattr(torch, precision)}
    assert {p.device for p in parameters} == {torch.device("cpu")} == {model.device}
    assert not model.network.training
    store = rows_of(model, tmp_path)
    assert store.read("test").values.dtype == torch.float32
    assert {p.dtype for p in model.network.parameters()} == {getattr(torch, precision)}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@GRID
def test_rows_on_a_gpu_equal_those_of_the_cpu(name: str, tmp_path: Path) -> None:
    model = load_model(tiny_model(name), device="cuda", stack=family(name).stack)
    assert model.device.type == "cuda"
    came, expected = stored_rows(rows_of(model, tmp_path)), plain_rows(name)
    assert came.keys() == expected.keys()
    for unit, row in expected.items():
        torch.testing.assert_close(came[unit], row, rtol=1e-3, atol=1e-3 * float(row.abs().max()))


def test_two_runs_are_equal(tmp_path: Path) -> None:
    one, two = (rows_of(tiny_loaded("modernbert"), tmp_path / n) for n in "ab")
    assert [s["sha256"] for s in one.manifest.shards] == [s["sha256"] for s in two.manifest.shards]


def test_rows_table_names_the_units(tmp_path: Path) -> None:
    store = rows_of(tiny_loaded("bert"), tmp_path)
    dataset, sample = tiny_dataset(), tiny_sample()
    by_id = {e.id: e for e in dataset.examples}
    for split in SPLITS:
        for row in store.table(split).to_pylist():
            example = by_id[row["example"]]
            assert row["text"] == example.text[row["start"] : row["end"]]
            assert (row["split"], row["group"]) == (example.split, example.group)
            assert Span(row["start"], row["end"], row["label"]) in example.spans
            number = row["row"]
            assert int(sample.rows.start[number]) == row["start"]
            assert sample.rows.labels[int(sample.rows.label[number])] == row["label"]
            assert int(sample.rows.label[number]) == row["label_id"]
