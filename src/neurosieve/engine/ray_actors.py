"""Workers that are actors of a Ray cluster (the extra `ray`): Ray's tasks and actors alone."""

import logging
import os
import pickle
import signal
import socket
import threading
import warnings
from functools import partial
from typing import Any

from neurosieve.engine.worker import Answer, Lost, Worker
from neurosieve.errors import ConfigError, ResourceError
from neurosieve.parts import Make

_PATIENCE = 10.0  # seconds for an address to answer
_LOOK = 5.0  # seconds after which one looks whether an actor has lost its room
_STORE_BYTES = 2**28  # of a cluster that is begun here: what all parts of a job need is in it once


class RayActors:
    """Actors, begun with the first job and kept for the next ones; each has one of the cluster's GPUs if it has any.

    Args:
        address: Of a cluster; None begins one on this machine, which ends with `close`.
        size: How many actors; as many as the cluster has room for, by default and at most.
        threads: Of each; an actor takes as many of the cluster's processors.

    Raises:
        ResourceError: Ray is not installed.
        ConfigError: No cluster answers at the address.
    """

    def __init__(self, address: str | None, size: int | None, threads: int) -> None:
        self._ray, self._threads = _ray(), threads
        errors = self._ray.exceptions
        self._losses = (errors.RayActorError, errors.ObjectLostError, errors.NodeDiedError, errors.WorkerCrashedError)
        self._ours = not self._ray.is_initialized()
        if self._ours:
            _connect(self._ray, address, (size or 1) * threads)
        self._processors = min(threads, max([1, *(int(node.get("CPU", 0)) for node in self._nodes())]))
        self._gpus, self._wanted = 0.0, size
        self.size = self._fitting()
        self._gpus = min(1.0, sum(node.get("GPU", 0) for node in self._nodes()) / self.size)
        self.size = self._fitting()
        self._actors: dict[int, Any] = {}
        self._begun: dict[int, Any] = {}
        self._answers: dict[Any, int] = {}
        self._make: Any = None
        self._job, self._small = 0, False

    def _nodes(self) -> list[dict[str, float]]:
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def _fitting(self) -> int:
        """How many of the wanted actors the living nodes have room for: one without would wait for ever."""
        room = 0
        for node in self._nodes():
            by_processors = int(node.get("CPU", 0)) // self._processors
            room += min(by_processors, int(node.get("GPU", 0) / self._gpus + 1e-6)) if self._gpus else by_processors
        return max(1, min(self._wanted or room, room))

    def begin(self, make: Make[Any, Any], *, small: bool) -> None:
        """See `Crew`."""
        self._job, self._small = self._job + 1, small
        self._make = self._ray.put(pickle.dumps(make, protocol=pickle.HIGHEST_PROTOCOL))
        self.size = self._fitting()  # nodes come and go
        for number in [n for n in self._actors if n >= self.size]:
            self._end(number)
        for number in range(self.size):
            if number not in self._actors:
                self._start(number)

    def _start(self, number: int) -> None:
        environment = {"OMP_NUM_THREADS": str(self._threads), "OMP_WAIT_POLICY": "PASSIVE"}
        self._actors[number] = (
            self._ray.remote(Actor)
            .options(
                num_cpus=self._processors,
                num_gpus=self._gpus,
                scheduling_strategy="SPREAD",
                runtime_env={"env_vars": environment},
            )
            .remote(self._threads)
        )
        self._begun[number] = self._actors[number].begun.remote()

    def hand(self, worker: int, part: Any) -> None:
        """See `Crew`."""
        # In a list a reference stays one: the actor fetches a job once, not with each part.
        answer = self._actors[worker].answer.remote(self._job, [self._make], part, small=self._small)
        self._answers[answer] = worker

    def wait(self) -> tuple[int, Answer | Lost]:
        """See `Crew`."""
        while not (ready := self._ray.wait(list(self._answers), num_returns=1, timeout=_LOOK)[0]):
            if (worker := self._without_room()) is not None:
                self._end(worker)
                return worker, Lost("Ray had no node for it", replaced=False)
        worker = self._answers.pop(ready[0])
        try:
            return worker, self._ray.get(ready[0])
        except self._ray.exceptions.OutOfMemoryError:
            why = "Ray ended it, as the memory of its machine was used up"
        except self._losses as e:
            why = f"Ray lost it ({type(e).__name__})"
        self._end(worker)
        self._start(worker)
        return worker, Lost(why)

    def _without_room(self) -> int | None:
        """A worker that has a part and cannot begin, as the node is gone that it had room on."""
        if len(self._actors) <= self._fitting():
            return None
        waiting = [number for number in self._answers.values() if not self._has_begun(number)]
        return waiting[0] if waiting else None

    def _has_begun(self, number: int) -> bool:
        return bool(self._ray.wait([self._begun[number]], timeout=0)[0])

    def _end(self, worker: int) -> None:
        self._answers = {answer: number for answer, number in self._answers.items() if number != worker}
        self._ray.kill(self._actors.pop(worker))

    def dismiss(self) -> None:
        """See `Crew`."""
        for worker in list(self._actors):
            self._end(worker)

    def close(self) -> None:
        """End all actors, and the cluster where it was begun here."""
        self._make = None
        if self._ray.is_initialized():
            self.dismiss()
            if self._ours:
                self._ray.shutdown()


class Actor:
    """A worker in a process of the cluster."""

    def __init__(self, threads: int) -> None:
        self._worker = Worker(threads)

    def begun(self) -> None:
        """Answered once there is room for the actor."""

    def answer(self, job: int, make: list[Any], part: Any, *, small: bool) -> Answer:
        """See `Worker.answer`."""
        return self._worker.answer(job, lambda: _ray().get(make[0]), part, small=small)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unless it is asked for
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray warns of otherwise
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
    except ImportError as e:
        raise ResourceError(
            "engine ray", expected="the package ray", got="none", remedy='pip install "neurosieve[ray]"'
        ) from e
    # What it says of its own defaults, which are the safe ones, would stand between our lines.
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    return ray


def _connect(ray: Any, address: str | None, processors: int) -> None:
    join = partial(ray.init, log_to_driver=False, logging_level="error", configure_logging=False)
    if address is None:
        begin = partial(join, num_cpus=processors, object_store_memory=_STORE_BYTES, include_dashboard=False)
        join = partial(begin, _node_ip_address="127.0.0.1")
    else:
        _check_reachable(address)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            join(address=address or "local")
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray sets one of its own
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as e:
        raise _unreachable(address or "local", f"{type(e).__name__}: {' '.join(str(e).split())[:200]}") from e


def _check_reachable(address: str) -> None:
    """Ray itself tries a wrong address for minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise _unreachable(address, "no HOST:PORT")
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as e:
        raise _unreachable(address, getattr(e, "strerror", None) or str(e)) from e


def _unreachable(address: str, got: str) -> ConfigError:
    return ConfigError(
        f"Ray address {address}",
        expected="a Ray cluster that answers there",
        got=got,
        remedy="check --ray-address and RAY_ADDRESS, or leave both out to begin a cluster on this machine",
    )
