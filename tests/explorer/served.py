"""A run of a shipped model behind a real server on the loopback."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurosieve.explorer.server import serve
from neurosieve.studies.concepts.run import continue_concepts
from neurosieve.studies.redundancy.run import run_study
from tests.shared import HOME, once
from tests.studies import CONCEPTS, FASTEST, quick

LAYER, CLUSTERS = 2, 5


@once
def shipped_run() -> Path:
    """A small study with the shipped decoder, with concepts and clusters; copied before names are written into it."""
    folder = HOME / "explorer" / "shipped"
    run_study(quick(model="neurosieve/decoder", **FASTEST), folder)
    continue_concepts(folder, CONCEPTS | {"clusters": [CLUSTERS], "latent_layers": [LAYER], "views": ["detect"]})
    return folder


@contextmanager
def on_loopback(place: Path) -> Iterator[str]:
    """The address of a server of a copy of the run, which ends with the block."""
    served = serve([Path(shutil.copytree(shipped_run(), place))], port=0)
    server = served.server()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [served.sock]})
    thread.start()
    try:
        yield served.address.rstrip("/")
    finally:
        server.should_exit = True
        thread.join()
