"""What a worker does, wherever it is: it keeps what the parts of one job share, and answers a part at a time."""

import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neurosieve.threads import torch_threads


@dataclass(frozen=True)
class Answer:
    """What came of a part.

    Attributes:
        value: What was made of it.
        error: What was raised instead.
        where: The lines of code that led to it.
    """

    value: Any = None
    error: Exception | None = None
    where: str = ""


@dataclass(frozen=True)
class Lost:
    """A worker that ended without an answer.

    Attributes:
        why: In words.
        replaced: Another took its place; False where there is no room for one, and others work on.
    """

    why: str
    replaced: bool = True


class Worker:
    """Works on the parts of one job after the other.

    Args:
        threads: Of a part that is not small: as many as the process has that asks, so that results are the same.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._job = -1
        self._work: Callable[[Any], Any] = _nothing

    def answer(self, job: int, read: Callable[[], bytes], part: Any, *, small: bool) -> Answer:
        """Work on a part.

        Args:
            job: Its number.
            read: Gives the pickled `Make` of a job that is not known yet.
            part: To work on.
            small: It has one thread.
        """
        try:
            with torch_threads(1 if small else self._threads):
                if job != self._job:
                    self._work, self._job = _nothing, -1  # room for the next
                    self._work, self._job = pickle.loads(read())(), job  # noqa: S301 - written by the process that asks
                return Answer(self._work(part))
        except Exception as e:
            return Answer(error=_sendable(e), where=traceback.format_exc())


def _nothing(_: Any) -> Any:
    """Before the first job."""


def _sendable(error: Exception) -> Exception:
    """The error; in words where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
