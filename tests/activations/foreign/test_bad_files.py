"""Import of activations made elsewhere: every bad file ends in one line that names it, and no store is whole then."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from neurosieve.activations import ActivationStore
from neurosieve.activations.foreign.importing import import_activations
from neurosieve.errors import ConfigError, DataError, NeurosieveError, ResourceError
from tests.activations.foreign.test_importing import (
    ENDINGS,
    LAYERS,
    LINES,
    SENTENCES,
    WIDTH,
    arrays,
    json_record,
    three,
    write,
    write_hdf5,
    write_json,
)
from tests.activations.test_store import cut, empty, garbage
from tests.tiny import assert_one_line


def refused(path: Path, store: Path, *says: str, error: type[NeurosieveError] = DataError, **options: Any) -> None:
    with pytest.raises(error) as caught:
        import_activations(path, store, **options)
    assert_one_line(caught.value, *says)
    assert not (ActivationStore.started(store) and ActivationStore(store).manifest.complete)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("spoil", [empty, cut, garbage])
def test_broken_file(ending: str, spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write(tmp_path, "x", ending)
    path.write_bytes(spoil(path.read_bytes()))
    refused(path, tmp_path / "store", f"x{ending}")


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_beside(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, "x", ending)
    labels = (tmp_path / "x.label").read_text()
    if ending in SENTENCES:
        lines = (tmp_path / "x.in").read_text()
        (tmp_path / "x.in").write_text(lines + "y = 3\n")
        (tmp_path / "x.label").write_text(labels + "ID OP NUM\n")
        refused(path, tmp_path / "store", f"x{ending}", "17 sentences", "got 16")
        (tmp_path / "x.in").unlink()
        refused(path, tmp_path / "store", f"x{ending}", "x.in (or .gz) next to it", "got none")
        (tmp_path / "x.in").write_text(lines)
    (tmp_path / "x.label").write_text(labels + "OP\n")
    refused(path, tmp_path / "store", "x.label", "lines")
    (tmp_path / "x.label.gz").write_bytes(b"")
    refused(path, tmp_path / "store", "x.label and x.label.gz", "remove one")
    for file in ("x.label", "x.label.gz"):
        (tmp_path / file).unlink()
    refused(path, tmp_path / "store", f"x{ending}", "x.label (or .gz) next to it", "got none", "add it")


@pytest.mark.parametrize("ending", SENTENCES[::2])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x[:, :2], ("sentence 2 (line 3)", "3 tokens as in x.in", "got 2")),
        (lambda x: x[:2], ("sentence 2 (line 3)", "3 layers × 4 neurons", "got 2 × 4")),
        (lambda x: x[..., :3], ("sentence 2 (line 3)", "3 layers × 4 neurons", "got 3 × 3")),
        (lambda x: x * np.float32("nan"), ("sentence 2 (line 3), token", "layer 0, neuron 0", "finite", "nan")),
        (lambda x: np.where(x == x[1, 2, 3], np.inf, x), ("sentence 2 (line 3), token", "finite", "inf")),
    ],
)
def test_bad_sentence(
    ending: str, change: Callable[[np.ndarray], np.ndarray], says: tuple[str, ...], tmp_path: Path
) -> None:
    path, values = write(tmp_path, "x", ending), arrays(LINES)
    lines = list(LINES)
    values[2] = change(values[2])
    lines[2] = " ".join(lines[2].split(" ")[: values[2].shape[1]])
    (write_hdf5 if ending == ".hdf5" else write_json)(path, lines, values)
    refused(path, tmp_path / "store", f"x{ending}", *says)


@pytest.mark.parametrize("ending", SENTENCES[::2])
def test_another_text(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, "x", ending)
    lines = [*LINES[:5], "other = 5", *LINES[6:]]
    (write_hdf5 if ending == ".hdf5" else write_json)(path, lines, arrays(LINES))
    refused(path, tmp_path / "store", "sentence 5 (line 6)", "'v5 = 5'", "'other = 5'", "very lines")


@pytest.mark.parametrize("ending", SENTENCES[::2])
def test_lines_in_another_order(ending: str, tmp_path: Path) -> None:
    """Lines of equal length and the very same texts, but two of them have changed places."""
    path = write(tmp_path, "x", ending)
    lines = [LINES[0], LINES[2], LINES[1], *LINES[3:]]
    (write_hdf5 if ending == ".hdf5" else write_json)(path, lines, arrays(lines))
    refused(path, tmp_path / "store", "sentence 1 (line 2)", "'v1 = 1'", "'v2 = 2'")


def test_index_without_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, "x", ".hdf5")
    write_hdf5(path, LINES, arrays(LINES), {line.strip(): str(i) for i, line in enumerate(LINES) if i != 4})
    refused(path, tmp_path / "store", "sentence 4 (line 5)", "'v4 = 4'", "very lines")


def test_truncated_line_with_an_empty_array(tmp_path: Path) -> None:
    values = arrays(LINES)
    values[0] = values[0][:, :0]
    path = write(tmp_path, "x", ".hdf5")
    write_hdf5(path, LINES, values)
    refused(path, tmp_path / "store", "sentence 0 (line 1)", "3 tokens", "got 0", "had to cut")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.move("3", "three"), ("sentence 3 (line 4)", "data set '3'", "got none")),
        (lambda f: [f.pop("3"), f.create_group("3")], ("sentence 3 (line 4)", "data set '3'", "group")),
        (
            lambda f: [f.pop("3"), f.create_dataset("3", (3,), "f4")],
            ("sentence 3 (line 4)", "data set '3'", "shape (3,)"),
        ),
        (lambda f: [f.pop("3"), f.create_dataset("3", (3, 3, 4), "S1")], ("sentence 3 (line 4)", "of numbers", "|S1")),
        (lambda f: f.pop("15"), ("16 sentences", "got 15")),
        (lambda f: f.create_dataset("16", (3, 3, 4), "f4"), ("16 sentences", "got 17")),
        (lambda f: f["sentence_to_index"].__setitem__(0, "{"), ("sentence_to_index", "JSON object")),
        (lambda f: f["sentence_to_index"].__setitem__(0, "[1]"), ("sentence_to_index", "JSON object")),
        (
            lambda f: [f.pop("sentence_to_index"), f.create_dataset("sentence_to_index", (0,), "f4")],
            ("sentence_to_index", "JSON object"),
        ),
    ],
)
def test_bad_hdf5(change: Callable[[h5py.File], object], says: tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path, "x", ".hdf5")
    with h5py.File(path, "a") as f:
        change(f)
    refused(path, tmp_path / "store", "x.hdf5", *says)


RECORD = json_record(3, LINES[3], arrays(LINES)[3])
TOKEN = RECORD["features"][0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{}", ("KeyError", "one whole object a line")),
        ("[1]", ("TypeError",)),
        ("[" * 100_000, ("brackets 100,000 deep", "at most 100")),
        (json.dumps(RECORD)[:-9], ("JSONDecodeError",)),
        (json.dumps(RECORD | {"linex_index": 4}), ("linex_index 3", "got 4", "sort")),
        (json.dumps({"features": [{"layers": [{"values": []}]}] * 3}), ("3 layers × 4 neurons", "got 1 × 0")),
        (json.dumps({"features": [{"layers": []}] * 3}), ("IndexError",)),
        (json.dumps({"features": [TOKEN, TOKEN, {"layers": TOKEN["layers"][:2]}]}), ("in each token", "[4, 4]")),
        (json.dumps({"features": [{"layers": [{"values": ["a"]}]}] * 3}), ("ValueError",)),
        (json.dumps({"features": [{"layers": [{"values": [None] * 4}] * 3}] * 3}), ("token", "finite", "nan")),
        (json.dumps({"features": [{"layers": [{"values": [10**400]}]}] * 3}), ("OverflowError",)),
        (json.dumps({"features": [{"layers": [{"values": [1e300] * 4}] * 3}] * 3}), ("token", "float32", "inf")),
    ],
)
def test_bad_json(line: str, says: tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path, "x", ".json")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], line, *lines[4:]]))
    refused(path, tmp_path / "store", "x.json sentence 3 (line 4)", *says)


FINE = np.zeros((6, LAYERS, WIDTH), dtype=np.float32)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (FINE[:, 0, 0], ("[rows, neurons] or [rows, layers, width]", "float32 [6]")),
        (FINE[None], ("float32 [1, 6, 3, 4]",)),
        (FINE.astype(object), ("whole NumPy file",)),
        (FINE.astype("S3"), ("|S3 [6, 3, 4]",)),
        (FINE.astype(complex), ("complex128",)),
        (FINE[..., :0], ("float32 [6, 3, 0]",)),
        (np.where(np.arange(6)[:, None] == 4, np.nan, FINE[:, 0]), ("x.npy row 4 (line 5), layer 0", "finite", "nan")),
        (FINE.astype(np.float64) + 1e300, ("row", "float32", "inf")),
    ],
)
def test_bad_numpy(values: np.ndarray, says: tuple[str, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", values)
    (tmp_path / "x.label").write_text("a\nb\n" * 3)
    (tmp_path / "x.group").write_text("a\na\nb\nb\nc\nc\n")
    refused(tmp_path / "x.npy", tmp_path / "store", "x.npy", *says)


def test_an_archive_is_no_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", FINE)
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    (tmp_path / "x.label").write_text("a\n" * 6)
    refused(tmp_path / "x.npy", tmp_path / "store", "x.npy", "whole NumPy file")


@pytest.mark.parametrize(
    ("names", "shapes", "says"),
    [
        (["layer.1", "layer.2"], [(6, 4), (6, 4)], ("layer.0 … layer.N", "layer.1, layer.2")),
        (["layer.0", "layer.2"], [(6, 4), (6, 4)], ("without gaps", "layer.0, layer.2")),
        (["layer.0", "more"], [(6, 4), (6, 4)], ("nothing else", "more")),
        ([], [], ("layer.0", "got none")),
        (["layer.0", "layer.1"], [(6, 4), (6, 5)], ("x.safetensors layer.1", "like layer.0, [6, 4]", "[6, 5]")),
        (["layer.0", "layer.1"], [(6, 4), (5, 4)], ("x.safetensors layer.1", "[5, 4]")),
        (["layer.0"], [(6, 2, 2)], ("x.safetensors layer.0", "[rows, width]", "[6, 2, 2]")),
        (["layer.0"], [(6, 0)], ("x.safetensors layer.0", "[6, 0]")),
    ],
)
def test_bad_safetensors(
    names: list[str], shapes: list[tuple[int, ...]], says: tuple[str, ...], tmp_path: Path
) -> None:
    tensors = {n: np.zeros(s, np.float32) for n, s in zip(names, shapes, strict=True)}
    save_file(tensors, tmp_path / "x.safetensors")
    (tmp_path / "x.label").write_text("a\nb\n" * 3)
    refused(tmp_path / "x.safetensors", tmp_path / "store", "x.safetensors", *says)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    store = tmp_path / "store"
    refused(tmp_path / "none.hdf5", store, "none.hdf5", "nothing there", "--activations")
    (tmp_path / "x.pt").write_bytes(b"")
    refused(tmp_path / "x.pt", store, "x.pt", ".hdf5, .h5, .json, .jsonl, .npy, .safetensors", "'.pt'")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", store, "train, valid and test", "got none")
    folder = three(tmp_path / "in", ".json")
    (folder / "valid.json").rename(folder / "other.json")
    refused(folder, store, "validation split", "dev.json", "only train.json, test.json", "add the file")
    (folder / "other.json").rename(folder / "valid.json.gz")
    refused(folder, store, "valid.json.gz", "unpacked", "gunzip")
    (folder / "valid.json.gz").rename(folder / "dev.json")
    (folder / "train.npy").write_bytes(b"")
    refused(folder, store, ".json and .npy", "keep one format")


def test_files_of_two_models(tmp_path: Path) -> None:
    folder = three(tmp_path / "in", ".npy")
    np.save(folder / "test.npy", np.load(folder / "test.npy")[:, :2])
    refused(folder, tmp_path / "store", "test.npy", "3 layers × 4 neurons as in train.npy", "2 × 4")


def test_too_little(tmp_path: Path) -> None:
    path, store = write(tmp_path, "x", ".npy"), tmp_path / "store"
    refused(path, store, "classes", "at least two", "got ID", classes=["ID"])
    refused(path, store, "class 'X'", "a label of the data", classes=["ID", "X"])
    refused(path, store, "rows a class in test", per_class={"test": 0}, error=ConfigError)
    labels, groups = (tmp_path / "x.label"), (tmp_path / "x.group")
    right = labels.read_text()
    labels.write_text(right.replace("NUM", "", 1))
    refused(path, store, "x.label line 3", "a label", "an empty line")
    labels.write_text("A\n" * right.count("\n"))
    refused(path, store, "classes", "at least two", "got A")
    labels.write_text(right)
    groups.write_text("a\n" * right.count("\n"))
    refused(path, store, "at least 3 different lines or groups", "got 1")


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "x", ".hdf5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    refused(path, tmp_path / "store", "h5py", 'pip install "neurosieve[import]"', error=ResourceError)
    import_activations(write(tmp_path, "x", ".json"), tmp_path / "store")
