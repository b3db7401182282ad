"""The page in a real browser: nothing asked of the network, nothing in the console, nothing wider than the screen."""

import csv
import io
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from neurosieve.report import CHARTS, render_page
from tests.chromium import NEEDS_CHROMIUM, insert_foreign
from tests.report.concept_results import concepts_of
from tests.report.edit_results import interventions_of
from tests.report.export_results import export_of
from tests.report.records import LONG, result_of

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = NEEDS_CHROMIUM
WIDTHS, SCHEMES = (390, 1280), ("light", "dark")
KINDS = ("full", "nothing", "hostile")
PAGES = (*KINDS, *(f"concepts-{kind}" for kind in KINDS), "exports")
# Texts of figures that are seen and stand out of the screen.
CUT = """[...document.querySelectorAll('.plot text')].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width && (box.left < 0 || box.right > window.innerWidth);
}).map((e) => e.textContent)"""
INK = {"light": "rgb(28, 35, 48)", "dark": "rgb(231, 234, 240)"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name in KINDS:
        (folder / f"{name}.html").write_text(render_page(result_of(name), "run"), encoding="utf-8")
    made = {"small": export_of(), LONG: export_of(source=LONG)}
    (folder / "exports.html").write_text(render_page(result_of("full"), "run", exports=made), encoding="utf-8")
    for kind in KINDS:
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
        self.page.set_default_timeout(300_000)  # milliseconds, of a machine that is busy with other tests
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.on("dialog", self._refuse)
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("requestfinished", lambda r: self.got.append(r.url))
        self.page.goto(path.as_uri())

    def _refuse(self, dialog: Any) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()

    def turn(self, width: int, scheme: str) -> None:
        """To another screen."""
        self.page.bring_to_front()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)


@pytest.fixture(scope="module")
def opened(browser: Any, pages: dict[str, Path]) -> Iterator[Callable[[str], Opened]]:
    """Each page, opened once, on the narrow screen; tests leave its texts as they are."""
    once = cache(lambda name: Opened(browser, pages[name], WIDTHS[0]))
    yield once
    once.cache_clear()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_quiet_and_no_wider_than_the_screen(
    opened: Callable[[str], Opened], pages: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    at = opened(name)
    at.turn(width, scheme)
    at.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert at.page.evaluate("document.documentElement.scrollWidth") <= width
    assert at.said == []
    assert at.asked == [pages[name].as_uri()]
    texts = ".role-axis-label text, .role-axis-title text, .role-legend-label text"
    inks = at.page.evaluate(f"[...document.querySelectorAll('{texts}')].map(e => getComputedStyle(e).fill)")
    assert set(inks) == {INK[scheme]}
    assert at.page.evaluate(CUT) == []


@pytest.mark.parametrize("name", KINDS)
def test_all_figures_are_drawn(opened: Callable[[str], Opened], name: str) -> None:
    """Each once, of the width that fits the screen."""
    seen = "[...document.querySelectorAll('figure[data-figure]')].filter(f => f.querySelector('svg'))"
    at = opened(name)
    for width in WIDTHS:
        at.turn(width, "light")
        shown = at.page.evaluate(f"{seen}.map(f => [...f.querySelectorAll('svg')].filter(s => s.clientWidth).length)")
        assert set(shown) == {1}
    drawn = at.page.evaluate(f"{seen}.map(f => f.dataset.figure)")
    assert sorted(drawn) == sorted(key for key in CHARTS if name != "nothing" or key not in ("set", "pareto"))


def test_a_marked_token_stands_in_its_lines(opened: Callable[[str], Opened]) -> None:
    code = opened("concepts-full").page.query_selector("#evidence pre.code")
    assert code.text_content() == "def f(x):\n    y = 12\n    return y"
    assert code.query_selector("mark").text_content() == "12"


def saved(page: Any, section: str) -> Any:
    """The table below a figure, saved by its button."""
    with page.expect_download() as download:
        page.query_selector(f"{section} button").click()
    return download.value


def test_toggles_and_download(opened: Callable[[str], Opened]) -> None:
    page = opened("full").page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")
    table = page.query_selector("#curve details table")
    assert not table.is_visible()
    page.query_selector("#curve summary").click()
    assert table.is_visible()
    download = saved(page, "#curve")
    cells = table.evaluate("t => [...t.rows].map(r => [...r.cells].map(c => c.textContent))")
    text = Path(download.path()).read_text(encoding="utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == cells
    assert download.suggested_filename.endswith(".csv")


def test_a_formula_is_saved_as_text(opened: Callable[[str], Opened]) -> None:
    page = opened("full").page
    page.evaluate("document.querySelector('#layers details').open = true")
    page.evaluate("document.querySelector('#layers td').textContent = '=1+1'")
    assert "'=1+1" in Path(saved(page, "#layers").path()).read_text(encoding="utf-8-sig")


def test_hostile_texts_are_shown_as_texts(opened: Callable[[str], Opened]) -> None:
    page = opened("hostile").page
    head = page.query_selector("h1").text_content()
    assert head.startswith("<script>alert(1)</script></script><!-- <b>b</b> %{x} {{ 7*7 }}")
    assert LONG in page.query_selector("#mistakes").text_content()
    labels = page.query_selector_all("#classes .role-axis-label text")
    assert any("<scr" in label.text_content() for label in labels)


def test_prints(opened: Callable[[str], Opened]) -> None:
    """On A4 nothing is wider than the sheet, and paper is white whatever the screen was."""
    at = opened("full")
    at.turn(794, "dark")
    at.page.emulate_media(media="print")
    assert at.page.evaluate("document.documentElement.scrollWidth") <= 794
    assert at.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert at.page.pdf(format="A4")[:5] == b"%PDF-"
    at.page.emulate_media(media="screen")


@pytest.mark.parametrize("name", ["full", "concepts-full"])
def test_nothing_foreign_runs(browser: Any, pages: dict[str, Path], name: str) -> None:
    """Whatever text should get into the page as markup: the policy lets neither scripts, handlers nor requests act."""
    at = Opened(browser, pages[name])
    insert_foreign(at.page)
    assert sum("Content Security Policy" in text for text in at.said) >= 3
    assert at.got == [pages[name].as_uri()]
    at.page.close()
