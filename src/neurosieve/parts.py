"""Work that falls into parts. Who has it done does not know where: in this process, or where an engine says.

The rooms that compute come before the engines, and so ask for one by this module. `engine.using` chooses it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, TypeVar

from neurosieve.threads import map_threads

P = TypeVar("P")
R = TypeVar("R")
# Makes what works on parts: called once a process, where the parts run. It holds what all parts need.
Make = Callable[[], Callable[[P], R]]


class Engine(Protocol):
    """Where parts run."""

    def map(self, make: Make[P, R], parts: Iterable[P], *, small: bool = False) -> Iterator[R]:
        """What is made of each part, in the order of the parts.

        Args:
            make: Sent to each worker once: a function of a module, or a `partial` of one, with what can be pickled.
            parts: They can be pickled, and so can what is made of them.
            small: A part has one thread, and what is made of it is small. Otherwise it has all threads of a process.
        """


def sharing(work: Callable[..., R], *shared: Any) -> Make[Any, R]:
    """A `Make` of a function of a module: it gets what all parts share, and then the part."""
    return partial(partial, work, *shared)


class InProcess:
    """Here, one part after the other; small ones side by side in threads."""

    def map(self, make: Make[P, R], parts: Iterable[P], *, small: bool = False) -> Iterator[R]:
        """See `Engine`. Nothing is pickled."""
        return map_threads(make(), parts) if small else map(make(), parts)


_engine: ContextVar[Engine] = ContextVar("engine", default=InProcess())  # noqa: B039 - it has no state


@contextmanager
def running_on(engine: Engine) -> Iterator[None]:
    """Within the context parts run there."""
    token = _engine.set(engine)
    try:
        yield
    finally:
        _engine.reset(token)


def in_process() -> bool:
    """Do parts run here, where their progress can be shown?"""
    return isinstance(_engine.get(), InProcess)


def map_parts(make: Make[P, R], parts: Iterable[P], *, small: bool = False) -> Iterator[R]:
    """What is made of each part, in the order of the parts; see `Engine.map`."""
    return _engine.get().map(make, parts, small=small)


def reduce_parts(make: Make[P, R], parts: Iterable[P], merge: Callable[[R, R], Any]) -> R:
    """What is made of all parts: that of the second is merged into that of the first, and so on in their order.

    So sums of floating-point numbers do not depend on where the parts run.

    Args:
        make: See `Engine.map`.
        parts: At least one.
        merge: Changes its first argument.
    """
    made = map_parts(make, parts)
    first = next(made)
    for other in made:
        merge(first, other)
    return first
