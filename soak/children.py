"""Commands in processes of their own, which start at once: copies of this one, in which all is loaded already."""

import fcntl
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from neurosieve import interrupts
from neurosieve.cli import main

_ERRORS = 2**20  # bytes of standard error that are kept
LIMIT = 120.0  # seconds after which a command hangs


@dataclass(frozen=True)
class Ended:
    """How a child ended; `code` is negative where a signal killed it, and None where it hung."""

    code: int | None
    text: str
    seconds: float

    @property
    def crash(self) -> str | None:
        """Why this is no proper end; None where it is one."""
        if self.code is None:
            return "hangs"
        if "Traceback" in self.text or self.code not in (0, 1, 2, 130, 143):
            return f"code {self.code}: {self.text.strip()[-300:]}"
        return None

    @property
    def refusal(self) -> str | None:
        """Why this is no refusal in one line; None where it is one."""
        lines = [line for line in self.text.splitlines() if line.startswith("error: ")]
        if self.crash or (self.code in (1, 2) and len(lines) == 1):
            return self.crash
        return f"code {self.code}, {len(lines)} error lines: {self.text.strip()[-300:]}"


def command(
    arguments: Sequence[str],
    *,
    kill: tuple[float, int] | None = None,
    file_bytes: int | None = None,
    limit: float = LIMIT,
) -> Ended:
    """Run a command of neurosieve.

    Args:
        arguments: As on the command line.
        kill: After so many seconds send this signal.
        file_bytes: No file may grow beyond.
        limit: Seconds after which it hangs.
    """

    def act() -> None:
        if file_bytes is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        main(list(arguments))

    return child(act, kill=kill, limit=limit)


def child(act: Callable[[], object], *, kill: tuple[float, int] | None = None, limit: float = LIMIT) -> Ended:
    """Do something in a copy of this process; what it writes to standard error is kept."""
    reading, writing = os.pipe()  # not a file, whose size may be bounded
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, _ERRORS)
    os.set_blocking(reading, False)
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _act(act, writing)
    os.close(writing)
    status = _waited(pid, began, kill, limit)
    try:
        text = os.read(reading, _ERRORS).decode("utf-8", "replace")
    except BlockingIOError:  # nothing, and a process that it started still lives
        text = ""
    os.close(reading)
    code = None if status is None else os.waitstatus_to_exitcode(status)
    return Ended(code, text, time.monotonic() - began)


def start(act: Callable[[], None], errors: int) -> int:
    """The same, without waiting for it: the number of the process."""
    pid = os.fork()
    if pid == 0:
        _act(act, errors)
    return pid


def _act(act: Callable[[], object], errors: int) -> NoReturn:
    code = 70
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        os.dup2(errors, 2)
        sys.stdout, sys.stderr = (os.fdopen(os.dup(number), "w", buffering=1) for number in (1, 2))
        interrupts.watch()
        interrupts.imported()
        act()
        code = 0
    except SystemExit as e:
        code = int(e.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        try:
            sys.stderr.flush()
        finally:  # whatever happens: this is a copy, which must not go on as the process itself
            os._exit(code)


def _waited(pid: int, began: float, kill: tuple[float, int] | None, limit: float) -> int | None:
    while time.monotonic() - began < limit:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if kill and time.monotonic() - began >= kill[0]:
            os.kill(pid, kill[1])
            kill = None
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
