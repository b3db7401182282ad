"""The one way in which workers get parts: in order, a few ahead, and again where a worker was lost."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from neurosieve.engine.worker import Answer
from neurosieve.errors import ResourceError
from neurosieve.parts import Make

TRIES = 3  # of a part whose worker is lost


class Crew(Protocol):
    """Some workers, by number."""

    size: int

    def begin(self, make: Make[Any, Any], *, small: bool) -> None:
        """Say what is to be done with the parts that follow."""

    def hand(self, worker: int, part: Any) -> None:
        """Give a part to a worker that has none."""

    def wait(self) -> tuple[int, Answer | None]:
        """The next worker that has answered; None where it was lost, and another took its place."""

    def dismiss(self) -> None:
        """End all workers, whatever they do; `begin` starts others."""


def run_ordered(crew: Crew, make: Make[Any, Any], parts: Iterable[Any], *, small: bool) -> Iterator[Any]:
    """What workers make of parts, in the order of these.

    No more parts are in work or done ahead of the next one than there are workers, unless they are small: what a
    stop loses, and what is held in memory, is bounded.

    Raises:
        ResourceError: Workers were lost three times with the same part.
    """
    crew.begin(make, small=small)
    source, again = enumerate(parts), deque[tuple[int, Any]]()
    free, busy, ready = deque(range(crew.size)), dict[int, tuple[int, Any]](), dict[int, Answer]()
    lost, due, begun = Counter[int](), 0, 0
    try:
        while True:
            while free and (again or small or begun < due + crew.size):
                following = again.popleft() if again else next(source, None)
                if following is None:
                    break
                begun = max(begun, following[0] + 1)
                busy[worker := free.popleft()] = following
                crew.hand(worker, following[1])
            if not busy:
                return
            worker, answer = crew.wait()
            free.append(worker)
            number, part = busy.pop(worker)
            if answer is None:
                lost[number] += 1
                _refuse_more(lost[number], number)
                again.append((number, part))
                continue
            ready[number] = answer
            while due in ready:
                yield _value(ready.pop(due))
                due += 1
    finally:
        if busy:  # an error, or nobody asks for the rest
            crew.dismiss()


def _value(answer: Answer) -> Any:
    """What was made; an error comes when its part is due, as in one process."""
    if answer.error is not None:
        answer.error.add_note(f"in a worker:\n{answer.where}")
        raise answer.error
    return answer.value


def _refuse_more(times: int, number: int) -> None:
    if times >= TRIES:
        raise ResourceError(
            f"part {number + 1} of the work",
            expected="a worker that ends it",
            got=f"{times} workers that were killed or lost with it",
            remedy="look for what ends them (most often memory: use fewer --workers); the same command continues",
        )
