"""Parts of studies on every engine: what is found is the same, byte for byte."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def dying(place: str, deaths: int) -> Callable[[int], int]:
    """A `Make`: the worker dies that has the second part, so often; the times are counted in files."""

    def work(part: int) -> int:
        if part == 1:
            died = len(list(Path(place).iterdir()))
            if died < deaths:
                (Path(place) / str(died)).touch()
                os._exit(9)
        return part

    return work


@contextmanager
def two_processes() -> Iterator[Any]:
    """The local engine with two workers."""
    crew = Processes(2, 1)
    try:
        with running_on(OnWorkers(crew)):
            yield crew
    finally:
        crew.close()
