"""What a user can get wrong: one line that names the object and the remedy, the right exit code, no work lost."""

import errno
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from fsspec.implementations.local import LocalFileSystem

from neurosieve.models import known as known_module
from tests.cli import one_line_error, options, ran
from tests.studies import data_folder, finished_quick, lasting
from tests.tiny import tiny_model

Capture = pytest.CaptureFixture[str]


def copied(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder / "copy"))


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: str | bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return spoil


def both(*steps: Callable[[Path], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for step in steps:
            step(folder)

    return spoil


def only(*files: tuple[str, str]) -> Callable[[Path], None]:
    """Replace the folder's content."""

    def spoil(folder: Path) -> None:
        for path in folder.iterdir():
            path.unlink()
        for name, text in files:
            (folder / name).write_text(text, encoding="utf-8")

    return spoil


def spans(spans: str) -> Callable[[Path], None]:
    """Three JSONL splits; the test one has these spans on a text of five characters."""
    good = '{"code": "a = 1 ", "spans": [[0, 1, "N"], [4, 5, "D"]]}\n'
    other = '{"code": "b = 2 ", "spans": [[0, 1, "N"], [4, 5, "D"]]}\n'
    bad = f'{{"code": "c = 3", "spans": {spans}}}\n'
    return only(("train.jsonl", good), ("valid.jsonl", other), ("test.jsonl", bad))


def without_class(folder: Path) -> None:
    (folder / "test.label").write_text((folder / "test.label").read_text().replace("SIGN", "NUM"))


DATA: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "missing file": (remove("test.label"), ("test split", "test.label", "add the missing file")),
    "missing split": (only(("train.in", "a"), ("train.label", "N")), ("split", "add the")),
    "no validation": (
        both(remove("valid.in"), remove("valid.label")),
        ("--validation-from-train",),
    ),
    "two validation files": (write("dev.in", "a\n"), ("valid.in and dev.in", "remove all but one")),
    "no labels at all": (only(("train.in", "a"), ("dev.in", "a"), ("test.in", "a")), (".label",)),
    "nothing there": (only(), ("SPLIT.in", "--labels")),
    "lines missing": (write("train.label", "NUM\n"), ("train.label", "60 lines", "1 (first line without partner: 2)")),
    "tags missing": (write("test.label", "NUM\n" * 30), ("test.label line 1", "tags")),
    "empty file": (write("valid.in", ""), ("valid.in", "an empty file")),
    "empty labels": (write("train.label", "\n"), ("train.label", "an empty file")),
    "not UTF-8": (write("test.in", b"a b\ncaf\xe9 c\n"), ("test.in", "UTF-8", "0xe9 on line 2")),
    "broken gzip": (
        both(remove("test.in"), write("test.in.gz", b"no gzip")),
        ("test.in.gz", "gzip"),
    ),
    "span outside": (spans('[[0, 1, "N"], [4, 6, "D"]]'), ("test.jsonl line 1", "span [4, 6]", "≤ 5")),
    "span backwards": (spans('[[3, 1, "N"]]'), ("test.jsonl line 1", "span [3, 1]")),
    "spans overlap": (spans('[[0, 3, "N"], [2, 5, "D"]]'), ("span [2, 5]", "[0, 3]")),
    "span of other form": (spans('[{"start": 0}]'), ("test.jsonl line 1", "[start, end")),
    "no JSON": (only(("train.jsonl", "{"), ("dev.jsonl", "{"), ("test.jsonl", "{")), ("train.jsonl line 1", "no JSON")),
    "two formats": (
        both(*(write(f"{s}.jsonl", "{}") for s in ("train", "dev", "test"))),
        ("one format",),
    ),
}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("case", DATA)
def test_bad_data(case: str, command: str, tmp_path: Path, capsys: Capture) -> None:
    spoil, parts = DATA[case]
    folder = copied(data_folder(), tmp_path)
    spoil(folder)
    one_line_error(ran(capsys, command, *options(data=folder, out=tmp_path / "run")), *parts)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["nowhere", "x" * 300])
def test_no_such_data_folder(name: str, tmp_path: Path, capsys: Capture) -> None:
    one_line_error(ran(capsys, "plan", *options(data=tmp_path / name)), name, "--data")


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def slow_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


MODELS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no such folder": (shutil.rmtree, ("model folder", "nothing there", "--model")),
    "no config": (remove("config.json"), ("config.json",)),
    "broken config": (write("config.json", "{"), ("save or copy the model again",)),
    "no weights": (remove("model.safetensors"), ("weights (model.safetensors)", "add the weights file")),
    "pickled weights": (pickled, ("pickled weights", "--allow-pickle")),
    "broken weights": (write("model.safetensors", "x"), ("save or copy the model again",)),
    "no fast tokenizer": (slow_tokenizer, ("a fast tokenizer (tokenizer.json)",)),
}


@pytest.mark.parametrize("case", MODELS)
def test_bad_model(case: str, tmp_path: Path, capsys: Capture) -> None:
    spoil, parts = MODELS[case]
    folder = copied(tiny_model("bert"), tmp_path)
    spoil(folder)
    one_line_error(ran(capsys, "run", *options(model=folder, out=tmp_path / "run")), str(folder), *parts)


def test_remedy_for_pickled_weights_helps(tmp_path: Path, capsys: Capture) -> None:
    """The same command with the flag that the message names goes on in the same folder, to the next error at most."""
    folder = copied(tiny_model("bert"), tmp_path)
    pickled(folder)
    command = ["run", *options(model=folder, out=tmp_path / "run")]
    one_line_error(ran(capsys, *command), "--allow-pickle")
    assert "run folder" not in ran(capsys, *command, "--allow-pickle").err


def test_unreachable_name_says_offline(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    for name in ("no-such-model", "nobody/no-such-model"):
        one_line_error(ran(capsys, "plan", *options(model=name)), f"model {name}", "offline", "local folder")


USAGE: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "pair of unknown key": (["--set", "seeed=1"], ("option 'seeed'", "did you mean seed?")),
    "pair without sign": (["--set", "seed"], ("--set seed", "key=value")),
    "unknown task": (["--task", "token-taging"], ("did you mean token-tagging?",)),
    "unknown scheme": (["--labels", "lexicl"], ("did you mean lexical?",)),
    "unknown ranking": (["--rankings", "lca,probles"], ("ranking 'probles'", "did you mean probeless?")),
    "unknown rule": (["--set", "select=[point, sfe]"], ("option select",)),
    "bad delta": (["--set", "deltas=[1.5]"], ("option deltas", "0.01 = one point")),
    "delta of words": (["--set", "deltas=[small]"], ("option deltas", "small")),
    "bad rows": (["--rows", "10,many,5"], ("option rows.validation", "many")),
    "share of 2": (["--validation-from-train", "2"], ("option validation_from_train",)),
    "unknown precision": (["--precision", "half"], ("option precision", "float16")),
    "unknown device": (["--device", "gpu"], ("device 'gpu'", "use cpu or auto")),
    "short windows": (["--max-tokens", "1"], ("--max-tokens", "at least")),
    "missing study file": (["nowhere.yaml"], ("nowhere.yaml",)),
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage(case: str, tmp_path: Path, capsys: Capture) -> None:
    arguments, parts = USAGE[case]
    one_line_error(ran(capsys, "run", *options(out=tmp_path / "run"), *arguments), *parts, code=2)


@pytest.mark.parametrize("option", ["model", "data"])
def test_missing_option_is_named(option: str, capsys: Capture) -> None:
    one_line_error(ran(capsys, "plan", *options(**{option: None})), f"--{option}", code=2)


def test_stdlib_needs_a_scheme(capsys: Capture) -> None:
    one_line_error(ran(capsys, "plan", *options(data="stdlib")), "--labels lexical or identifier-role", code=2)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["run", "--modle", "x", "--out", "y"], "--model"),
        (["rum", "--out", "y"], "run"),
        (["run", "--model", "x"], "--out"),
        (["run", "--out", "y", "--seed", "many"], "--seed"),
        (["plan", "--rows", "1,2"], "--rows"),
    ],
)
def test_usage_that_the_parser_refuses(arguments: list[str], part: str, capsys: Capture) -> None:
    ended = ran(capsys, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert part in ended.err
    assert "Traceback" not in ended.err


def test_class_named_twice(capsys: Capture) -> None:
    """Refused, or read as if named once; not as two classes."""
    ended = ran(capsys, "plan", *options(), "--classes", "NUM,NUM,SIGN", "--json")
    assert ended.code != 0 or ended.json["rows"]["train"] == 80


def test_empty_rows_are_not_passed_over(capsys: Capture) -> None:
    assert ran(capsys, "plan", *options(rows=""), "--json").code == 2


@pytest.mark.parametrize(("delta", "part"), [("1.5", "one point"), ("small", "small"), ("", "one point")])
def test_bad_delta(delta: str, part: str, capsys: Capture) -> None:
    command = ["plan", "--model", str(tiny_model("bert")), "--data", str(data_folder()), "--delta", delta]
    one_line_error(ran(capsys, *command), "option deltas", part, code=2)


def test_a_named_class_without_rows(tmp_path: Path, capsys: Capture) -> None:
    folder = copied(data_folder(), tmp_path)
    without_class(folder)
    given = options(data=folder, out=tmp_path / "run")
    one_line_error(
        ran(capsys, "plan", *given, "--classes", "NUM,NAME,SIGN"), "class 'SIGN' in the test split", "--classes"
    )
    assert "class left out: SIGN: no rows in test" in ran(capsys, "plan", *given).out


def test_unknown_class(capsys: Capture) -> None:
    ended = ran(capsys, "plan", *options(), "--classes", "NUM,STRNG")
    one_line_error(ended, "class 'STRNG'", "--classes")


@pytest.fixture
def run_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_quick().folder, tmp_path / "run"))


def test_folder_of_another_study(run_copy: Path, capsys: Capture) -> None:
    ended = ran(capsys, "run", *options(out=run_copy), "--seed", "3")
    one_line_error(ended, str(run_copy), "seed 0 → 3", "choose another --out")
    assert lasting(ran(capsys, "run", *options(out=run_copy), "--json").json) == lasting(finished_quick().record)


def test_folder_of_another_format(run_copy: Path, capsys: Capture) -> None:
    path = run_copy / "study.yaml"
    path.write_text(path.read_text().replace("format: 1", "format: 2", 1))
    one_line_error(ran(capsys, "run", *options(out=run_copy)), "format version 1", "version 2")


def test_broken_study_yaml(run_copy: Path, capsys: Capture) -> None:
    (run_copy / "study.yaml").write_text("format: [1\nstudy: {\n")
    one_line_error(ran(capsys, "run", *options(out=run_copy)), str(run_copy), "study.yaml")


def test_wrong_checksum(run_copy: Path, capsys: Capture) -> None:
    (run_copy / "summary.json").unlink()
    shard = run_copy / "activations" / "shard-00000.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x7f")
    one_line_error(ran(capsys, "run", *options(out=run_copy)), "shard-00000.safetensors", "sha256", "delete the store")
    assert (run_copy / "selection.json").exists()


OF_STORE = ("shard-00001", "rows-00002")
OF_STAGES = ("selection.safetensors", "selection.json", "seconds.json", "clusters.json", "untrained-0.json")
WRITTEN = (*OF_STORE, *OF_STAGES, "summary.json", "report.html")


@pytest.mark.parametrize(
    "file", ["manifest.json", "layers.safetensors", *(pytest.param(name, marks=pytest.mark.slow) for name in WRITTEN)]
)
def test_full_disk(file: str, tmp_path: Path, capsys: Capture) -> None:
    """Whatever file the disk is full at, it is one line, and the same command goes on when there is room again."""
    right = LocalFileSystem.open

    def full(self: LocalFileSystem, path: str, mode: str = "rb", **kwargs: Any) -> io.IOBase:
        if "w" in mode and file in path:
            raise OSError(errno.ENOSPC, "No space left on device")
        opened: io.IOBase = right(self, path, mode, **kwargs)
        return opened

    command = ["run", *options(out=tmp_path / "run"), "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalFileSystem, "open", full)
        one_line_error(ran(capsys, *command), str(tmp_path / "run"), "No space left on device", "continues")
    assert lasting(ran(capsys, *command).json) == lasting(finished_quick().record)


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """A folder of its own for a user whom file rights bind."""
    if not hasattr(os, "geteuid"):
        pytest.skip("no such rights here")
    with tempfile.TemporaryDirectory() as name:
        folder, user = Path(name), os.geteuid()
        shutil.copytree(data_folder(), folder / "data")
        folder.chmod(0o777)
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            for path in folder.rglob("*"):
                path.chmod(0o700)


@pytest.mark.parametrize("mode", [0o500, 0o000])
@pytest.mark.parametrize("below", ["", "deeper/run"])
def test_locked_run_folder(mode: int, below: str, plain_user: Path, capsys: Capture) -> None:
    out = plain_user / "run"
    out.mkdir(mode)
    ended = ran(capsys, "run", *options(data=plain_user / "data", out=out / below))
    one_line_error(ended, str(out), "Permission denied", "--out")


@pytest.mark.parametrize("path", ["data", "data/train.in"])
def test_locked_data(path: str, plain_user: Path, capsys: Capture) -> None:
    user = os.geteuid()
    os.seteuid(os.getuid())  # whoever wrote the data may lock it
    (plain_user / path).chmod(0)
    os.seteuid(user)
    one_line_error(ran(capsys, "plan", *options(data=plain_user / "data")), str(plain_user / "data"))


def test_out_is_a_file(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("precious")
    for out in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / ("x" * 300)):
        one_line_error(ran(capsys, "run", *options(out=out)), str(out), "--out")
    assert (tmp_path / "file").read_text() == "precious"


def test_foreign_out_is_left_alone(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    one_line_error(ran(capsys, "run", *options(out=tmp_path)), "notes.txt", "choose another --out")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_demo_without_its_model(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "_FOLDER", tmp_path / "none")
    one_line_error(ran(capsys, "demo", "--out", str(tmp_path / "demo")), "neurosieve/encoder", "install")


def test_json_option_keeps_errors_off_standard_output(tmp_path: Path, capsys: Capture) -> None:
    one_line_error(ran(capsys, "run", *options(data=tmp_path / "none", out=tmp_path / "run"), "--json"), "--data")


def test_summary_that_is_no_summary(run_copy: Path, capsys: Capture) -> None:
    (run_copy / "summary.json").write_text(json.dumps([]))
    one_line_error(ran(capsys, "run", *options(out=run_copy)), "summary.json")
