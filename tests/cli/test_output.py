"""Standard output that is closed, full or narrow, and Ctrl-C before all is imported: no traceback, the right code."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from neurosieve.cli import main
from neurosieve.cli.terminal import warnings_in_one_line
from neurosieve.errors import NeurosieveWarning
from tests.studies import finished_quick

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="other pipes and signals there")
COMMANDS = (["tasks"], ["tasks", "--json"], ["models"], ["--version"], ["--help"], ["run", "--help"])


def ended(monkeypatch: pytest.MonkeyPatch, stream: Any, *arguments: str) -> int:
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    monkeypatch.undo()
    return int(caught.value.code or 0)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_closed_pipe(arguments: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As any program in a pipe: no word, 128 and SIGPIPE's number."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123  # whose own end writes nothing more
        assert ended(monkeypatch, stream, *arguments) == 128 + signal.SIGPIPE
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_full_device(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        assert ended(monkeypatch, stream, *arguments) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("error: standard output: expected")
    assert "No space left" in said


def test_no_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, None, "tasks", "--json") == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_narrow_characters(encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What has no code becomes a question mark in a text, and an escape in JSON."""
    folder = Path(shutil.copytree(finished_quick().folder, tmp_path / "run"))

    def shown(encoding: str, *options: str) -> str:
        kept = io.BytesIO()
        stream = io.TextIOWrapper(kept, encoding=encoding)
        assert ended(monkeypatch, stream, "redundancy", str(folder), *options) == 0
        return kept.getvalue().decode(encoding)

    whole = shown("utf-8")
    assert shown(encoding) == whole.encode(encoding, errors="replace").decode(encoding)
    assert not whole.isascii()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert json.loads(shown(encoding, "--json")) == summary


# Stands in torch's place; as some libraries do, it goes on whatever is raised while it loads.
HELD = """
import time
print("held", flush=True)
try:
    time.sleep(60)
except BaseException:
    print("went on", flush=True)
"""


PLAN = ("plan", "--model", "neurosieve/encoder", "--data", "stdlib", "--labels", "lexical")


@pytest.mark.parametrize("way", ["script", "module"])
def test_interrupt_while_libraries_are_imported(way: str, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(HELD)
    script = tmp_path / "bin" / "neurosieve"
    script.parent.mkdir()
    script.write_text("from neurosieve.cli import main\nmain()\n")
    places = [str(tmp_path), *sys.path]
    process = subprocess.Popen(
        [sys.executable, *([str(script)] if way == "script" else ["-m", "neurosieve"]), *PLAN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # if ignored here
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, ("", "error: interrupted before anything was begun\n"))


def test_interrupt_stays_an_exception_in_a_library() -> None:
    code = "import signal; before = signal.getsignal(2); import neurosieve; assert signal.getsignal(2) is before"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_warning_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def both() -> None:
        with warnings_in_one_line():
            warnings.warn("end is\nleft out", NeurosieveWarning, stacklevel=1)
            warnings.warn("of another package", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="of another package") as others:
        both()
    assert capsys.readouterr().err == "warning: end is left out\n"
    assert len(others) == 1
