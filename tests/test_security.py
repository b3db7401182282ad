"""Each promise of the page on security."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurosieve.activations.foreign.importing import import_activations
from neurosieve.activations.store import MANIFEST, ActivationStore
from neurosieve.compact.text_lines import read_lines
from neurosieve.data.readers.files import read_text
from neurosieve.errors import DataError, ModelError, NeurosieveError, StoreError
from neurosieve.models import load_model
from neurosieve.models.model_folder import check_place
from neurosieve.printing import json_text, visible
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import write_object
from neurosieve.storage.yaml_text import parse_yaml
from neurosieve.syntax import languages as languages_module
from neurosieve.syntax.functions import find_functions
from neurosieve.syntax.languages import LANGUAGES, parse
from neurosieve.syntax.lexical import lexical
from tests.activations.foreign.test_importing import write
from tests.docs import DOCS, read
from tests.tiny import assert_one_line, build_model, tiny_model

ROOT = DOCS.parent


class Runs:
    """Touches a file where it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


def test_pickled_weights_do_not_run(tmp_path: Path) -> None:
    model = build_model("bert", tmp_path / "model")
    (model / "model.safetensors").unlink()
    torch.save(Runs(tmp_path / "ran"), model / "pytorch_model.bin")
    with pytest.raises(ModelError) as caught:
        load_model(model, device="cpu")
    assert_one_line(caught.value, "--allow-pickle")
    assert not (tmp_path / "ran").exists()


def test_code_of_a_model_does_not_run(tmp_path: Path) -> None:
    model = build_model("bert", tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (model / "config.json").write_text(json.dumps(config))
    (model / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError) as caught:
        load_model(model, device="cpu")
    assert_one_line(caught.value, "--trust-remote-code")
    assert not (tmp_path / "ran").exists()


def test_pickled_arrays_do_not_run(tmp_path: Path) -> None:
    path = write(tmp_path, "x", ".npy")
    np.save(path, np.array([Runs(tmp_path / "ran")], dtype=object), allow_pickle=True)
    with pytest.raises(DataError):
        import_activations(path, tmp_path / "store")
    assert not (tmp_path / "ran").exists()


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    text = f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{tmp_path / 'ran'}']]"
    with pytest.raises(ValueError, match="python/object"):
        parse_yaml(text)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "shard-00001.safetensors"])
@pytest.mark.parametrize("key", ["values", "rows"])
def test_a_manifest_names_files_of_its_store_alone(key: str, name: str, tmp_path: Path) -> None:
    import_activations(write(tmp_path, "x", ".npy"), tmp_path / "store")
    record = json.loads((tmp_path / "store" / MANIFEST).read_text())
    record["shards"][0][key] = name
    write_object(Folder(tmp_path / "store"), MANIFEST, {k: v for k, v in record.items() if k != "sha256"})
    with pytest.raises(StoreError) as caught:
        ActivationStore(tmp_path / "store")
    assert_one_line(caught.value, name)


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def device(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


def model_with(make: Callable[[Path], Path], path: Path) -> None:
    model = build_model("bert", path.with_name("model"))
    (model / "tokenizer.json").unlink()
    make(model / "tokenizer.json")
    check_place(str(model))


READS: dict[str, Callable[[Callable[[Path], Path], Path], object]] = {
    "folder": lambda make, path: Folder(path.parent).read(make(path).name),
    "data": lambda make, path: read_text(make(path)),
    "lines": lambda make, path: list(read_lines([make(path)])),
    "activations": lambda make, path: import_activations(make(path), path.with_name("store")),
    "model": model_with,
}


@pytest.mark.parametrize("make", [pipe, device])
@pytest.mark.parametrize("reader", READS)
def test_nothing_waits_for_a_pipe_or_reads_a_device(reader: str, make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(NeurosieveError) as caught:
        READS[reader](make, tmp_path / "x.npy")
    assert_one_line(caught.value)


def test_a_line_to_label_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"text": "' + "a" * 1000 + '"}')
    with pytest.raises(DataError) as caught:
        list(read_lines([tmp_path / "x.jsonl"], characters=100))
    assert_one_line(caught.value, "line 1", "at most 100 characters", "--characters")
    assert len(list(read_lines([tmp_path / "x.jsonl"], characters=1012))) == 1


@pytest.mark.parametrize("start", ["[", '{"text": '])
def test_a_line_to_label_is_never_deep(start: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(start * 100_000)
    with pytest.raises(DataError) as caught:
        list(read_lines([tmp_path / "x.jsonl"]))
    assert_one_line(caught.value, "line 1", "brackets 100,000 deep, of which at most 100 are read")


ACTING = "\x1b]0;title\x07\x1b[2J\r\u202e\u2066\x9b31m"


def test_texts_do_not_act_on_a_terminal() -> None:
    error = DataError(f"label {ACTING}", expected=ACTING, got=ACTING, remedy=ACTING)
    for shown in (str(error), visible(ACTING), json_text({ACTING: ACTING})):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_deep_source_is_parsed(language: str) -> None:
    """Ten times as deep as Python would recurse."""
    deep = "x = " + "(" * 10_000 + "1" + ")" * 10_000
    tree, _ = parse(deep, language)
    assert list(lexical(tree.root_node, language))
    assert not list(find_functions(deep, language))


def test_a_text_that_takes_too_long_to_parse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages_module, "PATIENCE", 0.01)
    with pytest.raises(DataError) as caught:
        parse("if (a) " * 20_000, "rust")
    assert_one_line(caught.value, "rust code", "0.01 s")


def test_a_local_model_needs_no_network() -> None:
    """No socket is opened, and nothing is asked of a resolver."""
    code = f"""
import socket
def refuse(*args, **options):
    raise AssertionError("a connection")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from neurosieve.models import load_model
load_model({str(tiny_model("bert"))!r}, device="cpu")
load_model("neurosieve/encoder", device="cpu")
"""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_HUB")}
    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_names_this_file_and_the_audit() -> None:
    text = read(DOCS / "security.md")
    assert "tests/test_security.py" in text
    assert "make audit" in text
    assert "\naudit: " in (ROOT / "Makefile").read_text(encoding="utf-8")
