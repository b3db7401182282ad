"""Compact models as ONNX give what torch gives, and run without it."""

import functools
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosieve.compact import CodeText, CompactModel, load_compact
from neurosieve.compact.building import write_full, write_record
from neurosieve.compact.compact_spec import COMPACT, CompactSpec
from neurosieve.compact.measuring import _one_thread
from neurosieve.compact.onnx_building import OPSET, TOLERANCE, write_onnx
from neurosieve.compact.quantised import quantise
from neurosieve.errors import ModelError, NeurosieveError, NeurosieveWarning
from tests.compact.test_forms import UNIT, expected, head, neurons, texts
from tests.compact.test_standard import written
from tests.tiny import NAMES, assert_one_line, tiny_loaded

QUICK = ("bert", "roberta", "modernbert", "llama")
_HOME = tempfile.TemporaryDirectory(prefix="onnx-")


def graph_in(folder: Path, spec: CompactSpec) -> CompactSpec:
    found = write_onnx(folder, spec)
    write_record(folder, found)
    return found


@functools.cache
def both(name: str) -> tuple[CompactModel, CompactModel, Path]:
    """A family's first block with neurons of two layers, by torch and as ONNX in a folder that is not to be changed."""
    folder = Path(_HOME.name) / name
    folder.mkdir()
    chosen = neurons(0, 1)
    write_record(folder, write_full(folder, tiny_loaded(name), chosen, head(len(chosen)), UNIT))
    by_torch = load_compact(folder)
    graph_in(folder, by_torch.spec)
    return by_torch, load_compact(folder), folder


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in NAMES]
)
def test_it_gives_what_torch_gives(name: str) -> None:
    by_torch, small, _ = both(name)
    assert small.spec.onnx is not None
    assert small.spec.onnx.opset == OPSET
    rng = np.random.default_rng(0)
    networks: list[Any] = [by_torch.network, small.network]
    for batch, length in ((1, 1), (1, 7), (2, 2), (3, 13), (5, 30), (2, 39)):
        ids = rng.integers(5, 230, size=(batch, length))
        mask = np.ones_like(ids)
        if length > 1:
            padded = np.arange(length) < length // 2
            mask[-1] = padded[::-1] if small.spec.padding_side == "left" else padded
            mask[-1, 0 if small.spec.padding_side != "left" else -1] = 1
        typed = [None, (np.arange(length) > length // 2)[None].repeat(batch, 0).astype(np.int64)]
        for types in typed[: 1 + small.spec.types]:
            wanted, found = (n.batch(ids, mask, types)[mask > 0] for n in networks)
            assert np.abs(found - wanted).max() <= TOLERANCE * np.abs(wanted).max()
    given, units = texts()
    right = expected(name, "hidden", small.spec.neurons, head(len(small.spec.neurons)))
    for budget in (1, 100, 4096):
        for unit, row in zip(units, small.with_batch(budget).scores(given), strict=True):
            if unit in right:
                assert np.abs(row - right[unit]).max() <= 2e-4 * max(1.0, np.abs(right[unit]).max())


@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_embeddings_become_onnx(name: str, tmp_path: Path) -> None:
    chosen = neurons(0)
    write_record(tmp_path, write_full(tmp_path, tiny_loaded(name), chosen, head(len(chosen)), UNIT))
    by_torch, given = load_compact(tmp_path), texts()[0]
    graph_in(tmp_path, by_torch.spec)
    wanted, found = by_torch.scores(given), load_compact(tmp_path).scores(given)
    assert np.nanmax(np.abs(found - wanted)) <= TOLERANCE * np.nanmax(np.abs(wanted))


@pytest.mark.parametrize("whole", [False, True])
def test_a_transformers_folder_becomes_onnx(whole: bool, tmp_path: Path) -> None:
    by_torch = written("roberta", tmp_path, whole=whole)
    given = [CodeText(text.text) for text in texts()[0]] if whole else texts()[0]
    wanted = by_torch.scores(given)
    graph_in(tmp_path, by_torch.spec)
    small = load_compact(tmp_path)
    assert not list(tmp_path.glob("model.safetensors"))
    found = small.scores(given)
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    assert np.nanmax(np.abs(found - wanted)) <= TOLERANCE * np.nanmax(np.abs(wanted))


def test_it_needs_no_torch() -> None:
    _, _, folder = both("bert")
    script = (
        "import sys; from neurosieve.compact import CodeText, load_compact;"
        f"model = load_compact({str(folder)!r});"
        "print(model.predict([CodeText('x = 1', ((0, 1), (2, 2))), CodeText('x = 1 ' * 90, ((60, 61),))]));"
        "print([m for m in ('torch', 'transformers', 'sklearn', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    labels, loaded = done.stdout.splitlines()
    assert labels.endswith("']]")
    assert loaded == "[]"


def test_8_bit_weights_are_close_and_know_their_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, small, folder = both("bert")
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_record(tmp_path, quantise(tmp_path, small.spec))
    assert (tmp_path / "model.onnx").stat().st_size < (folder / "model.onnx").stat().st_size
    given = texts()[0]
    wanted, found = small.scores(given), load_compact(tmp_path).scores(given)
    read = ~np.isnan(wanted)
    assert 1e-6 < np.abs(found - wanted)[read].max() < 0.3 * np.abs(wanted[read]).max()
    monkeypatch.setattr("neurosieve.compact.onnx_network.cpu_kind", lambda: "another one")
    with pytest.warns(NeurosieveWarning, match="this is another one: `neurosieve verify") as told:
        load_compact(tmp_path)
    assert "\n" not in str(told[0].message)


def test_it_is_timed_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, folder = both("bert")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def threads() -> int:
        network: Any = load_compact(folder).network
        return int(network.session.get_session_options().intra_op_num_threads)

    assert threads() == 2
    with _one_thread():
        assert threads() == 1
    assert threads() == 2


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_a_missing_package_is_said(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = neurons(0)
    write_record(tmp_path, write_full(tmp_path, tiny_loaded("bert"), chosen, head(len(chosen)), UNIT))
    monkeypatch.setitem(sys.modules, package, None)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NeurosieveError) as caught:
        write_onnx(tmp_path, load_compact(tmp_path).spec)
    assert_one_line(caught.value, f"expected the package {package}", 'pip install "neurosieve[onnx]"')
    assert sorted(tmp_path.iterdir()) == before


def test_running_needs_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, folder = both("bert")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NeurosieveError) as caught:
        load_compact(folder)
    assert_one_line(caught.value, "ONNX: expected the package onnxruntime")


def test_what_torch_cannot_export_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = neurons(0)
    write_record(tmp_path, write_full(tmp_path, tiny_loaded("bert"), chosen, head(len(chosen)), UNIT))

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such operator\nat length")

    monkeypatch.setattr("torch.onnx.export", fail)
    with pytest.raises(ModelError) as caught:
        write_onnx(tmp_path, load_compact(tmp_path).spec)
    assert_one_line(caught.value, "no such operator", "leave --onnx out")


def test_a_damaged_graph_is_said(tmp_path: Path) -> None:
    _, small, folder = both("bert")
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(NeurosieveError) as caught:
        load_compact(tmp_path)
    assert_one_line(caught.value, "model.onnx: expected sha256")
    spec = replace(small.spec, files={k: v for k, v in small.spec.files.items() if k != "model.onnx"})
    write_record(tmp_path, spec)
    with pytest.raises(NeurosieveError) as caught:
        load_compact(tmp_path)
    assert_one_line(caught.value, "model.onnx: expected what the export wrote")
    assert json.loads((tmp_path / COMPACT).read_text())["spec"]["onnx"]["opset"] == OPSET
