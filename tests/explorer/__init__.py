"""Runs that the explorer shows, and a client that asks for its pages as a browser does."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.testclient import TestClient

from neurosieve.explorer.guard import Guard
from neurosieve.explorer.server import open_all
from neurosieve.explorer.web_app import make_app
from neurosieve.studies.concepts.run import continue_concepts
from tests.shared import HOME, once
from tests.studies import CONCEPTS, finished_quick

HOST = "testserver"
CLUSTERS = 4


@once
def explored_run() -> Path:
    """A finished run with concepts and clusters, copied so that the explorer may build in it."""
    folder = Path(shutil.copytree(finished_quick().folder, HOME / "explorer" / "run"))
    continue_concepts(folder, CONCEPTS | {"clusters": [CLUSTERS], "latent_layers": [1], "views": ["detect"]})
    return folder


def client_of(*folders: Path, **options: Any) -> TestClient:
    """A client of the guarded application."""
    app = Guard(make_app(open_all(folders)), frozenset({HOST}), options.get("token"))
    return TestClient(app, headers={"origin": f"http://{HOST}"}, follow_redirects=False)


def post(client: TestClient, address: str, **fields: str) -> Any:
    """Send a form."""
    return client.post(
        address, content=urlencode(fields), headers={"content-type": "application/x-www-form-urlencoded"}
    )
