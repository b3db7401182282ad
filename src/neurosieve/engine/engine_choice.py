"""The engine by its name, for as long as it is used."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from neurosieve.engine.ordered import Crew, run_ordered
from neurosieve.errors import ConfigError, unknown_name
from neurosieve.parts import InProcess, Make, running_on

if TYPE_CHECKING:
    from neurosieve.engine.processes import Processes
    from neurosieve.engine.ray_actors import RayActors

P = TypeVar("P")
R = TypeVar("R")
EngineName = Literal["local", "ray"]
ENGINES: tuple[EngineName, ...] = ("local", "ray")


class OnWorkers:
    """Parts are sent to a crew."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def map(self, make: Make[P, R], parts: Iterable[P], *, small: bool = False) -> Iterator[R]:
        """See `parts.Engine`."""
        return run_ordered(self._crew, make, parts, small=small)


@contextmanager
def engine(name: str = "local", *, workers: int | None = None, address: str | None = None) -> Iterator[None]:
    """Within the context the parts of studies run there; what they find is the same.

    Args:
        name: `local`, this machine, or `ray`, a Ray cluster.
        workers: Processes that work at the same time; one by default, which is this one, or with `ray` as many as the
            cluster has room for. Each has as many threads as torch has here.
        address: Of a Ray cluster; else that of `RAY_ADDRESS`, else one is begun on this machine.

    Raises:
        ConfigError: No such engine, no worker, or no cluster at the address.
        ResourceError: The package of the engine is not installed.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    if workers is not None and workers < 1:
        raise ConfigError("option workers", expected="1 or more", got=str(workers), remedy="leave it out")
    if address is not None and name != "ray":
        raise ConfigError(
            "option ray-address", expected="none with --engine local", got=address, remedy="add --engine ray"
        )
    if name == "local" and workers in (None, 1):
        with running_on(InProcess()):
            yield
        return
    crew = _crew(name, workers, address)
    try:
        with running_on(OnWorkers(crew)):
            yield
    finally:
        crew.close()


def _crew(name: str, workers: int | None, address: str | None) -> "Processes | RayActors":
    import torch  # an engine is chosen before anything that computes is loaded

    threads = torch.get_num_threads()
    if name == "local":
        from neurosieve.engine.processes import Processes

        return Processes(workers or 1, threads)
    from neurosieve.engine.ray_actors import RayActors

    return RayActors(address or os.environ.get("RAY_ADDRESS") or None, workers, threads)
