"""Parts of studies on every engine: what is found is the same, byte for byte."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurosieve.engine.engine_choice import OnWorkers
from neurosieve.engine.processes import Processes
from neurosieve.parts import running_on

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def times(factor: int) -> Callable[[int], int]:
    """A `Make`: parts are multiplied."""
    return lambda part: part * factor


def twice() -> Callable[[list[int]], list[int]]:
    """A `Make`: parts are lists and stand twice."""
    return lambda part: part * 2


def failing(error: Exception) -> Callable[[int], int]:
    """A `Make`: the third part fails."""

    def work(part: int) -> int:
        if part == 2:
            raise error
        return part

    return work


def dying(place: str, deaths: int, end: Callable[[], object]) -> Callable[[int], int]:
    """A `Make`: the worker ends that has the second part, so often; the times are counted in files."""

    def work(part: int) -> int:
        if part == 1:
            died = len(list(Path(place).iterdir()))
            if died < deaths:
                (Path(place) / str(died)).touch()
                end()
        return part

    return work


def leave() -> None:
    """End this process with an exit code."""
    os._exit(9)


def be_killed() -> None:
    """As the system does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def ask_too_much_of_numpy() -> None:
    """MemoryError."""
    np.empty(2**46)


def ask_too_much_of_torch() -> None:
    """RuntimeError."""
    torch.empty(2**46)


@contextmanager
def two_processes() -> Iterator[Any]:
    """The local engine with two workers."""
    crew = Processes(2, 1)
    try:
        with running_on(OnWorkers(crew)):
            yield crew
    finally:
        crew.close()
