"""A real browser for tests of pages, and what a page's policy has to stop."""

import shutil
from typing import Any

import pytest

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
_FOREIGN = """() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
    document.body.insertAdjacentHTML("beforeend", "<img src='http://127.0.0.1:9/x.png'>");
}"""


def insert_foreign(page: Any) -> None:
    """Put a script, a handler and a request into a page, as text that got into it as markup would."""
    page.evaluate(_FOREIGN)
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
