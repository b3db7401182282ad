"""One process at a time writes into a folder; a second one is told who does, and a dead one does not hold it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import NeurosieveError, ResourceError, RunFolderError
from neurosieve.storage import sole_writer as module
from neurosieve.storage.folder import Folder
from neurosieve.storage.sole_writer import LEASE, WRITER, sole_writer
from tests.tiny import assert_one_line

HOLD = """
import sys, time
from neurosieve.storage.sole_writer import sole_writer
with sole_writer(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""
PLACES: dict[str, Callable[[Path], str]] = {
    "here": lambda folder: str(folder / "run"),
    "memory": lambda folder: f"memory://{folder.name}/run",
}


def writes(url: str) -> bool:
    with sole_writer(url):
        time.sleep(0.5)
        return True


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return PLACES[request.param](tmp_path)


def test_of_many_one_writes(url: str) -> None:
    def attempt(_: int) -> bool:
        try:
            return writes(url)
        except RunFolderError as e:
            assert_one_line(e, url, "no other command", "wait until it ends")
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1
    assert writes(url)
    assert not Folder(url).exists(WRITER)


def test_the_second_is_told_who_and_since_when(url: str) -> None:
    with sole_writer(url):
        with pytest.raises(RunFolderError) as caught, sole_writer(url):
            pass
        assert_one_line(caught.value, f"process {os.getpid()} on {socket.gethostname()}")
        assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d;", str(caught.value))


def test_an_error_of_the_work_ends_the_hold(url: str) -> None:
    with pytest.raises(ZeroDivisionError), sole_writer(url):
        raise ZeroDivisionError
    with pytest.raises(KeyboardInterrupt), sole_writer(url):
        raise KeyboardInterrupt
    assert writes(url)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_process_does_not_hold(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError) as caught:
            writes(str(tmp_path))
        assert_one_line(caught.value, f"process {process.pid} on")
        process.send_signal(number)
    assert writes(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def lease(**changes: Any) -> bytes:
    record = {"pid": os.getpid(), "started": 0.0, "host": "elsewhere", "since": time.time(), "renewed": time.time()}
    return json.dumps(record | {"token": "other"} | changes).encode()


GONE = 2**22 + 1  # above the largest number of a process


@pytest.mark.parametrize(
    ("left", "held"),
    [
        (lease(), True),
        (lease(renewed=time.time() - LEASE - 1), False),
        (lease(host=socket.gethostname()), True),  # this very process
        (lease(host=socket.gethostname(), pid=GONE), False),
        (b"[]", False),
        (b"{", False),
        (lease(pid="1"), False),
    ],
)
def test_a_lease_of_a_store(left: bytes, held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SETTLE", 0.0)
    url = f"memory://{tmp_path.name}/leases"
    Folder(url).write(WRITER, left)
    if held:
        with pytest.raises(RunFolderError):
            writes(url)
        assert Folder(url).read(WRITER) == left
    else:
        assert writes(url)


def test_who_lost_the_lease_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stood still for longer than a lease finds another's."""
    monkeypatch.setattr(module, "_BEAT", 0.05)
    url = f"memory://{tmp_path.name}/lost"
    began = time.monotonic()

    def loses() -> None:
        Folder(url).write(WRITER, lease(pid=77))
        time.sleep(20)

    with pytest.raises(RunFolderError) as caught, sole_writer(url):
        loses()
    assert time.monotonic() - began < 10
    assert_one_line(caught.value, "process 77 on elsewhere")
    assert b"other" in Folder(url).read(WRITER)  # left to its holder


def test_a_lease_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEAT", 0.02)
    files = Folder(f"memory://{tmp_path.name}/renewed")
    with sole_writer(files.url):
        first = json.loads(files.read(WRITER))
        time.sleep(0.3)
        later = json.loads(files.read(WRITER))
    assert later["renewed"] > first["renewed"]
    assert later["since"] == first["since"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NeurosieveError) as caught:
        writes(str(tmp_path / "file" / "run"))
    assert isinstance(caught.value, ResourceError)
    assert_one_line(caught.value, "--out")
