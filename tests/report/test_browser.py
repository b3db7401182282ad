"""The page in a real browser: nothing asked of the network, nothing in the console, nothing wider than the screen."""

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neurosieve.report import CHARTS, render_page
from tests.report.concept_results import concepts_of
from tests.report.edit_results import interventions_of
from tests.report.records import LONG, result_of

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
WIDTHS, SCHEMES = (390, 1280), ("light", "dark")
INK = {"light": "rgb(28, 35, 48)", "dark": "rgb(231, 234, 240)"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as p:
        started = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name in ("full", "nothing", "hostile"):
        (folder / f"{name}.html").write_text(render_page(result_of(name), "run"), encoding="utf-8")
    for kind in ("full", "nothing", "hostile"):
        page = render_page(None, "run", concepts_of(kind), interventions_of(kind))
        (folder / f"concepts-{kind}.html").write_text(page, encoding="utf-8")
    return {p.stem: p for p in folder.iterdir()}


class Opened:
    """A page with what it said, what it asked for, and what it got of that."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, scheme: str = "light") -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.got: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.on("dialog", self._refuse)
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("requestfinished", lambda r: self.got.append(r.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function("[...document.querySelectorAll('.plot')].every(p => p.querySelector('svg'))")

    def _refuse(self, dialog: Any) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()


@pytest.mark.parametrize("name", ["full", "nothing", "hostile"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_quiet_and_no_wider_than_the_screen(
    browser: Any, pages: dict[str, Path], width: int, scheme: str, name: str
) -> None:
    with Opened(browser, pages[name], width, scheme) as opened:
        page = opened.page
        for toggle in page.query_selector_all("summary"):
            toggle.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.said == []
        assert opened.asked == [pages[name].as_uri()]
        drawn = page.evaluate("[...document.querySelectorAll('.plot')].map(p => p.dataset.figure)")
        assert drawn == [key for key in CHARTS if name != "nothing" or key not in ("set", "pareto")]
        for text in page.query_selector_all(".xtick text, .ytick text, .x2tick text, .legendtext")[:40]:
            assert text.evaluate("e => getComputedStyle(e).fill") == INK[scheme]


@pytest.mark.parametrize("name", ["concepts-full", "concepts-nothing", "concepts-hostile"])
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_concepts_are_quiet_and_no_wider_than_the_screen(
    browser: Any, pages: dict[str, Path], width: int, scheme: str, name: str
) -> None:
    with Opened(browser, pages[name], width, scheme) as opened:
        page = opened.page
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.said == []
        assert opened.asked == [pages[name].as_uri()]
        for text in page.query_selector_all(".xtick text, .ytick text, .x2tick text, .legendtext")[:60]:
            assert text.evaluate("e => getComputedStyle(e).fill") == INK[scheme]


def test_a_marked_token_stands_in_its_lines(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["concepts-full"]) as opened:
        code = opened.page.query_selector("#evidence pre.code")
        assert code.text_content() == "def f(x):\n    y = 12\n    return y"
        assert code.query_selector("mark").text_content() == "12"


def test_toggles_and_download(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["full"]) as opened:
        section = opened.page.query_selector("#curve details")
        table = section.query_selector("table")
        assert not table.is_visible()
        section.query_selector("summary").click()
        assert table.is_visible()
        with opened.page.expect_download() as download:
            section.query_selector("button").click()
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
        cells = table.evaluate("t => [...t.rows].map(r => [...r.cells].map(c => c.textContent))")
        assert list(csv.reader(io.StringIO(text))) == cells
        assert download.value.suggested_filename.endswith(".csv")


def test_a_formula_is_saved_as_text(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["full"]) as opened:
        opened.page.evaluate("document.querySelector('#curve td').textContent = '=1+1'")
        opened.page.query_selector("#curve summary").click()
        with opened.page.expect_download() as download:
            opened.page.query_selector("#curve button").click()
        assert "'=1+1" in Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_hostile_texts_are_shown_as_texts(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["hostile"]) as opened:
        head = opened.page.query_selector("h1").text_content()
        assert head.startswith("<script>alert(1)</script></script><!-- <b>b</b> %{x} {{ 7*7 }}")
        assert LONG in opened.page.query_selector("#mistakes").text_content()
        labels = opened.page.query_selector_all("#classes .ytick text")
        assert any("<b>b</b>" in label.text_content() for label in labels)


@pytest.mark.parametrize("name", ["full", "concepts-full"])
def test_nothing_foreign_runs(browser: Any, pages: dict[str, Path], name: str) -> None:
    """Whatever text should get into the page as markup: the policy lets neither scripts, handlers nor requests act."""
    with Opened(browser, pages[name]) as opened:
        opened.page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.ran = true";
                document.body.append(script);
                document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
                document.body.insertAdjacentHTML("beforeend", "<img src='http://127.0.0.1:9/x.png'>");
            }"""
        )
        opened.page.wait_for_timeout(200)
        assert opened.page.evaluate("window.ran") is None
        assert sum("Content Security Policy" in text for text in opened.said) >= 3
        assert opened.got == [pages[name].as_uri()]


def test_prints(browser: Any, pages: dict[str, Path]) -> None:
    """On A4 nothing is wider than the sheet, and paper is white whatever the screen was."""
    with Opened(browser, pages["full"], 794, "dark") as opened:
        opened.page.emulate_media(media="print", color_scheme="dark")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 794
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert opened.page.pdf(format="A4")[:5] == b"%PDF-"
