"""Parts in order, errors as they were, and lost workers, for each kind of workers."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neurosieve.engine.engine_choice import OnWorkers, engine
from neurosieve.engine.ordered import run_ordered
from neurosieve.engine.worker import Answer, Lost
from neurosieve.errors import DataError, NeurosieveError, ResourceError
from neurosieve.parts import InProcess, map_parts, reduce_parts, running_on
from tests.engine import (
    ask_too_much_of_numpy,
    ask_too_much_of_torch,
    be_killed,
    dying,
    failing,
    leave,
    times,
    twice,
)
from tests.tiny import assert_one_line


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_results_have_the_order_of_the_parts(crew: Any, count: int, small: bool) -> None:
    wanted = [3 * part for part in range(count)]
    assert list(InProcess().map(partial(times, 3), range(count), small=small)) == wanted
    assert list(OnWorkers(crew).map(partial(times, 3), range(count), small=small)) == wanted


def test_parts_are_merged_in_their_order(crew: Any) -> None:
    def merge(one: list[int], other: list[int]) -> None:
        one += other

    with running_on(OnWorkers(crew)):
        assert reduce_parts(twice, [[1], [2], [3]], merge) == [1, 1, 2, 2, 3, 3]
    assert reduce_parts(twice, [[1], [2], [3]], merge) == [1, 1, 2, 2, 3, 3]


def test_an_error_comes_as_it_was(crew: Any) -> None:
    error = DataError("x", expected="a", got="b", remedy="c")
    made = OnWorkers(crew).map(partial(failing, error), range(9))
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(DataError, match="x: expected a, got b; c") as caught:
        next(made)
    assert "in a worker" in caught.value.__notes__[0]
    assert list(OnWorkers(crew).map(partial(times, 2), range(3))) == [0, 2, 4]  # it works on


ENDS: dict[Callable[[], object], str] = {
    leave: r"it ended with exit code 9|Ray lost it \(ActorDiedError\)",
    be_killed: r"it was killed \(SIGKILL\), as the system does where memory runs out|Ray lost it \(ActorDiedError\)",
    ask_too_much_of_numpy: "MemoryError: Unable to allocate 512. TiB",
    ask_too_much_of_torch: "RuntimeError: .*can't allocate memory",
}


@pytest.mark.parametrize("end", [be_killed, ask_too_much_of_numpy, ask_too_much_of_torch])
def test_a_part_is_tried_three_times(crew: Any, tmp_path: Path, end: Callable[[], object]) -> None:
    assert list(OnWorkers(crew).map(partial(dying, str(tmp_path), 2, end), range(5))) == list(range(5))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("end", ENDS)
def test_a_part_is_given_up_after_three_tries(crew: Any, tmp_path: Path, end: Callable[[], object]) -> None:
    with pytest.raises(ResourceError) as caught:
        list(OnWorkers(crew).map(partial(dying, str(tmp_path), 9, end), range(5)))
    assert_one_line(caught.value, "part 2 of the work: expected enough memory, got 3 workers", "use fewer --workers")
    assert re.search(ENDS[end], str(caught.value))
    assert len(list(tmp_path.iterdir())) == 3
    assert list(OnWorkers(crew).map(partial(times, 2), range(3))) == [0, 2, 4]  # it works on


class Shrinking:
    """A crew in this process: the second worker is lost with its first part, and none takes its place."""

    def __init__(self) -> None:
        self.size, self._parts = 2, dict[int, int]()
        self._work: Callable[[Any], Any] = str
        self.gone = False

    def begin(self, make: Any, *, small: bool) -> None:
        del small
        self._work = make()

    def hand(self, worker: int, part: Any) -> None:
        assert not (self.gone and worker == 1)
        self._parts[worker] = part

    def wait(self) -> tuple[int, Answer | Lost]:
        worker = max(self._parts)
        part = self._parts.pop(worker)
        if worker == 1:
            self.gone = True
            return worker, Lost("its node is gone", replaced=False)
        return worker, Answer(self._work(part))

    def dismiss(self) -> None:
        raise AssertionError("all parts were done")


@pytest.mark.parametrize("small", [False, True])
def test_the_others_work_on_where_a_worker_is_not_replaced(small: bool) -> None:
    assert list(run_ordered(Shrinking(), partial(times, 3), range(7), small=small)) == [3 * part for part in range(7)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "spark"}, "engine 'spark': expected one of local, ray"),
        ({"name": "local", "workers": 0}, "option workers: expected 1 or more, got 0"),
        ({"name": "local", "address": "auto"}, "option ray-address: expected none with --engine local"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(NeurosieveError, match=said), engine(**options):
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:999999"])
def test_an_address_without_a_cluster_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    said = f"Ray address {address}: expected a Ray cluster"
    with pytest.raises(NeurosieveError, match=said), engine("ray", address=address):
        pass


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ResourceError, match=r'got none; pip install "neurosieve\[ray\]"'), engine("ray"):
        pass


def test_one_process_is_this_one() -> None:
    with engine("local", workers=1):
        assert list(map_parts(lambda: str, [1, 2])) == ["1", "2"]  # nothing is pickled
