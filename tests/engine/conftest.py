"""Workers and the cluster are begun once for all tests of a file."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from neurosieve.engine.processes import Processes


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    """Two processes."""
    crew = Processes(2, 1)
    yield crew
    crew.close()


@pytest.fixture(scope="session")
def actors() -> Iterator[Any]:
    """Two actors of a cluster on this machine."""
    pytest.importorskip("ray", reason="ray is not installed")
    from neurosieve.engine.ray_actors import RayActors

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own files and sockets
        crew = RayActors(None, 2, 1)
        yield crew
        crew.close()


@pytest.fixture(params=["processes", "actors"])
def crew(request: pytest.FixtureRequest) -> Any:
    """Each kind of workers."""
    return request.getfixturevalue(request.param)
