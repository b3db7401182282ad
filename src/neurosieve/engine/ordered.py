"""The one way in which workers get parts: in order, a few ahead, and again where a worker was lost."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from neurosieve.engine.worker import Answer, Lost
from neurosieve.errors import is_out_of_memory, out_of_memory
from neurosieve.parts import Make

TRIES = 3  # of a part whose worker is lost, or runs out of memory


class Crew(Protocol):
    """Some workers, by number."""

    size: int

    def begin(self, make: Make[Any, Any], *, small: bool) -> None:
        """Say what is to be done with the parts that follow."""

    def hand(self, worker: int, part: Any) -> None:
        """Give a part to a worker that has none."""

    def wait(self) -> tuple[int, Answer | Lost]:
        """The next worker that has answered, or was lost; the last one is always replaced."""

    def dismiss(self) -> None:
        """End all workers, whatever they do; `begin` starts others."""


def run_ordered(crew: Crew, make: Make[Any, Any], parts: Iterable[Any], *, small: bool) -> Iterator[Any]:
    """What workers make of parts, in the order of these.

    No more parts are in work or done ahead of the next one than there are workers, unless they are small: what a
    stop loses, and what is held in memory, is bounded.

    Raises:
        ResourceError: Workers were lost, or ran out of memory, three times with the same part.
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
            if isinstance(answer, Answer) or answer.replaced:
                free.append(worker)
            number, part = busy.pop(worker)
            if isinstance(answer, Lost) or _lacks_memory(answer):
                lost[number] += 1
                _refuse_more(lost[number], number, answer)
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


def _lacks_memory(answer: Answer) -> bool:
    """Others may have left room when the part is tried again."""
    return answer.error is not None and is_out_of_memory(answer.error)


def _refuse_more(times: int, number: int, last: Answer | Lost) -> None:
    if times >= TRIES:
        why = last.why if isinstance(last, Lost) else f"{type(last.error).__name__}: {last.error}".strip(": ")
        raise out_of_memory(f"part {number + 1} of the work", f"{times} workers that did not end it, the last: {why}")
