"""Who writes into a folder: one process at a time. A second one is told who that is, and since when.

On this machine the lock is the kernel's (filelock): it ends with the process, however that ends. A store behind a URL
has no locks. There the writer leaves a lease, an object that only one can create, and renews it; a lease that was not
renewed for five minutes, or whose process on this machine is dead, is taken over. That rests on stores that create an
object only where none is (S3, GCS, Azure, and `memory://`), and on clocks that differ by less than minutes.
"""

import json
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from neurosieve.errors import NeurosieveError, ResourceError, RunFolderError
from neurosieve.storage.bounded_json import bounded_json
from neurosieve.storage.folder import GO_ON, Folder
from neurosieve.typing import PathLike

LOCK, WRITER = ".writer.lock", ".writer.json"
_KEYS = {"pid": int, "started": float, "host": str, "since": float, "renewed": float, "token": str}
LEASE = 300.0  # seconds without a renewal after which a lease is over
_MOMENT = 0.2  # seconds, for the last writer to go
_BEAT = 60.0  # seconds from one renewal to the next
_SETTLE = 2.0  # seconds in which two that take over the same lease see each other


@contextmanager
def sole_writer(url: PathLike) -> Iterator[None]:
    """Be the only one that writes into a folder, which is made if it is missing.

    Raises:
        RunFolderError: Another process is (says which, and since when), or took over while this one stood still.
        ResourceError: The folder cannot be written.
    """
    folder = Folder(url)
    with _locked(folder) if folder.on_this_machine else _leased(folder):
        yield


@contextmanager
def _locked(folder: Folder) -> Iterator[None]:
    place = Path(folder.root)
    lock = FileLock(place / LOCK, timeout=_MOMENT)
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as e:
        raise _refused(folder, _read(folder)) from e
    except OSError as e:
        raise ResourceError(
            f"folder {folder.url}", expected="a folder that can be written", got=e.strerror or str(e), remedy=GO_ON
        ) from e
    try:
        folder.write(WRITER, _record("", time.time()))
        yield
    finally:
        for name in (WRITER, LOCK):  # while it is held: who opened the file before finds that it is no longer there
            (place / name).unlink(missing_ok=True)
        lock.release()


@contextmanager
def _leased(folder: Folder) -> Iterator[None]:
    lease = _Lease(folder)
    lease.take()
    beat = threading.Thread(target=lease.renew, daemon=True)
    beat.start()
    try:
        yield
    except KeyboardInterrupt:
        if not lease.lost:
            raise
    finally:
        lease.ended.set()
        beat.join()
        if not lease.lost:
            with suppress(NeurosieveError):  # the work has met the same store, and said so; the lease ends by itself
                folder.remove(WRITER)
    if lease.lost:
        raise _refused(folder, _read(folder))


class _Lease:
    """This process's claim of a folder behind a URL."""

    def __init__(self, folder: Folder) -> None:
        self._folder, self._token, self._since = folder, secrets.token_hex(8), time.time()
        self.ended, self.lost = threading.Event(), False

    def take(self) -> None:
        """Create the lease, or take over one that is over."""
        record = _record(self._token, self._since)
        if self._folder.create(WRITER, record):
            return
        holder = _read(self._folder)
        if not _is_over(holder):
            raise _refused(self._folder, holder)
        self._folder.remove(WRITER)
        if not self._folder.create(WRITER, record) or not self._stays():
            raise _refused(self._folder, _read(self._folder))

    def _stays(self) -> bool:
        """Another may have found the same old lease, and removed ours in its place."""
        time.sleep(_SETTLE)
        return self._is_ours()

    def _is_ours(self) -> bool:
        return _read(self._folder).get("token") == self._token

    def renew(self) -> None:
        """Renew the lease until it ends; where it is another's, stop what the process is doing."""
        while not self.ended.wait(_BEAT):
            try:
                if self._is_ours():
                    self._folder.write(WRITER, _record(self._token, self._since))
                    continue
            except NeurosieveError:  # the work itself meets the same store, and says so
                continue
            self.lost = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # wakes it from waiting, too
            return


def _record(token: str, since: float) -> bytes:
    process = psutil.Process()
    record = {"pid": process.pid, "started": process.create_time(), "host": socket.gethostname(), "since": since}
    return json.dumps(record | {"renewed": time.time(), "token": token}).encode()


def _read(folder: Folder) -> dict[str, Any]:
    """What the writer left of itself; empty where that is gone, or not readable."""
    try:
        record = bounded_json(folder.read(WRITER)) if folder.exists(WRITER) else {}
    except ValueError:
        return {}
    return record if isinstance(record, dict) and all(isinstance(record.get(k), t) for k, t in _KEYS.items()) else {}


def _is_over(holder: dict[str, Any]) -> bool:
    """Is a lease of a dead process of this machine, or one that was not renewed in time?"""
    if holder.get("host") == socket.gethostname():
        return not _lives(holder["pid"], holder["started"])
    return bool(time.time() - holder.get("renewed", 0.0) > LEASE)


def _lives(pid: int, started: float) -> bool:
    try:
        return pid == os.getpid() or bool(abs(psutil.Process(pid).create_time() - started) < 1)
    except psutil.NoSuchProcess:
        return False


def _refused(folder: Folder, holder: dict[str, Any]) -> RunFolderError:
    got = "another process"
    if holder:
        since = datetime.fromtimestamp(holder["since"]).isoformat(" ", "seconds")
        got = f"process {holder['pid']} on {holder['host']}, since {since}"
    return RunFolderError(
        f"folder {folder.url}",
        expected="no other command that writes there",
        got=got,
        remedy="wait until it ends, or stop it; the same command then continues from there",
    )
