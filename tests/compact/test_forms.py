"""Compact models of every family give what the whole network gives."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from neurosieve.compact import CodeText, CompactModel, load_compact
from neurosieve.compact.building import UnitKind, write_full, write_record, write_table
from neurosieve.compact.compact_spec import COMPACT, TOKENIZER
from neurosieve.compact.cut_network import NETWORK, cut
from neurosieve.compact.linear_head import Head
from neurosieve.compact.lookup_table import LookupTable
from neurosieve.errors import ModelError, NeurosieveError
from neurosieve.models import CodeModel
from neurosieve.models.adapters import block_modules
from neurosieve.typing import NeuronId, Site
from tests.activations.oracle import Unit, plain_rows
from tests.tiny import NAMES, UNITS, WIDTH, assert_one_line, tiny_dataset, tiny_loaded, tiny_mlp

LABELS = ("sign", "word", "other")
UNIT = UnitKind("token-tagging", LABELS, None, whole=False, sides=1, joint=False, pooling="mean", max_windows=None)
# Layer 0 of all others holds more than a token and its position.
NORMED = ("bert", "roberta", "distilbert", "electra", "data2vec-text")
ENCODERS = (*NORMED, "modernbert", "deberta-v2", "t5:encoder", "t5:decoder")
DECODERS = ("gpt2", "gpt_neox", "codegen", "gpt_bigcode", "llama", "qwen2", "gemma3_text", "phi", "opt", "starcoder2")
TABLES = (*ENCODERS, *DECODERS)
WITH_BLOCK = ("deberta-v2",)  # gives no embeddings alone


def head(neurons: int, seed: int = 0) -> Head:
    rng = np.random.default_rng(seed)
    return Head(rng.normal(size=(neurons, len(LABELS))), rng.normal(size=len(LABELS)))


def neurons(*layers: int) -> tuple[NeuronId, ...]:
    """Some of each layer, not in order."""
    return tuple(NeuronId(layer, index) for index in (7, 2, 11) for layer in reversed(layers))


def texts() -> tuple[list[CodeText], list[Unit]]:
    """The tiny data set's texts, and the units in them."""
    found, units = [], []
    for example in tiny_dataset().examples:
        spans = tuple((span.start, span.end) for span in example.spans)
        found.append(CodeText(example.text, spans))
        units += [(example.id, *span) for span in spans]
    return found, units


def expected(name: str, site: Site, chosen: tuple[NeuronId, ...], own: Head) -> dict[Unit, np.ndarray]:
    """The head on each unit's values by the slow plain way."""
    columns = [n.layer * (WIDTH if site == "hidden" else UNITS) + n.index for n in chosen]
    return {unit: row[columns].numpy() @ own.weight + own.bias for unit, row in plain_rows(name, "mean", site).items()}


def exported(folder: Path, write: Any, model: CodeModel, chosen: tuple[NeuronId, ...], own: Head) -> CompactModel:
    write_record(folder, write(folder, model, chosen, own, UNIT))
    return load_compact(folder)


def assert_same(model: CompactModel, wanted: dict[Unit, np.ndarray], tolerance: float) -> None:
    given, units = texts()
    scores = model.scores(given)
    assert len(scores) == len(units)
    for unit, row in zip(units, scores, strict=True):
        if unit in wanted:
            assert np.abs(row - wanted[unit]).max() <= tolerance * max(1.0, np.abs(wanted[unit]).max())
        else:
            assert np.isnan(row).all()


@pytest.mark.parametrize("site", ["hidden", "mlp"])
@pytest.mark.parametrize("name", NAMES)
def test_full_gives_what_the_whole_network_gives(name: str, site: Site, tmp_path: Path) -> None:
    model = tiny_loaded(name) if site == "hidden" else tiny_mlp(name)
    last = model.adapter.blocks(model.network.config) - (site == "mlp")
    for case, layers in enumerate(((0,), (0, 1), (last,))):
        chosen = neurons(*layers)
        own, folder = head(len(chosen)), tmp_path / str(case)
        folder.mkdir()
        small = exported(folder, write_full, model, chosen, own)
        assert small.spec.blocks == max(layers) + (site == "mlp") or name in WITH_BLOCK
        assert_same(small, expected(name, site, chosen, own), 2e-4)


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_need_no_block(name: str, tmp_path: Path) -> None:
    model, chosen = tiny_loaded(name), neurons(0)
    small = exported(tmp_path, write_full, model, chosen, head(len(chosen)))
    assert small.spec.blocks == (name in WITH_BLOCK)
    kept = load_file(tmp_path / NETWORK)
    own_blocks = block_modules(model.stack, model.adapter, 2, name)
    inside = {id(p) for block in own_blocks for p in block.parameters()}
    of_blocks = {path for path, p in model.stack.named_parameters() if id(p) in inside}
    assert of_blocks
    assert bool({path.removeprefix("decoder.") for path in kept} & of_blocks) == (name in WITH_BLOCK)
    if name in ("bert", "modernbert"):
        assert all("embeddings" in path for path in kept)


@pytest.mark.parametrize("name", TABLES)
def test_table_gives_what_layer_0_gives(name: str, tmp_path: Path) -> None:
    chosen = neurons(0)
    own = head(len(chosen))
    small = exported(tmp_path, write_table, tiny_loaded(name), chosen, own)
    assert_same(small, expected(name, "hidden", chosen, own), 1e-5)


@pytest.mark.parametrize("name", NORMED)
@pytest.mark.parametrize("components", [1, 8])
def test_a_norms_table_of_few_components_is_close(
    components: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, model = neurons(0), tiny_loaded(name)
    own = head(len(chosen))
    monkeypatch.setattr("neurosieve.compact.table_building._PRODUCT_BYTES", 4 * (model.rows + 40) * components)
    small = exported(tmp_path, write_table, model, chosen, own)
    assert isinstance(small.network, LookupTable)
    assert small.network.word_part is not None
    assert small.network.word_part.shape == (model.rows, components)
    wanted = expected(name, "hidden", chosen, own)
    given, units = texts()
    rows = [(row, wanted[unit]) for unit, row in zip(units, small.scores(given), strict=True) if unit in wanted]
    found, right = (np.stack(side) for side in zip(*rows, strict=True))
    assert (found.argmax(1) == right.argmax(1)).mean() > 0.9


@pytest.mark.parametrize("name", sorted({*NAMES} - {*TABLES}))
def test_what_no_table_can_hold_is_said(name: str, tmp_path: Path) -> None:
    chosen = neurons(0)
    with pytest.raises(ModelError) as caught:
        write_table(tmp_path, tiny_loaded(name), chosen, head(len(chosen)), UNIT)
    assert_one_line(caught.value, "--form full")
    assert not list(tmp_path.iterdir())


def test_a_table_needs_no_torch(tmp_path: Path) -> None:
    exported(tmp_path, write_table, tiny_loaded("llama"), neurons(0), head(3))
    script = (
        "import sys; from neurosieve.compact import CodeText, load_compact;"
        f"print(load_compact({str(tmp_path)!r}).predict([CodeText('x = 1', ((0, 1), (2, 2)))]));"
        "print([m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    labels, loaded = done.stdout.splitlines()
    assert labels.startswith("[['")
    assert labels.endswith("None]]")
    assert loaded == "[]"


def test_the_model_that_is_cut_stays_as_it_was() -> None:
    model = tiny_loaded("modernbert")
    ids = torch.arange(5, 17)[None]
    before = model.states(ids, torch.ones_like(ids))
    small = cut(model, 1)
    assert len(small.states(ids, torch.ones_like(ids))) == 2
    after = model.states(ids, torch.ones_like(ids))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert cut(model, 2) is model


def spoiled_tokenizer(folder: Path) -> None:
    (folder / TOKENIZER).write_text((folder / TOKENIZER).read_text() + " ")


def spoiled_format(folder: Path) -> None:
    record = json.loads((folder / COMPACT).read_text())
    del record["sha256"]
    (folder / COMPACT).write_text(json.dumps(record | {"format": 2}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoiled_tokenizer, "tokenizer.json: expected sha256"),
        (spoiled_format, "expected format version 1, got version 2"),
        (lambda folder: (folder / "table.safetensors").write_bytes(b"x"), "it was changed since; export it again"),
        (lambda folder: (folder / "table.safetensors").unlink(), "expected a readable file"),
        (lambda folder: (folder / COMPACT).unlink(), "expected an exported model (compact.json), got none in it"),
        (lambda folder: (folder / COMPACT).write_text("{"), "broken JSON"),
        (shutil.rmtree, "a folder that is not there"),
    ],
)
def test_what_is_no_export_is_refused(spoil: Any, said: str, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    exported(folder, write_table, tiny_loaded("llama"), neurons(0), head(3))
    spoil(folder)
    with pytest.raises(NeurosieveError) as caught:
        load_compact(folder)
    assert_one_line(caught.value, said)
