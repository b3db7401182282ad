"""Workers that are processes of this machine."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from neurosieve.engine.worker import Answer, Lost, Worker
from neurosieve.parts import Make

_PATIENCE = 10.0  # seconds for a process to end whose pipe is closed


class Processes:
    """New Python processes, begun with the first job and kept for the next ones.

    Args:
        size: How many.
        threads: Of each.
    """

    def __init__(self, size: int, threads: int) -> None:
        self.size = size
        self._threads = threads
        self._running: dict[int, tuple[Any, Connection]] = {}
        self._busy: set[int] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="neurosieve-")
        self._job, self._small = 0, False

    @property
    def _file(self) -> Path:
        """What all parts of a job need is in a file: processes read it once each, and none has to wait for another."""
        return Path(self._folder.name) / f"job-{self._job}"

    def begin(self, make: Make[Any, Any], *, small: bool) -> None:
        """See `Crew`."""
        self._file.unlink(missing_ok=True)
        self._job, self._small = self._job + 1, small
        with self._file.open("wb") as file:
            pickle.dump(make, file, protocol=pickle.HIGHEST_PROTOCOL)
        for number in range(self.size):
            if number not in self._running:
                self._start(number)

    def _start(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._threads), daemon=True)
        process.start()
        theirs.close()
        self._running[number] = process, ours

    def hand(self, worker: int, part: Any) -> None:
        """See `Crew`."""
        self._busy.add(worker)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `wait` sees that it is gone
            self._running[worker][1].send((self._job, self._file, part, self._small))

    def wait(self) -> tuple[int, Answer | Lost]:
        """See `Crew`."""
        numbers = {self._running[number][1]: number for number in self._busy}
        pipe: Any = wait(list(numbers))[0]
        number = numbers[pipe]
        self._busy.discard(number)
        try:
            answer: Answer = pipe.recv()
        except (EOFError, ConnectionResetError):
            return number, self._replace(number)
        return number, answer

    def _replace(self, number: int) -> Lost:
        process = self._running[number][0]
        process.join(_PATIENCE)  # its pipe is closed, so it is ending
        code = process.exitcode
        self._end(number)
        self._start(number)
        if code is None or code >= 0:
            return Lost(f"it ended with exit code {code}")
        memory = ", as the system does where memory runs out" if code == -signal.SIGKILL else ""
        return Lost(f"it was killed ({signal.Signals(-code).name}){memory}")

    def _end(self, number: int) -> None:
        process, pipe = self._running.pop(number)
        process.kill()
        process.join()
        pipe.close()

    def dismiss(self) -> None:
        """See `Crew`."""
        self._busy.clear()
        for number in list(self._running):
            self._end(number)

    def close(self) -> None:
        """End all, and leave nothing."""
        self.dismiss()
        self._folder.cleanup()


def _serve(pipe: Connection, threads: int) -> None:
    """A worker's life: until its pipe is closed, or the process that asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; who asks ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    worker = Worker(threads)
    while True:
        try:
            job, file, part, small = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        pipe.send(worker.answer(job, file.read_bytes, part, small=small))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
