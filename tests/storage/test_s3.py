"""A run folder in a bucket of a real S3 server: the same results, and one line for each way in which it can fail."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from neurosieve.errors import NeurosieveError, ResourceError, RunFolderError, StoreError
from neurosieve.results import to_json
from neurosieve.storage import folder as folder_module
from neurosieve.storage.folder import Folder
from neurosieve.storage.sole_writer import WRITER, sole_writer
from neurosieve.studies.finished import load_summary
from neurosieve.studies.redundancy.run import run_study
from tests.s3 import s3_bucket
from tests.studies import FASTEST, lasting, quick
from tests.tiny import assert_one_line


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_bucket() as url:
        yield url


@pytest.fixture
def place(bucket: str, tmp_path: Path) -> str:
    return f"{bucket}/{tmp_path.name}"


def test_files(place: str) -> None:
    folder = Folder(place)
    assert (folder.exists("a"), folder.names(), folder.name) == (False, [], place.rpartition("/")[2])
    assert folder.create("a", b"1")
    assert not folder.create("a", b"2")
    folder.write("x/y.json", b"3")
    folder.write("x/.hidden", b"4")
    assert (folder.read("a"), folder.names(), folder.names("x")) == (b"1", ["a", "x"], ["y.json"])
    folder.remove("x")
    folder.remove("x")
    assert (folder.names(), folder.exists("x/y.json")) == (["a"], False)


def test_one_writer_at_a_time(place: str) -> None:
    with sole_writer(place):
        with pytest.raises(RunFolderError) as caught, sole_writer(place):
            pass
        assert_one_line(caught.value, place, "since")
    assert not Folder(place).exists(WRITER)


ACTS: dict[str, Callable[[Folder], Any]] = {
    "write": lambda folder: folder.write("a", b"1"),
    "create": lambda folder: folder.create("a", b"1"),
    "read": lambda folder: folder.read("a"),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_lost_bucket_is_one_line_and_is_not_made(act: str, bucket: str) -> None:
    del bucket
    with pytest.raises(NeurosieveError) as caught:
        ACTS[act](Folder("s3://lost/run"))
    assert_one_line(caught.value, "s3://lost/run/a")
    assert Folder("s3://lost").names() == []


def client(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """New clients that wait less than is usual."""
    s3fs = pytest.importorskip("s3fs")
    for key, value in ({"retries": 1} | settings).items():
        monkeypatch.setattr(s3fs.S3FileSystem, key, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("act", [*ACTS, "exists"])
def test_without_credentials_it_is_one_line(act: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    client(monkeypatch)
    with pytest.raises((StoreError, ResourceError)) as caught:
        (ACTS | {"exists": lambda folder: folder.exists("a")})[act](Folder(place))
    assert_one_line(caught.value, place, "credentials")
    client(monkeypatch)


@pytest.mark.parametrize("act", [*ACTS, "exists"])
def test_a_server_that_never_answers_is_one_line(act: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []
        threading.Thread(target=accept, args=(server, kept), daemon=True).start()
        with monkeypatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
            patch.setattr(folder_module, "PATIENCE", 1.0)
            client(patch, read_timeout=0.2, connect_timeout=0.2)
            began = time.monotonic()
            with pytest.raises((StoreError, ResourceError)) as caught:
                (ACTS | {"exists": lambda folder: folder.exists("a")})[act](Folder(place))
        assert time.monotonic() - began < 20
        assert_one_line(caught.value, place)
        for connection in kept:
            connection.close()
    client(monkeypatch)


def accept(server: socket.socket, kept: list[socket.socket]) -> None:
    try:
        while True:
            kept.append(server.accept()[0])
    except OSError:
        pass


def test_a_run_that_was_stopped_continues_to_the_same_summary(place: str, tmp_path: Path) -> None:
    """Stopped twice; the summary is that of a run on this machine."""
    config = quick(**FASTEST)
    here = lasting(to_json(run_study(config, tmp_path / "run")))
    right, stops = Folder.write, 0
    for wait in (2, 6):
        left = [wait]

        def stopped(self: Folder, name: str, data: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            right(self, name, data)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Folder, "write", stopped)
            with pytest.raises(KeyboardInterrupt):
                run_study(config, place)
            stops += 1
    assert stops == 2
    assert lasting(to_json(run_study(config, place))) == here
    assert lasting(to_json(load_summary(place))) == here
    assert json.loads(Folder(place).read("activations/manifest.json"))["complete"]
    assert b"<html" in Folder(place).read("report.html")
    assert not [name for name in Folder(place).names() if name.endswith(".part")]
