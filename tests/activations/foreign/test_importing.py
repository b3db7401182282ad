"""Import of activations made elsewhere: every format against a plain oracle, splits, resume."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from neurosieve.activations import ActivationStore
from neurosieve.activations.foreign import importing as foreign
from neurosieve.activations.foreign.importing import import_activations
from neurosieve.activations.foreign.spelling import same_words
from neurosieve.errors import StoreError
from neurosieve.typing import SPLITS
from tests.tiny import assert_one_line

LAYERS, WIDTH = 3, 4
NAMES = {"train": "train", "validation": "valid", "test": "test"}
ENDINGS = (".hdf5", ".h5", ".json", ".jsonl", ".npy", ".safetensors")
SENTENCES = (".hdf5", ".h5", ".json", ".jsonl")
LINES = [f"v{i} = {i}" for i in range(12)] + ["v1 = 1", "", "if  é :", " w = 9"]
Arrays = list[np.ndarray]


def tag(token: str) -> str:
    return "ID" if token[:1].isalpha() else "NUM" if token.isdigit() else "OP" if token else ""


def arrays(lines: Sequence[str], seed: int = 0) -> Arrays:
    """[layers, tokens, width] of each line; eighths, which NeuroX's eight decimals and float16 hold."""
    rng = np.random.default_rng(seed)
    shapes = [(LAYERS, len(line.strip().split(" ")), WIDTH) for line in lines]  # NeuroX strips lines
    return [(rng.integers(-99, 99, s) / 8).astype(np.float32) for s in shapes]


def write_hdf5(path: Path, lines: Sequence[str], values: Arrays, index: object = None) -> None:
    """As NeuroX's writer does."""
    texts: dict[str, str] = {}
    with h5py.File(path, "w") as f:
        for i, (line, x) in enumerate(zip(lines, values, strict=True)):
            f.create_dataset(str(i), x.shape, dtype="float32", data=x)
            text, count = line.strip(), 1
            while text in texts:
                count += 1
                text = f"{line.strip()} (Occurrence {count})"
            texts[text] = str(i)
        entry = f.create_dataset("sentence_to_index", (1,), dtype=h5py.special_dtype(vlen=str))
        entry[0] = json.dumps(texts if index is None else index)


def json_record(number: int, line: str, x: np.ndarray) -> dict[str, Any]:
    features = [
        {"token": t, "layers": [{"index": k, "values": [round(float(v), 8) for v in x[k, j]]} for k in range(len(x))]}
        for j, t in enumerate(line.strip().split(" "))
    ]
    return {"linex_index": number, "features": features}


def write_json(path: Path, lines: Sequence[str], values: Arrays) -> None:
    records = [json_record(i, line, x) for i, (line, x) in enumerate(zip(lines, values, strict=True))]
    path.write_text("".join(json.dumps(r) + "\n" for r in records))


def flat(lines: Sequence[str], values: Arrays) -> tuple[np.ndarray, list[str], list[str]]:
    """Rows [rows, layers, width], texts and groups of all tokens."""
    units = [
        (x[:, j], t, f"g{i}")
        for i, (line, x) in enumerate(zip(lines, values, strict=True))
        for j, t in enumerate(line.strip().split(" "))
        if t
    ]
    return np.stack([u[0] for u in units]), [u[1] for u in units], [u[2] for u in units]


def write(folder: Path, name: str, ending: str, lines: Sequence[str] = LINES, seed: int = 0) -> Path:
    """One file with what belongs next to it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, values = folder / f"{name}{ending}", arrays(lines, seed)
    if ending in SENTENCES:
        (write_hdf5 if ending in (".hdf5", ".h5") else write_json)(path, lines, values)
        companions = {".in": lines, ".label": [" ".join(tag(t) for t in line.split(" ")) for line in lines]}
    else:
        x, texts, groups = flat(lines, values)
        np.save(path, x) if ending == ".npy" else save_file({f"layer.{k}": x[:, k].copy() for k in range(LAYERS)}, path)
        companions = {".in": texts, ".label": [tag(t) for t in texts], ".group": groups}
    for kind, column in companions.items():
        (folder / f"{name}{kind}").write_text("".join(f"{line}\n" for line in column))
    return path


def three(folder: Path, ending: str) -> Path:
    """Three splits without a common line."""
    for n, (split, name) in enumerate(NAMES.items()):
        path = write(folder, name, ending, [f"{split}{i} = {10 * n + i}" for i in range(6)], seed=n)
        if path.with_suffix(".group").exists():
            groups = path.with_suffix(".group").read_text().replace("g", split)
            path.with_suffix(".group").write_text(groups)
    return folder


def content(store: ActivationStore) -> dict[str, tuple[list[dict[str, Any]], torch.Tensor]]:
    return {s: (store.table(s).to_pylist(), store.read(s).values) for s in SPLITS}


def check(store: ActivationStore, lines: Sequence[str], values: Arrays, ending: str) -> None:
    """Each row of the store against the arrays that were written."""
    x, texts, groups = flat(lines, values)
    flat_lines = [i for i, line in enumerate(lines) for t in line.split(" ") if t]
    for split, (rows, came) in content(store).items():
        for row, vector in zip(rows, came.numpy(), strict=True):
            number = int(row["example"].split(":")[1]) - 1
            if ending in SENTENCES:
                before = lines[number][: row["start"]]
                inside = [n for n, i in enumerate(flat_lines) if i == number]
                at = inside[sum(1 for t in before.split(" ") if t)]
                assert lines[number][row["start"] : row["end"]] == row["text"]
            else:
                at = number
                assert row["group"] == groups[at]
            assert (row["text"], row["label"], row["split"]) == (texts[at], tag(texts[at]), split)
            assert store.manifest.labels[row["label_id"]] == row["label"]
            assert np.array_equal(vector.reshape(LAYERS, WIDTH), x[at])


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_file_is_dealt_by_lines(ending: str, tmp_path: Path) -> None:
    store = import_activations(write(tmp_path, "x", ending), tmp_path / "store", seed=1)
    check(store, LINES, arrays(LINES), ending)
    manifest = ActivationStore(tmp_path / "store").manifest
    assert (manifest.layers, manifest.width, manifest.labels) == (LAYERS, WIDTH, ["ID", "NUM", "OP"])
    assert (manifest.model, manifest.revision, manifest.complete) == (str(tmp_path / f"x{ending}"), None, True)
    assert (manifest.self_check, manifest.adapter, manifest.site) == ({}, {}, "hidden")
    assert manifest.dtypes == ["float16"] * LAYERS
    total = sum(1 for line in LINES for t in line.split(" ") if t)
    assert sum(manifest.rows.values()) == manifest.counts["kept"] == total
    assert {s: len(rows) for s, (rows, _) in content(store).items()} == manifest.rows
    groups = {s: {r["group"] for r in rows} for s, (rows, _) in content(store).items()}
    assert not groups["train"] & groups["test"]
    assert not (groups["train"] | groups["test"]) & groups["validation"]
    if ending in SENTENCES:
        twins = {r["split"] for rows, _ in content(store).values() for r in rows if r["example"] in ("x:2", "x:13")}
        assert len(twins) == 1
    assert any(f"x{ending}" in note for note in manifest.notes)
    store.verify()


@pytest.mark.parametrize("ending", ENDINGS)
def test_folder_gives_the_splits(ending: str, tmp_path: Path) -> None:
    store = import_activations(three(tmp_path / "in", ending), tmp_path / "store")
    for n, split in enumerate(SPLITS):
        lines = [f"{split}{i} = {10 * n + i}" for i in range(6)]
        x, texts, _ = flat(lines, arrays(lines, n))
        rows, values = content(store)[split]
        assert [r["text"] for r in rows] == texts
        assert np.array_equal(values.numpy(), x.reshape(len(x), -1))


def test_hdf5_and_json_give_the_same_store(tmp_path: Path) -> None:
    stores = [import_activations(write(tmp_path, "x", e), tmp_path / f"s{e}", seed=4) for e in SENTENCES]
    shards = [[(s["sha256"], s["rows_sha256"]) for s in store.manifest.shards] for store in stores]
    assert all(s == shards[0] for s in shards)


def test_seed_decides_splits_and_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "x", ".hdf5")
    limits: dict[Any, int] = {"train": 2, "validation": 1, "test": 1}
    runs = [import_activations(path, tmp_path / f"{i}", per_class=limits, seed=s) for i, s in enumerate((0, 0, 1))]
    rows = [[r["example"] for s in SPLITS for r in run.table(s).to_pylist()] for run in runs]
    assert rows[0] == rows[1] != rows[2]
    assert runs[0].manifest.rows == {"train": 6, "validation": 3, "test": 3}
    chosen = import_activations(path, tmp_path / "two", classes=["NUM", "ID"])
    assert chosen.manifest.labels == ["ID", "NUM"]
    assert any("fewer than the 2,000 rows asked for" in note for note in chosen.manifest.notes)


def test_lines_of_an_earlier_split_are_dropped_and_counted(tmp_path: Path) -> None:
    three(tmp_path / "in", ".json")
    write(tmp_path / "in", "test", ".json", ["train0 = 0", "new = 1", "old = 2"])
    store = import_activations(tmp_path / "in", tmp_path / "store")
    assert {r["example"] for r in store.table("test").to_pylist()} == {"test:2", "test:3"}
    assert "1 test lines or rows dropped: also in train" in store.manifest.notes


def test_arrays_without_texts_and_groups(tmp_path: Path) -> None:
    """[rows, neurons], each row a type and a group of its own; packed labels; float64."""
    values = np.arange(40, dtype=np.float64).reshape(20, 2) / 4
    np.save(tmp_path / "x.npy", values)
    (tmp_path / "x.label.gz").write_bytes(gzip.compress(b"a\nb\n" * 10))
    store = import_activations(tmp_path / "x.npy", tmp_path / "store", seed=2)
    assert (store.manifest.layers, store.manifest.width) == (1, 2)
    rows = [(r, v) for s in SPLITS for r, v in zip(*content(store)[s], strict=True)]
    assert sorted(r["text"] for r, _ in rows) == sorted(f"row {i}" for i in range(20))
    assert len({r["group"] for r, _ in rows}) == 20
    for row, vector in rows:
        assert vector.tolist() == values[int(row["text"].split()[1])].tolist()
    assert sum("no .in" in n or "no .group" in n for n in store.manifest.notes) == 2


def test_one_layer_in_two_dimensions_and_no_index(tmp_path: Path) -> None:
    """ELMo's `--top --forget-sentences`."""
    path = write(tmp_path, "x", ".hdf5")
    whole = import_activations(path, tmp_path / "whole")
    with h5py.File(path, "a") as f:
        for i, x in enumerate(arrays(LINES)):
            del f[str(i)]
            f[str(i)] = x[1]
        del f["sentence_to_index"]
    store = import_activations(path, tmp_path / "store")
    assert store.manifest.layers == 1
    assert any("sentence_to_index" in note for note in store.manifest.notes)
    for split in SPLITS:
        assert torch.equal(store.read(split).values, whole.read(split, [1]).values)


@pytest.mark.parametrize(
    ("words", "tokens", "same"),
    [
        ("def play##ing x", "def Playing x", True),
        ("Ġreturn Ġx_Ġy", "return x_y", True),
        ("▁été ete", "été Été", True),
        ("Ã©t [UNK] <0xE2>z", "ét ☃ âz", True),
        (" a", "\u200b a", True),
        ("a b", "a c", False),
        ("a b", "a b c", False),
        ("Ġreturn", "returns", False),
    ],
)
def test_texts_as_tokenizers_spell_them(words: str, tokens: str, same: bool) -> None:
    assert same_words(words.split(" "), tokens.split(" ")) == same


def test_index_as_tokenizers_and_elmo_write_it(tmp_path: Path) -> None:
    """Lower case and marks; of two equal sentences only the last is named."""
    path = write(tmp_path, "x", ".hdf5")
    spelt = {line.strip().replace("= ", "Ġ= Ġ").upper(): str(i) for i, line in enumerate(LINES)}
    elmo = {line.strip(): str(i) for i, line in enumerate(LINES)}
    for n, index in enumerate((spelt | {"▁v1 ▁= ▁1": "1"}, elmo)):
        write_hdf5(path, LINES, arrays(LINES), index)
        check(import_activations(path, tmp_path / f"{n}"), LINES, arrays(LINES), ".hdf5")


@pytest.mark.parametrize("ending", ENDINGS)
def test_killed_import_goes_on(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "SHARD_BYTES", 5 * LAYERS * WIDTH * 4)
    path = write(tmp_path, "x", ending)
    whole = import_activations(path, tmp_path / "whole")
    assert max(s["count"] for s in whole.manifest.shards) == 5
    right, left = ActivationStore.append, [3]

    def killed(self: ActivationStore, *args: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        right(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(ActivationStore, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            import_activations(path, tmp_path / "store")
    assert len(ActivationStore(tmp_path / "store").manifest.shards) == 3
    store = import_activations(path, tmp_path / "store")
    assert vars(store.manifest) == vars(whole.manifest)
    check(store, LINES, arrays(LINES), ending)


def test_other_files_or_options_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "x", ".json")
    whole = import_activations(path, tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.delattr(ActivationStore, "append")
        assert vars(import_activations(path, tmp_path / "store").manifest) == vars(whole.manifest)
    options: tuple[dict[str, Any], ...] = ({"seed": 1}, {"classes": ["ID", "OP"]}, {"per_class": {"test": 1}}, {})
    for change in options:
        if not change:
            write(tmp_path, "x", ".json", seed=1)
        with pytest.raises(StoreError) as caught:
            import_activations(path, tmp_path / "store", **change)
        assert_one_line(caught.value, "same files and options", "another folder")
