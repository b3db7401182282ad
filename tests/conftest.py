"""What every test shares: one thread, since tiny tensors spend their time waiting for more."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of processes that tests start, too: spinning threads slow all others

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import settings

import tests.shared  # noqa: F401 - before other test processes start
from tests.chromium import CHROMIUM

torch.set_num_threads(1)

# Machines are noisy: no test is about its own time. `make test-all` tries more examples.
settings.register_profile("machine", deadline=None, max_examples=30)
settings.register_profile("many", deadline=None)
settings.load_profile("machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for tests of pages."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as p:
        started = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
