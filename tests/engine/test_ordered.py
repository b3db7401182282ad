"""Parts in order, errors as they were, and lost workers, for each kind of workers."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neurosieve.engine.engine_choice import OnWorkers, engine
from neurosieve.errors import DataError, NeurosieveError, ResourceError
from neurosieve.parts import InProcess, map_parts, reduce_parts, running_on
from tests.engine import dying, failing, times, twice


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


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_part_is_redone_where_its_worker_is_killed(crew: Any, tmp_path: Path, deaths: int) -> None:
    assert list(OnWorkers(crew).map(partial(dying, str(tmp_path), deaths), range(5))) == list(range(5))
    assert len(list(tmp_path.iterdir())) == deaths


def test_a_part_that_kills_its_workers_is_given_up(crew: Any, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="part 2 of the work: expected a worker that ends it, got 3 workers"):
        list(OnWorkers(crew).map(partial(dying, str(tmp_path), 9), range(5)))
    assert len(list(tmp_path.iterdir())) == 3


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
