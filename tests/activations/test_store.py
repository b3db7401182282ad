"""The store: exact round trip, readable by others, damage named, and the dtype rules."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from neurosieve.activations import ActivationStore, Manifest
from neurosieve.activations.row_table import ROW_SCHEMA
from neurosieve.activations.store_dtype import choose_dtype
from neurosieve.errors import NeurosieveError, StoreError
from neurosieve.typing import NeuronId, Split
from tests.tiny import assert_one_line

WIDTH = 4


def manifest(*dtypes: str) -> Manifest:
    return Manifest(
        model="m",
        revision=None,
        adapter={"family": "bert"},
        site="hidden",
        layers=len(dtypes),
        width=WIDTH,
        labels=["a", "b"],
        dtypes=list(dtypes),
        counts={"kept": 0},
        long_examples=0,
        self_check={},
        notes=["said on loading"],
        rows={"train": 3, "validation": 0, "test": 2},
        reading="r",
    )


def table(split: Split, count: int, first: int = 0) -> pa.Table:
    records = [
        {
            "row": first + i, "example": f"e{i}", "group": f"g{i % 2}", "text": "é\n", "start": i, "end": i + 2,
            "label": "b", "label_id": 1, "split": split, "window": 0,
        }
        for i in range(count)
    ]  # fmt: skip
    return pa.Table.from_pylist(records, schema=ROW_SCHEMA)


def values(rows: int, layers: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, WIDTH, generator=generator) for _ in range(layers)]


@pytest.fixture(params=["local", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "local":
        yield str(tmp_path / "store")
        return
    yield f"memory://{tmp_path.name}/store"
    memory = fsspec.filesystem("memory")
    if memory.exists(f"/{tmp_path.name}"):
        memory.rm(f"/{tmp_path.name}", recursive=True)


def filled(url: str | Path, *dtypes: str) -> ActivationStore:
    """Two train shards and one test shard."""
    store = ActivationStore(url, manifest(*(dtypes or ("float32", "float16", "bfloat16"))))
    layers = store.manifest.layers
    for number, (split, rows) in enumerate((("train", 2), ("train", 1), ("test", 2))):
        store.append(split, values(rows, layers, number), table(split, rows, number))  # type: ignore[arg-type]
    return store


def test_round_trip_is_exact(url: str) -> None:
    filled(url)
    store = ActivationStore(url)
    store.verify()
    for split, numbers, rows in (("train", (0, 1), (2, 1)), ("test", (2,), (2,))):
        parts = [values(r, 3, n) for n, r in zip(numbers, rows, strict=True)]
        exact = [torch.cat(layer) for layer in zip(*parts, strict=True)]
        kept = [exact[0], exact[1].half().float(), exact[2].bfloat16().float()]
        came = store.read(split)  # type: ignore[arg-type]
        assert torch.equal(came.values, torch.cat(kept, dim=1))
        assert torch.equal(store.read(split, [2, 0]).values, torch.cat([kept[2], kept[0]], dim=1))  # type: ignore[arg-type]
        expected = pa.concat_tables([table(split, r, n) for n, r in zip(numbers, rows, strict=True)])  # type: ignore[arg-type]
        assert store.table(split).equals(expected)  # type: ignore[arg-type]
        assert came.text.tolist() == expected["text"].to_pylist()
        assert came.group.tolist() == expected["group"].to_pylist()
        assert came.label.tolist() == expected["label_id"].to_pylist()
        assert came.labels == ("a", "b")


@pytest.mark.parametrize("layers", [None, [1], [2, 0]])
def test_shard_by_shard_is_all_at_once(url: str, layers: list[int] | None) -> None:
    filled(url)
    store = ActivationStore(url)
    parts, tables = zip(*store.batches("train", layers), strict=True)
    assert [len(p) for p in parts] == [2, 1]
    assert torch.equal(torch.cat(parts), store.read("train", layers).values)
    assert pa.concat_tables(tables).equals(store.table("train"))


def test_columns_are_named_by_neuron(url: str) -> None:
    filled(url)
    rows = ActivationStore(url).read("test", [2, 0])
    assert [rows.neuron(c) for c in range(2 * WIDTH)] == [NeuronId(layer, i) for layer in (2, 0) for i in range(WIDTH)]
    assert str(rows.neuron(0)) == "2:0"


def test_a_split_without_rows_is_empty(url: str) -> None:
    filled(url)
    rows = ActivationStore(url).read("validation")
    assert rows.values.shape == (0, 3 * WIDTH)
    assert len(rows.label) == len(rows.text) == 0


def test_manifest_says_what_others_need(tmp_path: Path) -> None:
    """The fields that are promised; every shard's checksum is that of its file."""
    filled(tmp_path)
    record = json.loads((tmp_path / "manifest.json").read_text())
    assert record["format"] == 1
    assert {"model", "revision", "site", "layers", "width", "dtypes", "rows", "counts", "labels", "shards"} <= set(
        record
    )
    assert (record["layers"], record["dtypes"]) == (3, ["float32", "float16", "bfloat16"])
    assert [(s["split"], s["count"]) for s in record["shards"]] == [("train", 2), ("train", 1), ("test", 2)]
    for shard in record["shards"]:
        for name, digest in ((shard["values"], shard["sha256"]), (shard["rows"], shard["rows_sha256"])):
            assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    named = {n for s in record["shards"] for n in (s["values"], s["rows"])}
    assert {p.name for p in tmp_path.iterdir()} == named | {"manifest.json"}


def test_others_read_it_without_this_package(tmp_path: Path) -> None:
    filled(tmp_path, "float32", "float16")
    for number, rows in enumerate((2, 1, 2)):
        tensors = load_file(tmp_path / f"shard-{number:05d}.safetensors")
        assert sorted(tensors) == ["layer.0", "layer.1"]
        assert [tensors[k].dtype for k in sorted(tensors)] == [np.float32, np.float16]
        assert np.array_equal(tensors["layer.0"], values(rows, 2, number)[0].numpy())
        read = pq.read_table(tmp_path / f"rows-{number:05d}.parquet")
        assert read.schema.equals(ROW_SCHEMA)
        assert read.num_rows == rows


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a\x1eb", "\x1ec"], [("a", "b"), ("", "c")]),
        (["a\x1eb", "c"], ["a\x1eb", "c"]),
        (["a\x1eb\x1e", "\x1ec"], ["a\x1eb\x1e", "\x1ec"]),
    ],
)
def test_shards_without_the_place_of_a_pair_are_read(tmp_path: Path, texts: list[str], expected: object) -> None:
    """As earlier versions wrote them: joint pairs have one separator in each text."""
    rows = table("train", 2).set_column(4, "text", pa.array(texts))
    store = ActivationStore(tmp_path, manifest("float32"))
    store.append("train", values(2, 1), rows.drop_columns(["left_end"]))
    store.append("train", values(2, 1), rows)
    assert store.read("train").text.tolist() == [*expected, *texts]  # type: ignore[misc]


def flip(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def empty(data: bytes) -> bytes:
    return data[:0]


def garbage(data: bytes) -> bytes:
    return b"x" * len(data)


@pytest.mark.parametrize("name", ["shard-00001.safetensors", "rows-00002.parquet"])
@pytest.mark.parametrize("spoil", [flip, cut, empty])
def test_verify_names_the_damaged_file(name: str, spoil: Callable[[bytes], bytes], url: str) -> None:
    store = filled(url)
    store.folder.write(name, spoil(store.folder.read(name)))
    with pytest.raises(StoreError) as caught:
        ActivationStore(url).verify()
    assert_one_line(caught.value, name, "sha256", "the same command")


@pytest.mark.parametrize("name", ["shard-00002.safetensors", "rows-00002.parquet"])
@pytest.mark.parametrize("spoil", [None, cut, empty, garbage])
def test_reading_names_the_damaged_file(name: str, spoil: Callable[[bytes], bytes] | None, url: str) -> None:
    """Missing, cut, empty or garbage: one line with the file's name, and other splits stay readable."""
    store = filled(url)
    if spoil is None:
        store.folder.fs.rm(f"{store.folder.root}/{name}")
    else:
        store.folder.write(name, spoil(store.folder.read(name)))
    with pytest.raises(StoreError) as caught:
        ActivationStore(url).read("test")
    assert_one_line(caught.value, name, "the same command")
    assert len(ActivationStore(url).read("train").values) == 3


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b'{"format": 1, "model"', "broken JSON"),
        (b"\xff\xfe", "broken JSON"),
        (b"", "broken JSON"),
        (b"[]", "a whole JSON object"),
        (b'{"format": 2}', "version 2"),
        (b'{"model": "m"}', "format version 1"),
        (b'{"format": 1}', "manifest"),
        (b'{"format": 1, "model": "m", "surprise": 0}', "manifest"),
    ],
)
def test_bad_manifest(content: bytes, part: str, url: str) -> None:
    filled(url).folder.write("manifest.json", content)
    with pytest.raises(StoreError) as caught:
        ActivationStore(url)
    assert_one_line(caught.value, url, part, "the same command")


def test_no_store_there(url: str, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for place in (tmp_path / "x", tmp_path / "none"):
        assert not ActivationStore.started(place)
        with pytest.raises(StoreError) as caught:
            ActivationStore(place)
        assert_one_line(caught.value, "manifest.json")
    filled(url)
    assert ActivationStore.started(url)


def test_filesystem_that_is_not_installed() -> None:
    """An unknown URL is an error of one line, too."""
    with pytest.raises(NeurosieveError) as caught:
        ActivationStore.started("nosuch://bucket/store")
    assert_one_line(caught.value, "nosuch")


def test_overflow_is_kept_in_float32_and_said(tmp_path: Path) -> None:
    """What the sample did not show: that shard's layer alone changes its dtype, and no value is lost."""
    store = ActivationStore(tmp_path, manifest("float16", "float16"))
    tame, wild = values(2, 2, 0), values(2, 2, 1)
    wild[1][1, 2] = -70_000.0
    store.append("train", tame, table("train", 2))
    store.append("train", wild, table("train", 2))
    assert [s["float32_layers"] for s in ActivationStore(tmp_path).manifest.shards] == [[], [1]]
    assert load_file(tmp_path / "shard-00001.safetensors")["layer.1"].dtype == np.float32
    assert load_file(tmp_path / "shard-00001.safetensors")["layer.0"].dtype == np.float16
    came = ActivationStore(tmp_path).read("train", [1]).values
    assert torch.equal(came, torch.cat([tame[1].half().float(), wild[1]]))


def test_choose_dtype() -> None:
    """METHOD: float16 if no value is inf or nan and each neuron's rounding error is at most 1 % of its spread."""
    tame = torch.randn(64, 8, generator=torch.Generator().manual_seed(1))
    assert choose_dtype(tame, "auto") == "float16"
    assert [choose_dtype(tame * 1e6, w) for w in ("float16", "bfloat16", "float32")] == [
        "float16",
        "bfloat16",
        "float32",
    ]
    for bad in (float("inf"), float("nan"), 70_000.0):
        spoiled = tame.clone()
        spoiled[3, 5] = bad
        assert choose_dtype(spoiled, "auto") == "float32"
    offset = tame.clone()
    offset[:, 2] = 1000 + 0.1 * tame[:, 2]  # steps of 0.5 at 1000 drown a spread of 0.1
    assert choose_dtype(offset, "auto") == "float32"
    assert choose_dtype(tame * 1e-9, "auto") == "float32"  # below float16's smallest number
    assert choose_dtype(tame[:1], "auto") == "float16"


@pytest.mark.parametrize("constant", [0.0, 0.1, -3.3, 1 / 3, 1000.1])
@pytest.mark.parametrize("rows", [2, 63, 64, 1000])
def test_constant_neuron_does_not_widen_the_store(constant: float, rows: int) -> None:
    """A neuron that never changes has nothing to lose by rounding."""
    sample = torch.randn(rows, 3, generator=torch.Generator().manual_seed(2))
    sample[:, 1] = constant
    assert choose_dtype(sample, "auto") == "float16"


@settings(deadline=None, max_examples=60)
@given(scale=st.floats(-6, 6), shift=st.floats(0, 3), seed=st.integers(0, 99))
def test_one_percent_rule(scale: float, shift: float, seed: int) -> None:
    """Against the plain computation in double precision, away from the very limit."""
    sample = torch.randn(40, 2, generator=torch.Generator().manual_seed(seed)) * 10.0**scale
    sample[:, 1] += 10.0**shift
    half = sample.half()
    error = (half.double() - sample.double()).std(0, correction=0)
    spread = sample.double().std(0, correction=0)
    assume(bool((spread > 0).all()))  # constant neurons have a test of their own
    ratio = float((error / spread).max()) if bool(half.isfinite().all()) else float("inf")
    if not 0.0095 < ratio < 0.0105:
        assert choose_dtype(sample, "auto") == ("float16" if ratio < 0.01 else "float32")
